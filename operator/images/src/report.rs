//! One model for what the scanners report.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use snc_core::image::{Analysis, Digest, Severity, Vulnerability};
use snc_core::text::clip;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    Trivy,
    TrivyOperator,
    Grype,
    #[serde(rename = "cyclonedx")]
    CycloneDx,
    #[serde(rename = "openvex")]
    OpenVex,
    Sarif,
}

impl Format {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trivy => "trivy",
            Self::TrivyOperator => "trivy-operator",
            Self::Grype => "grype",
            Self::CycloneDx => "cyclonedx",
            Self::OpenVex => "openvex",
            Self::Sarif => "sarif",
        }
    }
}

/// What a document is. Statements about vulnerabilities are no scan: they say nothing of what they do not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nature {
    Scan,
    Vex,
}

/// A report as it was read. Equal findings stand once, with every place where they were found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub format: Format,
    /// Of the format.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub format_version: String,
    pub nature: Nature,
    pub artifact: Artifact,
    pub scanner: Scanner,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<Database>,
    /// When the image was scanned, as far as the report says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanned_at: Option<Timestamp>,
    /// Of the findings, by the scanner's own word.
    pub counts: Counts,
    /// Entries of the document; the same finding in three files of an image is three of them.
    pub entries: u64,
    /// Findings of another nature (misconfigurations, secrets, licences), which are not imported.
    pub other_findings: u64,
    /// Worst first.
    pub vulnerabilities: Vec<Vulnerability>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    pub name: String,
    pub digests: Vec<Digest>,
    /// Those of `digests` that name an image's configuration, as some container runtimes do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Digest>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scanner {
    pub name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Database {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub critical: u64,
    pub high: u64,
    pub medium: u64,
    pub low: u64,
    pub unknown: u64,
}

impl Counts {
    pub fn of(severities: impl IntoIterator<Item = Severity>) -> Self {
        let mut counts = Self::default();
        for severity in severities {
            *counts.at(severity) += 1;
        }
        counts
    }

    pub const fn at(&mut self, severity: Severity) -> &mut u64 {
        match severity {
            Severity::Critical => &mut self.critical,
            Severity::High => &mut self.high,
            Severity::Medium => &mut self.medium,
            Severity::Low => &mut self.low,
            Severity::Unknown => &mut self.unknown,
        }
    }

    pub const fn total(&self) -> u64 {
        self.critical + self.high + self.medium + self.low + self.unknown
    }
}

/// One entry of a document, before equal ones are put together.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    pub id: String,
    pub package: String,
    pub version: String,
    pub fixed_version: String,
    pub severity: Option<Severity>,
    pub cvss: Option<f64>,
    pub severity_source: String,
    pub analysis: Option<Analysis>,
    pub location: String,
}

/// Findings of a document, put together while they come.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    findings: BTreeMap<(String, String, String), Vulnerability>,
    pub entries: u64,
}

/// Places of one finding that are kept.
const LOCATIONS: usize = 16;

impl Gathered {
    pub fn add(&mut self, entry: Entry) {
        self.entries += 1;
        let severity = entry.severity.unwrap_or(Severity::Unknown);
        let id = if entry.id.trim().is_empty() { "UNKNOWN" } else { entry.id.trim() };
        let (id, package, version) =
            (clip(id, 128), clip(entry.package.trim(), 256), clip(entry.version.trim(), 128));
        let fixed_version = clip(entry.fixed_version.trim(), 256);
        let location = clip(entry.location.trim(), 256);
        let analysis = entry
            .analysis
            .map(|analysis| Analysis { justification: clip(analysis.justification.trim(), 512), ..analysis });
        let key = (id.clone(), package.clone(), version.clone());
        let Some(found) = self.findings.get_mut(&key) else {
            let vulnerability = Vulnerability {
                id,
                package,
                version,
                fixed_version,
                severity,
                cvss: entry.cvss.filter(|score| (0.0..=10.0).contains(score)),
                severity_source: clip(entry.severity_source.trim(), 64),
                analysis,
                locations: Some(location).filter(|location| !location.is_empty()).into_iter().collect(),
            };
            self.findings.insert(key, vulnerability);
            return;
        };
        found.severity = worse(found.severity, severity);
        found.cvss = found.cvss.into_iter().chain(entry.cvss).max_by(f64::total_cmp);
        if found.fixed_version.is_empty() {
            found.fixed_version = fixed_version;
        }
        found.analysis = weaker(found.analysis.take(), analysis);
        if !location.is_empty() && found.locations.len() < LOCATIONS && !found.locations.contains(&location) {
            found.locations.push(location);
        }
    }

    pub fn finish(self) -> Vec<Vulnerability> {
        let mut all: Vec<Vulnerability> = self.findings.into_values().collect();
        // The key order within a severity makes the order the same whatever the document's is.
        all.sort_by(|a, b| {
            let score = |v: &Vulnerability| v.cvss.unwrap_or(-1.0);
            b.severity.cmp(&a.severity).then_with(|| score(b).total_cmp(&score(a)))
        });
        all
    }
}

/// A rating beats none; of two, the worse holds.
fn worse(a: Severity, b: Severity) -> Severity {
    match (a, b) {
        (Severity::Unknown, rated) | (rated, Severity::Unknown) => rated,
        (a, b) => a.max(b),
    }
}

/// What is said of one place only does not hold for the other.
fn weaker(a: Option<Analysis>, b: Option<Analysis>) -> Option<Analysis> {
    let (a, b) = (a?, b?);
    Some(if a.settles() { b } else { a })
}

#[cfg(test)]
mod tests {
    use super::*;
    use snc_core::image::State;

    fn entry(location: &str, analysis: Option<State>) -> Entry {
        let analysis =
            analysis.map(|state| Analysis { state, justification: "vulnerable_code_not_present".to_owned() });
        Entry {
            id: "CVE-2026-1".to_owned(),
            package: "zlib".to_owned(),
            version: "1".to_owned(),
            severity: Some(Severity::High),
            location: location.to_owned(),
            analysis,
            ..Entry::default()
        }
    }

    #[test]
    fn what_is_excused_in_one_place_is_not_in_the_other() {
        for states in [[Some(State::NotAffected), None], [None, Some(State::NotAffected)]] {
            let mut gathered = Gathered::default();
            for (place, state) in ["a", "b"].into_iter().zip(states) {
                gathered.add(entry(place, state));
            }
            let found = gathered.finish();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].analysis, None);
            assert_eq!(found[0].locations, ["a", "b"]);
        }
        let mut both = Gathered::default();
        both.add(entry("a", Some(State::NotAffected)));
        both.add(entry("b", Some(State::Fixed)));
        assert!(both.finish()[0].analysis.as_ref().is_some_and(Analysis::settles));
    }

    #[test]
    fn an_entry_without_an_id_is_not_lost() {
        let mut gathered = Gathered::default();
        gathered.add(Entry { package: "left-pad".to_owned(), ..Entry::default() });
        let found = gathered.finish();
        assert_eq!((found[0].id.as_str(), found[0].severity), ("UNKNOWN", Severity::Unknown));
    }
}
