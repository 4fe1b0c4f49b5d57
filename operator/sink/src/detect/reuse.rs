//! Events that have another one's identity, as the intake reports them: perhaps before whoever looks at events has read
//! them, perhaps after.

use crate::journal::Entry;
use crate::seen::Reused;
use snc_audit::canonical::Hash;
use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The last ones that were read; and those that were reported and are still to be read.
const RECENT: usize = 16_384;
const WAITING: usize = 16_384;

/// One that is in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    pub position: u64,
    pub hash: Hash,
    /// In the place of the other one, of which it is not said which it is.
    pub first: Hash,
}

#[derive(Default)]
struct State {
    waiting: HashSet<Hash>,
    recent: VecDeque<(Hash, u64)>,
    due: Vec<Due>,
}

impl State {
    fn found(&mut self, hash: Hash, position: u64) {
        self.due.push(Due { position, hash, first: Hash([0; 32]) });
    }
}

#[derive(Default)]
pub struct Reuses(Mutex<State>);

impl Reuses {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn report(&self, reused: &Reused) {
        let mut state = self.state();
        let read = state.recent.iter().rev().find(|(hash, _)| *hash == reused.hash).copied();
        match read {
            Some((hash, position)) => state.found(hash, position),
            None if state.waiting.len() < WAITING => drop(state.waiting.insert(reused.hash)),
            None => {
                tracing::error!(
                    audit_id = reused.audit_id,
                    "too many events of one identity to tell of each"
                );
            }
        }
    }

    pub fn came(&self, entry: &Entry) {
        let mut state = self.state();
        if state.recent.len() >= RECENT {
            state.recent.pop_front();
        }
        state.recent.push_back((entry.hash, entry.position));
        if state.waiting.remove(&entry.hash) {
            state.found(entry.hash, entry.position);
        }
    }

    /// Those that can be told of. They stay until it is said that they were.
    pub fn due(&self) -> Vec<Due> {
        self.state().due.clone()
    }

    pub fn told(&self, told: &[Due]) {
        self.state().due.retain(|due| !told.contains(due));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{ServerName, Source};
    use jiff::Timestamp;

    fn entry(nth: u8, position: u64) -> Entry {
        Entry {
            position,
            received: Timestamp::now(),
            source: Source::Webhook,
            server: ServerName::new("un").unwrap(),
            hash: Hash([nth; 32]),
            stage: None,
            unreadable: false,
            raw: "{}".into(),
        }
    }

    fn reused(nth: u8) -> Reused {
        Reused { audit_id: "a".into(), stage: "s".into(), hash: Hash([nth; 32]) }
    }

    #[test]
    fn it_is_found_whichever_comes_first_and_told_once() {
        let reuses = Reuses::default();
        reuses.came(&entry(1, 1));
        reuses.report(&reused(1));
        reuses.report(&reused(2));
        assert_eq!(reuses.due().iter().map(|due| due.position).collect::<Vec<_>>(), [1]);
        reuses.came(&entry(2, 2));
        let due = reuses.due();
        assert_eq!(due.iter().map(|due| due.position).collect::<Vec<_>>(), [1, 2]);
        reuses.told(&due);
        reuses.came(&entry(2, 3));
        assert!(reuses.due().is_empty());
    }
}
