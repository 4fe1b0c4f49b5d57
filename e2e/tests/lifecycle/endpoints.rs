//! What an operator says of itself on its port, and what it says of rights that it lacks.

use crate::lease::STANDBY;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use snc_e2e::cluster::{Cluster, OPERATOR, OPERATOR_NAMESPACE};
use snc_e2e::objects::{CLUSTER_ROLES, Kind, NAMESPACES, at, flow, flows, policy, text};
use snc_e2e::wait::{eventually, within};
use std::collections::BTreeSet;
use std::time::Duration;

pub fn answers(cluster: &Cluster) -> Result<()> {
    cluster.governed("mesure", &["mesure"], json!({"quota": {"pods": "5"}}))?;
    cluster.platform.create(Kind::SncPolicy.all("mesure"), policy("p", flows(vec![flow("a", json!({}))])))?;
    cluster.condition(&Kind::SncPolicy.one("mesure", "p"), "Ready", "True", "Applied")?;
    cluster.start_standby(STANDBY)?;
    let result = [OPERATOR, STANDBY].into_iter().try_for_each(|name| {
        let (status, text) = cluster.ask(name, "/livez")?;
        ensure!(status == 200, "{text}");
        let (status, text) = cluster.ask(name, "/readyz")?;
        ensure!(status == 200 && text.matches("[+]").count() == 11, "{text}");
        ensure!(cluster.ask(name, "/debug/pprof")?.0 == 404, "nothing else is there");
        closed(cluster, name)
    });
    let leader = cluster.metrics(OPERATOR)?;
    let standby = cluster.metrics(STANDBY)?;
    cluster.plane().instance().terminate(STANDBY)?;
    result?;
    let series = |name: &str| leader.get(name).copied().with_context(|| format!("no {name} in {leader:?}"));
    ensure!(series("snc_leader")? == 1, "the leader leads");
    ensure!(series("snc_managed_objects{kind=\"NetworkPolicy\"}")? >= 3, "default-deny, DNS, a flow");
    ensure!(series("snc_default_deny_missing")? == 0, "{leader:?}");
    ensure!(series("snc_namespaces{network_policy_effective=\"True\"}")? >= 1, "{leader:?}");
    ensure!(series("snc_writes_total{kind=\"networkpolicies\",verb=\"patch\"}")? >= 3, "{leader:?}");
    ensure!(series("snc_reconciles_total{kind=\"namespace\",result=\"done\"}")? >= 1, "{leader:?}");
    let age = series("snc_index_oldest_seconds")?;
    ensure!((0..180).contains(&age), "bookmarks come: {age}");
    let missing = leader.keys().find(|series| series.starts_with("snc_permission_missing"));
    ensure!(missing.is_none(), "{missing:?}");
    let managed = "snc_managed_objects{kind=\"NetworkPolicy\"}";
    ensure!(standby[managed] == leader[managed], "both know the same");
    Ok(())
}

/// Every label is one of a closed set, and no name of the cluster is told.
fn closed(cluster: &Cluster, name: &str) -> Result<()> {
    let labels = [
        "kind",
        "result",
        "reason",
        "verb",
        "state",
        "resource",
        "network_policy_effective",
        "le",
        "outcome",
        "deadline",
    ];
    let metrics = cluster.metrics(name)?;
    let mut values = BTreeSet::new();
    for series in metrics.keys() {
        let Some((_, set)) = series.split_once('{') else { continue };
        for pair in set.trim_end_matches('}').split(',') {
            let (label, value) = pair.split_once('=').with_context(|| series.clone())?;
            ensure!(labels.contains(&label), "{series}");
            if label != "le" {
                values.insert(value.trim_matches('"').to_owned());
            }
        }
    }
    ensure!(metrics.len() < 600, "{} series", metrics.len());
    for namespace in cluster.admin.list(NAMESPACES)? {
        let name = text(&namespace, "/metadata/name");
        ensure!(!values.contains(name), "namespace {name} is a label");
    }
    for name in ["snc-default-deny", "snc-effective", "mesure", "floor"] {
        ensure!(!values.contains(name), "{name} is a label");
    }
    Ok(())
}

pub fn permission(cluster: &Cluster) -> Result<()> {
    cluster.governed("sans-droit", &["sans-droit"], json!({}))?;
    let path = Kind::SncPolicy.one("sans-droit", "p");
    let spec = flows(vec![flow("a", json!({}))]);
    cluster.platform.create(Kind::SncPolicy.all("sans-droit"), policy("p", spec))?;
    cluster.condition(&path, "NetworkPolicyEffective", "True", "PoliciesPresent")?;
    let role = at(CLUSTER_ROLES, "snc-controller");
    let before = cluster.admin.get(&role)?["rules"].take();
    let without: Vec<_> = before
        .as_array()
        .into_iter()
        .flatten()
        .filter(|rule| rule["resources"] != json!(["pods"]))
        .cloned()
        .collect();
    ensure!(before.as_array().is_some_and(|all| all.len() == without.len() + 1), "{before}");
    cluster.without_rights(|| {
        cluster.stop_operator()?;
        cluster.admin.merge(&role, json!({"rules": without}))?;
        let result = (|| {
            cluster.plane().instance().spawn_spec(OPERATOR, &cluster.operator_spec(&[])?)?;
            let said = cluster.condition(&path, "NetworkPolicyEffective", "Unknown", "PermissionMissing")?;
            ensure!(text(&said, "/message").contains("pods"), "{said}");
            ensure!(cluster.ask(OPERATOR, "/readyz")?.0 == 503, "not everything is listed");
            let missing = cluster.metrics(OPERATOR)?;
            for verb in ["get", "list", "watch"] {
                let series = format!("snc_permission_missing{{resource=\"pods\",verb=\"{verb}\"}}");
                ensure!(missing.get(&series) == Some(&1), "{series} {missing:?}");
            }
            within(Duration::from_secs(40), "an Event on the lease", || {
                let events = cluster.admin.list(Kind::Event.all(OPERATOR_NAMESPACE))?;
                let told = events.iter().find(|event| event["reason"] == "PermissionMissing");
                ensure!(told.is_some_and(|e| text(e, "/note").contains("list pods")), "{told:?}");
                Ok(())
            })
        })();
        cluster.admin.merge(&role, json!({"rules": before}))?;
        result?;
        within(Duration::from_secs(60), "the answer to come back", || {
            cluster.condition(&path, "NetworkPolicyEffective", "True", "PoliciesPresent").map(drop)
        })?;
        eventually("it to be ready", || {
            let (status, detail) = cluster.ask(OPERATOR, "/readyz")?;
            ensure!(status == 200, "{detail}");
            Ok(())
        })
    })
}
