//! How far sealing is, on disk. It can be written while the disk is full: that is when it has to go on.

use super::plan::{Place, Plan};
use crate::journal::{Disk, Slots};
use serde::{Deserialize, Serialize};
use snc_audit::{Partition, Reason};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Of one place. Plans take some kilobytes, and have room to grow from the beginning.
const ROOM: u64 = 256 << 10;

/// Records that were sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    pub platform: u64,
    pub tenants: u64,
    /// Of the platform's.
    pub unattributed: u64,
}

impl Counts {
    pub fn add(&mut self, place: &Place) {
        match place.partition {
            Partition::Platform => self.platform += 1,
            Partition::Tenant(_) => self.tenants += 1,
        }
        if place.reason == Reason::NamespaceUnknown {
            self.unattributed += 1;
        }
    }

    pub fn total(&self) -> u64 {
        self.platform + self.tenants
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct State {
    /// Everything up to there is sealed.
    pub through: u64,
    /// What is added to a position for the store's sake: a journal that begins anew must not look as if it were sealed.
    #[serde(default)]
    pub base: u64,
    /// Up to there an entry may be in the store although nothing here says so.
    #[serde(default)]
    pub doubtful: u64,
    pub counts: Counts,
    /// A round that was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
}

pub struct Saved {
    slots: Slots,
    state: State,
}

impl State {
    /// The last position of which something is decided.
    pub fn decided(&self) -> u64 {
        self.plan.as_ref().map_or(self.through, |plan| plan.through().max(self.through))
    }
}

impl Saved {
    /// Whether it was there before, too.
    pub fn open(disk: Arc<dyn Disk>, path: &Path) -> io::Result<(Self, bool)> {
        let (slots, text) = Slots::open(disk, path, ROOM)?;
        let was_there = text.is_some();
        let state = match text {
            Some(text) => serde_json::from_slice(&text)
                .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?,
            None => State::default(),
        };
        Ok((Self { slots, state }, was_there))
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// It holds once it is on disk.
    pub fn save(&mut self, state: State) -> io::Result<()> {
        let text = serde_json::to_vec(&state)?;
        self.slots.save(&text)?;
        self.state = state;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Os;
    use tempfile::TempDir;

    #[test]
    fn a_round_that_was_begun_is_known_after_a_restart() {
        let place = TempDir::new().unwrap();
        let path = place.path().join("keep.state");
        let (mut saved, was_there) = Saved::open(Arc::new(Os), &path).unwrap();
        assert!(!was_there && *saved.state() == State::default());
        let mut plan = Plan::new(8);
        plan.put(8, Place::new(Partition::Platform, Reason::NamespaceUnknown));
        let mut counts = Counts::default();
        plan.iter().filter_map(|(_, place)| place).for_each(|place| counts.add(place));
        assert_eq!((counts.total(), counts.unattributed), (1, 1));
        let state = State { through: 7, base: 3, doubtful: 5, counts, plan: Some(plan) };
        saved.save(state.clone()).unwrap();
        drop(saved);
        let (saved, was_there) = Saved::open(Arc::new(Os), &path).unwrap();
        assert!(was_there);
        assert_eq!(*saved.state(), state);
    }
}
