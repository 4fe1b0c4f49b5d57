//! The least policy in which everything mandatory is. What must be there comes before what is left out, and what must never
//! be there before both; at the end everything else is at Metadata, for what nobody thought of is what is looked for later.

use super::wishes::{BODIES, Wanted, Wishes};
use super::{AuditPolicy, Resources, Rule, WRITES, noise};
use crate::event::{Level, Stage};
use snc_core::text::{Refusal, Text};

/// Why a rule is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub why: Text,
    pub requirements: Vec<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    pub policy: AuditPolicy,
    /// One for each rule.
    pub notes: Vec<Note>,
    /// What was asked for and is not in it.
    pub refused: Vec<Refusal>,
}

pub fn generate(wishes: &Wishes) -> Generated {
    let (wanted, refused) = wishes.sorted();
    let mut rules = Writer::default();

    rules.add(
        noise::authority(),
        "Le certificat public que chaque pod monte : les kubelets le relisent sans cesse.",
        "The public certificate that every pod mounts: kubelets read it over and over.",
        &[],
    );
    let bodies =
        BODIES.iter().fold(Rule::at(Level::Metadata), |rule, (group, resource)| add(rule, group, resource));
    rules.add(
        bodies,
        "Qui lit et écrit des secrets, des configurations et des jetons, jamais leur contenu : il serait en clair dans le \
         journal. Aucune règle qui garde un contenu ne passe avant celle-ci.",
        "Who reads and writes secrets, configurations and tokens, never their content: it would be in clear text in the \
         log. No rule that keeps content comes before this one.",
        &["12.6.b", "12.7.a"],
    );
    for (resources, namespaces) in wanted {
        let mut rule = resources
            .iter()
            .fold(Rule::at(Level::Request).verbs(WRITES), |rule, Wanted { group, resource }| {
                add(rule, group, resource)
            });
        rule.namespaces = namespaces.into_iter().collect();
        rules.add(
            rule,
            "Demandé par des tenants pour leurs espaces de noms : ce qui est écrit, avec son contenu.",
            "Asked for by tenants in their namespaces: what is written, with its content.",
            &["12.6.b"],
        );
    }
    rules.add(
        Rule::at(Level::Request).verbs(WRITES).on("rbac.authorization.k8s.io", &[]),
        "Droits donnés, changés, retirés : avec leur contenu, car un nom de rôle ne dit pas ce qu'il permet.",
        "Rights given, changed, taken away: with their content, for the name of a role does not tell what it allows.",
        &["12.6.b", "9.3.a"],
    );
    if !wishes.probes.is_empty() {
        let mut rule = Rule::at(Level::Metadata);
        rule.users = wishes.probes.iter().cloned().collect();
        rules.add(
            rule,
            "L'appel marqué qui prouve la chaîne de bout en bout : il doit toujours revenir.",
            "The marked call that proves the chain end to end: it has to come back always.",
            &["12.6.b", "12.8.a"],
        );
    }
    mandatory(&mut rules);
    left_out(&mut rules);
    rules.add(
        Rule { omit_stages: vec![Stage::ResponseStarted], ..Rule::at(Level::Metadata) }
            .groups(noise::KNOWN)
            .verbs(&["watch"]),
        "Les autres suivis (watch) : une fois, à leur fin. La condition sur les groupes n'en retire que les \
         authentifications refusées, dont ResponseStarted est la seule étape.",
        "Other watches: once, at their end. The condition on groups takes out only refused authentications, of which \
         ResponseStarted is the only stage.",
        &["12.6.b"],
    );
    rules.add(
        Rule::at(Level::Metadata),
        "Tout le reste, authentifications refusées comprises, ainsi que ce qui est fait en tant qu'un autre : la \
         politique ne voit que qui envoie la requête, pas en tant que qui.",
        "Everything else, refused authentications among it, and what is done as somebody else: the policy sees only who \
         sends a request, not as whom.",
        &["12.6.b", "9.2.b"],
    );
    let Writer { rules, notes } = rules;
    let policy = AuditPolicy { omit_stages: vec![Stage::RequestReceived], omit_managed_fields: true, rules };
    Generated { policy, notes, refused }
}

