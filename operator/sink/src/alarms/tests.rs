use super::*;
use crate::bench::{Bench, bench};
use crate::journal::{Os, Source};
use jiff::SignedDuration;
use snc_audit::Event;
use snc_audit::detect::{Detector, Settings};
use tempfile::TempDir;

fn open(place: &TempDir, bench: &Bench) -> Ledger {
    let read = Read::open(Arc::new(Os), &place.path().join("alarms.state")).unwrap();
    Ledger::new(read, bench.intake.clone(), bench.metrics.clone())
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// Somebody looks into a pod.
fn raised(nth: u64, user: &str) -> Raised {
    let raw = serde_json::json!({
        "level": "Metadata", "auditID": format!("id-{nth}"), "stage": "ResponseComplete", "verb": "create",
        "user": {"username": user, "groups": ["system:authenticated"]},
        "objectRef": {"resource": "pods", "subresource": "exec", "namespace": "shop", "name": "web"},
        "responseStatus": {"code": 101},
        "requestReceivedTimestamp": at(0).to_string(), "stageTimestamp": at(0).to_string(),
    })
    .to_string();
    let detector = Detector::new(Settings::default()).unwrap();
    let found = detector.look(&Event::parse(&raw).unwrap(), &"tenant.bleu".parse().unwrap());
    found.into_iter().next().expect("exec raises")
}

/// What the sink said, as (verb, name, by).
async fn said(bench: &Bench) -> Vec<(String, String, String)> {
    let entries = bench.journal.read_from(1, 16 << 20).await.unwrap();
    entries
        .iter()
        .filter(|entry| entry.source == Source::Sink)
        .map(|entry| {
            let event = Event::parse(&entry.raw).unwrap();
            let object = event.object_ref.as_ref().unwrap();
            (event.verb.to_string(), object.name.to_string(), event.user.username.to_string())
        })
        .collect()
}

fn said_of(verb: &str, by: &str) -> (String, String, String) {
    (verb.into(), "1".into(), by.into())
}

#[tokio::test]
async fn an_alarm_is_in_the_log_and_on_disk_until_somebody_answers() {
    let place = TempDir::new().unwrap();
    let bench = bench(place.path(), &[]);
    let ledger = open(&place, &bench);
    assert_eq!(ledger.raise(&[(raised(1, "alice"), at(10))], 5, false).await.unwrap(), 5);
    assert_eq!(ledger.raise(&[(raised(2, "alice"), at(11))], 6, false).await.unwrap(), 6, "counted");
    drop(ledger);
    let ledger = open(&place, &bench);
    assert_eq!(ledger.through().await, 6);
    assert_eq!(ledger.all().get(1).map(|alarm| (alarm.count, alarm.is_open())), Some((2, true)));
    ledger.acknowledge(1, "bob", "vérifié avec l'équipe", at(100)).await.unwrap();
    drop(ledger);
    let ledger = open(&place, &bench);
    assert!(!ledger.all().get(1).unwrap().is_open());
    assert_eq!(said(&bench).await, [said_of("raise", "snc-audit-sink"), said_of("acknowledge", "bob")]);
    let again = ledger.acknowledge(1, "carol", "moi aussi", at(200)).await;
    assert!(matches!(again, Err(Unanswered::Refused(refusal)) if refusal.path == "id"));
}

#[tokio::test]
async fn who_is_no_person_does_not_answer_for_it() {
    let place = TempDir::new().unwrap();
    let bench = bench(place.path(), &[]);
    let ledger = open(&place, &bench);
    ledger.raise(&[(raised(1, "alice"), at(10))], 5, false).await.unwrap();
    for (by, decision) in [("system:serviceaccount:x:y", "vu et revu"), ("bob", "ok"), ("", "vu et revu")] {
        let answer = ledger.acknowledge(1, by, decision, at(100)).await;
        assert!(matches!(answer, Err(Unanswered::Refused(_))), "{by} {decision}");
    }
    assert_eq!(said(&bench).await.len(), 1);
}

/// The process ends after it was said, before it was written down that it was.
#[tokio::test]
async fn after_a_crash_nothing_is_said_twice() {
    let place = TempDir::new().unwrap();
    let bench = bench(place.path(), &[]);
    let state = place.path().join("alarms.state");
    drop(open(&place, &bench));
    let before = std::fs::read(&state).unwrap();
    open(&place, &bench).raise(&[(raised(1, "alice"), at(10))], 5, false).await.unwrap();
    std::fs::write(&state, before).unwrap();
    let ledger = open(&place, &bench);
    assert_eq!(ledger.through().await, 0);
    ledger.raise(&[(raised(1, "alice"), at(10))], 5, false).await.unwrap();
    assert_eq!(said(&bench).await, [said_of("raise", "snc-audit-sink")]);
}

#[tokio::test]
async fn what_is_overdue_is_said_once_and_counted() {
    let place = TempDir::new().unwrap();
    let bench = bench(place.path(), &[]);
    let ledger = open(&place, &bench);
    ledger.raise(&[(raised(1, "alice"), at(0))], 5, false).await.unwrap();
    let late = at(0) + SignedDuration::from_hours(24) + SignedDuration::from_secs(1);
    ledger.remind(at(3600)).await.unwrap();
    assert_eq!(said(&bench).await.len(), 1);
    ledger.remind(late).await.unwrap();
    ledger.remind(late).await.unwrap();
    drop(ledger);
    let ledger = open(&place, &bench);
    ledger.remind(late).await.unwrap();
    assert_eq!(
        said(&bench).await,
        [said_of("raise", "snc-audit-sink"), said_of("overdue", "snc-audit-sink")]
    );
    ledger.measure(late);
    let rule = ledger.all().get(1).unwrap().rule.clone();
    let count = |gauge: &prometheus::IntGaugeVec| gauge.with_label_values(&[rule.as_str()]).get();
    assert_eq!((count(&bench.metrics.alarms_open), count(&bench.metrics.alarms_overdue)), (1, 1));
}

#[tokio::test]
async fn where_nothing_is_raised_it_is_written_down_now_and_then() {
    let place = TempDir::new().unwrap();
    let bench = bench(place.path(), &[]);
    let ledger = open(&place, &bench);
    assert_eq!(ledger.raise(&[], 100, false).await.unwrap(), 0);
    assert_eq!(ledger.raise(&[], 100, true).await.unwrap(), 100);
    assert_eq!(ledger.raise(&[], 90, true).await.unwrap(), 100, "never back");
}

#[test]
fn it_is_shown_in_both_languages() {
    let mut alarms = Alarms::default();
    alarms.add(&raised(1, "alice"), at(0));
    let shown = shown(alarms.get(1).unwrap(), at(100_000));
    assert_eq!(shown["overdue"], true);
    for text in ["title", "message", "remedy"] {
        for lang in ["fr", "en"] {
            assert!(shown[text][lang].as_str().is_some_and(|text| !text.is_empty()), "{text} {lang}");
        }
    }
    assert!(shown["message"]["fr"].as_str().unwrap().contains("alice"));
}
