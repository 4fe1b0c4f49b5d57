//! `reserved-names`: a namespace whose name or prefix a tenant has reserved carries that tenant's label from
//! its first instant, so that the gate holds from then on.

use super::build::{Action, Refusal, Spec, matches, protected, rule, shown, variable};
use super::{Guard, Identity};
use k8s_openapi::api::admissionregistration::v1::ParamKind;
use snc_core::lang::Lang;
use snc_core::names::{GROUP, GUARD_RESERVED, LABEL_TENANT};

pub(super) fn guard(identity: &Identity, lang: Lang) -> Guard {
    Spec {
        name: GUARD_RESERVED,
        // A policy whose parameter kind is unknown cannot be evaluated. Under Fail, once the CRD of SncTenant is
        // gone and an API server restarts, no namespace at all could be created in the cluster any more. The
        // expressions are total, so nothing else is ignored but the first instants of an API server.
        action: Action::DenyIfKnown,
        matches: matches(vec![rule("", "v1", &["namespaces"], &["CREATE"])]),
        params: Some(ParamKind {
            api_version: Some(format!("{GROUP}/v1alpha1")),
            kind: Some("SncTenant".to_owned()),
        }),
        only: None,
        variables: vec![
            // Not request.name, which is empty under generateName.
            variable("name", "object.?metadata.?name.orValue(\"\")"),
            variable("tenant", format!("object.?metadata.?labels[?\"{LABEL_TENANT}\"]")),
            // A claim on them is void.
            variable("protected", protected("variables.name", &identity.namespace)),
            // dyn: a list that the CRD lets be null. An empty prefix would reserve every name.
            variable(
                "reserved",
                "params.?spec.?namespaces.optMap(l, dyn(l) == null ? false : \
                 l.exists(n, n == variables.name)).orValue(false) || \
                 params.?spec.?namespacePrefixes.optMap(l, dyn(l) == null ? false : \
                 l.exists(p, p != \"\" && variables.name.startsWith(p))).orValue(false)",
            ),
        ],
        validations: vec![
            Refusal {
                fr: "reserved-names: metadata.labels[secnumcloud.dev/tenant] est {value}: le nom de namespace \
                     '{name}' est réservé par le SncTenant '{tenant}', et seule la valeur '{tenant}' est \
                     acceptée à la création. Ajoutez le label secnumcloud.dev/tenant={tenant} (il faut le \
                     droit assign sur ce SncTenant) ou choisissez un autre nom.",
                en: "reserved-names: metadata.labels[secnumcloud.dev/tenant] is {value}: the namespace name \
                     '{name}' is reserved by SncTenant '{tenant}', and only the value '{tenant}' is accepted \
                     at creation. Add the label secnumcloud.dev/tenant={tenant} (it takes the verb assign on \
                     that SncTenant) or choose another name.",
                values: &[
                    ("value", &shown("variables.tenant")),
                    ("name", "variables.name"),
                    ("tenant", "params.metadata.name"),
                ],
            }
            .validation(
                lang,
                "Forbidden",
                "variables.protected || variables.tenant == optional.of(params.metadata.name) || \
                 !variables.reserved",
            ),
        ],
    }
    .build()
}
