//! `status-guard`: what the operator says, only the operator says. The status of what others declare, every
//! `SncAssessment`, every `SncWaiverSet` and every `SncImageLedger`, with or without our labels; and what the audit sink says
//! of the audit log, that sink alone. An update that changes nothing says nothing: it is how objects get from one stored
//! version to the next, and nobody has to be let past for it.
//!
//! How long the audit log is kept, and what is held of it, the platform declares: whoever may write floors for tenants.
//! That is asked of RBAC, so that a right on this kind alone, given by mistake, is not enough.

use super::build::{Action, REQUEST, Refusal, Spec, USERNAME, matches, quote, rule, variable};
use super::managed_objects::by_collectors;
use super::{Guard, Identity};
use k8s_openapi::api::admissionregistration::v1::Validation;
use snc_core::lang::Lang;
use snc_core::names::{AUDIT_SINK, GROUP, GUARD_STATUS};

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
            rule(GROUP, "v1alpha1", &["sncauditlogs", "sncauditlogs/status"], OPERATIONS),
        ]),
        params: None,
        only: None,
        variables: vec![
            variable("user", USERNAME),
            variable("status", "request.?subResource.orValue(\"\") == \"status\""),
            variable(
                "unchanged",
                "request.operation == \"UPDATE\" && !variables.status && object == oldObject",
            ),
            variable("ofLog", "request.resource.resource == \"sncauditlogs\""),
            variable(
                "platform",
                format!("authorizer.group(\"{GROUP}\").resource(\"sncbaselines\").check(\"update\").allowed()"),
            ),
        ],
        validations: vec![
            log_declared(lang),
            log_found(identity, lang),
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
                    "variables.ofLog || variables.user == {} || {} || variables.unchanged",
                    quote(&identity.username()),
                    by_collectors()
                ),
            ),
        ],
    }
    .build()
}

fn log_declared(lang: Lang) -> Validation {
    Refusal {
        fr: "status-guard: {operation} de {kind} {name} refusé à {user}: c'est la plateforme qui déclare combien de temps \
             le journal d'audit est gardé, par qui a le droit update sur sncbaselines.",
        en: "status-guard: {operation} of {kind} {name} refused to {user}: it is the platform that declares how long the \
             audit log is kept, by who may update sncbaselines.",
        values: REQUEST,
    }
    .validation(
        lang,
        "Forbidden",
        format!(
            "!variables.ofLog || variables.status || {} || variables.unchanged || variables.platform",
            by_collectors()
        ),
    )
}

fn log_found(identity: &Identity, lang: Lang) -> Validation {
    let sink = Identity::new(identity.namespace.clone(), AUDIT_SINK).username();
    Refusal {
        fr: "status-guard: {operation} du status de {kind} {name} refusé à {user}: c'est snc-audit-sink qui le constate, et \
             lui seul l'écrit. Corrigez ce qui est constaté.",
        en: "status-guard: {operation} of the status of {kind} {name} refused to {user}: it is what snc-audit-sink finds, \
             and nobody else writes it. Correct what is found.",
        values: REQUEST,
    }
    .validation(
        lang,
        "Forbidden",
        format!("!variables.ofLog || !variables.status || variables.user == {}", quote(&sink)),
    )
}
