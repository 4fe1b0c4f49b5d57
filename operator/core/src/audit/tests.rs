use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: &str = "2026-11-22T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn good() -> Value {
    json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncAuditLog", "metadata": {"name": "cluster", "generation": 2},
        "spec": {"retention": {"days": 365}, "probeSeconds": 300, "probeLimitSeconds": 60},
        "status": {
            "observedGeneration": 2,
            "sources": [
                {"server": "a", "kind": "Webhook", "state": "Silent"},
                {"server": "a", "kind": "File", "state": "Receiving"},
            ],
            "gaps": {"open": 0, "total": 3, "truncated": false},
            "store": {"kind": "S3", "locked": true, "bytes": 10},
            "seal": {"keyId": "k", "head": 7, "at": "2026-11-22T11:50:00Z", "anchoredAt": "2026-11-22T11:51:00Z"},
            "probe": {"at": "2026-11-22T11:58:00.5Z", "arrived": true, "delayMilliseconds": 812, "skewMilliseconds": 3},
            "alarms": {"open": 0, "overdue": 0},
            "policy": {"complete": true},
            "retention": {"days": 365, "tenants": [{"name": "shop", "days": 730}]},
        },
    })
}

fn with(path: &str, value: Value) -> AuditLog {
    let mut log = good();
    let (parent, field) = path.rsplit_once('/').unwrap();
    let held = log.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        held.remove(field);
    } else {
        held.insert(field.to_owned(), value);
    }
    read(log)
}

fn read(log: Value) -> AuditLog {
    serde_json::from_value(log).unwrap()
}

fn all(log: &AuditLog) -> Vec<Outcome> {
    vec![log.gap(), log.store(), log.probe(), log.policy(), log.retention(RETENTION_DAYS)]
}

#[test]
fn a_good_one_passes() {
    let log = read(good());
    for outcome in all(&log) {
        assert_eq!(log.weighed(outcome, now()), Outcome::pass());
    }
    assert_eq!(log.freshness(now()), Freshness::Fresh);
    let turns = log.turns(now()).unwrap();
    assert_eq!(turns.to_string(), "2026-11-22T12:13:00.501Z");
    assert_eq!(log.freshness(turns), Freshness::Stale);
    assert_eq!(log.turns(turns), None);
}

#[test]
fn without_a_word_nothing_passes() {
    let log = read(json!({"metadata": {"name": "cluster"}, "spec": {}}));
    for outcome in all(&log) {
        assert_eq!(outcome.verdict, Verdict::Unknown, "{outcome:?}");
    }
    assert_eq!(log.freshness(now()), Freshness::Never);
    assert_eq!(log.turns(now()), None);
}

#[test]
fn what_is_old_proves_nothing_and_disproves_still() {
    let old = with("/status/probe/at", json!("2026-11-22T11:44:59Z"));
    assert_eq!(old.freshness(now()), Freshness::Stale);
    assert_eq!(old.weighed(old.gap(), now()).verdict, Verdict::Unknown);
    let mut log = good();
    log["status"]["gaps"]["open"] = json!(1);
    log["status"]["probe"]["at"] = json!("2026-11-20T00:00:00Z");
    let log = read(log);
    assert_eq!(log.weighed(log.gap(), now()).verdict, Verdict::Fail);
}

#[test]
fn a_probe_more_often_than_the_status_is_written_does_not_make_it_stale() {
    let mut log = good();
    log["spec"]["probeSeconds"] = json!(60);
    log["status"]["probe"]["at"] = json!("2026-11-22T11:45:01Z");
    assert_eq!(read(log.clone()).freshness(now()), Freshness::Fresh);
    log["spec"]["probeSeconds"] = json!(3600);
    log["status"]["probe"]["at"] = json!("2026-11-22T09:00:01Z");
    assert_eq!(read(log).freshness(now()), Freshness::Fresh);
}

#[test]
fn a_time_to_come_is_no_proof() {
    let ahead = with("/status/probe/at", json!("2026-11-22T12:05:01Z"));
    assert_eq!(ahead.freshness(now()), Freshness::Ahead);
    assert_eq!(ahead.freshness(ahead.turns(now()).unwrap()), Freshness::Fresh);
}

