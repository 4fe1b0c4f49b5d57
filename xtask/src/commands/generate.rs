//! `cargo xtask generate`

use super::{cargo, generated::Generated};
use anyhow::Result;

#[derive(Debug, clap::Args)]
pub struct Args {}

pub(super) fn run(_: &Args) -> Result<()> {
    cargo::build_binaries(false)?;
    let changed = Generated::from_binary(&cargo::built("snc-operator"))?.write()?;
    for path in &changed {
        println!("{}", path.display());
    }
    println!("{} changed", changed.len());
    Ok(())
}
