//! `status-guard`: what the operator says, only the operator says. The status of what others declare, every
//! `SncAssessment`, every `SncWaiverSet` and every `SncImageLedger`, with or without our labels. An update that changes nothing says nothing: it is how
//! objects get from one stored version to the next, and nobody has to be let past for it.

use super::build::{Action, REQUEST, Refusal, Spec, USERNAME, matches, quote, rule, variable};
use super::managed_objects::by_collectors;
use super::{Guard, Identity};
use snc_core::lang::Lang;
use snc_core::names::{GROUP, GUARD_STATUS};

/// Of exceptions the approval is a person's; they have their own guard.
const STATUSES: &[&str] =
    &["sncbaselines/status", "snctenants/status", "sncpolicies/status", "snccontrols/status"];
const OPERATIONS: &[&str] = &["CREATE", "UPDATE", "DELETE"];

pub(super) fn guard(identity: &Identity, lang: Lang) -> Guard {
    Spec {
        name: GUARD_STATUS,
        action: Action::Deny,
        matches: matches(vec![
            rule(GROUP, "v1alpha1", STATUSES, &["CREATE", "UPDATE"]),
            rule(GROUP, "v1alpha1", &["sncassessments", "sncassessments/status"], OPERATIONS),
            rule(GROUP, "v1alpha1", &["sncwaiversets", "sncimageledgers"], OPERATIONS),
        ]),
        params: None,
        only: None,
        variables: vec![
            variable("user", USERNAME),
            variable(
                "unchanged",
                "request.operation == \"UPDATE\" && request.?subResource.orValue(\"\") == \"\" && object == oldObject",
            ),
        ],
        validations: vec![
            Refusal {
                fr: "status-guard: {operation} de {kind} {namespace}/{name} refusé à {user}: c'est snc-operator qui \
                     le constate, et lui seul l'écrit. Corrigez ce qui est constaté, ou lisez \
                     `kubectl snc explain`.",
                en: "status-guard: {operation} of {kind} {namespace}/{name} refused to {user}: it is what \
                     snc-operator finds, and nobody else writes it. Correct what is found, or read \
                     `kubectl snc explain`.",
                values: REQUEST,
            }
            .validation(
                lang,
                "Forbidden",
                format!(
                    "variables.user == {} || {} || variables.unchanged",
                    quote(&identity.username()),
                    by_collectors()
                ),
            ),
        ],
    }
    .build()
}
