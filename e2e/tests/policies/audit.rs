//! `kubectl snc audit` of the real API server, beside `kubectl snc scan` of the same manifests.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{NAMESPACES, new_namespace};
use snc_e2e::wait::eventually;
use xtask::harness::User;

const NAMESPACE: &str = "jugement";

pub fn audit(cluster: &Cluster) -> Result<()> {
    let deployment = deployment();
    cluster.platform.create(NAMESPACES, new_namespace(NAMESPACE, json!({})))?;
    eventually("the deployment", || {
        Ok(cluster
            .platform
            .create(format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments"), deployment.clone())?)
    })?;
    // Its pods are there, and are not told apart from it.
    eventually("its pods", || {
        let pods = cluster.admin.list(format!("/api/v1/namespaces/{NAMESPACE}/pods"))?;
        ensure!(pods.len() == 2, "{}", pods.len());
        Ok(())
    })?;
    let (code, report) = run(cluster, User::Platform, &["audit", "-o", "json"])?;
    ensure!(code == Some(1), "{code:?}");
    let here = |report: &Value| -> Vec<(String, String, String, String)> {
        let all = report["findings"].as_array().into_iter().flatten();
        let of_pods = all.filter(|found| found["verdict"] == "Fail" && found["category"] == "pod-security");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        of_pods
            .filter(|found| found["subject"]["namespace"] == NAMESPACE)
            .map(|found| {
                let subject = &found["subject"];
                (
                    text(&found["control"]),
                    text(&subject["kind"]),
                    text(&subject["name"]),
                    text(&found["message"]),
                )
            })
            .collect()
    };
    let found = here(&report);
    ensure!(found.iter().any(|(control, ..)| control == "pod-privileged"), "{found:?}");
    ensure!(
        found.iter().all(|(_, kind, ..)| kind == "Deployment"),
        "pods or ReplicaSets by themselves: {found:?}"
    );

    let file = tempfile::NamedTempFile::with_suffix(".json")?;
    serde_json::to_writer(&file, &deployment)?;
    let (_, of_file) =
        run(cluster, User::Platform, &["scan", "-o", "json", &file.path().display().to_string()])?;
    ensure!(here(&of_file) == found, "the file: {:?}; the cluster: {found:?}", here(&of_file));

    // Who may read nothing learns nothing, and is told so: no control passes.
    let (code, report) = run(cluster, User::Mallory, &["audit", "-o", "json", "--fail-on", "none"])?;
    ensure!(code == Some(3), "{code:?}");
    ensure!(report["summary"]["proven"] == 0 && report["summary"]["disproved"] == 0, "{}", report["summary"]);
    ensure!(report["summary"]["unknown"].as_u64() > Some(100), "{}", report["summary"]);
    Ok(())
}

fn deployment() -> Value {
    let labels = json!({"app": "a"});
    let container = json!({
        "name": "main", "image": "registry.invalid/never-pulled:0", "securityContext": {"privileged": true},
    });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": NAMESPACE},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    })
}

fn run(cluster: &Cluster, user: User, args: &[&str]) -> Result<(Option<i32>, Value)> {
    let output = cluster.kubectl_snc(user, args)?;
    let report = serde_json::from_str(&output.stdout).with_context(|| format!("{output:?}"))?;
    Ok((output.code, report))
}
