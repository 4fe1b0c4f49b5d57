use super::*;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use proptest::prelude::*;
use serde_json::json;
use snc_api::v1alpha1::SncExceptionStatus;
use snc_core::condition::{kind, reason};
use snc_core::lang::Lang;

const DAY: i64 = 86_400;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn severity(control: &str) -> Option<Severity> {
    match control {
        "grave" => Some(Severity::Critical),
        "mild" => Some(Severity::Low),
        _ => None,
    }
}

/// Asked for by alice at 0.
fn exception(name: &str, controls: &[&str], ends: i64, approver: Option<&str>) -> SncException {
    let mut one: SncException = serde_json::from_value(json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncException",
        "metadata": {"name": name, "generation": 1, "uid": name},
        "spec": {
            "controls": controls,
            "subjects": [{"apiGroup": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"}],
            "reason": "the vendor's image", "compensatingMeasure": "watched by hand", "ticket": "SEC-1",
            "expiresOn": at(ends).to_string(), "requestedBy": "alice",
        },
    }))
    .unwrap();
    one.metadata.creation_timestamp = Some(Time(at(0)));
    one.status = approver
        .map(|by| SncExceptionStatus { approved_by: Some(by.to_owned()), ..SncExceptionStatus::default() });
    one
}

fn alone(one: &SncException, now: i64) -> InForce {
    InForce::of([one], severity, at(now))
}

fn state(one: &SncException, now: i64) -> State {
    alone(one, now).standing.into_values().next().unwrap().state
}

const WEB: &str = "apps/Deployment:shop/web";

#[test]
fn an_approval_by_somebody_else_puts_it_in_force_until_it_ends() {
    let one = exception("a", &["mild"], 60 * DAY, Some("bob"));
    let now = alone(&one, DAY);
    assert_eq!(now.waivers.covers("mild", WEB), Some("a"));
    assert_eq!(now.next, Some(at(46 * DAY)), "when it is said that it ends soon");
    assert_eq!(state(&one, 46 * DAY), State::Soon);
    assert_eq!(alone(&one, 46 * DAY).next, Some(at(60 * DAY)));
    assert_eq!(state(&one, 60 * DAY - 1), State::Soon);
    let after = alone(&one, 60 * DAY);
    assert!(after.waivers.is_empty());
    assert_eq!((state(&one, 60 * DAY), after.next), (State::Expired, None));
}

#[test]
fn the_severest_control_says_how_long_it_can_last() {
    for (controls, days) in [(&["grave"][..], 30), (&["mild", "grave"], 30), (&["mild"], 365)] {
        let one = exception("a", controls, 1000 * DAY, Some("bob"));
        let found = alone(&one, 0).standing.remove("a").unwrap();
        assert_eq!(found.until, Some(at(days * DAY)), "{controls:?}");
        assert!(found.cut.is_some());
        assert_eq!(state(&one, days * DAY), State::Expired);
    }
    assert_eq!(alone(&exception("a", &["grave"], DAY, Some("bob")), 0).standing["a"].cut, None);
}

#[test]
fn nothing_is_waived_by_what_is_not_as_it_should_be() {
    let whole = || exception("a", &["mild"], 60 * DAY, Some("bob"));
    assert!(!alone(&whole(), 0).waivers.is_empty(), "the others differ from this in one thing each");
    let not_approved = exception("a", &["mild"], 60 * DAY, None);
    let empty = exception("a", &["mild"], 60 * DAY, Some(""));
    let own = exception("a", &["mild"], 60 * DAY, Some("alice"));
    let robot = exception("a", &["mild"], 60 * DAY, Some("system:serviceaccount:ci:deploy"));
    let typo = exception("a", &["mild", "mlid"], 60 * DAY, Some("bob"));
    let mut changed = whole();
    changed.metadata.generation = Some(2);
    let mut going = whole();
    going.metadata.deletion_timestamp = Some(Time(at(1)));
    let mut unborn = whole();
    unborn.metadata.creation_timestamp = None;
    let cases = [
        (not_approved, State::NotApproved),
        (empty, State::NotApproved),
        (own, State::NotApproved),
        (robot, State::NotApproved),
        (typo, State::UnknownControls(vec!["mlid".to_owned()])),
        (changed, State::Changed),
        (going, State::Withdrawn),
        (unborn, State::NotApproved),
    ];
    for (one, expected) in cases {
        assert!(alone(&one, 2).waivers.is_empty(), "{expected:?}");
        assert_eq!(state(&one, 2), expected);
    }
}

