use super::*;
use list::MOST;
use proptest::prelude::*;
use rstest::rstest;
use std::hash::{DefaultHasher, Hash, Hasher as _};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

const HOUR: i64 = 3600;

fn request(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

fn raised(user: &str, namespace: &str, seconds: i64) -> Raised {
    Raised {
        rule: "secret-read".to_owned(),
        severity: Severity::Medium,
        user: user.to_owned(),
        acting_as: None,
        partition: "tenant.acme".parse().unwrap(),
        namespace: Some(namespace.to_owned()).filter(|name| !name.is_empty()),
        verb: "get".to_owned(),
        object: format!("secrets/s{seconds}"),
        outcome: Outcome::Allowed,
        at: Some(at(seconds)),
        record: Record {
            audit_id: format!("id-{seconds}"),
            stage: "ResponseComplete".to_owned(),
            at: Some(at(seconds)),
        },
        request: request(&(user, namespace, seconds)),
    }
}

#[test]
fn what_is_the_same_is_counted_and_what_is_not_is_another() {
    let mut alarms = Alarms::default();
    assert_eq!(alarms.add(&raised("alice", "shop", 0), at(1)), Added::Opened(1));
    assert_eq!(alarms.add(&raised("alice", "shop", 10), at(11)), Added::Counted(1));
    let refused =
        Raised { outcome: Outcome::Refused, severity: Severity::High, ..raised("alice", "shop", 20) };
    assert_eq!(alarms.add(&refused, at(21)), Added::Counted(1));
    // Late, from the file: it is the first now, and what is told of the last stays.
    let late = Raised { outcome: Outcome::Failed, ..raised("alice", "shop", -50) };
    assert_eq!(alarms.add(&late, at(30)), Added::Counted(1));
    let alarm = alarms.get(1).unwrap();
    assert_eq!((alarm.count, alarm.refused, alarm.severity), (4, 1, Severity::High));
    assert_eq!((alarm.first, alarm.last, alarm.opened), (at(-50), at(20), at(1)));
    assert_eq!((alarm.object.as_str(), alarm.outcome), ("secrets/s20", Outcome::Refused));
    for other in [
        raised("bob", "shop", 40),
        raised("alice", "api", 41),
        raised("alice", "", 42),
        Raised { rule: "pod-access".to_owned(), ..raised("alice", "shop", 43) },
        Raised { partition: Partition::Platform, ..raised("alice", "shop", 44) },
    ] {
        assert!(matches!(alarms.add(&other, at(50)), Added::Opened(_)), "{other:?}");
    }
    assert_eq!((alarms.iter().count(), alarms.open().count()), (6, 6));
}

#[test]
fn one_request_counts_once() {
    let mut alarms = Alarms::default();
    let started = raised("alice", "shop", 0);
    let complete = Raised {
        record: Record { stage: "ResponseComplete".to_owned(), ..started.record.clone() },
        ..started.clone()
    };
    assert_eq!(alarms.add(&started, at(1)), Added::Opened(1));
    assert_eq!(alarms.add(&complete, at(HOUR)), Added::Known);
    // And after it was answered for, and after a restart.
    alarms.acknowledge(1, "carol", "seen", at(HOUR)).unwrap();
    assert_eq!(alarms.add(&complete, at(HOUR)), Added::Known);
    let mut back: Alarms = serde_json::from_str(&serde_json::to_string(&alarms).unwrap()).unwrap();
    assert_eq!(back, alarms);
    assert_eq!(back.add(&complete, at(HOUR)), Added::Known);
    // Two rules may be about one request.
    let other = Raised { rule: "impersonation".to_owned(), ..started };
    assert_eq!(back.add(&other, at(HOUR)), Added::Opened(2));
}

#[test]
fn the_first_and_the_latest_records_are_kept() {
    let mut alarms = Alarms::default();
    for second in 0..20 {
        alarms.add(&raised("alice", "shop", second), at(second));
    }
    let ids: Vec<&str> =
        alarms.get(1).unwrap().records.iter().map(|record| record.audit_id.as_str()).collect();
    assert_eq!(ids, ["id-0", "id-16", "id-17", "id-18", "id-19"]);
}

#[test]
fn after_an_answer_comes_a_new_alarm() {
    let mut alarms = Alarms::default();
    alarms.add(&raised("alice", "shop", 0), at(0));
    let alarm = alarms.acknowledge(1, "carol", "  planned, ticket 12  ", at(9)).unwrap();
    let expected =
        State::Acknowledged { by: "carol".into(), at: at(9), decision: "planned, ticket 12".into() };
    assert_eq!(alarm.state, expected);
    assert_eq!(alarms.add(&raised("alice", "shop", 10), at(10)), Added::Opened(2));
    assert_eq!((alarms.open().count(), alarms.get(1).unwrap().count), (1, 1));
}

#[rstest]
#[case(1, "carol", "ab", "decision")]
#[case(1, "carol", "  a  ", "decision")]
#[case(1, "system:serviceaccount:ci:runner", "seen", "user")]
#[case(1, "system:kube-scheduler", "seen", "user")]
#[case(1, "system:anonymous", "seen", "user")]
#[case(1, "", "seen", "user")]
#[case(7, "carol", "seen", "id")]
fn an_answer_is_a_persons_and_says_what_is_decided(
    #[case] id: u64,
    #[case] by: &str,
    #[case] decision: &str,
    #[case] field: &str,
) {
    let mut alarms = Alarms::default();
    alarms.add(&raised("alice", "shop", 0), at(0));
    let refusal = alarms.acknowledge(id, by, decision, at(1)).unwrap_err();
    assert_eq!(refusal.path, field);
    assert_eq!(alarms.open().count(), 1);
}

#[test]
fn nobody_answers_twice_and_a_decision_has_an_end() {
    let mut alarms = Alarms::default();
    alarms.add(&raised("alice", "shop", 0), at(0));
    assert_eq!(alarms.acknowledge(1, "carol", &"é".repeat(513), at(1)).unwrap_err().path, "decision");
    alarms.acknowledge(1, "carol", &"é".repeat(512), at(1)).unwrap();
    let refusal = alarms.acknowledge(1, "dave", "seen as well", at(2)).unwrap_err();
    assert!(refusal.accepted.en.contains("by carol") && refusal.accepted.fr.contains("par carol"));
}

#[test]
fn a_day_is_what_there_is_to_answer() {
    let mut alarms = Alarms::default();
    alarms.add(&raised("alice", "shop", 0), at(10));
    assert_eq!(alarms.overdue(at(24 * HOUR)).count(), 0);
    assert_eq!(alarms.overdue(at(24 * HOUR + 1)).count(), 1);
    assert_eq!(alarms.oldest_open(), Some(at(0)));
    // What an API server with a wrong clock says is later than now does not put it off.
    alarms.add(&raised("bob", "shop", 9_000_000), at(0));
    assert_eq!(alarms.overdue(at(25 * HOUR)).count(), 2);
    alarms.acknowledge(1, "carol", "late", at(26 * HOUR)).unwrap();
    assert_eq!(alarms.overdue(at(27 * HOUR)).map(|alarm| alarm.id).collect::<Vec<_>>(), [2]);
}

#[test]
fn somebody_who_invents_namespaces_makes_no_alarm_of_each() {
    let mut alarms = Alarms::default();
    for number in 0..5_000 {
        alarms.add(&raised("mallory", &format!("n{number}"), number), at(number));
    }
    assert_eq!(alarms.open().count(), 65);
    let many = alarms.iter().find(|alarm| alarm.namespace.as_deref() == Some(MANY)).unwrap();
    assert_eq!(many.count, 5_000 - 64);
    // Those that are told apart go on being so, and others have their own.
    assert!(matches!(alarms.add(&raised("mallory", "n7", 9_000), at(9_000)), Added::Counted(8)));
    assert!(matches!(alarms.add(&raised("alice", "n4000", 9_001), at(9_001)), Added::Opened(_)));
}

#[test]
fn answered_ones_make_room_and_open_ones_never_do() {
    let mut alarms = Alarms::default();
    for number in 0..i64::try_from(MOST).unwrap() {
        assert!(matches!(
            alarms.add(&raised(&format!("user{number}"), "shop", number), at(number)),
            Added::Opened(_)
        ));
    }
    alarms.acknowledge(500, "carol", "seen", at(20_000)).unwrap();
    alarms.acknowledge(5, "carol", "seen", at(20_001)).unwrap();
    assert!(matches!(alarms.add(&raised("new1", "shop", 20_002), at(20_002)), Added::Opened(_)));
    assert!(
        alarms.get(500).is_none() && alarms.get(5).is_some(),
        "the first that was answered for goes first"
    );
    assert!(matches!(alarms.add(&raised("new2", "shop", 20_003), at(20_003)), Added::Opened(_)));
    assert_eq!((alarms.iter().count(), alarms.open().count()), (MOST, MOST));
    let high = Raised { severity: Severity::High, ..raised("new3", "shop", 20_004) };
    assert_eq!(alarms.add(&high, at(20_004)), Added::Overflowed);
    assert_eq!(alarms.add(&raised("new4", "shop", 20_005), at(20_005)), Added::Overflowed);
    let overflow = Overflow {
        count: 2,
        first: Some(at(20_004)),
        last: Some(at(20_005)),
        severity: Some(Severity::High),
    };
    assert_eq!(alarms.overflow(), &overflow);
    // What is open already is counted on.
    assert_eq!(alarms.add(&raised("user77", "shop", 20_006), at(20_006)), Added::Counted(78));
    let mut back: Alarms = serde_json::from_str(&serde_json::to_string(&alarms).unwrap()).unwrap();
    assert_eq!(back, alarms);
    assert!(back.acknowledge_overflow("system:serviceaccount:ci:runner", "seen").is_err());
    assert_eq!(back.acknowledge_overflow("carol", "").unwrap_err().path, "decision");
    assert_eq!(back.acknowledge_overflow("carol", "the log was read").unwrap(), overflow);
    assert_eq!(back.overflow(), &Overflow::default());
}

#[test]
fn numbers_are_never_given_twice() {
    let mut alarms = Alarms::default();
    alarms.add(&raised("alice", "shop", 0), at(0));
    let mut back: Alarms = serde_json::from_str(r#"{"alarms":[]}"#).unwrap();
    assert_eq!(back.add(&raised("alice", "shop", 0), at(0)), Added::Opened(1));
    let mut text = serde_json::to_value(&alarms).unwrap();
    text["next"] = 0.into();
    text["requests"] = serde_json::json!([]);
    let mut back: Alarms = serde_json::from_value(text).unwrap();
    assert_eq!(back.add(&raised("bob", "shop", 0), at(0)), Added::Opened(2));
}

#[test]
fn an_alarm_is_told_in_both_languages() {
    let mut alarms = Alarms::default();
    alarms.add(&raised("alice", "shop", 0), at(0));
    let once = alarms.get(1).unwrap().clone();
    assert_eq!(once.message(Lang::En), "alice: get secrets/s0 in namespace shop (allowed)");
    assert_eq!(once.message(Lang::Fr), "alice : get secrets/s0 dans l'espace de noms shop (autorisé)");
    assert_eq!(once.title(Lang::Fr), "Lecture de Secrets par une personne");
    alarms.add(&Raised { outcome: Outcome::Refused, ..raised("alice", "shop", 60) }, at(60));
    let twice = alarms.get(1).unwrap();
    assert!(
        twice
            .message(Lang::En)
            .ends_with("(refused); 1 other time(s) since 2027-01-15T08:00:00Z, 1 refused in all")
    );
    assert!(twice.message(Lang::Fr).contains("1 autre(s) fois depuis 2027-01-15T08:00:00Z"));
    let gone = Alarm { rule: "of-another-build".to_owned(), ..once };
    assert_eq!((gone.title(Lang::En).as_str(), gone.message(Lang::En).as_str()), ("of-another-build", ""));
}

proptest! {
    #[test]
    fn what_is_raised_is_never_lost(steps in prop::collection::vec((0u8..4, 0u8..3, any::<bool>()), 0..200)) {
        let mut alarms = Alarms::default();
        let mut told = 0;
        for (number, (user, namespace, answer)) in steps.iter().enumerate() {
            let second = i64::try_from(number).unwrap();
            let raised = raised(&"u".repeat(usize::from(*user) + 1), &format!("n{namespace}"), second);
            told += u64::from(alarms.add(&raised, at(second)) != Added::Known);
            let open = alarms.open().next().map(|alarm| alarm.id);
            if let Some(id) = open.filter(|_| *answer) {
                alarms.acknowledge(id, "carol", "seen", at(second)).unwrap();
            }
        }
        prop_assert_eq!(alarms.iter().map(|alarm| alarm.count).sum::<u64>(), told);
        // Of what is the same at most one is open.
        let mut open: Vec<_> = alarms.open().map(|alarm| (alarm.user.clone(), alarm.namespace.clone())).collect();
        let all = open.len();
        open.sort();
        open.dedup();
        prop_assert_eq!(open.len(), all);
        let back: Alarms = serde_json::from_str(&serde_json::to_string(&alarms).unwrap()).unwrap();
        prop_assert_eq!(back, alarms);
    }
}
