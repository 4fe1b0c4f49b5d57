//! Verdicts for as long as they may be given again.

use jiff::Timestamp;
use snc_core::image::Digest;
use snc_images::signature::{Unknown, Verdict};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What a verdict depends on. The repository is part of it: one has the signature of a content that another lacks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    pub(crate) image: String,
    pub(crate) digest: Digest,
    pub(crate) keys: Digest,
}

/// How long each kind of verdict is given again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lifetimes {
    pub(crate) verified: Duration,
    /// Of a good verdict that the registry cannot confirm, since it is down.
    pub(crate) unconfirmed: Duration,
    pub(crate) refused: Duration,
    pub(crate) unknown: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Good {
    key: String,
    at: Timestamp,
}

#[derive(Debug, Default)]
pub(crate) struct Entry {
    last: Option<(Verdict, Timestamp)>,
    good: Option<Good>,
}

impl Entry {
    pub(crate) fn fresh(&self, now: Timestamp, lifetimes: &Lifetimes) -> Option<Verdict> {
        let (verdict, at) = self.last.as_ref()?;
        let lifetime = match verdict {
            Verdict::Verified { unconfirmed: None, .. } => lifetimes.verified,
            Verdict::Unknown { .. } | Verdict::Verified { .. } => lifetimes.unknown,
            Verdict::NotSigned | Verdict::BadSignature { .. } | Verdict::NotDeclared => lifetimes.refused,
        };
        is_younger(*at, now, lifetime).then(|| verdict.clone())
    }

    /// Takes in what was found now, and says what holds.
    pub(crate) fn found(
        &mut self,
        verdict: Verdict,
        digest: &Digest,
        now: Timestamp,
        lifetimes: &Lifetimes,
    ) -> Verdict {
        let holds = match (verdict, self.good.take()) {
            (Verdict::Verified { key, digest, at, unconfirmed }, _) => {
                self.good = Some(Good { key: key.clone(), at });
                Verdict::Verified { key, digest, at, unconfirmed }
            }
            (Verdict::Unknown { why }, Some(good))
                if is_down(why) && is_younger(good.at, now, lifetimes.unconfirmed) =>
            {
                let Good { key, at } = good.clone();
                self.good = Some(good);
                Verdict::Verified { key, digest: digest.clone(), at, unconfirmed: Some(why) }
            }
            (Verdict::Unknown { why }, good) => {
                self.good = good.filter(|good| is_younger(good.at, now, lifetimes.unconfirmed));
                Verdict::Unknown { why }
            }
            (other, _) => other,
        };
        // Nobody was asked, so that there is nothing to remember.
        if !matches!(&holds, Verdict::Unknown { why: Unknown::Busy }) {
            self.last = Some((holds.clone(), now));
        }
        holds
    }
}

/// A clock that was set back makes nothing younger.
fn is_younger(at: Timestamp, now: Timestamp, lifetime: Duration) -> bool {
    now >= at && now.duration_since(at).unsigned_abs() < lifetime
}

/// The registry is silent. One that answers, and otherwise than it should, is no reason to believe what it said before.
fn is_down(why: Unknown) -> bool {
    match why {
        Unknown::Unreachable | Unknown::TimedOut | Unknown::Busy => true,
        Unknown::Status(code) => code == 429 || code >= 500,
        _ => false,
    }
}

/// Locked while its image is asked about, so that many who want to know at once make one question.
pub(crate) type Slot = Arc<tokio::sync::Mutex<Entry>>;

struct Kept {
    slot: Slot,
    used: u64,
}

pub(crate) struct Cache {
    most: usize,
    kept: Mutex<(HashMap<Asked, Kept>, u64)>,
}

impl Cache {
    pub(crate) fn new(most: usize) -> Self {
        Self { most: most.max(1), kept: Mutex::default() }
    }

    pub(crate) fn slot(&self, asked: &Asked) -> Slot {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (slots, turn) = &mut *kept;
        *turn += 1;
        if let Some(kept) = slots.get_mut(asked) {
            kept.used = *turn;
            return kept.slot.clone();
        }
        if slots.len() >= self.most {
            make_room(slots, self.most);
        }
        let slot = Slot::default();
        slots.insert(asked.clone(), Kept { slot: slot.clone(), used: *turn });
        slot
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.kept.lock().unwrap().0.len()
    }
}

/// An eighth goes at a time. Good verdicts go last: whoever asks about images that do not exist must not push out those
/// that keep others running while the registry is down.
fn make_room(slots: &mut HashMap<Asked, Kept>, most: usize) {
    let is_good = |kept: &Kept| kept.slot.try_lock().map_or(true, |entry| entry.good.is_some());
    let mut order: Vec<(bool, u64)> = slots.values().map(|kept| (is_good(kept), kept.used)).collect();
    order.sort_unstable();
    let gone: std::collections::HashSet<u64> =
        order.into_iter().take((most / 8).max(1)).map(|(_, used)| used).collect();
    slots.retain(|_, kept| !gone.contains(&kept.used));
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
