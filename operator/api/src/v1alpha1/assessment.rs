use super::common::conditions_schema;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use snc_core::tier::Level;

/// What is known of the requirements: of the whole cluster in the operator's namespace, of one tenant in each of its
/// namespaces. Codes and counts; `kubectl snc status --requirements` makes sentences of them.
#[derive(Debug, Clone, PartialEq, Eq, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "secnumcloud.dev",
    version = "v1alpha1",
    doc = "What is known of the requirements, of the cluster or of one tenant. Written by the operator.",
    kind = "SncAssessment",
    plural = "sncassessments",
    singular = "sncassessment",
    shortname = "sncas",
    category = "snc",
    namespaced,
    status = "SncAssessmentStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Scope","type":"string","jsonPath":".spec.scope"}"#,
    printcolumn = r#"{"name":"Tenant","type":"string","jsonPath":".spec.tenant"}"#,
    printcolumn = r#"{"name":"Level","type":"string","jsonPath":".status.level"}"#,
    printcolumn = r#"{"name":"Proven","type":"integer","jsonPath":".status.proven"}"#,
    printcolumn = r#"{"name":"Disproved","type":"integer","jsonPath":".status.disproved"}"#,
    printcolumn = r#"{"name":"Unknown","type":"integer","jsonPath":".status.unknown"}"#,
    printcolumn = r#"{"name":"Score","type":"integer","jsonPath":".status.score"}"#,
    printcolumn = r#"{"name":"Changed","type":"date","jsonPath":".status.changedAt"}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "has(self.tenant) == (self.scope == 'Tenant')",
    "message": "tenant: pour la portée Tenant, et elle seule / for the scope Tenant, and no other",
}]))]
pub struct SncAssessmentSpec {
    /// `Cluster`: everything, by the platform's parameters. `Tenant`: what is in the namespaces of one tenant.
    pub scope: AssessmentScope,
    /// Whose it is, for the scope `Tenant`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub tenant: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum AssessmentScope {
    Cluster,
    Tenant,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SncAssessmentStatus {
    /// The level whose controls are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// When something below was last another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<Time>,
    /// Controls whose worst verdict is `Pass`.
    #[serde(default)]
    pub proven: i64,
    /// Controls that fail somewhere.
    #[serde(default)]
    pub disproved: i64,
    /// Controls that cannot conclude somewhere, and fail nowhere.
    #[serde(default)]
    pub unknown: i64,
    /// ⌊100 · proven / (proven + disproved + unknown)⌋. Absent where nothing applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<i64>,
    /// How many of the requirements are in which state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirements: Option<RequirementCounts>,
    /// The state of every requirement, in the order of the referential.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 512))]
    pub states: Vec<RequirementCode>,
    /// Every control that the level asks for, by id. What does not fit is left out, `truncated` says so and
    /// `controlsTotal` counts all: then the worst come first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 512))]
    pub controls: Vec<ControlCode>,
    #[serde(default)]
    pub controls_total: i64,
    #[serde(default)]
    pub truncated: bool,
    /// The last changes of a requirement's state, newest first; at most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub transitions: Vec<Transition>,
    /// How many there were since the object was made.
    #[serde(default)]
    pub transitions_total: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequirementCounts {
    pub compliant: i64,
    pub proven_in_cluster: i64,
    pub awaiting_attestation: i64,
    pub non_compliant: i64,
    pub unknown: i64,
    pub not_applicable: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequirementCode {
    /// As the referential counts its requirements, for example `9.7.a`.
    #[schemars(length(max = 16))]
    pub id: String,
    /// `Compliant`, `ProvenInCluster`, `AwaitingAttestation`, `NonCompliant`, `Unknown` or `NotApplicable`.
    #[schemars(length(max = 32))]
    pub state: String,
}

/// The worst verdict of a control, and how many objects got which. A count that is absent is zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ControlCode {
    #[schemars(length(max = 63))]
    pub id: String,
    #[schemars(length(max = 16))]
    pub verdict: String,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pass: i64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fail: i64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unknown: i64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub exempt: i64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_zero(count: &i64) -> bool {
    *count == 0
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Transition {
    pub at: Time,
    #[schemars(length(max = 16))]
    pub requirement: String,
    #[schemars(length(max = 32))]
    pub from: String,
    #[schemars(length(max = 32))]
    pub to: String,
}
