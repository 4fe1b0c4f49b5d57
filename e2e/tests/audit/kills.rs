//! What was acknowledged survives, and what was not comes again.

use crate::records::{compared, kept, written};
use crate::scene::Scene;
use crate::traffic::Traffic;
use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use rand::RngExt as _;
use serde_json::Value;
use snc_e2e::wait::within;
use std::thread::sleep;
use std::time::Duration;
use xtask::harness::User;

const KILLS: usize = 50;

/// The webhook alone. Each time the sink is away for less than the API server tries, which says itself what it gave up all
/// the same: a request that met another kill each time it was tried. None of those is missing without a gap over it.
pub fn fifty(scene: &Scene) -> Result<()> {
    let sink = scene.sink("kills");
    sink.start()?;
    // Of the time before, something may be given up later.
    sleep(Duration::from_secs(10));
    let (from, before) = (Timestamp::now().to_string(), given_up(scene)?);
    let traffic = Traffic::begin(&scene.cluster.admin, &["alice-a", "bruno-a", "default"], 3);
    let mut random = rand::rng();
    for _ in 0..KILLS {
        sleep(Duration::from_millis(random.random_range(50..2000)));
        sink.kill()?;
        sleep(Duration::from_millis(random.random_range(0..400)));
        sink.restart()?;
    }
    let made = traffic.end()?;
    let until = Timestamp::now().to_string();
    let told = within(Duration::from_secs(90), "every event to be kept", || {
        let (written, given_up) = (written(&scene.cluster.audit_log())?, given_up(scene)? - before);
        let (compared, missing) = compared(&written, &kept(&sink.store())?, &from, &until)?;
        ensure!(
            missing.len() <= given_up,
            "{} of {compared} are missing, the API server gave up {given_up}",
            missing.len()
        );
        let gaps = scene.gaps(&sink)?;
        let covered = |at: &str| gaps.iter().any(|gap| covers(gap, at));
        for seen in &missing {
            ensure!(covered(&seen.at), "given up, and no gap says so: {}; {gaps:?}", seen.told);
        }
        ensure!(made > 1000 && compared >= made, "{made} requests and {compared} events: it shows nothing");
        Ok(format!(
            "{compared} events written, {} given up by the API server itself, every other kept once",
            missing.len()
        ))
    })?;
    println!("{KILLS} kills: {told}");
    sink.stop()
}

fn covers(gap: &Value, at: &str) -> bool {
    let time = |name: &str| gap[name].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let Ok(at) = at.parse::<Timestamp>() else { return false };
    time("from").is_some_and(|from| from <= at) && time("to").is_none_or(|to| at <= to)
}

/// Events that its webhook did not bring, as the API server counts them.
fn given_up(scene: &Scene) -> Result<usize> {
    let metrics = scene.cluster.kubectl_ok(User::Admin, &["get", "--raw", "/metrics"])?;
    let series = "apiserver_audit_error_total{plugin=\"webhook\"} ";
    let value = metrics.lines().find_map(|line| line.strip_prefix(series));
    value.map_or(Ok(0), |value| value.trim().parse().with_context(|| value.to_owned()))
}
