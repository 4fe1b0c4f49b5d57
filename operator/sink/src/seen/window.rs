//! What is remembered: fingerprints, in two generations of which the older one is forgotten as a whole.

use crate::journal::Source;
use jiff::Timestamp;
use snc_audit::canonical::Hash;
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

/// Of a hash, or of an `auditID` and a stage. Nobody outside can make two that are equal: the keys are this process's.
pub(super) type Print = u128;
/// Fingerprints are random enough as they are.
pub(super) type Plain = BuildHasherDefault<Last>;

#[derive(Default)]
pub(super) struct Prints {
    keys: [RandomState; 2],
}

impl Prints {
    pub(super) fn hash(&self, hash: &Hash) -> Print {
        self.both(hash)
    }

    pub(super) fn id(&self, audit_id: &str, stage: &str) -> Print {
        self.both((audit_id, stage))
    }

    fn both(&self, what: impl std::hash::Hash) -> Print {
        let [high, low] = &self.keys;
        Print::from(high.hash_one(&what)) << 64 | Print::from(low.hash_one(&what))
    }
}

#[derive(Default)]
pub(super) struct Last(u64);

impl Hasher for Last {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, print: u128) {
        self.0 = u64::try_from(print >> 64).unwrap_or_default();
    }
}

/// Which sources brought an event.
type By = u8;

fn bit(source: Source) -> By {
    match source {
        Source::Webhook => 1,
        Source::File => 2,
        Source::Sink => 4,
    }
}

#[derive(Default)]
struct Generation {
    events: HashMap<Print, By, Plain>,
    ids: HashMap<Print, Print, Plain>,
    latest: Option<Timestamp>,
}

pub(super) struct Window {
    most: usize,
    new: Generation,
    old: Generation,
    horizon: Option<Timestamp>,
}

impl Window {
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(1), new: Generation::default(), old: Generation::default(), horizon: None }
    }

    pub(super) fn len(&self) -> usize {
        self.new.events.len() + self.old.events.len()
    }

    pub(super) fn behind(&mut self, horizon: Option<Timestamp>) {
        self.horizon = self.horizon.max(horizon);
    }

    /// Whether an event of that time that is not remembered may have been stored all the same: only one that is not
    /// later than all that were forgotten.
    pub(super) fn may_be_forgotten(&self, stage: Timestamp) -> bool {
        self.horizon.is_some_and(|horizon| stage <= horizon)
    }

    /// None where it is not remembered; otherwise whether this source had not brought it yet.
    pub(super) fn confirm(&mut self, print: Print, source: Source) -> Option<bool> {
        let by = match self.new.events.get_mut(&print) {
            Some(by) => by,
            None => self.old.events.get_mut(&print)?,
        };
        let first = *by & bit(source) == 0;
        *by |= bit(source);
        Some(first)
    }

    pub(super) fn put(&mut self, print: Print, source: Source, stage: Option<Timestamp>) {
        if self.new.events.len() >= self.most {
            let forgotten = std::mem::replace(&mut self.old, std::mem::take(&mut self.new));
            self.horizon = self.horizon.max(forgotten.latest);
            // Its tables are as large as the next ones will be.
            let Generation { mut events, mut ids, .. } = forgotten;
            events.clear();
            ids.clear();
            self.new = Generation { events, ids, latest: None };
        }
        *self.new.events.entry(print).or_default() |= bit(source);
        self.new.latest = self.new.latest.max(stage);
    }

    /// Whether another event has that identity already.
    pub(super) fn identify(&mut self, id: Print, print: Print) -> bool {
        let before = self.new.ids.get(&id).or_else(|| self.old.ids.get(&id)).copied();
        if before.is_none() {
            self.new.ids.insert(id, print);
        }
        before.is_some_and(|before| before != print)
    }
}
