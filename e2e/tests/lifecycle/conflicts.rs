//! Two that want different things: each is told, and nothing is opened over it.

use crate::drift::by_flow;
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use snc_core::names::{DEFAULT_DENY, LABEL_ISOLATED, LABEL_TENANT};
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{
    BASELINES, FLOOR, Kind, NAMESPACES, TENANTS, at, baseline, flow, flows, label, namespace, new_namespace,
    pod, policy, stamp, tenant, text, uid,
};
use snc_e2e::wait::eventually;

const CLAIMED: &str = "NamespacesClaimed";

fn claim(cluster: &Cluster, name: &str, namespace: &str) -> Result<String> {
    cluster.platform.create(TENANTS, tenant(name, json!({"namespaces": [namespace]})))?;
    Ok(at(TENANTS, name))
}

pub fn claimants(cluster: &Cluster) -> Result<()> {
    // With a pod in it nobody gets the namespace before both have claimed it.
    cluster.platform.create(NAMESPACES, new_namespace("dispute", json!({})))?;
    let occupant = Kind::Pod.one("dispute", "occupant");
    eventually("a pod", || Ok(cluster.platform.create(Kind::Pod.all("dispute"), pod("occupant"))?))?;
    cluster.platform.create(Kind::SncPolicy.all("dispute"), policy("p", json!({})))?;
    let (a, b) = (claim(cluster, "dispute-a", "dispute")?, claim(cluster, "dispute-b", "dispute")?);
    let path = Kind::SncPolicy.one("dispute", "p");
    let told = || {
        for (tenant, other) in [(&a, "dispute-b"), (&b, "dispute-a")] {
            let condition = cluster.condition(tenant, CLAIMED, "False", "NamespaceConflict")?;
            ensure!(text(&condition, "/message").contains("dispute"), "{condition}");
            cluster.event("default", "NamespaceConflict", other)?;
        }
        cluster.condition(&path, "Ready", "False", "NamespaceConflict").map(drop)
    };
    told()?;
    ensure!(cluster.managed("dispute")?.is_empty(), "observed, by both: nothing is applied");

    cluster.platform.delete(&occupant)?;
    let deny = Kind::NetworkPolicy.one("dispute", DEFAULT_DENY);
    let deny = eventually("the default-deny", || Ok(cluster.admin.get(&deny)?))?;
    ensure!(deny["spec"]["ingress"].is_null() && deny["spec"]["egress"].is_null(), "{deny}");
    told()?;
    let found = cluster.admin.get(namespace("dispute"))?;
    ensure!(label(&found, LABEL_TENANT).is_none(), "{found}");

    // One gives way.
    cluster.platform.merge(&b, json!({"spec": {"namespaces": []}}))?;
    let found = cluster.isolated("dispute")?;
    ensure!(label(&found, LABEL_TENANT) == Some("dispute-a"), "{found}");
    let kept = cluster.admin.get(Kind::NetworkPolicy.one("dispute", DEFAULT_DENY))?;
    ensure!(uid(&kept) == uid(&deny), "the default-deny was never away: {deny} became {kept}");
    for tenant in [&a, &b] {
        cluster.condition(tenant, CLAIMED, "True", "Claimed")?;
    }
    cluster.condition(&path, "Ready", "True", "Applied").map(drop)
}

pub fn label_wins(cluster: &Cluster) -> Result<()> {
    cluster.governed("premier", &["premier"], json!({}))?;
    let before = cluster.managed("premier")?;
    let second = claim(cluster, "second", "premier")?;
    let condition = cluster.condition(&second, CLAIMED, "False", "NamespaceConflict")?;
    ensure!(text(&condition, "/message").contains("premier"), "{condition}");
    cluster.event("default", "NamespaceConflict", "second")?;
    cluster.condition(&at(TENANTS, "premier"), CLAIMED, "True", "Claimed")?;
    let found = cluster.admin.get(namespace("premier"))?;
    ensure!(label(&found, LABEL_TENANT) == Some("premier"), "{found}");
    let after = cluster.managed("premier")?;
    ensure!(before == after, "{before:?} became {after:?}");
    Ok(())
}

pub fn pod_security(cluster: &Cluster) -> Result<()> {
    let enforce = "pod-security.kubernetes.io/enforce";
    cluster.platform.create(NAMESPACES, new_namespace("etiquete", json!({enforce: "privileged"})))?;
    cluster.platform.create(Kind::SncPolicy.all("etiquete"), policy("p", json!({})))?;
    claim(cluster, "etiquete", "etiquete")?;
    let path = Kind::SncPolicy.one("etiquete", "p");
    let condition = cluster.condition(&path, "Ready", "False", "LabelConflict")?;
    ensure!(text(&condition, "/message").contains(enforce), "{condition}");
    cluster.event("etiquete", "LabelConflict", "etiquete")?;
    // The rest is done all the same.
    let found = cluster.isolated("etiquete")?;
    ensure!(label(&found, enforce) == Some("privileged"), "not overruled: {found}");
    cluster.condition(&path, "NetworkPolicyEffective", "True", "PoliciesPresent")?;
    // Whoever may assign the tenant settles it; its members may not.
    let removed = json!({"metadata": {"labels": {enforce: null}}});
    cluster.platform.merge(namespace("etiquete"), removed)?;
    eventually("the operator's label", || {
        let found = cluster.admin.get(namespace("etiquete"))?;
        ensure!(label(&found, enforce) == Some("restricted"), "{found}");
        Ok(())
    })?;
    cluster.condition(&path, "Ready", "True", "Applied").map(drop)
}

