use super::fixtures::{LANGS, assert_tame, now};
use crate::commands::exceptions_outcome;
use crate::model::Selection;
use crate::model::exceptions::{ExceptionsReport, build};
use crate::render::{Screen, exceptions as render, json, yaml};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};
use snc_api::v1alpha1::SncException;
use snc_core::control::Severity;
use snc_core::lang::Lang;
use snc_index::{Declared, Unreadable};
use std::sync::Arc;

fn exception(name: &str, change: impl FnOnce(&mut Value)) -> (String, Declared<SncException>) {
    let mut object = json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncException",
        "metadata": {"name": name, "generation": 1, "creationTimestamp": "2026-05-20T12:00:00Z"},
        "spec": {
            "controls": ["pod-privileged"],
            "subjects": [{"apiGroup": "apps", "kind": "DaemonSet", "namespace": "boutique-web", "name": "sonde"}],
            "reason": "la sonde lit le noyau", "compensatingMeasure": "nœuds dédiés", "ticket": "SEC-7",
            "expiresOn": "2027-01-01T00:00:00Z", "requestedBy": "alice",
        },
        "status": {"approvedBy": "béa", "hits": 1, "pairs": 1},
    });
    change(&mut object);
    (name.to_owned(), Ok(Arc::new(serde_json::from_value(object).unwrap())))
}

fn all() -> Vec<(String, Declared<SncException>)> {
    let matching = json!([{
        "type": "Matching", "status": "False", "reason": "MatchesNothing", "message": "m",
        "lastTransitionTime": "2026-05-01T00:00:00Z",
    }]);
    let broken = Unreadable::new(&ObjectMeta::default(), "missing field `ticket`\u{1b}[2J");
    vec![
        exception("sonde", |_| {}),
        exception("bientot", |o| o["spec"]["expiresOn"] = json!("2026-06-03T12:00:00Z")),
        exception("finie", |o| o["spec"]["expiresOn"] = json!("2026-05-31T12:00:00Z")),
        exception("attend", |o| o["status"] = Value::Null),
        exception("soi", |o| o["status"]["approvedBy"] = json!("alice")),
        exception("faute", |o| o["spec"]["controls"] = json!(["pod-privileged", "pod-privilegied"])),
        exception("change", |o| o["metadata"]["generation"] = json!(2)),
        exception("vaine", |o| {
            o["spec"]["subjects"] = json!([{"kind": "Namespace", "name": "atelier"}]);
            o["status"]["hits"] = json!(0);
            o["status"]["conditions"] = matching;
        }),
        ("casse".to_owned(), Err(broken)),
    ]
}

fn report(selection: &Selection) -> ExceptionsReport {
    let severity = |id: &str| (id == "pod-privileged").then_some(Severity::High);
    build("essai".into(), &all(), severity, selection, now())
}

#[test]
fn exceptions_in_every_form() {
    let report = report(&Selection::All);
    for (lang, name) in LANGS {
        let text = render::table(&report, lang, Screen::default());
        assert_tame(&text);
        insta::assert_snapshot!(format!("exceptions_table_{name}"), text);
    }
    for (form, text) in [("json", json::json(&report).unwrap()), ("yaml", yaml::yaml(&report).unwrap())] {
        assert_tame(&text);
        insta::assert_snapshot!(format!("exceptions_{form}"), text);
    }
}

#[test]
fn what_needs_somebody_is_a_finding_and_what_waits_is_none() {
    let all = report(&Selection::All);
    let outcome = exceptions_outcome(&all, Lang::En);
    assert_eq!((outcome.code(), outcome.undecided), (1, true));
    assert!(
        outcome.reasons.iter().any(|reason| reason == "nothing to waive: vaine"),
        "{:?}",
        outcome.reasons
    );
    let mut few = all.clone();
    few.exceptions.retain(|line| ["sonde", "attend", "finie"].contains(&line.name.as_str()));
    assert_eq!(exceptions_outcome(&few, Lang::En).code(), 0);
    few.exceptions = all.exceptions.iter().filter(|line| line.name == "casse").cloned().collect();
    assert_eq!(exceptions_outcome(&few, Lang::Fr).code(), 3);
}

#[test]
fn a_namespace_shows_what_is_waived_in_it_and_of_it() {
    let names = |namespace: &str| -> Vec<String> {
        let report = report(&Selection::Namespace(namespace.into()));
        report.exceptions.into_iter().map(|line| line.name).collect()
    };
    assert_eq!(names("atelier"), ["vaine"]);
    assert_eq!(names("boutique-web").len(), 7);
    assert!(names("boutique").is_empty());
    let none = report(&Selection::Namespace("boutique".into()));
    assert_eq!(render::table(&none, Lang::Fr, Screen::default()), "Aucune exception.\n");
    assert_eq!(exceptions_outcome(&none, Lang::Fr).code(), 0);
}
