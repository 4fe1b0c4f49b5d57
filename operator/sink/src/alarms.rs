//! Alarms on disk, and in the log: what was raised, who answered for it, and what nobody answered for in time.
//!
//! What is said in the log comes first. After a crash in between it is raised once more, word for word, and the intake
//! knows what it has already.

mod shown;

pub use shown::shown;

use crate::intake::{Failure, Intake};
use crate::journal::{Disk, Slots};
use crate::metrics::Metrics;
use crate::own::{Act, Saying, say};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use snc_audit::alarms::{Added, Alarms};
use snc_audit::detect::{Raised, Rules};
use snc_core::text::Refusal;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::Mutex;

/// Of one place on disk.
const ROOM: u64 = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("alarms: {0}")]
    Disk(#[from] io::Error),
    #[error("not written into the log: {0}")]
    Log(#[from] Failure),
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    /// Up to which position of the journal everything was looked at.
    through: u64,
    alarms: Alarms,
    /// Of which it was said that they are overdue.
    #[serde(default)]
    overdue: BTreeSet<u64>,
}

struct Book {
    slots: Slots,
    state: State,
    /// What is on disk.
    saved: u64,
}

impl Book {
    fn save(&mut self, state: State) -> Result<(), io::Error> {
        self.slots.save(&serde_json::to_vec(&state)?)?;
        self.saved = state.through;
        self.state = state;
        Ok(())
    }
}

/// Why an alarm was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    #[error("{}", .0.message(snc_core::lang::Lang::En))]
    Refused(Refusal),
    #[error(transparent)]
    Failed(#[from] Error),
}

pub struct Ledger {
    book: Mutex<Book>,
    shown: RwLock<Arc<Alarms>>,
    intake: Arc<Intake>,
    metrics: Arc<Metrics>,
}

/// Read before there is an intake: the journal has to begin after what was looked at already.
pub struct Read {
    slots: Slots,
    state: State,
}

impl Read {
    pub fn open(disk: Arc<dyn Disk>, path: &Path) -> io::Result<Self> {
        let (slots, text) = Slots::open(disk, path, ROOM)?;
        let state = match text {
            Some(text) => serde_json::from_slice(&text)
                .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?,
            None => State::default(),
        };
        Ok(Self { slots, state })
    }

    pub fn through(&self) -> u64 {
        self.state.through
    }
}

impl Ledger {
    pub fn new(read: Read, intake: Arc<Intake>, metrics: Arc<Metrics>) -> Self {
        let Read { slots, state } = read;
        let shown = RwLock::new(Arc::new(state.alarms.clone()));
        let saved = state.through;
        Self { book: Mutex::new(Book { slots, state, saved }), shown, intake, metrics }
    }

    /// As they are now.
    pub fn all(&self) -> Arc<Alarms> {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub async fn through(&self) -> u64 {
        self.book.lock().await.state.through
    }

    /// What was raised by the entries up to that position, with the time at which each was acknowledged. Where nothing
    /// was, it is written down only if it is `anyway`. Gives up to where it is on disk.
    pub async fn raise(
        &self,
        raised: &[(Raised, Timestamp)],
        through: u64,
        anyway: bool,
    ) -> Result<u64, Error> {
        let mut book = self.book.lock().await;
        if raised.is_empty() && !anyway {
            book.state.through = book.state.through.max(through);
            return Ok(book.saved);
        }
        let mut state = book.state.clone();
        let mut sayings = Vec::new();
        for (raised, at) in raised {
            match state.alarms.add(raised, *at) {
                Added::Opened(id) => {
                    self.metrics.alarms.with_label_values(&[raised.rule.as_str()]).inc();
                    let alarm = state.alarms.get(id);
                    let shown = alarm.map(|alarm| shown(alarm, *at)).unwrap_or_default();
                    sayings.push(Saying::new(Act::AlarmRaised, &id.to_string(), None, *at, &shown));
                }
                Added::Overflowed if state.alarms.overflow().count == 1 => {
                    sayings.push(Saying::new(
                        Act::AlarmRaised,
                        "overflow",
                        None,
                        *at,
                        state.alarms.overflow(),
                    ));
                }
                Added::Counted(_) | Added::Known | Added::Overflowed => {}
            }
        }
        say(&self.intake, &sayings).await?;
        state.through = state.through.max(through);
        book.save(state)?;
        self.show(&book.state.alarms);
        Ok(book.saved)
    }

    /// Says once of each alarm that it is overdue.
    pub async fn remind(&self, now: Timestamp) -> Result<(), Error> {
        let mut book = self.book.lock().await;
        let late: Vec<snc_audit::Alarm> = {
            let State { alarms, overdue, .. } = &book.state;
            alarms.overdue(now).filter(|alarm| !overdue.contains(&alarm.id)).cloned().collect()
        };
        if late.is_empty() {
            return Ok(());
        }
        let saying = |alarm: &snc_audit::Alarm| {
            // The same text whenever it is said.
            let due = alarm.first.min(alarm.opened).saturating_add(snc_audit::alarms::ANSWER_WITHIN);
            let due = due.unwrap_or(now);
            Saying::new(Act::AlarmOverdue, &alarm.id.to_string(), None, due, &shown(alarm, now))
        };
        say(&self.intake, &late.iter().map(saying).collect::<Vec<_>>()).await?;
        let mut state = book.state.clone();
        state.overdue.extend(late.iter().map(|alarm| alarm.id));
        state.overdue.retain(|id| state.alarms.get(*id).is_some_and(snc_audit::Alarm::is_open));
        book.save(state)?;
        Ok(())
    }

    /// On disk and in the log once this returns.
    pub async fn acknowledge(
        &self,
        id: u64,
        by: &str,
        decision: &str,
        now: Timestamp,
    ) -> Result<snc_audit::Alarm, Unanswered> {
        let mut book = self.book.lock().await;
        let mut state = book.state.clone();
        let alarm = state.alarms.acknowledge(id, by, decision, now).map_err(Unanswered::Refused)?.clone();
        let saying = Saying::new(Act::AlarmAcknowledged, &id.to_string(), Some(by), now, &shown(&alarm, now));
        say(&self.intake, &[saying]).await.map_err(Error::from)?;
        state.overdue.remove(&id);
        book.save(state).map_err(Error::from)?;
        self.show(&book.state.alarms);
        Ok(alarm)
    }

    fn show(&self, alarms: &Alarms) {
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(alarms.clone());
    }

    pub fn measure(&self, now: Timestamp) {
        let alarms = self.all();
        let Ok(rules) = Rules::all() else { return };
        let count = |many: usize| i64::try_from(many).unwrap_or(i64::MAX);
        for rule in rules.iter() {
            let of = |alarm: &&snc_audit::Alarm| alarm.rule == rule.id;
            let labels = [rule.id.as_str()];
            self.metrics.alarms_open.with_label_values(&labels).set(count(alarms.open().filter(of).count()));
            let overdue = alarms.overdue(now).filter(of).count();
            self.metrics.alarms_overdue.with_label_values(&labels).set(count(overdue));
        }
    }
}

#[cfg(test)]
mod tests;
