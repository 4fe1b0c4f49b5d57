//! `namespace-guard`: who may touch the keys on a Namespace that isolation depends on.
//!
//! No selector at all: a selector sees the labels as they would become, so that a request which removes the
//! tenant label would not be selected and would slip through.

use super::build::{Action, Refusal, Spec, USERNAME, matches, protected, quote, rule, shown, variable};
use super::{Guard, Identity};
use k8s_openapi::api::admissionregistration::v1::Validation;
use snc_core::lang::Lang;
use snc_core::names::{GROUP, GUARD_NAMESPACE, LABEL_FLOOR_LEVEL, LABEL_PREFIX, LABEL_TENANT};

const PSA_PREFIX: &str = "pod-security.kubernetes.io/";

/// True of nearly every request, and cheap.
const SAME_LABELS: &str = "variables.before == variables.after";
const NAMESPACE: (&str, &str) = ("namespace", "request.?name.orValue(\"\")");
const USER: (&str, &str) = ("user", USERNAME);

pub(super) fn guard(identity: &Identity, lang: Lang) -> Guard {
    Spec {
        name: GUARD_NAMESPACE,
        action: Action::Deny,
        matches: matches(vec![rule(
            "",
            "v1",
            &["namespaces", "namespaces/status", "namespaces/finalize"],
            &["CREATE", "UPDATE"],
        )]),
        params: None,
        only: None,
        variables: vec![
            variable("before", "oldObject.?metadata.?labels.orValue({})"),
            variable("after", "object.?metadata.?labels.orValue({})"),
            variable("name", "object.?metadata.?name.orValue(\"\")"),
            variable(
                "governed",
                format!("\"{LABEL_TENANT}\" in variables.before || \"{LABEL_TENANT}\" in variables.after"),
            ),
            variable("operator", format!("{USERNAME} == {}", quote(&identity.username()))),
            variable(
                "ownKeys",
                format!("({}).filter(k, k != \"{LABEL_TENANT}\")", changed_keys(LABEL_PREFIX)),
            ),
            variable("podSecurityKeys", changed_keys(PSA_PREFIX)),
        ],
        validations: vec![
            protected_names(identity, lang),
            tenant_label(lang),
            own_labels(lang),
            pod_security_labels(lang),
            finalize(lang),
        ],
    }
    .build()
}

/// A tenant on a namespace of the cluster would put its pods behind the gate. Taking the label away is always fine.
fn protected_names(identity: &Identity, lang: Lang) -> Validation {
    let key = quote(LABEL_TENANT);
    Refusal {
        fr: "namespace-guard: metadata.labels[secnumcloud.dev/tenant] du namespace {namespace}: {value} refusé: \
             default, kube-*, openshift* et le namespace de l'opérateur n'appartiennent à aucun tenant. \
             Accepté: pas de label.",
        en: "namespace-guard: metadata.labels[secnumcloud.dev/tenant] of namespace {namespace}: {value} refused: \
             default, kube-*, openshift* and the operator's namespace belong to no tenant. Accepted: no label.",
        values: &[NAMESPACE, ("value", &shown(&format!("variables.after[?{key}]")))],
    }
    .validation(
        lang,
        "Forbidden",
        format!(
            "!({key} in variables.after) || variables.before[?{key}] == variables.after[?{key}] || \
             !({})",
            protected("variables.name", &identity.namespace)
        ),
    )
}

/// The authorizer is asked only when the label really changes.
fn tenant_label(lang: Lang) -> Validation {
    let key = quote(LABEL_TENANT);
    changed_label(
        lang,
        &key,
        "Seuls snc-operator, ou un utilisateur qui a le droit assign sur le SncTenant de l'ancienne et de la \
         nouvelle valeur, peuvent poser, changer ou ôter ce label. Demandez à l'équipe plateforme.",
        "Only snc-operator, or a user who has the verb assign on the SncTenant of the old and of the new value, \
         may set, change or remove this label. Ask the platform team.",
        &format!(
            "variables.before[?{key}] == variables.after[?{key}] || variables.operator || ({} && {})",
            may_assign("before"),
            may_assign("after")
        ),
    )
}

fn own_labels(lang: Lang) -> Validation {
    changed_label(
        lang,
        "variables.ownKeys.min()",
        "Seul snc-operator écrit les labels secnumcloud.dev/; laissez cette clé telle quelle.",
        "Only snc-operator writes the labels secnumcloud.dev/; leave this key as it is.",
        &format!("{SAME_LABELS} || variables.operator || variables.ownKeys.size() == 0"),
    )
}

