//! Numbers about the operator. Labels come from closed sets, never from names in the cluster: a tenant must not be able
//! to read another's names here, nor to fill the memory of whoever collects them.

mod images;
mod trials;

use crate::permissions::Permission;
use crate::queue::Outcome;
use crate::reports;
use crate::watch::KINDS;
use crate::watch::stream::Restart;
use images::Images;
use jiff::Timestamp;
use prometheus::core::Collector;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder,
};
use snc_catalogue::{Assessed, Numbers, RequirementState};
use snc_core::names::{DEFAULT_DENY, LABEL_ISOLATED};
use snc_health::Exposed;
use snc_index::{Index, ManagedKind, ObjectKey};
use snc_plan::audit::State;
use snc_plan::canary::Tried;
use snc_plan::probe::Probed;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use trials::Trials;

const OUTCOMES: [&str; 3] = ["done", "later", "failed"];
const RECONCILED: [&str; 3] = ["namespace", "tenant", "baseline"];
const STATUSES: [&str; 3] = ["True", "False", "Unknown"];
pub const VERBS: [&str; 4] = ["create", "update", "patch", "delete"];
/// What is written to; anything else is `other`.
pub const WRITTEN: [&str; 26] = [
    "clusterpolicyreports",
    "clusterreports",
    "configmaps",
    "events",
    "leases",
    "limitranges",
    "namespaces",
    "networkpolicies",
    "policyreports",
    "reports",
    "resourcequotas",
    "rolebindings",
    "secrets",
    "serviceaccounts",
    "sncassessments",
    "sncassessments/status",
    "sncbaselines/status",
    "snccontrols/status",
    "sncexceptions/status",
    "sncpolicies/status",
    "snctenants/status",
    "sncwaiversets",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "validatingwebhookconfigurations",
    "other",
];
pub const ERRORS: [&str; 9] =
    ["forbidden", "not_found", "conflict", "expired", "invalid", "throttled", "server", "transport", "other"];
const MANAGED: [ManagedKind; 5] = [
    ManagedKind::NetworkPolicy,
    ManagedKind::ResourceQuota,
    ManagedKind::LimitRange,
    ManagedKind::RoleBinding,
    ManagedKind::ConfigMap,
];
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];

pub struct Metrics {
    registry: Registry,
    reconciles: IntCounterVec,
    durations: HistogramVec,
    errors: IntCounterVec,
    writes: IntCounterVec,
    watch_restarts: IntCounterVec,
    managed: IntGaugeVec,
    deny_missing: IntGauge,
    namespaces: IntGaugeVec,
    index_age: GaugeVec,
    queue: IntGaugeVec,
    leader: IntGauge,
    permissions_missing: IntGaugeVec,
    oldest: Gauge,
    controls: IntGaugeVec,
    requirements: IntGaugeVec,
    images: Images,
    assessments: Histogram,
    report_writes: IntCounterVec,
    reports_waiting: IntGauge,
    reports_circuit_open: IntGauge,
    certificates: GaugeVec,
    trials: Trials,
    /// `NetworkPolicyEffective` of each governed namespace.
    found: Mutex<BTreeMap<String, &'static str>>,
}

