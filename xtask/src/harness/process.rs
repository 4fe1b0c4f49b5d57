//! Processes that outlive us: who they are, how they start, how they end.

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::Read,
    os::unix::{fs::OpenOptionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The variable that carries a process's own marker, for the case that we die before its pid is written down.
const MARKER: &str = "SNC_XTASK_PROCESS";

/// A pid alone is recycled; with the boot, the start time and the executable's name it is one process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessIdentity {
    pub pid: i32,
    pub start_ticks: u64,
    pub comm: String,
    pub boot_id: String,
}

impl ProcessIdentity {
    /// `None` if there is no such process, or only its exit status is left.
    pub fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (comm, state, start_ticks) = parse_stat(&stat)?;
        (!matches!(state, 'Z' | 'X')).then(|| Self { pid, start_ticks, comm, boot_id: boot_id() })
    }

    pub fn current() -> Option<Self> {
        Self::of(i32::try_from(std::process::id()).ok()?)
    }

    pub fn alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    pub fn uptime(&self) -> Option<Duration> {
        let uptime = fs::read_to_string("/proc/uptime").ok()?;
        let since_boot = Duration::try_from_secs_f64(uptime.split(' ').next()?.parse().ok()?).ok()?;
        let ticks_per_second = rustix::param::clock_ticks_per_second().max(1);
        since_boot.checked_sub(Duration::from_millis(self.start_ticks * 1000 / ticks_per_second))
    }

    /// Signals the process and what it started; false if it is not there any more.
    pub fn signal(&self, signal: Signal) -> Result<bool> {
        let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.alive()) else { return Ok(false) };
        match kill_process_group(pid, signal) {
            Err(rustix::io::Errno::SRCH) => Ok(false),
            result => result.map(|()| true).with_context(|| format!("signal process {}", self.pid)),
        }
    }
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// Name, state, start time. The name stands in parentheses and may hold spaces and parentheses itself.
fn parse_stat(stat: &str) -> Option<(String, char, u64)> {
    let (head, tail) = stat.rsplit_once(')')?;
    let (_, comm) = head.split_once('(')?;
    let fields: Vec<&str> = tail.split_whitespace().collect();
    Some((comm.to_owned(), fields.first()?.chars().next()?, fields.get(19)?.parse().ok()?))
}

/// How to start a process, as data, so that it can be started again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessSpec {
    pub program: PathBuf,
    pub args: Vec<String>,
    /// `None` removes a variable.
    #[serde(default)]
    pub env: BTreeMap<String, Option<String>>,
    /// Only the variables above, `PATH` and `HOME`, not the caller's.
    #[serde(default)]
    pub clean_env: bool,
    #[serde(default)]
    pub dir: Option<PathBuf>,
}

impl From<&Command> for ProcessSpec {
    fn from(command: &Command) -> Self {
        let text = |os: &std::ffi::OsStr| os.to_string_lossy().into_owned();
        Self {
            program: PathBuf::from(command.get_program()),
            args: command.get_args().map(text).collect(),
            env: command.get_envs().map(|(name, value)| (text(name), value.map(text))).collect(),
            clean_env: false,
            dir: command.get_current_dir().map(Path::to_path_buf),
        }
    }
}

impl ProcessSpec {
    /// Starts it in a process group of its own, its output appended to `log`.
    pub(crate) fn spawn(&self, marker: &str, log: &Path) -> Result<Child> {
        let output = append(log)?;
        let mut command = Command::new(&self.program);
        command.args(&self.args).stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        command.process_group(0);
        if self.clean_env {
            command.env_clear();
            for name in ["PATH", "HOME"] {
                command.envs(std::env::var_os(name).map(|value| (name, value)));
            }
        }
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command.env(MARKER, marker);
        command.spawn().with_context(|| format!("start {}", self.program.display()))
    }
}

fn append(log: &Path) -> Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(log)
        .with_context(|| format!("open {}", log.display()))
}

/// The processes that were started with this marker.
pub(crate) fn with_marker(marker: &str) -> Vec<ProcessIdentity> {
    let wanted = format!("{MARKER}={marker}");
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| {
            let mut environ = Vec::new();
            File::open(format!("/proc/{pid}/environ"))
                .is_ok_and(|mut file| file.read_to_end(&mut environ).is_ok())
                && environ.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
        })
        .filter_map(ProcessIdentity::of)
        .collect()
}

