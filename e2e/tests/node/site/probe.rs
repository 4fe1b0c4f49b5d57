//! What `snc-operator probe` says of a network that enforces, and of one that does not.

use super::{LIMIT, Site};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use snc_core::names::{PROBE, PROBE_KEY};
use snc_e2e::{
    cluster::OPERATOR_NAMESPACE,
    objects::{Kind, condition, policy, text},
    wait::within,
};
use xtask::harness::User;

const GOVERNED: &str = "gamma-web";
const POLICY: &str = "sonde";

pub fn packets(site: &Site) -> Result<()> {
    site.platform.create(Kind::SncPolicy.all(GOVERNED), policy(POLICY, json!({})))?;
    said(site, "Unknown", "EnforcementNotProven")?;
    // The 29th of February is not while this runs.
    site.upgrade("probe.enabled=true,probe.schedule=0 0 29 2 *")?;
    let measured = measure(site, "enforced", "Complete")?;
    println!("{measured}");
    let silent = |one: &&Value| one["port"] != 8080 && one["answered"] == false;
    let asked = measured["asked"].as_array().context("nothing was asked")?;
    ensure!(asked.len() == 8 && asked.iter().filter(silent).count() == 4, "{measured}");
    said(site, "True", "EnforcementMeasured")?;

    site.unenforced(|| {
        let measured = measure(site, "unenforced", "Failed")?;
        let all = measured["asked"].as_array().context("nothing was asked")?;
        ensure!(all.len() == 8 && all.iter().all(|one| one["answered"] == true), "{measured}");
        said(site, "False", "EnforcementDisproved")
    })?;
    measure(site, "again", "Complete")?;
    said(site, "True", "EnforcementMeasured")
}

/// Runs the Job of the `CronJob` now; `ends` as this. Gives what it wrote.
fn measure(site: &Site, job: &str, ends: &str) -> Result<Value> {
    let create = ["create", "job", "--namespace", OPERATOR_NAMESPACE, "--from=cronjob/snc-probe", job];
    let output = site.plane.kubectl(User::Platform, create)?;
    ensure!(output.success(), "{}", output.stderr);
    let path = format!("/apis/batch/v1/namespaces/{OPERATOR_NAMESPACE}/jobs/{job}");
    within(LIMIT, &format!("the Job {job} to end"), || {
        let found = site.admin.get(&path)?;
        let is = |kind: &str| condition(&found, kind).is_some_and(|one| one["status"] == "True");
        if is(ends) {
            return Ok(());
        }
        bail!("{}", found["status"])
    })?;
    let map = site.admin.get(Kind::ConfigMap.one(OPERATOR_NAMESPACE, PROBE))?;
    Ok(serde_json::from_str(text(&map, &format!("/data/{PROBE_KEY}")))?)
}

fn said(site: &Site, status: &str, reason: &str) -> Result<()> {
    within(LIMIT, reason, || {
        let found = site.admin.get(Kind::SncPolicy.one(GOVERNED, POLICY))?;
        let isolated = condition(&found, "NetworkIsolated").context("nothing is said")?;
        ensure!(isolated["status"] == status && isolated["reason"] == reason, "{isolated}");
        Ok(())
    })
}
