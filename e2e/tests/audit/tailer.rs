//! A tailer beside the API server, as a process of its own.

use crate::records::{equal, kept, written};
use crate::scene::{SERVER, Scene};
use crate::traffic::Traffic;
use anyhow::{Result, ensure};
use jiff::Timestamp;
use rand::RngExt as _;
use snc_e2e::wait::within;
use std::fs;
use std::thread::sleep;
use std::time::Duration;
use xtask::harness::{ProcessSpec, free_port, workspace};

pub const TAIL: &str = "audit-tail";
const KILLS: usize = 10;

/// It is killed again and again, and the sink as well; a certificate that is another server's is not taken.
pub fn killed(scene: &Scene) -> Result<()> {
    let sink = scene.sink("tailed");
    sink.start()?;
    let instance = scene.cluster.plane().instance();
    instance.spawn_spec(TAIL, &spec(scene, "cp-2")?)?;
    within(Duration::from_secs(30), "to be told whose certificate it is", || {
        let log = scene.cluster.log_of(TAIL)?;
        ensure!(log.contains(SERVER), "{log}");
        Ok(())
    })?;
    instance.terminate(TAIL)?;
    ensure!(!sink.metrics()?.iter().any(from_a_file), "it was taken");

    let from = Timestamp::now().to_string();
    let traffic = Traffic::begin(&scene.cluster.admin, &["alice-b", "bruno-b", "default"], 3);
    instance.spawn_spec(TAIL, &spec(scene, SERVER)?)?;
    let mut random = rand::rng();
    for turn in 0..KILLS {
        sleep(Duration::from_millis(random.random_range(50..1500)));
        instance.kill9(TAIL)?;
        if turn % 3 == 0 {
            sink.kill()?;
            sink.restart()?;
        }
        instance.restart(TAIL)?;
    }
    let made = traffic.end()?;
    let until = Timestamp::now().to_string();
    let compared = within(Duration::from_secs(120), "every event to be kept", || {
        equal(&written(&scene.cluster.audit_log())?, &kept(&sink.store())?, &from, &until)
    })?;
    ensure!(sink.metrics()?.iter().any(from_a_file), "the webhook brought all of it");
    ensure!(made > 500 && compared >= made, "{made} requests and {compared} events: it shows nothing");
    println!("{KILLS} kills of the tailer: {compared} events written, each kept once");
    instance.terminate(TAIL)?;
    sink.stop()
}

fn from_a_file((series, value): (&String, &String)) -> bool {
    series.starts_with("snc_audit_events_total{") && series.contains("source=\"file\"") && value != "0"
}

fn spec(scene: &Scene, server: &str) -> Result<ProcessSpec> {
    let state = scene.directory.path().join(format!("tail-{server}"));
    fs::create_dir_all(&state)?;
    let tls = scene.authority.file().with_file_name("kube-apiserver-1");
    let env = [
        ("SNC_AUDIT_LOG", scene.cluster.audit_log().display().to_string()),
        ("SNC_AUDIT_SERVER", server.to_owned()),
        ("SNC_AUDIT_TO", format!("https://127.0.0.1:{}", scene.intake_port())),
        ("SNC_AUDIT_TLS_DIR", tls.display().to_string()),
        ("SNC_AUDIT_STATE_DIR", state.display().to_string()),
        ("SNC_LISTEN", format!("127.0.0.1:{}", free_port()?)),
        ("SNC_LOG_FORMAT", "text".to_owned()),
        ("NO_COLOR", "1".to_owned()),
    ];
    Ok(ProcessSpec {
        program: workspace::binary("snc-operator")?,
        args: vec![TAIL.to_owned()],
        env: env.into_iter().map(|(key, value)| (key.to_owned(), Some(value))).collect(),
        clean_env: true,
        dir: None,
    })
}