impl Metrics {
    pub fn new() -> prometheus::Result<Self> {
        let counters =
            |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let gauges =
            |name: &str, help: &str, labels: &[&str]| IntGaugeVec::new(Opts::new(name, help), labels);
        let metrics = Self {
            registry: Registry::new(),
            reconciles: counters("snc_reconciles_total", "Looks at one object.", &["kind", "result"])?,
            durations: HistogramVec::new(
                HistogramOpts::new("snc_reconcile_duration_seconds", "How long one look takes.")
                    .buckets(BUCKETS.into()),
                &["kind"],
            )?,
            errors: counters(
                "snc_api_errors_total",
                "Requests that the API server did not serve.",
                &["kind"],
            )?,
            writes: counters("snc_writes_total", "Writes that the API server took.", &["kind", "verb"])?,
            watch_restarts: counters(
                "snc_watch_restarts_total",
                "Watches begun again.",
                &["kind", "reason"],
            )?,
            managed: gauges("snc_managed_objects", "Objects of ours in the cluster.", &["kind"])?,
            deny_missing: IntGauge::new(
                "snc_default_deny_missing",
                "Isolated namespaces without their default-deny now.",
            )?,
            namespaces: gauges(
                "snc_namespaces",
                "Governed namespaces by NetworkPolicyEffective (the leader knows).",
                &["network_policy_effective"],
            )?,
            index_age: GaugeVec::new(
                Opts::new("snc_index_age_seconds", "Since the last event or bookmark; -1 before the first."),
                &["kind"],
            )?,
            queue: gauges("snc_queue_depth", "Keys that wait for a worker, or for their time.", &["state"])?,
            leader: IntGauge::new("snc_leader", "1 while this process holds the lease.")?,
            permissions_missing: gauges(
                "snc_permission_missing",
                "1 for each right that the operator needs and has not.",
                &["resource", "verb"],
            )?,
            oldest: Gauge::new(
                "snc_index_oldest_seconds",
                "Greatest age of all kinds; -1 before the first.",
            )?,
            report_writes: counters(
                "snc_report_writes_total",
                "Tries to write or remove a report for other tools.",
                &["outcome"],
            )?,
            reports_waiting: IntGauge::new(
                "snc_reports_waiting",
                "Namespaces whose report may have to be written.",
            )?,
            trials: Trials::new()?,
            certificates: GaugeVec::new(
                Opts::new(
                    "snc_webhook_certificate_days_left",
                    "Until a certificate of the webhook ends (the leader knows).",
                ),
                &["certificate"],
            )?,
            reports_circuit_open: IntGauge::new(
                "snc_reports_circuit_open",
                "1 while no reports are written because writing failed too often.",
            )?,
            controls: gauges(
                "snc_controls",
                "Controls by what they say of the cluster (the leader knows).",
                &["state"],
            )?,
            requirements: gauges(
                "snc_requirements",
                "Requirements by their state in the cluster (the leader knows).",
                &["state"],
            )?,
            images: Images::new()?,
            assessments: Histogram::with_opts(
                HistogramOpts::new(
                    "snc_assessment_duration_seconds",
                    "How long it takes to roll everything up.",
                )
                .buckets(BUCKETS.into()),
            )?,
            found: Mutex::default(),
        };
        metrics.register()?;
        metrics.begin();
        Ok(metrics)
    }

    fn collectors(&self) -> Vec<Box<dyn Collector>> {
        let counters =
            [&self.reconciles, &self.errors, &self.writes, &self.watch_restarts, &self.report_writes];
        let gauges = [
            &self.managed,
            &self.namespaces,
            &self.queue,
            &self.permissions_missing,
            &self.controls,
            &self.requirements,
            &self.images.states,
            &self.images.vulnerabilities,
            &self.images.signatures,
            &self.trials.canary,
            &self.trials.probe,
            &self.trials.audit,
        ];
        let single = [&self.deny_missing, &self.leader, &self.reports_waiting, &self.reports_circuit_open];
        let mut all: Vec<Box<dyn Collector>> = Vec::new();
        all.extend(counters.map(|counter| Box::new(counter.clone()) as Box<dyn Collector>));
        all.extend(gauges.map(|gauge| Box::new(gauge.clone()) as Box<dyn Collector>));
        all.extend(single.map(|gauge| Box::new(gauge.clone()) as Box<dyn Collector>));
        all.extend([&self.certificates, &self.index_age].map(|g| Box::new(g.clone()) as Box<dyn Collector>));
        all.extend(
            [&self.trials.canary_ran, &self.trials.probed_at, &self.oldest]
                .map(|g| Box::new(g.clone()) as Box<dyn Collector>),
        );
        all.push(Box::new(self.assessments.clone()));
        all.push(Box::new(self.durations.clone()));
        all
    }

    fn register(&self) -> prometheus::Result<()> {
        self.collectors().into_iter().try_for_each(|collector| self.registry.register(collector))
    }

    /// What a controller exposes.
    pub fn exposed(&self) -> Vec<Exposed> {
        snc_health::exposed(&self.collectors())
    }

    /// A counter that is not there cannot be told from one that was never increased.
    fn begin(&self) {
        for kind in RECONCILED {
            self.durations.with_label_values(&[kind]);
            for result in OUTCOMES {
                self.reconciles.with_label_values(&[kind, result]);
            }
        }
        self.probed(&Probed::Never, None);
        self.audited(&State::Absent);
        for kind in ERRORS {
            self.errors.with_label_values(&[kind]);
        }
        for kind in KINDS {
            for reason in Restart::ALL {
                self.watch_restarts.with_label_values(&[kind, reason.as_str()]);
            }
        }
        for outcome in reports::Outcome::ALL {
            self.report_writes.with_label_values(&[outcome.as_str()]);
        }
        for kind in WRITTEN {
            for verb in VERBS {
                self.writes.with_label_values(&[kind, verb]);
            }
        }
    }

    pub fn reconciled(&self, kind: &'static str, outcome: &Outcome, took: Duration) {
        let result = match outcome {
            Outcome::Done => "done",
            Outcome::Later(_) => "later",
            Outcome::Failed => "failed",
        };
        self.reconciles.with_label_values(&[kind, result]).inc();
        self.durations.with_label_values(&[kind]).observe(took.as_secs_f64());
    }

