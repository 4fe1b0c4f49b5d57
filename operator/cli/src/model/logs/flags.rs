//! How API servers are told to write their audit log, by what runs them.

use serde::Serialize;
use snc_audit::flags::{Advice, Distribution, Outputs, flags};
use snc_core::text::Text;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FlagsReport {
    pub distributions: Vec<OfDistribution>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OfDistribution {
    pub distribution: &'static str,
    /// Whether the policy and the outputs can be set there at all.
    pub possible: bool,
    /// Where the log file is; null where there is none to be had.
    pub log: Option<&'static str>,
    pub flags: Vec<Flag>,
    pub files: Vec<File>,
    pub notes: Vec<Text>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Flag {
    pub name: &'static str,
    pub value: String,
    pub why: Text,
}

/// Something to write somewhere.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    pub path: String,
    pub what: Text,
    pub text: String,
}

impl FlagsReport {
    pub fn new(distributions: &[Distribution], outputs: Outputs) -> Self {
        Self { distributions: distributions.iter().map(|one| flags(*one, outputs).into()).collect() }
    }
}

impl From<Advice> for OfDistribution {
    fn from(advice: Advice) -> Self {
        let Advice { distribution, possible, flags, files, notes } = advice;
        Self {
            distribution: distribution.as_str(),
            possible,
            log: distribution.log(),
            flags: flags
                .into_iter()
                .map(|flag| Flag { name: flag.name, value: flag.value, why: flag.why })
                .collect(),
            files: files
                .into_iter()
                .map(|file| File { path: file.path, what: file.what, text: file.text })
                .collect(),
            notes,
        }
    }
}
