//! An object of any kind, whole, for as long as it takes to judge it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::{ApiResource, DynamicResourceScope};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::borrow::Cow;

#[derive(Debug, Clone)]
pub struct Raw {
    /// As much of it as a watch needs.
    metadata: ObjectMeta,
    pub body: Value,
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut body = Value::deserialize(deserializer)?;
        let mut metadata = ObjectMeta::default();
        if let Some(map) = body.get_mut("metadata").and_then(Value::as_object_mut) {
            // Most of what an object weighs, and no rule reads it.
            map.remove("managedFields");
            let text = |name: &str| map.get(name).and_then(Value::as_str).map(str::to_owned);
            metadata.name = text("name");
            metadata.namespace = text("namespace");
            metadata.resource_version = text("resourceVersion");
        }
        Ok(Self { metadata, body })
    }
}

impl Resource for Raw {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_stays_but_who_set_which_field() {
        let text = r#"{"metadata": {"name": "a", "namespace": "b", "resourceVersion": "7",
            "managedFields": [{"manager": "x"}], "labels": {"l": "v"}}, "data": {"k": 1}}"#;
        let raw: Raw = serde_json::from_str(text).unwrap();
        assert_eq!(raw.meta().name.as_deref(), Some("a"));
        assert_eq!(raw.meta().resource_version.as_deref(), Some("7"));
        assert_eq!(raw.body["metadata"]["labels"]["l"], "v");
        assert_eq!(raw.body["data"]["k"], 1);
        assert!(raw.body["metadata"].get("managedFields").is_none());
    }

    #[test]
    fn an_object_without_metadata_can_be_read_and_has_no_name() {
        let raw: Raw = serde_json::from_str(r#"{"metadata": null}"#).unwrap();
        assert_eq!(raw.meta().name, None);
    }
}
