//! `VulnerabilityReport` of Trivy Operator.

use super::Wrong;
use super::wire::{Head, artifact, digest_of, nullable, scanner, time};
use crate::report::{Entry, Format, Gathered, Nature, Report};
use serde::Deserialize;
use snc_core::image::Severity;

#[derive(Deserialize)]
pub struct Document {
    #[serde(default)]
    kind: String,
    #[serde(default, rename = "apiVersion")]
    api_version: String,
    report: Option<Body>,
}

#[derive(Deserialize)]
pub struct Documents {
    items: Vec<Document>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Body {
    #[serde(default)]
    update_timestamp: String,
    #[serde(default)]
    scanner: Tool,
    #[serde(default)]
    registry: Registry,
    #[serde(default)]
    artifact: Image,
    #[serde(deserialize_with = "nullable")]
    vulnerabilities: Vec<Found>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tool {
    name: String,
    version: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Registry {
    server: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Image {
    repository: String,
    digest: String,
    tag: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Found {
    #[serde(rename = "vulnerabilityID")]
    vulnerability_id: String,
    resource: String,
    installed_version: String,
    #[serde(deserialize_with = "nullable")]
    fixed_version: String,
    severity: String,
    #[serde(deserialize_with = "nullable")]
    score: Option<f64>,
    #[serde(rename = "cvsssource")]
    cvss_source: String,
    target: String,
}

pub fn report(document: Document, at: &str) -> Result<Report, Wrong> {
    let Some(body) = document.report else {
        return Err(Wrong::at(
            format!("{at}report"),
            "absent : l'objet ne porte aucun rapport",
            "absent: the object carries no report",
        ));
    };
    Ok(body.report())
}

pub fn list(documents: Documents) -> Result<Vec<Report>, Wrong> {
    if documents.items.is_empty() {
        return Err(Wrong::at("items", "liste vide : aucun rapport", "empty list: no report"));
    }
    let mut reports = Vec::new();
    for (index, document) in documents.items.into_iter().enumerate() {
        let of_operator =
            document.api_version.is_empty() || document.api_version.starts_with("aquasecurity.github.io/");
        let kind = &document.kind;
        if !of_operator || !matches!(kind.as_str(), "" | "VulnerabilityReport" | "ClusterVulnerabilityReport")
        {
            return Err(Wrong::at(
                format!("items[{index}].kind"),
                format!("{kind:?} ; accepté : VulnerabilityReport"),
                format!("{kind:?}; accepted: VulnerabilityReport"),
            ));
        }
        reports.push(report(document, &format!("items[{index}]."))?);
    }
    Ok(reports)
}

impl Body {
    pub fn report(self) -> Report {
        let mut gathered = Gathered::default();
        for found in self.vulnerabilities {
            gathered.add(Entry {
                id: found.vulnerability_id,
                package: found.resource,
                version: found.installed_version,
                fixed_version: found.fixed_version,
                severity: Some(Severity::of_word(&found.severity)),
                cvss: found.score.filter(|score| *score > 0.0),
                severity_source: found.cvss_source,
                analysis: None,
                location: found.target,
            });
        }
        let Image { repository, digest, tag } = self.artifact;
        let tag = if tag.is_empty() { tag } else { format!(":{tag}") };
        let server = if self.registry.server.is_empty() {
            String::new()
        } else {
            format!("{}/", self.registry.server)
        };
        Head {
            format: Format::TrivyOperator,
            format_version: "v1alpha1".to_owned(),
            nature: Nature::Scan,
            artifact: artifact(&format!("{server}{repository}{tag}"), digest_of(&digest), None),
            scanner: scanner("trivy", &self.scanner.version),
            database: None,
            scanned_at: time(&self.update_timestamp),
            other_findings: 0,
        }
        .with(gathered)
    }
}
