//! Namespaces that go away, and names that come back.

use anyhow::{Result, ensure};
use serde_json::json;
use snc_core::names::{LABEL_ISOLATED, LABEL_TENANT};
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{Kind, TENANTS, label, namespace, pod, tenant, uid};
use snc_e2e::wait::{eventually, throughout};
use std::time::{Duration, Instant};

pub fn recreation(cluster: &Cluster) -> Result<()> {
    let claim = json!({"namespaces": ["renait"], "createNamespaces": true});
    cluster.platform.create(TENANTS, tenant("renait", claim))?;
    let first = cluster.isolated("renait")?;
    ensure!(label(&first, LABEL_TENANT) == Some("renait"), "{first}");

    cluster.platform.delete(namespace("renait"))?;
    eventually("the namespace to be gone", || {
        let found = cluster.admin.find(namespace("renait"))?;
        ensure!(found.as_ref().is_none_or(|found| uid(found) != uid(&first)), "{found:?}");
        Ok(())
    })?;
    let gone = Instant::now();
    throughout(Duration::from_secs(9), || {
        let found = cluster.admin.find(namespace("renait"))?;
        ensure!(found.is_none(), "there again after {:?}", gone.elapsed());
        Ok(())
    })?;
    let second = cluster.isolated("renait")?;
    ensure!(uid(&second) != uid(&first), "{second}");
    cluster.event("default", "NamespaceCreated", "renait").map(drop)
}

pub fn termination(cluster: &Cluster) -> Result<()> {
    cluster.governed("s-en-va", &["s-en-va"], json!({}))?;
    let path = namespace("s-en-va");
    let held = json!({"metadata": {"finalizers": ["example.org/hold"]}});
    cluster.platform.merge(&path, held)?;
    cluster.platform.delete(&path)?;
    eventually("the label to go", || {
        let found = cluster.admin.get(&path)?;
        ensure!(found["metadata"]["deletionTimestamp"].is_string(), "not even deleted");
        ensure!(label(&found, LABEL_ISOLATED).is_none(), "{}", found["metadata"]["labels"]);
        ensure!(label(&found, LABEL_TENANT) == Some("s-en-va"), "the gate holds by this one: {found}");
        Ok(())
    })?;
    let refused = cluster.platform.create(Kind::Pod.all("s-en-va"), pod("p"));
    ensure!(refused.is_err(), "{refused:?}");
    cluster.platform.merge(&path, json!({"metadata": {"finalizers": null}}))?;
    eventually("the namespace to be gone", || {
        let found = cluster.admin.find(&path)?;
        ensure!(found.is_none(), "{found:?}");
        Ok(())
    })
}
