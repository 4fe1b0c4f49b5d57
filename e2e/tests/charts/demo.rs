//! What the demo shows as well made.

use crate::scene::{DRY, enforced, with_webhook};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::text;
use std::fs;
use std::path::PathBuf;
use xtask::harness::workspace;

const NAMESPACE: &str = "boutique";
/// The level at which the demo scans it.
const LEVEL: &str = "Essentiel";

/// Every file of the shop, in one namespace.
pub fn shop(cluster: &Cluster) -> Result<()> {
    enforced(cluster, NAMESPACE, LEVEL)?;
    with_webhook(cluster, NAMESPACE, || {
        let mut judged = 0;
        for mut object in objects()? {
            // Its flows name the namespaces of the demo.
            if object["kind"] == "SncPolicy" {
                continue;
            }
            object["metadata"]["namespace"] = NAMESPACE.into();
            let (group, plural) = match text(&object, "/kind") {
                "ConfigMap" => ("/api/v1", "configmaps"),
                "Deployment" => ("/apis/apps/v1", "deployments"),
                "PersistentVolumeClaim" => ("/api/v1", "persistentvolumeclaims"),
                "Service" => ("/api/v1", "services"),
                "StatefulSet" => ("/apis/apps/v1", "statefulsets"),
                other => anyhow::bail!("{other}: not looked at"),
            };
            let path = format!("{group}/namespaces/{NAMESPACE}/{plural}?{DRY}");
            cluster.platform.create(path, object.clone()).with_context(|| object["metadata"].to_string())?;
            judged += 1;
        }
        ensure!(judged >= 10, "only {judged} objects");
        Ok(())
    })
}

fn objects() -> Result<Vec<Value>> {
    let mut folders: Vec<PathBuf> = vec![workspace::root().join("manifests/demo/shop")];
    let mut all = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let documents: Vec<Value> = serde_saphyr::from_multiple(&fs::read_to_string(&path)?)?;
                all.extend(documents.into_iter().filter(Value::is_object));
            }
        }
    }
    Ok(all)
}
