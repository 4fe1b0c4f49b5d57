//! The guards and the operator never lock the cluster out.

use crate::attacks::target;
use anyhow::{Result, ensure};
use serde_json::json;
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{Kind, NAMESPACES, namespace, new_namespace, opening, pod};
use snc_e2e::wait::{eventually, within};
use std::time::Duration;

fn gone(cluster: &Cluster, name: &str) -> Result<()> {
    within(Duration::from_secs(60), &format!("namespace {name} to be gone"), || {
        let found = cluster.admin.find(namespace(name))?;
        ensure!(found.is_none(), "{found:?}");
        Ok(())
    })
}

pub fn foreign_namespaces(cluster: &Cluster) -> Result<()> {
    cluster.stop_operator()?;
    let platform = &cluster.platform;
    let names: Vec<String> = (0..50).map(|i| format!("etrangere-{i}")).collect();
    for name in &names {
        platform.create(NAMESPACES, new_namespace(name, json!({"equipe": "a"})))?;
        platform.merge(namespace(name), json!({"metadata": {"labels": {"equipe": "b", "pod-security.kubernetes.io/enforce": "restricted"}}}))?;
        platform.merge(
            namespace(name),
            json!({"metadata": {"annotations": {"note": "x"}, "labels": {"equipe": null}}}),
        )?;
        platform.create(Kind::NetworkPolicy.all(name), opening("ouverte"))?;
    }
    for name in names.iter().take(5) {
        eventually("a pod", || Ok(platform.create(Kind::Pod.all(name), pod("p"))?))?;
    }
    for name in &names {
        platform.delete(namespace(name))?;
    }
    names.iter().try_for_each(|name| gone(cluster, name))?;
    cluster.start_operator(&[])
}

pub fn governed_namespace(cluster: &Cluster) -> Result<()> {
    target(cluster, "a-detruire")?;
    eventually("a pod", || Ok(cluster.platform.create(Kind::Pod.all("a-detruire"), pod("p"))?))?;
    cluster.stop_operator()?;
    cluster.platform.delete(namespace("a-detruire"))?;
    gone(cluster, "a-detruire")?;
    cluster.start_operator(&[])
}
