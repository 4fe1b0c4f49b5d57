use super::audit_log::PolicyAudit;
use super::common::{ControlNumbers, Modes, ResourceList, conditions_schema, resource_list_schema};
use super::image_scan::ScanCounts;
use super::network::Flow;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use snc_core::tier::{Environment, Level};

/// What a tenant declares for one of its namespaces. It can strengthen what the platform asks, never weaken it;
/// the flows are the only traffic of the namespace besides name resolution.
#[derive(Debug, Clone, Default, PartialEq, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "secnumcloud.dev",
    version = "v1alpha1",
    doc = "What a tenant declares for one of its namespaces: flows, modes, quota.",
    kind = "SncPolicy",
    plural = "sncpolicies",
    singular = "sncpolicy",
    shortname = "sncp",
    category = "snc",
    namespaced,
    status = "SncPolicyStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Tenant","type":"string","jsonPath":".status.tenant"}"#,
    printcolumn = r#"{"name":"Level","type":"string","jsonPath":".status.level"}"#,
    printcolumn = r#"{"name":"Isolation","type":"string","jsonPath":".status.isolation"}"#,
    printcolumn = r#"{"name":"Effective","type":"string","jsonPath":".status.conditions[?(@.type==\"NetworkPolicyEffective\")].status"}"#,
    printcolumn = r#"{"name":"Isolated","type":"string","jsonPath":".status.conditions[?(@.type==\"NetworkIsolated\")].status"}"#,
    printcolumn = r#"{"name":"Satisfied","type":"string","jsonPath":".status.conditions[?(@.type==\"ControlsSatisfied\")].status"}"#,
    printcolumn = r#"{"name":"Fail","type":"integer","jsonPath":".status.controls.disproved"}"#,
    printcolumn = r#"{"name":"Unknown","type":"integer","jsonPath":".status.controls.unknown"}"#,
    printcolumn = r#"{"name":"Score","type":"integer","jsonPath":".status.controls.score"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(oldSelf.audit) || (has(self.audit) && self.audit.retentionDays >= oldSelf.audit.retentionDays)",
    "message": "audit.retentionDays: ne diminue pas et ne se retire pas / is neither lowered nor removed",
}]))]
pub struct SncPolicySpec {
    /// Tier of this namespace, at least the tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// What the namespace is used for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modes: Option<Modes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<PolicyNetwork>,
    /// Share of the tenant's total that this namespace asks for.
    #[serde(default, skip_serializing_if = "ResourceList::is_empty")]
    #[schemars(schema_with = "resource_list_schema")]
    pub quota: ResourceList,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<PolicyAudit>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyNetwork {
    /// The flow matrix of the namespace: what may come in and go out, each with its justification. Whatever is
    /// not declared is closed in both directions, between pods of the namespace too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 500), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub flows: Vec<Flow>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SncPolicyStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Tenant that the namespace belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Level in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Isolation mode in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation: Option<snc_core::tier::Mode>,
    /// Values in force in the namespace, and who asked for each. Of more than 128 the last entry is `…` and their number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128))]
    pub effective: Vec<EffectiveValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flows: Option<FlowCounts>,
    /// Worst findings first; at most 20 are listed, `total` counts all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings: Option<PolicyFindings>,
    /// The controls that apply to what is in the namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controls: Option<ControlNumbers>,
    /// What the controls found, worst first; at most 20 are listed, `total` counts all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_findings: Option<ControlFindings>,
    /// The images that run in the namespace, by what scans found in them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<ImageNumbers>,
    /// Objects kept in the namespace; at most 20 are listed, `total` counts all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedObjects>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EffectiveValue {
    pub field: String,
    #[schemars(length(max = 1024))]
    pub value: String,
    pub from: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlowCounts {
    pub declared: i64,
    pub applied: i64,
    pub refused: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyFindings {
    pub total: i64,
    pub truncated: bool,
    #[schemars(length(max = 20))]
    pub items: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ControlFindings {
    pub total: i64,
    pub truncated: bool,
    #[schemars(length(max = 20))]
    pub items: Vec<ControlFinding>,
}

/// One object that a control refuses, or cannot judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ControlFinding {
    /// Id of the control; `kubectl snc explain` says what it asks for.
    #[schemars(length(max = 63))]
    pub control: String,
    pub severity: snc_core::control::Severity,
    /// `Fail` or `Unknown`.
    #[schemars(length(max = 16))]
    pub verdict: String,
    /// `Kind/name`.
    #[schemars(length(max = 512))]
    pub object: String,
    #[schemars(length(max = 1024))]
    pub message: String,
}

/// Each image counts once, however many pods run it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageNumbers {
    pub running: i64,
    /// Scanned lately by the platform, and nothing in them is past its deadline.
    pub in_time: i64,
    /// With a vulnerability past its deadline.
    pub overdue: i64,
    /// Of which nobody knows.
    pub unknown: i64,
    /// Of these, without any scan.
    pub unscanned: i64,
    /// Signed by a declared key. Counted where keys are declared, as are the next two.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub signed: i64,
    /// Not signed by any.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unsigned: i64,
    /// Of which the registry has not said.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unverified: i64,
    /// Vulnerabilities that are to be mended, by severity.
    pub open: ScanCounts,
    /// Those that are past their deadline.
    pub past: ScanCounts,
    /// When the next one falls due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_deadline: Option<Time>,
}

// As serde wants it.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(count: &i64) -> bool {
    *count == 0
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ManagedObjects {
    pub total: i64,
    pub truncated: bool,
    #[schemars(length(max = 20))]
    pub items: Vec<Named>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Named {
    pub kind: String,
    pub name: String,
}
