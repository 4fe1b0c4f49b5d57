//! Alarms, and who answers for them.

use crate::At;
use crate::server::{Asked, Reply, Server};
use serde_json::{Value, json};

fn alarm(id: u64, severity: &str, opened: &str, state: Value) -> Value {
    json!({"id": id, "rule": "of-a-later-version", "severity": severity, "user": "alice", "actingAs": "root",
        "partition": "tenant.boutique", "namespace": "boutique-web", "verb": "get", "object": "secrets/db",
        "outcome": "Allowed", "count": 2, "refused": 0, "opened": opened, "first": opened, "last": opened,
        "records": [{"auditId": "a", "stage": "ResponseComplete"}], "state": state, "later": true})
}

fn open() -> Value {
    json!({"state": "Open"})
}

fn answered() -> Value {
    json!({"state": "Acknowledged", "by": "béa", "at": "2026-01-02T10:00:00Z", "decision": "attendu : audit de janvier"})
}

/// Long past, and far ahead.
const OLD: &str = "2026-01-01T10:00:00Z";
const NEW: &str = "2999-01-01T10:00:00Z";

#[test]
fn alarms_are_told_worst_first_and_overdue_ones_are_findings() {
    let list = |asked: &Asked| {
        let all = [
            alarm(1, "critical", NEW, open()),
            alarm(2, "medium", OLD, open()),
            alarm(3, "high", OLD, answered()),
        ];
        let shown: Vec<&Value> = match asked.target.as_str() {
            "/v1/alarms?state=open" => all[..2].iter().collect(),
            "/v1/alarms?state=overdue" | "/v1/alarms?tenant=boutique&state=overdue" => {
                all[1..2].iter().collect()
            }
            "/v1/alarms" => all.iter().collect(),
            other => panic!("{other}"),
        };
        Reply::Ok(json!({"items": shown}).to_string())
    };
    let server = Server::tls(list);
    let at = At::of(&server);
    let ids = |words: &[&str]| -> Vec<u64> {
        let ran = at.run(&[&["alarms", "-o", "json"], words].concat());
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        report["alarms"].as_array().unwrap().iter().map(|alarm| alarm["id"].as_u64().unwrap()).collect()
    };
    assert_eq!(ids(&[]), [2, 1]);
    assert_eq!(ids(&["--open"]), [2, 1]);
    assert_eq!(ids(&["--overdue"]), [2]);
    assert_eq!(ids(&["--all"]), [2, 1, 3]);
    assert_eq!(ids(&["--overdue", "--tenant", "boutique"]), [2]);
    let ran = at.run(&["alarms", "--all", "--lang", "fr"]);
    assert!(ran.out.contains("en retard depuis le 2026-01-02 10:00:00"), "{}", ran.out);
    assert!(ran.out.contains("acquittée par béa le 2026-01-02 10:00:00"), "{}", ran.out);
    assert!(ran.out.ends_with("3 alarme(s), 2 ouverte(s), dont 1 en retard.\n"), "{}", ran.out);
    assert_eq!(ran.err, "1 alarme(s) non acquittée(s) à temps\n");
    let csv = at.run(&["alarms", "--all", "-o", "csv"]).out;
    assert_eq!(
        csv.lines().nth(1),
        Some(
            "2,of-a-later-version,medium,overdue,2026-01-02T10:00:00Z,alice,root,tenant.boutique,boutique-web,2,2026-01-01T10:00:00Z,2026-01-01T10:00:00Z,,"
        )
    );
    assert!(csv.contains("acknowledged,2026-01-02T10:00:00Z,alice,root,tenant.boutique,boutique-web,2,2026-01-01T10:00:00Z,2026-01-01T10:00:00Z,béa,attendu : audit de janvier"), "{csv}");
}

#[test]
fn none_open_is_fine() {
    let server = Server::tls(|_| Reply::Ok(json!({"items": []}).to_string()));
    let ran = At::of(&server).run(&["alarms"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "No alarm.\n", ""));
}

#[test]
fn an_acknowledgement_says_what_was_decided() {
    let server = Server::tls(|asked| {
        match asked.path() {
        "/v1/alarms/3/acknowledge" => Reply::Ok(alarm(3, "high", OLD, answered()).to_string()),
        "/v1/alarms/4/acknowledge" => Reply::Status(409, alarm(4, "high", OLD, answered()).to_string()),
        _ => Reply::Status(404, json!({"error": {"fr": "id : accepté : le numéro d'une alarme", "en": "id: accepted: the id of an alarm"}}).to_string()),
    }
    });
    let at = At::of(&server);
    let answer = |id: &str| at.run(&["alarms", "acknowledge", id, "--decision", " attendu : \"janvier\" "]);
    let ran = answer("3");
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(ran.out, "alarm 3: acknowledged by béa, 2026-01-02 10:00:00\nattendu : audit de janvier\n");
    let asked = &server.asked()[0];
    assert_eq!((asked.method.as_str(), asked.header("content-type")), ("POST", Some("application/json")));
    assert_eq!(
        serde_json::from_str::<Value>(&asked.body).unwrap(),
        json!({"decision": "attendu : \"janvier\""})
    );
    let ran = answer("4");
    assert!(
        ran.code == Some(2) && ran.err.contains("the first decision stays") && ran.out.contains("béa"),
        "{}",
        ran.err
    );
    let ran = answer("../../x y");
    assert!(ran.code == Some(2) && ran.err.contains("the id of an alarm"), "{}", ran.err);
    assert_eq!(server.asked()[2].target, "/v1/alarms/..%2F..%2Fx%20y/acknowledge");
}
