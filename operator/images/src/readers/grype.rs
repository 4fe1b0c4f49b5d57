//! `grype -o json`.

use super::wire::{Head, artifact, digest_of, nullable, scanner, time};
use crate::report::{Database, Entry, Format, Gathered, Nature, Report};
use serde::Deserialize;
use serde_json::Value;
use snc_core::image::{Analysis, State};
use snc_core::image::{Score, Severity};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    #[serde(deserialize_with = "nullable")]
    matches: Vec<Match>,
    #[serde(default, deserialize_with = "nullable")]
    ignored_matches: Vec<Match>,
    #[serde(default)]
    source: Option<Source>,
    #[serde(default)]
    descriptor: Descriptor,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Match {
    vulnerability: Found,
    #[serde(default, deserialize_with = "nullable")]
    related_vulnerabilities: Vec<Found>,
    artifact: Package,
    #[serde(default, deserialize_with = "nullable")]
    applied_ignore_rules: Vec<Rule>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Found {
    id: String,
    namespace: String,
    severity: String,
    #[serde(deserialize_with = "nullable")]
    cvss: Vec<Cvss>,
    #[serde(deserialize_with = "nullable")]
    fix: Fix,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Cvss {
    version: String,
    #[serde(deserialize_with = "nullable")]
    metrics: Metrics,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metrics {
    base_score: f64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fix {
    #[serde(deserialize_with = "nullable")]
    versions: Vec<String>,
}

#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default, deserialize_with = "nullable")]
    locations: Vec<Location>,
}

#[derive(Deserialize)]
struct Location {
    #[serde(default)]
    path: String,
}

#[derive(Deserialize)]
struct Rule {
    #[serde(default, rename = "vex-status", alias = "vexStatus")]
    vex_status: String,
    #[serde(default, rename = "vex-justification", alias = "vexJustification")]
    vex_justification: String,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
struct Source {
    #[serde(default)]
    r#type: String,
    /// A path, or an image.
    #[serde(default)]
    target: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Descriptor {
    name: String,
    version: String,
    #[serde(deserialize_with = "nullable")]
    timestamp: String,
    #[serde(deserialize_with = "nullable")]
    db: Db,
}

/// Since Grype 0.88 these stand under `status`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Db {
    built: String,
    schema_version: Value,
    #[serde(deserialize_with = "nullable")]
    status: DbStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DbStatus {
    built: String,
    schema_version: Value,
}

impl Match {
    fn entry(self, ignored: bool) -> Entry {
        let Self {
            vulnerability: found,
            related_vulnerabilities: related,
            artifact,
            applied_ignore_rules: rules,
        } = self;
        // A distribution's advisory often carries no score; the CVE that it is about does.
        let scores =
            |found: &[Cvss]| Score::best(found.iter().map(|c| Score::new(c.metrics.base_score, &c.version)));
        let of_related = || related.iter().filter_map(|other| scores(&other.cvss)).max_by(f64::total_cmp);
        let cvss = scores(&found.cvss).or_else(of_related);
        let severity = match Severity::of_word(&found.severity) {
            Severity::Unknown => related
                .iter()
                .map(|other| Severity::of_word(&other.severity))
                .find(|s| *s != Severity::Unknown),
            rated => Some(rated),
        };
        Entry {
            cvss,
            severity,
            severity_source: found.namespace.split(':').next().unwrap_or_default().to_owned(),
            id: found.id,
            package: artifact.name,
            version: artifact.version,
            fixed_version: found.fix.versions.join(", "),
            analysis: ignored.then(|| analysis(rules)),
            location: artifact.locations.into_iter().next().map(|location| location.path).unwrap_or_default(),
        }
    }
}

/// A rule of a configuration file says nothing of whether the image is concerned.
fn analysis(rules: Vec<Rule>) -> Analysis {
    let said = |rule: Rule| {
        let state = State::of_word(&rule.vex_status)?;
        let justification =
            if rule.vex_justification.is_empty() { rule.reason } else { rule.vex_justification };
        Some(Analysis { state, justification })
    };
    rules
        .into_iter()
        .find_map(said)
        .unwrap_or(Analysis { state: State::Ignored, justification: String::new() })
}

pub fn report(document: Document) -> Report {
    let mut gathered = Gathered::default();
    for found in document.matches {
        gathered.add(found.entry(false));
    }
    for found in document.ignored_matches {
        gathered.add(found.entry(true));
    }
    let source = document.source.unwrap_or(Source { r#type: String::new(), target: Value::Null });
    let text = |field: &str| source.target.get(field).and_then(Value::as_str).unwrap_or_default();
    let name = source.target.as_str().unwrap_or_else(|| text("userInput"));
    let of_repository = source.target.get("repoDigests").and_then(Value::as_array).into_iter().flatten();
    let is_image = source.r#type == "image";
    let digests = of_repository
        .filter_map(Value::as_str)
        .chain([text("manifestDigest")])
        .filter(|_| is_image)
        .filter_map(digest_of);
    let config = is_image.then(|| digest_of(text("imageID"))).flatten();
    let Descriptor { name: tool, version, timestamp, db } = document.descriptor;
    let built = if db.status.built.is_empty() { db.built } else { db.status.built };
    let schema =
        if db.status.schema_version.is_null() { db.schema_version } else { db.status.schema_version };
    let schema = schema.as_str().map_or_else(|| schema.to_string(), ToOwned::to_owned);
    let database = time(&built).map(|updated_at| Database {
        version: if schema == "null" { String::new() } else { schema },
        updated_at: Some(updated_at),
    });
    Head {
        format: Format::Grype,
        format_version: String::new(),
        nature: Nature::Scan,
        artifact: artifact(name, digests, config),
        scanner: scanner(if tool.is_empty() { "grype" } else { &tool }, &version),
        database,
        scanned_at: time(&timestamp),
        other_findings: 0,
    }
    .with(gathered)
}
