use super::common::conditions_schema;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use snc_core::verdict::Subject;

/// A waiver: controls that are not held against exact objects, for a time. It is asked for by one person and approved by
/// another; what is waived is `Exempt`, which is never a pass.
#[derive(Debug, Clone, PartialEq, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "secnumcloud.dev",
    version = "v1alpha1",
    doc = "A waiver of controls for exact objects: asked for by one person, approved by another, for a time.",
    kind = "SncException",
    plural = "sncexceptions",
    singular = "sncexception",
    shortname = "snce",
    category = "snc",
    status = "SncExceptionStatus",
    derive = "PartialEq",
    validation = kube::core::Rule::new("size(self.metadata.name) <= 63").message("metadata.name: 63 caractères au plus / at most 63 characters"),
    printcolumn = r#"{"name":"Approved","type":"string","jsonPath":".status.conditions[?(@.type==\"Approved\")].status"}"#,
    printcolumn = r#"{"name":"Active","type":"string","jsonPath":".status.conditions[?(@.type==\"Active\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Active\")].reason"}"#,
    printcolumn = r#"{"name":"Until","type":"string","jsonPath":".status.until"}"#,
    printcolumn = r#"{"name":"Hits","type":"integer","jsonPath":".status.hits"}"#,
    printcolumn = r#"{"name":"Requested by","type":"string","priority":1,"jsonPath":".spec.requestedBy"}"#,
    printcolumn = r#"{"name":"Approved by","type":"string","priority":1,"jsonPath":".status.approvedBy"}"#,
    printcolumn = r#"{"name":"Controls","type":"string","priority":1,"jsonPath":".spec.controls"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct SncExceptionSpec {
    /// Ids of the controls that are not held against the subjects: see `kubectl snc controls`.
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")), extend("x-kubernetes-list-type" = "set"))]
    pub controls: Vec<String>,
    /// The objects, each by its exact name. What a workload makes goes with it: a Deployment's pods need no subjects of
    /// their own.
    #[schemars(length(min = 1, max = 32), extend("x-kubernetes-list-type" = "atomic"))]
    pub subjects: Vec<ExceptionSubject>,
    /// Why the controls cannot be met.
    #[schemars(length(min = 10, max = 2048), regex(pattern = r"\S\s*\S\s*\S"))]
    pub reason: String,
    /// What holds the risk down meanwhile.
    #[schemars(length(min = 10, max = 2048), regex(pattern = r"\S\s*\S\s*\S"))]
    pub compensating_measure: String,
    /// Where the decision is followed up.
    #[schemars(length(min = 1, max = 256), regex(pattern = r"\S"))]
    pub ticket: String,
    /// When it ends. The severest control sets how long it can last from its creation: critical 30 days, high 90, medium
    /// 180, low 365. A later date is cut to that.
    pub expires_on: Time,
    /// Who asks: your own user name as the API server knows it (`kubectl auth whoami`), nobody else's.
    #[schemars(length(min = 1, max = 512))]
    pub requested_by: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExceptionSubject {
    /// The API group, without a version; absent for the core group.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(
        length(max = 253),
        regex(pattern = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)?$")
    )]
    pub api_group: String,
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[A-Z][A-Za-z0-9]*$"))]
    pub kind: String,
    /// Absent for an object that is in no namespace.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 63), regex(pattern = "^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$"))]
    pub namespace: String,
    /// Its whole name: there are no patterns.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[a-zA-Z0-9]([-.:_a-zA-Z0-9]*[a-zA-Z0-9])?$"))]
    pub name: String,
}

impl ExceptionSubject {
    /// As waivers name it.
    pub fn key(&self) -> String {
        let Self { api_group, kind, namespace, name } = self;
        let api_version = if api_group.is_empty() { "v1".to_owned() } else { format!("{api_group}/") };
        Subject::new(&api_version, kind, namespace, name).key()
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SncExceptionStatus {
    /// Who approves: set once, through the subresource `status`, by that person, who is neither the requester nor a
    /// ServiceAccount. To revoke it, delete the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub approved_by: Option<String>,
    /// When the operator saw the approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Time>,
    /// When it ends: what was asked for, or sooner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// Pairs of a control and a subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairs: Option<i64>,
    /// Pairs that fail, and are `Exempt` by it. The others need no waiver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hits: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Approved`, `Active` and `Matching`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
}
