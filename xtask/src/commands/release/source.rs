//! The commit that a release is made from.

use anyhow::{Context, Result, bail};
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) root: PathBuf,
    /// Of its own: other flags than those of daily work would build everything again, each time.
    pub(super) target_dir: PathBuf,
    pub(super) revision: String,
    /// Seconds, of the commit: what tools take instead of the time of the build.
    pub(super) epoch: String,
    /// There are changes that no commit has.
    pub(super) changed: bool,
}

impl Source {
    pub(super) fn checkout(root: &Path, target_dir: PathBuf) -> Result<Self> {
        Ok(Self {
            root: root.to_path_buf(),
            target_dir,
            revision: git(root, ["rev-parse", "HEAD"])?,
            epoch: git(root, ["log", "-1", "--format=%ct"])?,
            changed: !git(root, ["status", "--porcelain"])?.is_empty(),
        })
    }

    /// The same commit somewhere else, with nothing that was built.
    pub(super) fn clone_to(&self, dir: &Path) -> Result<Self> {
        let root = dir.join("checkout");
        let clone = [OsStr::new("clone"), "--quiet".as_ref(), "--shared".as_ref(), "--no-checkout".as_ref()];
        git(&self.root, clone.into_iter().chain([self.root.as_os_str(), root.as_os_str()]))?;
        git(&root, ["checkout", "--quiet", "--detach", &self.revision])?;
        Self::checkout(&root, dir.join("built"))
    }
}

fn git<S: AsRef<OsStr>>(dir: &Path, args: impl IntoIterator<Item = S>) -> Result<String> {
    let mut command = Command::new("git");
    // Set while git runs a hook: they would name another repository than `dir`.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    let output = command.arg("-C").arg(dir).args(args).output().context("run git")?;
    if !output.status.success() {
        bail!("git in {}: {}", dir.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout).context("git")?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn repository(dir: &Path) {
        git(dir, ["init", "--quiet"]).unwrap();
        fs::write(dir.join("file"), "one").unwrap();
        git(dir, ["add", "file"]).unwrap();
        let who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"];
        git(dir, who.into_iter().chain(["commit", "--quiet", "-m", "one"])).unwrap();
    }

    #[test]
    fn a_clone_has_the_commit_and_not_what_was_changed_since() {
        let dir = tempfile::tempdir().unwrap();
        let (here, there) = (dir.path().join("here"), dir.path().join("there"));
        fs::create_dir_all(&here).unwrap();
        repository(&here);
        let clean = Source::checkout(&here, here.join("target")).unwrap();
        assert!(!clean.changed);
        fs::write(here.join("file"), "two").unwrap();
        let source = Source::checkout(&here, here.join("target")).unwrap();
        assert!(source.changed);
        let clone = source.clone_to(&there).unwrap();
        assert!(!clone.changed);
        assert_eq!((&clone.revision, &clone.epoch), (&source.revision, &source.epoch));
        assert_eq!(fs::read_to_string(clone.root.join("file")).unwrap(), "one");
    }

    #[test]
    fn a_directory_without_history_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        git(dir.path(), ["init", "--quiet"]).unwrap();
        assert!(Source::checkout(dir.path(), dir.path().join("target")).is_err());
    }
}
