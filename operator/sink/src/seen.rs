//! Which events are there already, so that each is stored once, whoever brings it and however often.
//!
//! Lately stored ones are remembered in memory; of events that are too old for it, the journal and the store are asked.
//! While one is being stored, whoever brings it again waits for that.

mod claim;
mod window;

pub use claim::{Claim, Outcome, Waiting};

use crate::journal::{Borrowed, Source};
use futures::future::BoxFuture;
use jiff::Timestamp;
use snc_audit::Event;
use snc_audit::canonical::Hash;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use window::{Print, Prints, Window};

/// An event that may have been stored before what is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Older {
    pub hash: Hash,
    /// `stageTimestamp`.
    pub stage: Timestamp,
}

/// It cannot be told. It is never taken for a no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unknown(pub String);

/// Where events are that are not remembered.
pub trait Past: Send + Sync + 'static {
    /// One answer for each, in order.
    fn holds<'a>(&'a self, asked: &'a [Older]) -> BoxFuture<'a, Result<Vec<bool>, Unknown>>;
}

/// What is asked of one event.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub hash: Hash,
    /// `stageTimestamp`; without one it is only looked for among what is remembered.
    pub stage: Option<Timestamp>,
    /// `auditID` and `stage`.
    pub id: Option<(&'a str, &'a str)>,
}

impl<'a> Asked<'a> {
    pub fn of(hash: Hash, event: &'a Event<'_>) -> Self {
        Self { hash, stage: event.stage_timestamp, id: Some((&event.audit_id, event.stage_word())) }
    }
}

/// Two different events under one `auditID` and stage. Both are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reused {
    pub audit_id: String,
    pub stage: String,
    /// Of the one that came later.
    pub hash: Hash,
}

#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// At least so many of the last events are remembered, and at most twice as many. One takes about 75 bytes.
    pub entries: usize,
}

impl Default for Options {
    fn default() -> Self {
        // As many as fill a table of 2^18 places, before it would grow to the next.
        Self { entries: 229_376 }
    }
}

/// How often since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Numbers {
    /// Stored before, and now brought by the other source for the first time.
    pub confirmed: u64,
    /// Brought again by a source that brought it before.
    pub repeated: u64,
    /// Found in the journal or the store only.
    pub old: u64,
    pub reused: u64,
    pub remembered: u64,
}

#[derive(Default)]
struct Counted {
    confirmed: AtomicU64,
    repeated: AtomicU64,
    old: AtomicU64,
    reused: AtomicU64,
}

fn add(counter: &AtomicU64, many: u64) {
    counter.fetch_add(many, Ordering::Relaxed);
}

struct Memory {
    window: Window,
    /// Being stored now, and by whom.
    under_way: HashMap<Print, Waiting, window::Plain>,
}

pub struct Seen {
    memory: Mutex<Memory>,
    prints: Prints,
    pasts: OnceLock<Vec<Arc<dyn Past>>>,
    counted: Counted,
}

impl Seen {
    pub fn new(options: Options) -> Self {
        let window = Window::new(options.entries);
        let memory = Mutex::new(Memory { window, under_way: HashMap::default() });
        Self { memory, prints: Prints::default(), pasts: OnceLock::new(), counted: Counted::default() }
    }

    /// Once what the journal holds is remembered. `horizon`: no event that it let go is later. `pasts` are asked in order;
    /// what leaves one for another has to be in the other first, so the journal comes before the store.
    pub fn begin(&self, horizon: Option<Timestamp>, pasts: Vec<Arc<dyn Past>>) {
        self.memory().window.behind(horizon);
        let _ = self.pasts.set(pasts);
    }

    /// An event that is in the journal, while that is opened.
    pub fn remember(&self, entry: &Borrowed<'_>) {
        let event = if entry.unreadable { None } else { Event::parse(entry.raw).ok() };
        let id = event.as_ref().map(|event| self.prints.id(&event.audit_id, event.stage_word()));
        let print = self.prints.hash(&entry.hash);
        let mut memory = self.memory();
        memory.window.put(print, entry.source, entry.stage);
        if let Some(id) = id {
            memory.window.identify(id, print);
        }
    }

    pub fn numbers(&self) -> Numbers {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counted { confirmed, repeated, old, reused } = &self.counted;
        Numbers {
            confirmed: read(confirmed),
            repeated: read(repeated),
            old: read(old),
            reused: read(reused),
            remembered: self.memory().window.len() as u64,
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, memory: &mut Memory, print: Print, source: Source) -> bool {
        match memory.window.confirm(print, source) {
            None => return false,
            Some(true) => add(&self.counted.confirmed, 1),
            Some(false) => add(&self.counted.repeated, 1),
        }
        true
    }
}

#[cfg(test)]
mod tests;
