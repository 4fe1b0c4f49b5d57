mod status;

pub use status::{
    AuditAlarms, AuditForwarding, AuditGap, AuditGapCause, AuditGaps, AuditPolicyState, AuditProbe,
    AuditRecords, AuditRetentionInForce, AuditSeal, AuditSource, AuditSourceKind, AuditSourceState,
    AuditStore, AuditStoreKind, SncAuditLogStatus,
};

use super::common::moment_schema;
use jiff::Timestamp;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the audit log of the cluster is kept: for how long, what is held beyond that, and how often it is tried from end to
/// end. There is one, named `cluster`.
#[derive(Debug, Clone, Default, PartialEq, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "secnumcloud.dev",
    version = "v1alpha1",
    doc = "How the audit log of the cluster is kept, and what is proven of it.",
    kind = "SncAuditLog",
    plural = "sncauditlogs",
    singular = "sncauditlog",
    shortname = "sncal",
    category = "snc",
    status = "SncAuditLogStatus",
    derive = "PartialEq",
    validation = kube::core::Rule::new("self.metadata.name == 'cluster'").message("metadata.name: un seul journal, accepté : cluster / one log only, accepted: cluster"),
    printcolumn = r#"{"name":"Complete","type":"string","jsonPath":".status.conditions[?(@.type==\"Complete\")].status"}"#,
    printcolumn = r#"{"name":"Proven","type":"string","jsonPath":".status.conditions[?(@.type==\"Proven\")].status"}"#,
    printcolumn = r#"{"name":"Gaps","type":"integer","jsonPath":".status.gaps.open"}"#,
    printcolumn = r#"{"name":"Alarms","type":"integer","jsonPath":".status.alarms.open"}"#,
    printcolumn = r#"{"name":"Overdue","type":"integer","priority":1,"jsonPath":".status.alarms.overdue"}"#,
    printcolumn = r#"{"name":"Probe","type":"date","jsonPath":".status.probe.at"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.probeLimitSeconds) || !has(self.probeSeconds) || self.probeLimitSeconds <= self.probeSeconds",
    "message": "probeLimitSeconds: probeSeconds au plus / at most probeSeconds",
}]))]
pub struct SncAuditLogSpec {
    #[serde(default)]
    pub retention: AuditRetention,
    /// What is not deleted, however old it gets. To lift one is to remove it from the list, and this object is the platform's
    /// alone to write.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub legal_holds: Vec<LegalHold>,
    /// How often a marked, harmless call is made that has to come back through the log.
    #[serde(default = "probe_seconds")]
    #[schemars(range(min = 60, max = 3600))]
    pub probe_seconds: u32,
    /// How long it may take on its way.
    #[serde(default = "probe_limit_seconds")]
    #[schemars(range(min = 5, max = 600))]
    pub probe_limit_seconds: u32,
}

const fn probe_seconds() -> u32 {
    snc_core::audit::PROBE_SECONDS
}

const fn probe_limit_seconds() -> u32 {
    snc_core::audit::PROBE_LIMIT_SECONDS
}

/// For how long records are kept. What was sealed keeps the date that it was sealed with: nothing that is written here
/// shortens it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "self.days >= oldSelf.days",
        "message": "retention.days: ne diminue pas / is not lowered",
    },
    {
        "rule": "!has(self.maximumDays) || self.maximumDays >= self.days",
        "message": "retention.maximumDays: retention.days au moins / at least retention.days",
    },
    {
        "rule": "!has(self.maximumDays) || !has(self.tenants) || self.tenants.all(t, t.days <= self.maximumDays)",
        "message": "retention.tenants: retention.maximumDays au plus / at most retention.maximumDays",
    },
]))]
pub struct AuditRetention {
    /// Days that every record is kept at least. Never lowered.
    #[serde(default = "days")]
    #[schemars(range(min = 184, max = 3650))]
    pub days: u32,
    /// Days that no record is kept beyond, whoever asks for more; legal holds aside. Absent: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 184, max = 3650))]
    pub maximum_days: Option<u32>,
    /// Tenants whose records are kept longer. The days of one are never lowered; an entry may go with its tenant, and its
    /// records then have what all others have, but for those that are sealed already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub tenants: Vec<TenantRetention>,
}

const fn days() -> u32 {
    snc_core::audit::RETENTION_DAYS
}

impl Default for AuditRetention {
    fn default() -> Self {
        Self { days: days(), maximum_days: None, tenants: Vec::new() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "self.days >= oldSelf.days",
    "message": "retention.tenants[].days: ne diminue pas / is not lowered",
}]))]
pub struct TenantRetention {
    /// Name of the `SncTenant`.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub name: String,
    /// Whatever is less than `retention.days` changes nothing.
    #[schemars(range(min = 184, max = 3650))]
    pub days: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LegalHold {
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// Whose records, by name of the `SncTenant`. Absent: all records, those of the platform included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub tenant: Option<String>,
    /// Who ordered it, and why: a reference that the auditor can follow.
    #[schemars(length(min = 3, max = 512), regex(pattern = r"\S\s*\S\s*\S"))]
    pub reason: String,
    /// Since when it holds.
    #[schemars(schema_with = "moment_schema")]
    pub since: Timestamp,
}

/// What a namespace asks of the audit log, beyond what the platform gives everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyAudit {
    /// Days that the records of the tenant are kept at least. Of all its policies the most holds, up to the platform's
    /// maximum. Never lowered.
    #[schemars(range(min = 184, max = 3650))]
    pub retention_days: u32,
}
