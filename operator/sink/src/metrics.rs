//! Numbers about the sink. Labels come from closed sets: sources, causes, rules, the servers of the settings. No tenant,
//! user or object is ever one.

mod words;

pub use words::{Marking, Refused, Source, Took, Volume};

use crate::gaps::Cause;
use prometheus::core::Collector;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder,
};
use snc_audit::Reason;
use snc_audit::detect::Rules;
use snc_health::Exposed;
use std::time::Duration;

/// From what one write to a good disk takes to what an API server waits for.
const ACKNOWLEDGED: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
const SEALED: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0];
const PROBED: [f64; 10] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// Whose records, where tenants are not told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    Platform,
    Tenant,
}

impl Whose {
    pub const ALL: [Self; 2] = [Self::Platform, Self::Tenant];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Tenant => "tenant",
        }
    }
}

macro_rules! metrics {
    ($($(#[$meta:meta])* $field:ident: $kind:ident = $make:expr,)+) => {
        pub struct Metrics {
            registry: Registry,
            $($(#[$meta])* pub $field: $kind,)+
        }

        impl Metrics {
            fn made() -> prometheus::Result<Self> {
                Ok(Self { registry: Registry::new(), $($field: $make?,)+ })
            }

            fn collectors(&self) -> Vec<Box<dyn Collector>> {
                vec![$(Box::new(self.$field.clone()),)+]
            }
        }
    };
}

fn counters(name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
    IntCounterVec::new(Opts::new(name, help), labels)
}

fn gauges(name: &str, help: &str, labels: &[&str]) -> prometheus::Result<GaugeVec> {
    GaugeVec::new(Opts::new(name, help), labels)
}

fn numbers(name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntGaugeVec> {
    IntGaugeVec::new(Opts::new(name, help), labels)
}

fn times(name: &str, help: &str, buckets: &[f64]) -> prometheus::Result<Histogram> {
    Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.into()))
}

metrics! {
    events: IntCounterVec = counters(
        "snc_audit_events_total",
        "Events that came, by source, and what became of them.",
        &["source", "result"],
    ),
    refused: IntCounterVec = counters(
        "snc_audit_requests_refused_total",
        "Requests of the intake that were not taken, by why.",
        &["reason"],
    ),
    acknowledged: Histogram = times(
        "snc_audit_acknowledge_duration_seconds",
        "From the whole request to its durable acknowledgement.",
        &ACKNOWLEDGED,
    ),
    last_received: GaugeVec = gauges(
        "snc_audit_last_received_timestamp_seconds",
        "When the last event of that server came by that source.",
        &["source", "server"],
    ),
    journal_bytes: IntGauge = IntGauge::new("snc_audit_journal_bytes", "What the journal takes on disk."),
    journal_entries: IntGauge =
        IntGauge::new("snc_audit_journal_entries", "Events that the journal holds, sealed or not."),
    unsealed_age: Gauge = Gauge::new(
        "snc_audit_unsealed_age_seconds",
        "Age of the oldest acknowledged event that is not sealed; 0 where there is none.",
    ),
    unsealed: IntGauge = IntGauge::new("snc_audit_unsealed_records", "Acknowledged events that are not sealed."),
    refusing: IntGauge = IntGauge::new(
        "snc_audit_journal_refusing",
        "1 while the journal cannot be written, so that nothing is acknowledged.",
    ),
    gaps_open: IntGaugeVec = numbers("snc_audit_gaps_open", "Gaps that are not closed.", &["source", "cause"]),
    gaps: IntCounterVec = counters("snc_audit_gaps_total", "Gaps that were opened.", &["source", "cause"]),
    records: IntCounterVec =
        counters("snc_audit_records_total", "Records that were sealed, by why they are where they are.", &[
            "partition",
            "reason",
        ]),
    segments: IntCounterVec =
        counters("snc_audit_segments_total", "Segments that were sealed.", &["partition"]),
    sealed_bytes: IntCounterVec = counters(
        "snc_audit_sealed_bytes_total",
        "Bytes of sealed events as they came (raw) and as they are kept (stored).",
        &["partition", "form"],
    ),
    seal_duration: Histogram = times("snc_audit_seal_duration_seconds", "How long a round of sealing takes.", &SEALED),
    seal_failures: IntCounter = IntCounter::new(
        "snc_audit_seal_failures_total",
        "Rounds of sealing that failed and are tried again.",
    ),
    head_number: IntGauge = IntGauge::new("snc_audit_head_number", "Number of the last signed head."),
    head_at: Gauge =
        Gauge::new("snc_audit_head_timestamp_seconds", "When the last head was signed; 0 before the first."),
    anchor_lag: GaugeVec = gauges(
        "snc_audit_anchor_lag_seconds",
        "Age of the oldest head that is not anchored there; 0 where all are.",
        &["anchor"],
    ),
    anchor_failures: IntCounterVec =
        counters("snc_audit_anchor_failures_total", "Heads that could not be anchored there, each time.", &[
            "anchor",
        ]),
    alarms_open: IntGaugeVec =
        numbers("snc_audit_alarms_open", "Alarms that nobody has acknowledged.", &["rule"]),
    alarms_overdue: IntGaugeVec = numbers(
        "snc_audit_alarms_overdue",
        "Alarms that nobody has acknowledged within the time there is for it.",
        &["rule"],
    ),
    alarms: IntCounterVec = counters("snc_audit_alarms_total", "Alarms that were raised.", &["rule"]),
    detect_lag: Gauge = Gauge::new(
        "snc_audit_detect_lag_seconds",
        "Age of the oldest acknowledged event that no rule has looked at; 0 where there is none.",
    ),
    probes: IntCounterVec = counters("snc_audit_probes_total", "Marked calls by what became of them.", &["result"]),
    probe_delay: Histogram =
        times("snc_audit_probe_delay_seconds", "From a marked call to its durable event.", &PROBED),
    probe_skew: Gauge = Gauge::new(
        "snc_audit_probe_skew_seconds",
        "How far the API server's clock is ahead of the sink's, at least.",
    ),
    expired: IntCounterVec = counters(
        "snc_audit_retention_expired_total",
        "Segments that were deleted at the end of their retention.",
        &["partition"],
    ),
    retention_failures: IntCounter =
        IntCounter::new("snc_audit_retention_failures_total", "Runs of retention that failed."),
    store_bytes: IntGauge = IntGauge::new("snc_audit_store_bytes", "What sealed segments take."),
    free_bytes: GaugeVec = gauges(
        "snc_audit_free_bytes",
        "Room that is left on the volume of the data and, where it is one, of the store.",
        &["volume"],
    ),
    forecast_days: Gauge = Gauge::new(
        "snc_audit_forecast_days",
        "Until the store's volume is full, at the present rate and retention; -1 where it cannot be told.",
    ),
    syslog_lag: Gauge = Gauge::new(
        "snc_audit_syslog_lag_seconds",
        "Age of the oldest event that is not forwarded; 0 where all are.",
    ),
    syslog_records: IntGauge =
        IntGauge::new("snc_audit_syslog_lag_records", "Events that are not forwarded yet."),
    certificate_days: GaugeVec = gauges(
        "snc_audit_certificate_days_left",
        "Until the certificate that is in use ends.",
        &["certificate"],
    ),
    cluster_synced: IntGauge =
        IntGauge::new("snc_audit_cluster_synced", "1 while it is known which namespace is whose."),
    report_failures: IntCounter =
        IntCounter::new("snc_audit_report_failures_total", "Statuses that could not be written."),
    wishes_refused: IntGauge = IntGauge::new(
        "snc_audit_wishes_refused",
        "Declared values that are not applied, such as a lowered retention.",
    ),
}

impl Metrics {
    /// `rules` and `causes` are all there are; `reasons` why an event belongs where it does.
    pub fn new(closed: &Closed<'_>) -> prometheus::Result<Self> {
        let metrics = Self::made()?;
        metrics.collectors().into_iter().try_for_each(|collector| metrics.registry.register(collector))?;
        metrics.begin(closed);
        Ok(metrics)
    }

    /// With the sets of this build.
    pub fn complete() -> prometheus::Result<Self> {
        let rules: Vec<&str> =
            Rules::all().map(|rules| rules.iter().map(|rule| rule.id.as_str()).collect()).unwrap_or_default();
        let causes = Cause::ALL.map(Cause::as_str);
        let reasons: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        Self::new(&Closed { rules: &rules, causes: &causes, reasons: &reasons })
    }

    /// A counter that is not there before the first time cannot be told from one that does not exist.
    fn begin(&self, closed: &Closed<'_>) {
        for source in Source::ALL {
            for took in Took::ALL {
                self.events.with_label_values(&[source.as_str(), took.as_str()]);
            }
        }
        // The sink is no way by which anything can be missing.
        for source in Source::ALL.iter().filter(|source| **source != Source::Sink) {
            for cause in closed.causes {
                self.gaps_open.with_label_values(&[source.as_str(), cause]);
                self.gaps.with_label_values(&[source.as_str(), cause]);
            }
        }
        for refused in Refused::ALL {
            self.refused.with_label_values(&[refused.as_str()]);
        }
        for whose in Whose::ALL {
            for reason in closed.reasons {
                self.records.with_label_values(&[whose.as_str(), reason]);
            }
            for form in ["raw", "stored"] {
                self.sealed_bytes.with_label_values(&[whose.as_str(), form]);
            }
            self.segments.with_label_values(&[whose.as_str()]);
            self.expired.with_label_values(&[whose.as_str()]);
        }
        for rule in closed.rules {
            self.alarms_open.with_label_values(&[rule]);
            self.alarms_overdue.with_label_values(&[rule]);
            self.alarms.with_label_values(&[rule]);
        }
        for marking in Marking::ALL {
            self.probes.with_label_values(&[marking.as_str()]);
        }
    }

    /// What a sink exposes.
    pub fn exposed(&self) -> Vec<Exposed> {
        snc_health::exposed(&self.collectors())
    }

    pub fn event(&self, source: Source, took: Took) {
        self.events(source, took, 1);
    }

    pub fn events(&self, source: Source, took: Took, many: u64) {
        self.events.with_label_values(&[source.as_str(), took.as_str()]).inc_by(many);
    }

    pub fn acknowledged(&self, took: Duration) {
        self.acknowledged.observe(took.as_secs_f64());
    }

    pub fn refused(&self, why: Refused) {
        self.refused.with_label_values(&[why.as_str()]).inc();
    }

    pub fn free(&self, volume: Volume, bytes: u64) {
        #[allow(clippy::cast_precision_loss)]
        self.free_bytes.with_label_values(&[volume.as_str()]).set(bytes as f64);
    }

    pub fn text(&self) -> prometheus::Result<Vec<u8>> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

/// The closed sets that labels are taken from, where they are not this module's own.
#[derive(Debug, Clone, Copy)]
pub struct Closed<'a> {
    pub rules: &'a [&'a str],
    pub causes: &'a [&'a str],
    pub reasons: &'a [&'a str],
}

#[cfg(test)]
mod tests;
