//! What is said of admission follows what the canary tenant is answered.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use snc_core::names::GUARD_MANAGED;
use snc_e2e::cluster::{Cluster, OPERATOR};
use snc_e2e::objects::{BASELINES, CLUSTER_ROLES, Kind, TENANTS, again, at, baseline, policy};
use snc_e2e::wait::within;
use std::time::Duration;

const ENFORCED: &str = "AdmissionEnforced";
const BINDINGS: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";
const NAMESPACE: &str = "temoin";
const PATIENCE: Duration = Duration::from_secs(60);

fn role_binding() -> String {
    Kind::RoleBinding.one("snc-canary-tenant", "snc-canary")
}

fn requests(cluster: &Cluster, result: &str) -> Result<i64> {
    let series = format!("snc_canary_requests{{result=\"{result}\"}}");
    cluster.metrics(OPERATOR)?.get(&series).copied().with_context(|| series)
}

pub fn said(cluster: &Cluster) -> Result<()> {
    cluster.stop_operator()?;
    cluster.start_operator(&["--canary-seconds", "5"])?;
    let modes = json!({"podSecurity": "Enforce", "workloads": "Enforce"});
    let spec = json!({"tenantSelector": {"matchLabels": {"temoin": "oui"}}, "modes": modes});
    cluster.platform.create(BASELINES, baseline("temoin", spec))?;
    cluster.governed(NAMESPACE, &[NAMESPACE], json!({"level": "Essentiel"}))?;
    cluster.platform.create(Kind::SncPolicy.all(NAMESPACE), policy("p", json!({})))?;
    let path = Kind::SncPolicy.one(NAMESPACE, "p");
    cluster.condition(&path, ENFORCED, "False", "NotEnforced")?;
    cluster.platform.merge(at(TENANTS, NAMESPACE), json!({"metadata": {"labels": {"temoin": "oui"}}}))?;
    cluster.condition(&path, ENFORCED, "True", "CanaryRefused")?;
    ensure!(requests(cluster, "refused")? > 50, "{}", requests(cluster, "refused")?);
    ensure!(requests(cluster, "unproven")? == 0 && requests(cluster, "allowed")? == 0, "not all refused");

    // The guard is taken away where the operator cannot put it back.
    let role = at(CLUSTER_ROLES, "snc-controller");
    let whole = cluster.admin.get(&role)?;
    let mut less = whole.clone();
    for rule in less["rules"].as_array_mut().into_iter().flatten() {
        if let Some(names) = rule["resourceNames"].as_array_mut() {
            names.retain(|name| name != GUARD_MANAGED);
        }
    }
    cluster.without_rights(|| {
        cluster.admin.replace(&role, less)?;
        let binding = at(BINDINGS, GUARD_MANAGED);
        within(PATIENCE, "the guard to be away for good", || {
            let _ = cluster.admin.delete(&binding);
            let told = cluster.condition(&path, ENFORCED, "False", "CanaryAllowed")?;
            ensure!(told["message"].as_str().is_some_and(|text| text.contains("managed-")), "{told}");
            Ok(())
        })?;
        ensure!(requests(cluster, "allowed")? > 0, "not counted");
        cluster.admin.replace(&role, again(whole))?;
        Ok(())
    })?;
    cluster.restart_operator()?;
    cluster.condition(&path, ENFORCED, "True", "CanaryRefused")?;

    // Refused by RBAC, nothing is proven.
    let rights = cluster.admin.get(role_binding())?;
    cluster.admin.delete(role_binding())?;
    cluster.condition(&path, ENFORCED, "Unknown", "CanaryInconclusive")?;
    cluster.admin.create(Kind::RoleBinding.all("snc-canary-tenant"), again(rights))?;
    cluster.condition(&path, ENFORCED, "True", "CanaryRefused")?;
    cluster.stop_operator()?;
    cluster.start_operator(&[])
}
