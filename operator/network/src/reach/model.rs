use ipnet::IpNet;
use k8s_openapi::api::networking::v1::NetworkPolicySpec;
use serde::Deserialize;
use snc_core::flow::Protocol;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What decides who may talk to whom, at one moment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cluster {
    pub namespaces: Vec<Namespace>,
    pub pods: Vec<Pod>,
    pub policies: Vec<Policy>,
    pub cluster_policies: Vec<ClusterPolicy>,
    pub ranges: Ranges,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Namespace {
    pub name: String,
    pub labels: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Pod {
    pub namespace: String,
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// The workload that it belongs to; its own when nothing owns it.
    pub owner: Option<Owner>,
    /// Empty when not known (yet).
    pub ips: Vec<IpAddr>,
    /// Empty when not known.
    pub node_ips: Vec<IpAddr>,
    pub node: Option<String>,
    pub host_network: bool,
    /// Succeeded or Failed: its network is gone.
    pub completed: bool,
    pub ports: Vec<ContainerPort>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub struct Owner {
    pub kind: String,
    pub name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerPort {
    pub name: Option<String>,
    pub protocol: Protocol,
    #[serde(rename = "containerPort")]
    pub number: u16,
    /// Policies apply after the node has passed traffic on, so this one decides nothing here.
    pub host_port: Option<u16>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Policy {
    pub namespace: String,
    pub name: String,
    pub spec: NetworkPolicySpec,
}

/// A `ClusterNetworkPolicy` (`policy.networking.k8s.io/v1alpha2`). The spec stays as the API server gave it: what
/// this version does not know must be seen to be reported.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterPolicy {
    pub name: String,
    pub spec: serde_json::Value,
}

/// Addresses of the cluster itself; `None` is "nobody said".
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Ranges {
    pub pods: Option<Vec<IpNet>>,
    pub services: Option<Vec<IpNet>>,
    pub nodes: Option<Vec<IpNet>>,
    pub api_server: Option<Vec<IpNet>>,
}

impl Pod {
    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let node = self.node_ips.iter().filter(|_| self.host_network);
        self.ips.iter().chain(node).copied()
    }

    /// Kind and name of the workload that people know it by.
    pub fn workload(&self) -> (&str, &str) {
        self.owner.as_ref().map_or(("Pod", self.name.as_str()), |owner| (&owner.kind, &owner.name))
    }
}
