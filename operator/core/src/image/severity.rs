//! How bad a vulnerability is: the words of scanners, and the bands of CVSS.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// In the order of badness; one that nobody rated may be anything, and is held to what is asked of the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Low,
    Medium,
    High,
    Critical,
    Unknown,
}

impl Severity {
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Unknown];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
            Self::Unknown => "unknown",
        }
    }

    /// A scanner's word. What is below low is held as low, so that it does not go out of sight.
    pub fn of_word(word: &str) -> Self {
        match word.trim().to_ascii_lowercase().as_str() {
            "critical" => Self::Critical,
            "high" | "important" => Self::High,
            "medium" | "moderate" => Self::Medium,
            "low" | "negligible" | "minor" | "info" | "informational" | "none" => Self::Low,
            _ => Self::Unknown,
        }
    }

    /// The qualitative scale of CVSS 3 and 4; a score outside 0 to 10 is none.
    pub fn of_score(score: f64) -> Self {
        match score {
            score if !(0.0..=10.0).contains(&score) => Self::Unknown,
            score if score >= 9.0 => Self::Critical,
            score if score >= 7.0 => Self::High,
            score if score >= 4.0 => Self::Medium,
            _ => Self::Low,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A CVSS base score as a report gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    pub base: f64,
    /// Whether it is of version 2, whose scale knows no critical.
    pub old: bool,
}

impl Score {
    pub fn new(base: f64, version: &str) -> Self {
        Self { base, old: version.trim_start_matches(['v', 'V']).starts_with('2') }
    }

    /// The highest of versions 3 and 4; without one, the highest of version 2.
    pub fn best(scores: impl IntoIterator<Item = Self>) -> Option<f64> {
        let good = scores.into_iter().filter(|score| score.base > 0.0 && score.base <= 10.0);
        good.max_by(|a, b| b.old.cmp(&a.old).then(a.base.total_cmp(&b.base))).map(|score| score.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0.0, Severity::Low)]
    #[case(3.9, Severity::Low)]
    #[case(4.0, Severity::Medium)]
    #[case(6.9, Severity::Medium)]
    #[case(7.0, Severity::High)]
    #[case(8.9, Severity::High)]
    #[case(9.0, Severity::Critical)]
    #[case(10.0, Severity::Critical)]
    #[case(10.1, Severity::Unknown)]
    #[case(-1.0, Severity::Unknown)]
    #[case(f64::NAN, Severity::Unknown)]
    fn bands_are_those_of_cvss(#[case] score: f64, #[case] severity: Severity) {
        assert_eq!(Severity::of_score(score), severity);
    }

    #[test]
    fn a_newer_version_of_cvss_is_asked_first() {
        let scores = [Score::new(10.0, "2.0"), Score::new(6.5, "3.1"), Score::new(5.0, "3.0")];
        assert_eq!(Score::best(scores), Some(6.5));
        assert_eq!(Score::best([Score::new(4.3, "2.0"), Score::new(0.0, "3.1")]), Some(4.3));
        assert_eq!(
            Score::best([Score::new(0.0, "3.1")]),
            None,
            "zero stands for no score in several reports"
        );
    }

    #[test]
    fn what_nobody_rated_is_worst() {
        assert_eq!(Severity::of_word("negligible"), Severity::Low);
        assert_eq!(Severity::of_word("whatever"), Severity::Unknown);
        assert!(Severity::Unknown > Severity::Critical);
    }
}
