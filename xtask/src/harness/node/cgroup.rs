//! The cgroup of a node, one directory in each hierarchy of cgroup v1; the node sees it as the root.

use crate::harness::wait::wait_until;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

const MOUNTED: &str = "/sys/fs/cgroup";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Cgroup {
    name: String,
}

/// Of cgroup v1: a set of controllers, or a name without any.
pub(crate) struct Hierarchy {
    /// `cpu,cpuacct`, or `name=systemd`.
    pub(crate) option: String,
}

impl Hierarchy {
    pub(crate) fn directory(&self) -> &str {
        self.option.strip_prefix("name=").unwrap_or(&self.option)
    }
}

impl Cgroup {
    pub(crate) fn named(name: String) -> Self {
        Self { name }
    }

    pub(crate) fn hierarchies() -> Result<Vec<Hierarchy>> {
        let text = fs::read_to_string("/proc/self/cgroup").context("read /proc/self/cgroup")?;
        Ok(parse(&text))
    }

    fn directories(&self) -> Result<Vec<PathBuf>> {
        let hierarchies = Self::hierarchies()?;
        let base = Path::new(MOUNTED);
        Ok(hierarchies.iter().map(|one| base.join(one.directory()).join(&self.name)).collect())
    }

    pub(crate) fn create(&self) -> Result<()> {
        for dir in self.directories()? {
            fs::create_dir(&dir).with_context(|| format!("create cgroup {}", dir.display()))?;
            // A cpuset takes no process before it has both.
            for file in ["cpuset.cpus", "cpuset.mems"] {
                let Some(parent) = dir.parent().map(|parent| parent.join(file)).filter(|path| path.exists())
                else {
                    continue;
                };
                fs::write(dir.join(file), fs::read(parent)?)
                    .with_context(|| format!("fill {file} of {}", dir.display()))?;
            }
        }
        Ok(())
    }

    /// Moves this process.
    pub(crate) fn enter(&self) -> Result<()> {
        for dir in self.directories()? {
            fs::write(dir.join("cgroup.procs"), std::process::id().to_string())
                .with_context(|| format!("enter cgroup {}", dir.display()))?;
        }
        Ok(())
    }

    /// Once its processes have ended; the kernel takes a moment to let go of them.
    pub(crate) fn remove(&self) -> Result<()> {
        let directories = self.directories()?;
        wait_until(
            "the node's cgroups to be free",
            Duration::from_secs(20),
            Duration::from_millis(50),
            || {
                let left = directories.iter().filter(|dir| !remove_all(dir)).count();
                Ok((left == 0).then_some(()))
            },
        )
    }
}

/// Directories only: the files in a cgroup are not removed, they go with it.
fn remove_all(dir: &Path) -> bool {
    let Ok(entries) = fs::read_dir(dir) else { return !dir.exists() };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_all(&entry.path());
        }
    }
    fs::remove_dir(dir).is_ok()
}

fn parse(proc_self_cgroup: &str) -> Vec<Hierarchy> {
    proc_self_cgroup
        .lines()
        .filter_map(|line| {
            let mut fields = line.splitn(3, ':');
            let (_, option) = (fields.next()?, fields.next()?);
            (!option.is_empty()).then(|| Hierarchy { option: option.to_owned() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hierarchies_of_cgroup_v1_are_told_from_that_of_v2() {
        let of = |text: &str| -> Vec<String> {
            parse(text).iter().map(|one| format!("{} {}", one.option, one.directory())).collect()
        };
        let v1 = "9:name=systemd:/\n4:memory:/a:b\n2:cpu,cpuacct:/\n0::/\n";
        assert_eq!(of(v1), ["name=systemd systemd", "memory memory", "cpu,cpuacct cpu,cpuacct"]);
        assert!(of("0::/user.slice\n").is_empty());
    }
}