/// Asks them all to end, and ends those that are left after `grace`.
pub(crate) fn terminate(processes: &[ProcessIdentity], grace: Duration) -> Result<()> {
    if !grace.is_zero() {
        for process in processes {
            process.signal(Signal::TERM)?;
            // One that was frozen for a test cannot answer.
            process.signal(Signal::CONT)?;
        }
        if wait_gone(processes, grace) {
            return Ok(());
        }
    }
    for process in processes {
        process.signal(Signal::KILL)?;
    }
    if !wait_gone(processes, Duration::from_secs(10)) {
        anyhow::bail!("processes {processes:?} did not end within 10 s of SIGKILL");
    }
    Ok(())
}

fn wait_gone(processes: &[ProcessIdentity], limit: Duration) -> bool {
    let started = Instant::now();
    while processes.iter().any(ProcessIdentity::alive) {
        if started.elapsed() >= limit {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
    true
}

/// A name that no other process start has.
pub(crate) fn new_marker(dir: &Path, name: &str) -> Result<String> {
    Ok(format!("{}/{name}/{:032x}", dir.display(), random()?))
}

pub(crate) fn random() -> Result<u128> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("read /dev/urandom")?;
    Ok(u128::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> (Child, ProcessIdentity) {
        let child = Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
        let identity = ProcessIdentity::of(i32::try_from(child.id()).unwrap()).unwrap();
        (child, identity)
    }

    #[test]
    fn stat_is_read_past_a_name_with_parentheses() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 123456 2 3\n";
        assert_eq!(parse_stat(stat), Some(("a) b (c".to_owned(), 'S', 123_456)));
        assert_eq!(parse_stat("7 (a) S 1"), None);
    }

    #[test]
    fn a_recycled_pid_is_neither_alive_nor_signalled() {
        let (mut child, identity) = sleeper();
        let others = [
            ProcessIdentity { start_ticks: identity.start_ticks + 1, ..identity.clone() },
            ProcessIdentity { comm: "kube-apiserver".to_owned(), ..identity.clone() },
            ProcessIdentity { boot_id: "an earlier boot".to_owned(), ..identity.clone() },
        ];
        for other in others {
            assert!(!other.alive());
            assert!(!other.signal(Signal::KILL).unwrap());
        }
        assert!(identity.alive());
        terminate(std::slice::from_ref(&identity), Duration::from_secs(5)).unwrap();
        assert!(!identity.alive(), "what is left of it is an exit status");
        child.wait().unwrap();
    }

    #[test]
    fn a_process_that_ignores_sigterm_is_killed() {
        let dir = tempfile::tempdir().unwrap();
        let ready = dir.path().join("ready");
        let script = format!("trap '' TERM; touch {}; while :; do sleep 0.1; done", ready.display());
        let mut child = Command::new("sh").args(["-c", &script]).process_group(0).spawn().unwrap();
        while !ready.exists() {
            thread::sleep(Duration::from_millis(5));
        }
        let identity = ProcessIdentity::of(i32::try_from(child.id()).unwrap()).unwrap();
        terminate(&[identity], Duration::from_millis(100)).unwrap();
        assert!(!child.wait().unwrap().success());
    }

    #[test]
    fn a_process_is_found_by_its_marker_alone() {
        let dir = tempfile::tempdir().unwrap();
        let marker = new_marker(dir.path(), "sleeper").unwrap();
        let mut command = Command::new("sleep");
        command.arg("60").env("ANSWER", "42").env_remove("HOME");
        let spec = ProcessSpec::from(&command);
        assert_eq!(spec.env["ANSWER"], Some("42".to_owned()));
        let mut child = spec.spawn(&marker, &dir.path().join("log")).unwrap();
        let found = with_marker(&marker);
        assert_eq!(found.len(), 1);
        assert_eq!(u32::try_from(found[0].pid).unwrap(), child.id());
        assert!(with_marker(&format!("{marker}x")).is_empty());
        terminate(&found, Duration::ZERO).unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn our_own_uptime_is_short() {
        let uptime = ProcessIdentity::current().unwrap().uptime().unwrap();
        assert!(uptime < Duration::from_secs(3600), "{uptime:?}");
    }
}
