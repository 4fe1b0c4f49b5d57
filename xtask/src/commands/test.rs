//! `cargo xtask test`

use super::{
    cargo::{self, PROFILE, cargo},
    chart, release,
    table::{self, Row},
    verify,
};
use crate::harness::{self, Environment, Prefetch, Tool, Toolchain, interrupt, node, workspace};
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use std::{path::PathBuf, process::Command, time::Instant};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these stages
    #[arg(long, value_delimiter = ',', value_name = "STAGES")]
    only: Vec<Stage>,
    /// All but these stages
    #[arg(long, value_delimiter = ',', value_name = "STAGES", conflicts_with = "only")]
    skip: Vec<Stage>,
    /// The long forms of the end-to-end tests
    #[arg(long)]
    full: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// Formatting
    Fmt,
    /// Lints
    Clippy,
    /// Every binary
    Build,
    /// Unit, property, golden and command-line tests
    Unit,
    /// Generated files, Cargo.lock, dependencies
    Drift,
    /// etcd, API server, controller manager, kubectl and helm; a registry and cosign
    Tools,
    /// The Helm chart
    Chart,
    /// Real control planes: start, crash, end
    Harness,
    /// The operator on a real API server, signatures in a real registry
    E2e,
    /// Pods and packets on a real node
    Node,
    /// What README promises a newcomer
    Demo,
}

impl Stage {
    const fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Build => "build",
            Self::Unit => "unit",
            Self::Drift => "drift",
            Self::Tools => "tools",
            Self::Chart => "chart",
            Self::Harness => "harness",
            Self::E2e => "e2e",
            Self::Node => "node",
            Self::Demo => "demo",
        }
    }

    /// Says nothing about whether the next stages can work.
    const fn independent(self) -> bool {
        matches!(self, Self::Fmt | Self::Clippy)
    }

    const fn needs_tools(self) -> bool {
        matches!(self, Self::Tools | Self::Chart | Self::Harness | Self::E2e | Self::Node | Self::Demo)
    }

    const fn runs_cargo_tests(self) -> bool {
        matches!(self, Self::Unit | Self::Harness | Self::E2e | Self::Node)
    }
}

/// Targets that need the tools; a bare `cargo test` leaves them out.
const HARNESS_TEST: &str = "control_plane";
const E2E_TESTS: [&str; 10] = [
    "admission",
    "audit",
    "charts",
    "kill",
    "lifecycle",
    "policies",
    "probe",
    "rules",
    "signatures",
    "webhook",
];
const NODE_TEST: &str = "node";

struct Run {
    /// As it was when the run began: a build of the workspace may have put a new file in its place since.
    xtask: PathBuf,
    environment: Environment,
    prefetch: Option<Prefetch>,
    full: bool,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let xtask = std::env::current_exe().context("own executable path")?;
    let chosen =
        |stage: &Stage| (args.only.is_empty() || args.only.contains(stage)) && !args.skip.contains(stage);
    let stages: Vec<Stage> = Stage::value_variants().iter().copied().filter(chosen).collect();
    for name in harness::reap_orphans()? {
        eprintln!("ended {name}: the process that had started it is gone");
    }
    let environment = Environment::current()?;
    let prefetch =
        if stages.iter().any(|stage| stage.needs_tools()) { Prefetch::start(&environment)? } else { None };
    let mut run = Run { xtask, environment, prefetch, full: args.full };

    let mut rows: Vec<Row> = Vec::new();
    for &stage in &stages {
        println!("\n== {}", stage.name());
        let started = Instant::now();
        let result = run.stage(stage);
        if let Err(error) = &result {
            eprintln!("{}: {error:#}", stage.name());
        }
        rows.push(Row { stage: stage.name(), ok: result.is_ok(), duration: started.elapsed() });
        if interrupt::requested() || (result.is_err() && !stage.independent()) {
            break;
        }
    }
    harness::reap_orphans()?;

    println!("\n{}", table::render(&rows));
    conclude(&rows, &stages)
}

