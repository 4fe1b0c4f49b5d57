//! The operator's reports on kinds as their projects publish them: nothing is dropped, nothing refused.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use snc_catalogue::{Assessed, Catalogue, Finding, Findings, Numbers, Tally, Waived};
use snc_core::lang::Lang;
use snc_core::tier::Level;
use snc_core::verdict::{Outcome, Subject, Verdict};
use snc_e2e::api::{Api, Ask};
use snc_e2e::definitions;
use snc_e2e::objects::{NAMESPACES, new_namespace};
use snc_plan::objects::report::{Format, NAME, Report, Reports, fingerprint};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const NAMESPACE: &str = "reported";
const MANAGER: &str = "snc-operator";

pub fn are_stored_as_they_are(api: &Api) -> Result<()> {
    let wanted: BTreeSet<String> = Format::ALL
        .iter()
        .flat_map(|format| [true, false].map(|scope| format!("{}/{}", format.group(), format.kind(scope))))
        .collect();
    definitions::install(api, &wanted.iter().map(String::as_str).collect())?;
    api.create(NAMESPACES, new_namespace(NAMESPACE, json!({})))?;
    let assessed = assessed()?;
    let mut bytes = 0;
    for format in Format::ALL {
        let reports = Reports::new(&assessed, format, Lang::Fr);
        for namespace in [NAMESPACE, ""] {
            let report = reports.of(namespace).context("something is said of it")?;
            let path = path(&report);
            bytes = bytes.max(report.body.to_string().len());
            let strict = format!("{path}?fieldValidation=Strict");
            let tried = api.send(&Ask::apply(&strict, MANAGER, report.body.clone()).dry_run())?;
            same(&report, &tried)?;
            api.send(&Ask::apply(&strict, MANAGER, report.body.clone()))?;
            let stored = api.get(path.as_str())?;
            same(&report, &stored)?;
            let again = api.send(&Ask::apply(&strict, MANAGER, report.body.clone()))?;
            let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
            ensure!(version(&again) == version(&stored), "an equal report is no change: {path}");
        }
    }
    // The check above sees what a schema does not have.
    let mut unknown = Reports::new(&assessed, Format::OpenReports, Lang::Fr).of("").context("a report")?;
    unknown.body["properties"] = json!({"total": "1"});
    let strict = format!("{}?fieldValidation=Strict", path(&unknown));
    let refused = api.send(&Ask::apply(&strict, MANAGER, unknown.body.clone()).dry_run());
    ensure!(refused.is_err(), "a field that is in no schema is taken: {refused:?}");
    println!(
        "reports: 4 kinds take what the operator writes, up to {bytes} bytes, and give it back unchanged"
    );
    Ok(())
}

fn path(report: &Report) -> String {
    let (format, namespace) = (report.format, report.namespace.as_str());
    let plural = format.plural(!namespace.is_empty());
    let within = if namespace.is_empty() { String::new() } else { format!("namespaces/{namespace}/") };
    format!("/apis/{}/{within}{plural}/{NAME}", format.api_version())
}

/// Field by field, besides what the API server adds to metadata.
fn same(report: &Report, stored: &Value) -> Result<()> {
    for (field, value) in report.body.as_object().context("an object")? {
        if field != "metadata" {
            ensure!(stored[field] == *value, "{}: {field} is {}", path(report), stored[field]);
        }
    }
    ensure!(fingerprint(stored) == report.fingerprint(), "{}: {}", path(report), stored["metadata"]);
    Ok(())
}

/// Every control fails or is unknown, with texts as long as they may be, so that the report is as large as it gets.
fn assessed() -> Result<Assessed> {
    let catalogue = Arc::new(Catalogue::on_demand()?);
    let controls = catalogue.controls().count();
    let verdict = |at: usize| if at.is_multiple_of(2) { Verdict::Fail } else { Verdict::Unknown };
    let findings = |namespace: &str| {
        let finding = |at: usize| {
            let text = format!("é\"\u{1}{}", "x".repeat(1200));
            let mut outcome = Outcome::fail(&text, &text).at("spec.containers[\"a\"].image");
            outcome.verdict = verdict(at);
            let subject = Subject::new("apps/v1", "Deployment", namespace, &format!("web-{at}"));
            let subject = if at == 1 { Subject::whole() } else { subject };
            Finding { control: at % controls, subject, outcome: Arc::new(outcome) }
        };
        let worst: Arc<[Finding]> = (0..Findings::KEPT).map(finding).collect();
        Arc::new(Findings { worst, fail: 5000, unknown: 5000 })
    };
    let worst: Vec<Verdict> = (0..controls).map(verdict).collect();
    let numbers = Numbers::of(worst.iter().copied());
    let tally = Tally { level: Level::Avance, worst, counts: Vec::new(), numbers };
    Ok(Assessed {
        images: std::sync::Arc::default(),
        catalogue,
        cluster: tally.clone(),
        tenants: BTreeMap::new(),
        namespaces: [(NAMESPACE.to_owned(), Arc::new(tally))].into(),
        findings: [NAMESPACE, ""].map(|name| (name.to_owned(), findings(name))).into(),
        waived: Waived::default(),
    })
}
