//! `cargo xtask bench`: what the operator costs and how fast it is, on a real API server. It measures and prints; nothing
//! here passes or fails by a figure.

mod admission;
mod audit;
mod audit_log;
mod converge;
mod drift;
mod grouping;
mod images;
mod lab;
mod memory;
mod reach;
mod report;
mod say_yes;
mod scan;
mod workload;

use anyhow::{Result, bail};
use clap::{Parser, ValueEnum};
use report::Report;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// What it costs to create a pod: nothing installed, a webhook that says yes, the guards, our webhook
    Admission,
    /// From start to all namespaces effective, the writes that took, and a second start
    Converge,
    /// How soon a deleted policy is back
    Drift,
    /// What a pod costs in the index
    Memory,
    /// Who can reach whom in a large cluster
    Reach,
    /// `kubectl snc scan` beside the decoding of the same file
    Scan,
    /// `kubectl snc audit` beside the listing of the same kinds
    Audit,
    /// What an event of the audit log costs the sink, and how many a second it takes
    AuditLog,
    /// Verdicts on images, and decisions about pods, with many scans known
    Images,
    /// What rules on pods cost the API server, by how many policies they are spread over
    Grouping,
}

#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask bench")]
struct Args {
    /// All of them by default
    scenarios: Vec<Scenario>,
    /// Governed namespaces, each with one `SncPolicy`
    #[arg(long, default_value_t = 2000)]
    namespaces: usize,
    #[arg(long, default_value_t = 20)]
    tenants: usize,
    /// Flows of each policy
    #[arg(long, default_value_t = 10)]
    flows: usize,
    #[arg(long, default_value_t = 10_000)]
    pods: usize,
    /// Pods of the file that is scanned
    #[arg(long, default_value_t = 100_000)]
    scanned: usize,
    /// Images with a scan
    #[arg(long, default_value_t = 20_000)]
    digests: usize,
    /// Events of the audit log
    #[arg(long, default_value_t = 400_000)]
    events: usize,
    /// Deletions
    #[arg(long, default_value_t = 50)]
    repairs: usize,
    /// Pods that are created by dry-run, each way
    #[arg(long, default_value_t = 4000)]
    requests: usize,
    /// Where `gatekeeper`, `gatekeeper.yaml`, `kyverno`, `kyverno.yaml` are: binaries, and their projects' manifests
    #[arg(long, value_name = "DIRECTORY")]
    peers: Option<PathBuf>,
    /// Serves what the others are measured beside
    #[arg(long, hide = true, num_args = 2, value_names = ["PORT", "DIRECTORY"])]
    say_yes: Vec<String>,
    /// Figures as JSON, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    let run = xtask::harness::interrupt::install().and_then(|()| run(&Args::parse()));
    match run {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    if args.tenants == 0 || args.namespaces < args.tenants {
        bail!("at least one tenant, and one namespace for each: --tenants {}", args.tenants);
    }
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    if let [port, directory] = args.say_yes.as_slice() {
        return say_yes::serve(port.parse()?, directory.as_ref());
    }
    let wanted = |scenario| args.scenarios.is_empty() || args.scenarios.contains(&scenario);
    let mut report = Report::default();
    if wanted(Scenario::Reach) {
        reach::measure(&mut report);
    }
    if wanted(Scenario::Scan) {
        scan::measure(args.scanned, &mut report)?;
    }
    if wanted(Scenario::Images) {
        images::measure(args.digests, args.scanned, &mut report)?;
    }
    if wanted(Scenario::AuditLog) {
        audit_log::measure(args.events, args.requests, &mut report)?;
    }
    if wanted(Scenario::Audit) {
        let lab = lab::Lab::start()?;
        audit::measure(&lab, args.pods, &mut report)?;
        lab.stop()?;
    }
    if wanted(Scenario::Grouping) {
        let lab = lab::Lab::start()?;
        grouping::measure(&lab, &mut report)?;
        lab.stop()?;
    }
    if wanted(Scenario::Admission) {
        let lab = lab::Lab::start()?;
        admission::measure(&lab, args.requests, args.peers.as_deref(), &mut report)?;
        lab.stop()?;
    }
    let on_a_cluster = [Scenario::Converge, Scenario::Drift, Scenario::Memory];
    if on_a_cluster.into_iter().any(wanted) {
        let lab = lab::Lab::start()?;
        // The other two need a cluster that has settled, of whatever size.
        let namespaces = if wanted(Scenario::Converge) { args.namespaces } else { args.tenants * 5 };
        converge::declare(&lab, args.tenants, namespaces, args.flows)?;
        converge::measure(&lab, namespaces, args.flows, wanted(Scenario::Converge), &mut report)?;
        if wanted(Scenario::Drift) {
            drift::measure(&lab, args.repairs, &mut report)?;
        }
        if wanted(Scenario::Memory) {
            memory::measure(&lab, args.pods, &mut report)?;
        }
        lab.stop()?;
    }
    if let Some(path) = &args.json {
        report.save(path)?;
    }
    Ok(())
}
