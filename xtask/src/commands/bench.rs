//! `cargo xtask bench`: builds what users install, and measures that.

use super::cargo::{self, cargo};
use crate::harness::{Environment, Tool, Toolchain, workspace};
use anyhow::Result;
use std::{ffi::OsString, process::Command};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Profile of the binaries that are measured
    #[arg(long, default_value = "release")]
    profile: String,
    /// `admission`, `converge`, `drift`, `memory`, `reach`, `scan`, `audit`, `audit-log`, `images`, `grouping`, and options of theirs (`-- --help`); all of them by default
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    Toolchain::ensure_tools(&Environment::current()?, &Tool::ALL)?;
    let fixed = ["build", "--locked", "--workspace"];
    let binaries = ["snc-operator", "kubectl-snc", "snc-bench"].into_iter().flat_map(|name| ["--bin", name]);
    let profile = ["--profile", args.profile.as_str()];
    cargo::run(&mut cargo(fixed.into_iter().chain(binaries).chain(profile)))?;
    let place = workspace::target_dir().join(&args.profile);
    let mut bench = Command::new(place.join("snc-bench"));
    cargo::run(bench.args(&args.rest).env("SNC_BIN_DIR", &place))
}
