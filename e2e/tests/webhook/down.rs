//! The webhook goes, and changes its certificate.

use crate::scene::{
    ENFORCED, NOTED, WARNED, account, bad, deployment, deployments, elsewhere, good, with_webhook,
};
use anyhow::{Result, ensure};
use serde_json::json;
use snc_e2e::api::{Answered, Refusal};
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{Kind, NAMESPACES, TENANTS, namespace, new_namespace};
use snc_e2e::wait::{eventually, within};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const RATE: u32 = 200;
pub const CLIENTS: u32 = 16;
const RENEWALS: usize = 4;

pub fn renewal(cluster: &Cluster) -> Result<()> {
    with_webhook(cluster, "webhook-renewal", |webhook, certificates| {
        under_load(cluster, || {
            (0..RENEWALS).try_for_each(|_| {
                let fresh = certificates.renew()?;
                within(Duration::from_secs(20), "the new certificate to be served", || {
                    ensure!(webhook.served()? == fresh, "the former one");
                    Ok(())
                })
            })
        })?;
        ensure!(webhook.count("snc_webhook_requests_total{result=\"allowed\"}")? > 100.0, "hardly asked");
        ensure!(webhook.count("snc_webhook_certificate_loads_total")? >= 5.0, "not renewed");
        Ok(())
    })
}

/// While pods are created by dry run, none of which may be refused.
pub fn under_load(cluster: &Cluster, run: impl FnOnce() -> Result<()>) -> Result<()> {
    let failed = load(cluster, run)?;
    ensure!(failed.is_empty(), "{} failed, the first: {}", failed.len(), failed[0]);
    Ok(())
}

/// The same, and gives those that were.
pub fn load(cluster: &Cluster, run: impl FnOnce() -> Result<()>) -> Result<Vec<Refusal>> {
    let (over, sent, failed) = (AtomicBool::new(false), AtomicUsize::new(0), Mutex::new(Vec::new()));
    let path = format!("{}?dryRun=All", Kind::Pod.all(ENFORCED));
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut next = Instant::now();
                while !over.load(Ordering::Relaxed) {
                    if let Err(refusal) = cluster.admin.create(&path, good("charge"))
                        && let Ok(mut failed) = failed.lock()
                    {
                        failed.push(refusal);
                    }
                    sent.fetch_add(1, Ordering::Relaxed);
                    next += Duration::from_secs(1) * CLIENTS / RATE;
                    thread::sleep(next.saturating_duration_since(Instant::now()));
                }
            });
        }
        let result = run();
        over.store(true, Ordering::Relaxed);
        result
    })?;
    let rate = f64::from(u32::try_from(sent.load(Ordering::Relaxed))?) / started.elapsed().as_secs_f64();
    let failed = failed.into_inner().unwrap_or_default();
    println!("{rate:.0} requests per second meanwhile, {} failed", failed.len());
    Ok(failed)
}

pub fn killed(cluster: &Cluster) -> Result<()> {
    with_webhook(cluster, "webhook-killed", |webhook, _| {
        let admin = &cluster.admin;
        let doomed = doomed(cluster)?;
        webhook.kill()?;
        // Enforced kinds fail closed, and say what to do.
        let told = &["kubectl-snc-preflight", "snc-webhook.secnumcloud.dev"];
        admin.create(Kind::Pod.all(ENFORCED), good("ferme")).refused_with(told)?;
        admin.create(deployments(ENFORCED), deployment(good("ferme"))).refused_with(told)?;
        // Where nothing is enforced, work goes on.
        for place in [WARNED, NOTED] {
            admin.create(format!("{}?dryRun=All", deployments(place)), deployment(bad("ouvert")))?;
        }
        // So does the cluster.
        for place in ["kube-system", "default"] {
            admin.create(Kind::Pod.all(place), elsewhere(bad("systeme")))?;
            admin.delete(format!("{}?gracePeriodSeconds=0", Kind::Pod.one(place, "systeme")))?;
        }
        let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "noeud-1"},
            "spec": {"holderIdentity": "noeud-1", "leaseDurationSeconds": 40}});
        admin.create(Kind::Lease.all("kube-node-lease"), lease)?;
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "noeud-1"}});
        admin.create("/api/v1/nodes", node)?;
        admin.merge("/api/v1/nodes/noeud-1/status", json!({"status": {"addresses": []}}))?;
        admin.delete("/api/v1/nodes/noeud-1")?;
        cluster.platform.create(NAMESPACES, new_namespace("plateforme-seule", json!({"equipe": "b"})))?;
        admin.create("/apis/apps/v1/namespaces/snc-system/deployments", deployment(good("snc-autre")))?;
        cluster.platform.delete(namespace("plateforme-seule"))?;
        // A namespace where everything is enforced can still be deleted, with what its controllers keep in it.
        cluster.platform.delete(namespace(&doomed))?;
        within(Duration::from_secs(90), "the governed namespace to be gone", || {
            ensure!(admin.find(namespace(&doomed))?.is_none(), "still there");
            Ok(())
        })?;
        webhook.restart()?;
        eventually("pods to be let in again", || {
            Ok(admin.create(format!("{}?dryRun=All", Kind::Pod.all(ENFORCED)), good("ouvert"))?)
        })?;
        Ok(())
    })
}

/// A namespace with a pod that somebody still has to let go of.
fn doomed(cluster: &Cluster) -> Result<String> {
    let name = "magasin-condamne";
    let tenant = json!({"apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncTenant",
        "metadata": {"name": "condamne", "labels": {"webhook": "Enforce"}},
        "spec": {"level": "Essentiel", "namespaces": [name]}});
    cluster.platform.create(TENANTS, tenant)?;
    cluster
        .platform
        .create(NAMESPACES, new_namespace(name, json!({"secnumcloud.dev/tenant": "condamne"})))?;
    cluster.isolated(name)?;
    account(cluster, name)?;
    let mut job = good("tache");
    job["spec"]["restartPolicy"] = json!("Never");
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "tache"},
        "spec": {"template": {"metadata": {"labels": {"app": "tache"}}, "spec": job["spec"]}}});
    cluster.admin.create(format!("/apis/batch/v1/namespaces/{name}/jobs"), job)?;
    eventually("the Job's pod, which its controller has to let go of", || {
        let pods = cluster.admin.list(Kind::Pod.all(name))?;
        let kept = pods.iter().any(|pod| pod["metadata"]["finalizers"].is_array());
        ensure!(kept, "{} pods", pods.len());
        Ok(())
    })?;
    Ok(name.to_owned())
}
