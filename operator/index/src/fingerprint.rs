//! A short name for the content of a managed object that we decide, equal for what we apply and for what the API
//! server gives back, different for any change of meaning. Spelling differences that the API server makes
//! (absent or empty lists, canonical quantities) do not count.

use k8s_openapi::api::core::v1::{ConfigMap, LimitRange, ResourceQuota, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::RoleBinding;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use snc_core::names::{ANNOTATION_FLOW, ANNOTATION_POLICY, LABEL_COMPONENT, LABEL_MANAGED_BY, RECORD_KEY};
use snc_core::quantity::Amount;
use std::collections::BTreeMap;

pub fn network_policy(policy: &NetworkPolicy) -> String {
    let mut spec = serde_json::to_value(&policy.spec).unwrap_or_default();
    prune(&mut spec);
    digest(&policy.metadata, &spec)
}

pub fn resource_quota(quota: &ResourceQuota) -> String {
    let spec = quota.spec.as_ref();
    let scopes = json!([spec.and_then(|s| s.scopes.as_ref()), spec.and_then(|s| s.scope_selector.as_ref())]);
    digest(&quota.metadata, &json!([amounts(spec.and_then(|s| s.hard.as_ref())), scopes]))
}

pub fn limit_range(limits: &LimitRange) -> String {
    let items: Vec<_> = limits.spec.iter().flat_map(|s| &s.limits).collect();
    let content: Vec<_> = items
        .iter()
        .map(|item| {
            json!([
                item.type_,
                amounts(item.max.as_ref()),
                amounts(item.min.as_ref()),
                amounts(item.default.as_ref()),
                amounts(item.default_request.as_ref()),
                amounts(item.max_limit_request_ratio.as_ref()),
            ])
        })
        .collect();
    digest(&limits.metadata, &Value::from(content))
}

pub fn role_binding(binding: &RoleBinding) -> String {
    let subjects: Vec<_> = binding
        .subjects
        .iter()
        .flatten()
        .map(|s| json!([s.kind, s.name, s.namespace.as_deref().unwrap_or_default()]))
        .collect();
    let role = &binding.role_ref;
    digest(&binding.metadata, &json!([role.api_group, role.kind, role.name, subjects]))
}

pub fn config_map(map: &ConfigMap) -> String {
    // Keys that others add are not ours to take away: server-side apply would try for ever.
    digest(&map.metadata, &json!(map.data.as_ref().and_then(|data| data.get(RECORD_KEY))))
}

/// The account itself is the cluster's; one field of it is ours.
pub fn service_account(account: &ServiceAccount) -> String {
    format!("automount={}", account.automount_service_account_token.unwrap_or(true))
}

fn amounts(list: Option<&BTreeMap<String, Quantity>>) -> Value {
    list.into_iter()
        .flatten()
        .map(|(resource, quantity)| {
            let amount = Amount::parse(&quantity.0).map_or_else(|_| quantity.0.clone(), |a| a.to_string());
            (resource.clone(), Value::from(amount))
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Absent and empty lists mean the same everywhere in a NetworkPolicy; empty selectors and absent ones do not.
fn prune(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(prune);
            map.retain(|key, v| {
                !(v.is_null()
                    || v.as_array().is_some_and(Vec::is_empty)
                    || (key == "matchLabels" && v.as_object().is_some_and(serde_json::Map::is_empty)))
            });
        }
        Value::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}

fn digest(meta: &ObjectMeta, content: &Value) -> String {
    let label = |key: &str| meta.labels.as_ref().and_then(|l| l.get(key)).cloned();
    let annotation = |key: &str| meta.annotations.as_ref().and_then(|a| a.get(key)).cloned();
    let marks = [
        label(LABEL_MANAGED_BY),
        label(LABEL_COMPONENT),
        annotation(ANNOTATION_POLICY),
        annotation(ANNOTATION_FLOW),
    ];
    let mut hasher = Sha256::new();
    hasher.update(json!([marks, content]).to_string());
    hex(&hasher.finalize()[..12])
}

pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|b| [b >> 4, b & 15])
        .map(|n| char::from_digit(n.into(), 16).unwrap_or('0'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(spec: Value) -> NetworkPolicy {
        serde_json::from_value(json!({"metadata": {"name": "x"}, "spec": spec})).unwrap()
    }

    #[test]
    fn spelling_does_not_count_meaning_does() {
        let planned = policy(json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": []}));
        let read = policy(json!({"podSelector": {}, "policyTypes": ["Ingress"]}));
        assert_eq!(network_policy(&planned), network_policy(&read));
        let open = policy(json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}));
        assert_ne!(network_policy(&planned), network_policy(&open));
        let everywhere = policy(
            json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"namespaceSelector": {}}]}]}),
        );
        let nowhere = policy(
            json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}]}]}),
        );
        assert_ne!(network_policy(&everywhere), network_policy(&nowhere), "empty selectors have meanings");
    }

    #[test]
    fn quantities_compare_by_amount() {
        let quota = |cpu: &str| -> ResourceQuota {
            serde_json::from_value(json!({"spec": {"hard": {"requests.cpu": cpu}}})).unwrap()
        };
        assert_eq!(resource_quota(&quota("2000m")), resource_quota(&quota("2")));
        assert_ne!(resource_quota(&quota("2001m")), resource_quota(&quota("2")));
    }

    #[test]
    fn losing_our_label_is_a_change() {
        let mut ours = policy(json!({"podSelector": {}}));
        ours.metadata.labels = Some([(LABEL_MANAGED_BY.to_owned(), "snc-operator".to_owned())].into());
        assert_ne!(network_policy(&ours), network_policy(&policy(json!({"podSelector": {}}))));
    }
}