/// Whoever may assign the tenant may settle a `LabelConflict`: change or remove a value that is weaker than the level
/// asks for. At creation nothing is set yet that could conflict.
fn pod_security_labels(lang: Lang) -> Validation {
    changed_label(
        lang,
        "variables.podSecurityKeys.min()",
        "Dans un namespace qui porte secnumcloud.dev/tenant, seuls snc-operator et qui a le droit assign sur le SncTenant écrivent les labels \
         pod-security.kubernetes.io/; le niveau se règle dans SncTenant ou SncPolicy.",
        "In a namespace that has secnumcloud.dev/tenant, only snc-operator and who has the verb assign on the SncTenant write the labels \
         pod-security.kubernetes.io/; the level is set in SncTenant or SncPolicy.",
        &format!(
            "{SAME_LABELS} || request.operation == \"CREATE\" || variables.operator || !variables.governed || \
             variables.podSecurityKeys.size() == 0 || (variables.podSecurityKeys.all(k, {}) && {} && {})",
            too_weak("k"),
            may_assign("before"),
            may_assign("after")
        ),
    )
}

/// CEL: the value before is there, and below the standard of the floor's level.
fn too_weak(key: &str) -> String {
    format!(
        "variables.before[?{key}].orValue(\"restricted\") != \"restricted\" && \
         !(variables.before[?{key}].orValue(\"\") == \"baseline\" && \
         variables.before[?\"{LABEL_FLOOR_LEVEL}\"].orValue(\"\") == \"Essentiel\")"
    )
}

/// The second name is for clusters whose controllers share one credential.
fn finalize(lang: Lang) -> Validation {
    Refusal {
        fr: "namespace-guard: la sous-ressource finalize du namespace {namespace} est refusée à {user}: dans un \
             namespace qui porte secnumcloud.dev/tenant elle est réservée au namespace-controller, pour que le \
             nom ne soit libéré qu'une fois le contenu détruit. Utilisez kubectl delete namespace et laissez-le \
             finir.",
        en: "namespace-guard: subresource finalize of namespace {namespace} is refused to {user}: in a namespace \
             that has secnumcloud.dev/tenant it is for the namespace-controller only, so that the name is free \
             only once the content is gone. Use kubectl delete namespace and let it finish.",
        values: &[NAMESPACE, USER],
    }
    .validation(
        lang,
        "Forbidden",
        format!(
            "request.?subResource.orValue(\"\") != \"finalize\" || !variables.governed || {USERNAME} in \
             [\"system:serviceaccount:kube-system:namespace-controller\", \"system:kube-controller-manager\"]"
        ),
    )
}

/// The refusal of a changed label, `key` being CEL. The texts say who may change it and what to do instead.
fn changed_label(lang: Lang, key: &str, fr: &str, en: &str, expression: &str) -> Validation {
    Refusal {
        fr: &format!(
            "namespace-guard: metadata.labels[{{key}}] du namespace {{namespace}}: de {{before}} à {{after}}, \
             refusé à {{user}}. {fr}"
        ),
        en: &format!(
            "namespace-guard: metadata.labels[{{key}}] of namespace {{namespace}}: from {{before}} to \
             {{after}}, refused to {{user}}. {en}"
        ),
        values: &[
            ("key", key),
            NAMESPACE,
            USER,
            ("before", &shown(&format!("variables.before[?{key}]"))),
            ("after", &shown(&format!("variables.after[?{key}]"))),
        ],
    }
    .validation(lang, "Forbidden", expression)
}

/// CEL for the keys with that prefix that are not the same before and after; absent differs from empty. Two
/// steps, since the API server's accounting makes a long condition over thousands of labels slow.
fn changed_keys(prefix: &str) -> String {
    format!(
        "variables.before.filter(k, k.startsWith(\"{prefix}\"))\
         .filter(k, variables.before[?k] != variables.after[?k]) + \
         variables.after.filter(k, k.startsWith(\"{prefix}\")).filter(k, !(k in variables.before))"
    )
}

/// CEL: no tenant on that side, or RBAC allows the requester to assign it.
fn may_assign(side: &str) -> String {
    format!(
        "(!(\"{LABEL_TENANT}\" in variables.{side}) || authorizer.group(\"{GROUP}\").resource(\"snctenants\")\
         .name(variables.{side}[\"{LABEL_TENANT}\"]).check(\"assign\").allowed())"
    )
}
