//! The cluster that the demo plays on, the people in it, and the operator beside it.

use super::{lang::Lang, say};
use crate::{
    commands::cargo,
    harness::{
        Client, ControlPlane, Instance, Output, Tool, Toolchain, User, interrupt, wait_until, workspace,
    },
};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

pub(super) const OPERATOR: &str = "snc-operator";
/// Renewals may miss this long while the demo holds the operator still.
const LEASE_SECONDS: &str = "30";
const POLL: Duration = Duration::from_millis(250);
const GRACE: Duration = Duration::from_secs(5);

/// Somebody with kubectl.
pub(super) struct Person {
    client: Client,
    /// Who to be instead of the kubeconfig's user.
    flags: Vec<String>,
}

impl Person {
    pub(super) const fn new(client: Client) -> Self {
        Self { client, flags: Vec::new() }
    }

    pub(super) fn impersonated(client: Client, name: &str) -> Self {
        Self { client, flags: vec![format!("--as={name}")] }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Fails only if kubectl cannot be run: refusals are answers.
    pub(super) fn kubectl(&self, args: &[&str]) -> Result<Output> {
        let output = self.client.kubectl(self.args(args))?;
        interrupt::check()?;
        Ok(output)
    }

    pub(super) fn ok(&self, args: &[&str]) -> Result<String> {
        let output = self.client.kubectl_ok(self.args(args));
        interrupt::check()?;
        output
    }

    pub(super) fn apply(&self, manifests: &str) -> Result<String> {
        self.ok(&["apply", "--recursive", "-f", &manifest(manifests)])
    }

    /// `None` if it is not there.
    pub(super) fn get(&self, args: &[&str]) -> Result<Option<Value>> {
        let fixed = ["get", "--output=json", "--ignore-not-found"];
        let text = self.ok(&fixed.iter().chain(args).copied().collect::<Vec<_>>())?;
        if text.trim().is_empty() { Ok(None) } else { Ok(Some(serde_json::from_str(&text)?)) }
    }

    fn args(&self, args: &[&str]) -> Vec<String> {
        self.flags.iter().cloned().chain(args.iter().map(|&arg| arg.to_owned())).collect()
    }
}

/// A file or directory of manifests/demo.
pub(super) fn manifest(path: &str) -> String {
    workspace::root().join("manifests/demo").join(path).display().to_string()
}

pub(super) enum Cluster {
    Local(ControlPlane),
    /// The cluster of KUBECONFIG; the instance holds the operator only.
    Existing {
        instance: Instance,
        toolchain: Toolchain,
        owned: bool,
    },
}

impl Cluster {
    pub(super) fn instance(&self) -> &Instance {
        match self {
            Self::Local(control_plane) => control_plane.instance(),
            Self::Existing { instance, .. } => instance,
        }
    }

    pub(super) fn toolchain(&self) -> &Toolchain {
        match self {
            Self::Local(control_plane) => control_plane.toolchain(),
            Self::Existing { toolchain, .. } => toolchain,
        }
    }

    /// Leaves everything running when we end.
    pub(super) fn detach(&mut self) -> Result<()> {
        self.instance().update(|record| record.owner = None)?;
        self.disown();
        Ok(())
    }

    /// Ends every process of ours now, and tells what went wrong in doing so.
    pub(super) fn end(mut self) -> Result<()> {
        self.disown();
        self.instance().destroy(GRACE, false)
    }

    fn disown(&mut self) {
        match self {
            Self::Local(control_plane) => control_plane.detach(),
            Self::Existing { owned, .. } => *owned = false,
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Self::Existing { instance, owned: true, .. } = self
            && let Err(error) = instance.destroy(GRACE, false)
        {
            eprintln!("ending the operator: {error:#}");
        }
    }
}

pub(super) struct Scene {
    pub(super) lang: Lang,
    pub(super) cluster: Cluster,
    pub(super) platform: Person,
    pub(super) alice: Person,
    pub(super) bruno: Person,
}

#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) status: String,
    pub(super) reason: String,
    pub(super) message: String,
}

impl Condition {
    pub(super) fn is(&self, status: &str, reason: &str) -> bool {
        self.status == status && self.reason == reason
    }
}

impl Scene {
    pub(super) fn new(lang: Lang, cluster: Cluster) -> Result<Self> {
        let person = |user: User| match &cluster {
            Cluster::Local(control_plane) => control_plane.client(user).map(Person::new),
            Cluster::Existing { toolchain, .. } => {
                let client = Client::existing(toolchain)?;
                let own = user == User::Platform;
                Ok(if own { Person::new(client) } else { Person::impersonated(client, user.name()) })
            }
        };
        let (platform, alice, bruno) = (person(User::Platform)?, person(User::Alice)?, person(User::Bruno)?);
        Ok(Self { lang, cluster, platform, alice, bruno })
    }

    pub(super) fn pick(&self, fr: &'static str, en: &'static str) -> &'static str {
        self.lang.pick(fr, en)
    }

