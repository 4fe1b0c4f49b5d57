use super::{Desired, meta};
use crate::quota::Share;
use k8s_openapi::api::core::v1::{ResourceQuota, ResourceQuotaSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use snc_core::names::QUOTA;

pub fn resource_quota(namespace: &str, share: &Share) -> Option<Desired> {
    if share.hard.is_empty() {
        return None;
    }
    let hard = share
        .hard
        .iter()
        .map(|(resource, amount)| (resource.clone(), Quantity(amount.to_string())))
        .collect();
    Some(Desired::ResourceQuota(Box::new(ResourceQuota {
        metadata: meta(namespace, QUOTA, "quota"),
        spec: Some(ResourceQuotaSpec { hard: Some(hard), ..ResourceQuotaSpec::default() }),
        status: None,
    })))
}