pub fn quota(cluster: &Cluster) -> Result<()> {
    cluster.governed("total", &["total-a", "total-b"], json!({"quota": {"pods": "10"}}))?;
    let ask = |namespace: &str, pods: u32| {
        cluster
            .platform
            .create(Kind::SncPolicy.all(namespace), policy("p", json!({"quota": {"pods": pods.to_string()}})))
    };
    ask("total-a", 8)?;
    ask("total-b", 8)?;
    let condition = cluster.condition(&at(TENANTS, "total"), "QuotaFits", "False", "QuotaExceeded")?;
    ensure!(text(&condition, "/message").contains("pods: 8 > 2"), "{condition}");
    cluster.event("default", "QuotaExceeded", "total")?;
    let granted = |namespace: &str| {
        let quota = cluster.admin.get(Kind::ResourceQuota.one(namespace, "snc-quota"))?;
        anyhow::Ok(text(&quota, "/spec/hard/pods").parse::<u32>()?)
    };
    eventually("the shares", || {
        let (a, b) = (granted("total-a")?, granted("total-b")?);
        ensure!((a, b) == (8, 2), "{a} and {b} of 10");
        Ok(())
    })?;
    let condition =
        cluster.condition(&Kind::SncPolicy.one("total-b", "p"), "Ready", "False", "QuotaExceeded")?;
    ensure!(text(&condition, "/message").contains("spec.quota[pods]"), "{condition}");
    cluster.condition(&Kind::SncPolicy.one("total-a", "p"), "Ready", "True", "Applied")?;

    cluster.platform.merge(at(TENANTS, "total"), json!({"spec": {"quota": {"pods": "16"}}}))?;
    cluster.condition(&at(TENANTS, "total"), "QuotaFits", "True", "WithinTotal")?;
    cluster.condition(&Kind::SncPolicy.one("total-b", "p"), "Ready", "True", "Applied").map(drop)
}

pub fn baselines(cluster: &Cluster) -> Result<()> {
    let allows = |block: &str| {
        let network = json!({"allowedCIDRs": [block], "deniedCIDRs": ["10.0.0.0/8"]});
        json!({"tenantSelector": {"matchLabels": {"accord": "non"}}, "network": network})
    };
    cluster.platform.create(BASELINES, baseline("accord-a", allows("203.0.113.0/24")))?;
    let mut member = tenant("accord", json!({"namespaces": ["accord"]}));
    member["metadata"]["labels"] = json!({FLOOR: "enforce", "accord": "non"});
    cluster.platform.create(TENANTS, member)?;
    cluster.platform.create(NAMESPACES, new_namespace("accord", json!({LABEL_TENANT: "accord"})))?;
    let to = |name: &str, block: &str| {
        flow(name, json!({"direction": "Egress", "peers": [{"cidr": {"block": block}}]}))
    };
    let spec = flows(vec![to("dedans", "203.0.113.16/28")]);
    cluster.platform.create(Kind::SncPolicy.all("accord"), policy("p", spec))?;
    let path = Kind::SncPolicy.one("accord", "p");
    cluster.condition(&path, "Ready", "True", "Applied")?;
    let stamps = || {
        let all = by_flow(cluster, "accord")?;
        anyhow::Ok(all.iter().map(|(flow, object)| (flow.clone(), stamp(object))).collect::<Vec<_>>())
    };
    let before = stamps()?;
    ensure!(before.len() == 1, "{before:?}");

    cluster.platform.create(BASELINES, baseline("accord-b", allows("198.51.100.0/24")))?;
    for name in ["accord-a", "accord-b"] {
        let condition = cluster.condition(&at(BASELINES, name), "Consistent", "False", "BaselineConflict")?;
        ensure!(text(&condition, "/message").contains("allowedCIDRs"), "{condition}");
    }
    let condition = cluster.condition(&path, "Ready", "False", "BaselineConflict")?;
    ensure!(text(&condition, "/message").contains("SncBaseline/accord-b"), "{condition}");
    cluster.condition(&path, "NetworkPolicyEffective", "True", "PoliciesPresent")?;
    let after = stamps()?;
    ensure!(before == after, "the last good stays: {before:?} became {after:?}");
    let found: Value = cluster.admin.get(namespace("accord"))?;
    ensure!(label(&found, LABEL_ISOLATED) == Some("true"), "{found}");

    cluster.platform.delete(at(BASELINES, "accord-b"))?;
    cluster.condition(&at(BASELINES, "accord-a"), "Consistent", "True", "Agrees")?;
    cluster.condition(&path, "Ready", "True", "Applied").map(drop)
}
