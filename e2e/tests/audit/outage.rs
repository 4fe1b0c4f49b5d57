//! Longer than the API server tries: it is said at once, and the file fills it.

use crate::records::{equal, kept, log_files, written};
use crate::scene::{PATIENCE, SERVER, Scene, Sink};
use crate::traffic::Traffic;
use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use serde_json::Value;
use snc_e2e::wait::within;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

const AUDIT_LOG: &str = "/apis/secnumcloud.dev/v1alpha1/sncauditlogs/cluster";
/// What a log file covers counts from so long after its first line on: a gap before that is never closed.
const ENDS: Duration = Duration::from_secs(62);
/// Times of the API server have microseconds.
const MARGIN: Duration = Duration::from_secs(1);

pub fn filled(scene: &Scene) -> Result<()> {
    let full = std::env::var("SNC_E2E_FULL").is_ok_and(|set| set == "1");
    let (events, rotations) = if full { (100_000, 20) } else { (20_000, 10) };
    let small = Small::mount(&scene.directory.path().join("small"))?;
    let sink = scene.sink("outage").on(small.path()).tailing();
    sink.start()?;
    within(ENDS + Duration::from_secs(30), "the log to have begun long enough ago", || {
        let written = written(&scene.cluster.audit_log())?;
        let first = written.values().map(|seen| seen.at.as_str()).min().context("nothing is written")?;
        let age = Timestamp::now().duration_since(first.parse()?);
        ensure!(age.unsigned_abs() > ENDS, "{age:#}");
        Ok(())
    })?;
    let from = Timestamp::now().to_string();
    let traffic = Traffic::begin(&scene.cluster.admin, &["alice-a", "bruno-b", "default"], 4);
    let files = log_files(&scene.cluster.audit_log())?.len();
    // The API server may still wait before it tries again, after the sink of the case before; and the gap begins with what
    // was brought last.
    let before = brought(&sink)?;
    within(Duration::from_secs(60), "the webhook to bring something", || {
        let now = brought(&sink)?;
        ensure!(now > before, "{now} events, {before} before");
        Ok(())
    })?;

    sink.kill()?;
    sleep(PATIENCE + Duration::from_secs(10));
    sink.restart()?;
    gap(scene, "Down")?;
    closed(scene, &sink, "after it was down")?;

    let filler = small.fill()?;
    // Told while it lasts: the status of the object is not on that disk.
    gap(scene, "DiskFull")?;
    // It is counted every second, and told apart from that.
    within(PATIENCE, "the metric of the gap", || {
        let open = sink.metric("snc_audit_gaps_open{cause=\"DiskFull\",source=\"webhook\"}")?;
        ensure!(open > 0.0, "{open}");
        Ok(())
    })?;
    fs::remove_file(filler)?;
    closed(scene, &sink, "after the disk was full")?;

    let began = Instant::now();
    while traffic.made() < events {
        if began.elapsed() > Duration::from_secs(300) {
            bail!("only {} requests", traffic.made());
        }
        sleep(Duration::from_millis(200));
    }
    let made = traffic.end()?;
    let until = Timestamp::now().to_string();
    let compared = within(Duration::from_secs(120), "every event to be kept", || {
        equal(&written(&scene.cluster.audit_log())?, &kept(&sink.store())?, &from, &until)
    })?;
    let rotated = log_files(&scene.cluster.audit_log())?.len() - files;
    ensure!(
        compared >= events && rotated >= rotations,
        "{made} requests, {compared} events, {rotated} rotations"
    );
    println!(
        "outage and full disk: {compared} events, {rotated} rotations of {SERVER}'s file, each event kept once"
    );
    sink.stop()
}

/// Events that came by the webhook.
fn brought(sink: &Sink<'_>) -> Result<f64> {
    let metrics = sink.metrics()?;
    let by_webhook = metrics.iter().filter(|(series, _)| {
        series.starts_with("snc_audit_events_total{") && series.contains("source=\"webhook\"")
    });
    by_webhook.map(|(series, value)| value.parse::<f64>().with_context(|| series.clone())).sum()
}

fn gaps(scene: &Scene) -> Result<Vec<Value>> {
    let object = scene.cluster.admin.get(AUDIT_LOG)?;
    Ok(object.pointer("/status/gaps/items").and_then(Value::as_array).cloned().unwrap_or_default())
}

fn gap(scene: &Scene, cause: &str) -> Result<Value> {
    within(PATIENCE + Duration::from_secs(20), &format!("the gap {cause}"), || {
        let gaps = gaps(scene)?;
        let found = gaps.iter().find(|gap| gap["cause"] == cause && gap["source"] == "Webhook");
        found.cloned().with_context(|| format!("{gaps:?}"))
    })
}

fn closed(scene: &Scene, sink: &Sink<'_>, when: &str) -> Result<()> {
    within(Duration::from_secs(90), &format!("the gap to be closed {when}"), || {
        let object = scene.cluster.admin.get(AUDIT_LOG)?;
        let gaps = &object["status"]["gaps"];
        ensure!(gaps["open"] == 0, "{gaps}\n{}", sink.log()?);
        Ok(())
    })?;
    sleep(MARGIN);
    Ok(())
}

/// A file system of its own, so that it can be full.
struct Small(PathBuf);

impl Small {
    fn mount(path: &Path) -> Result<Self> {
        fs::create_dir_all(path)?;
        let output =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=400m", "snc-small"]).arg(path).output()?;
        ensure!(
            output.status.success(),
            "mount (it takes root): {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(Self(path.to_path_buf()))
    }

    fn path(&self) -> &Path {
        &self.0
    }

    /// Until nothing goes in any more.
    fn fill(&self) -> Result<PathBuf> {
        let path = self.0.join("filler");
        let mut file = File::create(&path)?;
        let block = vec![7_u8; 1 << 20];
        while file.write_all(&block).is_ok() {}
        while file.write_all(&[7]).is_ok() {}
        Ok(path)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
