use super::fixtures::{LANGS, assert_tame, condition, now};
use crate::args::Format;
use crate::args::status::RequirementArgs;
use crate::commands::{assessment_outcome, assessment_shown};
use crate::model::assessment::{AssessmentReport, Facts, Found, Missing, Wanted, build, choose};
use crate::model::status::{Operator, OperatorState};
use serde_json::{Value, json};
use snc_api::v1alpha1::SncAssessment;
use snc_catalogue::{RequirementState, controls, requirements};
use snc_core::control::Control;
use snc_core::lang::Lang;
use snc_index::Unreadable;
use std::collections::BTreeSet;
use std::sync::Arc;

fn object(namespace: &str, name: &str, spec: Value, status: Value) -> SncAssessment {
    let meta = json!({"name": name, "namespace": namespace});
    let object = json!({"apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncAssessment",
        "metadata": meta, "spec": spec, "status": status});
    serde_json::from_value(object).unwrap()
}

/// Every requirement in one state but those named.
fn states(all: &str, but: &[(&str, &str)]) -> Vec<Value> {
    let of = |id: &str| but.iter().find(|(other, _)| *other == id).map_or(all, |(_, state)| *state);
    requirements().map(|one| json!({"id": one.id, "state": of(&one.id)})).collect()
}

fn status(states: Vec<Value>, controls: Value) -> Value {
    json!({
        "level": "Avance", "changedAt": "2026-05-31T08:00:00Z", "proven": 90, "disproved": 1, "unknown": 2,
        "score": 96, "states": states, "controls": controls, "controlsTotal": 93,
        "transitions": [{"at": "2026-05-31T08:00:00Z", "requirement": "9.7.a", "from": "Unknown", "to": "NonCompliant"}],
        "transitionsTotal": 1,
        "conditions": [condition("ReportsWritten", "False", "NotServed", "openreports.io\u{1b}[31m")],
    })
}

fn verdict(id: &str, verdict: &str) -> Value {
    json!({"id": id, "verdict": verdict, "pass": 0, "fail": 1, "unknown": 0, "exempt": 0})
}

fn facts(status: Value) -> Facts {
    Facts {
        context: "essai".into(),
        now: now(),
        operator: Operator { state: OperatorState::Alive, last_seen: Some(now()) },
        namespace: "snc-system".into(),
        object: Arc::new(object("snc-system", "snc-assessment", json!({"scope": "Cluster"}), status)),
    }
}

fn report(status: Value) -> AssessmentReport {
    build(&facts(status), &BTreeSet::new())
}

fn code(report: &AssessmentReport, fail_on_unknown: bool) -> u8 {
    let asked = RequirementArgs { states: BTreeSet::new(), fail_on_unknown };
    assessment_outcome(report, &asked, Lang::En).code()
}

/// One of each state that there can be today, with the controls that say so.
fn mixed() -> Value {
    let but = [("9.7.a", "NonCompliant"), ("13.1.b", "Unknown"), ("5.1.a", "NonCompliant")];
    status(
        states("AwaitingAttestation", &but),
        json!([verdict("pod-privileged", "Fail"), verdict("container-debugger", "Unknown")]),
    )
}

fn only(state: RequirementState) -> BTreeSet<RequirementState> {
    [state].into()
}

#[test]
fn the_requirements_in_every_form() {
    let shown = [RequirementState::NonCompliant, RequirementState::Unknown].into();
    for (lang, name) in LANGS {
        let report = build(&facts(mixed()), &shown);
        for (format, kind) in [(Format::Table, "table"), (Format::Markdown, "md"), (Format::Csv, "csv")] {
            let text = assessment_shown(&report, format, lang).unwrap();
            assert_tame(&text.replace('\r', ""));
            insta::assert_snapshot!(format!("requirements_{kind}_{name}"), text);
        }
    }
    let report = build(&facts(mixed()), &only(RequirementState::NonCompliant));
    for (format, kind) in [(Format::Json, "json"), (Format::Yaml, "yaml")] {
        let text = assessment_shown(&report, format, Lang::En).unwrap();
        assert_tame(&text);
        insta::assert_snapshot!(format!("requirements_{kind}"), text);
    }
    let all = assessment_shown(&self::report(mixed()), Format::Table, Lang::En).unwrap();
    assert_eq!(all.lines().take_while(|line| !line.is_empty()).count(), 288);
    let csv = assessment_shown(&self::report(mixed()), Format::Csv, Lang::Fr).unwrap();
    assert_eq!(csv.lines().count(), 288);
}

#[test]
fn one_for_what_is_not_compliant_and_three_for_what_is_unknown_on_demand() {
    assert_eq!(code(&report(mixed()), false), 1);
    let hidden = build(&facts(mixed()), &only(RequirementState::Unknown));
    assert_eq!(code(&hidden, false), 1, "whatever is shown");
    let mut open = status(states("ProvenInCluster", &[("13.1.b", "Unknown")]), json!([]));
    assert_eq!((code(&report(open.clone()), false), code(&report(open.clone()), true)), (0, 3));
    open["states"] = json!(states("ProvenInCluster", &[]));
    assert_eq!(code(&report(open.clone()), true), 3, "a control cannot conclude");
    open["unknown"] = json!(0);
    assert_eq!(code(&report(open.clone()), true), 0);
    let mut silent = facts(open);
    silent.operator.state = OperatorState::Silent;
    assert_eq!(code(&build(&silent, &BTreeSet::new()), false), 3, "nobody keeps it up to date");
}

