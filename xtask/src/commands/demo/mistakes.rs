//! The mistakes that the demo plants: what is tried, what the cluster answers, whether that is as it should be.

mod plays;

use super::{
    say,
    scene::{Cluster, Scene, manifest},
    webhook,
};
use crate::harness::{Output, interrupt};
use anyhow::Result;
use serde::{Deserialize, Serialize};

pub(super) type Text = (&'static str, &'static str);

pub(super) struct Mistake {
    title: Text,
    outcome: Text,
    /// Who refuses, reports or repairs.
    by: &'static str,
    play: fn(&mut Act<'_>) -> Result<()>,
}

/// How one mistake went, kept for those who look later. The position is the one in [`ALL`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Played {
    position: usize,
    /// What was not as it should be; empty when all was.
    pub(super) differs: Vec<String>,
}

pub(super) const ALL: [Mistake; 11] = [
    Mistake {
        title: (
            "La plateforme « dépanne » l'atelier avec une NetworkPolicy qui ouvre un réseau que nul n'a déclaré",
            "The platform team \"helps\" the atelier with a NetworkPolicy that opens a network nobody declared",
        ),
        outcome: ("signalé : l'isolation est démentie", "reported: the isolation is disproved"),
        by: "NetworkPolicyEffective",
        play: plays::foreign_policy,
    },
    Mistake {
        title: (
            "alice retire le label de tenant d'un namespace",
            "alice removes the tenant label of a namespace",
        ),
        outcome: ("refusé", "refused"),
        by: "namespace-guard",
        play: plays::label_removal,
    },
    Mistake {
        title: ("La boutique demande plus que son total", "The boutique asks for more than its total"),
        outcome: ("ramené au total et signalé", "cut to the total and reported"),
        by: "QuotaExceeded",
        play: plays::quota_abuse,
    },
    Mistake {
        title: ("alice affaiblit sa politique", "alice weakens her policy"),
        outcome: ("refusé", "refused"),
        by: "sncpolicy-ratchet",
        play: plays::weakening,
    },
    Mistake {
        title: (
            "Un pod au premier instant d'un nouveau namespace, avant son isolation",
            "A pod in the first instant of a new namespace, before its isolation",
        ),
        outcome: ("refusé, puis admis une fois isolé", "refused, then admitted once isolated"),
        by: "isolation-gate",
        play: plays::first_instant,
    },
    Mistake {
        title: ("bruno supprime le default-deny", "bruno deletes the default-deny"),
        outcome: ("refusé", "refused"),
        by: "managed-object-guard",
        play: plays::default_deny,
    },
    Mistake {
        title: (
            "Une vraie dérive : la garde est retirée, puis le default-deny supprimé",
            "A real drift: the guard is removed, then the default-deny deleted",
        ),
        outcome: ("réparé", "repaired"),
        by: "snc-operator",
        play: plays::drift,
    },
    Mistake {
        title: (
            "bruno déclare un flux vers le namespace d'un autre tenant",
            "bruno declares a flow to another tenant's namespace",
        ),
        outcome: ("flux refusé et signalé", "flow refused and reported"),
        by: "FieldsRefused",
        play: plays::foreign_flow,
    },
    Mistake {
        title: (
            "Un nom réservé, sans le label de son tenant",
            "A reserved name, without the label of its tenant",
        ),
        outcome: ("refusé", "refused"),
        by: "reserved-names",
        play: plays::reserved_name,
    },
    Mistake {
        title: (
            "Un conteneur privilégié, dans le modèle d'un Deployment",
            "A privileged container, in the template of a Deployment",
        ),
        outcome: ("refusé", "refused"),
        by: "pods-pod-security-enforce",
        play: plays::privileged,
    },
    Mistake {
        title: (
            "Un Deployment en root, que seul le webhook regarde",
            "A Deployment as root, which nobody but the webhook looks at",
        ),
        outcome: ("refusé, avec tous les contrôles en échec", "refused, with all controls that fail"),
        by: webhook::NAME,
        play: plays::as_root,
    },
];

