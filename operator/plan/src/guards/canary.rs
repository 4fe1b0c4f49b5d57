//! `canary-guard`: the pod that the canary tenant tries its hand at is the operator's. Who starts it, enters it or takes it
//! away falsifies what is said of admission.
//!
//! By its name, in the namespace with a label that only the operator sets: a request to enter a pod has nothing of the pod
//! in it but its name. What is refused by binding it or by changing its containers is other guards' to refuse.

use super::build::{Action, REQUEST, Refusal, Spec, USERNAME, matches, quote, rule, variable};
use super::{Guard, Identity};
use k8s_openapi::api::admissionregistration::v1::MatchResources;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use snc_core::lang::Lang;
use snc_core::names::{CANARY, GUARD_CANARY, LABEL_CANARY};
use std::collections::BTreeMap;

const ENTERED: &[&str] = &["pods/exec", "pods/attach", "pods/portforward", "pods/proxy"];

pub(super) fn guard(identity: &Identity, lang: Lang) -> Guard {
    Spec {
        name: GUARD_CANARY,
        action: Action::Deny,
        matches: MatchResources {
            namespace_selector: Some(LabelSelector {
                match_labels: Some(BTreeMap::from([(LABEL_CANARY.to_owned(), "true".to_owned())])),
                match_expressions: None,
            }),
            ..matches(vec![
                rule("", "v1", ENTERED, &["CONNECT"]),
                rule("", "v1", &["pods"], &["CREATE", "UPDATE", "DELETE"]),
                rule("", "v1", &["pods/eviction"], &["CREATE"]),
            ])
        },
        params: None,
        only: None,
        variables: vec![
            variable("user", USERNAME),
            variable("pod", "request.?name.orValue(\"\")"),
            // Of a collection that is deleted each object is asked about, and the request has no name.
            variable("deleted", "oldObject.?metadata.?name.orValue(\"\")"),
            // What runs the cluster: it takes away what its namespace or its node takes along.
            variable(
                "system",
                "variables.user.startsWith(\"system:serviceaccount:kube-system:\") || \
                 variables.user in [\"system:kube-controller-manager\", \"system:kube-scheduler\"] || \
                 \"system:nodes\" in request.?userInfo.?groups.orValue([])",
            ),
        ],
        validations: vec![
            Refusal {
                fr: "canary-guard: {operation} de {kind} {namespace}/{name} refusé à {user}: ce pod sert à snc-operator à \
                     éprouver l'admission, et lui seul y touche. Rien n'y tourne.",
                en: "canary-guard: {operation} of {kind} {namespace}/{name} refused to {user}: snc-operator tries admission \
                     with this pod, and nobody else touches it. Nothing runs in it.",
                values: REQUEST,
            }
            .validation(
                lang,
                "Forbidden",
                format!(
                    "(variables.pod != {canary} && variables.deleted != {canary}) || variables.user == {own} || \
                     variables.system",
                    canary = quote(CANARY),
                    own = quote(&identity.username())
                ),
            ),
        ],
    }
    .build()
}
