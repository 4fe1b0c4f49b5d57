//! One operator writes at a time, and none writes for nothing.

use crate::drift::by_flow;
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use snc_e2e::cluster::{Cluster, OPERATOR};
use snc_e2e::objects::{Kind, flow, flows, policy, text};
use snc_e2e::wait::{SOON, eventually, throughout, within};
use std::time::{Duration, Instant};

/// The operator beside the one of the suite.
pub const STANDBY: &str = "snc-operator-standby";

pub fn holder(cluster: &Cluster) -> Result<String> {
    Ok(text(&cluster.lease()?, "/spec/holderIdentity").to_owned())
}

pub fn second(cluster: &Cluster) -> Result<()> {
    let first = holder(cluster)?;
    cluster.start_standby(STANDBY)?;
    let result = (|| {
        // Something to do for whoever believes to lead.
        cluster.governed("seconde", &["seconde"], json!({"quota": {"pods": "5"}}))?;
        let spec = flows(vec![flow("a", json!({}))]);
        cluster.platform.create(Kind::SncPolicy.all("seconde"), policy("p", spec))?;
        cluster.condition(&Kind::SncPolicy.one("seconde", "p"), "Ready", "True", "Applied")?;
        cluster.operator.delete(Kind::NetworkPolicy.one("seconde", "snc-dns"))?;
        eventually("the repair", || Ok(cluster.admin.get(Kind::NetworkPolicy.one("seconde", "snc-dns"))?))?;
        ensure!(written(cluster, OPERATOR)? > 5, "the leader counts its writes");
        ensure!(written(cluster, STANDBY)? == 0, "the standby wrote: {:?}", cluster.metrics(STANDBY)?);
        let leads = |name: &str| Ok::<_, anyhow::Error>(cluster.metrics(name)?["snc_leader"]);
        ensure!(leads(OPERATOR)? == 1 && leads(STANDBY)? == 0, "who leads");
        ensure!(holder(cluster)? == first, "the first one is undisturbed");
        Ok(())
    })();
    let stopped = Instant::now();
    cluster.plane().instance().terminate(STANDBY)?;
    ensure!(stopped.elapsed() < Duration::from_secs(2), "it did not end at once: {:?}", stopped.elapsed());
    ensure!(holder(cluster)? == first, "a standby releases nothing");
    result
}

/// Writes of one process so far, its lease included.
fn written(cluster: &Cluster, name: &str) -> Result<i64> {
    let metrics = cluster.metrics(name)?;
    Ok(metrics.iter().filter(|(series, _)| series.starts_with("snc_writes_total")).map(|(_, n)| n).sum())
}

pub fn succession(cluster: &Cluster) -> Result<()> {
    let instance = cluster.plane().instance();
    let first = holder(cluster)?;
    instance.kill9(OPERATOR)?;
    ensure!(holder(cluster)? == first, "a killed one lets go of nothing");
    let already = cluster.operator_log()?.len();
    cluster.start_operator(&[])?;
    let log = cluster.operator_log()?;
    ensure!(
        log[already..].contains("standby: the lease has a holder"),
        "it did not wait:\n{}",
        &log[already..]
    );
    let second = holder(cluster)?;
    ensure!(second != first && !second.is_empty(), "{first} then {second}");

    cluster.stop_operator()?;
    ensure!(holder(cluster)?.is_empty(), "SIGTERM releases: {}", cluster.lease()?);
    let already = cluster.operator_log()?.len();
    cluster.start_operator(&[])?;
    let log = cluster.operator_log()?;
    ensure!(!log[already..].contains("standby: the lease has a holder"), "it waited:\n{}", &log[already..]);
    let third = holder(cluster)?;
    ensure!(third != second && !third.is_empty(), "{second} then {third}");
    Ok(())
}

