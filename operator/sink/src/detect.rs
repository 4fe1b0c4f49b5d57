//! Looks at every event once it is acknowledged: what is worth an alarm, and what is a marked call that came back. It
//! does not wait for sealing: while the store is out of reach, alarms are raised all the same.

mod reuse;

pub use reuse::Reuses;

use crate::alarms::{self, Ledger};
use crate::journal::{self, Entry, Journal, Source};
use crate::keep::whose::Whose;
use crate::metrics::Metrics;
use crate::policy::Applied;
use crate::probe::Sighting;
use jiff::{SignedDuration, Timestamp};
use snc_audit::Event;
use snc_audit::detect::{Detector, Raised};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How the journal knows who looks.
pub const READER: &str = "detect";
const READ: usize = 2 << 20;
/// Where nothing is raised, it is written down so often how far it is.
const WRITE: Duration = Duration::from_secs(30);
const REMIND: Duration = Duration::from_secs(60);
const IDLE: Duration = Duration::from_secs(1);
/// So long it is waited until it is known whose what is.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);
const BACKOFF: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Journal(#[from] journal::Error),
    #[error(transparent)]
    Alarms(#[from] alarms::Error),
}

pub struct Watch {
    pub journal: Journal,
    pub detector: Detector,
    pub whose: Arc<Whose>,
    pub ledger: Arc<Ledger>,
    pub reuses: Arc<Reuses>,
    pub applied: Arc<Applied>,
    pub sightings: mpsc::Sender<Sighting>,
    pub metrics: Arc<Metrics>,
}

impl Watch {
    pub async fn run(self, stop: CancellationToken) -> &'static str {
        let mut committed = self.journal.committed();
        let mut written = Instant::now();
        let mut reminded = Instant::now() - REMIND;
        loop {
            committed.mark_unchanged();
            let stopping = stop.is_cancelled();
            let anyway = stopping || written.elapsed() >= WRITE;
            let turn = async {
                let more = self.turn(anyway).await?;
                if reminded.elapsed() >= REMIND {
                    self.ledger.remind(Timestamp::now()).await?;
                    reminded = Instant::now();
                }
                Ok::<bool, Error>(more)
            };
            let wait = match turn.await {
                Ok(true) => continue,
                Ok(false) => IDLE,
                Err(error) => {
                    tracing::error!(%error, "events not looked at; tried again");
                    BACKOFF
                }
            };
            if anyway {
                written = Instant::now();
                if let Err(error) = self.applied.save() {
                    tracing::warn!(%error, "what was seen of the audit policy is not written down");
                }
            }
            if stopping {
                return "detect";
            }
            tokio::select! {
                _ = committed.changed(), if wait == IDLE => {}
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Whether there may be more.
    async fn turn(&self, anyway: bool) -> Result<bool, Error> {
        let from = self.ledger.through().await + 1;
        let mut entries = self.journal.read_from(from, READ).await?;
        if !self.whose.is_synced() {
            let now = Timestamp::now();
            let young = |entry: &Entry| now.duration_since(entry.received) < PATIENCE;
            entries.truncate(entries.iter().position(young).unwrap_or(entries.len()));
        }
        let through = entries.last().map_or(from - 1, |last| last.position);
        let mut raised: Vec<(Raised, Timestamp)> = Vec::new();
        for entry in &entries {
            self.look(entry, &mut raised);
        }
        let reused = self.reuses.due();
        for reused in &reused {
            raised.extend(self.reused(reused).await?);
        }
        let saved = self.ledger.raise(&raised, through, anyway).await?;
        self.reuses.told(&reused);
        self.journal.release(READER, saved)?;
        let lag = entries
            .first()
            .map_or(0.0, |first| Timestamp::now().duration_since(first.received).as_secs_f64());
        self.metrics.detect_lag.set(lag.max(0.0));
        Ok(!entries.is_empty())
    }

    fn look(&self, entry: &Entry, raised: &mut Vec<(Raised, Timestamp)>) {
        self.reuses.came(entry);
        // What the sink says itself is no news to it.
        if entry.source == Source::Sink {
            return;
        }
        let Ok(event) = Event::parse(&entry.raw) else { return };
        if let Some(nonce) = Sighting::nonce_of(&event.user_agent) {
            let sighting = Sighting {
                nonce: nonce.to_owned(),
                received: entry.received,
                source: entry.source,
                requested: event.request_received_timestamp,
            };
            // Whoever floods it with marks is not the probe.
            let _ = self.sightings.try_send(sighting);
        }
        self.applied.see(&event);
        let (partition, _) = self.whose.attribute(&event);
        let found = self.detector.look(&event, &partition);
        raised.extend(found.into_iter().map(|found| (found, entry.received)));
    }

    /// Two different events of one identity: of the later one it is told.
    async fn reused(&self, reused: &reuse::Due) -> Result<Option<(Raised, Timestamp)>, Error> {
        let entries = self.journal.read_from(reused.position, 1).await?;
        let Some(entry) = entries.into_iter().find(|entry| entry.hash == reused.hash) else {
            return Ok(None);
        };
        let Ok(event) = Event::parse(&entry.raw) else { return Ok(None) };
        let (partition, _) = self.whose.attribute(&event);
        let raised =
            snc_audit::detect::audit_id_reused((&event, reused.first), (&event, reused.hash), &partition);
        Ok(raised.ok().flatten().map(|raised| (raised, entry.received)))
    }
}

#[cfg(test)]
mod tests;
