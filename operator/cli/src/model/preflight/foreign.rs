//! What others brought that can open, refuse or change what the operator writes.

use super::input::Input;
use super::{Judged, State, some};
use snc_core::lang::Lang;

const ENGINES: &[(&str, &str)] = &[
    ("kyverno.io", "Kyverno"),
    ("policies.kyverno.io", "Kyverno"),
    ("templates.gatekeeper.sh", "Gatekeeper"),
    ("policies.kubewarden.io", "Kubewarden"),
    ("jspolicy.com", "jsPolicy"),
    ("capsule.clastix.io", "Capsule"),
];

/// What the operator writes, as `group/resource`.
pub const WRITTEN: &[&str] = &[
    "/namespaces",
    "/resourcequotas",
    "/limitranges",
    "/configmaps",
    "/serviceaccounts",
    "networking.k8s.io/networkpolicies",
    "rbac.authorization.k8s.io/rolebindings",
];

pub fn network_policies(input: &Input, lang: Lang) -> Judged {
    let kinds = match &input.policy_kinds {
        Ok(kinds) => kinds,
        Err(trouble) => return (State::Unknown, trouble.message(lang)),
    };
    if kinds.is_empty() {
        let seen =
            lang.str("aucun autre genre de règle réseau servi", "no other kind of network policy is served");
        return (State::Ok, seen.to_owned());
    }
    let state = if kinds.iter().all(|kind| kind.objects == Ok(0)) { State::Ok } else { State::Unknown };
    let told = kinds.iter().map(|kind| match &kind.objects {
        Ok(objects) => format!("{} ({objects})", kind.resource),
        Err(_) => format!("{} (?)", kind.resource),
    });
    (state, some(told, 10))
}

pub fn engines(input: &Input, lang: Lang) -> Judged {
    let (groups, webhooks) = match (&input.groups, &input.webhooks) {
        (Ok(groups), Ok(webhooks)) => (groups, webhooks),
        (Err(trouble), _) | (_, Err(trouble)) => return (State::Unknown, trouble.message(lang)),
    };
    let mut names: Vec<&str> =
        ENGINES.iter().filter(|(group, _)| groups.contains_key(*group)).map(|(_, name)| *name).collect();
    names.dedup();
    let touching = webhooks.iter().filter(|webhook| !webhook.touches.is_empty()).map(|webhook| {
        let kind = if webhook.mutating { "MutatingWebhook" } else { "ValidatingWebhook" };
        let touches: Vec<&str> = webhook.touches.iter().map(|t| t.trim_start_matches('/')).collect();
        format!("{kind} {} ({})", webhook.configuration, touches.join(" "))
    });
    let told: Vec<String> = names.into_iter().map(ToOwned::to_owned).chain(touching).collect();
    if told.is_empty() {
        let seen = lang.str(
            "ni moteur de règles connu, ni webhook sur ce que l'opérateur écrit",
            "no known policy engine, no webhook on what the operator writes",
        );
        return (State::Ok, seen.to_owned());
    }
    (State::Unknown, some(told, 10))
}
