//! What the operator wrote of tenants and namespaces, read honestly: a status that is absent, older than its
//! object or unreadable says nothing, and what says nothing is `Unknown`.

mod baselines;
mod build;
mod conditions;
mod problems;

pub use build::{Facts, build};

use super::Tri;
use jiff::Timestamp;
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusReport {
    pub context: String,
    pub generated_at: Timestamp,
    /// Whether everything that the question needs could be read.
    pub complete: bool,
    pub operator: Operator,
    pub summary: Summary,
    pub tenants: Vec<TenantStatus>,
    pub namespaces: Vec<NamespaceStatus>,
    pub baselines: Vec<BaselineStatus>,
}

impl StatusReport {
    pub fn has_findings(&self) -> bool {
        let problems = self
            .tenants
            .iter()
            .flat_map(|t| &t.problems)
            .chain(self.baselines.iter().flat_map(|b| &b.problems));
        self.summary.not_satisfied > 0 || problems.into_iter().any(|p| p.counts)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum OperatorState {
    /// Its lease is renewed.
    Alive,
    /// No lease, or one that ran out: what follows is what it wrote last.
    Silent,
    /// The reader may not look.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Operator {
    pub state: OperatorState,
    pub last_seen: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    pub namespaces: usize,
    /// Isolated, with every condition True.
    pub satisfied: usize,
    pub not_satisfied: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantStatus {
    pub name: String,
    pub level: Option<String>,
    pub adoption: Option<String>,
    pub conditions: Vec<ConditionView>,
    pub problems: Vec<Problem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BaselineStatus {
    pub name: String,
    pub conditions: Vec<ConditionView>,
    pub problems: Vec<Problem>,
}

/// Where a namespace is. The first seven are the operator's words, the others are the reader's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum State {
    Isolated,
    NotEnforced,
    Pending,
    Observed,
    Conflict,
    Protected,
    Terminating,
    /// Claimed by name, and not there.
    Absent,
    NotGoverned,
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceStatus {
    pub tenant: Option<String>,
    pub namespace: String,
    pub state: State,
    pub level: Option<String>,
    pub isolation: Option<String>,
    pub satisfied: bool,
    pub policies: Vec<PolicyStatus>,
    pub problems: Vec<Problem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyStatus {
    pub name: String,
    /// The operator has not looked at this version of the policy.
    pub stale: bool,
    pub level: Option<String>,
    pub isolation: Option<String>,
    pub ready: Tri,
    pub network_policy_effective: Tri,
    pub network_isolated: Tri,
    pub flows: Option<Flows>,
    pub conditions: Vec<ConditionView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Flows {
    pub declared: i64,
    pub applied: i64,
    pub refused: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionView {
    #[serde(rename = "type")]
    pub kind: String,
    pub status: Tri,
    pub reason: String,
    pub message: String,
}

/// Something to read, and whether it makes the exit code 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// `Kind/name` of the object that says it.
    pub subject: String,
    /// Conditions that say the same.
    pub conditions: Vec<String>,
    pub status: Option<Tri>,
    pub reason: String,
    pub message: String,
    pub counts: bool,
}
