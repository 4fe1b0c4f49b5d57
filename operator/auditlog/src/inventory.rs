//! How much there is, and how much there will be.

use crate::access::Store;
use crate::catalogue::{Listed, Walk};
use crate::error::Error;
use crate::manifest::{Expired, Manifest};
use crate::writer::{keychain, partitions};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

const DAY: i64 = 86_400;
const HOUR: i64 = 3600;
/// The rate of the last week, in hours: it has a week-end in it.
const WEEK: i64 = 7 * 24;
/// Further than that nobody plans.
const HORIZON: i64 = 3650;

/// What the segments of a log take, by the hour in which they were sealed and by the day on which they may go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    bytes: u64,
    records: u64,
    segments: u64,
    sealed: BTreeMap<i64, u64>,
    expires: BTreeMap<i64, u64>,
    /// When the first that is known was sealed, and the last.
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// What is there now.
    pub bytes: u64,
    /// What comes, by the days before.
    pub bytes_per_day: u64,
    /// What there will be once as much goes as comes. None: that is more than ten years ahead.
    pub steady_bytes: Option<u64>,
    /// None: never, as far as can be told.
    pub days_until_full: Option<u32>,
}

impl Inventory {
    /// By the manifests of all segments that have not expired.
    pub async fn read(store: &Store) -> Result<Self, Error> {
        let (keys, _) = keychain(store, None).await?;
        let mut inventory = Self::default();
        for partition in partitions(store).await? {
            let gone = crate::writer::expire::noted(store, &partition).await?;
            let mut walk = Walk::from(store, &partition, 1).await?;
            while let Some(batch) = walk.batch(&keys).await? {
                for Listed { manifest, .. } in &batch.listed {
                    if !gone.contains(&manifest.number) {
                        inventory.add(manifest);
                    }
                }
            }
        }
        Ok(inventory)
    }

    pub fn add(&mut self, manifest: &Manifest) {
        let bytes = manifest.stored_bytes();
        self.bytes = self.bytes.saturating_add(bytes);
        self.records = self.records.saturating_add(manifest.count);
        self.segments += 1;
        let sealed = hour(manifest.sealed_at);
        *self.sealed.entry(sealed).or_default() += bytes;
        // The rate asks for the last week only.
        let last = self.sealed.last_key_value().map_or(sealed, |(hour, _)| *hour);
        self.sealed = self.sealed.split_off(&(last - 2 * WEEK));
        *self.expires.entry(day(manifest.retain_until)).or_default() += bytes;
        self.first = Some(self.first.map_or(manifest.sealed_at, |first| first.min(manifest.sealed_at)));
        self.last = Some(self.last.map_or(manifest.sealed_at, |last| last.max(manifest.sealed_at)));
    }

    pub fn remove(&mut self, expired: &Expired) {
        self.bytes = self.bytes.saturating_sub(expired.bytes);
        self.records = self.records.saturating_sub((expired.last_seq + 1).saturating_sub(expired.first_seq));
        self.segments = self.segments.saturating_sub(1);
        if let Some(bytes) = self.expires.get_mut(&day(expired.retain_until)) {
            *bytes = bytes.saturating_sub(expired.bytes);
        }
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn records(&self) -> u64 {
        self.records
    }

    pub fn segments(&self) -> u64 {
        self.segments
    }

    /// With so much room left: as much comes as came in the last week, and everything goes when it may.
    pub fn forecast(&self, now: Timestamp, free: Option<u64>) -> Forecast {
        let today = day(now);
        let rate = self.rate(now);
        let kept = self.kept(today);
        let mut goes: BTreeMap<i64, u64> = BTreeMap::new();
        for (day, bytes) in &self.expires {
            // What is over already goes tomorrow.
            *goes.entry((*day).max(today) + 1).or_default() += bytes;
        }
        let capacity = free.map(|free| self.bytes.saturating_add(free));
        let (mut bytes, mut full, mut steady) = (self.bytes, None, None);
        for ahead in 1..=HORIZON {
            bytes = bytes.saturating_add(rate);
            let own = if ahead > kept { rate } else { 0 };
            let gone = goes.get(&(today + ahead)).copied().unwrap_or(0).saturating_add(own);
            if full.is_none() && capacity.is_some_and(|capacity| bytes > capacity) {
                full = u32::try_from(ahead - 1).ok();
            }
            bytes = bytes.saturating_sub(gone);
            let rest = goes.range(today + ahead + 1..).any(|(_, bytes)| *bytes > 0);
            if steady.is_none() && ahead > kept && !rest {
                steady = Some(bytes);
                break;
            }
        }
        Forecast { bytes: self.bytes, bytes_per_day: rate, steady_bytes: steady, days_until_full: full }
    }

    /// Bytes a day. Of less than a day it is reckoned up: at the beginning, too, somebody wants to know.
    fn rate(&self, now: Timestamp) -> u64 {
        let Some(first) = self.first else { return 0 };
        let (from, to) = (hour(now) - WEEK + 1, hour(now));
        let bytes: u64 = self.sealed.range(from..=to).map(|(_, bytes)| *bytes).sum();
        let begin = Timestamp::from_second(from.saturating_mul(HOUR)).unwrap_or(first).max(first);
        let seconds = now.duration_since(begin).max(SignedDuration::from_hours(1)).as_secs();
        let per_day = u128::from(bytes) * u128::from(DAY.unsigned_abs()) / u128::from(seconds.unsigned_abs());
        u64::try_from(per_day).unwrap_or(u64::MAX)
    }

    /// For how many days what is sealed now is kept: as the last ones were.
    fn kept(&self, today: i64) -> i64 {
        let last_sealed = self.last.map_or(today, day);
        let last_expires =
            self.expires.iter().rev().find(|(_, bytes)| **bytes > 0).map_or(today, |(day, _)| *day);
        (last_expires - last_sealed).max(1)
    }
}

fn hour(at: Timestamp) -> i64 {
    at.as_second().div_euclid(HOUR)
}

fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(DAY)
}

#[cfg(test)]
#[path = "inventory_tests.rs"]
mod tests;
