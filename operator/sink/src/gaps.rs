//! Stretches of time from which events may be missing, shown as soon as they are known and for as long as they are.
//!
//! A webhook loses events when it is not answered for longer than the API server tries again. Those are in the log file,
//! if it is read without a break; then the gap is closed. What the file lost is nowhere.

mod book;
mod gap;
mod ledger;
mod server;

pub use gap::{AuditGap, Cause, Heard, Note, Numbers};

use crate::journal::{Disk, ServerName, Slots, Source};
use book::Book;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Room for as many gaps as are kept.
const BYTES: u64 = 256 << 10;
/// While nothing happens, it is written down so often that the process lives.
const ALIVE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// For how long an API server tries again what was not taken.
    pub patience: Duration,
    /// By how much times of events, and the order in which they are written, may be off.
    pub margin: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { patience: Duration::from_secs(60), margin: Duration::from_secs(60) }
    }
}

/// What came of reading a log file, once it is on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// The earliest and the latest event.
    pub between: Option<(Timestamp, Timestamp)>,
    /// What was noticed on the way, in order.
    pub notes: Vec<Note>,
}

struct State {
    book: Book,
    slots: Slots,
    /// There is something that is not on disk.
    changed: bool,
    saved: Timestamp,
}

pub struct Gaps {
    state: Mutex<State>,
    options: Options,
}

impl Gaps {
    /// `committed`: when something of each server's webhook was last put in the journal, as far as the journal knows. The
    /// time since the process was last known to be fine counts as an interruption.
    pub fn open(
        disk: Arc<dyn Disk>,
        path: &Path,
        options: Options,
        servers: &[ServerName],
        committed: &BTreeMap<ServerName, Timestamp>,
        now: Timestamp,
    ) -> io::Result<Self> {
        let (mut slots, text) = Slots::open(disk, path, BYTES)?;
        let mut book: Book = match text {
            Some(text) => serde_json::from_slice(&text).map_err(io::Error::other)?,
            None => Book::default(),
        };
        book.start(&options, servers, committed, now);
        slots.save(&serde_json::to_vec(&book)?)?;
        Ok(Self { state: Mutex::new(State { book, slots, changed: false, saved: now }), options })
    }

    /// A request of its webhook, of so many bytes, is on disk.
    pub fn committed(&self, server: &ServerName, bytes: u64, now: Timestamp) {
        self.change(now, |book| book.committed(&self.options, server, bytes, now));
    }

    /// A request of its webhook, of so many bytes, was not taken; the API server will try it again.
    pub fn refused(&self, server: &ServerName, cause: Cause, bytes: u64, now: Timestamp) {
        self.change(now, |book| book.refused(&self.options, server, cause, bytes, now));
    }

    /// Something of its webhook will never be taken.
    pub fn lost(&self, server: &ServerName, cause: Cause, now: Timestamp) {
        self.change(now, |book| book.lost(server, cause, now));
    }

    /// Something of its log file is on disk. Whether what was noticed is as well: it is to be told again where it is not.
    pub fn file(&self, server: &ServerName, progress: &Progress, now: Timestamp) -> bool {
        let saved = self.change(now, |book| book.file(&self.options, server, progress, now)).1;
        saved || progress.notes.is_empty()
    }

    /// A gap that somebody else noticed.
    pub fn add(
        &self,
        server: &ServerName,
        source: Source,
        cause: Cause,
        (from, to): (Timestamp, Option<Timestamp>),
        now: Timestamp,
    ) -> u64 {
        self.change(now, |book| book.add(server, source, cause, (from, to), now)).0
    }

    /// A gap that went on ended there.
    pub fn end(&self, id: u64, to: Timestamp, now: Timestamp) {
        self.change(now, |book| book.end(&self.options, id, to, now));
    }

    /// What time alone brings about. To be called every second or so.
    pub fn tick(&self, now: Timestamp) {
        self.change(now, |book| book.tick(&self.options, now));
    }

    /// Those that are open and the last ones that were closed, oldest first.
    pub fn list(&self) -> Vec<AuditGap> {
        self.state().book.gaps().to_vec()
    }

    pub fn numbers(&self) -> Numbers {
        self.state().book.numbers()
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.state().book.heard()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What changes about gaps is on disk before anybody goes on; the rest every few seconds. Whether it is.
    fn change<T>(&self, now: Timestamp, change: impl FnOnce(&mut Book) -> T) -> (T, bool) {
        let mut state = self.state();
        let before = state.book.revision();
        let result = change(&mut state.book);
        state.changed |= state.book.revision() != before;
        if state.changed || now.duration_since(state.saved).unsigned_abs() >= ALIVE {
            let text = serde_json::to_vec(&state.book).map_err(io::Error::other);
            match text.and_then(|text| state.slots.save(&text)) {
                Ok(()) => (state.changed, state.saved) = (false, now),
                // It is tried again with the next thing that happens.
                Err(error) => tracing::warn!(%error, "gaps not written"),
            }
        }
        (result, !state.changed)
    }
}

#[cfg(test)]
mod tests;
