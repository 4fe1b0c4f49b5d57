//! `managed-object-guard`: what the operator made, only the operator changes or deletes.

use super::build::{Action, REQUEST, Refusal, Spec, USERNAME, matches, quote, rule, variable};
use super::{Guard, Identity};
use k8s_openapi::api::admissionregistration::v1::MatchResources;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use snc_core::lang::Lang;
use snc_core::names::{GUARD_MANAGED, LABEL_MANAGED_BY, MANAGED_BY};
use std::collections::BTreeMap;

/// The one subresource that others write. The quota controller and the API server write the usage there, but the
/// API server lets a status update change the metadata as well: without our label the object would be
/// anybody's, and an owner that does not exist would make the garbage collector delete it.
const STATUS: &str = "resourcequotas/status";

const OPERATIONS: &[&str] = &["CREATE", "UPDATE", "DELETE"];

/// Without them a namespace that holds one of our objects would hang in Terminating. The last name is for
/// clusters whose controllers share one credential.
const COLLECTORS: &[&str] = &[
    "system:serviceaccount:kube-system:namespace-controller",
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:kube-controller-manager",
];

/// CEL: what is deleted goes with its namespace or its owner.
pub(super) fn by_collectors() -> String {
    let collectors = COLLECTORS.iter().map(|name| quote(name)).collect::<Vec<_>>().join(", ");
    format!("(request.operation == \"DELETE\" && variables.user in [{collectors}])")
}

pub(super) fn guard(identity: &Identity, lang: Lang) -> Guard {
    Spec {
        name: GUARD_MANAGED,
        action: Action::Deny,
        // No namespaceSelector: a namespace in conflict has our default-deny and no tenant label.
        matches: MatchResources {
            // Sound here, unlike on Namespaces for the tenant label alone: an objectSelector matches when the
            // old OR the new object does, so adding and removing our label are both seen, and the expression
            // needs nothing from the object. Cheap too: ConfigMaps and RoleBindings of the whole cluster are
            // passed over by a label comparison and cost no CEL.
            object_selector: Some(LabelSelector {
                match_labels: Some(BTreeMap::from([(LABEL_MANAGED_BY.to_owned(), MANAGED_BY.to_owned())])),
                match_expressions: None,
            }),
            ..matches(vec![
                rule("", "v1", &["configmaps", "limitranges", "resourcequotas", STATUS], OPERATIONS),
                rule("networking.k8s.io", "v1", &["networkpolicies"], OPERATIONS),
                rule("rbac.authorization.k8s.io", "v1", &["rolebindings"], OPERATIONS),
            ])
        },
        params: None,
        only: None,
        variables: vec![
            variable("user", USERNAME),
            variable(
                "statusOnly",
                format!(
                    "request.resource.resource == \"resourcequotas\" && \
                     request.?subResource.orValue(\"\") == \"status\" && {}",
                    ["labels", "annotations", "finalizers", "ownerReferences"]
                        .map(|field| format!("object.?metadata.?{field} == oldObject.?metadata.?{field}"))
                        .join(" && ")
                ),
            ),
        ],
        validations: vec![
            // The user alone counts: a field manager is whatever the client says it is.
            Refusal {
                fr: "managed-object-guard: {operation} de {kind} {namespace}/{name} refusé à {user}: l'objet \
                     porte le label app.kubernetes.io/managed-by=snc-operator, et seul snc-operator crée, \
                     modifie ou supprime ces objets. Déclarez le besoin dans un SncPolicy, ou employez un \
                     autre nom sans ce label.",
                en: "managed-object-guard: {operation} of {kind} {namespace}/{name} refused to {user}: the \
                     object has the label app.kubernetes.io/managed-by=snc-operator, and only snc-operator \
                     creates, changes or deletes such objects. Declare the need in an SncPolicy, or use \
                     another name without that label.",
                values: REQUEST,
            }
            .validation(
                lang,
                "Forbidden",
                format!(
                    "variables.user == {} || variables.statusOnly || \
                     {}",
                    quote(&identity.username()),
                    by_collectors()
                ),
            ),
        ],
    }
    .build()
}
