//! What was acknowledged survives, and what was not comes again.

use crate::records::{equal, kept, written};
use crate::scene::Scene;
use crate::traffic::Traffic;
use anyhow::{Result, ensure};
use jiff::Timestamp;
use rand::RngExt as _;
use snc_e2e::wait::within;
use std::thread::sleep;
use std::time::Duration;

const KILLS: usize = 50;

/// The webhook alone. Each time the sink is away for less than the API server tries.
pub fn fifty(scene: &Scene) -> Result<()> {
    let sink = scene.sink("kills");
    sink.start()?;
    let from = Timestamp::now().to_string();
    let traffic = Traffic::begin(&scene.cluster.admin, &["alice-a", "bruno-a", "default"], 3);
    let mut random = rand::rng();
    for _ in 0..KILLS {
        sleep(Duration::from_millis(random.random_range(50..1200)));
        sink.kill()?;
        sleep(Duration::from_millis(random.random_range(0..600)));
        sink.restart()?;
    }
    let made = traffic.end()?;
    let until = Timestamp::now().to_string();
    let compared = within(Duration::from_secs(90), "every event to be kept", || {
        equal(&written(&scene.cluster.audit_log())?, &kept(&sink.store())?, &from, &until)
    })?;
    ensure!(made > 1000 && compared >= made, "{made} requests and {compared} events: it shows nothing");
    println!("{KILLS} kills: {compared} events written by the API server, each kept once");
    sink.stop()
}
