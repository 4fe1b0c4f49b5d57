//! From the machine into the namespaces of a node, and how they are started.

use super::{Cgroup, NAMESPACES};
use crate::harness::{
    instance::Instance,
    process::{ProcessIdentity, ProcessSpec},
    workspace,
};
use anyhow::{Context, Result, bail};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    net::{SocketAddr, TcpStream},
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    thread,
    time::Duration,
};

const FIRST_PROCESS: &str = "node.json";

/// The namespaces of the node in this directory, by their first process.
pub(crate) struct Inside {
    first: ProcessIdentity,
}

impl Inside {
    pub(crate) fn of(dir: &Path) -> Result<Self> {
        let path = dir.join(FIRST_PROCESS);
        let text = fs::read(&path).with_context(|| format!("{} has no node", dir.display()))?;
        let first: ProcessIdentity = serde_json::from_slice(&text)?;
        if !first.alive() {
            bail!("the node in {} has ended", dir.display());
        }
        Ok(Self { first })
    }

    pub(super) fn write(dir: &Path, first: &ProcessIdentity) -> Result<()> {
        crate::harness::files::write_private(&dir.join(FIRST_PROCESS), &serde_json::to_vec(first)?)
    }

    pub(crate) fn first_process(&self) -> &ProcessIdentity {
        &self.first
    }

    /// A file as the node's processes see it, the node's own /run included.
    pub(super) fn path(&self, absolute: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{absolute}", self.first.pid))
    }

    /// A command that runs in the namespaces, though not in the cgroup.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.first.pid));
        command.args(["--mount", "--net", "--pid", "--ipc", "--uts", "--cgroup", "--"]).arg(program);
        command
    }

    /// Moves this thread, and those that it starts from then on, into the node's network.
    pub(super) fn enter_network(&self) -> Result<()> {
        let link = format!("/proc/{}/ns/net", self.first.pid);
        let file = File::open(&link).with_context(|| format!("open {link}"))?;
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
            .context("enter the node's network")
    }

    pub(crate) fn listens(&self, address: SocketAddr, limit: Duration) -> bool {
        thread::scope(|scope| {
            let connect =
                || self.enter_network().is_ok() && TcpStream::connect_timeout(&address, limit).is_ok();
            scope.spawn(connect).join().unwrap_or(false)
        })
    }
}

/// The same process, but in the namespaces and the cgroup of the node in this directory.
pub(crate) fn wrap(dir: &Path, spec: &ProcessSpec) -> Result<ProcessSpec> {
    let mut args = xtask_args("exec", dir);
    args.push("--".to_owned());
    args.push(spec.program.display().to_string());
    args.extend(spec.args.iter().cloned());
    Ok(ProcessSpec { program: workspace::binary("xtask")?, args, ..spec.clone() })
}

/// `xtask node <what> --dir <dir>`, as a process of an instance.
pub(super) fn own_spec(what: &str, dir: &Path, more: &[String]) -> Result<ProcessSpec> {
    let mut args = xtask_args(what, dir);
    args.extend_from_slice(more);
    Ok(ProcessSpec {
        program: workspace::binary("xtask")?,
        args,
        env: std::collections::BTreeMap::new(),
        clean_env: true,
        dir: None,
    })
}

fn xtask_args(what: &str, dir: &Path) -> Vec<String> {
    vec!["node".to_owned(), what.to_owned(), format!("--dir={}", dir.display())]
}

fn cgroup(dir: &Path) -> Result<Cgroup> {
    let record = Instance::at(dir.to_path_buf()).record()?;
    record.node.with_context(|| format!("{} has no node", dir.display()))
}

/// Runs a command in the node, in the caller's directory, and returns how it ended. This process stays as its parent,
/// so that one process of the instance is one process to the harness.
pub fn exec(dir: &Path, command: &[OsString]) -> Result<ExitStatus> {
    let Some((program, args)) = command.split_first() else { bail!("no command to run in the node") };
    let inside = Inside::of(dir)?;
    cgroup(dir)?.enter()?;
    let mut command = Command::new("nsenter");
    command.arg(format!("--target={}", inside.first.pid));
    if let Ok(here) = std::env::current_dir() {
        command.arg(format!("--wd={}", here.display()));
    }
    command.args(["--mount", "--net", "--pid", "--ipc", "--uts", "--cgroup", "--"]).arg(program).args(args);
    command.status().context("run nsenter")
}

/// Makes the namespaces and stays until they end.
pub fn found_a_namespace(dir: &Path) -> Result<ExitStatus> {
    cgroup(dir)?.enter()?;
    let own = std::env::current_exe().context("own executable path")?;
    Command::new("unshare")
        .args(["--pid", "--mount", "--net", "--cgroup", "--ipc", "--uts", "--fork", "--kill-child", "--"])
        .arg(own)
        .args(xtask_args("init", dir))
        .status()
        .with_context(|| format!("run unshare for {NAMESPACES}"))
}
