//! `ClusterNetworkPolicy` as `policy.networking.k8s.io/v1alpha2` has it. Every object keeps what it does not know.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

pub type Unmodelled = BTreeMap<String, Value>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub enum Tier {
    Admin,
    Baseline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub enum Action {
    Accept,
    Deny,
    Pass,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Spec {
    pub tier: Tier,
    pub priority: i32,
    pub subject: Subject,
    #[serde(default)]
    pub ingress: Vec<Rule>,
    #[serde(default)]
    pub egress: Vec<Rule>,
    #[serde(flatten)]
    pub unmodelled: Unmodelled,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Subject {
    pub namespaces: Option<LabelSelector>,
    pub pods: Option<NamespacedPod>,
    #[serde(flatten)]
    pub unmodelled: Unmodelled,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespacedPod {
    #[serde(default)]
    pub namespace_selector: LabelSelector,
    #[serde(default)]
    pub pod_selector: LabelSelector,
    #[serde(flatten)]
    pub unmodelled: Unmodelled,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Rule {
    #[serde(default)]
    pub name: String,
    pub action: Action,
    #[serde(default)]
    pub from: Vec<Peer>,
    #[serde(default)]
    pub to: Vec<Peer>,
    pub protocols: Option<Vec<ProtocolMatch>>,
    #[serde(flatten)]
    pub unmodelled: Unmodelled,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    pub namespaces: Option<LabelSelector>,
    pub pods: Option<NamespacedPod>,
    pub nodes: Option<LabelSelector>,
    pub networks: Option<Vec<String>>,
    pub domain_names: Option<Vec<String>>,
    #[serde(flatten)]
    pub unmodelled: Unmodelled,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProtocolMatch {
    pub tcp: Option<Ports>,
    pub udp: Option<Ports>,
    pub sctp: Option<Ports>,
    pub destination_named_port: Option<String>,
    #[serde(flatten)]
    pub unmodelled: Unmodelled,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ports {
    pub destination_port: Option<Port>,
    #[serde(flatten)]
    pub unmodelled: Unmodelled,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Port {
    pub number: Option<i64>,
    pub range: Option<Range>,
    #[serde(flatten)]
    pub unmodelled: Unmodelled,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Range {
    pub start: i64,
    pub end: i64,
    #[serde(flatten)]
    pub unmodelled: Unmodelled,
}
