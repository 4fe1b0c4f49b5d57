use super::meta;
use snc_api::v1alpha1::{AssessmentScope, SncAssessment, SncAssessmentSpec};
use snc_core::names::ASSESSMENT;

/// What is known of the whole cluster, in the operator's own namespace.
pub fn cluster_assessment(operator_namespace: &str) -> SncAssessment {
    build(operator_namespace, AssessmentScope::Cluster, None)
}

/// What is known of a tenant, in one of its namespaces. The status comes by `assessment_status`.
pub fn tenant_assessment(namespace: &str, tenant: &str) -> SncAssessment {
    build(namespace, AssessmentScope::Tenant, Some(tenant.to_owned()))
}

fn build(namespace: &str, scope: AssessmentScope, tenant: Option<String>) -> SncAssessment {
    // Without the label that the guard goes by, anybody with the right could write it.
    let metadata = meta(namespace, ASSESSMENT, "assessment");
    SncAssessment { metadata, spec: SncAssessmentSpec { scope, tenant }, status: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_named_labelled_and_of_one_scope() {
        assert_eq!(
            serde_json::to_value(tenant_assessment("shop", "boutique")).unwrap(),
            serde_json::json!({
                "apiVersion": "secnumcloud.dev/v1alpha1",
                "kind": "SncAssessment",
                "metadata": {
                    "name": "snc-assessment",
                    "namespace": "shop",
                    "labels": {
                        "app.kubernetes.io/managed-by": "snc-operator",
                        "app.kubernetes.io/component": "assessment",
                    },
                },
                "spec": {"scope": "Tenant", "tenant": "boutique"},
            })
        );
        assert_eq!(cluster_assessment("snc-system").spec.tenant, None);
    }
}
