//! `cargo xtask node`

use super::cargo;
use crate::harness::{
    Builder, Environment, Tool, Toolchain,
    node::{self, Enforcement, Node},
    workspace,
};
use anyhow::{Result, bail};
use std::{ffi::OsString, os::unix::process::ExitStatusExt as _, path::PathBuf, process::ExitStatus};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Run a command in the namespaces of the node, e.g. `-- nft list ruleset`
    Exec {
        /// Name of the instance
        #[arg(long, default_value = "dev", conflicts_with = "dir")]
        name: String,
        #[arg(long, hide = true)]
        dir: Option<PathBuf>,
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    #[command(hide = true)]
    Namespaces {
        #[arg(long)]
        dir: PathBuf,
    },
    #[command(hide = true)]
    Init {
        #[arg(long)]
        dir: PathBuf,
    },
    #[command(hide = true)]
    Forward {
        #[arg(long)]
        dir: PathBuf,
        #[arg(long)]
        port: u16,
    },
}

impl Command {
    pub(super) fn run(self) -> Result<()> {
        match self {
            Self::Exec { name, dir, command } => {
                let dir = dir.unwrap_or_else(|| workspace::instances_dir().join(name));
                end_as(node::exec(&dir, &command)?)
            }
            Self::Namespaces { dir } => end_as(node::found_a_namespace(&dir)?),
            Self::Init { dir } => node::init(&dir),
            Self::Forward { dir, port } => node::forward(&dir, port),
        }
    }
}

/// With the exit code of what was run, so that callers see it.
fn end_as(status: ExitStatus) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    std::process::exit(status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1))
}

/// Builds what is missing, and adds a node to the control plane.
pub(super) fn with_node(builder: Builder, enforcement: Enforcement) -> Result<(Builder, Toolchain)> {
    let environment = Environment::current()?;
    if let Some(why) = node::unavailable(&environment)? {
        bail!("no node on this machine: {why}");
    }
    let tools: Vec<Tool> = Tool::ALL.into_iter().chain(Tool::NODE).collect();
    let toolchain = Toolchain::ensure_tools(&environment, &tools)?;
    cargo::build_static(&["snc-pod"], cargo::PROFILE)?;
    let pause = workspace::static_binary("snc-pod", cargo::PROFILE)?;
    Ok((builder.node(Node { enforcement, pause, images: Vec::new() }), toolchain))
}
