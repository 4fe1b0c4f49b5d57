//! SARIF 2.1.0 of scanners of images. SARIF has no place for a package or a version: they are read in the messages, which
//! are those of Trivy, Grype and tools that write as they do.

use super::Wrong;
use super::wire::{Head, artifact, digest_of, nullable, scanner, time};
use crate::report::{Entry, Format, Gathered, Nature, Report};
use serde::Deserialize;
use serde_json::Value;
use snc_core::image::Severity;
use snc_core::image::{Analysis, State};

#[derive(Deserialize)]
pub struct Document {
    #[serde(default)]
    version: String,
    #[serde(deserialize_with = "nullable")]
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    tool: Tool,
    /// `null` says that nothing was looked at.
    results: Option<Vec<Result_>>,
    #[serde(default, deserialize_with = "nullable")]
    properties: Properties,
    #[serde(default, deserialize_with = "nullable")]
    invocations: Vec<Invocation>,
}

#[derive(Deserialize)]
struct Tool {
    driver: Driver,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    version: String,
    #[serde(default, deserialize_with = "nullable")]
    semantic_version: String,
    #[serde(default, deserialize_with = "nullable")]
    rules: Vec<Rule>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Rule {
    id: String,
    #[serde(deserialize_with = "nullable")]
    help: Words,
    #[serde(deserialize_with = "nullable")]
    properties: RuleProperties,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Words {
    text: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RuleProperties {
    /// A number, or one in a text.
    #[serde(rename = "security-severity")]
    security_severity: Value,
    #[serde(deserialize_with = "nullable")]
    tags: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    #[serde(rename = "imageID", deserialize_with = "nullable")]
    image_id: String,
    #[serde(deserialize_with = "nullable")]
    image_name: String,
    #[serde(deserialize_with = "nullable")]
    repo_digests: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    #[serde(default, deserialize_with = "nullable")]
    end_time_utc: String,
    #[serde(default)]
    execution_successful: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Result_ {
    rule_id: String,
    rule_index: Option<usize>,
    #[serde(deserialize_with = "nullable")]
    message: Words,
    #[serde(deserialize_with = "nullable")]
    suppressions: Vec<Value>,
    #[serde(deserialize_with = "nullable")]
    locations: Vec<Value>,
}

pub fn reports(document: Document) -> Result<Vec<Report>, Wrong> {
    if document.version != "2.1.0" {
        let version = document.version;
        return Err(Wrong::at(
            "version",
            format!("{version:?} ; accepté : \"2.1.0\""),
            format!("{version:?}; accepted: \"2.1.0\""),
        ));
    }
    if document.runs.is_empty() {
        return Err(Wrong::at("runs", "vide : rien n'a été exécuté", "empty: nothing was run"));
    }
    document.runs.into_iter().enumerate().map(|(index, run)| report(index, run)).collect()
}

fn report(index: usize, run: Run) -> Result<Report, Wrong> {
    let driver = run.tool.driver;
    let Some(results) = run.results else {
        return Err(Wrong::at(
            format!("runs[{index}].results"),
            "absent : l'outil n'a rien examiné",
            "absent: the tool examined nothing",
        ));
    };
    if let Some(at) = run.invocations.iter().position(|run| run.execution_successful == Some(false)) {
        return Err(Wrong::at(
            format!("runs[{index}].invocations[{at}].executionSuccessful"),
            "false : l'analyse a échoué",
            "false: the scan failed",
        ));
    }
    let mut gathered = Gathered::default();
    let mut other_findings = 0;
    for result in &results {
        let of_index = result.rule_index.and_then(|index| driver.rules.get(index));
        let rule = of_index.or_else(|| driver.rules.iter().find(|rule| rule.id == result.rule_id));
        let id = if result.rule_id.is_empty() { rule.map_or("", |rule| &rule.id) } else { &result.rule_id };
        match vulnerability(id, rule) {
            Some(id) => gathered.add(entry(id, result, rule)),
            None => other_findings += 1,
        }
    }
    let is_scanner = ["trivy", "grype"].contains(&driver.name.to_ascii_lowercase().as_str());
    if gathered.entries == 0 && !is_scanner {
        let name = driver.name;
        return Err(Wrong::at(
            format!("runs[{index}].tool.driver.name"),
            format!(
                "{name:?} : aucun résultat n'est une vulnérabilité d'un paquet, et rien ne dit que l'outil en cherche"
            ),
            format!(
                "{name:?}: no result is a vulnerability of a package, and nothing says that the tool looks for any"
            ),
        ));
    }
    let Properties { image_id, image_name, repo_digests } = run.properties;
    let version = if driver.version.is_empty() { driver.semantic_version } else { driver.version };
    Ok(Head {
        format: Format::Sarif,
        format_version: "2.1.0".to_owned(),
        nature: Nature::Scan,
        artifact: artifact(
            &image_name,
            repo_digests.iter().filter_map(|text| digest_of(text)),
            digest_of(&image_id),
        ),
        scanner: scanner(&driver.name, &version),
        database: None,
        scanned_at: run.invocations.iter().find_map(|run| time(&run.end_time_utc)),
        other_findings,
    }
    .with(gathered))
}

/// Prefixes of the databases of vulnerabilities.
const IDS: [&str; 22] = [
    "CVE-", "GHSA-", "GMS-", "PYSEC-", "RUSTSEC-", "GO-", "OSV-", "ALAS", "RHSA-", "RHBA-", "ELSA-", "DSA-",
    "DLA-", "USN-", "TEMP-", "SNYK-", "AVD-", "NSWG-", "CGA-", "MAL-", "ALSA-", "SUSE-",
];

fn vulnerability<'a>(id: &'a str, rule: Option<&Rule>) -> Option<&'a str> {
    let tagged = rule.is_some_and(|rule| rule.properties.tags.iter().any(|tag| tag == "vulnerability"));
    let upper = id.to_ascii_uppercase();
    let named = IDS.iter().any(|prefix| upper.starts_with(prefix)) && !upper.starts_with("AVD-");
    if !tagged && !named {
        return None;
    }
    // Grype puts the package behind the id: `CVE-2019-1549-libssl1.1`.
    let end = match upper.split('-').next() {
        Some("CVE") => 3,
        Some("GHSA") => 4,
        _ => return Some(id),
    };
    let end: usize = id.split('-').take(end).map(|part| part.len() + 1).sum::<usize>().saturating_sub(1);
    Some(id.get(..end).unwrap_or(id))
}

fn entry(id: &str, result: &Result_, rule: Option<&Rule>) -> Entry {
    let message = result.message.text.as_str();
    let help = rule.map_or("", |rule| rule.help.text.as_str());
    // The rule's text is that of the first package only: the result's is asked first.
    let said =
        |names: &[&str]| line(message, names).or_else(|| line(help, names)).unwrap_or_default().to_owned();
    let sentence = of_sentence(message);
    let (package, version) = match line(message, &["Package"]) {
        Some(package) => (
            package.to_owned(),
            line(message, &["Installed Version", "Version"]).unwrap_or_default().to_owned(),
        ),
        None => sentence.unwrap_or_else(|| (said(&["Package"]), said(&["Installed Version", "Version"]))),
    };
    let word = said(&["Severity"]);
    let tags = rule.into_iter().flat_map(|rule| &rule.properties.tags).map(String::as_str);
    let severity =
        std::iter::once(word.as_str()).chain(tags).map(Severity::of_word).find(|s| *s != Severity::Unknown);
    let score = rule.and_then(|rule| {
        let value = &rule.properties.security_severity;
        value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
    });
    let score = score.filter(|score| *score > 0.0);
    let uri = result
        .locations
        .first()
        .and_then(|location| location.pointer("/physicalLocation/artifactLocation/uri"));
    // Somebody told the tool to leave it out. That says nothing of whether the image is concerned.
    let analysis = (!result.suppressions.is_empty())
        .then(|| Analysis { state: State::Ignored, justification: String::new() });
    Entry {
        id: id.to_owned(),
        package,
        version,
        fixed_version: said(&["Fixed Version", "Fix Version"]),
        severity: severity.or_else(|| score.map(Severity::of_score)),
        cvss: score,
        severity_source: String::new(),
        analysis,
        location: uri.and_then(Value::as_str).unwrap_or_default().to_owned(),
    }
}

/// The value of a line `Name: value`.
fn line<'a>(text: &'a str, names: &[&str]) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        names.contains(&name.trim()).then(|| value.trim()).filter(|value| !value.is_empty())
    })
}

/// Grype: `A medium vulnerability in apk package: libssl1.1, version 1.1.1c-r0 was found at: …`.
fn of_sentence(text: &str) -> Option<(String, String)> {
    let (_, rest) = text.split_once(" package: ")?;
    let (package, rest) = rest.split_once(", version ")?;
    let version = rest.split(" was found").next()?;
    Some((package.trim().to_owned(), version.trim().to_owned()))
}
