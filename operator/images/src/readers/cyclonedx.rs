//! CycloneDX 1.4 and later, as JSON: a list of components with what a scanner found in them, or statements (VEX).

use super::Wrong;
use super::purl::{self, Package};
use super::wire::{Head, artifact, digest_of, nullable, scanner, time};
use crate::report::{Entry, Format, Gathered, Nature, Report};
use serde::Deserialize;
use serde_json::Value;
use snc_core::image::{Analysis, State};
use snc_core::image::{Score, Severity};
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    #[serde(default)]
    spec_version: String,
    #[serde(default, deserialize_with = "nullable")]
    metadata: Metadata,
    #[serde(default, deserialize_with = "nullable")]
    components: Vec<Component>,
    vulnerabilities: Option<Vec<Found>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    timestamp: String,
    /// A list up to version 1.4, then an object of lists.
    tools: Value,
    component: Option<Component>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Component {
    #[serde(rename = "bom-ref")]
    bom_ref: String,
    group: String,
    name: String,
    #[serde(deserialize_with = "nullable")]
    version: String,
    purl: String,
    #[serde(deserialize_with = "nullable")]
    properties: Vec<Property>,
    #[serde(deserialize_with = "nullable")]
    components: Vec<Self>,
}

#[derive(Deserialize)]
struct Property {
    #[serde(default)]
    name: String,
    #[serde(default)]
    value: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Found {
    id: String,
    #[serde(deserialize_with = "nullable")]
    source: Source,
    #[serde(deserialize_with = "nullable")]
    ratings: Vec<Rating>,
    #[serde(deserialize_with = "nullable")]
    recommendation: String,
    #[serde(deserialize_with = "nullable")]
    affects: Vec<Affected>,
    analysis: Option<Said>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Source {
    #[serde(deserialize_with = "nullable")]
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Rating {
    #[serde(deserialize_with = "nullable")]
    source: Source,
    #[serde(deserialize_with = "nullable")]
    severity: String,
    score: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    method: String,
}

#[derive(Deserialize)]
struct Affected {
    r#ref: String,
    #[serde(default, deserialize_with = "nullable")]
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    version: String,
    #[serde(default)]
    status: String,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default, deserialize_with = "nullable")]
    state: String,
    #[serde(default, deserialize_with = "nullable")]
    justification: String,
    #[serde(default, deserialize_with = "nullable")]
    detail: String,
}

pub fn report(document: Document) -> Result<Report, Wrong> {
    let Some(vulnerabilities) = document.vulnerabilities.filter(|list| !list.is_empty()) else {
        // A list of components has the same empty list as a scan without findings.
        return Err(Wrong::at(
            "vulnerabilities",
            "vide ou absent : une nomenclature (SBOM) sans vulnérabilités n'est pas une analyse ; donner le rapport de l'analyseur dans son propre format",
            "empty or absent: a list of components (SBOM) without vulnerabilities is no scan; give the scanner's report in its own format",
        ));
    };
    let subject = document.metadata.component.as_ref();
    let nature = if document.components.is_empty() && subject.is_none() { Nature::Vex } else { Nature::Scan };
    let mut packages = BTreeMap::new();
    let mut pending: Vec<&Component> = document.components.iter().chain(subject).collect();
    while let Some(component) = pending.pop() {
        let name = [component.group.as_str(), component.name.as_str()];
        let name = name.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
        packages.insert(component.bom_ref.as_str(), (name, component.version.clone()));
        pending.extend(&component.components);
    }
    let mut gathered = Gathered::default();
    for found in &vulnerabilities {
        if found.affects.is_empty() {
            gathered.add(found.entry((String::new(), String::new()), ""));
        }
        for affected in &found.affects {
            gathered.add(found.entry(affected.package(&packages), &affected.r#ref));
        }
    }
    let (tool, version) = tool(&document.metadata.tools);
    let (name, digests, config) = subject.map(Component::image).unwrap_or_default();
    Ok(Head {
        format: Format::CycloneDx,
        format_version: document.spec_version,
        nature,
        artifact: artifact(&name, digests, config),
        scanner: scanner(if tool.is_empty() { "cyclonedx" } else { &tool }, &version),
        database: None,
        scanned_at: time(&document.metadata.timestamp),
        other_findings: 0,
    }
    .with(gathered))
}

impl Affected {
    fn package(&self, packages: &BTreeMap<&str, Package>) -> Package {
        // Of another document: `urn:cdx:serial/version#reference`.
        let local = self
            .r#ref
            .split_once('#')
            .filter(|(urn, _)| urn.starts_with("urn:cdx:"))
            .map_or(self.r#ref.as_str(), |(_, r)| r);
        let known = packages.get(self.r#ref.as_str()).or_else(|| packages.get(local)).cloned();
        let (name, version) = known.unwrap_or_else(|| purl::package(local));
        let affected = self.versions.iter().filter(|v| v.status != "unaffected").map(|v| v.version.as_str());
        let of_list = || affected.filter(|v| !v.is_empty()).collect::<Vec<_>>().join(", ");
        (name, if version.is_empty() { of_list() } else { version })
    }
}

impl Found {
    fn entry(&self, (package, version): Package, location: &str) -> Entry {
        let severity = self
            .ratings
            .iter()
            .flat_map(|rating| {
                let score = rating.score.filter(|score| *score > 0.0 && !rating.is_other());
                [Severity::of_word(&rating.severity), score.map_or(Severity::Unknown, Severity::of_score)]
            })
            .filter(|severity| *severity != Severity::Unknown);
        // The words first: a score may be of a scale that this report does not name.
        let words = self.ratings.iter().map(|rating| Severity::of_word(&rating.severity));
        let word = words.filter(|severity| *severity != Severity::Unknown).max();
        let scores = self.ratings.iter().filter(|rating| !rating.is_other()).filter_map(|rating| {
            let version = if rating.method.ends_with("v2") { "2.0" } else { "3.1" };
            rating.score.map(|score| Score::new(score, version))
        });
        let rated = self.ratings.iter().find(|rating| !rating.source.name.is_empty());
        Entry {
            id: self.id.clone(),
            package,
            version,
            fixed_version: fixed_by(&self.recommendation),
            severity: word.or_else(|| severity.max()),
            cvss: Score::best(scores),
            severity_source: rated.map_or(&self.source.name, |rating| &rating.source.name).clone(),
            analysis: self.analysis.as_ref().and_then(Said::analysis),
            location: location.to_owned(),
        }
    }
}

impl Rating {
    /// A scale that is not CVSS.
    fn is_other(&self) -> bool {
        matches!(self.method.as_str(), "OWASP" | "SSVC" | "EPSS" | "other")
    }
}

/// Trivy writes `Upgrade curl to version 7.61.1-r3`; what others recommend is prose.
fn fixed_by(recommendation: &str) -> String {
    let last = recommendation.lines().find_map(|line| line.rsplit_once(" to version "));
    last.map(|(_, version)| version.trim().trim_end_matches('.').to_owned()).unwrap_or_default()
}

impl Said {
    fn analysis(&self) -> Option<Analysis> {
        let state = match self.state.as_str() {
            // A false positive is not in this package at all; it needs its reason as well.
            "not_affected" | "false_positive" => State::NotAffected,
            "resolved" | "resolved_with_pedigree" => State::Fixed,
            "exploitable" => State::Affected,
            "in_triage" => State::UnderInvestigation,
            _ => return None,
        };
        let justification = if self.justification.is_empty() { &self.detail } else { &self.justification };
        Some(Analysis { state, justification: justification.clone() })
    }
}

impl Component {
    fn image(&self) -> (String, Vec<snc_core::image::Digest>, Option<snc_core::image::Digest>) {
        let property = |suffix: &'static str| {
            self.properties.iter().filter(move |p| p.name.ends_with(suffix)).map(|p| p.value.as_str())
        };
        let digests = property(":RepoDigest")
            .filter_map(digest_of)
            .chain(purl::digest(&self.purl))
            .chain(digest_of(&self.version));
        let config = property(":ImageID").find_map(digest_of);
        (self.name.clone(), digests.collect(), config)
    }
}

fn tool(tools: &Value) -> (String, String) {
    let list = tools.as_array().or_else(|| tools.get("components").and_then(Value::as_array));
    let first = list.and_then(|list| list.first());
    let text =
        |field: &str| first.and_then(|tool| tool.get(field)).and_then(Value::as_str).unwrap_or_default();
    (text("name").to_owned(), text("version").to_owned())
}
