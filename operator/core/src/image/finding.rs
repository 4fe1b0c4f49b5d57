//! One vulnerability in an image, as a scan tells it.

use super::severity::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A vulnerability in one version of one package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Vulnerability {
    #[schemars(length(min = 1, max = 128))]
    pub id: String,
    #[schemars(length(max = 256))]
    pub package: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 128))]
    pub version: String,
    /// The version that mends it; empty where there is none, or none is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 256))]
    pub fixed_version: String,
    /// The scanner's word.
    pub severity: Severity,
    /// The highest base score of CVSS 3 or 4; without one, of CVSS 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10))]
    pub cvss: Option<f64>,
    /// Whose word the severity is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 64))]
    pub severity_source: String,
    /// What the report says of it besides; a vulnerability that it suppresses stands in the list, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis: Option<Analysis>,
    /// Files, layers or lists of packages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(skip)]
    pub locations: Vec<String>,
}

/// The words of OpenVEX, which those of the other formats are put into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Affected,
    UnderInvestigation,
    /// The scanner was told to leave it out, and not why: it counts as if nothing had been said.
    Ignored,
    Fixed,
    NotAffected,
}

impl State {
    /// The words in which somebody comes to a conclusion, or tries to.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Affected, Self::UnderInvestigation, Self::Fixed, Self::NotAffected]
            .into_iter()
            .find(|state| state.as_str() == word)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Affected => "affected",
            Self::UnderInvestigation => "under_investigation",
            Self::Ignored => "ignored",
            Self::Fixed => "fixed",
            Self::NotAffected => "not_affected",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Analysis {
    pub state: State,
    /// Why it does not concern the image. Without a reason `not_affected` counts for nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 512))]
    pub justification: String,
}

impl Analysis {
    /// Whether it takes the vulnerability off the list of what has to be mended.
    pub fn settles(&self) -> bool {
        match self.state {
            State::NotAffected => !self.justification.trim().is_empty(),
            State::Fixed => true,
            State::Affected | State::UnderInvestigation | State::Ignored => false,
        }
    }

    /// Whether somebody looked into it and came to a conclusion.
    pub fn concludes(&self) -> bool {
        self.state == State::Affected || self.settles()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_affected_needs_a_reason() {
        let mut analysis = Analysis { state: State::NotAffected, justification: " ".to_owned() };
        assert!(!analysis.settles() && !analysis.concludes());
        analysis.justification = "component_not_present".to_owned();
        assert!(analysis.settles());
        analysis.state = State::UnderInvestigation;
        assert!(!analysis.settles() && !analysis.concludes());
    }
}