#[test]
fn the_oldest_are_published_and_what_does_not_fit_is_not_in_force() {
    let mut many = Vec::new();
    for i in 0..40 {
        let mut one = exception(&format!("e{i:02}"), &["mild"], 60 * DAY, Some("bob"));
        one.metadata.creation_timestamp = Some(Time(at(100 - i)));
        let named = |n: usize| {
            let name = format!("{i}-{n}-{}", "x".repeat(240));
            serde_json::from_value(json!({"kind": "Pod", "namespace": "shop", "name": name})).unwrap()
        };
        one.spec.subjects = (0..32).map(named).collect();
        many.push(one);
    }
    let all = InForce::of(&many, severity, at(200));
    let written: usize = all
        .waivers
        .published()
        .iter()
        .map(|(control, own)| control.len() + own.iter().map(|key| key.len() + 1).sum::<usize>())
        .sum();
    assert!(written <= MAX_BYTES && written > MAX_BYTES * 8 / 10, "{written}");
    let states: Vec<&State> = all.standing.values().map(|standing| &standing.state).collect();
    let limit = states.iter().position(|state| **state == State::InForce || **state == State::Soon).unwrap();
    assert!(limit > 0 && states[..limit].iter().all(|state| **state == State::Limit), "the youngest are out");
    assert!(states[limit..].iter().all(|state| **state != State::Limit));
    assert!(all.waivers.iter().all(|(_, _, exception)| exception >= format!("e{limit:02}").as_str()));
}

fn pairs(controls: &[&str]) -> BTreeSet<(String, String)> {
    controls.iter().map(|control| ((*control).to_owned(), WEB.to_owned())).collect()
}

fn said(one: &SncException, matched: Option<&BTreeSet<(String, String)>>, now: i64) -> SncExceptionStatus {
    let standing = alone(one, now).standing.into_values().next().unwrap();
    exception_status(one, &standing, matched, Lang::En, at(now))
}

fn reasons(status: &SncExceptionStatus) -> [&str; 3] {
    [kind::APPROVED, kind::ACTIVE, kind::MATCHING]
        .map(|kind| status.conditions.iter().find(|c| c.type_ == kind).unwrap().reason.as_str())
}

#[test]
fn the_status_says_what_it_waives_and_what_needs_no_waiver() {
    let mut one = exception("a", &["mild", "grave"], 60 * DAY, None);
    let asked = said(&one, None, 0);
    assert_eq!(reasons(&asked), [reason::AWAITING_APPROVAL, reason::NOT_APPROVED, reason::NOT_IN_FORCE]);
    assert_eq!((asked.pairs, asked.hits, asked.approved_at.clone()), (Some(2), None, None));
    one.status = Some(SncExceptionStatus { approved_by: Some("bob".to_owned()), ..asked });

    let approved = said(&one, None, DAY);
    assert_eq!(reasons(&approved), [reason::APPROVED, reason::IN_FORCE, reason::NOT_ASSESSED]);
    assert_eq!(approved.approved_at, Some(Time(at(DAY))));
    assert_eq!(approved.approved_by, None, "that is the approver's to write");
    one.status = Some(SncExceptionStatus { approved_by: Some("bob".to_owned()), ..approved.clone() });
    assert!(same(one.status.as_ref(), &approved));
    assert_eq!(said(&one, None, DAY + 9), approved, "nothing changed");

    let part = said(&one, Some(&pairs(&["mild"])), 2 * DAY);
    assert_eq!((reasons(&part)[2], part.hits), (reason::MATCHES_IN_PART, Some(1)));
    let message = &part.conditions[2].message;
    assert!(message.contains("grave apps/Deployment:shop/web") && !message.contains("mild"), "{message}");
    let all = said(&one, Some(&pairs(&["mild", "grave", "other"])), 2 * DAY);
    assert_eq!((reasons(&all)[2], all.hits), (reason::MATCHES, Some(2)));
    let none = said(&one, Some(&pairs(&["other"])), 2 * DAY);
    assert_eq!((reasons(&none)[2], none.hits), (reason::MATCHES_NOTHING, Some(0)));
    assert_eq!(none.approved_at, Some(Time(at(DAY))), "the first sight of the approval stays");
    assert!(none.conditions[1].message.contains("30 days"), "{}", none.conditions[1].message);
}

