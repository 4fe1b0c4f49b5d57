//! Gaps and wishes, told in the log whenever they change.

use crate::gaps::{AuditGap, Gaps};
use crate::intake::{Failure, Intake};
use crate::keep::files;
use crate::metrics::Metrics;
use crate::own::{Act, Saying, say};
use crate::wishes::{Kept, Wishes};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const LOOK: Duration = Duration::from_secs(1);

/// Which gaps were told of, and whether that they are closed was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    through: u64,
    gaps: BTreeMap<u64, bool>,
}

impl Told {
    fn new_in(&self, gaps: &[AuditGap]) -> (Self, Vec<Saying>) {
        let (mut next, mut sayings) = (self.clone(), Vec::new());
        for gap in gaps {
            let told = self.gaps.get(&gap.id).copied();
            let id = gap.id.to_string();
            if told.is_none() && gap.id > self.through {
                sayings.push(Saying::new(Act::GapOpened, &id, None, gap.opened, gap));
            }
            if let (Some(closed), false) = (gap.closed, told.unwrap_or(false)) {
                sayings.push(Saying::new(Act::GapClosed, &id, None, closed, gap));
            }
            next.through = next.through.max(gap.id);
        }
        next.gaps = gaps.iter().map(|gap| (gap.id, gap.closed.is_some())).collect();
        (next, sayings)
    }
}

pub struct Notices {
    pub gaps: Arc<Gaps>,
    pub wishes: Arc<Kept>,
    pub intake: Arc<Intake>,
    pub metrics: Arc<Metrics>,
    pub told: Written,
}

/// What was told of gaps, and where that is written down.
pub struct Written {
    file: PathBuf,
    told: Told,
}

impl Written {
    pub fn open(file: PathBuf) -> Result<Self, files::Error> {
        let told = files::read(&file)?.unwrap_or_default();
        Ok(Self { file, told })
    }
}

impl Notices {
    /// Follows both until it is stopped.
    pub async fn run(
        mut self,
        mut asked: watch::Receiver<Option<Wishes>>,
        stop: CancellationToken,
    ) -> &'static str {
        let mut waiting: Option<Wishes> = asked.borrow_and_update().clone();
        loop {
            let now = Timestamp::now();
            if let Some(wishes) = &waiting
                && self.wish(wishes, now).await
            {
                waiting = None;
            }
            self.gaps.tick(now);
            self.measure();
            self.tell().await;
            tokio::select! {
                changed = asked.changed(), if waiting.is_none() => match changed {
                    Ok(()) => waiting.clone_from(&asked.borrow_and_update()),
                    // Nobody asks any more; what was asked for holds.
                    Err(_) => tokio::time::sleep(LOOK).await,
                },
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => break,
            }
        }
        "notices"
    }

    async fn tell(&mut self) {
        let Written { file, told } = &mut self.told;
        let (next, sayings) = told.new_in(&self.gaps.list());
        if next == *told {
            return;
        }
        match say(&self.intake, &sayings).await {
            Ok(()) => {
                if let Err(error) = files::write(file, &next) {
                    tracing::warn!(%error, "what was told of gaps is told again after a restart");
                }
                *told = next;
            }
            Err(error) => tracing::warn!(%error, "gaps not written down in the log yet"),
        }
    }

    /// Whether it is settled.
    async fn wish(&self, wishes: &Wishes, now: Timestamp) -> bool {
        let before = self.wishes.now();
        let refused = match self.wishes.take(wishes) {
            Ok(refused) => refused,
            Err(error) => {
                tracing::error!(%error, "what is asked for cannot be written down, and does not hold yet");
                return false;
            }
        };
        let after = self.wishes.now();
        self.metrics.wishes_refused.set(i64::try_from(self.wishes.refused().len()).unwrap_or(i64::MAX));
        let mut sayings: Vec<Saying> = refused
            .iter()
            .map(|refusal| Saying::new(Act::WishRefused, &refusal.path, None, now, refusal))
            .collect();
        let differs = Wishes { generation: before.generation, ..after.clone() } != before;
        if differs {
            let what = json!({"before": before, "now": after});
            sayings.push(Saying::new(Act::WishTaken, &after.generation.to_string(), None, now, &what));
        }
        let said: Result<(), Failure> = say(&self.intake, &sayings).await;
        if let Err(error) = said {
            tracing::warn!(%error, "a change of what is asked for is not written down in the log");
        }
        true
    }

    fn measure(&self) {
        let numbers = self.gaps.numbers();
        for ((source, cause), opened) in &numbers.opened {
            let labels = [source.as_str(), cause.as_str()];
            let open = numbers.open.get(&(*source, *cause)).copied().unwrap_or(0);
            self.metrics.gaps_open.with_label_values(&labels).set(i64::try_from(open).unwrap_or(i64::MAX));
            let counter = self.metrics.gaps.with_label_values(&labels);
            counter.inc_by(opened.saturating_sub(counter.get()));
        }
    }
}

#[cfg(test)]
mod tests;
