//! Rights that tests plant, and those that owners get.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use snc_core::names::{ASSESSMENT, OWNER_BINDING};
use snc_e2e::api::{Answer, Answered, Api};
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{
    CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, Kind, namespace, opening, pod, policy, version,
};
use snc_e2e::wait::eventually;

/// Done, or done before by another test.
fn ensured(answer: Answer) -> Result<()> {
    match answer {
        Err(refusal) if refusal.code != 409 => Err(refusal.into()),
        _ => Ok(()),
    }
}

pub fn grant(cluster: &Cluster, name: &str, user: &str, rules: Value) -> Result<()> {
    let api = "rbac.authorization.k8s.io";
    let meta = json!({"name": name});
    let version = "rbac.authorization.k8s.io/v1";
    let role = json!({"apiVersion": version, "kind": "ClusterRole", "metadata": meta, "rules": rules});
    ensured(cluster.admin.create(CLUSTER_ROLES, role))?;
    let binding = json!({
        "apiVersion": version, "kind": "ClusterRoleBinding", "metadata": meta,
        "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": api, "kind": "User", "name": user}],
    });
    ensured(cluster.admin.create(CLUSTER_ROLE_BINDINGS, binding))
}

/// Alice, with the rights that RBAC would have to refuse a tenant, so that nothing but the guards is in her way.
pub fn broad(cluster: &Cluster) -> Result<&Api> {
    let all = ["*"];
    let rules = json!([
        {"apiGroups": [""], "verbs": all, "resources": [
            "namespaces", "namespaces/status", "namespaces/finalize", "pods", "configmaps", "limitranges",
            "resourcequotas", "resourcequotas/status", "serviceaccounts",
        ]},
        {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": all},
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["rolebindings"], "verbs": all},
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "verbs": ["bind"]},
        {"apiGroups": ["admissionregistration.k8s.io"], "resources": ["validatingwebhookconfigurations"], "verbs": all},
        {"apiGroups": ["secnumcloud.dev"], "verbs": all, "resources": [
            "sncpolicies", "sncpolicies/status", "sncassessments", "sncassessments/status",
        ]},
    ]);
    grant(cluster, "e2e-broad", "alice", rules)?;
    eventually("Alice's broad rights", || Ok(cluster.alice.list(snc_e2e::objects::NAMESPACES)?))?;
    Ok(&cluster.alice)
}

/// Kubernetes' own `edit`, in one namespace.
pub fn plant_edit(cluster: &Cluster, namespace: &str, user: &str) -> Result<()> {
    let api = "rbac.authorization.k8s.io";
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "planted"},
        "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": "edit"},
        "subjects": [{"apiGroup": api, "kind": "User", "name": user}],
    });
    cluster.admin.create(Kind::RoleBinding.all(namespace), binding)?;
    Ok(())
}

pub fn owners(cluster: &Cluster) -> Result<()> {
    let owners = json!([{"kind": "Group", "name": "tenant-atelier-owners"}]);
    cluster.governed("atelier", &["atelier"], json!({"owners": owners}))?;
    let binding = eventually("the owners' RoleBinding", || {
        Ok(cluster.admin.get(Kind::RoleBinding.one("atelier", OWNER_BINDING))?)
    })?;
    // The last write to a namespace that is being isolated is the label that says so.
    let isolated = version(&cluster.admin.get(namespace("atelier"))?);
    ensure!(isolated < version(&binding), "isolated at {isolated}, rights at {}", version(&binding));

    let account = cluster.admin.get(Kind::ServiceAccount.one("atelier", "default"))?;
    ensure!(account["automountServiceAccountToken"] == false, "{account}");

    let bruno = &cluster.bruno;
    let created =
        eventually("Bruno's rights", || Ok(bruno.create(Kind::Pod.all("atelier"), pod("de-bruno"))?))?;
    let volumes = created["spec"]["volumes"].as_array().map_or(0, Vec::len);
    ensure!(volumes == 0, "a token would be mounted: {}", created["spec"]["volumes"]);
    bruno.create(Kind::SncPolicy.all("atelier"), policy("p", json!({})))?;
    bruno.list(Kind::NetworkPolicy.all("atelier"))?;

    let forbidden =
        |what: &str, answer: Answer| answer.refused_with(&["is forbidden: User \"bruno\"", what]).map(drop);
    forbidden("networkpolicies", bruno.create(Kind::NetworkPolicy.all("atelier"), opening("ouverture")))?;
    forbidden("networkpolicies", bruno.delete(Kind::NetworkPolicy.one("atelier", "snc-default-deny")))?;
    forbidden("namespaces", bruno.merge(namespace("atelier"), json!({"metadata": {"labels": {"a": "b"}}})))?;
    forbidden("rolebindings", bruno.delete(Kind::RoleBinding.one("atelier", OWNER_BINDING)))?;
    forbidden(
        "resourcequotas",
        bruno.create(Kind::ResourceQuota.all("atelier"), json!({"metadata": {"name": "q"}})),
    )?;
    forbidden("sncpolicies/status", {
        bruno.merge(Kind::SncPolicy.one("atelier", "p") + "/status", json!({"status": {"level": "Avance"}}))
    })?;
    bruno.list(Kind::SncAssessment.all("atelier"))?;
    forbidden("sncassessments", bruno.delete(Kind::SncAssessment.one("atelier", ASSESSMENT)))?;
    forbidden("snctenants", bruno.list(snc_e2e::objects::TENANTS).map(Value::from))?;
    cluster
        .mallory
        .list(Kind::Pod.all("atelier"))
        .map(Value::from)
        .refused_with(&["is forbidden: User \"mallory\""])?;
    Ok(())
}
