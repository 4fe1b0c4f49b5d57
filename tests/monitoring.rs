//! The chart's alerts and dashboard ask for what the processes expose, and each alert has its runbook.
//!
//! No Prometheus parses the expressions here: their metrics, matchers and groupings are read out of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests is a test")]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/snc-operator/files/");
/// Set by whoever collects, or by the kind of metric.
const GIVEN: [&str; 2] = ["pod", "le"];

fn rules(file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(format!("{CHART}{file}")).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

/// Labels by metric, and the samples that are there from the start.
fn exposed() -> (BTreeMap<String, BTreeSet<String>>, String) {
    let controller = snc_controllers::Metrics::new().unwrap();
    let webhook = snc_webhook::metrics::Metrics::new(snc_catalogue::controls().iter()).unwrap();
    let sink = snc_sink::metrics::Metrics::complete().unwrap();
    let all = controller.exposed().into_iter().chain(webhook.exposed()).chain(sink.exposed());
    let labels: BTreeMap<_, _> =
        all.map(|metric| (metric.name, metric.labels.into_iter().collect())).collect();
    let text = [controller.text().unwrap(), webhook.text().unwrap(), sink.text().unwrap()].concat();
    (labels, String::from_utf8(text).unwrap())
}

/// `name{a="b"}` each, with the matchers as they are.
fn series(expression: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(start) = rest.find("snc_") {
        rest = &rest[start..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let matchers = after.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        let matchers = matchers.map_or(Vec::new(), |(inside, _)| {
            let pair = |text: &str| {
                let (label, value) = text.split_once('=').unwrap();
                (label.trim().to_owned(), value.trim_start_matches('~').trim_matches('"').to_owned())
            };
            inside.split(',').map(pair).collect()
        });
        found.push((name.to_owned(), matchers));
        rest = after;
    }
    found
}

/// What is grouped by.
fn groupings(expression: &str) -> BTreeSet<String> {
    let after = expression.split("by (").skip(1).filter_map(|text| text.split_once(')'));
    after.flat_map(|(inside, _)| inside.split(',').map(|label| label.trim().to_owned())).collect()
}

fn check(expression: &str) {
    let (labels, samples) = exposed();
    let all = series(expression);
    assert!(!all.is_empty(), "{expression}: no metric of ours");
    let mut known: BTreeSet<String> = GIVEN.map(str::to_owned).into();
    for (name, matchers) in all {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
        let (name, own) = labels
            .get_key_value(&name)
            .or_else(|| labels.get_key_value(base?))
            .unwrap_or_else(|| panic!("{expression}: {name} is not exposed"));
        for (label, value) in matchers {
            assert!(own.contains(&label), "{expression}: {name} has no label {label}");
            let there = |line: &str| line.starts_with(&format!("{name}{{"));
            for value in value.split('|').filter(|_| samples.lines().any(there)) {
                let sample = format!("{label}=\"{value}\"");
                let found = samples.lines().any(|line| there(line) && line.contains(&sample));
                assert!(found, "{expression}: {name} is never with {sample}");
            }
        }
        known.extend(own.iter().cloned());
    }
    let unknown: Vec<String> = groupings(expression).difference(&known).cloned().collect();
    assert!(unknown.is_empty(), "{expression}: grouped by {unknown:?}");
}

fn text<'a>(of: &'a Value, field: &str) -> &'a str {
    of[field].as_str().filter(|text| !text.is_empty()).unwrap_or_else(|| panic!("{field} of {of}"))
}

#[test]
fn alerts_ask_for_what_is_exposed_and_have_their_runbook() {
    let runbooks = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/runbooks.md");
    let runbooks = std::fs::read_to_string(runbooks).unwrap();
    let alerts = rules("alerts.yaml");
    for alert in &alerts {
        check(text(alert, "expr"));
        let heading = format!("\n## {}\n", text(alert, "alert"));
        assert!(runbooks.contains(&heading), "no section{heading}in docs/runbooks.md");
        assert_ne!(text(alert, "fr"), text(alert, "en"));
        assert!(["info", "warning", "critical"].contains(&text(alert, "severity")));
    }
    let sections = runbooks.lines().filter(|line| line.starts_with("## Snc")).count();
    assert_eq!(sections, alerts.len(), "a runbook of no alert");
}

#[test]
fn the_dashboard_asks_for_what_is_exposed() {
    let panels = rules("dashboard.yaml");
    assert!(panels.len() > 9);
    for panel in &panels {
        check(text(panel, "expr"));
        let legend = panel["legend"].as_str().unwrap();
        let grouped = groupings(text(panel, "expr"));
        for label in legend.split("{{").skip(1).filter_map(|part| part.split_once("}}")) {
            assert!(grouped.contains(label.0), "{legend} in {panel}");
        }
    }
}

#[test]
fn what_is_not_exposed_is_found() {
    let wrong = [
        "max(snc_nothing)",
        "max(snc_leader{pod_name=\"a\"})",
        "sum by (names) (snc_leader)",
        "sum(rate(snc_reconciles_total{result=\"broken\"}[5m]))",
        "sum(snc_audit_probes_total{result=\"lost\"})",
        "max by (user) (snc_audit_alarms_open)",
        "vector(1)",
    ];
    for expression in wrong {
        assert!(std::panic::catch_unwind(|| check(expression)).is_err(), "{expression}");
    }
}
