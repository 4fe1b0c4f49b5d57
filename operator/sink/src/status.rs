//! What the sink says of itself to the cluster, and when it is worth writing.

mod due;
mod gather;
mod report;

pub use due::{Due, Turn};
pub use gather::{Anchoring, Facts, gather};
pub use report::Reporter;

use crate::gaps::AuditGap;
use crate::journal::Source;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Items of a list; the totals beside it say how many there are.
pub const ITEMS: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SourceKind {
    Webhook,
    File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SourceState {
    /// Something came lately, or nothing was due.
    Receiving,
    /// Nothing has come for longer than the probe's period allows.
    Silent,
    /// Nothing has come since the sink knows of it.
    Never,
    /// What comes is not acknowledged: the journal cannot be written.
    Refusing,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceStatus {
    pub server: String,
    pub kind: SourceKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_received: Option<Timestamp>,
    pub state: SourceState,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GapItem {
    pub server: String,
    pub source: SourceKind,
    pub cause: String,
    pub from: Timestamp,
    /// Absent while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GapsStatus {
    pub open: u64,
    pub total: u64,
    pub truncated: bool,
    pub items: Vec<GapItem>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreKind {
    Volume,
    S3,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreStatus {
    pub kind: StoreKind,
    /// Whether the store itself refuses to change or delete what is not due.
    pub locked: bool,
    pub bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast_days: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealStatus {
    pub key_id: String,
    /// Number of the last head.
    pub head: u64,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchored_at: Option<Timestamp>,
    /// Where it is anchored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeStatus {
    pub at: Timestamp,
    pub arrived: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_milliseconds: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skew_milliseconds: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<SourceKind>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmsStatus {
    pub open: u64,
    pub overdue: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_open: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyStatus {
    pub complete: bool,
    pub missing: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetentionStatus {
    pub days: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_days: Option<u32>,
    /// Those that are kept longer than `days`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<TenantDays>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantDays {
    pub name: String,
    pub days: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordsStatus {
    pub total: u64,
    pub platform: u64,
    pub tenants: u64,
    /// Of the platform's: in a namespace of which it was not known whose it was.
    pub unattributed: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForwardingStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_seconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_records: Option<u64>,
}

/// As Kubernetes has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    pub r#type: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    pub reason: String,
    pub message: String,
    pub last_transition_time: Timestamp,
    pub observed_generation: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub observed_generation: i64,
    pub sources: Vec<SourceStatus>,
    pub gaps: GapsStatus,
    pub store: StoreStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<SealStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<ProbeStatus>,
    pub alarms: AlarmsStatus,
    pub policy: PolicyStatus,
    pub retention: RetentionStatus,
    pub records: RecordsStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarding: Option<ForwardingStatus>,
    pub conditions: Vec<Condition>,
}

/// As they are shown, but for their numbers.
pub fn gap_items(gaps: &[AuditGap]) -> Vec<GapItem> {
    let item = |gap: &AuditGap| GapItem {
        server: gap.server.to_string(),
        source: if gap.source == Source::File { SourceKind::File } else { SourceKind::Webhook },
        cause: gap.cause.as_str().to_owned(),
        from: gap.from,
        to: gap.to,
        closed: gap.closed,
    };
    gaps.iter().map(item).collect()
}

#[cfg(test)]
mod tests;
