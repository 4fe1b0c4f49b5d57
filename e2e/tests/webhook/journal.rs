//! What the audit log of the API server has of refusals, warnings, notes and waivers.

use crate::scene::{ENFORCED, FAULTS, NOTED, WARNED, bad, good, with_webhook};
use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use snc_core::names::WEBHOOK;
use snc_e2e::api::Answered;
use snc_e2e::audit::Entry;
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{CLUSTER_ROLE_BINDINGS, Kind, at};
use snc_e2e::wait::eventually;

const EXCEPTIONS: &str = "/apis/secnumcloud.dev/v1alpha1/sncexceptions";
/// What a policy of the API server's own notes under.
const BY_POLICY: &str = "validation.policy.admission.k8s.io/validation_failure";

pub fn annotations(cluster: &Cluster) -> Result<()> {
    with_webhook(cluster, "webhook-journal", |_, _| {
        let admin = &cluster.admin;
        admin.create(path(ENFORCED, "refuse"), bad("p")).refused_with(&FAULTS)?;
        let entry = entry(cluster, "refuse")?;
        ensure!(entry.code == 403, "{entry:?}");
        ours(&entry, "failed", &FAULTS.map(|id| format!("{id} (Enforce)")))?;

        admin.create(path(WARNED, "averti"), bad("p"))?;
        ours(&self::entry(cluster, "averti")?, "failed", &FAULTS.map(|id| format!("{id} (Warn)")))?;

        // Both have something to say, and each says it.
        let mut pod = bad("p");
        pod["spec"]["containers"][0]["securityContext"] = json!({"privileged": true});
        admin.create(path(NOTED, "note"), pod)?;
        let entry = self::entry(cluster, "note")?;
        ours(&entry, "failed", &FAULTS.map(|id| format!("{id} (Audit)")))?;
        let noted = entry.annotations.get(BY_POLICY).with_context(|| format!("{entry:?}"))?;
        ensure!(noted.contains("pod-privileged") && noted.contains("secnumcloud.dev"), "{noted}");

        waived(cluster, "dispense")?;
        eventually("the waiver to be in force", || {
            Ok(admin.create(path(ENFORCED, "dispense"), bad("dispense"))?)
        })?;
        let exempt = FAULTS.map(|id| format!("{id} (dispense)"));
        eventually("what was let in to be logged", || {
            let entries = cluster.audited()?;
            let mut let_in = entries.iter().filter(|entry| marked(entry, "dispense") && entry.code < 400);
            ours(let_in.next_back().context("not yet")?, "exempt", &exempt)
        })?;
        // What has nothing wrong leaves nothing.
        admin.create(path(ENFORCED, "bon"), good("bon"))?;
        let entry = self::entry(cluster, "bon")?;
        ensure!(entry.annotations.keys().all(|key| !key.contains(WEBHOOK)), "{entry:?}");
        admin.delete(at(EXCEPTIONS, "dispense"))?;
        Ok(())
    })
}

/// The address of pods, which the log can be searched for.
fn path(namespace: &str, mark: &str) -> String {
    format!("{}?dryRun=All&fieldManager={mark}", Kind::Pod.all(namespace))
}

fn marked(entry: &Entry, mark: &str) -> bool {
    entry.uri.ends_with(&format!("fieldManager={mark}"))
}

fn entry(cluster: &Cluster, mark: &str) -> Result<Entry> {
    eventually(&format!("{mark} to be logged"), || {
        let entries = cluster.audited()?;
        entries.into_iter().find(|entry| marked(entry, mark)).context("no entry")
    })
}

/// Under the name of our webhook.
fn ours(entry: &Entry, key: &str, texts: &[String]) -> Result<()> {
    let ours = |name: &&String| name.ends_with(&format!("{WEBHOOK}/{key}"));
    let name = entry.annotations.keys().find(ours).with_context(|| format!("no {key}: {entry:?}"))?;
    for text in texts {
        ensure!(entry.annotations[name].contains(text), "without {text}: {entry:?}");
    }
    Ok(())
}

/// Asked for by the platform team, approved by somebody else.
fn waived(cluster: &Cluster, name: &str) -> Result<()> {
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": "e2e-journal"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "snc-approver"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "vera"}]});
    cluster.admin.create(CLUSTER_ROLE_BINDINGS, binding)?;
    let ends = Timestamp::now() + SignedDuration::from_hours(24);
    let subject: Value = json!({"apiGroup": "", "kind": "Pod", "namespace": ENFORCED, "name": name});
    let exception = json!({"apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncException", "metadata": {"name": name},
        "spec": {"controls": FAULTS, "subjects": [subject], "reason": "image de l'éditeur, correctif attendu",
            "ticket": "SEC-8", "compensatingMeasure": "nœud dédié, surveillé à la main",
            "expiresOn": ends.to_string(), "requestedBy": "platform-admin"}});
    cluster.platform.create(EXCEPTIONS, exception)?;
    let vera = cluster.admin.impersonating("vera");
    eventually("the approval", || {
        let approval = json!({"status": {"approvedBy": "vera"}});
        Ok(vera.merge(format!("{}/status", at(EXCEPTIONS, name)), approval)?)
    })?;
    Ok(())
}
