use super::*;
use crate::cluster::{Answer, Asked, People, Silent, User};
use crate::gaps::Options;
use crate::journal::Os;
use crate::metrics::Closed;
use crate::status::Status;
use std::collections::BTreeMap;
use std::sync::Mutex;
use tempfile::TempDir;

/// Makes marked calls; the test says what becomes of each.
struct Marks {
    made: mpsc::UnboundedSender<String>,
    silent: Mutex<bool>,
}

impl Cluster for Marks {
    fn authenticate<'a>(&'a self, _: &'a str) -> Answer<'a, Option<User>> {
        Box::pin(async { Ok(None) })
    }

    fn may<'a>(&'a self, _: &'a User, _: Asked<'a>) -> Answer<'a, bool> {
        Box::pin(async { Ok(false) })
    }

    fn people(&self) -> watch::Receiver<People> {
        watch::Sender::new(People::default()).subscribe()
    }

    fn wishes(&self) -> watch::Receiver<Option<Wishes>> {
        watch::Sender::new(None).subscribe()
    }

    fn report<'a>(&'a self, _: &'a Status) -> Answer<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn mark<'a>(&'a self, nonce: &'a str) -> Answer<'a, Marked> {
        Box::pin(async move {
            if *self.silent.lock().unwrap() {
                return Err(Silent("no route".into()));
            }
            self.made.send(nonce.to_owned()).unwrap();
            Ok(Marked { sent: Timestamp::now(), answered: Timestamp::now() })
        })
    }
}

struct Bench {
    _place: TempDir,
    marks: Arc<Marks>,
    made: mpsc::UnboundedReceiver<String>,
    sightings: mpsc::Sender<Sighting>,
    told: watch::Receiver<Option<ProbeStatus>>,
    gaps: Arc<Gaps>,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
}

fn bench() -> Bench {
    let place = TempDir::new().unwrap();
    let (sent, made) = mpsc::unbounded_channel();
    let marks = Arc::new(Marks { made: sent, silent: Mutex::new(false) });
    let servers = vec![ServerName::new("un").unwrap(), ServerName::new("deux").unwrap()];
    let path = place.path().join("gaps.state");
    let gaps =
        Gaps::open(Arc::new(Os), &path, Options::default(), &servers, &BTreeMap::new(), Timestamp::now());
    let gaps = Arc::new(gaps.unwrap());
    let metrics = Arc::new(Metrics::new(&Closed { rules: &[], causes: &[], reasons: &[] }).unwrap());
    let (sightings, seen) = super::sightings();
    let told = watch::Sender::new(None);
    let stop = CancellationToken::new();
    let probe = Probe {
        cluster: marks.clone(),
        wishes: watch::Sender::new(Wishes::default()).subscribe(),
        sightings: seen,
        gaps: gaps.clone(),
        servers,
        told: told.clone(),
        metrics: metrics.clone(),
    };
    tokio::spawn(probe.run(stop.clone()));
    Bench { _place: place, marks, made, sightings, told: told.subscribe(), gaps, metrics, stop }
}

impl Bench {
    /// The next marked call comes back, or does not.
    async fn next(&mut self, comes: bool) -> (String, ProbeStatus) {
        let nonce = self.made.recv().await.unwrap();
        if comes {
            let now = Timestamp::now();
            let sighting =
                Sighting { nonce: nonce.clone(), received: now, source: Source::File, requested: Some(now) };
            self.sightings.send(Sighting { nonce: "f00".into(), ..sighting.clone() }).await.unwrap();
            self.sightings.send(sighting).await.unwrap();
        }
        self.told.changed().await.unwrap();
        (nonce, self.told.borrow_and_update().clone().unwrap())
    }

    fn open(&self) -> Vec<(String, bool)> {
        let gaps = self.gaps.list();
        let missed = gaps.iter().filter(|gap| gap.cause == Cause::ProbeMissed && gap.closed.is_none());
        missed.map(|gap| (gap.server.to_string(), gap.to.is_none())).collect()
    }

    fn count(&self, marking: Marking) -> u64 {
        self.metrics.probes.with_label_values(&[marking.as_str()]).get()
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_comes_back_or_is_missed_and_two_misses_are_a_gap() {
    let mut bench = bench();
    let (first, status) = bench.next(true).await;
    assert_eq!((status.arrived, status.via), (true, Some(SourceKind::File)));
    assert!(status.delay_milliseconds.is_some() && status.skew_milliseconds.is_some());

    let began = Instant::now();
    let (second, status) = bench.next(false).await;
    assert_ne!(first, second);
    assert_eq!((status.arrived, status.via, status.delay_milliseconds), (false, None, None));
    // The period, and then its limit.
    assert_eq!(began.elapsed().as_secs(), 360);
    assert!(bench.open().is_empty());
    bench.next(false).await;
    assert_eq!(bench.open(), [("un".into(), true), ("deux".into(), true)]);
    bench.next(false).await;
    assert_eq!(bench.open().len(), 2, "one gap as long as it goes on");
    bench.next(true).await;
    assert_eq!(bench.open(), [("un".into(), false), ("deux".into(), false)]);
    assert_eq!((bench.count(Marking::File), bench.count(Marking::Missed)), (2, 3));
    bench.stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn a_call_that_cannot_be_made_says_nothing_of_the_log() {
    let bench = bench();
    *bench.marks.silent.lock().unwrap() = true;
    tokio::time::sleep(Duration::from_secs(1000)).await;
    assert_eq!(bench.count(Marking::Failed), 4);
    assert!(bench.told.borrow().is_none() && bench.open().is_empty());
}

#[test]
fn the_nonce_is_read_from_a_user_agent() {
    for (agent, nonce) in [
        ("snc-operator/1 snc-audit-probe/0123abcf", Some("0123abcf")),
        ("snc-audit-probe/0a (linux) x", Some("0a")),
        ("snc-audit-probe/", None),
        ("snc-audit-probe", None),
        ("kubectl/1.34", None),
    ] {
        assert_eq!(Sighting::nonce_of(agent), nonce, "{agent}");
    }
}
