//! Takes events in: from the webhooks of API servers and from whoever reads their log files. What it says yes to is in the
//! journal.

mod answer;
mod body;
mod client;
mod items;
mod list;
mod server;
mod store;
pub mod tls;

pub use answer::{FILE, NOTES, POSITION, SERVER, WEBHOOK};
pub use client::{Clients, Stranger};
pub use items::{Item, Items, wrapped};
pub use server::{Drain, Limits, Server};
pub use store::Failure;

use crate::gaps::{Gaps, Progress};
use crate::journal::{Journal, ServerName, Source};
use crate::metrics::Metrics;
use crate::seen::{Reused, Seen};
use jiff::Timestamp;
use std::sync::Arc;

/// Where an event that has another one's identity is reported.
pub type OnReuse = Box<dyn Fn(&ServerName, Reused) + Send + Sync>;

/// What became of events that came together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    pub stored: u64,
    /// Of those, what is no event that can be read.
    pub unreadable: u64,
    pub duplicates: u64,
}

pub struct Intake {
    journal: Journal,
    seen: Arc<Seen>,
    gaps: Arc<Gaps>,
    metrics: Arc<Metrics>,
    on_reuse: OnReuse,
}

impl Intake {
    pub fn new(
        journal: Journal,
        seen: Arc<Seen>,
        gaps: Arc<Gaps>,
        metrics: Arc<Metrics>,
        on_reuse: OnReuse,
    ) -> Self {
        Self { journal, seen, gaps, metrics, on_reuse }
    }

    /// Events of a webhook. Once this says yes they are on disk, each once. Whoever stops to wait does not stop it.
    pub async fn webhook(self: &Arc<Self>, server: ServerName, items: Items) -> Result<Taken, Failure> {
        let (intake, bytes) = (self.clone(), items.text().len() as u64);
        detached(async move {
            let stored = intake.store(&server, Source::Webhook, &items).await;
            let now = Timestamp::now();
            match &stored {
                Ok((taken, _)) => {
                    intake.gaps.committed(&server, bytes, now);
                    if taken.unreadable > 0 {
                        intake.gaps.lost(&server, crate::gaps::Cause::Unreadable, now);
                    }
                }
                Err(failure) => intake.gaps.refused(&server, failure.cause(), bytes, now),
            }
            stored.map(|(taken, _)| taken)
        })
        .await
    }

    /// Events of a log file, and what was noticed while it was read.
    pub async fn file(
        self: &Arc<Self>,
        server: ServerName,
        items: Items,
        notes: Vec<crate::gaps::Note>,
    ) -> Result<Taken, Failure> {
        let intake = self.clone();
        detached(async move {
            let (taken, between) = intake.store(&server, Source::File, &items).await?;
            let progress = Progress { between, notes };
            let safe = intake.gaps.file(&server, &progress, Timestamp::now());
            let unwritten =
                || Failure::Broken("what was noticed in the file could not be written".to_owned());
            safe.then_some(taken).ok_or_else(unwritten)
        })
        .await
    }

    /// What the sink says itself.
    pub async fn own(self: &Arc<Self>, server: ServerName, items: Items) -> Result<Taken, Failure> {
        let intake = self.clone();
        detached(async move { Ok(intake.store(&server, Source::Sink, &items).await?.0) }).await
    }
}

/// To its end, also when nobody waits for it any more: what is half known to be stored would be stored twice.
async fn detached<T: Send + 'static>(
    future: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    tokio::spawn(future).await.unwrap_or_else(|error| Err(Failure::Broken(error.to_string())))
}

#[cfg(test)]
mod tests;
