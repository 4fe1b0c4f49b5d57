//! Two tenants, namespaces in each mode, and a webhook that is asked about them.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use snc_core::names::{LABEL_TENANT, LABEL_WORKLOADS};
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{BASELINES, Kind, NAMESPACES, TENANTS, baseline, label, namespace, new_namespace};
use snc_e2e::wait::eventually;
use snc_e2e::webhook::{Certificates, Webhook};

pub const ENFORCED: &str = "magasin-enforce";
pub const WARNED: &str = "magasin-warn";
pub const NOTED: &str = "magasin-audit";
pub const OTHER: &str = "banque-enforce";

/// As a pod has to be at level `Essentiel`.
pub fn good(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "automountServiceAccountToken": false, "serviceAccountName": "web",
            "securityContext": {"runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container("main")]}})
}

pub fn container(name: &str) -> Value {
    json!({"name": name, "image": "registry.invalid/never-pulled:1.0", "imagePullPolicy": "Always",
        "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "1m", "memory": "1Mi"}},
        "readinessProbe": {"tcpSocket": {"port": 80}},
        "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]}}})
}

/// Three faults that nobody else looks at: neither the policies of critical controls nor Pod Security Admission.
pub const FAULTS: [&str; 3] = ["image-mutable-tag", "container-requests", "container-memory-limit"];

pub fn bad(name: &str) -> Value {
    let mut pod = good(name);
    let container = &mut pod["spec"]["containers"][0];
    container["image"] = json!("registry.invalid/never-pulled:latest");
    container["resources"] = json!({});
    pod
}

/// Where there is no account of the tenant.
pub fn elsewhere(mut pod: Value) -> Value {
    pod["spec"]["serviceAccountName"] = json!("default");
    pod
}

/// In a Deployment.
pub fn deployment(pod: Value) -> Value {
    let name = pod["metadata"]["name"].clone();
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod["spec"]}}})
}

pub fn deployments(namespace: &str) -> String {
    format!("/apis/apps/v1/namespaces/{namespace}/deployments")
}

/// Runs with a webhook, which is gone afterwards.
pub fn with_webhook(
    cluster: &Cluster,
    name: &str,
    run: impl FnOnce(&Webhook<'_>, &Certificates) -> Result<()>,
) -> Result<()> {
    set(cluster)?;
    Webhook::serving(cluster, name, || asked(cluster), run)
}

/// Succeeds once the API server asks a webhook that judges.
pub fn asked(cluster: &Cluster) -> Result<()> {
    let answer = cluster.admin.create(format!("{}?dryRun=All", deployments(ENFORCED)), deployment(bad("p")));
    ensure!(answer.as_ref().is_err_and(|refusal| refusal.message.contains(FAULTS[0])), "{answer:?}");
    Ok(())
}

/// Once for all tests.
pub fn set(cluster: &Cluster) -> Result<()> {
    if cluster.admin.find(namespace(ENFORCED))?.is_some() {
        return Ok(());
    }
    for (name, workloads) in
        [("webhook-enforce", "Enforce"), ("webhook-warn", "Warn"), ("webhook-audit", "Audit")]
    {
        let modes = json!({"isolation": workloads, "podSecurity": workloads, "workloads": workloads,
            "images": workloads});
        let spec = json!({"tenantSelector": {"matchLabels": {"webhook": workloads}}, "modes": modes,
            "parameters": [{"control": "image-registry", "name": "registries", "value": ["registry.invalid"],
            "rationale": "le registre des essais"}]});
        cluster.platform.create(BASELINES, baseline(name, spec))?;
    }
    for (tenant, mode, name) in [
        ("magasin", "Enforce", ENFORCED),
        ("magasin-w", "Warn", WARNED),
        ("magasin-a", "Audit", NOTED),
        ("banque", "Enforce", OTHER),
    ] {
        let tenant_object = json!({"apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncTenant",
            "metadata": {"name": tenant, "labels": {"webhook": mode}},
            "spec": {"level": "Essentiel", "namespaces": [name],
                "owners": [{"kind": "User", "name": format!("proprio-{tenant}")}]}});
        cluster.platform.create(TENANTS, tenant_object)?;
        cluster.platform.create(NAMESPACES, new_namespace(name, json!({LABEL_TENANT: tenant})))?;
        eventually(&format!("{name} to have its modes"), || {
            let found = cluster.admin.get(namespace(name))?;
            ensure!(label(&found, LABEL_WORKLOADS) == Some(mode), "{}", found["metadata"]);
            cluster.admin.get(Kind::ServiceAccount.one(name, "default"))?;
            Ok(())
        })?;
        account(cluster, name)?;
    }
    cluster.isolated(ENFORCED)?;
    cluster.isolated(OTHER).map(drop)
}

/// What pods of the tenant run as.
pub fn account(cluster: &Cluster, namespace: &str) -> Result<()> {
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web"},
        "automountServiceAccountToken": false});
    cluster.admin.create(Kind::ServiceAccount.all(namespace), account)?;
    Ok(())
}
