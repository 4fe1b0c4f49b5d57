//! What the canary tenant tries of the webhook, and what is said of admission when the webhook lets it through or is gone.

use crate::own::{self, PATIENCE};
use crate::scene::ENFORCED;
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use snc_core::names::WEBHOOK;
use snc_e2e::cluster::{Cluster, OPERATOR};
use snc_e2e::objects::{CLUSTER_ROLES, Kind, again, at, policy};
use snc_e2e::wait::within;
use snc_e2e::webhook::{CONFIGURATIONS, Webhook};

const ADMISSION: &str = "AdmissionEnforced";
const SOON: &[&str] = &["--canary-seconds", "5"];
/// What no policy of the API server refuses.
const ASKED: [&str; 2] = ["webhook-pod", "webhook-rights-for-all"];

pub fn said(cluster: &Cluster) -> Result<()> {
    own::kept(cluster, "webhook-canaries", SOON, &[], |webhook, _| {
        let path = Kind::SncPolicy.one(ENFORCED, "canaris");
        cluster.platform.create(Kind::SncPolicy.all(ENFORCED), policy("canaris", json!({})))?;
        let result = asked(cluster, &webhook, &path);
        webhook.terminate().and(result)
    })?;
    cluster.platform.delete(Kind::SncPolicy.one(ENFORCED, "canaris")).map(drop).map_err(Into::into)
}

fn told(cluster: &Cluster, path: &str, status: &str, reason: &str) -> Result<Value> {
    within(PATIENCE, reason, || cluster.condition(path, ADMISSION, status, reason))
}

fn counted(cluster: &Cluster, result: &str) -> Result<i64> {
    let series = format!("snc_canary_requests{{result=\"{result}\"}}");
    Ok(cluster.metrics(OPERATOR)?.get(&series).copied().unwrap_or_default())
}

fn asked(cluster: &Cluster, webhook: &Webhook<'_>, path: &str) -> Result<()> {
    told(cluster, path, "True", "CanaryRefused")?;
    ensure!(counted(cluster, "unproven")? == 0 && counted(cluster, "allowed")? == 0, "not all refused");
    let with = counted(cluster, "refused")?;

    // Nobody answers: what is enforced fails closed, and that proves no rule.
    webhook.kill()?;
    told(cluster, path, "Unknown", "CanaryInconclusive")?;
    ensure!(counted(cluster, "unproven")? >= 2, "a webhook that is gone was taken for one that refuses");
    webhook.restart()?;
    told(cluster, path, "True", "CanaryRefused")?;
    ensure!(counted(cluster, "refused")? == with, "{with}, then {}", counted(cluster, "refused")?);

    // The guard lets nobody else delete it, and the operator itself cannot put it back: the same requests pass.
    let role = at(CLUSTER_ROLES, "snc-controller-webhook");
    let whole = cluster.admin.get(&role)?;
    let mut less = whole.clone();
    for rule in less["rules"].as_array_mut().into_iter().flatten() {
        if rule["resourceNames"].is_array() {
            rule["verbs"] = json!(["delete"]);
        }
    }
    cluster.without_rights(|| {
        cluster.admin.replace(&role, less)?;
        let configuration = at(CONFIGURATIONS, WEBHOOK);
        let said = within(PATIENCE, "the webhook to be away for good", || {
            let _ = cluster.operator.delete(&configuration);
            cluster.condition(path, ADMISSION, "False", "CanaryAllowed")
        });
        cluster.admin.replace(&role, again(whole))?;
        let said = said?;
        let said = said["message"].as_str().unwrap_or_default();
        ensure!(ASKED.iter().all(|attempt| said.contains(attempt)), "{said}");
        Ok(())
    })?;
    told(cluster, path, "True", "CanaryRefused")?;
    ensure!(counted(cluster, "refused")? == with, "{with}, then {}", counted(cluster, "refused")?);
    Ok(())
}
