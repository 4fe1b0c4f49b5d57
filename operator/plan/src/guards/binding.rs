//! `binding-guard`: which node a tenant's pod runs on is the scheduler's to say. A pod that is bound by hand, or created
//! with its node, goes around taints and around what keeps nodes for other tenants.
//!
//! Where the mode `isolation` is Enforce, for it is isolation that is got around. Who may bind pods everywhere is a
//! scheduler: that is asked of RBAC, so that no name of one has to be known here. A `DaemonSet` uses an affinity and not a
//! node's name, and what a node runs without being asked is mirrored by that node.

use super::Guard;
use super::build::{Action, REQUEST, Refusal, Spec, USERNAME, matches, rule, variable};
use k8s_openapi::api::admissionregistration::v1::MatchResources;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use snc_core::lang::Lang;
use snc_core::names::{GUARD_BINDING, LABEL_ISOLATION, LABEL_TENANT};
use snc_core::tier::Mode;

const MIRROR: &str = "kubernetes.io/config.mirror";

pub(super) fn guard(lang: Lang) -> Guard {
    let requirement = |key: &str, operator: &str, values| LabelSelectorRequirement {
        key: key.to_owned(),
        operator: operator.to_owned(),
        values,
    };
    Spec {
        name: GUARD_BINDING,
        action: Action::Deny,
        matches: MatchResources {
            namespace_selector: Some(LabelSelector {
                match_expressions: Some(vec![
                    requirement(LABEL_TENANT, "Exists", None),
                    requirement(LABEL_ISOLATION, "In", Some(vec![Mode::Enforce.to_string()])),
                ]),
                match_labels: None,
            }),
            // By either name, the older one included.
            ..matches(vec![rule("", "v1", &["pods", "pods/binding", "bindings"], &["CREATE"])])
        },
        params: None,
        // A pod that is created is nearly always without, and then costs one conversion of it instead of three.
        only: Some((
            "has-a-node",
            "request.resource.resource != \"pods\" || request.?subResource.orValue(\"\") != \"\" || \
             object.?spec.?nodeName.orValue(\"\") != \"\"",
        )),
        variables: vec![
            variable("user", USERNAME),
            variable(
                "mirror",
                format!(
                    "\"system:nodes\" in request.?userInfo.?groups.orValue([]) && \
                     \"{MIRROR}\" in object.?metadata.?annotations.orValue({{}})"
                ),
            ),
            variable(
                "scheduler",
                "authorizer.group(\"\").resource(\"pods\").subresource(\"binding\").check(\"create\").allowed()",
            ),
        ],
        validations: vec![
            Refusal {
                fr: "binding-guard: {operation} de {kind} {namespace}/{name} refusé à {user}: c'est l'ordonnanceur qui \
                     choisit le nœud d'un pod. Retirez spec.nodeName et dites ce qu'il faut par nodeSelector, affinity \
                     ou tolerations; un autre ordonnanceur a besoin du droit create sur pods/binding dans tout le \
                     cluster.",
                en: "binding-guard: {operation} of {kind} {namespace}/{name} refused to {user}: it is the scheduler that \
                     chooses a pod's node. Remove spec.nodeName and say what is needed by nodeSelector, affinity or \
                     tolerations; another scheduler needs the right to create pods/binding in the whole cluster.",
                values: REQUEST,
            }
            .validation(
                lang,
                "Forbidden",
                "variables.mirror || variables.scheduler",
            ),
        ],
    }
    .build()
}
