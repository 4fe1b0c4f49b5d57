//! What `helm uninstall` does before it deletes anything: the chart's own hook, its program, its ServiceAccount and its
//! rights, run here as the kubelet would.

use crate::hook::{Hook, succeeded};
use crate::lease::holder;
use anyhow::{Result, ensure};
use serde_json::json;
use snc_core::names::{
    ASSESSMENT, DEFAULT_DENY, GUARD_EXCEPTION, GUARD_GATE, GUARD_MANAGED, GUARD_NAMESPACE, GUARD_NOTICE,
    GUARD_RATCHET, GUARD_RESERVED, GUARD_STATUS, GUARD_WEBHOOK, LABEL_ENVIRONMENT, LABEL_ISOLATED,
    LABEL_MANAGED_BY, LABEL_SENSITIVITY, LABEL_TENANT, MANAGER, OWNER_BINDING, PROBE, PROBED_BY, PSA_ENFORCE,
    WEBHOOK,
};
use snc_e2e::api::Answered;
use snc_e2e::cluster::{CANARY_NAMESPACE, Cluster, OPERATOR_ACCOUNT, OPERATOR_NAMESPACE, OPERATOR_USER};
use snc_e2e::left::nothing_left;
use snc_e2e::objects::{
    CRDS, GUARD_BINDINGS, GUARDS, Kind, NAMESPACES, at, flow, flows, label, namespace, new_namespace, pod,
    policy, stamp,
};
use snc_e2e::wait::{eventually, within};
use snc_e2e::webhook::{CONFIGURATIONS, configured};
use std::collections::BTreeMap;
use std::process::Output;
use std::time::Duration;
use xtask::harness::{User, workspace};

const STAY: [&str; 6] =
    [GUARD_RESERVED, GUARD_NAMESPACE, GUARD_MANAGED, GUARD_RATCHET, GUARD_EXCEPTION, GUARD_STATUS];
const GO: [&str; 3] = [GUARD_GATE, GUARD_NOTICE, GUARD_WEBHOOK];

const JOB: &str = "snc-uninstall";

fn hook(cluster: &Cluster) -> Result<Hook> {
    let hook = Hook::of_release(cluster, "pre-delete", JOB)?;
    ensure!(hook.account == OPERATOR_ACCOUNT, "{}", hook.account);
    Ok(hook)
}

fn run(hook: &Hook, cluster: &Cluster) -> Result<Output> {
    let gate = format!("validatingadmissionpolicies/{GUARD_GATE}");
    let rights = [&["delete", &gate][..], &["patch", "deployments/snc-operator", "--subresource=scale"]];
    hook.run(cluster, &rights, &[("SNC_WAIT_SECONDS", "6")])
}

/// The chart's own objects, as helm deletes them after its hooks.
fn delete_release(cluster: &Cluster) -> Result<()> {
    let helm = cluster.plane().client(User::Platform)?;
    helm.helm_ok(["uninstall", "snc", "--namespace", OPERATOR_NAMESPACE, "--no-hooks"])?;
    within(Duration::from_secs(60), "the chart's namespaces to be gone", || {
        for name in ["snc-canary", "snc-canary-tenant"] {
            ensure!(cluster.admin.find(namespace(name))?.is_none(), "{name} is there");
        }
        Ok(())
    })
}

fn install(cluster: &Cluster, values: &[&str]) -> Result<()> {
    let plane = cluster.plane();
    plane.install_chart(values)?;
    plane.token_kubeconfig(OPERATOR_NAMESPACE, OPERATOR_ACCOUNT, Duration::from_secs(3600)).map(drop)
}

/// A webhook configuration where nobody answers, as it is when the pods are gone; acting, in this tenant's namespace.
fn webhook(cluster: &Cluster, namespace: &str) -> Result<()> {
    let made = configured("https://127.0.0.1:1", "")?;
    // The guard lets nobody else, and a token of its would not outlive the chart.
    // Its name is all that its rights hold for, and an apply has it.
    cluster.admin.impersonating(OPERATOR_USER).apply(&at(CONFIGURATIONS, WEBHOOK), MANAGER, made)?;
    let pods = format!("{}?dryRun=All", Kind::Pod.all(namespace));
    eventually("the webhook to refuse by its silence", || {
        cluster.platform.create(&pods, pod("avant")).refused_with(&[WEBHOOK])
    })?;
    Ok(())
}

/// The usage in a quota is the quota controller's.
fn isolates(cluster: &Cluster, namespace: &str) -> Result<BTreeMap<String, String>> {
    let mut managed = cluster.managed(namespace)?;
    managed.retain(|name, _| !name.starts_with("ResourceQuota"));
    Ok(managed)
}

