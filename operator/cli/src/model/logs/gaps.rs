//! Gaps of the log.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A stretch of which events may be missing, by the names that the sink gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// A tenant is not told which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    pub cause: String,
    pub from: Timestamp,
    /// None while it goes on.
    #[serde(default)]
    pub to: Option<Timestamp>,
    /// When the other source had filled it; None: it is open.
    #[serde(default)]
    pub closed: Option<Timestamp>,
}

impl Gap {
    pub const fn is_open(&self) -> bool {
        self.closed.is_none()
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GapsReport {
    pub open: usize,
    pub total: usize,
    /// Those that are open first, and then the latest.
    pub gaps: Vec<Gap>,
}

impl GapsReport {
    pub fn new(mut gaps: Vec<Gap>) -> Self {
        gaps.sort_by(|a, b| (b.is_open(), b.from, &a.server).cmp(&(a.is_open(), a.from, &b.server)));
        Self { open: gaps.iter().filter(|gap| gap.is_open()).count(), total: gaps.len(), gaps }
    }
}
