//! What the operator writes for tools that read reports, with the kinds as their project publishes them.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use snc_e2e::cluster::Cluster;
use snc_e2e::definitions;
use snc_e2e::objects::{at, stamp};
use snc_e2e::wait::{throughout, within};
use snc_plan::objects::report::NAME;
use std::time::Duration;

/// A report is written every half minute at most.
const PATIENCE: Duration = Duration::from_secs(120);

fn report(namespace: &str) -> String {
    format!("/apis/openreports.io/v1alpha1/namespaces/{namespace}/reports/{NAME}")
}

fn results<'a>(report: &'a Value, control: &str) -> Vec<&'a Value> {
    let all = report["results"].as_array().into_iter().flatten();
    all.filter(|one| one["policy"] == control).collect()
}

pub fn written(cluster: &Cluster) -> Result<()> {
    let name = "rapporte";
    definitions::install(&cluster.admin, &["openreports.io/Report", "openreports.io/ClusterReport"].into())?;
    // At its start it looks which kinds there are; else every five minutes.
    cluster.restart_operator()?;
    cluster.governed(name, &[name], json!({"level": "Standard"}))?;
    let deployments = super::assessment::deployments(name);
    cluster.platform.create(&deployments, super::assessment::deployment("web", true))?;

    let path = report(name);
    let bad = within(PATIENCE, "the failure to be reported", || {
        let found = cluster.admin.get(&path)?;
        let said = results(&found, super::assessment::FAULT);
        let one = said.first().with_context(|| format!("not there: {}", found["summary"]))?;
        ensure!(one["result"] == "fail" && one["resources"][0]["name"] == "web", "{one}");
        Ok(found)
    })?;
    let fail = |report: &Value| report["summary"]["fail"].as_i64().context("summary.fail");
    ensure!(fail(&bad)? >= 1, "{}", bad["summary"]);

    cluster.platform.replace(at(&deployments, "web"), super::assessment::deployment("web", false))?;
    within(PATIENCE, "the mended failure to leave the report", || {
        let found = cluster.admin.get(&path)?;
        ensure!(results(&found, super::assessment::FAULT).is_empty(), "{}", found["summary"]);
        ensure!(fail(&found)? < fail(&bad)?, "{}", found["summary"]);
        Ok(())
    })?;
    let settled = || -> Result<Value> {
        within(PATIENCE, "the report to rest", || {
            let before = stamp(&cluster.admin.get(&path)?);
            throughout(Duration::from_secs(35), || {
                ensure!(stamp(&cluster.admin.get(&path)?) == before, "still written");
                Ok(())
            })?;
            Ok(cluster.admin.get(&path)?)
        })
    };
    let before = settled()?;
    cluster.restart_operator()?;
    let after = settled()?;
    ensure!(stamp(&before) == stamp(&after), "written again though it says the same");

    // Wanted no more, they do not stay behind and grow old.
    cluster.stop_operator()?;
    cluster.start_operator(&["--reports", "none"])?;
    within(PATIENCE, "the reports to be removed", || {
        let left = cluster.admin.get("/apis/openreports.io/v1alpha1/reports")?;
        ensure!(left["items"].as_array().is_some_and(Vec::is_empty), "{}", left["items"]);
        Ok(())
    })?;
    cluster.stop_operator()?;
    cluster.start_operator(&[])
}
