use crate::lab::Lab;
use crate::report::Report;
use anyhow::{Context, Result};
use snc_core::names::DEFAULT_DENY;
use snc_e2e::objects::{Kind, NAMESPACES, label, text, uid};
use std::time::{Duration, Instant};

/// The one identity besides the operator's that `managed-object-guard` lets delete.
const COLLECTOR: &str = "system:serviceaccount:kube-system:generic-garbage-collector";

/// From the answer to the deletion until the API server has the policy again.
pub fn measure(lab: &Lab, repairs: usize, report: &mut Report) -> Result<()> {
    let collector = lab.admin.impersonating(COLLECTOR);
    let namespaces: Vec<String> = lab
        .admin
        .list(NAMESPACES)?
        .iter()
        .filter(|ns| label(ns, snc_core::names::LABEL_ISOLATED) == Some("true"))
        .map(|ns| text(ns, "/metadata/name").to_owned())
        .collect();
    let mut times: Vec<f64> = Vec::new();
    for namespace in namespaces.iter().cycle().take(repairs) {
        let path = Kind::NetworkPolicy.one(namespace, DEFAULT_DENY);
        let before = lab.admin.get(&path)?;
        collector.delete(&path)?;
        let gone = Instant::now();
        loop {
            if lab.admin.find(&path)?.is_some_and(|policy| uid(&policy) != uid(&before)) {
                break;
            }
            anyhow::ensure!(gone.elapsed() < Duration::from_secs(60), "{path} is not back");
            std::thread::sleep(Duration::from_millis(1));
        }
        times.push(gone.elapsed().as_secs_f64() * 1000.0);
        std::thread::sleep(Duration::from_millis(50));
    }
    times.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len() - 1)).copied();
    Report::heading(&format!("drift: {repairs} deleted default-denies, one after another"));
    let mut line = |name: &str, value: Option<f64>| -> Result<()> {
        report.line("drift", name, value.context("no repair was measured")?, "ms");
        Ok(())
    };
    line("back after, minimum", at(0))?;
    line("back after, median", at(50))?;
    line("back after, 95 %", at(95))?;
    line("back after, maximum", at(100))
}
