use super::Desired;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// The cluster makes this account; only its automatic token is ours to switch off.
pub fn default_account(namespace: &str) -> Desired {
    Desired::ServiceAccount(Box::new(ServiceAccount {
        metadata: ObjectMeta {
            name: Some("default".into()),
            namespace: Some(namespace.to_owned()),
            ..ObjectMeta::default()
        },
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }))
}
