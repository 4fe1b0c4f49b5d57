//! From items to entries of the journal, each event once.

use super::items::{Item, Items};
use super::{Intake, Taken};
use crate::gaps::Cause;
use crate::journal::{Batch, Error, ServerName, Source};
use crate::metrics::Took;
use crate::seen::{Asked, Outcome, Unknown};
use jiff::Timestamp;
use snc_audit::Unreadable;

/// Understood and appended at a time: what a request takes beside its body is bounded by it, or by one event.
pub(super) const CHUNK: usize = 2 << 20;

/// Nothing is acknowledged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Journal(#[from] Error),
    #[error("it cannot be told what is stored already: {0}")]
    Unknown(#[from] Unknown),
    #[error(transparent)]
    Unkeepable(#[from] Unreadable),
    #[error("storing failed: {0}")]
    Broken(String),
}

impl Failure {
    pub fn cause(&self) -> Cause {
        match self {
            Self::Journal(error) if error.is_full() => Cause::DiskFull,
            _ => Cause::Refused,
        }
    }
}

type Between = Option<(Timestamp, Timestamp)>;

impl Intake {
    pub(super) async fn store(
        &self,
        server: &ServerName,
        source: Source,
        items: &Items,
    ) -> Result<(Taken, Between), Failure> {
        let (mut taken, mut between) = (Taken::default(), None);
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        for item in items.iter() {
            if bytes > 0 && bytes + item.len() > CHUNK {
                self.chunk(server, source, &chunk, &mut taken).await?;
                chunk.clear();
                bytes = 0;
            }
            let read = Item::read(item)?;
            bytes += item.len();
            if let Some(stage) = read.stage {
                let (from, to) = between.unwrap_or((stage, stage));
                between = Some((stage.min(from), stage.max(to)));
            }
            chunk.push(read);
        }
        self.chunk(server, source, &chunk, &mut taken).await?;
        let label = source.into();
        self.metrics.events(label, Took::Stored, taken.stored);
        self.metrics.events(label, Took::Duplicate, taken.duplicates);
        self.metrics.events(label, Took::Unreadable, taken.unreadable);
        #[allow(clippy::cast_precision_loss)]
        let seconds = Timestamp::now().as_millisecond() as f64 / 1000.0;
        self.metrics.last_received.with_label_values(&[source.as_str(), server.as_str()]).set(seconds);
        Ok((taken, between))
    }

    async fn chunk(
        &self,
        server: &ServerName,
        source: Source,
        items: &[Item<'_>],
        taken: &mut Taken,
    ) -> Result<(), Failure> {
        let asked: Vec<Asked<'_>> = items
            .iter()
            .map(|item| Asked {
                hash: item.hash,
                stage: item.stage,
                id: item.id.as_ref().map(|(audit_id, stage)| (&**audit_id, &**stage)),
            })
            .collect();
        let mut left: Vec<usize> = (0..items.len()).collect();
        while !left.is_empty() {
            left = self.attempt(server, source, items, &asked, &left, taken).await?;
        }
        Ok(())
    }

    /// Stores what nobody else is at; gives those that somebody else was at and did not store.
    async fn attempt(
        &self,
        server: &ServerName,
        source: Source,
        items: &[Item<'_>],
        asked: &[Asked<'_>],
        left: &[usize],
        taken: &mut Taken,
    ) -> Result<Vec<usize>, Failure> {
        let asked: Vec<Asked<'_>> = left.iter().filter_map(|nth| asked.get(*nth).copied()).collect();
        // A file is there tomorrow; what a webhook brings may not come again, and stored twice is better than never.
        let certain = source == Source::File;
        let mut claim = self.seen.claim(source, &asked, certain).await?;
        let mut batch = Batch::new(Timestamp::now(), source, server);
        let mut unreadable = 0;
        for item in claim.mine().filter_map(|nth| items.get(*left.get(nth)?)) {
            unreadable += u64::from(item.unreadable.is_some());
            batch.push(&item.hash, item.stage, item.unreadable.is_some(), &item.raw);
        }
        let stored = batch.len() as u64;
        let others = claim.others();
        self.journal.append(batch).await?;
        for reused in claim.stored(&asked) {
            (self.on_reuse)(server, reused);
        }
        taken.stored += stored;
        taken.unreadable += unreadable;
        taken.duplicates += (asked.len() - others.len()) as u64 - stored;
        let mut failed = Vec::new();
        for (nth, other) in others {
            match other.outcome().await {
                Outcome::Stored => taken.duplicates += 1,
                _ => failed.extend(left.get(nth)),
            }
        }
        Ok(failed)
    }
}
