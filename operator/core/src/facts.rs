//! What is kept of an object once its own rules were judged: the fields that rules on several objects read.
//!
//! A field that is absent or null is empty, as the API server has it; a field of another type makes the object
//! unreadable, and what reads it Unknown.

mod access;
mod audit;
mod cluster;
mod image;
mod network;
mod workload;

pub use access::{Binding, Role, RoleRef, RoleSubject, Rule, ServiceAccount};
pub use audit::{
    AskedRetention, AuditAlarms, AuditGap, AuditGaps, AuditLog, AuditLogSpec, AuditLogStatus, AuditPolicy,
    AuditProbe, AuditRetention, AuditSeal, AuditSource, AuditStore, TenantDays,
};
pub use cluster::{
    Limits, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Quota, Secret, StorageClass, Taint,
    Webhook, Webhooks,
};
pub use image::{ImageLedger, ImageScan, SeenImage, VulnerabilityReport};
pub use network::{Ingress, IngressRule, IngressTls, NetworkPolicy, Service, ServicePort};
pub use workload::{
    Budget, Container, Pod, PodSpec, PodStatus, PodTemplate, Running, Selector, SelectorRule, Spread,
    Toleration, Workload, WrittenStatus,
};

use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

pub type Strings = BTreeMap<String, String>;

/// Null is what the API server takes it for: nothing.
pub(crate) fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    #[serde(deserialize_with = "nullable")]
    pub labels: Strings,
    #[serde(deserialize_with = "nullable")]
    pub annotations: Strings,
    #[serde(deserialize_with = "nullable")]
    pub owner_references: Vec<Owner>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Owner {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub controller: bool,
}

/// What a node or a pod says of its state.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(default)]
pub struct Condition {
    #[serde(rename = "type")]
    pub type_: String,
    pub status: String,
}

impl Condition {
    pub fn is_ready(all: &[Self]) -> bool {
        all.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
    }
}

impl Meta {
    pub fn controller(&self) -> Option<&Owner> {
        self.owner_references.iter().find(|owner| owner.controller)
    }
}
