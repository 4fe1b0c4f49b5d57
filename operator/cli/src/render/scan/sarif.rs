//! SARIF 2.1.0, as code hosts take it. An unknown is an open question there, not a failure.

use crate::model::scan::remediation;
use crate::model::scan::{Found, ScanReport};
use serde_json::{Value, json};
use snc_catalogue::Catalogue;
use snc_core::control::{Control, Severity};
use snc_core::lang::Lang;
use snc_core::verdict::Verdict;
use std::collections::BTreeMap;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub fn sarif(report: &ScanReport, catalogue: &Catalogue, lang: Lang) -> Value {
    let controls: Vec<&Control> = catalogue.controls().collect();
    let index: BTreeMap<&str, usize> = controls.iter().enumerate().map(|(i, c)| (c.id.as_str(), i)).collect();
    let notices: Vec<Value> = report
        .errors
        .iter()
        .map(|error| {
            json!({
                "level": "error",
                "message": {"text": error.message},
                "locations": [{"physicalLocation": physical(&error.file, error.line, error.column)}],
            })
        })
        .collect();
    let mut log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "kubectl-snc",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": controls.iter().map(|control| rule(control, lang)).collect::<Vec<_>>(),
            }},
            "language": lang.str("fr", "en"),
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": report.errors.is_empty(),
                "toolExecutionNotifications": notices,
            }],
            "results": report.findings.iter().map(|found| result(found, &index)).collect::<Vec<_>>(),
        }],
    });
    if let Some(tailoring) = &report.summary.tailoring {
        log["runs"][0]["properties"] = json!({"tailoring": tailoring});
    }
    log
}

fn rule(control: &Control, lang: Lang) -> Value {
    let title = control.title.get(lang);
    json!({
        "id": control.id,
        "shortDescription": {"text": title},
        "fullDescription": {"text": control.boundary.get(lang)},
        "help": {"text": remediation(control, lang)},
        "defaultConfiguration": {"level": level(control.severity)},
        "properties": {
            "tags": std::iter::once(control.category.as_str())
                .chain(control.requirements.iter().map(String::as_str))
                .collect::<Vec<_>>(),
            "security-severity": score(control.severity),
        },
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// In the bands that code hosts read.
const fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
    }
}

fn result(found: &Found, index: &BTreeMap<&str, usize>) -> Value {
    let failed = found.verdict == Verdict::Fail;
    let logical = json!([{"fullyQualifiedName": found.subject.to_string(), "kind": "resource"}]);
    let location = match &found.location {
        Some(at) => json!({
            "physicalLocation": physical(&at.file, at.line, at.column),
            "logicalLocations": logical,
        }),
        None => json!({"logicalLocations": logical}),
    };
    json!({
        "ruleId": found.control,
        "ruleIndex": index.get(found.control.as_str()).copied().unwrap_or_default(),
        "kind": if failed { "fail" } else { "open" },
        "level": if failed { level(found.severity) } else { "none" },
        "message": {"text": found.message},
        "locations": [location],
        "partialFingerprints": {"subject/v1": format!("{}:{}:{}", found.control, found.subject, found.path)},
    })
}

fn physical(file: &str, line: u64, column: u64) -> Value {
    let mut place = json!({"artifactLocation": {"uri": uri(file)}});
    if line > 0 {
        place["region"] = json!({"startLine": line, "startColumn": column.max(1)});
    }
    place
}

/// A relative reference or a file URI; what such a reference cannot hold is written as its bytes.
fn uri(file: &str) -> String {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-._~/".contains(b);
    let encode = |b: u8| if plain(&b) { char::from(b).to_string() } else { format!("%{b:02X}") };
    let path: String = file.strip_prefix("./").unwrap_or(file).bytes().map(encode).collect();
    if path.starts_with('/') { format!("file://{path}") } else { path }
}
