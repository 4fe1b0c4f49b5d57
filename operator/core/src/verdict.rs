//! What is said of an object by a control.

use crate::text::Text;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display};

/// Worst last, so that the maximum of several is their roll-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Verdict {
    NotApplicable,
    Pass,
    /// Waived; never a pass.
    Exempt,
    Unknown,
    Fail,
}

impl Verdict {
    pub const ALL: &'static [Self] =
        &[Self::NotApplicable, Self::Pass, Self::Exempt, Self::Unknown, Self::Fail];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotApplicable => "NotApplicable",
            Self::Pass => "Pass",
            Self::Exempt => "Exempt",
            Self::Unknown => "Unknown",
            Self::Fail => "Fail",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The object that a verdict is about. Ordered, so that reports are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    pub api_version: String,
    pub kind: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    pub name: String,
}

impl Subject {
    pub fn new(api_version: &str, kind: &str, namespace: &str, name: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Everything that was looked at, where no one object is meant.
    pub fn whole() -> Self {
        Self::new("", "Cluster", "", "")
    }

    /// `group/Kind`, as controls name it.
    pub fn kind_key(&self) -> String {
        format!("{}/{}", self.group(), self.kind)
    }

    /// `group/Kind:namespace/name`, as waivers name it; without a namespace `group/Kind:/name`.
    pub fn key(&self) -> String {
        format!("{}/{}:{}/{}", self.group(), self.kind, self.namespace, self.name)
    }

    /// The group, `core` where the API writes none.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("core", |(group, _)| group)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" if self.name.is_empty() => f.write_str(&self.kind),
            "" => write!(f, "{}/{}", self.kind, self.name),
            namespace => write!(f, "{}/{namespace}/{}", self.kind, self.name),
        }
    }
}

/// What one control says of one object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Outcome {
    pub verdict: Verdict,
    /// Why, for a failure and for an unknown.
    pub message: Text,
    /// Where in the object; empty where the object as a whole is meant.
    pub paths: Vec<String>,
}

impl Outcome {
    pub fn pass() -> Self {
        Self::bare(Verdict::Pass)
    }

    pub fn not_applicable() -> Self {
        Self::bare(Verdict::NotApplicable)
    }

    pub fn fail(fr: impl Into<String>, en: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, message: Text::new(fr, en), paths: Vec::new() }
    }

    pub fn unknown(fr: impl Into<String>, en: impl Into<String>) -> Self {
        Self { verdict: Verdict::Unknown, message: Text::new(fr, en), paths: Vec::new() }
    }

    /// Of what is not as the API has it.
    pub fn unreadable(why: impl Display) -> Self {
        Self::unknown(format!("illisible : {why}"), format!("cannot be read: {why}"))
    }

    /// A failure that is waived. What is wrong stays said.
    #[must_use]
    pub fn exempt(&self, exception: &str) -> Self {
        let Text { fr, en } = &self.message;
        Self {
            verdict: Verdict::Exempt,
            message: Text::new(
                format!("exempté par SncException {exception} : {fr}"),
                format!("waived by SncException {exception}: {en}"),
            ),
            paths: self.paths.clone(),
        }
    }

    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.paths.push(path.into());
        self
    }

    fn bare(verdict: Verdict) -> Self {
        Self { verdict, message: Text::new("", ""), paths: Vec::new() }
    }
}

/// One verdict with its control and its object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub control: String,
    pub subject: Subject,
    #[serde(flatten)]
    pub outcome: Outcome,
}
