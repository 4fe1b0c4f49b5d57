use super::*;
use crate::alarms::Read;
use crate::bench::{Bench, bench, server};
use crate::cluster::People;
use crate::intake::Items;
use crate::journal::Os;
use crate::probe;
use crate::seen::Reused;
use serde_json::json;
use snc_audit::canonical;
use snc_audit::detect::Settings;
use tempfile::TempDir;

struct Room {
    _place: TempDir,
    bench: Bench,
    ledger: Arc<Ledger>,
    reuses: Arc<Reuses>,
    sightings: mpsc::Receiver<Sighting>,
    stop: CancellationToken,
}

fn room() -> Room {
    let place = TempDir::new().unwrap();
    let bench = bench(place.path(), &[READER]);
    let read = Read::open(Arc::new(Os), &place.path().join("alarms.state")).unwrap();
    let ledger = Arc::new(Ledger::new(read, bench.intake.clone(), bench.metrics.clone()));
    let (seen, sightings) = probe::sightings();
    let reuses = Arc::new(Reuses::default());
    let lang = snc_core::lang::Lang::Fr;
    let watch = Watch {
        journal: bench.journal.clone(),
        detector: Detector::new(Settings::default()).unwrap(),
        whose: Arc::new(Whose::open(place.path().join("whose.json")).unwrap()),
        ledger: ledger.clone(),
        reuses: reuses.clone(),
        applied: Arc::new(Applied::open(place.path().join("policy.json"), None, [].into(), lang).unwrap()),
        sightings: seen,
        metrics: bench.metrics.clone(),
    };
    watch.whose.take(&People { synced: true, ..People::default() }, Timestamp::now());
    let stop = CancellationToken::new();
    tokio::spawn(watch.run(stop.clone()));
    Room { _place: place, bench, ledger, reuses, sightings, stop }
}

fn event(nth: u64, resource: (&str, &str), agent: &str) -> String {
    let at = Timestamp::now().to_string();
    json!({
        "level": "Metadata", "auditID": format!("id-{nth}"), "stage": "ResponseComplete", "verb": "create",
        "user": {"username": "alice", "groups": ["system:authenticated"]}, "userAgent": agent,
        "objectRef": {"resource": resource.0, "subresource": resource.1, "namespace": "shop", "name": "web"},
        "responseStatus": {"code": 201}, "requestReceivedTimestamp": at, "stageTimestamp": at,
    })
    .to_string()
}

impl Room {
    async fn send(&self, raw: String) {
        self.bench.intake.webhook(server(), Items::one(raw)).await.unwrap();
    }

    async fn rules(&self, wanted: usize) -> Vec<String> {
        for _ in 0..400 {
            let all = self.ledger.all();
            if all.iter().count() >= wanted {
                return all.iter().map(|alarm| alarm.rule.clone()).collect();
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("no {wanted} alarms in time")
    }
}

#[tokio::test]
async fn what_is_acknowledged_is_looked_at_at_once() {
    let room = room();
    room.send(event(1, ("configmaps", ""), "kubectl")).await;
    room.send(event(2, ("pods", "exec"), "kubectl")).await;
    assert_eq!(room.rules(1).await, ["pod-access"]);
    // What it says of that itself raises nothing.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(room.ledger.all().iter().count(), 1);
    room.stop.cancel();
}

#[tokio::test]
async fn marked_calls_are_handed_on() {
    let mut room = room();
    for nth in 0..3 {
        room.send(event(nth, ("configmaps", ""), "kubectl")).await;
    }
    room.send(event(9, ("selfsubjectreviews", ""), "snc-audit-probe/0abc")).await;
    let sighting = room.sightings.recv().await.unwrap();
    assert_eq!((sighting.nonce.as_str(), sighting.source), ("0abc", Source::Webhook));
    assert!(sighting.requested.is_some());
    room.stop.cancel();
}

#[tokio::test]
async fn a_reused_identity_raises_an_alarm_of_the_later_event() {
    let room = room();
    let (first, second) = (event(1, ("configmaps", ""), "a"), event(1, ("configmaps", ""), "b"));
    room.send(first).await;
    room.send(second.clone()).await;
    let hash = canonical::hash(&second).unwrap();
    room.reuses.report(&Reused { audit_id: "id-1".into(), stage: "ResponseComplete".into(), hash });
    assert_eq!(room.rules(1).await, ["audit-id-reused"]);
    room.stop.cancel();
}
