//! `cargo xtask verify`

use super::{
    cargo::{self, cargo},
    generated::Generated,
};
use anyhow::{Result, bail};

#[derive(Debug, clap::Args)]
pub struct Args {}

pub(super) fn run(_: &Args) -> Result<()> {
    lock_file()?;
    cargo::build_binaries(true)?;
    check()
}

/// All but the build.
pub(super) fn check() -> Result<()> {
    lock_file()?;
    one_tls_provider()?;
    for binary in ["snc-operator", "kubectl-snc"].map(cargo::built) {
        if !binary.is_file() {
            bail!("{} is not built; stage `build` of `cargo xtask test` builds it", binary.display());
        }
    }
    let diff = Generated::from_binaries(cargo::built)?.diff()?;
    if !diff.is_empty() {
        print!("{diff}");
        bail!("generated files are not what the binaries print; `cargo xtask generate` writes them");
    }
    println!("generated files, Cargo.lock and the TLS provider are as they should be");
    Ok(())
}

fn lock_file() -> Result<()> {
    let output = cargo(["metadata", "--format-version=1", "--locked"]).output()?;
    if !output.status.success() {
        bail!("Cargo.lock does not fit the manifests:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

fn one_tls_provider() -> Result<()> {
    let tree = ["tree", "--workspace", "-i", "ring", "-e", "normal,build", "--target", "all", "--locked"];
    let output = cargo(tree).output()?;
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !stdout.trim().is_empty() {
        bail!("ring is in the dependency tree, aws-lc-rs is to be the only provider:\n{stdout}");
    }
    if !output.status.success() && !stderr.contains("did not match any packages") {
        bail!("cargo tree failed:\n{stderr}");
    }
    Ok(())
}
