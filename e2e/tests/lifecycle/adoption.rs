//! Namespaces that were there first.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use snc_core::names::{DEFAULT_DENY, LABEL_TENANT};
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{
    Kind, NAMESPACES, TENANTS, at, flow, flows, label, namespace, new_namespace, pod, policy, stamp, tenant,
    text,
};
use snc_e2e::wait::{eventually, throughout};
use std::time::Duration;
use xtask::harness::User;

fn row(cluster: &Cluster, tenant: &str, namespace: &str) -> Result<Value> {
    let status = cluster.admin.get(at(TENANTS, tenant))?["status"].take();
    let items = status["namespaces"]["items"].as_array().cloned().unwrap_or_default();
    items.into_iter().find(|item| item["name"] == namespace).with_context(|| status.to_string())
}

pub fn observe_then_enforce(cluster: &Cluster) -> Result<()> {
    cluster.platform.create(NAMESPACES, new_namespace("ancien", json!({})))?;
    let old = eventually("a pod", || Ok(cluster.platform.create(Kind::Pod.all("ancien"), pod("ancien"))?))?;
    cluster
        .platform
        .create(Kind::SncPolicy.all("ancien"), policy("p", flows(vec![flow("api", json!({}))])))?;
    let account = stamp(&cluster.admin.get(Kind::ServiceAccount.one("ancien", "default"))?);
    let before = stamp(&cluster.admin.get(namespace("ancien"))?);

    let owners = json!([{"kind": "User", "name": "proprietaire"}]);
    cluster
        .platform
        .create(TENANTS, tenant("ancien", json!({"namespaces": ["ancien"], "owners": owners})))?;
    eventually("the namespace to be observed", || {
        let row = row(cluster, "ancien", "ancien")?;
        ensure!(row["state"] == "Observed" && row["reason"] == "Observed", "{row}");
        Ok(())
    })?;
    let path = Kind::SncPolicy.one("ancien", "p");
    cluster.condition(&path, "Ready", "False", "Observed")?;
    cluster.condition(&at(TENANTS, "ancien"), "Ready", "False", "Observed")?;
    throughout(Duration::from_secs(2), || {
        ensure!(stamp(&cluster.admin.get(namespace("ancien"))?) == before, "the namespace was written");
        ensure!(
            stamp(&cluster.admin.get(Kind::ServiceAccount.one("ancien", "default"))?) == account,
            "the account was written"
        );
        let policies = cluster.admin.list(Kind::NetworkPolicy.all("ancien"))?;
        ensure!(policies.is_empty() && cluster.managed("ancien")?.is_empty(), "{policies:?}");
        Ok(())
    })?;

    let plan = cluster.kubectl_snc(User::Platform, &["plan", "-n", "ancien"])?;
    ensure!(plan.code == Some(1), "changes are pending: {plan:?}");
    for told in [DEFAULT_DENY, "snc-flow-api-", "snc-owners", "secnumcloud.dev/tenant", "adoption"] {
        ensure!(plan.stdout.contains(told), "no {told:?} in the plan:\n{}", plan.stdout);
    }

    cluster.platform.merge(at(TENANTS, "ancien"), json!({"spec": {"adoption": "Enforce"}}))?;
    let isolated = cluster.isolated("ancien")?;
    ensure!(label(&isolated, LABEL_TENANT) == Some("ancien"), "{isolated}");
    cluster.condition(&path, "NetworkPolicyEffective", "True", "PoliciesPresent")?;
    let gap = eventually("the gap to be reported", || {
        let row = row(cluster, "ancien", "ancien")?;
        ensure!(row["state"] == "Isolated" && row["reason"] == "AdoptedWithGap", "{row}");
        Ok(row["adoptedWithGap"].clone())
    })?;
    let (from, to): (jiff::Timestamp, jiff::Timestamp) =
        (text(&gap, "/from").parse()?, text(&gap, "/to").parse()?);
    let created: jiff::Timestamp = text(&old, "/metadata/creationTimestamp").parse()?;
    ensure!(from == created && to > from && to <= jiff::Timestamp::now(), "{gap}, the pod is of {created}");
    let findings = cluster.admin.get(&path)?["status"]["findings"].take();
    ensure!(text(&findings, "/items/0").contains("AdoptedWithGap"), "{findings}");

    let plan = cluster.kubectl_snc(User::Platform, &["plan", "-n", "ancien"])?;
    ensure!(plan.code == Some(0), "nothing is left to do: {plan:?}");
    Ok(())
}
