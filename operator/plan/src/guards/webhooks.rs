//! `webhook-guard`: our webhook configuration is the operator's alone. Policies see webhook configurations, never
//! policies and their bindings: these are put back when somebody changes them.

use super::build::{Action, Refusal, Spec, USERNAME, matches, quote, rule, variable};
use super::{Guard, Identity};
use snc_core::lang::Lang;
use snc_core::names::{GUARD_WEBHOOK, LABEL_MANAGED_BY, MANAGED_BY, WEBHOOK};

/// CEL: that side is ours, by its name or our label.
fn ours(side: &str) -> String {
    format!(
        "{side}.?metadata.?name.orValue(\"\") == {} || \
         {side}.?metadata.?labels[?\"{LABEL_MANAGED_BY}\"].orValue(\"\") == {}",
        quote(WEBHOOK),
        quote(MANAGED_BY)
    )
}

pub(super) fn guard(identity: &Identity, lang: Lang) -> Guard {
    Spec {
        name: GUARD_WEBHOOK,
        action: Action::Deny,
        matches: matches(vec![rule(
            "admissionregistration.k8s.io",
            "v1",
            &["validatingwebhookconfigurations", "mutatingwebhookconfigurations"],
            &["CREATE", "UPDATE", "DELETE"],
        )]),
        params: None,
        only: None,
        variables: vec![variable("ours", format!("{} || {}", ours("object"), ours("oldObject")))],
        validations: vec![
            Refusal {
                fr: "webhook-guard: {operation} de {kind} {name} refusé à {user}: seul snc-operator écrit son webhook. \
                     En urgence, ôtez d'abord la garde, que l'opérateur remet: \
                     kubectl delete validatingadmissionpolicybinding webhook-guard.secnumcloud.dev.",
                en: "webhook-guard: {operation} of {kind} {name} refused to {user}: only snc-operator writes its \
                     webhook. In an emergency take the guard away first, which the operator puts back: \
                     kubectl delete validatingadmissionpolicybinding webhook-guard.secnumcloud.dev.",
                values: &[
                    ("operation", "request.operation"),
                    ("kind", "request.kind.kind"),
                    ("name", "request.?name.orValue(\"\")"),
                    ("user", USERNAME),
                ],
            }
            .validation(
                lang,
                "Forbidden",
                format!("!variables.ours || {USERNAME} == {}", quote(&identity.username())),
            ),
        ],
    }
    .build()
}
