//! Two operators side by side, the leader killed again and again while things change.

use crate::drift::by_flow;
use crate::lease::{STANDBY, holder, settled};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use snc_core::names::{DEFAULT_DENY, LABEL_ISOLATED};
use snc_e2e::cluster::{Cluster, LEASE, OPERATOR};
use snc_e2e::objects::{Kind, flow, flows, label, namespace, policy, stamp};
use snc_e2e::wait::{eventually, within};
use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

/// Changed all the time, and never.
const BUSY: [&str; 4] = ["releve-a", "releve-b", "releve-c", "releve-d"];
const CALM: &str = "releve-calme";
/// Beyond the lease itself, for the standby to notice and to begin.
const SLACK: Duration = Duration::from_secs(2);

fn port(cluster: &Cluster, name: &str, port: u32) -> Result<()> {
    let spec = flows(vec![flow("a", json!({"ports": [{"port": port}]})), flow("b", json!({}))]);
    cluster.platform.merge(Kind::SncPolicy.one(name, "p"), json!({"spec": spec}))?;
    Ok(())
}

/// Everything of a namespace that the operator writes, and in which version.
fn versions(cluster: &Cluster, name: &str) -> Result<BTreeMap<String, String>> {
    let mut all = cluster.managed(name)?;
    all.insert("Namespace".into(), stamp(&cluster.admin.get(namespace(name))?));
    all.insert("SncPolicy".into(), stamp(&cluster.admin.get(Kind::SncPolicy.one(name, "p"))?));
    Ok(all)
}

/// What is in force is what was asked for last, nothing more and nothing less.
fn converged(cluster: &Cluster, name: &str, port: u32) -> Result<()> {
    let found = by_flow(cluster, name)?;
    ensure!(found.keys().eq(["a", "b"]), "{name}: {:?}", found.keys());
    let ports: Vec<&Value> =
        found["a"]["spec"]["ingress"][0]["ports"].as_array().into_iter().flatten().collect();
    ensure!(ports.len() == 1 && ports[0]["port"] == port, "{name}: {ports:?}, asked for {port}");
    cluster.admin.get(Kind::NetworkPolicy.one(name, DEFAULT_DENY))?;
    cluster.admin.get(Kind::NetworkPolicy.one(name, "snc-dns"))?;
    let label = label(&cluster.admin.get(namespace(name))?, LABEL_ISOLATED).map(str::to_owned);
    ensure!(label.as_deref() == Some("true"), "{name}: {label:?}");
    Ok(())
}

fn generation(cluster: &Cluster, name: &str) -> Result<u64> {
    Ok(by_flow(cluster, name)?["a"]["metadata"]["generation"].as_u64().unwrap_or_default())
}

/// Ends the leader in this way and returns how long it took until the other had repaired something; changes go on
/// meanwhile.
fn hand_over(
    cluster: &Cluster,
    limit: Duration,
    end: impl FnOnce() -> Result<()>,
    round: u32,
) -> Result<Duration> {
    let before = holder(cluster)?;
    for name in BUSY {
        port(cluster, name, 1000 + round)?;
    }
    let started = Instant::now();
    end()?;
    let took = thread::scope(|scope| {
        let churn = scope.spawn(|| {
            for step in 0..5 {
                for name in BUSY {
                    port(cluster, name, 2000 + round * 10 + step)?;
                }
                // Somebody with the operator's own rights uses the moment.
                cluster.operator.delete(Kind::NetworkPolicy.one(BUSY[0], DEFAULT_DENY)).or_else(gone)?;
                thread::sleep(Duration::from_millis(300));
            }
            Ok(())
        });
        let taken = within(limit + SLACK, "the standby to take the lease and to repair", || {
            let now = holder(cluster)?;
            ensure!(!now.is_empty() && now != before, "held by {now:?}");
            cluster.admin.get(Kind::NetworkPolicy.one(BUSY[0], DEFAULT_DENY))?;
            Ok(started.elapsed())
        });
        let churned: Result<()> = churn.join().unwrap_or_else(|_| anyhow::bail!("the churn panicked"));
        churned.and(taken)
    })?;
    ensure!(took <= limit + SLACK, "{took:?}");
    Ok(took)
}

fn gone(refusal: snc_e2e::api::Refusal) -> Result<Value> {
    if refusal.code == 404 { Ok(Value::Null) } else { Err(refusal.into()) }
}

pub fn killed(cluster: &Cluster) -> Result<()> {
    let full = std::env::var("SNC_E2E_FULL").is_ok_and(|set| set == "1");
    let rounds = if full { 20 } else { 5 };
    let all: Vec<&str> = BUSY.into_iter().chain([CALM]).collect();
    cluster.governed("releve", &all, json!({"quota": {"pods": "50"}}))?;
    for name in &all {
        let spec = flows(vec![flow("a", json!({"ports": [{"port": 1}]})), flow("b", json!({}))]);
        cluster.platform.create(Kind::SncPolicy.all(name), policy("p", spec))?;
    }
    for name in &all {
        cluster.condition(&Kind::SncPolicy.one(name, "p"), "Ready", "True", "Applied")?;
    }
    // Judged as well, by everything: a kind that another test took the right to away comes back after a while.
    within(Duration::from_secs(90), "the calm namespace to be judged", || {
        let found = cluster.admin.get(Kind::SncPolicy.one(CALM, "p"))?;
        let unknown = found["status"]["controls"]["unknown"].as_i64();
        ensure!(unknown.is_some_and(|unknown| unknown < 10), "{}", found["status"]["controls"]);
        Ok(())
    })?;
    settled(cluster)?;
    let instance = cluster.plane().instance();
    let calm = versions(cluster, CALM)?;
    let (mut leader, mut standby) = (OPERATOR, STANDBY);
    let mut times = Vec::new();
    let result = (|| {
        for round in 0..rounds {
            cluster.start_standby(standby)?;
            settled(cluster)?;
            let before = BUSY.map(|name| generation(cluster, name));
            times.push(hand_over(cluster, LEASE, || instance.kill9(leader), round)?);
            (leader, standby) = (standby, leader);
            check(cluster, 2000 + round * 10 + 4)?;
            let asked = 6;
            for (name, before) in BUSY.iter().zip(before) {
                let written = generation(cluster, name)? - before?;
                ensure!((1..=asked).contains(&written), "{name}: {written} versions of {asked} changes");
            }
            let now = versions(cluster, CALM)?;
            ensure!(now == calm, "round {round}: nothing had changed, {calm:?} became {now:?}");
        }
        // What is asked to end lets go by itself.
        cluster.start_standby(standby)?;
        let released = hand_over(cluster, Duration::ZERO, || instance.terminate(leader), rounds)?;
        check(cluster, 2000 + rounds * 10 + 4)?;
        ensure!(versions(cluster, CALM)? == calm, "after the release");
        println!("hand-over after kill -9: {times:.1?} (lease {LEASE:?}), after SIGTERM: {released:.1?}");
        Ok(())
    })();
    for name in [OPERATOR, STANDBY] {
        if let Ok(process) = instance.process(name)
            && process.alive()
        {
            instance.terminate(name)?;
        }
    }
    cluster.start_operator(&[])?;
    result
}

fn check(cluster: &Cluster, port: u32) -> Result<()> {
    for name in BUSY {
        eventually("what was asked for last", || converged(cluster, name, port))?;
        cluster.condition(&Kind::SncPolicy.one(name, "p"), "Ready", "True", "Applied")?;
    }
    settled(cluster)?;
    BUSY.into_iter().try_for_each(|name| converged(cluster, name, port))
}
