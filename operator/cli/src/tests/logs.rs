//! What `logs` and `alarms` print for people, whole, in both languages.

mod audit_policy;
mod proof;

use super::fixtures::{LANGS, assert_tame, now};
use crate::args::logs::Whose;
use crate::commands::{logs_status_outcome, logs_verify_outcome};
use crate::model::alarms::{AlarmLine, AlarmsReport};
use crate::model::logs::RecordsReport;
use crate::model::logs::gaps::{Gap, GapsReport};
use crate::model::logs::status::StatusReport;
use crate::render::logs::{gaps as gaps_of, records, status as status_of};
use crate::render::{Screen, alarms as alarms_of, json as out};
use serde_json::{Value, from_value, json};
use snc_auditlog::Record;
use snc_core::lang::Lang;

fn record(seq: u64, event: &Value) -> Record {
    let chain = "A".repeat(43);
    let line = format!(
        r#"{{"seq":{seq},"at":"2026-05-31T10:00:00.25Z","src":"webhook","server":"cp-1","why":"ObjectNamespace","chain":"{chain}","event":{event}}}"#
    );
    Record::parse(&line).unwrap()
}

fn event(verb: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut event = json!({"level": "Metadata", "auditID": "id", "stage": "ResponseComplete", "verb": verb,
        "requestURI": "/api/v1/namespaces/boutique-web/pods/front", "user": {"username": "alice"},
        "sourceIPs": ["203.0.113.9", "10.0.0.7"], "userAgent": "kubectl/v1.36.3",
        "objectRef": {"resource": "pods", "namespace": "boutique-web", "name": "front"},
        "responseStatus": {"code": 200}, "requestReceivedTimestamp": "2026-05-31T09:59:59.9Z"});
    change(&mut event);
    event
}

fn some() -> Vec<Record> {
    let all = [
        event("get", |_| {}),
        event("create", |event| {
            event["objectRef"] = json!({"resource": "pods", "subresource": "exec", "namespace": "boutique-web", "name": "front"});
            event["impersonatedUser"] = json!({"username": "system:serviceaccount:boutique-web:ci"});
            event["responseStatus"]["code"] = json!(101);
        }),
        event("list", |event| {
            event["objectRef"] = json!({"resource": "secrets", "namespace": "boutique-web"});
        }),
        event("get", |event| {
            event["user"] = json!({"username": "\u{1b}[2Jroot,\"=1+1\""});
            event["requestURI"] = json!("/healthz?verbose");
            event.as_object_mut().unwrap().remove("objectRef");
            event.as_object_mut().unwrap().remove("responseStatus");
        }),
        json!({"kind": "Pod"}),
    ];
    (1..).zip(&all).map(|(seq, event)| record(seq, event)).collect()
}

#[test]
fn records_for_people_and_for_spreadsheets() {
    let whose = Whose::Tenant("boutique".into());
    let report = RecordsReport::new(&whose, (Some(now()), None), &some(), true, Some(now()));
    for (lang, tag) in LANGS {
        let (table, markdown) =
            (records::table(&report, lang, Screen::default()), records::markdown(&report, lang));
        assert_tame(&table);
        assert_tame(&markdown);
        insta::assert_snapshot!(format!("logs_query_{tag}"), table);
        insta::assert_snapshot!(format!("logs_query_md_{tag}"), markdown);
    }
    let csv: String =
        std::iter::once(records::csv_heads()).chain(some().iter().map(records::csv_row)).collect();
    assert_tame(&csv.replace("\r\n", "\n"));
    insta::assert_snapshot!("logs_query_csv", csv);
    let machine = out::json(&report).unwrap();
    assert_tame(&machine);
    insta::assert_snapshot!("logs_query_json", machine);
    let none = RecordsReport::new(&Whose::Platform, (None, None), &[], false, None);
    assert_eq!(records::table(&none, Lang::Fr, Screen::default()), "Aucun enregistrement ne correspond.\n");
}

#[test]
fn gaps_open_ones_first() {
    let gap = |cause: &str, source: &str, from: &str, to: Value, closed: Value| -> Gap {
        from_value(json!({"server": "cp-1", "source": source, "cause": cause, "from": from, "to": to, "closed": closed})).unwrap()
    };
    let at = |hour: u32| json!(format!("2026-05-31T{hour:02}:00:00Z"));
    let report = GapsReport::new(vec![
        gap("Down", "Webhook", "2026-05-31T01:00:00Z", at(2), at(3)),
        gap("DiskFull", "Webhook", "2026-05-31T11:00:00Z", Value::Null, Value::Null),
        gap("Rotated", "File", "2026-05-31T05:00:00Z", at(6), Value::Null),
        gap("Later\u{1b}", "Webhook", "2026-05-31T04:00:00Z", at(5), at(6)),
    ]);
    for (lang, tag) in LANGS {
        let (table, markdown) =
            (gaps_of::table(&report, lang, Screen::default()), gaps_of::markdown(&report, lang));
        assert_tame(&table);
        insta::assert_snapshot!(format!("logs_gaps_{tag}"), table);
        insta::assert_snapshot!(format!("logs_gaps_md_{tag}"), markdown);
    }
}

