use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn good() -> Value {
    json!({
        "metadata": {"name": "cluster"}, "spec": {"retention": {"days": 365}},
        "status": {
            "sources": [{"server": "a", "kind": "File", "state": "Receiving"}],
            "gaps": {"open": 0}, "store": {"kind": "S3"},
            "probe": {"at": "2026-11-22T11:58:00Z", "arrived": true, "delayMilliseconds": 3},
            "policy": {"complete": true}, "retention": {"days": 365},
        },
    })
}

fn judged(change: impl FnOnce(&mut Value)) -> State {
    let mut log = good();
    change(&mut log);
    judge(&serde_json::from_value(log).unwrap(), now()).state
}

#[test]
fn the_worst_is_named_and_age_takes_proofs_away_only() {
    assert_eq!(judged(|_| {}), State::Whole);
    let gap = |log: &mut Value| log["status"]["gaps"]["open"] = json!(1);
    let missed = |log: &mut Value| log["status"]["probe"]["arrived"] = json!(false);
    let old = |log: &mut Value| log["status"]["probe"]["at"] = json!("2026-11-22T11:00:00Z");
    let reason = |state: State| match state {
        State::Broken(reason, _) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(judged(gap)), reason::AUDIT_GAP_OPEN);
    assert_eq!(reason(judged(missed)), reason::AUDIT_PROBE_MISSED);
    let all = |log: &mut Value| {
        missed(log);
        gap(log);
        old(log);
    };
    assert_eq!(reason(judged(all)), reason::AUDIT_GAP_OPEN);
    assert!(matches!(judged(old), State::Stale(_)));
    assert_eq!(
        reason(judged(|log| log["status"]["policy"] = json!({"complete": false, "missing": ["secrets"]}))),
        reason::AUDIT_POLICY_INCOMPLETE
    );
    assert_eq!(
        reason(judged(|log| log["status"]["sources"][0]["state"] = json!("Refusing"))),
        reason::AUDIT_STORE_REFUSES
    );
    assert_eq!(
        reason(judged(|log| log["status"]["retention"]["days"] = json!(184))),
        reason::AUDIT_RETENTION_SHORT
    );
    assert!(matches!(judged(|log| log["status"]["policy"] = Value::Null), State::Unproven(_)));
    assert!(matches!(judged(|log| log["status"] = json!({})), State::Stale(_)));
}

/// Else every namespace would be looked at with each probe.
#[test]
fn another_good_probe_changes_nothing() {
    let later = |log: &mut Value| log["status"]["probe"] = json!({"at": "2026-11-22T11:59:00Z", "arrived": true, "delayMilliseconds": 41, "skewMilliseconds": 7});
    let known = |change: &dyn Fn(&mut Value)| {
        let mut log = good();
        change(&mut log);
        judge(&serde_json::from_value(log).unwrap(), now())
    };
    assert_eq!(known(&|_| {}), known(&later));
    let missed =
        |at: &'static str| known(&move |log| log["status"]["probe"] = json!({"at": at, "arrived": false}));
    assert_eq!(missed("2026-11-22T11:58:00Z"), missed("2026-11-22T11:59:00Z"));
}

fn asked(value: Value) -> AskedRetention {
    serde_json::from_value(value).unwrap()
}

#[test]
fn the_most_that_is_asked_up_to_what_is_kept() {
    let policy = |days| Some((days, vec!["SncPolicy/p".to_owned()]));
    let own = || vec!["SncAuditLog/cluster".to_owned()];
    let plain = asked(json!({"days": 200, "maximumDays": 500, "tenants": [{"name": "shop", "days": 300}]}));
    let of = |tenant, given| {
        let Days { days, from, capped } = days(&plain, tenant, given);
        (days, from, capped)
    };
    assert_eq!(of("bank", None), (200, own(), false));
    assert_eq!(of("shop", None), (300, own(), false));
    assert_eq!(of("shop", policy(250)), (300, own(), false));
    assert_eq!(of("shop", policy(400)), (400, vec!["SncPolicy/p".to_owned()], false));
    assert_eq!(of("bank", policy(200)).1, ["SncAuditLog/cluster", "SncPolicy/p"]);
    assert_eq!(of("bank", policy(900)), (500, own(), true));
}

proptest! {
    /// Whoever asks for more never gets less, and nobody more than the platform keeps or asks for itself.
    #[test]
    fn asking_only_lengthens(
        least in 184u32..3650, most in prop::option::of(184u32..3650), own in prop::option::of(184u32..3650),
        a in 184u32..3650, b in 184u32..3650,
    ) {
        let tenants = own.map(|days| vec![TenantDays { name: "shop".to_owned(), days }]).unwrap_or_default();
        let retention = AskedRetention { days: least, maximum_days: most, tenants };
        let of = |given: Option<u32>| days(&retention, "shop", given.map(|days| (days, Vec::new()))).days;
        prop_assert!(of(Some(a.min(b))) <= of(Some(a.max(b))));
        prop_assert!(of(None) <= of(Some(a)));
        prop_assert!(of(None) >= least);
        if let Some(most) = most {
            prop_assert!(of(Some(a)) <= most.max(least).max(own.unwrap_or_default()));
        } else {
            prop_assert!(of(Some(a)) >= a);
        }
    }
}
