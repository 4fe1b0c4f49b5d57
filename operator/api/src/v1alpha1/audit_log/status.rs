use super::TenantRetention;
use crate::v1alpha1::common::{conditions_schema, moment_schema};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the sink says of the log that it keeps. It alone writes this; what is absent it does not know.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SncAuditLogStatus {
    /// Of what is asked, up to which version it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Where events come from: each API server by each way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["server", "kind"]))]
    pub sources: Vec<AuditSource>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gaps: Option<AuditGaps>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<AuditStore>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<AuditSeal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<AuditProbe>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarms: Option<AuditAlarms>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<AuditPolicyState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<AuditRetentionInForce>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<AuditRecords>,
    /// Absent where nothing is forwarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarding: Option<AuditForwarding>,
    /// `Complete`: no gap is open, and the last probe came back in time. `Proven`: what is kept is sealed, and its last head
    /// is anchored outside of the store.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditSource {
    /// Name of the API server, as its client certificate or its tailer has it.
    #[schemars(length(max = 253))]
    pub server: String,
    pub kind: AuditSourceKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "moment_schema")]
    pub last_received: Option<Timestamp>,
    pub state: AuditSourceState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum AuditSourceKind {
    /// The audit webhook of the API server: fast.
    Webhook,
    /// Its audit log file: complete.
    File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum AuditSourceState {
    /// Something came lately.
    Receiving,
    /// Nothing came for longer than the probe's period allows.
    Silent,
    /// Nothing came since the sink knows of it.
    Never,
    /// What comes is not taken: it cannot be written down.
    Refusing,
}

/// Stretches of time of which events are missing. Open ones first, the latest first; at most 20 are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditGaps {
    #[schemars(range(min = 0))]
    pub open: i64,
    /// Closed ones included, as far as they are remembered.
    #[schemars(range(min = 0))]
    pub total: i64,
    #[serde(default)]
    pub truncated: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub items: Vec<AuditGap>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditGap {
    #[schemars(length(max = 253))]
    pub server: String,
    pub source: AuditSourceKind,
    pub cause: AuditGapCause,
    #[schemars(schema_with = "moment_schema")]
    pub from: Timestamp,
    /// Absent while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "moment_schema")]
    pub to: Option<Timestamp>,
    /// When the file had filled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "moment_schema")]
    pub closed: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum AuditGapCause {
    /// The sink could not be reached.
    Down,
    /// There was no room for what came.
    DiskFull,
    /// What came was refused.
    Refused,
    /// The file was gone before it was read to its end.
    Rotated,
    /// The file was cut.
    Truncated,
    /// A line is not an event.
    Unreadable,
    /// A probe did not come back this way.
    ProbeMissed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditStore {
    pub kind: AuditStoreKind,
    /// Whether the store itself keeps objects from being deleted before their time.
    #[serde(default)]
    pub locked: bool,
    /// What is kept, in bytes.
    #[schemars(range(min = 0))]
    pub bytes: i64,
    /// Days until it is full, at the pace of the last weeks. Absent where that is not known, or has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub forecast_days: Option<i64>,
    /// Bytes that are free, where the store tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub free: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum AuditStoreKind {
    /// A volume of the machine that the sink runs on, or that is mounted there.
    Volume,
    /// An object store.
    S3,
}

/// The last head: it covers everything that is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditSeal {
    #[schemars(length(max = 128))]
    pub key_id: String,
    /// Its number.
    #[schemars(range(min = 0))]
    pub head: i64,
    #[schemars(schema_with = "moment_schema")]
    pub at: Timestamp,
    /// When a head was last written where the keepers of the store cannot take it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "moment_schema")]
    pub anchored_at: Option<Timestamp>,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub anchor: Option<String>,
}

/// The last marked call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditProbe {
    /// When it was made.
    #[schemars(schema_with = "moment_schema")]
    pub at: Timestamp,
    /// Whether it came back within `spec.probeLimitSeconds`.
    pub arrived: bool,
    /// From the answer of the API server to the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_milliseconds: Option<i64>,
    /// How much the clock of the API server is ahead of the sink's; less than nothing: behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skew_milliseconds: Option<i64>,
    /// Which way was first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<AuditSourceKind>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditAlarms {
    /// Not acknowledged.
    #[schemars(range(min = 0))]
    pub open: i64,
    /// Of these, for more than 24 hours.
    #[schemars(range(min = 0))]
    pub overdue: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "moment_schema")]
    pub oldest_open: Option<Timestamp>,
}

/// Whether what is seen in the log shows that the policy in force leaves out nothing that has to be there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditPolicyState {
    pub complete: bool,
    /// What is left out; at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(max = 256)))]
    pub missing: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditRetentionInForce {
    /// Days that every record is kept at least.
    pub days: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_days: Option<i64>,
    /// Tenants whose records are kept longer than `days`, whoever asked for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub tenants: Vec<TenantRetention>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecords {
    #[schemars(range(min = 0))]
    pub total: i64,
    /// Of these, the platform's.
    #[schemars(range(min = 0))]
    pub platform: i64,
    /// Of tenants, all together.
    #[schemars(range(min = 0))]
    pub tenants: i64,
    /// Of namespaces that nobody knew at that time; they are the platform's.
    #[schemars(range(min = 0))]
    pub unattributed: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditForwarding {
    /// When the receiver last took something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "moment_schema")]
    pub at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub lag_seconds: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub lag_records: Option<i64>,
}
