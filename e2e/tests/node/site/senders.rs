//! Pods that send from their first instant to their last, past SIGTERM and while their namespace is deleted.

use super::{
    Site,
    outside::HOSTS,
    pods::{ALL, running},
};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use snc_core::names::LABEL_TENANT;
use snc_e2e::{
    objects::{Kind, NAMESPACES, TENANTS, namespace, new_namespace},
    wait::{eventually, within},
};
use std::{
    fs, thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use xtask::harness::{
    User,
    node::{ENFORCER, Enforcement},
};

/// Claimed by a tenant that declares no flow.
const CLOSED: &str = "delta-web";
/// Nobody's.
const OPEN: &str = "libre";
/// That listen to everybody.
const LISTENING: [&str; 3] = ["libre", "agent", "alpha-api"];
const GONE: Duration = Duration::from_secs(90);

/// What of one sender arrived somewhere.
struct Heard {
    packets: usize,
    /// From its first instant to when the last of them was sent.
    until: Duration,
    /// From its first instant to the deletion of its namespace.
    alive: Duration,
}

impl Site {
    /// Where senders send to: pods of nobody, of the platform and of another tenant, and a host outside.
    fn listeners(&self) -> Result<Vec<String>> {
        let pods = ALL.iter().filter(|who| LISTENING.contains(&who.name));
        let mut addresses: Vec<String> =
            pods.map(|who| Ok(format!("{}:8080", self.address(who)?))).collect::<Result<_>>()?;
        addresses.push(format!("{}:8080", HOSTS[0].address));
        Ok(addresses)
    }

    /// As soon as the namespace takes it.
    fn send_from(&self, namespace: &str, name: &str, grace: u64) -> Result<()> {
        let targets = self.listeners()?;
        let mut args = vec!["send"];
        args.extend(targets.iter().map(String::as_str));
        let mut pod = running(name, &json!({"app": "sender"}), &args);
        pod["spec"]["terminationGracePeriodSeconds"] = json!(grace);
        eventually(&format!("{namespace} to take {name}"), || {
            Ok(self.admin.create(Kind::Pod.all(namespace), pod.clone())?)
        })?;
        within(super::LIMIT, &format!("{name} to send"), || self.first_instant(namespace, name).map(drop))
    }

    /// In milliseconds since 1970.
    fn first_instant(&self, namespace: &str, name: &str) -> Result<u64> {
        let log = self.plane.kubectl(User::Admin, ["logs", "-n", namespace, name])?.stdout;
        Ok(log.trim().strip_prefix("sending ").with_context(|| log.clone())?.parse()?)
    }

    fn logs_of_listeners(&self) -> Result<String> {
        let mut logs =
            fs::read_to_string(self.plane.instance().log_path(&format!("serve-{}", HOSTS[0].name)))?;
        for who in ALL.iter().filter(|who| LISTENING.contains(&who.name)) {
            let pod = self.plane.kubectl(User::Admin, ["logs", "-n", who.namespace, who.name])?;
            ensure!(pod.success(), "{}", pod.stderr);
            logs.push_str(&pod.stdout);
        }
        Ok(logs)
    }

    fn heard(&self, name: &str, first: u64, alive: Duration) -> Result<Heard> {
        let mark = format!(" snc-send {name} ");
        let logs = self.logs_of_listeners()?;
        let times = logs.lines().filter(|line| line.contains(&mark)).map(|line| {
            let sent = line.rsplit(' ').next().unwrap_or_default();
            sent.parse::<u64>().with_context(|| line.to_owned())
        });
        let times: Vec<u64> = times.collect::<Result<_>>()?;
        let last = times.iter().max().copied().unwrap_or(first);
        Ok(Heard { packets: times.len(), until: Duration::from_millis(last.saturating_sub(first)), alive })
    }

    /// A namespace of the tenant, new under its old name, in which a pod sends at once; and its end, in which the pod
    /// sends on for as long as its grace is.
    fn life(&self, name: &str, grace: u64) -> Result<Heard> {
        self.platform.create(NAMESPACES, new_namespace(CLOSED, json!({LABEL_TENANT: "delta"})))?;
        eventually("its default ServiceAccount", || {
            Ok(self.admin.get(Kind::ServiceAccount.one(CLOSED, "default"))?)
        })?;
        self.send_from(CLOSED, name, grace)?;
        let first = self.first_instant(CLOSED, name)?;
        thread::sleep(Duration::from_secs(1));
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let alive = now.saturating_sub(Duration::from_millis(first));
        self.platform.delete(namespace(CLOSED))?;
        within(GONE, &format!("{CLOSED} to be gone"), || {
            ensure!(self.admin.find(namespace(CLOSED))?.is_none(), "it is there");
            Ok(())
        })?;
        self.heard(name, first, alive)
    }
}

/// A sender that nobody closes is heard: the listeners listen.
fn is_heard(site: &Site) -> Result<()> {
    site.send_from(OPEN, "sender-open", 1)?;
    let first = site.first_instant(OPEN, "sender-open")?;
    let heard = eventually("the open sender to be heard", || {
        let heard = site.heard("sender-open", first, Duration::ZERO)?;
        ensure!(heard.packets > 100, "{} packets", heard.packets);
        Ok(heard)
    })?;
    site.admin.delete(Kind::Pod.one(OPEN, "sender-open"))?;
    println!("of a pod that nothing closes {} packets arrived", heard.packets);
    Ok(())
}

/// With an enforcer that lets nothing through that it does not know, no packet arrives, from the first instant of a pod to
/// its last, in a namespace that is deleted and made again.
pub fn nothing_passes(site: &Site) -> Result<()> {
    is_heard(site)?;
    let tenant = json!({"apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncTenant", "metadata": {"name": "delta"},
        "spec": {"level": "Standard", "namespaces": [CLOSED]}});
    site.platform.create(TENANTS, tenant)?;
    for (name, grace) in [("sender-1", 1), ("sender-2", 1), ("sender-3", 30)] {
        let heard = site.life(name, grace)?;
        println!("fail-closed, {name}, grace {grace} s: {} packets arrived", heard.packets);
        ensure!(heard.packets == 0, "{} packets, the last sent after {:?}", heard.packets, heard.until);
    }
    Ok(())
}

/// With one that lets through what it does not know yet, the time until it does is measured: the network plugin's share.
pub fn window_when_open(site: &Site) -> Result<()> {
    site.plane.instance().terminate(ENFORCER)?;
    site.plane.start_enforcer(Enforcement::FailOpen)?;
    let measured = (|| {
        let mut windows = Vec::new();
        for name in ["opened-1", "opened-2", "opened-3"] {
            let heard = site.life(name, 1)?;
            println!(
                "fail-open, {name}: {} packets arrived, the last sent after {:?}",
                heard.packets, heard.until
            );
            // Who is heard to its end was never closed.
            ensure!(heard.until < heard.alive, "open for {:?} of {:?}", heard.until, heard.alive);
            windows.push(heard.until);
        }
        windows.into_iter().max().context("nothing measured")
    })();
    site.plane.instance().terminate(ENFORCER)?;
    site.plane.start_enforcer(Enforcement::FailClosed)?;
    println!("fail-open: the longest window is {:?}", measured?);
    site.settled("fail-closed again").map(drop)
}
