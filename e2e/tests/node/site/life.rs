//! The operator's own life on a node: pods that end, upgrades, and its uninstallation.

use super::{
    LIMIT, Site,
    chart::{CONTROLLERS, WEBHOOKS, faulty, install},
    pods::faultless,
};
use anyhow::{Context, Result, bail, ensure};
use snc_core::names::{DEFAULT_DENY, GUARD_GATE, GUARD_MANAGED, LABEL_ISOLATED, LEASE, WEBHOOK};
use snc_e2e::{
    cluster::{OPERATOR_NAMESPACE, OPERATOR_USER},
    left::nothing_left,
    objects::{CRDS, GUARDS, Kind, at, label, namespace, stamp, text},
    wait::{eventually, within},
    webhook::CONFIGURATIONS,
};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};
use xtask::harness::{Tool, User};

const GOVERNED: [&str; 4] = ["alpha-web", "alpha-data", "beta-web", "gamma-web"];

impl Site {
    fn leader(&self) -> Result<String> {
        let lease = self.admin.get(Kind::Lease.one(OPERATOR_NAMESPACE, LEASE))?;
        let holder = text(&lease, "/spec/holderIdentity");
        let (pod, _) = holder.split_once('_').with_context(|| format!("no leader: {lease}"))?;
        Ok(pod.to_owned())
    }

    fn end_pod(&self, name: &str) -> Result<()> {
        self.admin.delete(Kind::Pod.one(OPERATOR_NAMESPACE, name))?;
        Ok(())
    }

    /// As a crash would end it.
    fn kill9(&self, pod: &str) -> Result<()> {
        let found = self.admin.get(Kind::Pod.one(OPERATOR_NAMESPACE, pod))?;
        let id = text(&found, "/status/containerStatuses/0/containerID");
        let id = id.strip_prefix("containerd://").with_context(|| id.to_owned())?;
        let ctr = self.plane.toolchain().path(Tool::Ctr)?;
        let output = self
            .plane
            .command_in_node(ctr)?
            .args(["--address", "/run/containerd/containerd.sock", "--namespace=k8s.io"])
            .args(["tasks", "kill", "--signal", "SIGKILL", id])
            .output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        eventually(&format!("{pod} to be started again"), || {
            let found = self.admin.get(Kind::Pod.one(OPERATOR_NAMESPACE, pod))?;
            let status = &found["status"]["containerStatuses"][0];
            ensure!(status["restartCount"] == 1, "{status}");
            Ok(())
        })
    }

    pub fn whole(&self) -> Result<()> {
        self.ready(OPERATOR_NAMESPACE, CONTROLLERS, 2)?;
        self.ready(OPERATOR_NAMESPACE, WEBHOOKS, 3).map(drop)
    }

    /// Somebody leads, other than before, and puts back what was removed.
    fn led_by_another(&self, before: &str) -> Result<Duration> {
        let started = Instant::now();
        within(LIMIT, &format!("another leader than {before}"), || {
            ensure!(self.leader()? != before, "{before} leads");
            Ok(())
        })?;
        let took = started.elapsed();
        let deny = Kind::NetworkPolicy.one("beta-web", DEFAULT_DENY);
        self.admin.impersonating(OPERATOR_USER).delete(&deny)?;
        eventually("the new leader to repair", || Ok(self.admin.get(&deny)?))?;
        Ok(took)
    }

    /// Pods are created, as dry runs that the webhook has to answer, while something happens; what failed, and of how
    /// many.
    fn while_pods_come(&self, happens: impl FnOnce() -> Result<()>) -> Result<(Vec<String>, usize)> {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let load = scope.spawn(|| {
                let pods = format!("{}?dryRun=All", Kind::Pod.all("gamma-web"));
                let (mut failed, mut all) = (Vec::new(), 0);
                while !over.load(Ordering::Relaxed) {
                    all += 1;
                    if let Err(refusal) = self.platform.create(&pods, faultless("admitted", &self.pod_image))
                    {
                        failed.push(refusal.to_string());
                    }
                    thread::sleep(Duration::from_millis(20));
                }
                (failed, all)
            });
            let result = happens();
            over.store(true, Ordering::Relaxed);
            let Ok((failed, all)) = load.join() else { bail!("the load panicked") };
            result.map(|()| (failed, all))
        })
    }

    /// The chart as it is here, with one value more.
    pub fn upgrade(&self, set: &str) -> Result<()> {
        let chart = self.release.chart.display().to_string();
        let of = ["upgrade", "snc", &chart, "--namespace", OPERATOR_NAMESPACE, "--reuse-values"];
        self.helm(&[&of[..], &["--set", set, "--wait", "--timeout", "4m"]].concat())
    }

    pub fn helm(&self, args: &[&str]) -> Result<()> {
        let started = Instant::now();
        let output = self.plane.helm(User::Platform, args)?;
        if !output.success() {
            let jobs = ["logs", "-n", OPERATOR_NAMESPACE, "job/snc-uninstall"];
            let log = self.plane.kubectl(User::Admin, jobs)?;
            bail!("helm {}: {}\n{}{}", args[0], output.stderr, log.stdout, log.stderr);
        }
        println!("helm {} in {:.1} s", args[0], started.elapsed().as_secs_f64());
        Ok(())
    }

    /// The chart's own, which an installation makes again under their names.
    fn canaries_are_gone(&self) -> Result<()> {
        within(LIMIT, "the chart's namespaces to be gone", || {
            for name in ["snc-canary", "snc-canary-tenant"] {
                ensure!(self.admin.find(namespace(name))?.is_none(), "{name} is there");
            }
            Ok(())
        })
    }

    /// What isolates, by its version.
    fn isolating(&self) -> Result<BTreeMap<String, String>> {
        let mut found = BTreeMap::new();
        for namespace in GOVERNED {
            for policy in self.admin.list(Kind::NetworkPolicy.all(namespace))? {
                found.insert(format!("{namespace}/{}", text(&policy, "/metadata/name")), stamp(&policy));
            }
        }
        Ok(found)
    }
}

