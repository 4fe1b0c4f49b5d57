//! A directory `.snc/<name>` with everything that belongs to one control plane, and the record of its processes.

use crate::harness::{
    files::{Lock, private_dir, remove_tree, write_private},
    node::{self, Cgroup},
    process::{self, ProcessIdentity, ProcessSpec},
};
use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const RECORD: &str = "instance.json";
const FORMAT: u32 = 1;

/// How long a process may take to end after SIGTERM, when everything is taken down.
pub(crate) const GRACE: Duration = Duration::from_secs(5);
/// What a kubelet gives a pod: one that has requests to end must not be killed before.
const POD_GRACE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    format: u32,
    pub name: String,
    /// Command line of whoever made it.
    pub started_by: String,
    /// Seconds since the Unix epoch.
    pub started_at: u64,
    /// An instance with an owner ends with it.
    pub owner: Option<ProcessIdentity>,
    /// Every part of the control plane has answered.
    pub ready: bool,
    /// Port of each API server on 127.0.0.1.
    pub api_servers: BTreeMap<String, u16>,
    pub etcd_port: Option<u16>,
    pub tools: BTreeMap<String, PathBuf>,
    /// Of the node, if there is one.
    #[serde(default)]
    pub(crate) node: Option<Cgroup>,
    /// In the order in which they were started first.
    pub processes: Vec<ProcessRecord>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessRecord {
    pub name: String,
    pub spec: ProcessSpec,
    pub log: PathBuf,
    /// Written before the process is started.
    pub marker: String,
    /// Written after. Without it the process, if there is one, is found by its marker.
    pub identity: Option<ProcessIdentity>,
}

impl ProcessRecord {
    const LAST_STAGE: u8 = 2;

    /// In which order it ends.
    fn stage(&self) -> u8 {
        match self.spec.program.file_name().and_then(|name| name.to_str()) {
            Some("etcd") => Self::LAST_STAGE,
            Some("kube-apiserver") => 1,
            _ => 0,
        }
    }

    pub(crate) fn living(&self) -> Vec<ProcessIdentity> {
        match &self.identity {
            Some(identity) => identity.alive().then(|| identity.clone()).into_iter().collect(),
            None => process::with_marker(&self.marker),
        }
    }

    pub fn alive(&self) -> bool {
        !self.living().is_empty()
    }
}

impl Record {
    pub fn process(&self, name: &str) -> Option<&ProcessRecord> {
        self.processes.iter().find(|process| process.name == name)
    }

    pub fn orphaned(&self) -> bool {
        self.owner.as_ref().is_some_and(|owner| !owner.alive())
    }
}

/// Handle on an instance directory. What it knows is in the directory, so that several processes may hold one.
#[derive(Debug)]
pub struct Instance {
    dir: PathBuf,
    /// Those that we started ourselves, to take their exit status.
    children: Mutex<HashMap<String, Child>>,
}

impl Instance {
    /// Makes the directory, which must not exist.
    pub fn create(base: &Path, name: &str, ephemeral: bool) -> Result<Self> {
        check_name(name)?;
        private_dir(base)?;
        let instance = Self::at(base.join(name));
        DirBuilder::new()
            .mode(0o700)
            .create(&instance.dir)
            .with_context(|| format!("create {}", instance.dir.display()))?;
        for dir in ["logs", "certs", "cache"] {
            private_dir(&instance.dir.join(dir))?;
        }
        let owner = if ephemeral { ProcessIdentity::current() } else { None };
        if ephemeral && owner.is_none() {
            bail!("cannot read /proc/self/stat: control planes are started and watched on Linux only");
        }
        instance.write(&Record {
            format: FORMAT,
            name: name.to_owned(),
            started_by: std::env::args().collect::<Vec<_>>().join(" "),
            started_at: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
            owner,
            ready: false,
            api_servers: BTreeMap::new(),
            etcd_port: None,
            tools: BTreeMap::new(),
            node: None,
            processes: Vec::new(),
        })?;
        Ok(instance)
    }

    /// One that exists.
    pub fn open(base: &Path, name: &str) -> Result<Self> {
        check_name(name)?;
        let instance = Self::at(base.join(name));
        if !instance.dir.join(RECORD).is_file() {
            bail!("there is no instance {name:?}; `cargo xtask up --name {name}` makes one");
        }
        Ok(instance)
    }

