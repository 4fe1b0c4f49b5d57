//! What kube-apiserver v1.36.3 wrote with the policy that is made for `everything`: requests of people, with wrong
//! credentials, as somebody else, refused, by components, under one Audit-ID, and with bodies that are no text.

use super::generated::everything;
use super::*;
use crate::alarms::{Added, Alarms};
use crate::attribution::Partition;
use crate::canonical;
use crate::detect::{Detector, Settings};
use crate::event::{Event, Level, Stage};

fn lines() -> impl Iterator<Item = &'static [u8]> {
    let all: &[u8] = include_bytes!("real.jsonl");
    all.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

#[test]
fn every_event_is_read_and_agrees_with_the_policy_that_made_it() {
    let made = generate(&everything()).policy;
    let mut observed = Observed::default();
    for line in lines() {
        let text = canonical::text(line);
        let event = Event::parse(&text).unwrap();
        assert!(event.time().is_some() && event.stage().is_some() && event.level.is_some(), "{text}");
        canonical::hash(&text).unwrap();
        observed.see(&made, &event);
        // The only stage of a refused authentication, whatever it was tried on.
        if event.code() == Some(401) {
            assert_eq!((event.stage(), &*event.user.username), (Some(Stage::ResponseStarted), ""));
        }
    }
    let Applied::Agrees { events, .. } = observed.applied() else {
        panic!("{:?}", observed.contradictions())
    };
    let seen: Vec<(&str, u64)> = observed.seen().map(|(kind, sighting)| (kind, sighting.count)).collect();
    assert_eq!(events, 22);
    assert_eq!(
        seen,
        [
            ("access", 4),
            ("everything-else", 18),
            ("partition", 1),
            ("refused-credentials", 3),
            ("rights", 3),
            ("secret-reads", 5),
            ("secret-writes", 1),
        ]
    );
    // And less was expected of another policy.
    let other = policy("rules: [{level: None, users: [alice]}, {level: RequestResponse}]");
    let mut observed = Observed::default();
    lines().for_each(|line| observed.see(&other, &Event::parse(&canonical::text(line)).unwrap()));
    assert!(
        observed.contradictions().iter().any(|one| one.kind == Kind::Below && one.seen == Level::Metadata)
    );
}

#[test]
fn what_is_wrong_in_it_is_raised_once_for_each_request() {
    let detector = Detector::new(Settings::default()).unwrap();
    let mut alarms = Alarms::default();
    let mut known = 0;
    for line in lines() {
        let text = canonical::text(line);
        let event = Event::parse(&text).unwrap();
        for raised in detector.look(&event, &Partition::Platform) {
            let now = event.time().unwrap();
            known += usize::from(alarms.add(&raised, now) == Added::Known);
        }
    }
    let told: Vec<(&str, &str, u64, u64)> = alarms
        .iter()
        .map(|alarm| (alarm.rule.as_str(), alarm.user.as_str(), alarm.count, alarm.refused))
        .collect();
    assert_eq!(
        told,
        [
            ("secret-read", "admin", 1, 0),
            ("secret-read", "alice", 1, 1),
            ("secret-read", "", 1, 1),
            ("impersonation", "admin", 1, 1),
            ("impersonation", "alice", 1, 1),
            // One of them with a body that is no UTF-8.
            ("cluster-rights", "admin", 3, 0),
            ("pod-access", "admin", 2, 0),
            ("secret-read", "admin", 1, 0),
        ]
    );
    assert_eq!(known, 3, "the second stages of two exec and one watch");
}
