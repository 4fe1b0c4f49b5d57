//! `cargo xtask status`

use crate::harness::{self, Health, InstanceReport, User, workspace};
use anyhow::Result;
use std::{
    fmt::Write as _,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this instance
    #[arg(long)]
    name: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let base = workspace::instances_dir();
    let mut names = harness::list(&base)?;
    if let Some(wanted) = &args.name {
        names.retain(|name| name == wanted);
    }
    if names.is_empty() {
        println!("nothing is up; `cargo xtask up` starts a control plane");
        return Ok(());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    for name in names {
        let report = harness::report(&base, &name);
        let version = report.api_version();
        print!("{}", render(&report, version.as_deref(), now));
    }
    Ok(())
}

const fn state(health: Health) -> &'static str {
    match health {
        Health::Up => "up",
        Health::Degraded => "DEGRADED: a process is gone",
        Health::Dead => "DEAD: no process is left",
        Health::Orphaned => "ORPHAN: its owner is gone; `cargo xtask down --orphans` ends it",
        Health::Incomplete => "not ready",
        Health::Remains => "only files are left",
    }
}

fn render(report: &InstanceReport, version: Option<&str>, now: u64) -> String {
    let mut text = format!("{}  {}\n", report.name, state(report.health));
    let Some(record) = &report.record else {
        let _ = writeln!(text, "  files       {}\n", report.dir.display());
        return text;
    };
    let age = Duration::from_secs(now.saturating_sub(record.started_at));
    let _ = writeln!(text, "  started     {} ago by `{}`", human(age), record.started_by);
    let _ = writeln!(text, "  kubeconfig  {}", report.dir.join(User::Platform.kubeconfig()).display());
    let _ = writeln!(text, "  version     {}", version.unwrap_or("the API server does not answer"));
    for (name, port) in &record.api_servers {
        let _ = writeln!(text, "  port        {port} {name}");
    }
    if let Some(port) = record.etcd_port {
        let _ = writeln!(text, "  port        {port} etcd");
    }
    for process in &report.processes {
        let pid = process.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
        let state = match (process.alive, process.uptime) {
            (true, Some(uptime)) => format!("alive for {}", human(uptime)),
            (true, None) => "alive".to_owned(),
            (false, _) => "DEAD".to_owned(),
        };
        let _ = writeln!(text, "  process     {:24} pid {pid:8} {state}", process.name);
    }
    text.push('\n');
    text
}

fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}
