//! The requirements of the referential, as data.

use crate::text::Text;
use crate::tier::Level;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    Must,
    Should,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nature {
    Technical,
    Organisational,
    Mixed,
    Contractual,
    Physical,
}

/// Who can conclude.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Automation {
    /// The cluster's part is decided from the state of the API.
    Auto,
    /// Checks prove violations and give evidence; a person concludes.
    Assisted,
    /// Only a person can answer.
    Attested,
}

impl Automation {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Assisted => "assisted",
            Self::Attested => "attested",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requirement {
    pub id: String,
    pub section: String,
    pub section_title: Text,
    /// In this project's own words; the text that binds is the referential's.
    pub summary: Text,
    pub strength: Strength,
    pub nature: Nature,
    pub automation: Automation,
    pub levels: Vec<Level>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_period: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_source: Option<crate::control::Origin>,
    pub evidence: Vec<Text>,
    pub iso27001: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chapter {
    pub chapter: String,
    pub title: Text,
    pub requirements: Vec<Requirement>,
}
