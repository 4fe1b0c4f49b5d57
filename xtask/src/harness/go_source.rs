//! Files of others, as their Go modules have them.

use super::{Environment, go_command, interrupt};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Where the sources of `name` are, in the version that the go.mod in `within` asks for; from the module cache or the
/// module proxy, proven by go.sum.
pub fn go_source(within: &Path, name: &str) -> Result<PathBuf> {
    let Some(go) = Environment::current()?.go() else {
        bail!("Go 1.26 or newer is needed (https://go.dev/dl)")
    };
    let output = go_command(&go, within).args(["mod", "download", "-json", name]).output()?;
    interrupt::check()?;
    let answer = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        bail!("go mod download {name} ended with {}:\n{answer}{told}", output.status);
    }
    let answer: Value = serde_json::from_str(&answer)?;
    answer["Dir"].as_str().map(PathBuf::from).context("go mod download names no directory")
}
