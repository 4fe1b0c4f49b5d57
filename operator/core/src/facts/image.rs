use super::nullable;
use crate::image::{Digest, Finding, Name, Reference, Scan, Severity};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// `SncImageScan`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImageScan(pub Scan);

#[derive(Deserialize)]
struct Written<S> {
    spec: S,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScanSpec {
    #[serde(default)]
    image: String,
    digests: Digests,
    scanner: Scanner,
    #[serde(default)]
    database: Option<Database>,
    nature: String,
    #[serde(default)]
    scanned_at: Option<Timestamp>,
    vulnerabilities: Vec<Finding>,
    #[serde(default)]
    truncated: bool,
    #[serde(default)]
    signature: Option<Box<str>>,
}

#[derive(Deserialize)]
struct Digests {
    #[serde(default)]
    index: Option<Digest>,
    #[serde(default)]
    manifests: Vec<Digest>,
    #[serde(default)]
    config: Option<Digest>,
}

#[derive(Default, Deserialize)]
struct Scanner {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Database {
    #[serde(default)]
    updated_at: Option<Timestamp>,
}

impl<'de> Deserialize<'de> for ImageScan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spec: ScanSpec = Written::deserialize(deserializer)?.spec;
        let Digests { index, manifests, config } = spec.digests;
        Ok(Self(Scan {
            digests: index.into_iter().chain(manifests).chain(config).collect(),
            image: spec.image,
            scanner: spec.scanner.name,
            scanned_at: spec.scanned_at,
            database_at: spec.database.and_then(|database| database.updated_at),
            truncated: spec.truncated,
            statements: spec.nature != "scan",
            findings: spec.vulnerabilities,
            signature: spec.signature,
        }))
    }
}

/// `VulnerabilityReport` of Trivy Operator.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VulnerabilityReport(pub Scan);

#[derive(Deserialize)]
struct Reported {
    report: ReportBody,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReportBody {
    #[serde(default)]
    update_timestamp: Option<Timestamp>,
    #[serde(default)]
    scanner: Scanner,
    #[serde(default)]
    registry: Registry,
    #[serde(default)]
    artifact: Artifact,
    #[serde(deserialize_with = "nullable")]
    vulnerabilities: Vec<Reportedly>,
}

#[derive(Default, Deserialize)]
struct Registry {
    #[serde(default)]
    server: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Artifact {
    repository: String,
    digest: String,
    tag: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reportedly {
    #[serde(rename = "vulnerabilityID")]
    id: String,
    #[serde(default)]
    resource: String,
    #[serde(default)]
    installed_version: String,
    #[serde(default)]
    fixed_version: String,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    score: Option<f32>,
    #[serde(default)]
    cvsssource: String,
}

impl Artifact {
    /// As pods name it.
    fn name(&self, server: &str) -> String {
        let slash = if server.is_empty() { "" } else { "/" };
        let name = format!("{server}{slash}{}:{}", self.repository, self.tag);
        let read = (!self.tag.is_empty()).then(|| Reference::parse(&name)).flatten();
        read.map(|read| read.tagged()).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for VulnerabilityReport {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let body = Reported::deserialize(deserializer)?.report;
        let finding = |found: Reportedly| Finding {
            name: Name::new(&found.id, &found.resource, &found.installed_version),
            severity: Severity::of_word(&found.severity),
            cvss: found.score.filter(|score| *score > 0.0),
            source: found.cvsssource.into(),
            fixed: !found.fixed_version.is_empty(),
            settled: false,
            analysed: false,
        };
        Ok(Self(Scan {
            digests: Digest::parse(&body.artifact.digest).into_iter().collect(),
            image: body.artifact.name(&body.registry.server),
            scanner: body.scanner.name,
            scanned_at: body.update_timestamp,
            database_at: None,
            truncated: false,
            statements: false,
            findings: body.vulnerabilities.into_iter().map(finding).collect(),
            signature: None,
        }))
    }
}

/// `SncImageLedger`: when each vulnerability was first seen in each image.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImageLedger {
    pub images: BTreeMap<Digest, SeenImage>,
    /// What is missing is not known to be new.
    pub full: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenImage {
    pub seen: Timestamp,
    pub first: BTreeMap<Box<str>, Timestamp>,
}

#[derive(Deserialize)]
struct LedgerSpec {
    images: BTreeMap<Digest, SeenImage>,
    #[serde(default)]
    full: bool,
}

impl<'de> Deserialize<'de> for ImageLedger {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let LedgerSpec { images, full } = Written::deserialize(deserializer)?.spec;
        Ok(Self { images, full })
    }
}
