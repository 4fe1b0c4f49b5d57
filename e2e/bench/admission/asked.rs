//! Pods that are created by dry-run, one client at a time and then many, and what each costs whom.

use crate::lab::Lab;
use crate::report::Report;
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

const API_SERVER: &str = "kube-apiserver";
pub const CLIENTS: usize = 16;
/// How often one client asks, for each time that the many do.
const ALONE: usize = 4;

/// Figures of one way to be asked.
pub struct Figures {
    /// Seconds, sorted, of one client at a time.
    alone: Vec<f64>,
    per_second: f64,
    /// Milliseconds of processor for each request.
    server: f64,
    own: f64,
}

impl Figures {
    pub fn at(&self, share: f64) -> f64 {
        let last = self.alone.len().saturating_sub(1);
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let index = (last as f64 * share).round() as usize;
        self.alone.get(index).copied().unwrap_or_default() * 1000.0
    }

    pub fn total(&self) -> f64 {
        self.server + self.own
    }
}

pub fn told(report: &mut Report, name: &str, figures: &Figures) {
    let mut line = |what: &str, value: f64, unit: &str| {
        report.line("admission", &format!("{name}: {what}"), value, unit);
    };
    for (what, share) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
        line(what, figures.at(share), "ms");
    }
    line("throughput", figures.per_second, "/s");
    line("API server CPU for 1,000", figures.server, "s");
    if figures.own > 0.0 {
        line("webhook CPU for 1,000", figures.own, "s");
    }
}

/// One client for latencies, then many for throughput and cost.
pub fn run(
    lab: &Lab,
    path: &str,
    pod: &Value,
    accepted: bool,
    requests: usize,
    own: Option<&str>,
) -> Result<Figures> {
    each(lab, path, || pod.clone(), accepted, requests, own)
}

/// The same with pods of which no two are of one template.
pub fn run_unlike(lab: &Lab, path: &str, pod: &Value, requests: usize, own: Option<&str>) -> Result<Figures> {
    let made = AtomicUsize::new(0);
    let unlike = || {
        let mut pod = pod.clone();
        let at = made.fetch_add(1, Ordering::Relaxed).to_string();
        pod["spec"]["containers"][0]["env"] = json!([{"name": "AT", "value": at}]);
        pod
    };
    each(lab, path, unlike, true, requests, own)
}

fn each(
    lab: &Lab,
    path: &str,
    pod: impl Fn() -> Value + Sync,
    accepted: bool,
    requests: usize,
    own: Option<&str>,
) -> Result<Figures> {
    let ask = || -> Result<f64> {
        let pod = pod();
        let started = Instant::now();
        let answer = lab.admin.create(path, pod);
        let took = started.elapsed().as_secs_f64();
        ensure!(answer.is_ok() == accepted, "{answer:?}");
        Ok(took)
    };
    for _ in 0..20 {
        ask()?;
    }
    let mut alone: Vec<f64> = (0..requests / ALONE).map(|_| ask()).collect::<Result<_>>()?;
    alone.sort_by(f64::total_cmp);
    let cpu = |name: Option<&str>| name.map_or(Ok(0.0), |name| lab.usage(name).map(|usage| usage.cpu));
    let (server, before) = (cpu(Some(API_SERVER))?, cpu(own)?);
    let (started, left) = (Instant::now(), AtomicUsize::new(requests));
    thread::scope(|scope| {
        let tasks: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    while left
                        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                        .is_ok()
                    {
                        ask()?;
                    }
                    anyhow::Ok(())
                })
            })
            .collect();
        tasks.into_iter().try_for_each(|task| task.join().map_err(|_| anyhow::anyhow!("a client failed"))?)
    })?;
    let count = f64::from(u32::try_from(requests)?);
    let elapsed = started.elapsed().as_secs_f64();
    Ok(Figures {
        alone,
        per_second: count / elapsed,
        server: (cpu(Some(API_SERVER))? - server) * 1000.0 / count,
        own: (cpu(own)? - before) * 1000.0 / count,
    })
}
