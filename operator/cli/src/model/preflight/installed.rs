//! What the chart and the operator put there.

use super::input::{Input, Trial};
use super::{Judged, State, some};
use snc_api::{is_served, schemas};
use snc_core::lang::Lang;
use snc_core::names::GUARD_GATE;
use snc_plan::guards::{Guard, Identity, bypass_group, guards as wanted_guards};

pub fn crds(input: &Input, lang: Lang) -> Judged {
    let (mut absent, mut other, mut unread) = (Vec::new(), Vec::new(), Vec::new());
    for wanted in snc_api::all_crds() {
        let name = wanted.metadata.name.clone().unwrap_or_default();
        match input.crds.iter().find(|(found, _)| *found == name).map(|(_, read)| read) {
            Some(Ok(Some(found))) if is_served(found) && schemas(found) == schemas(&wanted) => {}
            Some(Ok(Some(found))) if !is_served(found) => {
                other.push(lang.pick(|| format!("{name} (pas servie)"), || format!("{name} (not served)")));
            }
            Some(Ok(Some(_))) => {
                other.push(
                    lang.pick(|| format!("{name} (autre schéma)"), || format!("{name} (another schema)")),
                );
            }
            Some(Ok(None)) => {
                absent.push(lang.pick(|| format!("{name} (absente)"), || format!("{name} (absent)")));
            }
            Some(Err(trouble)) => unread.push(trouble.message(lang)),
            None => unread.push(name),
        }
    }
    absent.append(&mut other);
    match (absent.is_empty(), unread.is_empty()) {
        (true, true) => {
            let version = env!("CARGO_PKG_VERSION");
            let seen = lang.pick(
                || format!("toutes sont servies, avec le schéma de la version {version}"),
                || format!("all of them are served, with the schema of version {version}"),
            );
            (State::Ok, seen)
        }
        (false, _) => (State::Missing, some(absent, 5)),
        (true, false) => (State::Unknown, some(unread, 5)),
    }
}

/// Equal in what they decide, in one of the two languages.
pub fn guards(input: &Input, lang: Lang) -> Judged {
    let (policies, bindings) = match (&input.guards, &input.guard_bindings) {
        (Ok(policies), Ok(bindings)) => (policies, bindings),
        (Err(trouble), _) | (_, Err(trouble)) => return (State::Unknown, trouble.message(lang)),
    };
    let name = |guard: &Guard| guard.policy.metadata.name.clone().unwrap_or_default();
    let same = |guard: &Guard| {
        let wanted = &guard.policy.metadata.name;
        policies.iter().any(|p| p.metadata.name == *wanted && p.spec == guard.policy.spec)
            && guard.bindings.iter().all(|own| {
                bindings.iter().any(|b| b.metadata.name == own.metadata.name && b.spec == own.spec)
            })
    };
    let there = |guard: &Guard| {
        let wanted = &guard.policy.metadata.name;
        policies.iter().any(|p| p.metadata.name == *wanted)
            && guard.bindings.iter().all(|own| bindings.iter().any(|b| b.metadata.name == own.metadata.name))
    };
    // Whom they let past is the platform's choice, and is told.
    let bypass_group = bypass_group(policies);
    let identity = Identity { bypass_group: bypass_group.clone(), ..input.settings.identity.clone() };
    let (french, english) = (wanted_guards(&identity, Lang::Fr), wanted_guards(&identity, Lang::En));
    let lacking: Vec<String> = french
        .iter()
        .zip(&english)
        .filter(|(fr, en)| !same(fr) && !same(en))
        .map(|(guard, _)| {
            let name = name(guard);
            if there(guard) {
                lang.pick(|| format!("{name} (différente)"), || format!("{name} (different)"))
            } else {
                lang.pick(|| format!("{name} (absente)"), || format!("{name} (absent)"))
            }
        })
        .collect();
    if lacking.is_empty() {
        let all = french.len();
        let seen = lang.pick(
            || format!("{all} gardes, telles que cette version les écrit"),
            || format!("{all} guards, as this version writes them"),
        );
        let passed = bypass_group.map(|group| {
            lang.pick(
                || format!(" ; le groupe « {group} » passe outre les refus de charges"),
                || format!("; the group \"{group}\" is let past refusals of workloads"),
            )
        });
        return (State::Ok, seen + passed.as_deref().unwrap_or_default());
    }
    (State::Missing, some(lacking, 6))
}

/// That a guard is there does not mean that it acts: a pod is tried in the canary namespace, which is never isolated.
pub fn gate(input: &Input, lang: Lang) -> Judged {
    let namespace = &input.settings.canary_namespace;
    match &input.gate {
        Trial::Refused(message) if message.contains(GUARD_GATE) => {
            let seen = lang.pick(
                || format!("un pod d'essai (dry-run) dans {namespace} a été refusé par {GUARD_GATE}"),
                || format!("a trial pod (dry run) in {namespace} was refused by {GUARD_GATE}"),
            );
            (State::Ok, seen)
        }
        Trial::Refused(message) => (State::Unknown, message.clone()),
        Trial::Accepted => {
            let seen = lang.pick(
                || format!("un pod d'essai (dry-run) dans {namespace} a été accepté"),
                || format!("a trial pod (dry run) in {namespace} was accepted"),
            );
            (State::Missing, seen)
        }
        Trial::NotTried => {
            let seen = lang.pick(
                || format!("pas de namespace {namespace} où l'essayer"),
                || format!("no namespace {namespace} to try it in"),
            );
            (State::Unknown, seen)
        }
    }
}
