use super::ground::Ground;
use crate::keep::anchor::Anchor;
use jiff::Timestamp;
use snc_syslog::Progress;
use std::fmt::Write as _;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(super) struct Health {
    pub(super) ground: Arc<Ground>,
    pub(super) anchors: Vec<Arc<Anchor>>,
    pub(super) syslog: Option<watch::Receiver<Progress>>,
    pub(super) leaving: CancellationToken,
}

impl Health {
    fn measure(&self) {
        let (ground, now) = (&self.ground, Timestamp::now());
        let metrics = &ground.metrics;
        let count = |many: u64| i64::try_from(many).unwrap_or(i64::MAX);
        let numbers = ground.journal.numbers();
        metrics.journal_bytes.set(count(numbers.bytes));
        metrics.journal_entries.set(count(numbers.entries));
        metrics.refusing.set(i64::from(numbers.failing.is_some()));
        metrics.cluster_synced.set(i64::from(ground.whose.is_synced()));
        ground.stock.measure(now);
        ground.ledger.measure(now);
        for anchor in &self.anchors {
            anchor.measure(now);
        }
        if let Some(progress) = &self.syslog {
            let progress = progress.borrow();
            metrics.syslog_lag.set(std::time::Duration::from_secs(progress.lag_seconds(now)).as_secs_f64());
            metrics.syslog_records.set(count(progress.lag_records()));
        }
    }
}

impl snc_health::Health for Health {
    /// A full disk does not make it unready: whoever brings events is to hear why they are not taken.
    fn readiness(&self) -> (bool, String) {
        let ready = !self.leaving.is_cancelled();
        let numbers = self.ground.journal.numbers();
        let mut text = String::from(if ready { "ready\n" } else { "leaving\n" });
        // Writing to a String does not fail.
        let _ = writeln!(text, "journal: {}", numbers.failing.as_deref().unwrap_or("ok"));
        let _ =
            writeln!(text, "store: {}", if self.ground.later.is_set() { "ok" } else { "not reached yet" });
        let synced = if self.ground.whose.is_synced() { "ok" } else { "not all that there is is known" };
        let _ = writeln!(text, "namespaces: {synced}");
        (ready, text)
    }

    fn numbers(&self) -> prometheus::Result<Vec<u8>> {
        self.measure();
        self.ground.metrics.text()
    }
}
