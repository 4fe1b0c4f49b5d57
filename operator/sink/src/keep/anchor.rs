//! Heads where whoever keeps the store cannot take them back. Only there is it proven that the end is the end.

use super::files;
use crate::metrics::Metrics;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use snc_auditlog::{AnchorLine, Head, Store};
use snc_syslog::{Kind, Message, Names, Severity, Target};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const BACKOFF: Duration = Duration::from_secs(2);
const LONGEST_BACKOFF: Duration = Duration::from_secs(120);

/// Where.
pub enum Place {
    /// Another store: its keepers are others, or it locks what it holds.
    Store(Store),
    Syslog(Box<(Target, snc_syslog::Settings)>),
}

impl Place {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Store(_) => "store",
            Self::Syslog(_) => "syslog",
        }
    }

    async fn put(&self, head: &Head) -> anyhow::Result<()> {
        match self {
            Self::Store(store) => snc_auditlog::publish(store, head).await?,
            Self::Syslog(receiver) => {
                let (target, settings) = &**receiver;
                snc_syslog::deliver(target, settings, &[message(head)]).await?;
            }
        }
        Ok(())
    }
}

fn message(head: &Head) -> Message {
    Message {
        severity: Severity::Notice,
        kind: Kind::Anchor,
        at: head.at,
        names: Names { hash: Some(head.hash().to_string()), ..Names::default() },
        body: json!({"anchor": AnchorLine::of(head).to_string()}).to_string(),
    }
}

/// The last head that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchored {
    pub number: u64,
    pub at: Timestamp,
    /// The store ended once before what was anchored. No restart takes that back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rolled_back: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct State {
    last: Option<Anchored>,
    /// Of the first head that is not there, when it was signed.
    waits_since: Option<Timestamp>,
    /// The store ends before what is anchored.
    rolled_back: bool,
}

pub struct Anchor {
    place: Place,
    /// For people.
    name: String,
    file: PathBuf,
    state: Mutex<State>,
    metrics: Arc<Metrics>,
}

impl Anchor {
    pub fn open(
        place: Place,
        name: String,
        file: PathBuf,
        metrics: Arc<Metrics>,
    ) -> Result<Self, files::Error> {
        let last: Option<Anchored> = files::read(&file)?;
        let rolled_back = last.as_ref().is_some_and(|last| last.rolled_back);
        let state = State { last, rolled_back, ..State::default() };
        metrics.anchor_failures.with_label_values(&[place.as_str()]);
        metrics.anchor_lag.with_label_values(&[place.as_str()]).set(0.0);
        Ok(Self { place, name, file, state: Mutex::new(state), metrics })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn last(&self) -> Option<Anchored> {
        self.state().last.clone()
    }

    pub fn waits_since(&self) -> Option<Timestamp> {
        self.state().waits_since
    }

    /// Whether that head is still to be put there.
    pub fn is_waiting(&self, head: Option<&Head>) -> bool {
        let state = self.state();
        let last = state.last.as_ref().map_or(0, |last| last.number);
        state.waits_since.is_some() || head.is_some_and(|head| head.number > last)
    }

    pub fn is_rolled_back(&self) -> bool {
        self.state().rolled_back
    }

    pub fn measure(&self, now: Timestamp) {
        let lag = self.waits_since().map_or(SignedDuration::ZERO, |since| now.duration_since(since));
        let gauge = self.metrics.anchor_lag.with_label_values(&[self.place.as_str()]);
        gauge.set(lag.as_secs_f64().max(0.0));
    }

    /// Each new head goes there; of those that came while it could not be reached the last one, which covers them.
    pub async fn keep(
        &self,
        mut heads: watch::Receiver<Option<Arc<Head>>>,
        stop: CancellationToken,
    ) -> &'static str {
        let mut backoff = BACKOFF;
        loop {
            let head = heads.borrow_and_update().clone();
            let due = head.filter(|head| self.is_due(head));
            let done = match &due {
                Some(head) => self.put(head).await,
                None => true,
            };
            if done {
                backoff = BACKOFF;
                tokio::select! {
                    changed = heads.changed() => if changed.is_err() { break },
                    () = stop.cancelled() => break,
                }
            } else {
                tokio::select! {
                    () = tokio::time::sleep(backoff) => {}
                    () = stop.cancelled() => break,
                }
                backoff = (backoff * 2).min(LONGEST_BACKOFF);
            }
        }
        "anchor"
    }

    fn is_due(&self, head: &Head) -> bool {
        let mut state = self.state();
        let last = state.last.as_ref().map_or(0, |last| last.number);
        if head.number < last && !state.rolled_back {
            state.rolled_back = true;
            let (anchor, number) = (&self.name, head.number);
            tracing::error!(
                anchor,
                number,
                anchored = last,
                "the store ends before what is anchored: it was put back"
            );
        }
        // A store that was put back counts again from before: what it says now is said beside what it said then.
        let due = head.number > last || (state.rolled_back && head.number != last);
        if due && state.waits_since.is_none() {
            state.waits_since = Some(head.at);
        }
        due
    }

    async fn put(&self, head: &Head) -> bool {
        if let Err(error) = self.place.put(head).await {
            self.metrics.anchor_failures.with_label_values(&[self.place.as_str()]).inc();
            tracing::warn!(anchor = self.name, number = head.number, %error, "not anchored; tried again");
            return false;
        }
        let rolled_back = self.is_rolled_back();
        let anchored = Anchored { number: head.number, at: Timestamp::now(), rolled_back };
        if let Err(error) = files::write(&self.file, &anchored) {
            tracing::warn!(%error, "anchored, but not written down: done again after a restart");
        }
        let mut state = self.state();
        (state.last, state.waits_since) = (Some(anchored), None);
        true
    }
}

#[cfg(test)]
mod tests;
