//! What the sink says of itself.

use serde::{Serialize, Serializer};
use serde_json::Value;
use snc_api::v1alpha1::SncAuditLogStatus;

/// As it came, and as far as it is understood.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusReport {
    pub said: Value,
    pub status: SncAuditLogStatus,
}

impl Serialize for StatusReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.said.serialize(serializer)
    }
}

impl StatusReport {
    /// What is not as it should be: the types of conditions that are False.
    pub fn bad(&self) -> Vec<&str> {
        self.conditions("False")
    }

    pub fn unknown(&self) -> Vec<&str> {
        let mut unknown: Vec<&str> = self
            .status
            .conditions
            .iter()
            .filter(|one| !matches!(one.status.as_str(), "True" | "False"))
            .map(|one| one.type_.as_str())
            .collect();
        for due in ["Complete", "Proven"] {
            if !self.status.conditions.iter().any(|one| one.type_ == due) {
                unknown.push(due);
            }
        }
        unknown
    }

    pub fn overdue(&self) -> i64 {
        self.status.alarms.as_ref().map_or(0, |alarms| alarms.overdue)
    }

    fn conditions(&self, status: &str) -> Vec<&str> {
        let all = self.status.conditions.iter();
        all.filter(|one| one.status == status).map(|one| one.type_.as_str()).collect()
    }
}