pub fn frozen(cluster: &Cluster) -> Result<()> {
    // Several, since what it wakes up with is half out of date in some of them only.
    let names: Vec<String> = (0..6).map(|i| format!("gele-{i}")).collect();
    let namespaces: Vec<&str> = names.iter().map(String::as_str).collect();
    cluster.governed("gele", &namespaces, json!({}))?;
    let spec = |names: [&str; 2]| flows(names.map(|name| flow(name, json!({}))).into());
    for name in &names {
        cluster.platform.create(Kind::SncPolicy.all(name), policy("p", spec(["a", "b"])))?;
    }
    let applied = || {
        let mut all = names.iter().map(|name| Kind::SncPolicy.one(name, "p"));
        all.try_for_each(|path| cluster.condition(&path, "Ready", "True", "Applied").map(drop))
    };
    applied()?;

    let instance = cluster.plane().instance();
    let first = holder(cluster)?;
    cluster.start_standby(STANDBY)?;
    instance.pause(OPERATOR)?;
    for name in &names {
        cluster.platform.merge(Kind::SncPolicy.one(name, "p"), json!({"spec": spec(["b", "c"])}))?;
    }
    let result = (|| {
        eventually("the standby to act", || {
            ensure!(holder(cluster)? != first, "{first} holds the lease");
            for name in &names {
                let now = by_flow(cluster, name)?;
                ensure!(now.keys().eq(["b", "c"]), "{name}: {:?}", now.keys());
            }
            Ok(())
        })?;
        applied()?;
        settled(cluster)?;
        let managed = || names.iter().map(|name| cluster.managed(name)).collect::<Result<Vec<_>>>();
        let before = managed()?;
        instance.resume(OPERATOR)?;
        within(Duration::from_secs(10), "the first one to end", || {
            ensure!(!instance.process(OPERATOR)?.alive(), "it goes on");
            Ok(())
        })?;
        ensure!(cluster.operator_log()?.contains("LeaseLost"), "it says why");
        settled(cluster)?;
        for (before, after) in before.iter().zip(&managed()?) {
            ensure!(before == after, "{before:?} became {after:?}");
        }
        Ok(())
    })();
    instance.kill9(OPERATOR)?;
    instance.terminate(STANDBY)?;
    cluster.start_operator(&[])?;
    result
}

/// Writes of the operator so far, but for its lease.
fn writes(cluster: &Cluster) -> Result<Vec<String>> {
    let all = cluster.audit()?;
    let writes = all.iter().filter(|entry| entry.is_write() && !entry.uri.contains("/leases/"));
    Ok(writes.map(|entry| format!("{} {}", entry.verb, entry.uri)).collect())
}

/// Waits until two seconds pass without a write, and returns how many there were.
pub fn settled(cluster: &Cluster) -> Result<usize> {
    at_rest(cluster, Duration::from_secs(2), SOON)
}

fn at_rest(cluster: &Cluster, rest: Duration, limit: Duration) -> Result<usize> {
    let mut last = (writes(cluster)?.len(), Instant::now());
    within(limit, "the operator to come to rest", || {
        let now = writes(cluster)?.len();
        if now != last.0 {
            last = (now, Instant::now());
        }
        ensure!(last.1.elapsed() > rest, "{now} writes");
        Ok(now)
    })
}

pub fn quiet(cluster: &Cluster) -> Result<()> {
    cluster.governed("calme", &["calme"], json!({"quota": {"pods": "20"}}))?;
    let spec = flows(vec![flow("a", json!({"reviewedOn": "2020-01-01", "ports": [{"port": 80}]}))]);
    cluster.platform.create(Kind::SncPolicy.all("calme"), policy("p", spec))?;
    cluster.condition(&Kind::SncPolicy.one("calme", "p"), "Ready", "True", "Applied")?;
    // An assessment waits up to twenty seconds for more to say.
    let count = at_rest(cluster, Duration::from_secs(22), Duration::from_secs(90))?;
    ensure!(count > 10, "the audit log shows its writes: {count}");
    let silent = || {
        let now = writes(cluster)?;
        ensure!(now.len() == count, "written for nothing: {:?}", &now[count..]);
        Ok(())
    };
    let renewed = |lease: &Value| text(lease, "/spec/renewTime").to_owned();
    let before = renewed(&cluster.lease()?);
    throughout(Duration::from_secs(8), silent)?;
    ensure!(renewed(&cluster.lease()?) != before, "it was alive");
    cluster.restart_operator()?;
    throughout(Duration::from_secs(8), silent)
}
