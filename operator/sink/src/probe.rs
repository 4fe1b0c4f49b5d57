//! One harmless call, marked, that has to come back through the log: it proves the way from end to end, and measures it.

mod course;

pub use course::{Course, Found};

use crate::cluster::{Cluster, MARK, Marked};
use crate::gaps::{Cause, Gaps};
use crate::journal::{ServerName, Source};
use crate::metrics::{Marking, Metrics};
use crate::status::{ProbeStatus, SourceKind};
use crate::wishes::Wishes;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// After the start: whoever is to bring it back starts as well.
const FIRST: Duration = Duration::from_secs(15);
/// Sightings that wait: anybody can put a mark into a user agent.
const WAITING: usize = 64;

/// A marked event that is in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    pub nonce: String,
    /// When it was acknowledged.
    pub received: Timestamp,
    pub source: Source,
    /// By the API server's clock.
    pub requested: Option<Timestamp>,
}

impl Sighting {
    /// What the user agent says after the mark.
    pub fn nonce_of(agent: &str) -> Option<&str> {
        let (_, after) = agent.split_once(MARK)?;
        let end = after.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(after.len());
        after.get(..end).filter(|nonce| !nonce.is_empty())
    }
}

/// For whoever reads the journal.
pub fn sightings() -> (mpsc::Sender<Sighting>, mpsc::Receiver<Sighting>) {
    mpsc::channel(WAITING)
}

pub struct Probe {
    pub cluster: Arc<dyn Cluster>,
    pub wishes: watch::Receiver<Wishes>,
    pub sightings: mpsc::Receiver<Sighting>,
    pub gaps: Arc<Gaps>,
    /// Nobody knows which of them answers a call.
    pub servers: Vec<ServerName>,
    pub told: watch::Sender<Option<ProbeStatus>>,
    pub metrics: Arc<Metrics>,
}

impl Probe {
    pub async fn run(mut self, stop: CancellationToken) -> &'static str {
        let mut course = Course::default();
        let mut next = Instant::now() + FIRST;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(next) => {
                    let began = Instant::now();
                    tokio::select! {
                        () = self.once(&mut course) => {}
                        () = stop.cancelled() => break,
                    }
                    let period = u64::from(self.wishes.borrow_and_update().probe_seconds);
                    next = began + Duration::from_secs(period);
                }
                // One that was given up may still come.
                sighting = self.sightings.recv() => match sighting {
                    Some(sighting) => course.late(&sighting),
                    None => break,
                },
                () = stop.cancelled() => break,
            }
        }
        "probe"
    }

    async fn once(&mut self, course: &mut Course) {
        let limit = Duration::from_secs(u64::from(self.wishes.borrow().probe_limit_seconds));
        let nonce = format!("{:032x}", rand::random::<u128>());
        let marked = match timeout(limit, self.cluster.mark(&nonce)).await {
            Ok(Ok(marked)) => marked,
            // That says nothing of the log.
            Ok(Err(error)) => return self.not_made(&error.to_string()),
            Err(_) => return self.not_made("no answer in time"),
        };
        let found = timeout(limit, self.sighted(&nonce, course)).await.ok().flatten();
        let found = found.map(|sighting| Found::of(&marked, &sighting));
        self.tell(&marked, found, course.marked(&nonce, &marked, found));
    }

    async fn sighted(&mut self, nonce: &str, course: &mut Course) -> Option<Sighting> {
        loop {
            let sighting = self.sightings.recv().await?;
            if sighting.nonce == nonce {
                return Some(sighting);
            }
            course.late(&sighting);
        }
    }

    fn not_made(&self, why: &str) {
        tracing::warn!(why, "marked call not made");
        self.count(Marking::Failed);
    }

    fn tell(&self, marked: &Marked, found: Option<Found>, turn: course::Turn) {
        let now = Timestamp::now();
        self.count(match found.map(|found| found.source) {
            Some(Source::File) => Marking::File,
            Some(_) => Marking::Webhook,
            None => Marking::Missed,
        });
        if let Some(Found { delay, skew, .. }) = found {
            self.metrics.probe_delay.observe(delay.as_secs_f64());
            self.metrics.probe_skew.set(skew.as_secs_f64());
        } else {
            tracing::warn!(at = %marked.sent, "a marked call did not come back through the log in time");
        }
        if let course::Turn::Begins { from } = turn {
            // It is of the faster way: what the file then shows to be whole, closes it.
            for server in &self.servers {
                self.gaps.add(server, Source::Webhook, Cause::ProbeMissed, (from, None), now);
            }
        }
        if turn == course::Turn::Ends {
            let missed = |gap: &crate::gaps::AuditGap| gap.cause == Cause::ProbeMissed && gap.to.is_none();
            for gap in self.gaps.list().into_iter().filter(missed) {
                self.gaps.end(gap.id, marked.sent, now);
            }
        }
        self.told.send_replace(Some(status(marked, found)));
    }

    fn count(&self, marking: Marking) {
        self.metrics.probes.with_label_values(&[marking.as_str()]).inc();
    }
}

fn status(marked: &Marked, found: Option<Found>) -> ProbeStatus {
    let milliseconds = |time: jiff::SignedDuration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    ProbeStatus {
        at: marked.sent,
        arrived: found.is_some(),
        delay_milliseconds: found.map(|found| milliseconds(found.delay)),
        skew_milliseconds: found.and_then(|found| found.is_dated.then(|| milliseconds(found.skew))),
        via: found
            .map(|found| if found.source == Source::File { SourceKind::File } else { SourceKind::Webhook }),
    }
}

#[cfg(test)]
mod tests;
