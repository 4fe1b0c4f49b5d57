//! `openreports.io/v1alpha1` reports, one for each namespace, to be applied or kept.

use crate::model::scan::{Found, ScanReport};
use serde_json::{Value, json};
use snc_core::verdict::Verdict;
use std::collections::BTreeMap;

/// Above it a report only counts: API servers refuse objects of more than 1.5 MiB.
const MOST: usize = 500;

pub fn openreports(report: &ScanReport) -> Value {
    let mut namespaces: BTreeMap<&str, Vec<&Found>> = BTreeMap::new();
    for found in &report.findings {
        namespaces.entry(&found.subject.namespace).or_default().push(found);
    }
    let items: Vec<Value> = namespaces.into_iter().map(|(namespace, found)| one(namespace, &found)).collect();
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

fn one(namespace: &str, findings: &[&Found]) -> Value {
    let failed = findings.iter().filter(|found| found.verdict == Verdict::Fail).count();
    let (kind, mut metadata) = match namespace {
        "" => ("ClusterReport", json!({"name": "snc-scan"})),
        namespace => ("Report", json!({"name": "snc-scan", "namespace": namespace})),
    };
    if findings.len() > MOST {
        metadata["annotations"] = json!({
            "secnumcloud.dev/truncated": "true",
            "secnumcloud.dev/total": findings.len().to_string(),
        });
    }
    json!({
        "apiVersion": "openreports.io/v1alpha1",
        "kind": kind,
        "metadata": metadata,
        "source": "kubectl-snc",
        "summary": {"pass": 0, "fail": failed, "warn": 0, "error": findings.len() - failed, "skip": 0},
        "results": findings.iter().take(MOST).map(|found| result(found)).collect::<Vec<_>>(),
    })
}

fn result(found: &Found) -> Value {
    let subject = &found.subject;
    let mut resource = json!({"apiVersion": subject.api_version, "kind": subject.kind, "name": subject.name});
    if !subject.namespace.is_empty() {
        resource["namespace"] = json!(subject.namespace);
    }
    json!({
        "source": "kubectl-snc",
        "policy": found.control,
        "category": found.category,
        "severity": found.severity,
        "result": if found.verdict == Verdict::Fail { "fail" } else { "error" },
        "message": found.message,
        "resources": [resource],
        "properties": {"requirements": found.requirements.join(","), "path": found.path},
    })
}