fn there(cluster: &Cluster, collection: &str, name: &str) -> Result<bool> {
    Ok(cluster.admin.find(at(collection, name))?.is_some())
}

pub fn kept(cluster: &Cluster) -> Result<()> {
    ensure!(by_chart(cluster)?, "made by helm with its labels");
    cluster.governed("partant", &["partant"], json!({"owners": [{"kind": "User", "name": "proprio"}]}))?;
    let spec = flows(vec![flow("a", json!({}))]);
    cluster.platform.create(Kind::SncPolicy.all("partant"), policy("p", spec))?;
    cluster.condition(&Kind::SncPolicy.one("partant", "p"), "Ready", "True", "Applied")?;
    eventually("the owners' rights", || {
        Ok(cluster.admin.get(Kind::RoleBinding.one("partant", OWNER_BINDING))?)
    })?;
    let managed = isolates(cluster, "partant")?;
    ensure!(managed.len() > 4, "{managed:?}");
    webhook(cluster, "partant")?;
    let pods = Kind::Pod.all("partant");
    let hook = hook(cluster)?;
    ensure!(hook.rights.len() == 4, "{:?}", hook.rights);

    // As long as the operator runs, it would put everything back.
    let holder_before = holder(cluster)?;
    let refused = run(&hook, cluster)?;
    let log = String::from_utf8_lossy(&refused.stderr);
    ensure!(!refused.status.success() && log.contains(&holder_before), "{log}");
    ensure!(there(cluster, GUARD_BINDINGS, GUARD_GATE)? && there(cluster, CONFIGURATIONS, WEBHOOK)?, "{log}");

    cluster.stop_operator()?;
    let said = succeeded(run(&hook, cluster)?)?;
    for gone in GO {
        ensure!(said.contains(&format!("ValidatingAdmissionPolicy {gone}")), "{said}");
        ensure!(!there(cluster, GUARDS, gone)? && !there(cluster, GUARD_BINDINGS, gone)?, "{gone} is there");
    }
    ensure!(!there(cluster, CONFIGURATIONS, WEBHOOK)?, "the webhook's configuration is there");
    let again = succeeded(run(&hook, cluster)?)?;
    ensure!(again.starts_with("0 "), "nothing is left to do: {again}");
    ensure!(holder(cluster)?.is_empty(), "the next operator would have to wait: {}", cluster.lease()?);
    delete_release(cluster)?;

    for stays in STAY {
        ensure!(there(cluster, GUARDS, stays)? && there(cluster, GUARD_BINDINGS, stays)?, "{stays} is gone");
    }
    ensure!(
        there(cluster, GUARD_BINDINGS, "pods-pod-security-enforce.secnumcloud.dev")?,
        "critical controls"
    );
    ensure!(isolates(cluster, "partant")? == managed, "what isolates is as it was");
    ensure!(there(cluster, CRDS, "snctenants.secnumcloud.dev")?, "the CRDs stay");
    // What is isolated takes pods, without operator and without webhook, and not those that it must not take.
    eventually("a pod where it is isolated", || Ok(cluster.platform.create(&pods, pod("apres"))?))?;
    let mut bad = pod("mauvais");
    bad["spec"]["hostPID"] = true.into();
    let refused = cluster.platform.create(&pods, bad);
    ensure!(refused.is_err(), "a pod among the node's processes: {refused:?}");
    let deny = Kind::NetworkPolicy.one("partant", DEFAULT_DENY);
    cluster.admin.delete(&deny).refused_by(GUARD_MANAGED)?;
    let unlabelled = json!({"metadata": {"labels": {LABEL_ISOLATED: null}}});
    cluster.admin.merge(namespace("partant"), unlabelled).refused_by(GUARD_NAMESPACE)?;

    // A new namespace of a tenant is refused no pods any more: that is what the gate did, and nobody would open it.
    cluster.platform.create(NAMESPACES, new_namespace("orphelin", json!({LABEL_TENANT: "partant"})))?;
    eventually("a pod where no gate is", || {
        Ok(cluster.platform.create(Kind::Pod.all("orphelin"), pod("apres"))?)
    })?;

    adopted(cluster, &managed)
}

/// Whether the chart gave the canary's namespace the labels that only the operator may change.
fn by_chart(cluster: &Cluster) -> Result<bool> {
    let found = cluster.admin.get(namespace(CANARY_NAMESPACE))?;
    Ok(found["metadata"]["annotations"].get("secnumcloud.dev/labelled-by").is_some())
}

