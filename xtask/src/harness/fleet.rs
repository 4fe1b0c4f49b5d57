//! All the instances of a directory: what runs, what is left over, what to end.

use crate::harness::{
    client::Client,
    files::{Lock, remove_tree},
    instance::{GRACE, Instance, Record},
    kubeconfig::User,
    toolchain::Toolchain,
    workspace,
};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Up,
    /// Some process of it is gone.
    Degraded,
    /// None of its processes is there.
    Dead,
    /// It should have ended with the process that made it.
    Orphaned,
    /// It has not become ready: being made, or left half-made.
    Incomplete,
    /// Only logs are left, or a record that cannot be read.
    Remains,
}

#[derive(Debug)]
pub struct ProcessReport {
    pub name: String,
    pub pid: Option<i32>,
    pub alive: bool,
    pub uptime: Option<Duration>,
}

#[derive(Debug)]
pub struct InstanceReport {
    pub name: String,
    pub dir: PathBuf,
    pub health: Health,
    pub record: Option<Record>,
    pub processes: Vec<ProcessReport>,
}

/// Names of the instances, and of what is left of some.
pub fn list(base: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let Ok(entries) = fs::read_dir(base) else { return Ok(names) };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

pub fn report(base: &Path, name: &str) -> InstanceReport {
    let dir = base.join(name);
    let record = Instance::at(dir.clone()).record().ok();
    let processes: Vec<ProcessReport> = record
        .iter()
        .flat_map(|record| &record.processes)
        .map(|process| {
            let living = process.living().into_iter().next();
            ProcessReport {
                name: process.name.clone(),
                pid: living.as_ref().or(process.identity.as_ref()).map(|identity| identity.pid),
                alive: living.is_some(),
                uptime: living.and_then(|identity| identity.uptime()),
            }
        })
        .collect();
    let health = match &record {
        None => Health::Remains,
        Some(record) if record.orphaned() => Health::Orphaned,
        Some(record) if !record.ready => Health::Incomplete,
        Some(_) if processes.iter().all(|process| process.alive) => Health::Up,
        Some(_) if processes.iter().any(|process| process.alive) => Health::Degraded,
        Some(_) => Health::Dead,
    };
    InstanceReport { name: name.to_owned(), dir, health, record, processes }
}

impl InstanceReport {
    /// What the API server says its version is, if it answers.
    pub fn api_version(&self) -> Option<String> {
        let toolchain = Toolchain::from_record(&self.record.as_ref()?.tools);
        let kubeconfig = self.dir.join(User::Admin.kubeconfig());
        let client = Client::new(&toolchain, &kubeconfig, &self.dir.join("cache")).ok()?;
        let answer = client.kubectl_ok(["get", "--raw=/version", "--request-timeout=3s"]).ok()?;
        let version: serde_json::Value = serde_json::from_str(&answer).ok()?;
        version["gitVersion"].as_str().map(str::to_owned)
    }
}

/// Excludes others who would start or end the instance of this name.
pub(crate) struct NameLock {
    file: PathBuf,
    dir: PathBuf,
    _lock: Lock,
}

impl Drop for NameLock {
    fn drop(&mut self) {
        if !self.dir.exists() {
            let _ = fs::remove_file(&self.file);
        }
    }
}

pub(crate) fn lock(base: &Path, name: &str) -> Result<NameLock> {
    let file = base.join(format!("{name}.lock"));
    let lock = Lock::acquire(&file, || eprintln!("another xtask is at work on instance {name}, waiting"))?;
    Ok(NameLock { file, dir: base.join(name), _lock: lock })
}

/// Ends the instance's processes and removes its directory. False if there is no such instance.
pub fn stop(base: &Path, name: &str, keep_logs: bool) -> Result<bool> {
    let dir = base.join(name);
    if !dir.is_dir() {
        return Ok(false);
    }
    let _lock = lock(base, name)?;
    stop_locked(&dir, keep_logs).with_context(|| format!("end instance {name}"))?;
    Ok(true)
}

pub(crate) fn stop_locked(dir: &Path, keep_logs: bool) -> Result<()> {
    if !dir.join("instance.json").exists() {
        return if keep_logs { Ok(()) } else { remove_tree(dir) };
    }
    Instance::at(dir.to_path_buf()).destroy(GRACE, keep_logs)
}

/// Ends the instances whose owner is dead, and returns their names.
pub fn reap_orphans() -> Result<Vec<String>> {
    reap_orphans_in(&workspace::instances_dir())
}

pub fn reap_orphans_in(base: &Path) -> Result<Vec<String>> {
    let mut reaped = Vec::new();
    for name in list(base)? {
        if report(base, &name).health == Health::Orphaned && stop(base, &name, false)? {
            reaped.push(name);
        }
    }
    Ok(reaped)
}
