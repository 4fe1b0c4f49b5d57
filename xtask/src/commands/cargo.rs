//! Runs cargo as the rest of the commands need it.

use crate::harness::workspace;
use anyhow::{Context, Result, bail};
use std::{env, ffi::OsString, path::PathBuf, process::Command};

/// The profile of everything that is built here, xtask included: what two commands need is built once.
pub(super) const PROFILE: &str = "ci";

pub(super) fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.args(args).current_dir(workspace::root());
    // Those of the running xtask would be taken for those of the package at hand.
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR") {
            command.env_remove(name);
        }
    }
    command
}

pub(super) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("run {}", command.get_program().display()))?;
    crate::harness::interrupt::check()?;
    if !status.success() {
        let args = command.get_args().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" ");
        bail!("`cargo {args}` ended with {status}");
    }
    Ok(())
}

pub(super) fn build_binaries(locked: bool) -> Result<()> {
    let mut command = cargo(["build", "--profile", PROFILE, "--workspace", "--bins"]);
    if locked {
        command.arg("--locked");
    }
    run(&mut command)
}

/// Static binaries of this workspace, for images.
pub(super) fn build_static(binaries: &[&str], profile: &str) -> Result<()> {
    let mut command =
        cargo(["build", "--locked", "--profile", profile, "--target", workspace::static_target()]);
    command.args(binaries.iter().flat_map(|name| ["--bin", name]));
    run(&mut command).with_context(|| {
        format!("`rustup target add {}` installs what rustc needs for it", workspace::static_target())
    })
}

pub(super) fn built(binary: &str) -> PathBuf {
    workspace::target_dir().join(PROFILE).join(binary)
}

/// The operator with the mistake that the kill test has to catch, away from the real one. `CARGO_BUILD_BUILD_DIR` shares
/// every compiled dependency; a cargo that does not know it builds them again.
pub(super) fn build_faulty_operator() -> Result<PathBuf> {
    let target = workspace::target_dir();
    let place = target.join("fault");
    let mut command =
        cargo(["build", "--locked", "--profile", PROFILE, "--workspace", "--bin", "snc-operator"]);
    command
        .args(["--features", "snc-runtime/fault-delete-before-create", "--target-dir"])
        .arg(&place)
        .env("CARGO_BUILD_BUILD_DIR", &target);
    run(&mut command)?;
    Ok(place.join(PROFILE).join("snc-operator"))
}