    /// Starts the operator as the chart's ServiceAccount, by a token and nothing else. `webhook` is where one answers.
    pub(super) fn start_operator(&self, webhook: Option<&str>) -> Result<()> {
        let kubeconfig = match &self.cluster {
            Cluster::Local(control_plane) => {
                let month = Duration::from_secs(30 * 24 * 3600);
                control_plane.token_kubeconfig("snc-system", "snc-controller", month)?
            }
            Cluster::Existing { instance, .. } => {
                super::existing::token_kubeconfig(&self.platform, instance)?
            }
        };
        let mut command = Command::new(cargo::built(OPERATOR));
        command
            .args(["controller", "--log-format=text", "--lease-duration-seconds", LEASE_SECONDS])
            .args(["--language", self.lang.code()])
            // On loopback, and free: a demo may run beside other things.
            .args(["--listen", "127.0.0.1:0"])
            .args(webhook.into_iter().flat_map(|url| ["--webhook", url]))
            .env("KUBECONFIG", kubeconfig)
            .env("NO_COLOR", "1");
        self.cluster.instance().spawn(OPERATOR, &command)?;
        let gate = "validatingadmissionpolicybindings/isolation-gate.secnumcloud.dev";
        self.until("the operator to install its guards", 40, || self.platform.get(&[gate])).map(drop)
    }

    /// Polls, and gives up early if the operator has ended.
    pub(super) fn until<T>(
        &self,
        what: &str,
        seconds: u64,
        mut ready: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        wait_until(what, Duration::from_secs(seconds), POLL, || {
            let answer = ready()?;
            if answer.is_none() && !self.cluster.instance().process(OPERATOR)?.alive() {
                return Err(anyhow!("the operator ended while the demo waited for {what}"));
            }
            Ok(answer)
        })
    }

    /// The condition of an object, if it speaks of the object as it is now.
    pub(super) fn condition(&self, object: &[&str], kind: &str) -> Result<Option<Condition>> {
        let Some(object) = self.platform.get(object)? else { return Ok(None) };
        let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let wanted =
            |c: &&Value| c["type"] == *kind && c["observedGeneration"] == object["metadata"]["generation"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(conditions.iter().find(wanted).map(|c| Condition {
            status: text(&c["status"]),
            reason: text(&c["reason"]),
            message: text(&c["message"]),
        }))
    }

    /// Waits for a condition with that status and reason.
    pub(super) fn until_condition(
        &self,
        object: &[&str],
        kind: &str,
        status: &str,
        reason: &str,
    ) -> Result<Condition> {
        let mut last = None;
        let what = format!("{kind}={status} ({reason}) on {}", object.join(" "));
        let waited = self.until(&what, 45, || {
            last = self.condition(object, kind)?;
            Ok(last.clone().filter(|condition| condition.is(status, reason)))
        });
        waited.with_context(|| match last {
            Some(c) => format!("{kind} is {} ({}: {})", c.status, c.reason, c.message),
            None => format!("{kind} is not there"),
        })
    }

    /// Holds the operator still while something happens, as long as its lease lasts.
    pub(super) fn while_still<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        struct Resume<'a>(&'a Instance);
        impl Drop for Resume<'_> {
            fn drop(&mut self) {
                if let Err(error) = self.0.resume(OPERATOR) {
                    eprintln!("letting the operator go on: {error:#}");
                }
            }
        }
        self.cluster.instance().pause(OPERATOR)?;
        let _resume = Resume(self.cluster.instance());
        work()
    }

    /// `kubectl snc …`, found by kubectl as a plugin; `None` if it is not built.
    pub(super) fn snc(&self, args: &[&str]) -> Result<Option<Command>> {
        let Some(plugin) = plugin() else { return Ok(None) };
        let mut command = Command::new(self.cluster.toolchain().path(Tool::Kubectl)?);
        let dirs = plugin.parent().into_iter().map(Path::to_path_buf);
        let path = env::var_os("PATH").unwrap_or_default();
        command.env("PATH", env::join_paths(dirs.chain(env::split_paths(&path)))?);
        if let Some(kubeconfig) = self.platform.client().kubeconfig() {
            command.env("KUBECONFIG", kubeconfig);
        }
        // Manifests are named from there.
        command.current_dir(workspace::root());
        command.arg("snc").args(args).args(["--lang", self.lang.code()]).stdin(Stdio::null());
        Ok(Some(command))
    }

    pub(super) fn show_operator_log(&self) {
        let Ok(log) = fs::read_to_string(self.cluster.instance().log_path(OPERATOR)) else { return };
        let lines: Vec<&str> = log.lines().collect();
        eprintln!("{}", self.pick("\nFin du journal de l'opérateur :", "\nEnd of the operator's log:"));
        for line in &lines[lines.len().saturating_sub(25)..] {
            eprintln!("  {line}");
        }
    }

    /// Prints a command and what it answers.
    pub(super) fn show(&self, args: &[&str]) -> Result<()> {
        say::command(&format!("kubectl {}", args.join(" ")));
        let output = self.platform.kubectl(args)?;
        say::verbatim(&output.stdout);
        if !output.success() {
            bail!("kubectl {} failed: {}", args.join(" "), output.stderr.trim());
        }
        outln!("");
        Ok(())
    }
}

pub(super) fn plugin() -> Option<PathBuf> {
    fs::canonicalize(cargo::built("kubectl-snc")).ok()
}