fn mandatory(rules: &mut Writer) {
    rules.add(
        Rule::at(Level::Metadata)
            .verbs(WRITES)
            .on("", &["serviceaccounts"])
            .on("authentication.k8s.io", &[])
            .on("certificates.k8s.io", &[]),
        "Comptes et identités : comptes de service, certificats demandés et approuvés.",
        "Accounts and identities: service accounts, certificates asked for and approved.",
        &["12.6.b", "9.2.a"],
    );
    rules.add(
        Rule::at(Level::Metadata).on("", &[
            "nodes/proxy",
            "pods/attach",
            "pods/ephemeralcontainers",
            "pods/exec",
            "pods/portforward",
            "pods/proxy",
            "services/proxy",
        ]),
        "Entrées dans les conteneurs et sur les nœuds, dès leur début (ResponseStarted). Les sous-ressources sont nommées : \
         une règle sur pods ne les couvre pas.",
        "Ways into containers and onto nodes, from their beginning (ResponseStarted). Subresources are named: a rule on \
         pods does not cover them.",
        &["12.6.b"],
    );
    rules.add(
        Rule::at(Level::Metadata)
            .verbs(WRITES)
            .on("admissionregistration.k8s.io", &[])
            .on("apiextensions.k8s.io", &[])
            .on("apiregistration.k8s.io", &[])
            .on(snc_core::names::GROUP, &[]),
        "Administration : contrôles d'admission, extensions de l'API, déclarations SecNumCloud.",
        "Administration: admission controls, extensions of the API, SecNumCloud declarations.",
        &["12.6.b", "12.7.a"],
    );
    rules.add(
        Rule::at(Level::Metadata)
            .verbs(WRITES)
            .on("", &["namespaces", "namespaces/finalize", "namespaces/status", "nodes"])
            .on("networking.k8s.io", &[]),
        "Cloisonnement et système : espaces de noms, nœuds, politiques réseau.",
        "Isolation and system: namespaces, nodes, network policies.",
        &["12.6.b"],
    );
}

fn left_out(rules: &mut Writer) {
    for rule in noise::leases() {
        rules.add(
            rule,
            "Renouvellement de baux : toutes les quelques secondes, sans rien d'autre que « je suis là ».",
            "Renewals of leases: every few seconds, saying nothing but \"I am here\".",
            &[],
        );
    }
    for rule in noise::events() {
        rules.add(
            rule,
            "Objets Event écrits par les composants : ils sont eux-mêmes un récit.",
            "Event objects that components write: they are a record themselves.",
            &[],
        );
    }
    rules.add(noise::heartbeats(), "États que les kubelets rapportent.", "States that kubelets report.", &[]);
    for rule in noise::copies() {
        rules.add(
            rule,
            "Copies que les composants tiennent à jour ; ni secrets ni configurations.",
            "Copies that components keep up to date; neither secrets nor configurations.",
            &[],
        );
    }
    rules.add(
        noise::questions(),
        "Santé et découverte, en lecture. Sans les authentifications refusées : elles ne sont dans aucun groupe.",
        "Health and discovery, read only. Not refused authentications: those are in no group.",
        &[],
    );
}

/// Resources of one group together.
fn add(mut rule: Rule, group: &str, resource: &str) -> Rule {
    match rule.resources.iter_mut().find(|of| of.group == group) {
        Some(of) => of.resources.push(resource.to_owned()),
        None => rule.resources.push(Resources {
            group: group.to_owned(),
            resources: vec![resource.to_owned()],
            resource_names: Vec::new(),
        }),
    }
    rule
}

#[derive(Default)]
struct Writer {
    rules: Vec<Rule>,
    notes: Vec<Note>,
}

impl Writer {
    fn add(&mut self, rule: Rule, fr: &str, en: &str, requirements: &[&'static str]) {
        self.rules.push(rule);
        self.notes.push(Note { why: Text::new(fr, en), requirements: requirements.to_vec() });
    }
}
