//! What was in force stays in force when its declarations go, until the platform releases it.

use crate::drift::by_flow;
use anyhow::{Result, ensure};
use serde_json::json;
use snc_core::names::{LABEL_ISOLATED, LABEL_TENANT, PSA_ENFORCE};
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{
    BASELINES, Kind, NAMESPACES, TENANTS, at, baseline, flow, flows, label, namespace, new_namespace, pod,
    policy, tenant,
};
use snc_e2e::wait::{eventually, throughout};
use std::time::Duration;

pub fn outlives(cluster: &Cluster) -> Result<()> {
    let spec = json!({
        "tenantSelector": {"matchLabels": {"retenue": "oui"}},
        "modes": {"isolation": "Enforce", "podSecurity": "Enforce", "quota": "Enforce"},
        "quota": {"pods": "12"},
    });
    cluster.platform.create(BASELINES, baseline("retenue", spec))?;
    let member = |spec| {
        let mut member = tenant("retenue", spec);
        member["metadata"]["labels"] = json!({"retenue": "oui"});
        member
    };
    let owners = json!([{"kind": "User", "name": "proprietaire"}]);
    cluster.platform.create(TENANTS, member(json!({"namespaces": ["retenue"], "owners": owners})))?;
    cluster.platform.create(NAMESPACES, new_namespace("retenue", json!({LABEL_TENANT: "retenue"})))?;
    for name in ["p", "q"] {
        let spec = flows(vec![flow(&format!("flux-{name}"), json!({}))]);
        cluster.platform.create(Kind::SncPolicy.all("retenue"), policy(name, spec))?;
        cluster.condition(&Kind::SncPolicy.one("retenue", name), "Ready", "True", "Applied")?;
    }
    // One policy of two: its flows go, since another one still speaks for the namespace.
    cluster.platform.delete(Kind::SncPolicy.one("retenue", "q"))?;
    eventually("the flow of the deleted policy to be closed", || {
        let now = by_flow(cluster, "retenue")?;
        ensure!(now.keys().eq(["flux-p"]), "{:?}", now.keys());
        Ok(())
    })?;
    cluster.condition(&Kind::SncPolicy.one("retenue", "p"), "Ready", "True", "Applied")?;
    let before =
        (cluster.managed("retenue")?, cluster.admin.get(namespace("retenue"))?["metadata"]["labels"].take());
    let unchanged = |what: &str| {
        throughout(Duration::from_secs(2), || {
            let now = (
                cluster.managed("retenue")?,
                cluster.admin.get(namespace("retenue"))?["metadata"]["labels"].take(),
            );
            ensure!(now == before, "{what}: {before:?} became {now:?}");
            Ok(())
        })
    };
    cluster.platform.delete(Kind::SncPolicy.one("retenue", "p"))?;
    unchanged("the last policy deleted")?;
    cluster.restart_operator()?;
    unchanged("the last policy deleted, and the operator restarted")?;
    cluster.platform.delete(at(BASELINES, "retenue"))?;
    unchanged("the baseline deleted")?;
    cluster.platform.delete(at(TENANTS, "retenue"))?;
    unchanged("the tenant deleted")?;
    cluster.restart_operator()?;
    unchanged("everything deleted, and the operator restarted")?;
    let refused = cluster.platform.create(Kind::NetworkPolicy.all("retenue"), json!({
        "metadata": {"name": "x", "labels": {"app.kubernetes.io/managed-by": "snc-operator"}}, "spec": {"podSelector": {}},
    }));
    ensure!(refused.is_err(), "the guards hold too: {refused:?}");

    cluster.platform.create(TENANTS, member(json!({"release": ["retenue"]})))?;
    eventually("the release", || {
        let left = cluster.managed("retenue")?;
        ensure!(left.is_empty(), "{left:?}");
        let found = cluster.admin.get(namespace("retenue"))?;
        ensure!(label(&found, LABEL_TENANT).is_none() && label(&found, LABEL_ISOLATED).is_none(), "{found}");
        // Dropping this one would weaken the namespace, so it is handed over.
        ensure!(label(&found, PSA_ENFORCE) == Some("restricted"), "{found}");
        Ok(())
    })?;
    cluster.event("retenue", "Released", "retenue")?;
    cluster.platform.create(Kind::Pod.all("retenue"), pod("libre"))?;
    let labels = json!({"metadata": {"labels": {PSA_ENFORCE: "baseline"}}});
    cluster.platform.merge(namespace("retenue"), labels)?;
    Ok(())
}
