//! `cargo xtask down`

use crate::harness::{self, workspace};
use anyhow::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the instance
    #[arg(long, default_value = "dev")]
    name: String,
    /// Every instance, and what is left of others
    #[arg(long, conflicts_with_all = ["name", "orphans"])]
    all: bool,
    /// Only those whose owner died without ending them
    #[arg(long, conflicts_with = "name")]
    orphans: bool,
    /// Keep the logs
    #[arg(long)]
    keep: bool,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let base = workspace::instances_dir();
    if args.orphans {
        let reaped = harness::reap_orphans()?;
        match reaped.as_slice() {
            [] => println!("no orphans"),
            names => println!("ended {}", names.join(", ")),
        }
        return Ok(());
    }
    let names = if args.all { harness::list(&base)? } else { vec![args.name.clone()] };
    for name in &names {
        if !harness::stop(&base, name, args.keep)? {
            println!("{name} is not there");
        } else if args.keep {
            println!("{name} ended; its logs stay in {}", base.join(name).join("logs").display());
        } else {
            println!("{name} ended and removed");
        }
    }
    Ok(())
}