fn conclude(rows: &[Row], stages: &[Stage]) -> Result<()> {
    let failed: Vec<&str> = rows.iter().filter(|row| !row.ok).map(|row| row.stage).collect();
    // Where cargo has counted tests, a second count would be read as theirs.
    if !stages.iter().any(|stage| stage.runs_cargo_tests()) {
        println!("{} passed, {} failed", rows.len() - failed.len(), failed.len());
    }
    interrupt::check()?;
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

impl Run {
    fn stage(&mut self, stage: Stage) -> Result<()> {
        match stage {
            Stage::Fmt => {
                cargo::run(&mut cargo(["fmt", "--all", "--check"]))?;
                // The build script names these modules, so that `cargo fmt` does not see them.
                let checks =
                    workspace::files(&workspace::root().join("operator/catalogue/src/checks"), "rs")?;
                cargo::run(Command::new("rustfmt").args(["--edition", "2024", "--check"]).args(checks))
            }
            Stage::Clippy => clippy(),
            Stage::Build => cargo::build_binaries(true),
            Stage::Unit => cargo::run(&mut test(&[])),
            Stage::Drift => verify::check(),
            Stage::Tools => {
                let (tools, signatures) = (self.tools()?, self.signatures()?);
                print!("{}{}", tools.describe(), signatures.describe());
                Ok(())
            }
            Stage::Chart => {
                cargo::build_binaries(false)?;
                chart::check(&self.tools()?)
            }
            Stage::Harness => {
                self.tools()?;
                cargo::run(on_real_tools(&mut test(&["--test", HARNESS_TEST])))
            }
            Stage::E2e => {
                self.tools()?;
                self.signatures()?;
                let faulty = cargo::build_faulty_operator()?;
                let targets = E2E_TESTS.iter().flat_map(|name| ["--test", name]);
                let mut command = test(&targets.chain(["--", "--test-threads=2"]).collect::<Vec<_>>());
                command.env("SNC_FAULT_BIN", faulty);
                if self.full {
                    command.env("SNC_E2E_FULL", "1");
                }
                cargo::run(on_real_tools(&mut command))
            }
            Stage::Node => self.node(),
            Stage::Demo => {
                self.tools()?;
                // As its own process, under a name of its own: a demo that somebody left running is not ours.
                let name = format!("test-{}", std::process::id());
                cargo::run(Command::new(&self.xtask).args(["demo", "--ci", "--name", &name]))
            }
        }
    }

    fn node(&mut self) -> Result<()> {
        self.tools()?;
        if let Some(why) = node::skipped(&self.environment)? {
            println!("SKIPPED({why})");
            return Ok(());
        }
        Toolchain::ensure_tools(&self.environment, &Tool::every().collect::<Vec<_>>())?;
        cargo::build_static(&["snc-pod"], PROFILE)?;
        release::run(&release::Args::of_tests(workspace::release_of_tests()))?;
        let mut command = test(&["--test", NODE_TEST]);
        if self.full {
            command.env("SNC_E2E_FULL", "1");
        }
        cargo::run(on_real_tools(&mut command))?;
        println!("RAN on a real node");
        Ok(())
    }

    fn tools(&mut self) -> Result<Toolchain> {
        if let Some(prefetch) = self.prefetch.take() {
            prefetch.wait()?;
        }
        Toolchain::ensure_tools(&self.environment, &Tool::ALL)
    }

    fn signatures(&self) -> Result<Toolchain> {
        Toolchain::ensure_tools(&self.environment, &Tool::SIGNATURES)
    }
}

fn clippy() -> Result<()> {
    // `--all-targets` leaves out the targets that `cargo test` leaves out.
    let left_out =
        E2E_TESTS.iter().chain([&HARNESS_TEST, &NODE_TEST]).flat_map(|name| ["--test", name]).collect();
    for targets in [vec!["--all-targets"], left_out] {
        let fixed = ["clippy", "--profile", PROFILE, "--workspace", "--locked"];
        let lints = ["--", "-D", "warnings"];
        cargo::run(&mut cargo(fixed.iter().chain(&targets).chain(&lints).copied()))?;
    }
    Ok(())
}

/// Always of the whole workspace: a smaller choice would unify other features, and build half of the dependencies again.
fn test(selection: &[&str]) -> Command {
    let fixed = ["test", "--profile", PROFILE, "--locked", "--workspace"];
    cargo(fixed.into_iter().chain(selection.iter().copied()))
}

/// Here a test that finds no tools fails instead of being skipped.
fn on_real_tools(command: &mut Command) -> &mut Command {
    command.env("SNC_E2E", "1").env("SNC_BIN_DIR", workspace::target_dir().join(PROFILE))
}
