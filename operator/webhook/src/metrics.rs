//! Numbers about the webhook. Labels come from closed sets: nobody fills the memory of whoever collects them by what he
//! names his objects.

use crate::decision::{Counted, Said};
use prometheus::core::Collector;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder,
};
use snc_core::control::Control;
use snc_health::Exposed;
use std::collections::BTreeSet;
use std::time::Duration;

/// From what most answers take to the deadline.
const BUCKETS: [f64; 11] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 2.5];
/// How every control of the platform's own is counted.
const CUSTOM: &str = "custom";

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Allowed,
    Warned,
    Refused,
    /// Not a review, or one that is too large.
    Malformed,
    /// Too many at once.
    Shed,
    /// It took too long to come.
    Late,
}

impl Ended {
    const ALL: [Self; 6] =
        [Self::Allowed, Self::Warned, Self::Refused, Self::Malformed, Self::Shed, Self::Late];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Warned => "warned",
            Self::Refused => "refused",
            Self::Malformed => "malformed",
            Self::Shed => "shed",
            Self::Late => "late",
        }
    }
}

pub struct Metrics {
    registry: Registry,
    controls: IntCounterVec,
    requests: IntCounterVec,
    duration: Histogram,
    pub in_flight: IntGauge,
    pub connections: IntGauge,
    index_age: GaugeVec,
    oldest: Gauge,
    /// Handshakes that failed.
    pub handshakes: IntCounter,
    pub certificate_loads: IntCounter,
    pub certificate_rejects: IntCounter,
    pub certificate_wrong: IntGauge,
    known: BTreeSet<String>,
}

impl Metrics {
    /// `controls` are those that may say something.
    pub fn new<'c>(controls: impl Iterator<Item = &'c Control>) -> prometheus::Result<Self> {
        let counters =
            |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let metrics = Self {
            registry: Registry::new(),
            controls: counters(
                "snc_webhook_controls_total",
                "What controls said of written objects that do not pass.",
                &["control", "verdict", "mode"],
            )?,
            requests: counters("snc_webhook_requests_total", "Requests by how they ended.", &["result"])?,
            duration: Histogram::with_opts(
                HistogramOpts::new("snc_webhook_decision_duration_seconds", "How long it takes to decide.")
                    .buckets(BUCKETS.into()),
            )?,
            in_flight: IntGauge::new("snc_webhook_in_flight", "Requests that are being decided.")?,
            connections: IntGauge::new("snc_webhook_connections", "Open connections.")?,
            index_age: GaugeVec::new(
                Opts::new(
                    "snc_webhook_index_age_seconds",
                    "Since the last event or bookmark; -1 before the first.",
                ),
                &["kind"],
            )?,
            oldest: Gauge::new(
                "snc_webhook_index_oldest_seconds",
                "Greatest age of all kinds; -1 before the first.",
            )?,
            handshakes: IntCounter::new(
                "snc_webhook_handshake_failures_total",
                "TLS handshakes that failed.",
            )?,
            certificate_loads: IntCounter::new(
                "snc_webhook_certificate_loads_total",
                "Certificates that were put in use.",
            )?,
            certificate_rejects: IntCounter::new(
                "snc_webhook_certificate_rejects_total",
                "Contents of the certificate directory that could not be used.",
            )?,
            certificate_wrong: IntGauge::new(
                "snc_webhook_certificate_wrong",
                "1 while the certificate directory holds something other than what is served.",
            )?,
            known: controls.map(|control| control.id.clone()).collect(),
        };
        metrics.register()?;
        for ended in Ended::ALL {
            metrics.requests.with_label_values(&[ended.as_str()]);
        }
        Ok(metrics)
    }

    fn collectors(&self) -> Vec<Box<dyn Collector>> {
        let labelled = [&self.controls, &self.requests];
        let gauges = [&self.in_flight, &self.connections, &self.certificate_wrong];
        let counters = [&self.handshakes, &self.certificate_loads, &self.certificate_rejects];
        let mut all: Vec<Box<dyn Collector>> = Vec::new();
        all.extend(labelled.map(|counter| Box::new(counter.clone()) as Box<dyn Collector>));
        all.extend(gauges.map(|gauge| Box::new(gauge.clone()) as Box<dyn Collector>));
        all.extend(counters.map(|counter| Box::new(counter.clone()) as Box<dyn Collector>));
        all.push(Box::new(self.duration.clone()));
        all.push(Box::new(self.index_age.clone()));
        all.push(Box::new(self.oldest.clone()));
        all
    }

    fn register(&self) -> prometheus::Result<()> {
        self.collectors().into_iter().try_for_each(|collector| self.registry.register(collector))
    }

    /// What a webhook exposes.
    pub fn exposed(&self) -> Vec<Exposed> {
        snc_health::exposed(&self.collectors())
    }

    pub fn ended(&self, ended: Ended) {
        self.requests.with_label_values(&[ended.as_str()]).inc();
    }

    pub fn decided(&self, counted: &[Counted], took: Duration) {
        self.duration.observe(took.as_secs_f64());
        for Counted { control, verdict, mode } in counted {
            let control = if self.known.contains(control) { control.as_str() } else { CUSTOM };
            self.controls.with_label_values(&[control, Said::as_str(*verdict), mode.as_str()]).inc();
        }
    }

    /// What is only worth looking at when somebody asks.
    pub fn ages(&self, ages: &[(&'static str, Option<Duration>)]) {
        let seconds = |age: Option<Duration>| age.map_or(-1.0, |age| age.as_secs_f64());
        for (kind, age) in ages {
            self.index_age.with_label_values(&[kind]).set(seconds(*age));
        }
        let all: Option<Vec<Duration>> = ages.iter().map(|(_, age)| *age).collect();
        self.oldest.set(seconds(all.and_then(|ages| ages.into_iter().max())));
    }

    pub fn text(&self) -> prometheus::Result<Vec<u8>> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use snc_core::tier::Mode;

    #[test]
    fn names_that_others_choose_are_one_label() {
        let metrics = Metrics::new(snc_catalogue::controls().iter()).unwrap();
        for control in ["", "custom-a", "custom-b", "pod-privileged"] {
            let counted = Counted { control: control.to_owned(), verdict: Said::Fail, mode: Mode::Enforce };
            metrics.decided(&[counted], Duration::from_millis(1));
        }
        let text = String::from_utf8(metrics.text().unwrap()).unwrap();
        assert!(
            text.contains(r#"snc_webhook_controls_total{control="custom",mode="Enforce",verdict="Fail"} 3"#)
        );
        assert!(text.contains(r#"control="pod-privileged",mode="Enforce",verdict="Fail"} 1"#));
        assert!(text.contains(r#"snc_webhook_requests_total{result="shed"} 0"#));
    }
}