    pub fn watch_restarted(&self, kind: &'static str, why: Restart) {
        self.watch_restarts.with_label_values(&[kind, why.as_str()]).inc();
    }

    pub fn wrote(&self, kind: &'static str, verb: &'static str) {
        self.writes.with_label_values(&[kind, verb]).inc();
    }

    pub fn failed(&self, kind: &'static str) {
        self.errors.with_label_values(&[kind]).inc();
    }

    pub fn reported(&self, outcome: reports::Outcome) {
        self.report_writes.with_label_values(&[outcome.as_str()]).inc();
    }

    pub fn reports(&self, waiting: usize, circuit_open: bool) {
        self.reports_waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        self.reports_circuit_open.set(circuit_open.into());
    }

    /// What was found of a namespace; nothing, when it is not governed.
    pub fn found(&self, namespace: &str, status: Option<&'static str>) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        match status {
            Some(status) => drop(found.insert(namespace.to_owned(), status)),
            None => drop(found.remove(namespace)),
        }
    }

    pub fn permissions(&self, missing: &[Permission]) {
        self.permissions_missing.reset();
        for permission in missing {
            self.permissions_missing
                .with_label_values(&[permission.resource_label().as_str(), permission.verb])
                .inc();
        }
    }

    pub fn assessed(&self, assessed: &Assessed, took: Duration) {
        self.assessments.observe(took.as_secs_f64());
        let Numbers { proven, disproved, unknown } = assessed.cluster.numbers;
        for (state, count) in [("proven", proven), ("disproved", disproved), ("unknown", unknown)] {
            self.controls.with_label_values(&[state]).set(count.into());
        }
        self.images.set(assessed.images.get(""));
        let states = assessed.cluster.states(&assessed.catalogue);
        for state in RequirementState::ALL {
            let count = states.iter().filter(|(_, found)| found == state).count();
            let gauge = self.requirements.with_label_values(&[state.as_str()]);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    pub fn leads(&self, leads: bool) {
        self.leader.set(leads.into());
    }

    /// None when nothing could be tried: then nothing is proven.
    pub fn canary(&self, tried: Option<&Tried>) {
        self.trials.tried(tried);
    }

    pub fn probed(&self, probed: &Probed, at: Option<Timestamp>) {
        self.trials.probed(probed, at);
    }

    pub fn audited(&self, state: &State) {
        self.trials.audited(state);
    }

    /// When the authority and what it signed end.
    pub fn certificates(&self, authority: Option<Timestamp>, leaf: Option<Timestamp>) {
        for (which, ends) in [("ca", authority), ("leaf", leaf)] {
            let left = ends.map(|ends| ends.duration_since(Timestamp::now()).as_secs_f64() / 86400.0);
            match left {
                Some(days) => self.certificates.with_label_values(&[which]).set(days),
                // An old figure would look like a good one.
                None => drop(self.certificates.remove_label_values(&[which])),
            }
        }
    }

    /// What is only worth counting when somebody asks.
    pub fn measure(&self, index: &Index, inputs: &[(&'static str, Option<Duration>)], queue: (usize, usize)) {
        let mut managed: BTreeMap<ManagedKind, i64> = BTreeMap::new();
        let mut missing = 0;
        let deny = ObjectKey::new(ManagedKind::NetworkPolicy, DEFAULT_DENY);
        for namespace in index.namespaces() {
            for (key, object) in index.managed(&namespace.name) {
                if object.ours && !object.deleting {
                    *managed.entry(key.kind).or_default() += 1;
                }
            }
            let isolated = !namespace.deleting && namespace.label(LABEL_ISOLATED) == Some("true");
            let denies = index.object(&namespace.name, &deny).is_some_and(|o| o.ours && !o.deleting);
            missing += i64::from(isolated && !denies);
        }
        self.deny_missing.set(missing);
        for kind in MANAGED {
            let count = managed.get(&kind).copied().unwrap_or_default();
            self.managed.with_label_values(&[kind.as_str()]).set(count);
        }
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        for status in STATUSES {
            let count = found.values().filter(|s| **s == status).count();
            self.namespaces.with_label_values(&[status]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        drop(found);
        let seconds = |age: Option<Duration>| age.map_or(-1.0, |age| age.as_secs_f64());
        for (kind, age) in inputs {
            self.index_age.with_label_values(&[kind]).set(seconds(*age));
        }
        let oldest = inputs.iter().map(|(_, age)| *age).collect::<Option<Vec<_>>>();
        self.oldest.set(seconds(oldest.and_then(|ages| ages.into_iter().max())));
        for (state, count) in [("ready", queue.0), ("later", queue.1)] {
            self.queue.with_label_values(&[state]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    pub fn text(&self) -> prometheus::Result<Vec<u8>> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests;
