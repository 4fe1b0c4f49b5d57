use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use serde::{Deserialize, Serialize};
use snc_api::v1alpha1::{SncBaselineSpec, SncPolicySpec, SncTenantSpec};
use snc_core::names::RECORD_KEY;
use std::collections::BTreeMap;

/// What was last in force in one namespace, kept in the namespace itself so that it outlives the objects that
/// asked for it and every restart of ours (law 10), and goes away with the namespace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Of the namespace; a record of another UID is not believed.
    pub uid: String,
    pub tenant: String,
    pub tenant_spec: Option<SncTenantSpec>,
    #[serde(default)]
    pub baselines: BTreeMap<String, SncBaselineSpec>,
    #[serde(default)]
    pub policies: BTreeMap<String, SncPolicySpec>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolated_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Gap>,
    /// Policies that did not fit the record; they are in force only while they exist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// Pods ran here without isolation from `from` until `to`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    pub from: Timestamp,
    pub to: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordError(pub String);

impl Record {
    pub fn read(map: &ConfigMap) -> Result<Self, RecordError> {
        let text = map.data.as_ref().and_then(|d| d.get(RECORD_KEY));
        let text = text.ok_or_else(|| RecordError(format!("no key {RECORD_KEY}")))?;
        serde_json::from_str(text).map_err(|e| RecordError(e.to_string()))
    }
}
