//! What is said of an audit policy that somebody else wrote.

use serde::Serialize;
use snc_audit::policy::{Difference, Missing, Problem};
use snc_core::lang::Lang;
use snc_core::text::{Refusal, Text};

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyCheck {
    pub file: String,
    pub rules: usize,
    pub complete: bool,
    pub missing: Vec<MissingLine>,
    /// What the API server passes over without a word.
    pub ignored: Vec<Text>,
}

/// A mandatory kind of event that a policy does not treat as it has to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MissingLine {
    pub event: &'static str,
    pub title: Text,
    pub requirements: &'static [&'static str],
    pub problem: Code,
    /// Place of the rule that comes first, from 0; null: none matches.
    pub rule: Option<usize>,
    pub example: String,
    pub message: Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    TooLow,
    TooHigh,
    StageOmitted,
    Unknown,
}

impl PolicyCheck {
    pub fn new(file: String, rules: usize, missing: &[Missing], ignored: &[Refusal]) -> Self {
        Self {
            file,
            rules,
            complete: missing.is_empty(),
            missing: missing.iter().map(MissingLine::from).collect(),
            ignored: ignored.iter().map(both).collect(),
        }
    }
}

fn both(refusal: &Refusal) -> Text {
    Text::new(refusal.message(Lang::Fr), refusal.message(Lang::En))
}

impl From<&Missing> for MissingLine {
    fn from(missing: &Missing) -> Self {
        Self {
            event: missing.kind.id,
            title: missing.kind.title(),
            requirements: missing.kind.requirements,
            problem: match missing.problem {
                Problem::TooLow(_) => Code::TooLow,
                Problem::TooHigh(_) => Code::TooHigh,
                Problem::Omitted(_) => Code::StageOmitted,
                Problem::Unknown => Code::Unknown,
            },
            rule: missing.rule,
            example: missing.example.to_string(),
            message: missing.message(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyDiff {
    pub file: String,
    pub same: bool,
    /// Where less is written down than is asked for.
    pub weaker: usize,
    pub differences: Vec<DifferenceLine>,
    pub ignored: Vec<Text>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DifferenceLine {
    pub weaker: bool,
    pub message: Text,
}

impl PolicyDiff {
    pub fn new(file: String, differences: &[Difference], ignored: &[Refusal]) -> Self {
        let line = |difference: &Difference| DifferenceLine {
            weaker: difference.is_weaker(),
            message: difference.message(),
        };
        let differences: Vec<DifferenceLine> = differences.iter().map(line).collect();
        Self {
            file,
            same: differences.is_empty(),
            weaker: differences.iter().filter(|line| line.weaker).count(),
            differences,
            ignored: ignored.iter().map(both).collect(),
        }
    }
}