#[test]
fn each_is_found_wrong_by_what_it_looks_at() {
    let gap = json!({"server": "a", "source": "Webhook", "cause": "Down", "from": "2026-11-22T10:00:00Z"});
    let closed = json!({"server": "a", "source": "File", "cause": "Rotated", "from": NOW, "closed": NOW});
    for (path, value, at) in [
        ("/status/gaps", json!({"open": 2, "total": 2, "items": [gap]}), 0),
        ("/status/gaps", json!({"open": 0, "total": 1, "items": [gap]}), 0),
        ("/status/gaps", json!({"items": [closed, gap]}), 0),
        ("/status/sources", json!([{"server": "a", "kind": "File", "state": "Refusing"}]), 1),
        ("/status/store", json!({"kind": "Volume", "bytes": 1, "free": 0}), 1),
        ("/status/probe/arrived", json!(false), 2),
        ("/status/probe/delayMilliseconds", json!(60_001), 2),
        ("/status/policy", json!({"complete": true, "missing": ["rbac"]}), 3),
        ("/status/policy", json!({"complete": false, "missing": ["rbac"]}), 3),
        ("/status/retention/days", json!(184), 4),
        ("/spec/retention/days", json!(90), 4),
    ] {
        let outcomes = all(&with(path, value.clone()));
        for (index, outcome) in outcomes.iter().enumerate() {
            assert_eq!(outcome.verdict == Verdict::Fail, index == at, "{path} {value}: {outcome:?}");
        }
    }
}

#[test]
fn what_is_not_said_is_not_known() {
    for (path, value, at) in [
        ("/status/gaps", Value::Null, 0),
        ("/status/gaps", json!({"total": 0}), 0),
        ("/status/gaps", json!({"open": -1}), 0),
        ("/status/sources", json!([]), 0),
        (
            "/status/sources",
            json!([{"server": "a", "state": "Receiving"}, {"server": "b", "state": "Silent"}]),
            0,
        ),
        ("/status/store", Value::Null, 1),
        ("/status/probe/arrived", Value::Null, 2),
        ("/status/probe/delayMilliseconds", Value::Null, 2),
        ("/status/probe/delayMilliseconds", json!(-1), 2),
        ("/status/policy", Value::Null, 3),
        ("/status/policy/complete", json!(false), 3),
        ("/status/retention", Value::Null, 4),
    ] {
        let outcomes = all(&with(path, value.clone()));
        for (index, outcome) in outcomes.iter().enumerate() {
            let expected = if index == at { Verdict::Unknown } else { Verdict::Pass };
            assert_eq!(outcome.verdict, expected, "{path} {value}: {outcome:?}");
        }
    }
}

#[test]
fn more_days_than_the_sink_has_seen_are_not_yet_wrong() {
    let log = with("/spec/retention/days", json!(400));
    assert_eq!(log.retention(184).verdict, Verdict::Fail);
    let mut log = good();
    log["spec"]["retention"]["days"] = json!(400);
    log["metadata"]["generation"] = json!(3);
    assert_eq!(read(log).retention(184).verdict, Verdict::Unknown);
}

#[test]
fn a_tenant_is_kept_for_no_less_than_all_others() {
    let retention = read(good()).status.retention.unwrap();
    assert_eq!((retention.of("shop"), retention.of("bank")), (Some(730), Some(365)));
    let low = AuditRetention { days: Some(900), ..retention };
    assert_eq!(low.of("shop"), Some(900));
}

#[test]
fn what_is_said_stays_short() {
    let gaps: Vec<Value> = (0..20)
        .map(|_| json!({"server": "x".repeat(250), "source": "File", "cause": "Rotated", "from": NOW}))
        .collect();
    let message = with("/status/gaps", json!({"open": 20, "total": 20, "items": gaps})).gap().message;
    assert!(message.fr.chars().count() < 700 && message.en.contains('…'), "{message:?}");
    let missing: Vec<String> = (0..20).map(|i| format!("{i}{}", "é".repeat(200))).collect();
    let message = with("/status/policy/missing", json!(missing)).policy().message;
    assert!(message.en.chars().count() < 400, "{message:?}");
}

proptest! {
    /// It turns exactly once, at the moment that it says.
    #[test]
    fn it_turns_when_it_says(seconds in 60u32..=3600, age in -100_000i64..100_000) {
        let mut log = read(good());
        log.spec.probe_seconds = seconds;
        log.status.probe.as_mut().unwrap().at = Some(now() - SignedDuration::from_millis(age * 100));
        let is = log.freshness(now());
        if let Some(turns) = log.turns(now()) {
            prop_assert!(turns > now());
            prop_assert_ne!(log.freshness(turns), is);
            prop_assert_eq!(log.freshness(turns - SignedDuration::from_millis(1)), is);
        } else {
            prop_assert_eq!(is, Freshness::Stale);
        }
    }
}
