//! What there is to say of sealing: for status, metrics and whoever reads the log.

use super::state::Counts;
use crate::metrics::{Metrics, Volume};
use jiff::Timestamp;
use snc_auditlog::{Expired, Head, Inventory, Manifest};
use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Whether somewhere below an error there was no room.
pub fn is_full(error: &(dyn Error + 'static)) -> bool {
    let mut below = Some(error);
    while let Some(error) = below {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if matches!(kind, Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)) {
            return true;
        }
        below = error.source();
    }
    false
}

/// Bytes that whoever is not root may still write there.
pub fn free(path: &std::path::Path) -> io::Result<u64> {
    let volume = rustix::fs::statvfs(path)?;
    Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
}

#[derive(Debug, Clone, Default)]
struct Held {
    unsealed: u64,
    oldest: Option<Timestamp>,
    through: Option<Timestamp>,
    counts: Counts,
    head: Option<Arc<Head>>,
    damage: usize,
}

pub struct Stock {
    data: PathBuf,
    /// Where the store is a volume.
    volume: Option<PathBuf>,
    held: Mutex<Held>,
    /// None, before the store was reached.
    inventory: Mutex<Option<Inventory>>,
    metrics: Arc<Metrics>,
}

impl Stock {
    pub fn new(data: PathBuf, volume: Option<PathBuf>, metrics: Arc<Metrics>) -> Self {
        Self { data, volume, held: Mutex::default(), inventory: Mutex::default(), metrics }
    }

    /// What is there at the start.
    pub fn found(&self, inventory: Inventory) {
        *self.inventory() = Some(inventory);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn inventory(&self) -> MutexGuard<'_, Option<Inventory>> {
        self.inventory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As of then.
    pub(super) fn unsealed(&self, many: u64, oldest: Option<Timestamp>, now: Timestamp) {
        let before = |oldest: Timestamp| oldest.checked_sub(Duration::from_nanos(1)).unwrap_or(oldest);
        let mut held = self.held();
        (held.unsealed, held.oldest) = (many, oldest);
        held.through = if many == 0 { Some(now) } else { oldest.map(before).or(held.through) };
    }

    pub fn counted(&self, counts: Counts) {
        self.held().counts = counts;
    }

    pub fn counts(&self) -> Counts {
        self.held().counts
    }

    pub fn signed(&self, head: &Arc<Head>) {
        self.held().head = Some(head.clone());
    }

    pub fn head(&self) -> Option<Arc<Head>> {
        self.held().head.clone()
    }

    /// What was found changed or missing.
    pub fn damaged(&self, many: usize) {
        self.held().damage += many;
    }

    pub fn damage(&self) -> usize {
        self.held().damage
    }

    pub(super) fn sealed(&self, manifest: &Manifest) {
        if let Some(inventory) = &mut *self.inventory() {
            inventory.add(manifest);
        }
    }

    pub(super) fn expired(&self, expired: &Expired) {
        if let Some(inventory) = &mut *self.inventory() {
            inventory.remove(expired);
        }
    }

    pub fn bytes(&self) -> u64 {
        self.inventory().as_ref().map_or(0, Inventory::bytes)
    }

    /// Everything that came up to then is sealed, in whatever partition; None, before that was looked at.
    pub fn sealed_through(&self) -> Option<Timestamp> {
        self.held().through
    }

    /// Room of the data's volume, and of the store's where it is one.
    pub fn free(&self) -> (Option<u64>, Option<u64>) {
        let of = |path: &PathBuf| free(path).ok();
        (of(&self.data), self.volume.as_ref().and_then(of))
    }

    /// Days until the store's volume is full.
    pub fn forecast(&self, now: Timestamp) -> Option<u32> {
        let (_, store) = self.free();
        self.inventory().as_ref()?.forecast(now, store).days_until_full
    }

    /// What is only worth looking at when somebody asks.
    pub fn measure(&self, now: Timestamp) {
        let held = self.held().clone();
        let age = held.oldest.map_or(0.0, |oldest| now.duration_since(oldest).as_secs_f64().max(0.0));
        self.metrics.unsealed_age.set(age);
        self.metrics.unsealed.set(i64::try_from(held.unsealed).unwrap_or(i64::MAX));
        if let Some(head) = &held.head {
            self.metrics.head_number.set(i64::try_from(head.number).unwrap_or(i64::MAX));
            self.metrics.head_at.set(head.at.as_duration().as_secs_f64());
        }
        self.metrics.store_bytes.set(i64::try_from(self.bytes()).unwrap_or(i64::MAX));
        let (data, store) = self.free();
        for (volume, free) in [(Volume::Data, data), (Volume::Store, store)] {
            if let Some(free) = free {
                self.metrics.free(volume, free);
            }
        }
        let days = self.forecast(now);
        self.metrics.forecast_days.set(days.map_or(-1.0, f64::from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Box<dyn Error + Send + Sync>);

    #[test]
    fn no_room_is_found_however_deep() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        assert!(is_full(&full()));
        assert!(is_full(&Outer(Box::new(Outer(Box::new(full()))))));
        assert!(!is_full(&Outer(Box::new(io::Error::from(io::ErrorKind::NotFound)))));
    }

    #[test]
    fn room_is_measured() {
        assert!(free(std::path::Path::new("/")).unwrap() > 0);
        assert!(free(std::path::Path::new("/there/is/no/such/place")).is_err());
    }
}
