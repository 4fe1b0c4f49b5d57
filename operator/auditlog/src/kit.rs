//! A log to try things on.

use crate::access::{self, Store};
use crate::anchor::{Anchor, AnchorLine};
use crate::verify::{Check, Report, verify};
use crate::{Algorithm, Head, Keys, Manifest, NewRecord, Partition, Source, What, Writer};
use futures::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use object_store::memory::InMemory;
use object_store::path::Path;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use tempfile::TempDir;

pub(crate) const START: i64 = 1_800_000_000;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(START + second).unwrap()
}

pub(crate) fn partition(text: &str) -> Partition {
    text.parse().unwrap()
}

pub(crate) fn platform() -> Partition {
    partition("platform")
}

pub(crate) fn memory() -> Store {
    Arc::new(InMemory::new())
}

/// An event as an API server writes it, more or less: by one of seven users, in one of five namespaces.
pub(crate) fn event(n: u64) -> String {
    let verb = ["get", "list", "create"][usize::try_from(n % 3).unwrap()];
    json!({
        "level": "Metadata", "auditID": format!("id-{n}"), "stage": "ResponseComplete",
        "requestURI": format!("/api/v1/namespaces/ns-{}/pods/pod-{n}", n % 5),
        "verb": verb,
        "user": {"username": format!("user-{}", n % 7)},
        "objectRef": {"resource": "pods", "namespace": format!("ns-{}", n % 5), "name": format!("pod-{n}")},
        "responseStatus": {"code": 200 + n % 2},
        "stageTimestamp": at(i64::try_from(n).unwrap()).to_string(),
    })
    .to_string()
}

pub(crate) fn record(n: u64) -> NewRecord {
    raw(n, event(n))
}

pub(crate) fn raw(position: u64, raw: String) -> NewRecord {
    NewRecord {
        position,
        received: at(i64::try_from(position).unwrap()),
        source: if position.is_multiple_of(2) { Source::File } else { Source::Webhook },
        server: "api-1".to_owned(),
        why: "Platform".to_owned(),
        raw,
    }
}

pub(crate) fn in_days(days: i64) -> Timestamp {
    at(days * 86_400)
}

pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) writer: Writer,
    pub(crate) keys: TempDir,
    position: u64,
    pub(crate) now: Timestamp,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::on(memory()).await
    }

    pub(crate) async fn on(store: Store) -> Self {
        let keys = tempfile::tempdir().unwrap();
        let opened = Keys::open(keys.path(), Algorithm::Es256, at(0)).unwrap();
        let writer = Writer::open(store.clone(), opened).await.unwrap();
        Self { store, writer, keys, position: 0, now: at(0) }
    }

    /// As after a restart.
    pub(crate) async fn again(&mut self) {
        let keys = Keys::load(self.keys.path()).unwrap();
        self.writer = Writer::open(self.store.clone(), keys).await.unwrap();
    }

    pub(crate) fn next(&mut self, count: u64) -> Vec<NewRecord> {
        let from = self.position + 1;
        self.position += count;
        (from..=self.position).map(record).collect()
    }

    pub(crate) async fn seal(&mut self, partition: &str, count: u64) -> Manifest {
        let records = self.next(count);
        self.now += SignedDuration::from_secs(60);
        let until = self.now + SignedDuration::from_hours(184 * 24);
        let partition = partition.parse().unwrap();
        let mut sealed = self.writer.seal(&partition, records, until, self.now).await.unwrap();
        sealed.pop().unwrap()
    }

    pub(crate) async fn head(&mut self) -> Head {
        self.now += SignedDuration::from_secs(1);
        self.writer.head(self.now).await.unwrap()
    }

    /// Three partitions, segments in turns, a head after each round.
    pub(crate) async fn filled(rounds: u64) -> Self {
        let mut bench = Self::new().await;
        for _ in 0..rounds {
            for partition in ["platform", "tenant.acme", "tenant.zeta"] {
                bench.seal(partition, 5).await;
            }
            bench.head().await;
        }
        bench
    }

    pub(crate) fn check(&self, anchors: Vec<Anchor>) -> Check {
        Check { anchors, trusted: Some(self.writer.keys().current().clone()), now: self.now }
    }

    pub(crate) async fn verify(&self) -> Report {
        verify(&self.store, &self.check(Vec::new())).await.unwrap()
    }

    pub(crate) async fn verify_with(&self, heads: &[&Head]) -> Report {
        let lines = heads.iter().map(|head| AnchorLine::of(head)).collect();
        let anchor = Anchor::Lines { name: "receiver".to_owned(), lines };
        verify(&self.store, &self.check(vec![anchor])).await.unwrap()
    }
}

/// Everything that is in a store.
pub(crate) async fn contents(store: &Store) -> BTreeMap<String, Vec<u8>> {
    let listed: Vec<_> = store.list(None).try_collect().await.unwrap();
    let mut contents = BTreeMap::new();
    for object in listed {
        let bytes = access::read_at_most(store, &object.location, u64::MAX).await.unwrap().unwrap();
        contents.insert(object.location.to_string(), bytes.to_vec());
    }
    contents
}

pub(crate) async fn restore(store: &Store, contents: &BTreeMap<String, Vec<u8>>) {
    let listed: Vec<_> = store.list(None).try_collect().await.unwrap();
    for object in listed {
        access::delete(store, &object.location).await.unwrap();
    }
    for (path, bytes) in contents {
        put(store, path, bytes.clone()).await;
    }
}

pub(crate) async fn put(store: &Store, path: &str, bytes: Vec<u8>) {
    access::put(store, &Path::from(path), bytes.into()).await.unwrap();
}

pub(crate) async fn get(store: &Store, path: &str) -> Vec<u8> {
    access::read_at_most(store, &Path::from(path), u64::MAX).await.unwrap().unwrap().to_vec()
}

pub(crate) async fn remove(store: &Store, path: &str) {
    access::delete(store, &Path::from(path)).await.unwrap();
}

/// What, and where.
pub(crate) fn named(report: &Report) -> Vec<(What, &str)> {
    report.findings.iter().map(|finding| (finding.what, finding.object.as_str())).collect()
}
