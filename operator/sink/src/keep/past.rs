//! Whether an event is in the store already: asked for what is too old to be remembered, above all while log files are
//! read again from the beginning. What the store has of a stretch of time is read once, and remembered for a while.

mod lately;
mod store;

pub use store::Later;

use crate::seen::{Older, Past, Unknown};
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use lately::Lately;
use snc_audit::Partition;
use snc_audit::canonical::Hash;
use snc_auditlog::Manifest;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Hashes that are remembered, of whatever stretches: some ten megabytes.
const HASHES: usize = 300_000;
/// A stretch without events weighs as much as that.
const EMPTY: usize = 16;
/// So short that one of a busy API server is remembered whole: one that is not is read again for each request.
const STRETCH: SignedDuration = SignedDuration::from_secs(60);

/// What a store is asked.
pub trait Log: Send + Sync + 'static {
    fn partitions(&self) -> BoxFuture<'_, anyhow::Result<Vec<Partition>>>;

    /// Of every event of that partition from then on and before that.
    fn hashes<'a>(
        &'a self,
        partition: &'a Partition,
        from: Timestamp,
        before: Timestamp,
    ) -> BoxFuture<'a, anyhow::Result<Vec<Hash>>>;
}

type Key = (Partition, Timestamp);

struct Known {
    hashes: Lately<Key, Arc<Vec<Hash>>>,
    partitions: Option<BTreeSet<Partition>>,
    /// How often something was sealed.
    sealed: u64,
}

pub struct Stored {
    log: Arc<dyn Log>,
    known: Mutex<Known>,
}

impl Stored {
    pub fn new(log: Arc<dyn Log>) -> Self {
        let known = Known { hashes: Lately::new(HASHES), partitions: None, sealed: 0 };
        Self { log, known: Mutex::new(known) }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn sealed(&self, manifest: &Manifest) {
        let Manifest { partition, first_at, last_at, .. } = manifest;
        self.added(partition, *first_at, *last_at);
    }

    /// What was read of that time is not all there is any more.
    fn added(&self, partition: &Partition, first: Timestamp, last: Timestamp) {
        let (first, last) = (stretch(first), stretch(last));
        let mut known = self.known();
        known.sealed += 1;
        known.hashes.forget(|(of, start)| of == partition && (first..=last).contains(start));
        if let Some(partitions) = &mut known.partitions {
            partitions.insert(partition.clone());
        }
    }

    async fn partitions(&self) -> anyhow::Result<BTreeSet<Partition>> {
        if let Some(partitions) = &self.known().partitions {
            return Ok(partitions.clone());
        }
        let listed = self.log.partitions().await?;
        let mut known = self.known();
        let partitions = known.partitions.get_or_insert_default();
        partitions.extend(listed);
        Ok(partitions.clone())
    }

    async fn hashes(&self, partition: &Partition, start: Timestamp) -> anyhow::Result<Arc<Vec<Hash>>> {
        let key = (partition.clone(), start);
        let sealed = {
            let mut known = self.known();
            if let Some(hashes) = known.hashes.get(&key) {
                return Ok(hashes.clone());
            }
            known.sealed
        };
        let mut hashes = self.log.hashes(partition, start, start.checked_add(STRETCH)?).await?;
        hashes.sort_unstable();
        hashes.shrink_to_fit();
        let hashes = Arc::new(hashes);
        let mut known = self.known();
        // What was sealed meanwhile may be missing in it.
        if known.sealed == sealed {
            known.hashes.put(key, hashes.clone(), hashes.len() + EMPTY);
        }
        Ok(hashes)
    }

    async fn look(&self, asked: &[Older]) -> anyhow::Result<Vec<bool>> {
        let mut found = vec![false; asked.len()];
        let stretches: BTreeSet<Timestamp> = asked.iter().map(|older| stretch(older.stage)).collect();
        for partition in self.partitions().await? {
            for start in &stretches {
                let hashes = self.hashes(&partition, *start).await?;
                let here = asked.iter().zip(&mut found).filter(|(older, _)| stretch(older.stage) == *start);
                for (older, found) in here.filter(|(_, found)| !**found) {
                    *found = hashes.binary_search(&older.hash).is_ok();
                }
            }
        }
        Ok(found)
    }
}

fn stretch(at: Timestamp) -> Timestamp {
    let seconds = STRETCH.as_secs();
    Timestamp::from_second(at.as_second().div_euclid(seconds) * seconds).unwrap_or(at)
}

impl Past for Stored {
    fn holds<'a>(&'a self, asked: &'a [Older]) -> BoxFuture<'a, Result<Vec<bool>, Unknown>> {
        Box::pin(async move { self.look(asked).await.map_err(|error| Unknown(format!("{error:#}"))) })
    }
}

#[cfg(test)]
mod tests;
