//! What a gap is.

use crate::journal::{ServerName, Source};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// The sink did not run.
    Down,
    DiskFull,
    /// It ran and did not take what came.
    Refused,
    /// Files went before they were read.
    Rotated,
    /// A file was cut while it was read.
    Truncated,
    Unreadable,
    /// A marked call did not come back.
    ProbeMissed,
}

impl Cause {
    pub const ALL: [Self; 7] = [
        Self::Down,
        Self::DiskFull,
        Self::Refused,
        Self::Rotated,
        Self::Truncated,
        Self::Unreadable,
        Self::ProbeMissed,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Down => "Down",
            Self::DiskFull => "DiskFull",
            Self::Refused => "Refused",
            Self::Rotated => "Rotated",
            Self::Truncated => "Truncated",
            Self::Unreadable => "Unreadable",
            Self::ProbeMissed => "ProbeMissed",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditGap {
    pub id: u64,
    pub server: ServerName,
    pub source: Source,
    pub cause: Cause,
    pub from: Timestamp,
    /// Absent while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    pub opened: Timestamp,
    /// When everything in it was there after all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Timestamp>,
}

/// What whoever reads a log file noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "note")]
pub enum Note {
    /// Nothing is known of what was read before: it begins with the oldest file there is.
    Fresh,
    /// Between these two events something may be missing. Without `from`, there was none before.
    #[serde(rename_all = "camelCase")]
    Gap {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Timestamp>,
        to: Timestamp,
        cause: Cause,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Numbers {
    /// Those that are open now.
    pub open: BTreeMap<(Source, Cause), u64>,
    /// All that ever were.
    pub opened: BTreeMap<(Source, Cause), u64>,
    pub total: u64,
}

/// One way by which a server is heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub server: ServerName,
    pub source: Source,
    pub last: Option<Timestamp>,
    /// Nothing of what comes is taken.
    pub refusing: bool,
}
