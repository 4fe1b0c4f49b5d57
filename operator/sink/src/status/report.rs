//! Puts the status together and has it written when it is worth it.

use super::{
    AlarmsStatus, Anchoring, Due, Facts, ForwardingStatus, ProbeStatus, RecordsStatus, SealStatus,
    SourceKind, SourceState, SourceStatus, Status, StoreKind, StoreStatus, Turn, gap_items, gather,
};
use crate::alarms::Ledger;
use crate::cluster::Cluster;
use crate::gaps::{Gaps, Heard};
use crate::journal::Source;
use crate::keep::Stock;
use crate::keep::anchor::Anchor;
use crate::metrics::Metrics;
use crate::policy::Applied;
use crate::wishes::{Kept, Wishes};
use jiff::{SignedDuration, Timestamp};
use snc_core::lang::Lang;
use snc_syslog::Progress;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const LOOK: Duration = Duration::from_secs(1);
const WITHIN: Duration = Duration::from_secs(10);
const BACKOFF: Duration = Duration::from_secs(15);
/// A head that waits longer than this for its anchor is late.
const ANCHOR_LATE: SignedDuration = SignedDuration::from_mins(15);

pub struct Reporter {
    pub cluster: Arc<dyn Cluster>,
    pub wishes: Arc<Kept>,
    pub gaps: Arc<Gaps>,
    pub stock: Arc<Stock>,
    pub ledger: Arc<Ledger>,
    pub anchors: Vec<Arc<Anchor>>,
    pub probe: watch::Receiver<Option<ProbeStatus>>,
    pub applied: Arc<Applied>,
    pub syslog: Option<watch::Receiver<Progress>>,
    pub store: (StoreKind, watch::Receiver<bool>),
    pub lang: Lang,
    pub metrics: Arc<Metrics>,
    pub told: watch::Sender<Option<Status>>,
}

impl Reporter {
    pub async fn run(self, stop: CancellationToken) -> &'static str {
        let (mut due, mut failing) = (Due::default(), None);
        loop {
            let before = self.told.borrow().clone();
            let status = gather(before.as_ref(), self.facts(), self.lang, Timestamp::now());
            self.told.send_replace(Some(status.clone()));
            let wait = match due.turn(&status, Instant::now()) {
                Turn::Wait(_) => LOOK,
                Turn::Now | Turn::Calm => match self.write(&status).await {
                    Ok(()) => {
                        due.written(status, Instant::now());
                        failing = None;
                        LOOK
                    }
                    Err(error) => {
                        self.metrics.report_failures.inc();
                        // Once, and not every few seconds, where nobody is there to write to.
                        if failing.as_ref() != Some(&error) {
                            tracing::warn!(error, "status not written; tried again");
                        }
                        failing = Some(error);
                        BACKOFF
                    }
                },
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return "status",
            }
        }
    }

    async fn write(&self, status: &Status) -> Result<(), String> {
        match tokio::time::timeout(WITHIN, self.cluster.report(status)).await {
            Ok(told) => told.map_err(|error| error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }

    fn facts(&self) -> Facts {
        let (now, wishes) = (Timestamp::now(), self.wishes.now());
        let numbers = self.gaps.numbers();
        let counts = self.stock.counts();
        let alarms = self.ledger.all();
        Facts {
            sources: sources(&self.gaps.heard(), &wishes, now),
            gaps: gap_items(&self.gaps.list()),
            gaps_total: numbers.total,
            store: StoreStatus {
                kind: self.store.0,
                locked: *self.store.1.borrow(),
                bytes: self.stock.bytes(),
                forecast_days: self.stock.forecast(now),
                free: self.stock.free().1,
            },
            seal: self.seal(),
            anchoring: Anchoring {
                wanted: !self.anchors.is_empty(),
                waits_since: self.anchors.iter().filter_map(|anchor| anchor.waits_since()).min(),
                late_after: ANCHOR_LATE,
            },
            damage: self.stock.damage()
                + self.anchors.iter().filter(|anchor| anchor.is_rolled_back()).count(),
            probe: self.probe.borrow().clone(),
            alarms: AlarmsStatus {
                open: alarms.open().count() as u64 + alarms.overflow().count,
                overdue: alarms.overdue(now).count() as u64,
                oldest_open: alarms.oldest_open(),
            },
            policy: self.applied.status(now),
            records: RecordsStatus {
                total: counts.total(),
                platform: counts.platform,
                tenants: counts.tenants,
                unattributed: counts.unattributed,
            },
            forwarding: self.syslog.as_ref().map(|progress| {
                let progress = progress.borrow();
                ForwardingStatus {
                    at: progress.delivered,
                    lag_seconds: Some(progress.lag_seconds(now)),
                    lag_records: Some(progress.lag_records()),
                }
            }),
            wishes,
        }
    }

    fn seal(&self) -> Option<SealStatus> {
        let head = self.stock.head()?;
        // The one that has to be believed is the one that lags behind the most.
        let anchored = self.anchors.iter().filter_map(|anchor| Some((anchor.last()?, anchor.name())));
        let anchored = anchored.min_by_key(|(last, _)| last.number);
        Some(SealStatus {
            key_id: head.seal.key_id.to_string(),
            head: head.number,
            at: head.at,
            anchored_at: anchored.as_ref().map(|(last, _)| last.at),
            anchor: anchored.map(|(_, name)| name.to_owned()),
        })
    }
}

/// Each server by each way it was ever heard; one that never was is told as well.
pub(super) fn sources(heard: &[Heard], wishes: &Wishes, now: Timestamp) -> Vec<SourceStatus> {
    let quiet = i64::from(wishes.probe_seconds) * 2 + i64::from(wishes.probe_limit_seconds);
    let status = |one: &Heard| SourceStatus {
        server: one.server.to_string(),
        kind: if one.source == Source::File { SourceKind::File } else { SourceKind::Webhook },
        last_received: one.last,
        state: match one.last {
            _ if one.refusing => SourceState::Refusing,
            None => SourceState::Never,
            Some(last) if now.duration_since(last).as_secs() > quiet => SourceState::Silent,
            Some(_) => SourceState::Receiving,
        },
    };
    let never = |one: &Heard| one.last.is_none() && !one.refusing;
    let other = |one: &Heard| heard.iter().any(|other| other.server == one.server && !never(other));
    let told = |one: &&Heard| !never(one) || (one.source == Source::Webhook && !other(one));
    heard.iter().filter(told).map(status).collect()
}
