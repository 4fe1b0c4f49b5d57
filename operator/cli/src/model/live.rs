//! Live objects as a person compares them with what is wanted: without what the API server writes by itself.

use kube::ResourceExt;
use serde::Serialize;
use serde_json::{Map, Value};
use snc_core::names::{LABEL_MANAGED_BY, MANAGED_BY};
use snc_index::{ManagedKind, ObjectKey};
use snc_plan::objects::Desired;
use std::collections::BTreeMap;

/// Those that a plan can touch, by namespace and key.
#[derive(Debug, Default)]
pub struct Live(BTreeMap<(String, ObjectKey), Value>);

impl Live {
    pub fn keep<K: ResourceExt + Serialize>(&mut self, kind: ManagedKind, object: &K) {
        let name = object.name_any();
        let ours = object.labels().get(LABEL_MANAGED_BY).is_some_and(|by| by == MANAGED_BY);
        let touchable = ours || name.starts_with("snc-") || kind == ManagedKind::ServiceAccount;
        if let (true, Some(namespace), Ok(value)) =
            (touchable, object.namespace(), serde_json::to_value(object))
        {
            self.0.insert((namespace, ObjectKey::new(kind, name)), bare(value));
        }
    }

    pub fn get(&self, namespace: &str, key: &ObjectKey) -> Option<&Value> {
        self.0.get(&(namespace.to_owned(), key.clone()))
    }
}

/// The object as it would be: what we state replaces what is there, what we do not state stays.
pub fn merged(live: Option<&Value>, desired: &Desired) -> Value {
    let wanted = match desired {
        Desired::NetworkPolicy(object) => serde_json::to_value(object),
        Desired::ResourceQuota(object) => serde_json::to_value(object),
        Desired::LimitRange(object) => serde_json::to_value(object),
        Desired::RoleBinding(object) => serde_json::to_value(object),
        Desired::ConfigMap(object) => serde_json::to_value(object),
        Desired::ServiceAccount(object) => serde_json::to_value(object),
    };
    let wanted = bare(wanted.unwrap_or_default());
    let mut result = live.and_then(Value::as_object).cloned().unwrap_or_default();
    for (key, value) in wanted.as_object().cloned().unwrap_or_default() {
        match (key.as_str(), result.get_mut(&key), value) {
            ("metadata", Some(Value::Object(meta)), Value::Object(ours)) => merge_metadata(meta, ours),
            (_, _, value) => {
                result.insert(key, value);
            }
        }
    }
    Value::Object(result)
}

fn merge_metadata(meta: &mut Map<String, Value>, ours: Map<String, Value>) {
    for (key, value) in ours {
        match (meta.get_mut(&key), value) {
            (Some(Value::Object(there)), Value::Object(wanted)) => there.extend(wanted),
            (_, value) => {
                meta.insert(key, value);
            }
        }
    }
}

/// Absent, null and empty lists mean the same in everything that we write; empty selectors stay.
fn bare(mut object: Value) -> Value {
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
        if let Some(meta) = map.get_mut("metadata").and_then(Value::as_object_mut) {
            for key in
                ["managedFields", "uid", "resourceVersion", "creationTimestamp", "generation", "selfLink"]
            {
                meta.remove(key);
            }
        }
    }
    prune(&mut object);
    object
}

fn prune(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(prune);
            map.retain(|_, v| !(v.is_null() || v.as_array().is_some_and(Vec::is_empty)));
        }
        Value::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ServiceAccount;
    use serde_json::json;

    #[test]
    fn what_is_not_ours_stays() {
        let account: ServiceAccount = serde_json::from_value(json!({
            "metadata": {"name": "default", "namespace": "n", "uid": "1", "labels": {"team": "x"}, "resourceVersion": "7"},
            "imagePullSecrets": [{"name": "registry"}],
        }))
        .unwrap();
        let mut live = Live::default();
        live.keep(ManagedKind::ServiceAccount, &account);
        let live = live.get("n", &ObjectKey::new(ManagedKind::ServiceAccount, "default")).unwrap();
        assert_eq!(live["metadata"], json!({"name": "default", "namespace": "n", "labels": {"team": "x"}}));
        let merged = merged(Some(live), &snc_plan::objects::default_account("n"));
        assert_eq!(merged["imagePullSecrets"], json!([{"name": "registry"}]));
        assert_eq!(merged["automountServiceAccountToken"], json!(false));
        assert_eq!(merged["metadata"], live["metadata"]);
    }

    #[test]
    fn other_peoples_objects_are_not_held() {
        let policy: k8s_openapi::api::networking::v1::NetworkPolicy =
            serde_json::from_value(json!({"metadata": {"name": "theirs", "namespace": "n"}})).unwrap();
        let mut live = Live::default();
        live.keep(ManagedKind::NetworkPolicy, &policy);
        assert!(live.0.is_empty());
    }
}
