//! The audit log: values that contradict each other are refused by name; and each control that the tailer cannot hold has its
//! exception among the samples, none of which is for nothing.

use super::{Rendered, scanned};
use crate::harness::{Client, workspace};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path};

const SET: &str = "audit-tail";
const SAMPLES: &str = "manifests/samples/audit-tail";

/// Control, kind, namespace, name.
type Pair = (String, String, String, String);

/// Switched on, and nothing else said.
const BARE: (&str, &str) =
    ("auditLog.enabled=true", "auditLog.servers: empty; accepted: for each API server");

/// What is set on top of values that are fine, and what is said of it.
const CONTRADICTIONS: [(&str, &str); 5] = [
    (
        "auditLog.certificates.serverSecret=",
        "auditLog.certificates.serverSecret: empty; accepted: a Secret with tls.crt",
    ),
    (
        "auditLog.certificates.clientAuthoritySecret=",
        "auditLog.certificates.clientAuthoritySecret: empty; accepted: a Secret with ca.crt",
    ),
    (
        "auditLog.certificates.certManager.enabled=true",
        "auditLog.certificates.certManager.enabled: serverSecret or clientAuthoritySecret is given as well",
    ),
    ("auditLog.enabled=false,auditLog.tail.enabled=true", "auditLog.tail.enabled: auditLog.enabled is false"),
    (
        "auditLog.forward.address=siem.example:6514",
        "auditLog.forward.authoritiesConfigMap: empty; accepted: a ConfigMap with ca.crt",
    ),
];

pub(super) fn contradicted(client: &Client, chart: &Path) -> Result<()> {
    let fine = format!("--values={}", chart.join("ci/avance-audit-values.yaml").display());
    let chart = chart.to_string_lossy();
    let all = CONTRADICTIONS.map(|one| (one, Some(fine.as_str())));
    for ((set, wanted), fine) in [(BARE, None)].into_iter().chain(all) {
        let args = ["template", "snc", "--set", set].into_iter().chain(fine).chain([chart.as_ref()]);
        let output = client.helm(args)?;
        ensure!(
            !output.success() && output.stderr.contains(wanted),
            "{set}: {wanted:?} is not said:\n{}",
            output.stderr
        );
    }
    println!("{} contradictions of the audit log refused, each by its name", CONTRADICTIONS.len() + 1);
    Ok(())
}

pub(super) fn excused(all: &[Rendered], chart: &Path, scratch: &Path) -> Result<()> {
    let set = all.iter().find(|set| set.name == SET).with_context(|| format!("no values {SET}"))?;
    let output = scanned(set, chart, scratch, "json")?;
    let report: Value = serde_json::from_slice(&output.stdout).with_context(|| {
        format!("kubectl snc scan, values {SET}: {}", String::from_utf8_lossy(&output.stderr))
    })?;
    let failed: BTreeSet<Pair> = list(&report["findings"])
        .filter(|finding| finding["verdict"] == "Fail")
        .map(|finding| pair(&finding["control"], &finding["subject"]))
        .collect();
    let mut excused = BTreeSet::new();
    for file in workspace::files(&workspace::root().join(SAMPLES), "yaml")? {
        let exception: Value = serde_saphyr::from_str(&fs::read_to_string(&file)?)
            .with_context(|| file.display().to_string())?;
        let spec = &exception["spec"];
        for control in list(&spec["controls"]) {
            excused.extend(list(&spec["subjects"]).map(|subject| pair(control, subject)));
        }
    }
    let (missing, idle): (Vec<_>, Vec<_>) =
        (failed.difference(&excused).collect(), excused.difference(&failed).collect());
    ensure!(missing.is_empty() && idle.is_empty(), "{SAMPLES}: lacks {missing:?}, is of no use for {idle:?}");
    println!("values {SET}: {} findings, an exception in {SAMPLES} for each", failed.len());
    Ok(())
}

fn list(of: &Value) -> impl Iterator<Item = &Value> {
    of.as_array().into_iter().flatten()
}

fn pair(control: &Value, subject: &Value) -> Pair {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(control), text(&subject["kind"]), text(&subject["namespace"]), text(&subject["name"]))
}
