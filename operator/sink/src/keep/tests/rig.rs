//! A sealer on a disk of its own, which can be stopped, killed and started again.

use crate::bench::flaky::Flaky;
use crate::bench::{Bench, bench, server};
use crate::cluster::{Namespace, People};
use crate::intake::Items;
use crate::journal::Os;
use crate::keep::past::{Later, Stored};
use crate::keep::state::Saved;
use crate::keep::whose::Whose;
use crate::keep::{Error, Keeper, Parts, READER, Sealing, Stock};
use crate::wishes::Kept;
use jiff::Timestamp;
use object_store::local::LocalFileSystem;
use snc_audit::canonical::{self, Hash};
use snc_auditlog::{Algorithm, Check, Keys, Query, Reader, Writer, verify};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(super) fn sealing() -> Sealing {
    Sealing {
        records: 50,
        age: Duration::from_millis(50),
        settle: Duration::ZERO,
        patience: Duration::from_millis(100),
        head_least: Duration::ZERO,
        ..Sealing::default()
    }
}

pub(super) struct Rig {
    pub(super) place: TempDir,
    pub(super) bench: Bench,
    pub(super) store: Arc<Flaky>,
    pub(super) whose: Arc<Whose>,
    pub(super) wishes: Arc<Kept>,
    pub(super) stock: Arc<Stock>,
    sent: Mutex<Vec<Hash>>,
}

#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) partition: String,
    pub(super) why: String,
    pub(super) hash: Hash,
}

pub(super) struct Running {
    stop: CancellationToken,
    task: JoinHandle<&'static str>,
}

impl Running {
    pub(super) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// As a kill does: whatever is under way is not finished.
    pub(super) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

fn at(place: &Path) -> (Bench, Arc<Whose>, Arc<Kept>, Arc<Stock>) {
    let bench = bench(&place.join("data"), &[READER]);
    let whose = Arc::new(Whose::open(place.join("data/whose.json")).unwrap());
    let wishes = Arc::new(Kept::open(place.join("data/wishes.json")).unwrap());
    let stock = Arc::new(Stock::new(place.join("data"), Some(place.join("store")), bench.metrics.clone()));
    (bench, whose, wishes, stock)
}

impl Rig {
    pub(super) fn new() -> Self {
        let place = TempDir::new().unwrap();
        std::fs::create_dir_all(place.path().join("store")).unwrap();
        let inner = LocalFileSystem::new_with_prefix(place.path().join("store")).unwrap();
        let store = Flaky::new(Arc::new(inner));
        let (bench, whose, wishes, stock) = at(place.path());
        Self { place, bench, store, whose, wishes, stock, sent: Mutex::default() }
    }

    /// The process starts again: nothing is left but what is on disk.
    pub(super) fn reborn(self) -> Self {
        let Self { place, bench, store, sent, .. } = self;
        drop(bench);
        let (bench, whose, wishes, stock) = at(place.path());
        Self { place, bench, store, whose, wishes, stock, sent }
    }

    pub(super) fn people(&self, tenant: &str, namespace: &str) {
        let since = Timestamp::now().checked_sub(jiff::SignedDuration::from_mins(1)).unwrap();
        let namespaces = vec![Namespace {
            name: namespace.into(),
            uid: format!("{tenant}-{namespace}"),
            tenant: Some(tenant.into()),
            since,
            gone: None,
        }];
        self.whose.take(&People { synced: true, namespaces, owners: vec![] }, Timestamp::now());
    }

    pub(super) async fn keeper(&self, sealing: Sealing) -> Result<Keeper, Error> {
        let data = self.place.path().join("data");
        let keys = Keys::open(&data.join("keys"), Algorithm::Ed25519, Timestamp::now())?;
        let writer = Writer::open(self.store.clone(), keys).await?;
        let reader = Arc::new(Reader::open(self.store.clone(), None).await?);
        let later = Arc::new(Later::default());
        later.set(self.store.clone(), reader);
        let (saved, _) = Saved::open(Arc::new(Os), &data.join("seal.state")).unwrap();
        Keeper::new(Parts {
            journal: self.bench.journal.clone(),
            intake: self.bench.intake.clone(),
            writer,
            saved,
            whose: self.whose.clone(),
            wishes: self.wishes.clone(),
            past: Arc::new(Stored::new(later)),
            stock: self.stock.clone(),
            spare: None,
            metrics: self.bench.metrics.clone(),
            sealing,
        })
    }

    pub(super) async fn run(&self, sealing: Sealing) -> Running {
        let stop = CancellationToken::new();
        let keeper = self.keeper(sealing).await.unwrap();
        Running { task: tokio::spawn(keeper.run(stop.clone())), stop }
    }

    pub(super) async fn send(&self, events: Vec<String>) {
        for raw in &events {
            self.sent.lock().unwrap().push(canonical::hash(raw).unwrap());
        }
        let (mut text, mut ranges) = (String::new(), Vec::new());
        for raw in events {
            ranges.push(text.len()..text.len() + raw.len());
            text.push_str(&raw);
        }
        self.bench.intake.webhook(server(), Items::new(text.into(), ranges)).await.unwrap();
    }

    pub(super) async fn until_sealed(&self) {
        let last = self.bench.journal.last_position();
        let path = self.place.path().join("data/seal.state");
        let sealed = async {
            loop {
                let (saved, _) = Saved::open(Arc::new(Os), &path).unwrap();
                if saved.state().through >= last && saved.state().plan.is_none() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), sealed).await.expect("not sealed in time");
    }

    /// Every record, read as whoever asks reads it.
    pub(super) async fn stored(&self) -> Vec<Record> {
        let mut all = self.stored_now().await;
        all.sort_by_key(|record| record.hash);
        all
    }

    pub(super) async fn stored_now(&self) -> Vec<Record> {
        let plain = LocalFileSystem::new_with_prefix(self.place.path().join("store")).unwrap();
        let reader = Reader::open(Arc::new(plain), None).await.unwrap();
        let mut all = Vec::new();
        for entry in std::fs::read_dir(self.place.path().join("store")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let Ok(partition) = name.parse() else { continue };
            let mut query = Query { limit: 7, ..Query::of(partition) };
            loop {
                let page = reader.query(&query).await.unwrap();
                all.extend(page.records.iter().map(|record| Record {
                    partition: name.clone(),
                    why: record.why.clone(),
                    hash: canonical::hash(&record.event).unwrap(),
                }));
                let Some(next) = page.next else { break };
                query.cursor = Some(next);
            }
        }
        all
    }

    /// What is stored is what was sent, each once.
    pub(super) fn assert_whole(&self, stored: &[Record]) {
        let mut sent = self.sent.lock().unwrap().clone();
        sent.sort();
        let stored: Vec<Hash> = stored.iter().map(|record| record.hash).collect();
        let mut times: BTreeMap<Hash, (usize, usize)> = BTreeMap::new();
        for hash in &sent {
            times.entry(*hash).or_default().0 += 1;
        }
        for hash in &stored {
            times.entry(*hash).or_default().1 += 1;
        }
        let wrong: Vec<_> = times.values().filter(|(sent, stored)| sent != stored).collect();
        assert!(wrong.is_empty(), "{} of {}: (sent, stored) {wrong:?}", wrong.len(), sent.len());
    }

    pub(super) async fn verify(&self) {
        let plain = LocalFileSystem::new_with_prefix(self.place.path().join("store")).unwrap();
        let store: snc_auditlog::Store = Arc::new(plain);
        let check = Check { anchors: vec![], trusted: None, now: Timestamp::now() };
        let report = verify(&store, &check).await.unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    }
}
