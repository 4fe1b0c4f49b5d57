//! `cargo xtask bench`: what the operator costs and how fast it is, on a real API server. It measures and prints; nothing
//! here passes or fails by a figure.

mod audit;
mod converge;
mod drift;
mod lab;
mod memory;
mod reach;
mod report;
mod scan;
mod workload;

use anyhow::{Result, bail};
use clap::{Parser, ValueEnum};
use report::Report;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
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
    /// Deletions
    #[arg(long, default_value_t = 50)]
    repairs: usize,
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
    let wanted = |scenario| args.scenarios.is_empty() || args.scenarios.contains(&scenario);
    let mut report = Report::default();
    if wanted(Scenario::Reach) {
        reach::measure(&mut report);
    }
    if wanted(Scenario::Scan) {
        scan::measure(args.scanned, &mut report)?;
    }
    if wanted(Scenario::Audit) {
        let lab = lab::Lab::start()?;
        audit::measure(&lab, args.pods, &mut report)?;
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
