use super::common::{
    Modes, ResourceList, any_schema, conditions_schema, date_schema, resource_list_schema, selector_schema,
};
use super::network::{Port, cidrs_16_schema, cidrs_64_schema};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use snc_core::flow::Direction;
use snc_core::tier::Level;

/// Floors and ceilings that the platform sets for the tenants that the selector matches. Several baselines can
/// match one tenant: the strictest of each value holds, lists keep what all of them allow.
#[derive(Debug, Clone, Default, PartialEq, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "secnumcloud.dev",
    version = "v1alpha1",
    doc = "Floors and ceilings that the platform sets for its tenants.",
    kind = "SncBaseline",
    plural = "sncbaselines",
    singular = "sncbaseline",
    shortname = "sncb",
    category = "snc",
    status = "SncBaselineStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Level","type":"string","jsonPath":".spec.level"}"#,
    printcolumn = r#"{"name":"Isolation","type":"string","jsonPath":".spec.modes.isolation"}"#,
    printcolumn = r#"{"name":"Tenants","type":"integer","jsonPath":".status.tenants"}"#,
    printcolumn = r#"{"name":"Consistent","type":"string","jsonPath":".status.conditions[?(@.type==\"Consistent\")].status"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct SncBaselineSpec {
    /// Which tenants, by labels of the `SncTenant`. Absent or empty: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "selector_schema")]
    pub tenant_selector: Option<LabelSelector>,
    /// Lowest level of the matched tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Lowest modes of the matched tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modes: Option<Modes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<BaselineNetwork>,
    /// Highest quota of any one namespace of the matched tenants.
    #[serde(default, skip_serializing_if = "ResourceList::is_empty")]
    #[schemars(schema_with = "resource_list_schema")]
    pub quota: ResourceList,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_limits: Option<ContainerLimits>,
    /// Parameters of controls, tailored for the matched tenants; for the cluster's own objects where all tenants are
    /// matched. `kubectl snc explain <control>` shows which there are, their bounds and their defaults.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["control", "name"]))]
    pub parameters: Vec<TailoredParameter>,
}

/// A value in the place of a parameter's default. Of several baselines the stricter value holds; lists of what is
/// accepted keep what all of them accept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TailoredParameter {
    /// Id of the control.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub control: String,
    /// Name of the parameter.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z][a-zA-Z0-9]*$"))]
    pub name: String,
    /// `true` or `false`, a whole number, or a list of texts, as the parameter's default is. What is of another type or
    /// out of bounds is not applied, and reported in the condition `Consistent`.
    #[schemars(schema_with = "any_schema")]
    pub value: serde_json::Value,
    /// Why this value. The auditor reads it.
    #[schemars(length(min = 3, max = 512), regex(pattern = r"\S\s*\S\s*\S"))]
    pub rationale: String,
}

/// What the `LimitRange` of each governed namespace says of containers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContainerLimits {
    /// Highest limits of one container.
    #[serde(default, skip_serializing_if = "ResourceList::is_empty")]
    #[schemars(schema_with = "resource_list_schema")]
    pub max: ResourceList,
    /// Limits of a container that states none.
    #[serde(default, skip_serializing_if = "ResourceList::is_empty")]
    #[schemars(schema_with = "resource_list_schema")]
    pub default: ResourceList,
    /// Requests of a container that states none.
    #[serde(default, skip_serializing_if = "ResourceList::is_empty")]
    #[schemars(schema_with = "resource_list_schema")]
    pub default_request: ResourceList,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BaselineNetwork {
    /// Where pods resolve names. Absent: pods labelled `k8s-app: kube-dns` in `kube-system`, port 53.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<DnsService>,
    /// Services of the platform that tenants may name in their flows. Absent in every baseline: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub shared_services: Option<Vec<SharedService>>,
    /// Blocks that `cidr` peers must lie in. Absent: anywhere that is not denied.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "allowedCIDRs")]
    #[schemars(schema_with = "cidrs_64_schema")]
    pub allowed_cidrs: Option<Vec<String>>,
    /// Blocks that no `cidr` peer opens: ranges of nodes, control plane, pods and Services of this cluster, and
    /// whatever the platform keeps to itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty", rename = "deniedCIDRs")]
    #[schemars(schema_with = "cidrs_64_schema")]
    pub denied_cidrs: Vec<String>,
    /// Where pods reach the Kubernetes API. Absent: a flow to it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "kubernetesAPI")]
    pub kubernetes_api: Option<KubernetesApiEndpoints>,
    /// The platform's statement that its network engine enforces NetworkPolicy. Without one, and without a
    /// measurement by `snc-operator probe`, `NetworkIsolated` stays `Unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforcement: Option<EnforcementStatement>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "has(self.__namespace__) || (has(self.addresses) && size(self.addresses) > 0)",
    "message": "namespace ou addresses, ou les deux / namespace or addresses, or both",
}]))]
pub struct DnsService {
    /// Namespace of the DNS pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
    /// Which pods there. Absent or empty: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "selector_schema")]
    pub pod_selector: Option<LabelSelector>,
    /// Absent: 53 on UDP and TCP. OpenShift answers on 5353.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub ports: Vec<Port>,
    /// Addresses outside the pod network, such as a NodeLocal DNS cache.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "cidrs_16_schema")]
    pub addresses: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SharedService {
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// `Egress`: tenants call the service. `Ingress`: the service calls tenants (monitoring, for example).
    pub direction: Direction,
    /// Namespace of the service.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
    /// Which pods there. Absent or empty: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "selector_schema")]
    pub pod_selector: Option<LabelSelector>,
    #[schemars(length(min = 1, max = 32))]
    pub ports: Vec<Port>,
    /// Why tenants need it.
    #[schemars(length(min = 3, max = 512), regex(pattern = r"\S\s*\S\s*\S"))]
    pub justification: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KubernetesApiEndpoints {
    #[serde(rename = "cidrs")]
    #[schemars(schema_with = "cidrs_16_schema", length(min = 1))]
    pub cidrs: Vec<String>,
    #[schemars(length(min = 1, max = 8))]
    pub ports: Vec<Port>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnforcementStatement {
    /// The network engine and its version.
    #[schemars(length(min = 1, max = 128))]
    pub engine: String,
    /// Where the proof is kept: a test report, a ticket, a document reference.
    #[schemars(length(min = 3, max = 512), regex(pattern = r"\S\s*\S\s*\S"))]
    pub evidence: String,
    /// Date of the proof, `YYYY-MM-DD`.
    #[schemars(schema_with = "date_schema")]
    pub stated_on: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SncBaselineStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How many tenants the selector matches.
    #[serde(default)]
    pub tenants: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
}
