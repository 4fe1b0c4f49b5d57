use crate::audit::{PROBE_LIMIT_SECONDS, PROBE_SECONDS, RETENTION_DAYS};
use jiff::Timestamp;
use serde::Deserialize;

/// `SncAuditLog`, as far as it is judged. What is absent is not known: it is never taken for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct AuditLog {
    pub metadata: Version,
    pub spec: AuditLogSpec,
    pub status: AuditLogStatus,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Version {
    pub generation: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuditLogSpec {
    pub retention: AskedRetention,
    pub probe_seconds: u32,
    pub probe_limit_seconds: u32,
}

impl Default for AuditLogSpec {
    fn default() -> Self {
        Self {
            retention: AskedRetention::default(),
            probe_seconds: PROBE_SECONDS,
            probe_limit_seconds: PROBE_LIMIT_SECONDS,
        }
    }
}

/// For how long the platform wants records to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AskedRetention {
    pub days: u32,
    pub maximum_days: Option<u32>,
    pub tenants: Vec<TenantDays>,
}

impl Default for AskedRetention {
    fn default() -> Self {
        Self { days: RETENTION_DAYS, maximum_days: None, tenants: Vec::new() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TenantDays {
    pub name: String,
    pub days: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuditLogStatus {
    pub observed_generation: Option<i64>,
    pub sources: Vec<AuditSource>,
    pub gaps: Option<AuditGaps>,
    pub store: Option<AuditStore>,
    pub seal: Option<AuditSeal>,
    pub probe: Option<AuditProbe>,
    pub alarms: Option<AuditAlarms>,
    pub policy: Option<AuditPolicy>,
    pub retention: Option<AuditRetention>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct AuditSource {
    pub server: String,
    pub kind: String,
    pub state: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct AuditGaps {
    pub open: Option<i64>,
    pub items: Vec<AuditGap>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct AuditGap {
    pub server: String,
    pub source: String,
    pub cause: String,
    pub from: Option<Timestamp>,
    pub closed: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct AuditStore {
    pub kind: String,
    pub free: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuditSeal {
    pub at: Option<Timestamp>,
    pub anchored_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuditProbe {
    pub at: Option<Timestamp>,
    pub arrived: Option<bool>,
    pub delay_milliseconds: Option<i64>,
    pub skew_milliseconds: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuditAlarms {
    pub overdue: Option<i64>,
    pub oldest_open: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct AuditPolicy {
    pub complete: Option<bool>,
    pub missing: Vec<String>,
}

/// For how long the sink keeps records.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuditRetention {
    pub days: Option<u32>,
    pub tenants: Vec<TenantDays>,
}
