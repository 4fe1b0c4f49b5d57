//! Admission plugins of the API server, from its flags where they can be read, else from its metrics.

use super::input::{ApiServerSeen, Input, Trial};
use super::{Judged, State, installed, some};
use snc_core::lang::Lang;
use std::collections::BTreeSet;

/// Those that matter here, of the ones that the API server runs unless told otherwise.
const BY_DEFAULT: &[&str] = &["LimitRanger", "PodSecurity", "ResourceQuota", "ValidatingAdmissionPolicy"];

/// Cannot be switched off on any server that works, and judges every creation.
const ALWAYS: &str = "NamespaceLifecycle";

pub fn validating_admission_policy(input: &Input, lang: Lang) -> Judged {
    let served = match &input.admission_resources {
        Ok(resources) => resources.contains("validatingadmissionpolicies"),
        Err(trouble) => return (State::Unknown, trouble.message(lang)),
    };
    if !served {
        let seen =
            lang.str("ValidatingAdmissionPolicy n'est pas servie", "ValidatingAdmissionPolicy is not served");
        return (State::Missing, seen.to_owned());
    }
    // Proven by a guard that refused, else asked of the plugin: it can be switched off while the kind is served.
    let (state, seen) = match installed::gate(input, lang) {
        (State::Ok, seen) => (State::Ok, seen),
        _ => plugins(input, &["ValidatingAdmissionPolicy"], lang),
    };
    (state, lang.pick(|| format!("servie ; {seen}"), || format!("served; {seen}")))
}

pub fn node_restriction(input: &Input, lang: Lang) -> Judged {
    plugins(input, &["NodeRestriction"], lang)
}

pub fn quota(input: &Input, lang: Lang) -> Judged {
    plugins(input, &["ResourceQuota", "LimitRanger"], lang)
}

/// Proven by a privileged pod that is refused; a label alone proves nothing.
pub fn pod_security(input: &Input, lang: Lang) -> Judged {
    match &input.pod_security {
        Err(trouble) => (State::Unknown, trouble.message(lang)),
        Ok(Some((namespace, Trial::Refused(message)))) if message.contains("violates PodSecurity") => {
            let seen = lang.pick(
                || format!("un pod d'essai privilégié (dry-run) dans {namespace} a été refusé"),
                || format!("a privileged trial pod (dry run) in {namespace} was refused"),
            );
            (State::Ok, seen)
        }
        Ok(Some((namespace, Trial::Accepted))) => {
            let seen = lang.pick(
                || format!("un pod d'essai privilégié (dry-run) dans {namespace}, qui a un label enforce, a été accepté"),
                || format!("a privileged trial pod (dry run) in {namespace}, which has an enforce label, was accepted"),
            );
            (State::Missing, seen)
        }
        Ok(Some((_, Trial::Refused(message)))) => (State::Unknown, message.clone()),
        Ok(Some((_, Trial::NotTried)) | None) => {
            let nowhere = lang.str(
                "aucun namespace avec le label enforce où l'essayer",
                "no namespace with an enforce label to try it in",
            );
            match plugins(input, &["PodSecurity"], lang) {
                (State::Missing, seen) => (State::Missing, seen),
                (_, seen) => (
                    State::Unknown,
                    lang.pick(|| format!("{nowhere} ; {seen}"), || format!("{nowhere}; {seen}")),
                ),
            }
        }
    }
}

fn plugins(input: &Input, wanted: &[&str], lang: Lang) -> Judged {
    if let Some(servers) = input.all_api_servers() {
        return by_flags(servers, wanted, lang);
    }
    let metrics = match &input.metrics {
        Ok(metrics) => metrics,
        Err(trouble) => return (State::Unknown, trouble.message(lang)),
    };
    let silent: Vec<&str> = wanted.iter().copied().filter(|name| !metrics.plugins.contains(*name)).collect();
    let names = wanted.join(", ");
    if !silent.is_empty() {
        let silent = silent.join(", ");
        let seen = lang.pick(
            || format!("{silent} absent des métriques du serveur d'API"),
            || format!("{silent} not in the metrics of the API server"),
        );
        // All of these judge every creation: where this one did and they did not, they are off.
        let judged = metrics.plugins.contains(ALWAYS);
        return (if judged { State::Missing } else { State::Unknown }, seen);
    }
    if input.the_only_api_server() {
        let seen = lang.pick(
            || format!("{names} juge des requêtes (métriques)"),
            || format!("{names} judges requests (metrics)"),
        );
        return (State::Ok, seen);
    }
    let seen = lang.pick(
        || {
            format!(
                "{names} juge des requêtes sur le serveur d'API qui a répondu ; les autres n'ont pas été vus"
            )
        },
        || format!("{names} judges requests on the API server that answered; the others were not seen"),
    );
    (State::Unknown, seen)
}

fn by_flags(servers: &[ApiServerSeen], wanted: &[&str], lang: Lang) -> Judged {
    let lacking: Vec<String> = servers
        .iter()
        .filter_map(|server| {
            let on = enabled(server);
            let off: Vec<&str> = wanted.iter().copied().filter(|name| !on.contains(name)).collect();
            (!off.is_empty()).then(|| format!("{} ({})", off.join(", "), server.pod))
        })
        .collect();
    if lacking.is_empty() {
        let (names, pods) = (wanted.join(", "), some(servers.iter().map(|s| s.pod.as_str()), 5));
        let seen = lang.pick(
            || format!("{names} actif d'après les options de {pods}"),
            || format!("{names} is on by the flags of {pods}"),
        );
        return (State::Ok, seen);
    }
    let lacking = some(lacking, 5);
    (State::Missing, lang.pick(|| format!("inactif : {lacking}"), || format!("off: {lacking}")))
}

fn enabled(server: &ApiServerSeen) -> BTreeSet<&str> {
    // Given twice, both lists count.
    let listed = |flag: &str| -> BTreeSet<&str> {
        let values = server
            .args
            .iter()
            .filter_map(|arg| arg.strip_prefix("--")?.strip_prefix(flag)?.strip_prefix('='));
        values.flat_map(|value| value.split(',')).map(str::trim).collect()
    };
    let mut on: BTreeSet<&str> = BY_DEFAULT.iter().copied().collect();
    on.extend(listed("enable-admission-plugins"));
    &on - &listed("disable-admission-plugins")
}
