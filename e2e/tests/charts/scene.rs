//! A namespace where everything is enforced.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use snc_core::names::{LABEL_TENANT, LABEL_WORKLOADS};
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{BASELINES, NAMESPACES, TENANTS, baseline, label, namespace, new_namespace};
use snc_e2e::wait::eventually;
use snc_e2e::webhook::Webhook;

pub const NAMESPACE: &str = "magasin";
pub const DRY: &str = "dryRun=All";

/// Of a tenant at this level, isolated, with every mode at Enforce.
pub fn enforced(cluster: &Cluster, name: &str, level: &str) -> Result<()> {
    let modes = json!({"isolation": "Enforce", "podSecurity": "Enforce", "workloads": "Enforce",
        "images": "Enforce"});
    // What a platform has to say before any image is accepted.
    let registries = ["docker.io", "ghcr.io", "quay.io", "registry.k8s.io"];
    let spec = json!({"tenantSelector": {"matchLabels": {"charts": name}}, "modes": modes,
        "parameters": [{"control": "image-registry", "name": "registries", "value": registries,
        "rationale": "les registres des charts"}]});
    cluster.platform.create(BASELINES, baseline(name, spec))?;
    let tenant = json!({"apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncTenant",
        "metadata": {"name": name, "labels": {"charts": name}},
        "spec": {"level": level, "namespaces": [name]}});
    cluster.platform.create(TENANTS, tenant)?;
    cluster.platform.create(NAMESPACES, new_namespace(name, json!({LABEL_TENANT: name})))?;
    cluster.isolated(name)?;
    eventually(&format!("{name} to have its modes"), || {
        let found = cluster.admin.get(namespace(name))?;
        ensure!(label(&found, LABEL_WORKLOADS) == Some("Enforce"), "{}", found["metadata"]);
        Ok(())
    })
}

/// With one fault, which no policy of critical controls looks at.
fn faulty() -> Value {
    let security =
        json!({"runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}});
    let own = json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}});
    let spec = json!({"automountServiceAccountToken": false, "securityContext": security,
        "containers": [{"name": "a", "image": "docker.io/library/a:latest", "securityContext": own}]});
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "faute"},
        "spec": {"selector": {"matchLabels": {"app": "a"}},
            "template": {"metadata": {"labels": {"app": "a"}}, "spec": spec}}})
}

/// Runs with a webhook that is asked about this namespace.
pub fn with_webhook(cluster: &Cluster, name: &str, run: impl FnOnce() -> Result<()>) -> Result<()> {
    let path = format!("/apis/apps/v1/namespaces/{name}/deployments?{DRY}");
    let asked = || {
        let answer = cluster.platform.create(&path, faulty());
        let refused = answer.as_ref().is_err_and(|refusal| refusal.message.contains("image-mutable-tag"));
        ensure!(refused, "{answer:?}");
        Ok(())
    };
    Webhook::serving(cluster, &format!("webhook-{name}"), asked, |_, _| run())
}
