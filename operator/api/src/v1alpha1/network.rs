use super::common::{date_schema, selector_schema};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use snc_core::flow::{Direction, Protocol};

/// What kind of traffic a flow is, for the flow matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum FlowNature {
    Application,
    Data,
    Administration,
    Authentication,
    Supervision,
    Backup,
    Other,
}

/// One line of the flow matrix, opened for the pods of this namespace and nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "has(self.ports) && size(self.ports) > 0 || self.peers.all(p, has(p.sharedService) || has(p.kubernetesAPI))",
        "message": "ports: au moins un port, sauf pour sharedService et kubernetesAPI qui apportent les leurs / at least one port, except for sharedService and kubernetesAPI which bring their own",
    },
    {
        "rule": "self.direction == 'Egress' || self.peers.all(p, !has(p.kubernetesAPI))",
        "message": "peers: kubernetesAPI vaut pour la direction Egress / kubernetesAPI goes with direction Egress",
    },
]))]
pub struct Flow {
    /// Name of the flow, unique in this policy; it becomes part of the name of the `NetworkPolicy`.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// Why this flow is needed. The auditor reads it in the flow matrix (requirement 13.1).
    #[schemars(length(min = 3, max = 512), regex(pattern = r"\S\s*\S\s*\S"))]
    pub justification: String,
    /// What kind of traffic it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nature: Option<FlowNature>,
    /// The person or team who answers for the flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub owner: Option<String>,
    /// When the flow was last reviewed, `YYYY-MM-DD`. Older than twelve months, it is reported as overdue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "date_schema")]
    pub reviewed_on: Option<String>,
    /// `Ingress`: from the peers to our pods. `Egress`: from our pods to the peers.
    pub direction: Direction,
    /// Which pods of this namespace the flow is for. Absent or empty: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "selector_schema")]
    pub pod_selector: Option<LabelSelector>,
    /// The other side. Each entry names exactly one kind of peer.
    #[schemars(length(min = 1, max = 32))]
    pub peers: Vec<Peer>,
    /// Ports of the receiving side.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub ports: Vec<Port>,
    /// What makes an unsafe protocol (FTP, Telnet, clear HTTP, …) acceptable here. Without it such a flow is
    /// reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 512))]
    pub compensating_measure: Option<String>,
}

/// The other side of a flow: exactly one of the fields.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "(has(self.pods) ? 1 : 0) + (has(self.namespaces) ? 1 : 0) + (has(self.sharedService) ? 1 : 0) + (has(self.kubernetesAPI) ? 1 : 0) + (has(self.cidr) ? 1 : 0) == 1",
    "message": "un seul parmi pods, namespaces, sharedService, kubernetesAPI, cidr / exactly one of pods, namespaces, sharedService, kubernetesAPI, cidr",
}]))]
pub struct Peer {
    /// Pods of this namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pods: Option<PodsPeer>,
    /// Pods of other namespaces of the same tenant. A namespace of another tenant is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<NamespacesPeer>,
    /// A service that the platform shares, by the name that the baseline gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_service: Option<SharedServicePeer>,
    /// The Kubernetes API of this cluster.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "kubernetesAPI")]
    pub kubernetes_api: Option<KubernetesApiPeer>,
    /// Addresses outside the cluster, within what the platform allows. Metadata, node and control-plane
    /// addresses are always left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr: Option<CidrPeer>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodsPeer {
    /// Which pods. Absent or empty: all pods of this namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "selector_schema")]
    pub pod_selector: Option<LabelSelector>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespacesPeer {
    /// Names of namespaces of the same tenant.
    #[schemars(length(min = 1, max = 32), inner(length(min = 1, max = 63)))]
    pub names: Vec<String>,
    /// Which pods there. Absent or empty: all pods of these namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "selector_schema")]
    pub pod_selector: Option<LabelSelector>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SharedServicePeer {
    /// Name of an entry of `spec.network.sharedServices` of the tenant's baselines.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KubernetesApiPeer {}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.except) || self.except.all(e, cidr(self.block).containsCIDR(e))",
    "message": "except: chaque bloc doit être strictement dans block / each block must lie strictly within block",
}]))]
pub struct CidrPeer {
    /// An address block such as `203.0.113.0/24`; host bits must be zero.
    #[schemars(schema_with = "cidr_schema")]
    pub block: String,
    /// Blocks left out, each strictly within `block`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "cidrs_8_schema")]
    pub except: Vec<String>,
}

/// A port, or a range of ports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.endPort) || self.endPort >= self.port",
    "message": "endPort: au moins égal à port / not below port",
}]))]
pub struct Port {
    /// `TCP` (default), `UDP` or `SCTP`.
    #[serde(default)]
    pub protocol: Protocol,
    /// First port, 1 to 65535.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
    /// Last port of a range; absent, the range is `port` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub end_port: Option<i32>,
}

/// A clean block: parses, and has no host bits set. Bounded, or the API server refuses the rule as too costly.
pub fn cidr_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": 43,
        "x-kubernetes-validations": [{
            "rule": "isCIDR(self) && cidr(self) == cidr(self).masked()",
            "message": "un bloc CIDR sans bits d'hôte, par exemple 203.0.113.0/24 / a CIDR block without host bits, for example 203.0.113.0/24",
        }],
    })
}

/// 500 flows of 32 peers: more than eight exceptions each, and the rules cost more than the API server allows.
pub fn cidrs_8_schema(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "maxItems": 8, "items": cidr_schema(generator)})
}

pub fn cidrs_16_schema(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "maxItems": 16, "items": cidr_schema(generator)})
}

pub fn cidrs_64_schema(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "maxItems": 64, "items": cidr_schema(generator)})
}
