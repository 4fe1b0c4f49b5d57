//! `isolation-gate`: no pod in a namespace that has a tenant before its isolation was read back.
//! `isolation-notice`: a warning in a namespace whose effective mode leaves it without isolation.

use super::build::{Action, Refusal, Spec, matches, protected, rule, shown, variable};
use super::{Guard, Identity};
use k8s_openapi::api::admissionregistration::v1::MatchResources;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use snc_core::lang::Lang;
use snc_core::names::{GUARD_GATE, GUARD_NOTICE, LABEL_ISOLATED, LABEL_TENANT};

/// What `isolated` says where pods are admitted.
const OPEN: [&str; 3] = ["true", "audit", "warn"];

/// Pods of namespaces with a tenant: by inclusion, so that system namespaces are out whatever happens. And only those
/// whose label `isolated` asks for it: a policy that matches costs a pod's creation far more than one that is passed
/// over (docs/adr/0014), and the selector reads the same labels as the expression.
fn pods(isolated: &str, values: &[&str]) -> MatchResources {
    let requirement = |key: &str, operator: &str, values: Option<&[&str]>| LabelSelectorRequirement {
        key: key.to_owned(),
        operator: operator.to_owned(),
        values: values.map(|values| values.iter().map(ToString::to_string).collect()),
    };
    MatchResources {
        namespace_selector: Some(LabelSelector {
            match_expressions: Some(vec![
                requirement(LABEL_TENANT, "Exists", None),
                requirement(LABEL_ISOLATED, isolated, Some(values)),
            ]),
            match_labels: None,
        }),
        ..matches(vec![rule("", "v1", &["pods"], &["CREATE"])])
    }
}

fn isolated() -> String {
    format!("namespaceObject.?metadata.?labels[?\"{LABEL_ISOLATED}\"]")
}

const NAMESPACE: &str = "namespaceObject.?metadata.?name.orValue(\"\")";

pub(super) fn gate(identity: &Identity, lang: Lang) -> Guard {
    let isolated = isolated();
    Spec {
        name: GUARD_GATE,
        action: Action::Deny,
        // Absent is not among them either.
        matches: pods("NotIn", &OPEN),
        params: None,
        only: None,
        variables: vec![
            // Pods of the cluster itself start even where somebody labelled their namespace before we came.
            variable("protected", protected(&format!("({NAMESPACE})"), &identity.namespace)),
        ],
        validations: vec![
            Refusal {
                fr: "isolation-gate: pod refusé: le label secnumcloud.dev/isolated du namespace {namespace} est \
                     {value}; attendu: true, audit ou warn, que snc-operator pose après avoir relu les \
                     politiques réseau. Réessayez dans quelques secondes; si le refus dure, lisez \
                     `kubectl get sncp -n {namespace} -o yaml` ou prévenez l'équipe plateforme.",
                en: "isolation-gate: pod refused: label secnumcloud.dev/isolated of namespace {namespace} is \
                     {value}; accepted: true, audit or warn, which snc-operator sets once it has read the \
                     network policies back. Try again in a few seconds; if the refusal lasts, read \
                     `kubectl get sncp -n {namespace} -o yaml` or tell the platform team.",
                values: &[("namespace", NAMESPACE), ("value", &shown(&isolated))],
            }
            .validation(
                lang,
                "Forbidden",
                format!("variables.protected || {isolated}.orValue(\"\") in [\"true\", \"audit\", \"warn\"]"),
            ),
        ],
    }
    .build()
}

pub(super) fn notice(lang: Lang) -> Guard {
    Spec {
        name: GUARD_NOTICE,
        action: Action::Warn,
        matches: pods("In", &["warn"]),
        params: None,
        only: None,
        variables: Vec::new(),
        validations: vec![
            Refusal {
                fr: "isolation-notice: le namespace {namespace} n'a pas d'isolation réseau \
                     (secnumcloud.dev/isolated: warn): ce pod pourra joindre les autres et être joint. Pour \
                     isoler: spec.modes.isolation: Enforce dans un SncPolicy de ce namespace.",
                en: "isolation-notice: namespace {namespace} has no network isolation \
                     (secnumcloud.dev/isolated: warn): this pod can reach others and be reached. To isolate \
                     it: spec.modes.isolation: Enforce in an SncPolicy of this namespace.",
                values: &[("namespace", NAMESPACE)],
            }
            .validation(lang, "Forbidden", format!("{}.orValue(\"\") != \"warn\"", isolated())),
        ],
    }
    .build()
}
