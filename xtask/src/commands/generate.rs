//! `cargo xtask generate`

use super::{cargo, generated::Generated, netpol};
use anyhow::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Instead, record what the NetworkPolicy specs of Kubernetes expect (needs Go; see e2e/netpol)
    #[arg(long)]
    netpol: bool,
}

pub(super) fn run(args: &Args) -> Result<()> {
    if args.netpol {
        return netpol::generate();
    }
    cargo::build_binaries(false)?;
    let changed = Generated::from_binaries(cargo::built)?.write()?;
    for path in &changed {
        println!("{}", path.display());
    }
    println!("{} changed", changed.len());
    Ok(())
}
