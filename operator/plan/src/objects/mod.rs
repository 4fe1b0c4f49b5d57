//! Builders of the objects that the operator keeps in a governed namespace: one file per kind, none of them can
//! fail.

mod assessment;
mod config_map;
pub mod image_scan;
mod limit_range;
mod namespace;
mod network_policy;
pub mod report;
mod resource_quota;
mod role_binding;
mod service_account;

pub use assessment::{cluster_assessment, tenant_assessment};
pub use config_map::record;
pub use limit_range::limit_range;
pub use namespace::{labels, new_namespace, pod_security_labels};
pub use network_policy::{conflict_deny, default_deny, dns, dns_services, flow};
pub use resource_quota::resource_quota;
pub use role_binding::owners;
pub use service_account::default_account;

use k8s_openapi::api::core::v1::{ConfigMap, LimitRange, ResourceQuota, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::RoleBinding;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use snc_core::names::{LABEL_COMPONENT, LABEL_MANAGED_BY, MANAGED_BY};
use snc_index::{ManagedKind, ObjectKey, Observed};

/// An object as it should be.
#[derive(Debug, Clone, PartialEq)]
pub enum Desired {
    NetworkPolicy(Box<NetworkPolicy>),
    ResourceQuota(Box<ResourceQuota>),
    LimitRange(Box<LimitRange>),
    RoleBinding(Box<RoleBinding>),
    ConfigMap(Box<ConfigMap>),
    ServiceAccount(Box<ServiceAccount>),
}

impl Desired {
    pub fn key(&self) -> ObjectKey {
        let (kind, meta) = match self {
            Self::NetworkPolicy(o) => (ManagedKind::NetworkPolicy, &o.metadata),
            Self::ResourceQuota(o) => (ManagedKind::ResourceQuota, &o.metadata),
            Self::LimitRange(o) => (ManagedKind::LimitRange, &o.metadata),
            Self::RoleBinding(o) => (ManagedKind::RoleBinding, &o.metadata),
            Self::ConfigMap(o) => (ManagedKind::ConfigMap, &o.metadata),
            Self::ServiceAccount(o) => (ManagedKind::ServiceAccount, &o.metadata),
        };
        ObjectKey::new(kind, meta.name.clone().unwrap_or_default())
    }

    pub fn fingerprint(&self) -> String {
        match self {
            Self::NetworkPolicy(o) => Observed::from(&**o),
            Self::ResourceQuota(o) => Observed::from(&**o),
            Self::LimitRange(o) => Observed::from(&**o),
            Self::RoleBinding(o) => Observed::from(&**o),
            Self::ConfigMap(o) => Observed::from(&**o),
            Self::ServiceAccount(o) => Observed::from(&**o),
        }
        .fingerprint
    }
}

pub(crate) fn meta(namespace: &str, name: &str, component: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(namespace.to_owned()),
        labels: Some(
            [
                (LABEL_MANAGED_BY.to_owned(), MANAGED_BY.to_owned()),
                (LABEL_COMPONENT.to_owned(), component.to_owned()),
            ]
            .into(),
        ),
        ..ObjectMeta::default()
    }
}