fn adopted(cluster: &Cluster, managed: &BTreeMap<String, String>) -> Result<()> {
    // The guard that stayed would refuse them to helm.
    install(cluster, &[])?;
    ensure!(!by_chart(cluster)?, "labelled by helm, although the guard is there");
    cluster.start_operator(&[])?;
    within(Duration::from_secs(60), "the operator to label the canary's namespace", || {
        let found = cluster.admin.get(namespace(CANARY_NAMESPACE))?;
        let labels = [label(&found, LABEL_ENVIRONMENT), label(&found, LABEL_SENSITIVITY)];
        ensure!(labels == [Some("Production"), Some("Standard")], "{found}");
        Ok(())
    })?;
    // Neither an upgrade nor a way back touches them from now on.
    install(cluster, &[])?;
    let helm = cluster.plane().client(User::Platform)?;
    helm.helm_ok(["rollback", "snc", "1", "--namespace", OPERATOR_NAMESPACE, "--no-hooks"])?;
    ensure!(!by_chart(cluster)?, "labelled by helm on the way back");
    for guard in GO.iter().chain(&STAY) {
        ensure!(there(cluster, GUARD_BINDINGS, guard)?, "{guard} is not back");
    }
    cluster.condition(&Kind::SncPolicy.one("partant", "p"), "Ready", "True", "Applied")?;
    let now = isolates(cluster, "partant")?;
    ensure!(now == *managed, "adopted as it is: {managed:?} became {now:?}");
    Ok(())
}

pub fn everything(cluster: &Cluster) -> Result<()> {
    let spec = json!({"owners": [{"kind": "User", "name": "proprio"}], "quota": {"pods": "5"}});
    cluster.governed("vide", &["vide"], spec)?;
    let spec = flows(vec![flow("a", json!({}))]);
    cluster.platform.create(Kind::SncPolicy.all("vide"), policy("p", spec))?;
    cluster.condition(&Kind::SncPolicy.one("vide", "p"), "Ready", "True", "Applied")?;
    eventually("the owners' rights", || {
        Ok(cluster.admin.get(Kind::RoleBinding.one("vide", OWNER_BINDING))?)
    })?;
    // It comes after the rest, and only what was written can be removed.
    within(Duration::from_secs(90), "the assessment", || {
        Ok(cluster.admin.get(Kind::SncAssessment.one("vide", ASSESSMENT))?)
    })?;
    let measured = json!({"metadata": {"name": PROBE, "labels": {LABEL_MANAGED_BY: PROBED_BY}}});
    cluster.admin.create(Kind::ConfigMap.all(OPERATOR_NAMESPACE), measured)?;
    let foreign = json!({"metadata": {"name": "autre"}, "spec": {"podSelector": {}}});
    let foreign = stamp(&cluster.platform.create(Kind::NetworkPolicy.all("vide"), foreign)?);

    let helm = cluster.plane().client(User::Platform)?;
    let chart = workspace::chart().display().to_string();
    let set = |value: &str| {
        let value = format!("uninstall.removeEverything={value},replicas=0,webhook.replicas=0");
        helm.helm(["upgrade", "snc", "-n", OPERATOR_NAMESPACE, "--no-hooks", "--set", &value, &chart])
    };
    let refused = set("yes")?;
    let known = "at '/uninstall/removeEverything': value must be one of '', 'yes-remove-isolation'";
    ensure!(!refused.success() && refused.stderr.contains(known), "{}", refused.stderr);
    // Nobody answers, which is what an upgrade may have to mend.
    webhook(cluster, "vide")?;
    let upgraded = set("yes-remove-isolation")?;
    ensure!(upgraded.success(), "{}", upgraded.stderr);

    cluster.stop_operator()?;
    let said = succeeded(run(&hook(cluster)?, cluster)?)?;
    for removed in [
        "NetworkPolicy vide/snc-default-deny",
        "ResourceQuota vide/snc-quota",
        "RoleBinding vide/snc-owners",
        "ConfigMap vide/snc-effective",
        "Namespace vide (secnumcloud.dev/",
        "SncAssessment vide/snc-assessment",
        "CustomResourceDefinition snctenants.secnumcloud.dev",
        "ValidatingAdmissionPolicy managed-object-guard.secnumcloud.dev",
        "ConfigMap snc-system/snc-network-probe",
        "Lease snc-system/snc-controller",
    ] {
        ensure!(said.contains(removed), "{removed} is not in:\n{said}");
    }
    delete_release(cluster)?;
    nothing_left(&cluster.admin)?;

    let kept = cluster.admin.get(Kind::NetworkPolicy.one("vide", "autre"))?;
    ensure!(stamp(&kept) == foreign, "what is not ours is as it was");
    let found = cluster.admin.get(namespace("vide"))?;
    ensure!(label(&found, PSA_ENFORCE) == Some("restricted"), "handed over: {found}");
    cluster.platform.create(Kind::Pod.all("vide"), pod("libre"))?;
    Ok(())
}
