//! `trivy image|sbom|filesystem --format json`, all versions of its schema.

use super::Wrong;
use super::wire::{Head, artifact, digest_of, nullable, scanner, time};
use crate::report::{Entry, Format, Gathered, Nature, Report};
use serde::Deserialize;
use serde::de::IgnoredAny;
use snc_core::image::{Analysis, State};
use snc_core::image::{Score, Severity};
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Document {
    #[serde(default)]
    schema_version: Option<i64>,
    #[serde(default)]
    trivy: Option<Tool>,
    #[serde(default)]
    created_at: String,
    #[serde(default)]
    artifact_name: String,
    #[serde(default)]
    artifact_type: String,
    #[serde(default)]
    metadata: Option<Metadata>,
    /// Left out where nothing was looked at.
    #[serde(default)]
    results: Option<Vec<Target>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tool {
    #[serde(default)]
    version: String,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default, rename = "ImageID")]
    image_id: String,
    #[serde(default, rename = "RepoDigests", deserialize_with = "nullable")]
    repo_digests: Vec<String>,
    #[serde(default, rename = "OS")]
    os: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Target {
    #[serde(default, rename = "Target")]
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    vulnerabilities: Vec<Found>,
    #[serde(default, deserialize_with = "nullable")]
    misconfigurations: Vec<Misconfiguration>,
    #[serde(default, deserialize_with = "nullable")]
    secrets: Vec<IgnoredAny>,
    #[serde(default, deserialize_with = "nullable")]
    licenses: Vec<IgnoredAny>,
    #[serde(default, deserialize_with = "nullable")]
    experimental_modified_findings: Vec<Modified>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Misconfiguration {
    #[serde(default)]
    status: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Found {
    #[serde(rename = "VulnerabilityID")]
    vulnerability_id: String,
    pkg_name: String,
    installed_version: String,
    #[serde(deserialize_with = "nullable")]
    fixed_version: String,
    severity: String,
    severity_source: String,
    #[serde(rename = "CVSS", deserialize_with = "nullable")]
    cvss: BTreeMap<String, Cvss>,
}

#[derive(Deserialize)]
struct Cvss {
    #[serde(default, rename = "V2Score")]
    v2: Option<f64>,
    #[serde(default, rename = "V3Score")]
    v3: Option<f64>,
    #[serde(default, rename = "V40Score")]
    v4: Option<f64>,
}

/// What a filter took away: by VEX, or by a file of ids to leave out.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Modified {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    statement: String,
    #[serde(default)]
    finding: Found,
}

impl Found {
    fn entry(self, target: &str, analysis: Option<Analysis>) -> Entry {
        let scores = self.cvss.into_values().flat_map(|cvss| {
            let of = |score: Option<f64>, version| score.map(|base| Score::new(base, version));
            [of(cvss.v4, "4.0"), of(cvss.v3, "3.1"), of(cvss.v2, "2.0")]
        });
        Entry {
            cvss: Score::best(scores.flatten()),
            id: self.vulnerability_id,
            package: self.pkg_name,
            version: self.installed_version,
            fixed_version: self.fixed_version,
            severity: Some(Severity::of_word(&self.severity)),
            severity_source: self.severity_source,
            analysis,
            location: target.to_owned(),
        }
    }
}

/// Before there was a head.
pub fn results(targets: Vec<Target>) -> Report {
    let document = Document {
        schema_version: Some(1),
        trivy: None,
        created_at: String::new(),
        artifact_name: String::new(),
        artifact_type: String::new(),
        metadata: None,
        results: None,
    };
    gather(document, targets)
}

pub fn report(mut document: Document) -> Result<Report, Wrong> {
    let version = document.schema_version.unwrap_or_default();
    if !(1..=2).contains(&version) {
        return Err(Wrong::at(
            "SchemaVersion",
            format!("{version} ; accepté : 1, 2"),
            format!("{version}; accepted: 1, 2"),
        ));
    }
    let targets = document.results.take();
    // An image of which Trivy knew neither the system nor any package comes without results, and was not examined.
    let known = document.metadata.as_ref().is_some_and(|metadata| metadata.os.is_some());
    if targets.is_none() && !known {
        return Err(Wrong::at(
            "Results",
            "absent : rien n'a été examiné (aucun système ni paquet reconnu)",
            "absent: nothing was examined (neither a system nor a package was recognised)",
        ));
    }
    Ok(gather(document, targets.unwrap_or_default()))
}

fn gather(document: Document, targets: Vec<Target>) -> Report {
    let mut gathered = Gathered::default();
    let mut other_findings = 0;
    for target in targets {
        let failed = target.misconfigurations.iter().filter(|found| found.status != "PASS").count();
        other_findings += (failed + target.secrets.len() + target.licenses.len()) as u64;
        for found in target.vulnerabilities {
            gathered.add(found.entry(&target.name, None));
        }
        for modified in target.experimental_modified_findings {
            if modified.r#type == "vulnerability" {
                let state = State::of_word(&modified.status).unwrap_or(State::Ignored);
                let analysis = Analysis { state, justification: modified.statement };
                gathered.add(modified.finding.entry(&target.name, Some(analysis)));
            } else {
                other_findings += 1;
            }
        }
    }
    let metadata = document.metadata.unwrap_or_default();
    let is_image = document.artifact_type.is_empty() || document.artifact_type == "container_image";
    let config = is_image.then(|| digest_of(&metadata.image_id)).flatten();
    let digests = metadata.repo_digests.iter().filter_map(|text| digest_of(text));
    Head {
        format: Format::Trivy,
        format_version: document.schema_version.unwrap_or_default().to_string(),
        nature: Nature::Scan,
        artifact: artifact(&document.artifact_name, digests, config),
        scanner: scanner("trivy", &document.trivy.map(|tool| tool.version).unwrap_or_default()),
        database: None,
        scanned_at: time(&document.created_at),
        other_findings,
    }
    .with(gathered)
}