fn status() -> Value {
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({"type": kind, "status": status, "reason": reason, "message": message, "observedGeneration": 2,
            "lastTransitionTime": "2026-05-01T00:00:00Z"})
    };
    json!({
        "observedGeneration": 2,
        "sources": [{"server": "cp-1", "kind": "Webhook", "lastReceived": "2026-06-01T11:59:58Z", "state": "Receiving"},
            {"server": "cp-1", "kind": "File", "state": "Never"}],
        "gaps": {"open": 1, "total": 3, "truncated": false, "items": [
            {"server": "cp-1", "source": "Webhook", "cause": "Down", "from": "2026-06-01T10:00:00Z"}]},
        "store": {"kind": "Volume", "locked": false, "bytes": 5_368_709_120_i64, "forecastDays": 210, "free": 1_099_511_627_776_i64},
        "seal": {"keyId": "0123456789abcdef0123456789abcdef", "head": 41, "at": "2026-06-01T11:59:30Z"},
        "probe": {"at": "2026-06-01T11:55:00Z", "arrived": true, "delayMilliseconds": 840, "skewMilliseconds": -3, "via": "Webhook"},
        "alarms": {"open": 4, "overdue": 1, "oldestOpen": "2026-05-30T11:55:00Z"},
        "policy": {"complete": false, "missing": ["access", "secret-reads"]},
        "retention": {"days": 184, "maximumDays": 365, "tenants": [{"name": "boutique", "days": 300}]},
        "records": {"total": 1200, "platform": 200, "tenants": 1000, "unattributed": 7},
        "forwarding": {"at": "2026-06-01T11:59:00Z", "lagSeconds": 2, "lagRecords": 40},
        "conditions": [condition("Complete", "False", "GapOpen", "1 gap is open"), condition("Proven", "Unknown", "NoAnchor", "-")],
    })
}

fn report(said: Value) -> StatusReport {
    StatusReport { status: from_value(said.clone()).unwrap(), said }
}

#[test]
fn a_status_in_both_languages() {
    let full = report(status());
    let bare = report(json!({"conditions": []}));
    for (lang, tag) in LANGS {
        let table = status_of::table(&full, lang, Screen::default());
        assert_tame(&table);
        insta::assert_snapshot!(format!("logs_status_{tag}"), table);
        insta::assert_snapshot!(
            format!("logs_status_bare_{tag}"),
            status_of::table(&bare, lang, Screen::default())
        );
    }
    let outcome = logs_status_outcome(&full, Lang::En);
    assert_eq!((outcome.code(), outcome.undecided), (1, true));
    assert_eq!(
        outcome.reasons,
        ["is not true: Complete", "is not known: Proven", "1 alarm(s) not acknowledged in time"]
    );
    // What is not said is not known.
    assert_eq!(logs_status_outcome(&bare, Lang::En).code(), 3);
}

#[test]
fn alarms_in_both_languages() {
    let alarm = |id: u64, rule: &str, severity: &str, opened: &str, state: Value| -> AlarmLine {
        let said = json!({"id": id, "rule": rule, "severity": severity, "user": "alice\u{1b}[31m", "partition": "tenant.boutique",
            "namespace": "boutique-web", "verb": "get", "object": "secrets/db", "outcome": "Allowed", "count": 3, "refused": 1,
            "opened": opened, "first": opened, "last": opened, "records": [], "state": state});
        AlarmLine::new(said.as_object().unwrap().clone(), now()).unwrap()
    };
    let open = || json!({"state": "Open"});
    let answered =
        json!({"state": "Acknowledged", "by": "béa", "at": "2026-06-01T08:00:00Z", "decision": "attendu"});
    let report = AlarmsReport::new(vec![
        alarm(1, "secret-read", "high", "2026-05-31T22:00:00Z", answered),
        alarm(2, "pod-access", "medium", "2026-06-01T08:00:00Z", open()),
        alarm(3, "tampering", "critical", "2026-06-01T09:00:00Z", open()),
        alarm(4, "secret-read", "high", "2026-05-30T22:00:00Z", open()),
    ]);
    assert_eq!((report.open, report.overdue), (3, 1));
    for (lang, tag) in LANGS {
        let (table, markdown) =
            (alarms_of::table(&report, lang, Screen::default()), alarms_of::markdown(&report, lang));
        assert_tame(&table);
        insta::assert_snapshot!(format!("alarms_{tag}"), table);
        insta::assert_snapshot!(format!("alarms_md_{tag}"), markdown);
    }
    insta::assert_snapshot!("alarms_csv", alarms_of::csv(&report));
}

#[test]
fn what_the_sink_says_of_an_alarm_comes_before_what_this_program_knows() {
    let said = json!({"id": 9, "rule": "later", "severity": "high", "user": "alice", "partition": "platform", "verb": "get",
        "object": "x", "outcome": "Allowed", "count": 0, "refused": 0, "opened": "2026-06-01T11:00:00Z",
        "first": "2026-06-01T11:00:00Z", "last": "2026-06-01T11:00:00Z", "records": [], "state": {"state": "Open"}, "overdue": true,
        "title": {"fr": "règle", "en": "rule"}, "message": {"fr": "f", "en": "e"}, "remedy": {"fr": "à faire", "en": "to do"}, "more": 1});
    let line = AlarmLine::new(said.as_object().unwrap().clone(), now()).unwrap();
    assert!(line.overdue && line.message.en == "e" && line.remedy.as_ref().unwrap().fr == "à faire");
    let shown = serde_json::to_value(&line).unwrap();
    assert_eq!(
        (&shown["more"], &shown["count"], &shown["title"]["en"]),
        (&json!(1), &json!(0), &json!("rule"))
    );
    assert_eq!(shown["answerBy"], json!("2026-06-02T11:00:00Z"));
}

#[test]
fn the_outcomes_of_a_verification() {
    let mut report = proof::report();
    assert_eq!(logs_verify_outcome(&report, Lang::En).code(), 1);
    report.findings.clear();
    report.total = 0;
    let outcome = logs_verify_outcome(&report, Lang::En);
    assert!(outcome.code() == 3 && outcome.reasons[0].starts_with("not proven: tail"), "{outcome:?}");
    report.tail = proof::proven();
    assert_eq!(logs_verify_outcome(&report, Lang::En).code(), 0);
}
