//! Tools built from their Go modules, kept in a cache directory per recipe.

use crate::harness::{
    files::{Lock, last_lines, private_dir, remove_tree, tail},
    interrupt,
    progress::Progress,
    tool::{KUBERNETES_VERSION, Module, Tool},
    toolchain::Environment,
};
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::{
    fmt::Write as _,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

const BUILD_ENV: [(&str, &str); 3] =
    [("CGO_ENABLED", "0"), ("GOFLAGS", "-mod=readonly -buildvcs=false"), ("GOWORK", "off")];

/// What the binaries depend on, besides the version of Go.
#[derive(Clone, Debug)]
struct Recipe {
    go_mod: String,
    go_sum: String,
    flags: Vec<String>,
}

impl Recipe {
    fn read(module: Module, dir: &Path) -> Result<Self> {
        let read = |name: &str| {
            let path = dir.join(name);
            fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
        };
        let mut flags = build_flags(module);
        flags.extend(BUILD_ENV.map(|(name, value)| format!("{name}={value}")));
        // The one module with a command of ours.
        if module == Module::Specs {
            flags.push(read("main.go")?);
        }
        Ok(Self { go_mod: read("go.mod")?, go_sum: read("go.sum")?, flags })
    }

    fn hash(&self) -> String {
        let mut sha = Sha256::new();
        for part in [&self.go_mod, &self.go_sum].into_iter().chain(&self.flags) {
            sha.update(part.len().to_le_bytes());
            sha.update(part);
        }
        sha.finalize().iter().take(8).fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    fn directory(&self, go_version: &str) -> String {
        format!("{}-{go_version}{PLATFORM}", self.hash())
    }
}

const PLATFORM: &str = if cfg!(target_arch = "aarch64") { "-arm64" } else { "-amd64" };

fn build_flags(module: Module) -> Vec<String> {
    let (tags, ldflags) = match module {
        Module::Kubernetes | Module::Specs => (None, format!("-s -w {}", kubernetes_version_flags())),
        Module::Registry => (None, "-s -w".to_owned()),
        // What these would link needs headers and kernel modules that a test node has no use for.
        Module::ContainerRuntime => (Some("no_btrfs,no_zfs,no_devmapper,no_aufs"), "-s -w".to_owned()),
        // Without seccomp no pod with the profile RuntimeDefault starts; static, so that it runs in any mount namespace.
        Module::Runc => {
            (Some("netgo,osusergo,seccomp"), "-s -w -linkmode external -extldflags -static".to_owned())
        }
    };
    let tags = tags.map(|tags| format!("-tags={tags}"));
    let mut flags: Vec<String> =
        ["-trimpath", "-mod=readonly", "-ldflags", &ldflags].map(str::to_owned).into();
    flags.extend(tags);
    flags
}

fn kubernetes_version_flags() -> String {
    let version = KUBERNETES_VERSION.trim_start_matches('v');
    let mut parts = version.split('.');
    let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let package = "k8s.io/component-base/version";
    format!(
        "-X {package}.gitVersion={KUBERNETES_VERSION} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"
    )
}

pub(crate) struct Cache {
    dir: PathBuf,
    module: Module,
    source: PathBuf,
}

impl Cache {
    /// Where tools built by this Go from these modules go.
    pub(crate) fn open(environment: &Environment, go: &Path, module: Module) -> Result<Self> {
        let source = module.dir(&environment.module);
        let recipe = Recipe::read(module, &source)?;
        let dir = environment.cache.join(recipe.directory(&go_version(go, &source)?));
        Ok(Self { dir, module, source })
    }

    /// Directories with tools of this recipe: by the present Go; without Go, by any.
    pub(crate) fn existing(environment: &Environment, module: Module) -> Result<Vec<PathBuf>> {
        let source = module.dir(&environment.module);
        let recipe = Recipe::read(module, &source)?;
        if let Some(go) = environment.go()
            && let Ok(version) = go_version(&go, &source)
        {
            return Ok(vec![environment.cache.join(recipe.directory(&version))]);
        }
        let (prefix, mut dirs) = (format!("{}-", recipe.hash()), Vec::new());
        for entry in fs::read_dir(&environment.cache).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(&prefix) && name.ends_with(PLATFORM) {
                dirs.push(entry.path());
            }
        }
        dirs.sort();
        Ok(dirs)
    }

    pub(crate) fn build(&self, tool: Tool, go: &Path) -> Result<PathBuf> {
        let target = tool.in_dir(&self.dir);
        private_dir(&self.dir)?;
        let _lock = Lock::acquire(&self.dir.join(format!(".{}.lock", tool.name())), || {
            eprintln!("{}: another build of it is under way, waiting", tool.name());
        })?;
        if target.is_file() {
            return Ok(target);
        }
        let prefix = format!(".build-{}-", tool.name());
        self.remove_leftovers(&prefix)?;
        let workplace = tempfile::Builder::new().prefix(&prefix).tempdir_in(&self.dir)?;
        let (binary, log) = (tool.in_dir(workplace.path()), workplace.path().join("log"));
        let mut command = go_command(go, &self.source);
        if self.module == Module::Runc {
            command.env("CGO_ENABLED", "1");
        }
        command.arg("build").args(build_flags(self.module)).arg("-o").arg(&binary).arg(tool.go_package());

        let progress = Progress::start(
            format!("building {} with Go", tool.name()),
            &format!("usually {} on two cores from cold", tool.usual_build()),
        );
        let status = run_logged(&mut command, &log)?;
        if !status.success() {
            bail!("building {} ended with {status}:\n{}", tool.name(), tail(&log, 20));
        }
        make_executable(&binary)?;
        fs::rename(&binary, &target).with_context(|| format!("move {} into the cache", tool.name()))?;
        progress.done();
        Ok(target)
    }

    /// Of builds that were killed. The caller holds the lock, so no living build has one.
    fn remove_leftovers(&self, prefix: &str) -> Result<()> {
        for entry in fs::read_dir(&self.dir)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                remove_tree(&entry.path())?;
            }
        }
        Ok(())
    }
}

fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("{} was not written", path.display()))
}

pub(crate) fn go_command(go: &Path, module: &Path) -> Command {
    let mut command = Command::new(go);
    command.current_dir(module).envs(BUILD_ENV).env_remove("GOOS").env_remove("GOARCH").stdin(Stdio::null());
    command
}

fn go_version(go: &Path, module: &Path) -> Result<String> {
    let output = go_command(go, module).args(["env", "GOVERSION"]).output().context("run go")?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() || !version.starts_with("go") {
        bail!("`go env GOVERSION` failed:\n{}", last_lines(&String::from_utf8_lossy(&output.stderr), 5));
    }
    Ok(version.replace(' ', "_"))
}

fn run_logged(command: &mut Command, log: &Path) -> Result<ExitStatus> {
    let file = File::create(log).with_context(|| format!("create {}", log.display()))?;
    let mut child = command.stdout(file.try_clone()?).stderr(file).spawn().context("run go")?;
    loop {
        if let Some(status) = child.try_wait()? {
            interrupt::check()?;
            return Ok(status);
        }
        if interrupt::requested() {
            let _ = child.kill();
            let _ = child.wait();
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Downloads the Go modules while something else runs.
pub struct Prefetch {
    child: Child,
    log: tempfile::NamedTempFile,
}

impl Prefetch {
    /// `None` when nothing has to be built, or when there is no Go to build with.
    pub fn start(environment: &Environment) -> Result<Option<Self>> {
        let Some(go) = environment.go() else { return Ok(None) };
        if super::toolchain::search(environment, &Tool::ALL)?.missing.is_empty() {
            return Ok(None);
        }
        let log = tempfile::NamedTempFile::new()?;
        let child = go_command(&go, &environment.module)
            .args(["mod", "download"])
            .stdout(Stdio::null())
            .stderr(log.reopen()?)
            .spawn()
            .context("run go mod download")?;
        Ok(Some(Self { child, log }))
    }

    pub fn wait(mut self) -> Result<()> {
        let progress = Progress::start("downloading Go modules", "started at the beginning");
        let status = self.child.wait()?;
        if !status.success() {
            bail!("`go mod download` ended with {status}:\n{}", tail(self.log.path(), 10));
        }
        progress.done();
        Ok(())
    }
}

impl Drop for Prefetch {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe() -> Recipe {
        Recipe {
            go_mod: "module m".to_owned(),
            go_sum: "sums".to_owned(),
            flags: build_flags(Module::Kubernetes),
        }
    }

    #[test]
    fn every_input_changes_the_directory() {
        let base = recipe().directory("go1.26.8");
        let with = |change: fn(&mut Recipe)| {
            let mut other = recipe();
            change(&mut other);
            other.directory("go1.26.8")
        };
        let others = [
            with(|r| r.go_mod.push(' ')),
            with(|r| r.go_sum.push(' ')),
            with(|r| r.flags.push("-race".to_owned())),
            with(|r| r.flags.swap(0, 1)),
            recipe().directory("go1.27.0"),
        ];
        assert_eq!(base, recipe().directory("go1.26.8"));
        for other in others {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let mut left = recipe();
        let mut right = recipe();
        (left.go_mod, left.go_sum) = ("ab".to_owned(), "c".to_owned());
        (right.go_mod, right.go_sum) = ("a".to_owned(), "bc".to_owned());
        assert_ne!(left.hash(), right.hash());
    }

    #[test]
    fn the_version_is_stamped() {
        let flags = build_flags(Module::Kubernetes);
        assert!(flags[3].contains("gitVersion=v1.36.3") && flags[3].contains("gitMinor=36"), "{flags:?}");
    }
}
