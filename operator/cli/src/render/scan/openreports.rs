//! Reports as the operator writes them, one for each namespace, to be applied or kept.

use crate::model::scan::{Found, ScanReport};
use serde_json::{Value, json};
use snc_catalogue::Catalogue;
use snc_core::control::Control;
use snc_core::lang::Lang;
use snc_core::verdict::Verdict;
use snc_plan::objects::report::{Format, Row, Sheet, Summary};
use std::collections::BTreeMap;

pub fn openreports(report: &ScanReport, catalogue: &Catalogue, lang: Lang) -> Value {
    let controls = catalogue.controls().map(|control| (control.id.as_str(), control)).collect();
    let mut namespaces: BTreeMap<&str, Vec<&Found>> = BTreeMap::new();
    for found in &report.findings {
        namespaces.entry(&found.subject.namespace).or_default().push(found);
    }
    let items: Vec<Value> =
        namespaces.into_iter().map(|(namespace, found)| one(namespace, &found, &controls, lang)).collect();
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

fn one(namespace: &str, findings: &[&Found], controls: &BTreeMap<&str, &Control>, lang: Lang) -> Value {
    let fail = findings.iter().filter(|found| found.verdict == Verdict::Fail).count();
    let rows = findings.iter().filter_map(|found| {
        Some(Row {
            control: controls.get(found.control.as_str())?,
            subject: &found.subject,
            verdict: found.verdict,
            message: &found.message,
            path: &found.path,
        })
    });
    let sheet = Sheet {
        format: Format::OpenReports,
        name: "snc-scan",
        namespace,
        labels: Value::Null,
        source: "kubectl-snc",
        // Of findings: a scan does not know what passes in which namespace.
        summary: Summary { fail, error: findings.len() - fail, ..Summary::default() },
        rows: rows.collect(),
        total: findings.len(),
        lang,
    };
    sheet.body()
}