    pub(crate) fn at(dir: PathBuf) -> Self {
        Self { dir, children: Mutex::default() }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn record(&self) -> Result<Record> {
        let path = self.dir.join(RECORD);
        let text = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        let record: Record =
            serde_json::from_slice(&text).with_context(|| format!("{} is not a record", path.display()))?;
        if record.format != FORMAT {
            bail!("{} has format {}, this xtask reads {FORMAT}", path.display(), record.format);
        }
        Ok(record)
    }

    fn write(&self, record: &Record) -> Result<()> {
        write_private(&self.dir.join(RECORD), &serde_json::to_vec_pretty(record)?)
    }

    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut Record) -> T) -> Result<T> {
        let _lock = Lock::acquire(&self.dir.join(".record.lock"), || {})?;
        let mut record = self.record()?;
        let result = change(&mut record);
        self.write(&record)?;
        Ok(result)
    }

    pub fn log_path(&self, process: &str) -> PathBuf {
        self.dir.join("logs").join(format!("{process}.log"))
    }

    /// Starts a process that ends with the instance. The name must be free, or its process dead.
    pub fn spawn(&self, name: &str, command: &Command) -> Result<ProcessIdentity> {
        self.spawn_spec(name, &ProcessSpec::from(command))
    }

    pub fn spawn_spec(&self, name: &str, spec: &ProcessSpec) -> Result<ProcessIdentity> {
        check_name(name)?;
        if self.record()?.process(name).is_some_and(ProcessRecord::alive) {
            bail!("{name} runs already");
        }
        let log = self.log_path(name);
        let marker = process::new_marker(&self.dir, name)?;
        let entry = ProcessRecord {
            name: name.to_owned(),
            spec: spec.clone(),
            log: log.clone(),
            marker: marker.clone(),
            identity: None,
        };
        self.update(|record| match record.processes.iter_mut().find(|process| process.name == name) {
            Some(process) => *process = entry,
            None => record.processes.push(entry),
        })?;
        let child = spec.spawn(&marker, &log)?;
        let pid = i32::try_from(child.id())?;
        self.lock_children().insert(name.to_owned(), child);
        let Some(identity) = ProcessIdentity::of(pid) else {
            bail!("{name} ended at once; its log is {}:\n{}", log.display(), super::files::tail(&log, 10));
        };
        let written = identity.clone();
        self.update(|record| {
            if let Some(process) = record.processes.iter_mut().find(|process| process.marker == marker) {
                process.identity = Some(written);
            }
        })?;
        Ok(identity)
    }

    /// Sends a signal; false if the process is not there.
    pub fn signal(&self, name: &str, signal: Signal) -> Result<bool> {
        let mut reached = false;
        for process in self.process(name)?.living() {
            reached |= process.signal(signal)?;
        }
        Ok(reached)
    }

    /// Ends a process as a crash would, and returns once it is gone.
    pub fn kill9(&self, name: &str) -> Result<()> {
        self.end(name, Duration::ZERO)
    }

    /// Asks a process to end, and returns once it is gone.
    pub fn terminate(&self, name: &str) -> Result<()> {
        self.end(name, POD_GRACE)
    }

    /// Freezes a process until [`Instance::resume`].
    pub fn pause(&self, name: &str) -> Result<()> {
        self.signal(name, Signal::STOP).map(drop)
    }

    pub fn resume(&self, name: &str) -> Result<()> {
        self.signal(name, Signal::CONT).map(drop)
    }

    /// Ends the process if it runs, and starts it as it was started.
    pub fn restart(&self, name: &str) -> Result<ProcessIdentity> {
        let spec = self.process(name)?.spec;
        self.terminate(name)?;
        self.spawn_spec(name, &spec)
    }

    pub fn process(&self, name: &str) -> Result<ProcessRecord> {
        let record = self.record()?;
        record.process(name).cloned().with_context(|| {
            let known: Vec<&str> = record.processes.iter().map(|process| process.name.as_str()).collect();
            format!("instance {} has no process {name:?}; it has {}", record.name, known.join(", "))
        })
    }

    fn end(&self, name: &str, grace: Duration) -> Result<()> {
        process::terminate(&self.process(name)?.living(), grace)?;
        if let Some(mut child) = self.lock_children().remove(name) {
            child.wait()?;
        }
        Ok(())
    }

    /// A cgroup that ends with the instance; written down before it is made.
    pub(crate) fn add_cgroup(&self) -> Result<Cgroup> {
        let cgroup = Cgroup::named(format!("snc-node-{:08x}", process::random()? & 0xffff_ffff));
        self.update(|record| record.node = Some(cgroup.clone()))?;
        Ok(cgroup)
    }

    /// Ends every process of the instance, etcd last since the others wait for it in vain, and removes the
    /// directory (or all but its logs).
    pub fn destroy(&self, grace: Duration, keep_logs: bool) -> Result<()> {
        let record = self.record()?;
        if let Some(namespaces) = record.process(node::NAMESPACES).filter(|_| record.node.is_some()) {
            // With the first process of the namespaces the kernel ends all others.
            process::terminate(&namespaces.living(), Duration::ZERO)?;
        }
        for stage in 0..=ProcessRecord::LAST_STAGE {
            let stage = record.processes.iter().filter(|process| process.stage() == stage);
            let living: Vec<ProcessIdentity> = stage.flat_map(ProcessRecord::living).collect();
            process::terminate(&living, grace)?;
        }
        for (_, mut child) in self.lock_children().drain() {
            let _ = child.wait();
        }
        if let Some(cgroup) = &record.node {
            cgroup.remove()?;
        }
        if !keep_logs {
            return remove_tree(&self.dir);
        }
        for entry in fs::read_dir(&self.dir)?.flatten() {
            if entry.file_name() == "logs" {
                continue;
            }
            if entry.file_type()?.is_dir() {
                remove_tree(&entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn lock_children(&self) -> std::sync::MutexGuard<'_, HashMap<String, Child>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_name(name: &str) -> Result<()> {
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 40 || name.starts_with('-') || !name.chars().all(fine) {
        bail!("{name:?} is not a name: lowercase letters, digits and dashes, at most 40, no dash first");
    }
    Ok(())
}

#[cfg(test)]
#[path = "instance_tests.rs"]
mod tests;
