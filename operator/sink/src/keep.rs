//! Seals what is in the journal, signs what covers it, deletes what is past its retention. One task does all three: the
//! store has one writer.

pub mod anchor;
pub mod files;
pub mod past;
pub mod plan;
pub mod spare;
pub mod state;
pub mod whose;

mod due;
mod expire;
mod round;
mod stock;

pub use due::Sealing;
pub use stock::Stock;

use crate::intake::Intake;
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::wishes;
use due::Clock;
use jiff::Timestamp;
use past::Stored;
use plan::Plan;
use snc_audit::Partition;
use snc_auditlog::{Head, Writer};
use spare::Spare;
use state::{Saved, State};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use whose::Whose;

/// How the journal knows who seals.
pub const READER: &str = "seal";
/// How often it is looked whether there is anything to do.
const LOOK: Duration = Duration::from_millis(500);
const BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Journal(#[from] crate::journal::Error),
    #[error("state of sealing: {0}")]
    State(#[from] std::io::Error),
    #[error(transparent)]
    Log(#[from] snc_auditlog::Error),
    #[error("what is stored: {0}")]
    Past(#[from] crate::seen::Unknown),
}

impl Error {
    /// There is no room, as opposed to something being broken or out of reach.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Journal(error) => error.is_full(),
            _ => stock::is_full(self),
        }
    }
}

/// What sealing needs.
pub struct Parts {
    pub journal: Journal,
    /// For what the sink itself says.
    pub intake: Arc<Intake>,
    pub writer: Writer,
    pub saved: Saved,
    pub whose: Arc<Whose>,
    pub wishes: Arc<wishes::Kept>,
    pub past: Arc<Stored>,
    pub stock: Arc<Stock>,
    /// Given up where there is no room to seal, and taken back after.
    pub spare: Option<Spare>,
    pub metrics: Arc<Metrics>,
    pub sealing: Sealing,
}

pub struct Keeper {
    parts: Parts,
    clock: Clock,
    /// Whether a segment can follow in a partition: not, where what is there is too damaged for that.
    open: BTreeMap<Partition, bool>,
    heads: watch::Sender<Option<Arc<Head>>>,
}

impl Keeper {
    pub fn new(mut parts: Parts) -> Result<Self, Error> {
        doubt(&parts.writer, &mut parts.saved, parts.journal.last_position())?;
        let state = parts.saved.state();
        parts.stock.counted(state.counts);
        parts.stock.damaged(parts.writer.found().len());
        let last = parts.writer.last_head().cloned().map(Arc::new);
        if let Some(head) = &last {
            parts.stock.signed(head);
        }
        let clock = Clock::new(last.as_ref().map(|head| head.at));
        Ok(Self { parts, clock, open: BTreeMap::new(), heads: watch::Sender::new(last) })
    }

    /// The last head, whenever there is another.
    pub fn heads(&self) -> watch::Receiver<Option<Arc<Head>>> {
        self.heads.subscribe()
    }

    /// Until it is stopped; then everything that is acknowledged is sealed, if that goes within the time there is for it.
    pub async fn run(mut self, stop: CancellationToken) -> &'static str {
        let mut backoff = BACKOFF;
        while !stop.is_cancelled() {
            let wait = match self.turn().await {
                Ok(()) => {
                    backoff = BACKOFF;
                    LOOK
                }
                Err(error) => {
                    self.failed(&error);
                    let wait = backoff;
                    backoff = (backoff * 2).min(LONGEST_BACKOFF);
                    wait
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => {}
            }
        }
        if let Err(error) = self.finish().await {
            tracing::warn!(%error, "not everything is sealed; the journal has the rest");
        }
        "keep"
    }

    /// Whatever is due now.
    async fn turn(&mut self) -> Result<(), Error> {
        let now = Timestamp::now();
        let mut sealed = false;
        self.make_room();
        while self.is_due(now).await? {
            if !self.round().await? {
                break;
            }
            sealed = true;
        }
        if self.clock.head_is_due(&self.parts.sealing, sealed, Timestamp::now()) {
            self.head().await?;
        }
        if self.clock.expire_is_due(&self.parts.sealing) {
            self.expire().await;
        }
        Ok(())
    }

    /// A round that was begun always is; otherwise many entries, or an old one, or no room for more.
    async fn is_due(&mut self, now: Timestamp) -> Result<bool, Error> {
        let Parts { journal, saved, sealing, stock, .. } = &self.parts;
        let state = saved.state();
        if state.plan.is_some() {
            return Ok(true);
        }
        let waiting = journal.last_position().saturating_sub(state.through);
        if waiting == 0 {
            stock.unsealed(0, None, now);
            return Ok(false);
        }
        let next = state.through + 1;
        if self.clock.oldest.is_none_or(|(position, _)| position != next) {
            let first = journal.read_from(next, 1).await?.into_iter().next();
            self.clock.oldest = first.map(|first| (next, first.received));
        }
        let oldest = self.clock.oldest.map(|(_, received)| received);
        stock.unsealed(waiting, oldest, now);
        // Also where the clock was set back: nothing waits for it to come back.
        let old = oldest.is_none_or(|oldest| now.duration_since(oldest).abs() >= sealing.age());
        // What is sealed makes room.
        let full = journal.numbers().failing.is_some();
        Ok(waiting >= sealing.records || old || full)
    }

    /// Where the journal cannot be written although all of it is sealed, the file that it writes is what has to go.
    fn make_room(&mut self) {
        let through = self.parts.saved.state().through;
        let Parts { journal, spare: Some(spare), .. } = &mut self.parts else { return };
        let numbers = journal.numbers();
        // Once it is left there is nothing to wait for: whoever comes next finds the journal open.
        if numbers.failing.is_some() && numbers.writing && numbers.last_position <= through {
            spare.pause();
        }
        if spare.is_given_up() {
            if let Err(error) = journal.release(READER, through) {
                tracing::warn!(%error, through, "journal not released");
            }
            spare.take_back(false);
        }
    }

    async fn head(&mut self) -> Result<(), Error> {
        let head = Arc::new(self.parts.writer.head(Timestamp::now()).await?);
        self.clock.signed(head.at);
        self.parts.stock.signed(&head);
        self.heads.send_replace(Some(head));
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), Error> {
        let until = Instant::now() + self.parts.sealing.settle + Duration::from_secs(2);
        loop {
            let done = self.parts.saved.state().through >= self.parts.journal.last_position();
            if done || (!self.round().await? && Instant::now() >= until) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.head().await
    }

    fn failed(&self, error: &Error) {
        self.parts.metrics.seal_failures.inc();
        tracing::error!(%error, "not sealed; tried again");
        if error.is_full()
            && let Some(spare) = &self.parts.spare
        {
            spare.give_up();
        }
    }
}

/// The data directory may be new, or put back from before: then the store holds entries of which it does not know. What is
/// sealed from now on is counted from behind what is there.
fn doubt(writer: &Writer, saved: &mut Saved, last: u64) -> Result<(), Error> {
    let state = saved.state().clone();
    let through: Vec<Option<u64>> = writer.partitions().map(|one| writer.through(one)).collect();
    let sealed = through.iter().flatten().copied().max().unwrap_or(0);
    let known = state.base + state.plan.as_ref().map_or(state.through, Plan::through);
    if sealed > known {
        let base = sealed - state.through;
        tracing::warn!(known, sealed, base, "the store holds more than the data directory knows of");
        saved.save(State { base, doubtful: last, ..state })?;
    } else if through.contains(&None) {
        saved.save(State { doubtful: last, ..state })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
