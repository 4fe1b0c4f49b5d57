//! kubectl and helm, as somebody.

use crate::harness::{files::last_lines, tool::Tool, toolchain::Toolchain};
use anyhow::{Context, Result, bail};
use std::{
    ffi::OsStr,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

#[derive(Clone, Debug)]
pub struct Client {
    kubectl: PathBuf,
    helm: PathBuf,
    /// `None` leaves it to KUBECONFIG and the default path.
    kubeconfig: Option<PathBuf>,
    /// Where kubectl and helm keep what they remember, apart from the user's own.
    cache: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub stdout: String,
    pub stderr: String,
    /// `None` when a signal ended it.
    pub code: Option<i32>,
}

impl Output {
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }
}

impl Client {
    pub fn new(toolchain: &Toolchain, kubeconfig: &Path, cache: &Path) -> Result<Self> {
        Ok(Self {
            kubeconfig: Some(kubeconfig.to_path_buf()),
            cache: Some(cache.to_path_buf()),
            ..Self::existing(toolchain)?
        })
    }

    /// The cluster of the user's KUBECONFIG.
    pub fn existing(toolchain: &Toolchain) -> Result<Self> {
        Ok(Self {
            kubectl: toolchain.path(Tool::Kubectl)?.to_path_buf(),
            helm: toolchain.path(Tool::Helm)?.to_path_buf(),
            kubeconfig: None,
            cache: None,
        })
    }

    /// Fails only if kubectl cannot be run: what it answers, refusals too, is in the output.
    pub fn kubectl<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<Output> {
        run(self.command(&self.kubectl).args(args), None)
    }

    pub fn kubectl_stdin<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
        input: &str,
    ) -> Result<Output> {
        run(self.command(&self.kubectl).args(args), Some(input))
    }

    /// Its standard output; an answer other than success is an error.
    pub fn kubectl_ok<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<String> {
        expect_success(self.command(&self.kubectl).args(args), None)
    }

    /// `kubectl apply --server-side` of manifests given as text.
    pub fn apply(&self, manifests: &str) -> Result<String> {
        let args = ["apply", "--server-side", "--force-conflicts", "--field-manager=snc-xtask", "-f", "-"];
        expect_success(self.command(&self.kubectl).args(args), Some(manifests))
    }

    pub fn helm<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<Output> {
        run(self.command(&self.helm).args(args), None)
    }

    pub fn helm_ok<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<String> {
        expect_success(self.command(&self.helm).args(args), None)
    }

    pub fn kubeconfig(&self) -> Option<&Path> {
        self.kubeconfig.as_deref()
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some(kubeconfig) = &self.kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
        }
        if let Some(cache) = &self.cache {
            command.env("KUBECACHEDIR", cache.join("kube"));
            for (name, dir) in [
                ("HELM_CACHE_HOME", "helm-cache"),
                ("HELM_CONFIG_HOME", "helm-config"),
                ("HELM_DATA_HOME", "helm-data"),
            ] {
                command.env(name, cache.join(dir));
            }
            for name in ["HELM_NAMESPACE", "HELM_KUBECONTEXT", "HELM_KUBETOKEN", "HELM_KUBEAPISERVER"] {
                command.env_remove(name);
            }
        }
        command
    }
}

fn run(command: &mut Command, input: Option<&str>) -> Result<Output> {
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    let describe = || format!("run {}", command_line(command));
    let what = describe();
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| what.clone())?;
    let writer = child.stdin.take().zip(input.map(str::to_owned)).map(|(mut pipe, input)| {
        // A reader that ends early is no failure of ours: its exit status tells.
        thread::spawn(move || drop(pipe.write_all(input.as_bytes())))
    });
    let output = child.wait_with_output().context(what)?;
    if let Some(writer) = writer {
        let _ = writer.join();
    }
    Ok(Output {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code(),
    })
}

fn expect_success(command: &mut Command, input: Option<&str>) -> Result<String> {
    let output = run(command, input)?;
    if !output.success() {
        let said = if output.stderr.trim().is_empty() { &output.stdout } else { &output.stderr };
        bail!("{} failed:\n{}", command_line(command), last_lines(said, 20));
    }
    Ok(output.stdout)
}

fn command_line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
