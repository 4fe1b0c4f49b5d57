//! People whom refusals of workloads do not hold up.

use crate::own::{self, PATIENCE};
use crate::scene::{ENFORCED, FAULTS, bad, deployment, deployments};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use snc_core::names::LABEL_ISOLATED;
use snc_e2e::api::{Answered, Ask};
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{Kind, namespace};
use snc_e2e::wait::{eventually, within};
use snc_e2e::webhook::Webhook;

const GROUP: &str = "secours";
const RESCUER: &str = "renée";
const NOTED: &str = "services-workloads-enforce.secnumcloud.dev/bypass";

pub fn group(cluster: &Cluster) -> Result<()> {
    own::kept(cluster, "webhook-bypass", &[], &["--bypass-group", GROUP], |webhook, _| {
        let result = passes(cluster, &webhook);
        webhook.terminate()?;
        result.and_then(|()| unanswered(cluster))
    })
}

fn dry(path: &str) -> String {
    format!("{path}?dryRun=All")
}

/// What a policy of the API server refuses, and no other.
fn external() -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "dehors"},
        "spec": {"ports": [{"port": 80}], "externalIPs": ["192.0.2.7"]}})
}

fn passes(cluster: &Cluster, webhook: &Webhook<'_>) -> Result<()> {
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "secours"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": RESCUER}]});
    let bindings = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{ENFORCED}/rolebindings");
    cluster.admin.create(&bindings, binding)?;
    let alone = cluster.admin.impersonating(RESCUER);
    let rescuer = cluster.admin.impersonating_in(RESCUER, GROUP);
    let (services, workloads) =
        (dry(&format!("/api/v1/namespaces/{ENFORCED}/services")), dry(&deployments(ENFORCED)));

    // The webhook, once the API server knows of the right; until then it is that which refuses.
    eventually("the webhook to refuse", || {
        alone.create(&workloads, deployment(bad("p"))).refused_with(&[FAULTS[0]])
    })?;
    let before = webhook.count("snc_webhook_controls_total")?;
    rescuer.create(&workloads, deployment(bad("p")))?;
    let counted = webhook.count("snc_webhook_controls_total")? - before;
    ensure!(counted >= 3.0, "{counted} controls were counted");
    let of =
        format!(r#"snc_webhook_controls_total{{control="{}",mode="Enforce",verdict="Bypassed"}}"#, FAULTS[0]);
    ensure!(webhook.count(&of)? >= 1.0, "no {of}");

    // A policy, once the operator has rewritten it.
    let refused = alone.create(&services, external()).err().context("accepted")?;
    ensure!(refused.message.contains("service-external-ips"), "{refused}");
    within(PATIENCE, "the policies to know the group", || Ok(rescuer.create(&services, external())?))?;
    eventually("a line of the audit log", || {
        let entries = cluster.audited()?;
        let used = entries.iter().any(|entry| entry.annotations.get(NOTED).is_some_and(|who| who == RESCUER));
        ensure!(used, "nothing is written down");
        Ok(())
    })?;

    // Nothing that isolates.
    let open = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "ouvert"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}});
    let policies = dry(&Kind::NetworkPolicy.all(ENFORCED));
    let refused = rescuer.create(&policies, open).err().context("accepted")?;
    ensure!(refused.message.contains("network-policy-across-tenants"), "{refused}");
    let strip = json!({"metadata": {"labels": {LABEL_ISOLATED: null}}});
    let everything = cluster.admin.impersonating_in("system:admin", "system:masters");
    let refused = everything.send(&Ask::merge(dry(&namespace(ENFORCED)), strip)).err().context("accepted")?;
    ensure!(refused.message.contains("namespace-guard"), "{refused}");
    Ok(())
}

/// The webhook is gone: everybody else is refused, and told so.
fn unanswered(cluster: &Cluster) -> Result<()> {
    let workloads = dry(&deployments(ENFORCED));
    let refused = cluster.admin.impersonating(RESCUER).create(&workloads, deployment(bad("p")));
    let refused = refused.err().context("accepted")?;
    ensure!(refused.message.contains("if-down-run-kubectl-snc-preflight"), "{refused}");
    cluster.admin.impersonating_in(RESCUER, GROUP).create(&workloads, deployment(bad("p")))?;
    Ok(())
}
