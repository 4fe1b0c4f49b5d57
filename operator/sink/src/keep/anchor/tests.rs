use super::*;
use crate::bench::flaky::Flaky;
use object_store::memory::InMemory;
use snc_auditlog::{Algorithm, Check, Keys, NewRecord, Source, Writer, verify};
use tempfile::TempDir;

struct Rig {
    place: TempDir,
    /// The log itself, and the other store.
    log: Store,
    outside: Arc<Flaky>,
    outside_store: Store,
    metrics: Arc<Metrics>,
    heads: watch::Sender<Option<Arc<Head>>>,
}

fn rig() -> Rig {
    let outside_store: Store = Arc::new(InMemory::new());
    Rig {
        place: TempDir::new().unwrap(),
        log: Arc::new(InMemory::new()),
        outside: Flaky::new(outside_store.clone()),
        outside_store,
        metrics: Arc::new(Metrics::complete().unwrap()),
        heads: watch::Sender::new(None),
    }
}

impl Rig {
    async fn writer(&self) -> Writer {
        let keys = Keys::open(&self.place.path().join("keys"), Algorithm::Ed25519, Timestamp::now()).unwrap();
        Writer::open(self.log.clone(), keys).await.unwrap()
    }

    fn anchor(&self) -> Arc<Anchor> {
        let place = Place::Store(self.outside.clone());
        let file = self.place.path().join("anchor.json");
        Arc::new(Anchor::open(place, "memory".into(), file, self.metrics.clone()).unwrap())
    }

    fn keep(&self, anchor: &Arc<Anchor>) -> CancellationToken {
        let (stop, anchor, heads) = (CancellationToken::new(), anchor.clone(), self.heads.subscribe());
        let stopped = stop.clone();
        tokio::spawn(async move { anchor.keep(heads, stopped).await });
        stop
    }

    async fn head(&self, writer: &mut Writer) -> Arc<Head> {
        let head = Arc::new(writer.head(Timestamp::now()).await.unwrap());
        self.heads.send_replace(Some(head.clone()));
        head
    }
}

async fn until(what: impl Fn() -> bool) {
    for _ in 0..600 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not in time");
}

#[tokio::test(start_paused = true)]
async fn heads_reach_another_store_and_those_that_could_not_are_covered() {
    let rig = rig();
    let mut writer = rig.writer().await;
    let anchor = rig.anchor();
    let stop = rig.keep(&anchor);
    let record = NewRecord {
        position: 1,
        received: Timestamp::now(),
        source: Source::File,
        server: "un".into(),
        why: "Platform".into(),
        raw: crate::bench::event(1, "get", "default", "alice"),
    };
    let platform = snc_audit::Partition::Platform;
    writer.seal(&platform, [record], Timestamp::now(), Timestamp::now()).await.unwrap();
    let first = rig.head(&mut writer).await;
    until(|| anchor.last().is_some_and(|last| last.number == first.number)).await;
    assert!(!anchor.is_waiting(Some(&first)) && anchor.waits_since().is_none());

    rig.outside.after(0);
    let missed = rig.head(&mut writer).await;
    until(|| anchor.waits_since().is_some()).await;
    let last = rig.head(&mut writer).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(anchor.waits_since(), Some(missed.at));
    anchor.measure(missed.at + SignedDuration::from_secs(90));
    assert!((rig.metrics.anchor_lag.with_label_values(&["store"]).get() - 90.0).abs() < 0.5);
    assert!(rig.metrics.anchor_failures.with_label_values(&["store"]).get() > 0);
    assert!(anchor.is_waiting(Some(&last)));

    rig.outside.mend();
    until(|| !anchor.is_waiting(Some(&last))).await;
    anchor.measure(Timestamp::now());
    assert!(rig.metrics.anchor_lag.with_label_values(&["store"]).get().abs() < f64::EPSILON);
    stop.cancel();

    // And that is what proves the end of the log.
    let anchors =
        vec![snc_auditlog::Anchor::Store { name: "memory".into(), store: rig.outside_store.clone() }];
    let check = Check { anchors, trusted: None, now: Timestamp::now() };
    let report = verify(&rig.log, &check).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert!(!matches!(report.tail, snc_auditlog::Tail::NotProven), "{:?}", report.tail);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_it_knows_what_is_there() {
    let rig = rig();
    let mut writer = rig.writer().await;
    let anchor = rig.anchor();
    let stop = rig.keep(&anchor);
    let head = rig.head(&mut writer).await;
    until(|| anchor.last().is_some()).await;
    stop.cancel();
    let anchor = rig.anchor();
    assert_eq!(anchor.last().map(|last| last.number), Some(head.number));
    assert!(!anchor.is_waiting(Some(&head)));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_was_put_back_is_told() {
    let mut rig = rig();
    let mut writer = rig.writer().await;
    let anchor = rig.anchor();
    let stop = rig.keep(&anchor);
    rig.head(&mut writer).await;
    let last = rig.head(&mut writer).await;
    until(|| anchor.last().is_some_and(|anchored| anchored.number == last.number)).await;
    stop.cancel();
    rig.log = Arc::new(InMemory::new());
    let mut writer = rig.writer().await;
    let anchor = rig.anchor();
    let stop = rig.keep(&anchor);
    assert!(!anchor.is_rolled_back());
    rig.head(&mut writer).await;
    until(|| anchor.is_rolled_back()).await;
    rig.head(&mut writer).await;
    let over = rig.head(&mut writer).await;
    until(|| anchor.last().is_some_and(|anchored| anchored.number == over.number)).await;
    stop.cancel();
    assert!(over.number > last.number && rig.anchor().is_rolled_back(), "a restart takes nothing back");
}

#[test]
fn the_line_of_an_anchor_is_found_in_what_a_receiver_gets() {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
        let rig = rig();
        let head = rig.writer().await.head(Timestamp::now()).await.unwrap();
        assert_eq!(AnchorLine::find_in(&message(&head).body), [AnchorLine::of(&head)]);
    });
}