#[test]
fn what_is_not_said_or_not_understood_is_unknown() {
    let mut short = states("Compliant", &[("9.7.a", "Parfait")]);
    short.pop();
    short.push(json!({"id": "99.9.z", "state": "Compliant"}));
    let report = report(status(short, json!([])));
    assert_eq!(report.requirements.len(), 287);
    assert_eq!((report.states["Unknown"], report.states["Compliant"]), (2, 285));
    assert_eq!(report.doubts.len(), 2, "{:?}", report.doubts);
    assert_eq!(code(&report, false), 3);
}

#[test]
fn nothing_is_better_than_its_controls() {
    let control = |at: fn(&&Control) -> bool| controls().iter().find(at).unwrap();
    let failing = control(|control| control.id == "pod-privileged");
    let waived = control(|control| !control.requirements.iter().any(|id| id == "9.7.a"));
    let said = json!([verdict(&failing.id, "Fail"), verdict(&waived.id, "Exempt")]);
    let report = report(status(states("Compliant", &[]), said));
    let state = |id: &str| report.requirements.iter().find(|line| line.id == id).unwrap().state;
    for id in &failing.requirements {
        assert_eq!(state(id), RequirementState::NonCompliant, "{id}");
    }
    for id in waived.requirements.iter().filter(|id| !failing.requirements.contains(id)) {
        assert_eq!(state(id), RequirementState::Unknown, "{id}");
    }
    assert_eq!(report.doubts.len(), 1);
    assert_eq!(code(&report, false), 1);
}

fn mirror(
    namespace: &str,
    tenant: &str,
    changed: &str,
) -> (String, String, Result<Arc<SncAssessment>, Unreadable>) {
    let mut status = status(states("Unknown", &[]), json!([]));
    status["changedAt"] = json!(changed);
    let object = object(namespace, "snc-assessment", json!({"scope": "Tenant", "tenant": tenant}), status);
    (namespace.to_owned(), "snc-assessment".to_owned(), Ok(Arc::new(object)))
}

#[test]
fn a_tenants_mirrors_answer_for_it_the_newest_first_and_for_nobody_else() {
    let (old, new) = ("2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z");
    let found: Found = vec![
        mirror("shop-a", "shop", old),
        mirror("shop-b", "shop", new),
        mirror("bank", "bank", "2026-05-03T00:00:00Z"),
    ];
    let chosen = |found: &Found, wanted: Wanted| choose(found, &wanted).map(|(namespace, _)| namespace);
    assert_eq!(chosen(&found, Wanted::Tenant("shop".into())), Ok("shop-b".to_owned()));
    assert_eq!(chosen(&found, Wanted::Mirror), Ok("bank".to_owned()));
    let absent = chosen(&found, Wanted::Tenant("x".into())).unwrap_err();
    let message = absent.message("", &Wanted::Tenant("x".into()), Lang::En);
    assert!(
        message.contains("no assessment of tenant x") && message.contains("assessed: bank, shop"),
        "{message}"
    );
    assert_eq!(chosen(&found, Wanted::Cluster), Err(Missing::Absent(BTreeSet::new())));
}

#[test]
fn what_is_absent_empty_or_unreadable_says_what_to_do() {
    let wanted = Wanted::Cluster;
    let mut found: Found = Vec::new();
    let absent = choose(&found, &wanted).unwrap_err().message("snc-system", &wanted, Lang::Fr);
    assert!(absent.contains("aucune évaluation du cluster (snc-system/snc-assessment)"), "{absent}");
    assert!(absent.contains("--operator-namespace") && absent.contains("preflight"), "{absent}");
    // A tenant that calls its object as the cluster's is called speaks for nobody.
    let forged =
        object("snc-system", "snc-assessment", json!({"scope": "Tenant", "tenant": "t"}), Value::Null);
    found.push(("snc-system".into(), "snc-assessment".into(), Ok(Arc::new(forged))));
    assert_eq!(choose(&found, &wanted).unwrap_err(), Missing::Absent(BTreeSet::new()));
    let empty = object("snc-system", "snc-assessment", json!({"scope": "Cluster"}), Value::Null);
    found.push(("snc-system".into(), "snc-assessment".into(), Ok(Arc::new(empty))));
    assert_eq!(choose(&found, &wanted).unwrap_err(), Missing::Empty);
    let broken =
        Unreadable { name: "snc-assessment".into(), namespace: None, generation: None, error: "bad".into() };
    let found = vec![("snc-system".into(), "snc-assessment".into(), Err(broken))];
    assert_eq!(choose(&found, &wanted).unwrap_err(), Missing::Unreadable("bad".into()));
}
