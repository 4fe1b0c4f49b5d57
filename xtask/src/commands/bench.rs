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
    /// `converge`, `drift`, `memory`, `reach`, and options of theirs (`-- --help`); all of them by default
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    Toolchain::ensure_tools(&Environment::current()?, &Tool::ALL)?;
    let fixed =
        ["build", "--locked", "--workspace", "--bin", "snc-operator", "--bin", "snc-bench", "--profile"];
    cargo::run(&mut cargo(fixed.into_iter().chain([args.profile.as_str()])))?;
    let place = workspace::target_dir().join(&args.profile);
    let mut bench = Command::new(place.join("snc-bench"));
    cargo::run(bench.args(&args.rest).env("SNC_BIN_DIR", &place))
}
