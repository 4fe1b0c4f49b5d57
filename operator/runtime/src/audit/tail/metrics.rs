//! Numbers about a tailer. None has a label: the pod says which.

use prometheus::core::Collector;
use prometheus::{Encoder, IntCounter, IntGauge, Registry, TextEncoder};
use snc_health::Exposed;
use snc_sink::tail::Numbers;
use std::sync::atomic::{AtomicU64, Ordering};

pub struct Metrics {
    registry: Registry,
    lines: IntCounter,
    bytes: IntCounter,
    undelivered: IntCounter,
    behind: IntGauge,
    failing: IntGauge,
}

impl Metrics {
    pub fn new() -> prometheus::Result<Self> {
        let metrics = Self {
            registry: Registry::new(),
            lines: IntCounter::new(
                "snc_audit_tail_lines_total",
                "Lines of the log file that are delivered.",
            )?,
            bytes: IntCounter::new("snc_audit_tail_bytes_total", "Bytes of them.")?,
            undelivered: IntCounter::new(
                "snc_audit_tail_undelivered_total",
                "Attempts to deliver that failed and are made again.",
            )?,
            behind: IntGauge::new(
                "snc_audit_tail_behind_bytes",
                "What the log file holds that is not delivered.",
            )?,
            failing: IntGauge::new(
                "snc_audit_tail_failing",
                "1 while the last attempt to read or to deliver failed.",
            )?,
        };
        metrics.collectors().into_iter().try_for_each(|collector| metrics.registry.register(collector))?;
        Ok(metrics)
    }

    fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![
            Box::new(self.lines.clone()),
            Box::new(self.bytes.clone()),
            Box::new(self.undelivered.clone()),
            Box::new(self.behind.clone()),
            Box::new(self.failing.clone()),
        ]
    }

    /// What a tailer exposes.
    pub fn exposed(&self) -> Vec<Exposed> {
        snc_health::exposed(&self.collectors())
    }

    pub fn text(&self, numbers: &Numbers) -> prometheus::Result<Vec<u8>> {
        for (counter, number) in [
            (&self.lines, &numbers.lines),
            (&self.bytes, &numbers.bytes),
            (&self.undelivered, &numbers.undelivered),
        ] {
            counter.inc_by(number.load(Ordering::Relaxed).saturating_sub(counter.get()));
        }
        self.behind.set(whole(&numbers.behind));
        self.failing.set(i64::from(numbers.failing.load(Ordering::Relaxed)));
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

fn whole(number: &AtomicU64) -> i64 {
    i64::try_from(number.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
}