/// One mistake on stage.
pub(super) struct Act<'a> {
    scene: &'a Scene,
    differs: Vec<String>,
}

impl Act<'_> {
    fn tried(&self, fr: &'static str, en: &'static str, commands: &[&str]) {
        say::labelled(self.scene.pick("tenté", "tried"), self.scene.pick(fr, en));
        for command in commands {
            outln!("             $ {command}");
        }
    }

    fn then(&self, text: &str) {
        say::labelled(self.scene.pick("ensuite", "then"), text);
    }

    fn answer(&self, text: &str) {
        say::labelled(self.scene.pick("réponse", "answer"), text.trim());
    }

    fn check(&mut self, ok: bool, expected: &str, got: &str) {
        if !ok {
            self.differs.push(format!("expected {expected}, got: {}", got.trim()));
        }
    }

    /// Prints a refusal of the webhook, all of it: it must name each of these controls, and be an answer and not a silence.
    fn refused_by_webhook(&mut self, output: &Output, controls: &[&str]) {
        let said = output.stderr.replace(&manifest(""), "manifests/demo/");
        let denial = format!("{}\" denied the request", webhook::NAME);
        for line in said.lines() {
            self.answer(line);
        }
        self.check(!output.success() && said.contains(&denial), "a refusal by the webhook", &said);
        for control in controls {
            self.check(said.contains(control), control, &said);
        }
    }

    /// Prints a refusal, which must come from this guard and not from RBAC or anything else.
    fn refused(&mut self, output: &Output, guard: &str) {
        let said = format!("{}{}", output.stdout, output.stderr);
        let error = said.lines().find(|line| line.contains(guard)).unwrap_or(&said).to_owned();
        self.answer(&error.replace(&manifest(""), "manifests/demo/"));
        self.check(!output.success() && said.contains(guard), &format!("a refusal by {guard}"), &said);
    }
}

pub(super) fn play_all(scene: &Scene) -> Result<Vec<Played>> {
    let mut played = Vec::new();
    // The API server of a cluster elsewhere does not reach a webhook on this machine.
    let local = matches!(scene.cluster, Cluster::Local(_));
    for (position, mistake) in
        ALL.iter().enumerate().filter(|(_, mistake)| local || mistake.by != webhook::NAME)
    {
        outln!("\n{}. {}", position + 1, scene.pick(mistake.title.0, mistake.title.1));
        let mut act = Act { scene, differs: Vec::new() };
        let result = (mistake.play)(&mut act);
        interrupt::check()?;
        let mut differs = act.differs;
        differs.extend(result.err().map(|error| format!("{error:#}")));
        let label = scene.pick("résultat", "result");
        let outcome = scene.pick(mistake.outcome.0, mistake.outcome.1);
        if differs.is_empty() {
            say::labelled(label, &format!("✔ {outcome} ({})", mistake.by));
        }
        for difference in &differs {
            say::labelled(
                label,
                &format!("✘ {} {difference}", scene.pick("PAS COMME PRÉVU :", "NOT AS EXPECTED:")),
            );
        }
        played.push(Played { position, differs });
    }
    Ok(played)
}

/// The table of what was refused, reported or repaired.
pub(super) fn table(scene: &Scene, played: &[Played]) -> String {
    let heads = [
        scene.pick("ERREUR PLANTÉE", "PLANTED MISTAKE"),
        scene.pick("RÉSULTAT", "RESULT"),
        scene.pick("PAR", "BY"),
    ];
    let mut rows = vec![[&[String::new()][..], &heads.map(str::to_owned)].concat()];
    for Played { position, differs } in played {
        let Some(mistake) = ALL.get(*position) else { continue };
        let outcome = if differs.is_empty() {
            scene.pick(mistake.outcome.0, mistake.outcome.1)
        } else {
            scene.pick("PAS COMME PRÉVU", "NOT AS EXPECTED")
        };
        rows.push(vec![
            (position + 1).to_string(),
            scene.pick(mistake.title.0, mistake.title.1).to_owned(),
            outcome.to_owned(),
            mistake.by.to_owned(),
        ]);
    }
    say::columns(&rows)
}
