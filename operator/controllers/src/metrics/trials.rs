//! What came of trying: requests of the canary tenant, packets of the probe, marked calls through the audit log.

use jiff::Timestamp;
use prometheus::{Gauge, IntGaugeVec, Opts};
use snc_plan::audit::State;
use snc_plan::canary::Tried;
use snc_plan::probe::Probed;

const PROBED: [&str; 5] = ["never", "enforced", "disproved", "inconclusive", "unread"];

pub struct Trials {
    pub canary: IntGaugeVec,
    pub canary_ran: Gauge,
    pub probe: IntGaugeVec,
    pub probed_at: Gauge,
    pub audit: IntGaugeVec,
}

impl Trials {
    pub fn new() -> prometheus::Result<Self> {
        let gauges =
            |name: &str, help: &str, labels: &[&str]| IntGaugeVec::new(Opts::new(name, help), labels);
        Ok(Self {
            canary: gauges(
                "snc_canary_requests",
                "What the canary tenant was last answered: refused as it should, allowed, or unproven.",
                &["result"],
            )?,
            canary_ran: Gauge::new(
                "snc_canary_last_run_timestamp_seconds",
                "When the canary tenant last tried everything.",
            )?,
            probe: gauges(
                "snc_network_probe",
                "1 for what the last measurement by packets says of the cluster's network: enforced, disproved, inconclusive, never, or unread where it is not known.",
                &["result"],
            )?,
            probed_at: Gauge::new(
                "snc_network_probe_last_run_timestamp_seconds",
                "When the network was last measured.",
            )?,
            audit: gauges(
                "snc_audit_logged",
                "1 for what the SncAuditLog says of the audit log: whole, broken, unproven, stale, absent, or unread where it is not known.",
                &["state"],
            )?,
        })
    }

    /// None when nothing could be tried: then nothing is proven.
    pub fn tried(&self, tried: Option<&Tried>) {
        let Some(Tried { refused, allowed, unproven }) = tried else {
            self.canary.reset();
            return;
        };
        let count = |list: &Vec<String>| i64::try_from(list.len()).unwrap_or(i64::MAX);
        for (result, number) in
            [("refused", i64::from(*refused)), ("allowed", count(allowed)), ("unproven", count(unproven))]
        {
            self.canary.with_label_values(&[result]).set(number);
        }
        self.canary_ran.set(Timestamp::now().as_duration().as_secs_f64());
    }

    pub fn audited(&self, state: &State) {
        for word in State::WORDS {
            self.audit.with_label_values(&[word]).set(i64::from(word == state.as_str()));
        }
    }

    pub fn probed(&self, probed: &Probed, at: Option<Timestamp>) {
        let is = match probed {
            Probed::Never => "never",
            Probed::Enforced { .. } => "enforced",
            Probed::Disproved(_) => "disproved",
            Probed::Inconclusive(_) => "inconclusive",
            Probed::Unread(_) => "unread",
        };
        for result in PROBED {
            self.probe.with_label_values(&[result]).set(i64::from(result == is));
        }
        self.probed_at.set(at.map_or(0.0, |at| at.as_duration().as_secs_f64()));
    }
}