#[test]
fn people_are_told_once_of_each_change() {
    let mut one = exception("a", &["mild"], 60 * DAY, None);
    let mut told = Vec::new();
    for (second, approver, matched) in [
        (0, None, None),
        (1, None, None),
        (2, Some("bob"), None),
        (3, Some("bob"), Some(pairs(&["mild"]))),
        (4, Some("bob"), Some(pairs(&[]))),
        (5, Some("bob"), Some(pairs(&[]))),
        (47 * DAY, Some("bob"), Some(pairs(&["mild"]))),
        (48 * DAY, Some("bob"), Some(pairs(&["mild"]))),
        (61 * DAY, Some("bob"), None),
        (62 * DAY, Some("bob"), None),
    ] {
        if let Some(by) = approver {
            one.status.get_or_insert_default().approved_by = Some(by.to_owned());
        }
        let fresh = said(&one, matched.as_ref(), second);
        told.extend(notices(one.status.as_ref(), &fresh).into_iter().map(|n| (second, n.reason, n.warning)));
        one.status = Some(SncExceptionStatus { approved_by: approver.map(str::to_owned), ..fresh });
    }
    assert_eq!(
        told,
        [
            (2, reason::APPROVED, false),
            (4, reason::MATCHES_NOTHING, true),
            (47 * DAY, reason::EXPIRES_SOON, true),
            (61 * DAY, reason::EXPIRED, true),
        ]
    );
}

#[test]
fn every_answer_is_there_in_both_languages() {
    let states = [
        State::InForce,
        State::Soon,
        State::Expired,
        State::NotApproved,
        State::Withdrawn,
        State::Changed,
        State::UnknownControls(vec!["x".to_owned()]),
        State::Limit,
    ];
    let one = exception("a", &["mild"], 60 * DAY, Some("bob"));
    for state in states {
        let standing = Standing { state, ..alone(&one, 0).standing["a"].clone() };
        let [fr, en] = [Lang::Fr, Lang::En].map(|lang| exception_status(&one, &standing, None, lang, at(0)));
        for (fr, en) in fr.conditions.iter().zip(&en.conditions) {
            assert_eq!((&fr.type_, &fr.status, &fr.reason), (&en.type_, &en.status, &en.reason));
            assert_ne!(fr.message, en.message);
        }
    }
}

#[test]
fn what_is_published_is_ours_and_there_even_when_nothing_is_waived() {
    let set = waiver_set("snc-system", &Waivers::default());
    assert_eq!(
        serde_json::to_value(set).unwrap(),
        json!({
            "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncWaiverSet",
            "metadata": {
                "name": "snc-waivers", "namespace": "snc-system",
                "labels": {"app.kubernetes.io/managed-by": "snc-operator", "app.kubernetes.io/component": "waivers"},
            },
            "spec": {"waivers": {}},
        })
    );
}

fn some() -> impl Strategy<Value = SncException> {
    let controls = prop::sample::subsequence(vec!["grave", "mild", "nothing"], 1..=3);
    let approver = prop::option::of(prop::sample::select(vec![
        "alice",
        "bob",
        "",
        "system:serviceaccount:shop:default",
    ]));
    (controls, -10i64..500, approver, -40i64..40, 1i64..3).prop_map(
        |(controls, ends, approver, born, generation)| {
            let mut one = exception("x", &controls, ends * DAY, approver);
            one.metadata.creation_timestamp = Some(Time(at(born * DAY)));
            one.metadata.generation = Some(generation);
            one
        },
    )
}

proptest! {
    /// Whatever is waived was approved by another person, is of a known control, and ends in time.
    #[test]
    fn what_is_waived_was_approved_and_ends(
        mut all in prop::collection::vec(some(), 0..6),
        now in -50i64..600,
    ) {
        for (i, one) in all.iter_mut().enumerate() {
            one.metadata.name = Some(format!("e{i}"));
        }
        let found = InForce::of(&all, severity, at(now * DAY));
        prop_assert_eq!(found.standing.len(), all.len());
        for (control, _, name) in found.waivers.iter() {
            let one = all.iter().find(|one| one.metadata.name.as_deref() == Some(name)).unwrap();
            prop_assert_eq!(one.status.as_ref().unwrap().approved_by.as_deref(), Some("bob"));
            prop_assert_eq!(one.metadata.generation, Some(1));
            prop_assert!(one.spec.expires_on.0 > at(now * DAY));
            let born = one.metadata.creation_timestamp.as_ref().unwrap().0.as_second();
            let severest = one.spec.controls.iter().map(|c| longest(severity(c).unwrap())).min().unwrap();
            prop_assert!(now * DAY < born + severest * DAY);
            prop_assert!(one.spec.controls.iter().any(|c| c == control));
        }
        // Nothing changes before it is said that it does.
        let next = found.next.map_or(at((now + 700) * DAY), |next| next.checked_sub(SignedDuration::from_secs(1)).unwrap());
        if next > at(now * DAY) {
            let then = InForce::of(&all, severity, next);
            prop_assert_eq!(then.waivers, found.waivers);
        }
    }
}