/// No forbidden cell opens, and no open one closes, while pods of the operator end and come back.
pub fn isolated_while_it_restarts(site: &Site) -> Result<()> {
    for (what, selector) in [("controllers", CONTROLLERS), ("webhooks", WEBHOOKS)] {
        for pod in
            site.admin.list(format!("{}?labelSelector={selector}", Kind::Pod.all(OPERATOR_NAMESPACE)))?
        {
            site.end_pod(text(&pod, "/metadata/name"))?;
        }
        let mut rounds = 0;
        for _ in 0..2 {
            site.matrix()?.agrees().with_context(|| format!("without {what}"))?;
            rounds += 1;
        }
        site.whole()?;
        println!("{what} ended: {rounds} rounds as reach says");
    }
    let leader = site.leader()?;
    site.kill9(&leader)?;
    site.matrix()?.agrees().context("leader killed")?;
    site.whole()
}

/// The other one leads, after SIGTERM and after a crash.
pub fn another_leads(site: &Site) -> Result<()> {
    let leader = site.leader()?;
    site.end_pod(&leader)?;
    println!("after SIGTERM another leads in {:?}", site.led_by_another(&leader)?);
    site.whole()
}

/// Webhooks end one by one, and are upgraded, while pods are created.
pub fn webhook_is_always_there(site: &Site) -> Result<()> {
    let (failed, all) = site.while_pods_come(|| {
        for pod in site.ready(OPERATOR_NAMESPACE, WEBHOOKS, 3)? {
            site.end_pod(text(&pod, "/metadata/name"))?;
            site.ready(OPERATOR_NAMESPACE, WEBHOOKS, 3)?;
        }
        Ok(())
    })?;
    none("three webhooks ended one by one", &failed, all)?;

    let (failed, all) = site.while_pods_come(|| {
        let pods = site.ready(OPERATOR_NAMESPACE, WEBHOOKS, 3)?;
        site.kill9(text(&pods[0], "/metadata/name"))?;
        thread::sleep(Duration::from_secs(5));
        site.ready(OPERATOR_NAMESPACE, WEBHOOKS, 3).map(drop)
    })?;
    println!("one webhook killed: {} of {all} pods refused", failed.len());
    ensure!(failed.len() * 4 < all, "{failed:#?}");
    ensure!(failed.iter().all(|one| one.contains("failed calling webhook")), "{failed:#?}");

    let (failed, all) = site.while_pods_come(|| site.upgrade("logLevel=debug"))?;
    none("upgrade", &failed, all)?;
    let rollback = ["rollback", "snc", "1", "--namespace", OPERATOR_NAMESPACE, "--wait", "--timeout", "4m"];
    let (failed, all) = site.while_pods_come(|| site.helm(&rollback))?;
    none("rollback", &failed, all)?;
    site.whole()
}

/// A webhook that is asked to end loses no request.
fn none(what: &str, failed: &[String], all: usize) -> Result<()> {
    println!("{what}: {} of {all} pods refused", failed.len());
    ensure!(failed.is_empty(), "{failed:#?}");
    Ok(())
}

/// Uninstalled by helm, whose hook runs in a pod, the isolation stays; installed again, it is adopted as it is.
pub fn uninstalled_and_back(site: &Site) -> Result<()> {
    let before = site.isolating()?;
    let uninstall = ["uninstall", "snc", "--namespace", OPERATOR_NAMESPACE, "--wait", "--timeout", "4m"];
    site.helm(&uninstall)?;
    for (collection, name) in [(GUARDS, GUARD_GATE), (CONFIGURATIONS, WEBHOOK)] {
        ensure!(site.admin.find(at(collection, name))?.is_none(), "{name} is there");
    }
    ensure!(site.admin.find(at(GUARDS, GUARD_MANAGED))?.is_some(), "{GUARD_MANAGED} is gone");
    ensure!(site.admin.find(at(CRDS, "snctenants.secnumcloud.dev"))?.is_some(), "the CRDs are gone");
    ensure!(site.isolating()? == before, "what isolates was changed");
    for name in GOVERNED {
        let found = site.admin.get(namespace(name))?;
        ensure!(label(&found, LABEL_ISOLATED) == Some("true"), "{found}");
    }
    site.matrix()?.agrees().context("uninstalled")?;
    site.canaries_are_gone()?;
    install(site)?;
    site.whole()?;
    eventually("the webhook to refuse again", || {
        let deployments = "/apis/apps/v1/namespaces/gamma-web/deployments?dryRun=All";
        ensure!(site.platform.create(deployments, faulty()).is_err(), "it is let in");
        Ok(())
    })?;
    ensure!(site.isolating()? == before, "adopted, and changed");
    site.matrix()?.agrees().context("installed again")
}

/// With the value that says so, nothing of ours is left, and everything is open again.
pub fn removed_entirely(site: &Site) -> Result<()> {
    site.upgrade("uninstall.removeEverything=yes-remove-isolation")?;
    site.helm(&["uninstall", "snc", "--namespace", OPERATOR_NAMESPACE, "--wait", "--timeout", "4m"])?;
    let said = site.plane.kubectl(User::Admin, ["logs", "-n", OPERATOR_NAMESPACE, "job/snc-uninstall"])?;
    println!("removed, by the hook's log: {} lines", said.stdout.lines().count());
    nothing_left(&site.admin)?;
    let matrix = site.settled("nothing of ours")?;
    ensure!(matrix.open() == matrix.cells.len(), "something is closed");
    Ok(())
}
