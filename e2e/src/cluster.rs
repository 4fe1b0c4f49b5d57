//! A control plane with the chart installed and the operator beside it, as the chart's ServiceAccount.

use crate::api::Api;
use crate::audit::{self, Entry};
use crate::http;
use crate::objects::{
    self, BASELINES, Kind, NAMESPACES, TENANTS, floor, label, namespace, new_namespace, pod, stamp, tenant,
    text,
};
use crate::wait::{eventually, within};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use snc_core::names::{self, GUARD_GATE, LABEL_ISOLATED, LABEL_MANAGED_BY, LABEL_TENANT, MANAGED_BY};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use xtask::harness::{Builder, ControlPlane, Output, ProcessSpec, Toolchain, User, workspace};

pub const OPERATOR_NAMESPACE: &str = "snc-system";
pub const OPERATOR_ACCOUNT: &str = "snc-controller";
pub const OPERATOR_USER: &str = "system:serviceaccount:snc-system:snc-controller";
pub const CANARY_NAMESPACE: &str = "snc-canary";
/// Name of the operator's process in the instance.
pub const OPERATOR: &str = "snc-operator";
pub const LEASE: Duration = Duration::from_secs(4);
const TOKEN_LIFETIME: Duration = Duration::from_secs(4 * 3600);

/// Of the audit log in entries, of the operator's in bytes.
type Lengths = (usize, usize);

pub struct Cluster {
    plane: ControlPlane,
    /// `system:masters`, for what a test does to the cluster.
    pub admin: Api,
    pub platform: Api,
    pub alice: Api,
    pub bruno: Api,
    pub mallory: Api,
    /// The operator's own identity in somebody else's hands.
    pub operator: Api,
    operator_kubeconfig: PathBuf,
    audit: TempDir,
    /// From where to where the audit log and the operator's own speak of rights that a test took away.
    excused: Mutex<Vec<(Lengths, Lengths)>>,
    // Last, since the clients above live on it.
    _runtime: Runtime,
}

impl Cluster {
    pub fn start() -> Result<Self> {
        Self::start_with(&audit::policy(OPERATOR_USER), &[], &[])
    }

    /// With another audit policy, more arguments of the API server, and values of the chart.
    pub fn start_with(policy: &str, api_server: &[String], values: &[&str]) -> Result<Self> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let audit = tempfile::tempdir()?;
        fs::write(audit.path().join("policy.yaml"), policy)?;
        let mut builder = Builder::ephemeral("e2e")?
            .api_server_arg(format!("--audit-policy-file={}", audit.path().join("policy.yaml").display()))
            .api_server_arg(format!("--audit-log-path={}", audit.path().join("audit.log").display()));
        for argument in api_server {
            builder = builder.api_server_arg(argument);
        }
        let plane = builder.start(&Toolchain::ensure()?)?;
        plane.install_chart(values)?;
        let operator_kubeconfig =
            plane.token_kubeconfig(OPERATOR_NAMESPACE, OPERATOR_ACCOUNT, TOKEN_LIFETIME)?;
        let runtime = Runtime::new()?;
        let api = |user: User| Api::new(runtime.handle(), &plane.kubeconfig(user));
        let cluster = Self {
            admin: api(User::Admin)?,
            platform: api(User::Platform)?,
            alice: api(User::Alice)?,
            bruno: api(User::Bruno)?,
            mallory: api(User::Mallory)?,
            operator: Api::new(runtime.handle(), &operator_kubeconfig)?,
            operator_kubeconfig,
            audit,
            excused: Mutex::default(),
            plane,
            _runtime: runtime,
        };
        cluster.platform.create(BASELINES, floor())?;
        cluster.start_operator(&[])?;
        Ok(cluster)
    }

    pub fn plane(&self) -> &ControlPlane {
        &self.plane
    }

    /// Where the API server writes its audit log.
    pub fn audit_log(&self) -> PathBuf {
        self.audit.path().join("audit.log")
    }

    /// Starts the operator, and returns once it has listed everything and the gate acts.
    pub fn start_operator(&self, args: &[&str]) -> Result<()> {
        let already = self.operator_log()?.len();
        self.plane.instance().spawn_spec(OPERATOR, &self.operator_spec(args)?)?;
        self.operator_ready(already)
    }

    /// As it was started the last time.
    pub fn restart_operator(&self) -> Result<()> {
        let already = self.operator_log()?.len();
        self.plane.instance().restart(OPERATOR)?;
        self.operator_ready(already)
    }

    /// Asks it to end, and returns once it has.
    pub fn stop_operator(&self) -> Result<()> {
        self.plane.instance().terminate(OPERATOR)
    }

    fn operator_ready(&self, already: usize) -> Result<()> {
        eventually("the operator to be ready", || {
            let log = self.operator_log()?;
            let log = log.get(already..).unwrap_or_default();
            for told in ["every initial list is done", "isolation-gate refused the canary pod"] {
                ensure!(log.contains(told), "its log:\n{log}");
            }
            Ok(())
        })
    }

    pub fn operator_spec(&self, args: &[&str]) -> Result<ProcessSpec> {
        let lease = LEASE.as_secs().to_string();
        let fixed = ["controller", "--log-format", "text", "--lease-duration-seconds", &lease];
        // A free port each: several run side by side.
        let fixed = fixed.into_iter().chain(["--listen", "127.0.0.1:0"]);
        let env =
            [("KUBECONFIG", self.operator_kubeconfig.display().to_string()), ("NO_COLOR", "1".to_owned())];
        Ok(ProcessSpec {
            program: workspace::binary("snc-operator")?,
            args: fixed.chain(args.iter().copied()).map(ToOwned::to_owned).collect(),
            env: env.map(|(key, value)| (key.to_owned(), Some(value))).into(),
            clean_env: true,
            dir: None,
        })
    }

    /// Starts one more operator beside the one that leads, and returns once it could take over.
    pub fn start_standby(&self, name: &str) -> Result<()> {
        let already = self.log_of(name)?.len();
        self.plane.instance().spawn_spec(name, &self.operator_spec(&[])?)?;
        eventually(&format!("{name} to stand by"), || {
            let log = self.log_of(name)?;
            let log = log.get(already..).unwrap_or_default();
            ensure!(log.contains("standby: the lease has a holder"), "its log:\n{log}");
            let (status, detail) = self.ask(name, "/readyz")?;
            ensure!(status == 200 && detail.contains("standby ready"), "{status}: {detail}");
            Ok(())
        })
    }

    /// What an operator answers on its own port.
    pub fn ask(&self, name: &str, path: &str) -> Result<(u16, String)> {
        let log = self.log_of(name)?;
        let address = log.rsplit_once("listening address=").context("it does not listen")?.1;
        let address = address.split_whitespace().next().unwrap_or_default();
        http::get(address, path)
    }

    /// Its samples, by series, without what comes after the point.
    pub fn metrics(&self, name: &str) -> Result<BTreeMap<String, i64>> {
        let (status, text) = self.ask(name, "/metrics")?;
        ensure!(status == 200, "{status}: {text}");
        let whole = |(series, value): (String, String)| {
            let whole = value.split('.').next().unwrap_or_default().parse();
            whole.with_context(|| value.clone()).map(|whole| (series, whole))
        };
        http::samples(&text)?.into_iter().map(whole).collect()
    }

    /// Rights are taken away while this runs, so refusals are what it is about.
    pub fn without_rights(&self, run: impl FnOnce() -> Result<()>) -> Result<()> {
        let before = (self.audit()?.len(), self.operator_log()?.len());
        let result = run();
        let after = (self.audit()?.len(), self.operator_log()?.len());
        self.excused.lock().unwrap_or_else(PoisonError::into_inner).push((before, after));
        result
    }

    /// Of all its runs so far.
    pub fn operator_log(&self) -> Result<String> {
        self.log_of(OPERATOR)
    }

    pub fn log_of(&self, name: &str) -> Result<String> {
        match fs::read_to_string(self.plane.instance().log_path(name)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            log => Ok(log?),
        }
    }

    pub fn lease(&self) -> Result<Value> {
        Ok(self.admin.get(Kind::Lease.one(OPERATOR_NAMESPACE, names::LEASE))?)
    }

    /// What the operator's identity asked the API server for, oldest first.
    pub fn audit(&self) -> Result<Vec<Entry>> {
        let mut all = self.audited()?;
        all.retain(|entry| entry.user == OPERATOR_USER);
        Ok(all)
    }

    /// The whole audit log, oldest first.
    pub fn audited(&self) -> Result<Vec<Entry>> {
        audit::read(&self.audit.path().join("audit.log"))
    }

    pub fn kubectl(&self, user: User, args: &[&str]) -> Result<Output> {
        self.plane.kubectl(user, args)
    }

    /// kubectl's output, in columns and without its heading.
    pub fn kubectl_ok(&self, user: User, args: &[&str]) -> Result<String> {
        self.plane.client(user)?.kubectl_ok(args)
    }

    /// The plugin of kubectl, as its user would run it.
    pub fn kubectl_snc(&self, user: User, args: &[&str]) -> Result<Output> {
        kubectl_snc(&self.plane, user, args)
    }

    /// A tenant of that name that claims these namespaces, and the namespaces, isolated.
    pub fn governed(&self, name: &str, namespaces: &[&str], spec: Value) -> Result<()> {
        let mut tenant = tenant(name, json!({"namespaces": namespaces}));
        if let (Value::Object(into), Value::Object(spec)) = (&mut tenant["spec"], spec) {
            into.extend(spec);
        }
        self.platform.create(TENANTS, tenant)?;
        for namespace in namespaces {
            let labels = json!({LABEL_TENANT: name});
            self.platform.create(NAMESPACES, new_namespace(namespace, labels))?;
        }
        namespaces.iter().try_for_each(|namespace| self.isolated(namespace).map(drop))
    }

    /// Waits until the gate of this namespace is open, and returns the namespace.
    pub fn isolated(&self, name: &str) -> Result<Value> {
        eventually(&format!("namespace {name} to be isolated"), || {
            let found = self.admin.get(namespace(name))?;
            ensure!(label(&found, LABEL_ISOLATED) == Some("true"), "{}", found["metadata"]);
            Ok(found)
        })
    }

    /// Waits for a condition of an object, told by its type, status and reason.
    pub fn condition(&self, path: &str, kind: &str, status: &str, reason: &str) -> Result<Value> {
        eventually(&format!("{kind}={status}/{reason} of {path}"), || {
            let object = self.admin.get(path)?;
            let Some(condition) = objects::condition(&object, kind) else {
                bail!("no condition {kind}: {}", object["status"])
            };
            ensure!(condition["status"] == status && condition["reason"] == reason, "{condition}");
            ensure!(
                condition["observedGeneration"] == object["metadata"]["generation"],
                "of an earlier generation: {condition}"
            );
            Ok(condition.clone())
        })
    }

    /// Waits for an Event about an object of this name; those about cluster-scoped ones are in `default`.
    pub fn event(&self, namespace: &str, reason: &str, about: &str) -> Result<Value> {
        eventually(&format!("Event {reason} about {about}"), || {
            let events = self.admin.list(Kind::Event.all(namespace))?;
            let seen: Vec<String> = events
                .iter()
                .map(|event| format!("{} {}", text(event, "/reason"), text(event, "/regarding/name")))
                .collect();
            let found = events
                .into_iter()
                .find(|event| event["reason"] == reason && event["regarding"]["name"] == about);
            found.with_context(|| format!("{seen:?}"))
        })
    }

    /// Waits until the gate refuses (or lets through) a pod in a namespace with a tenant and no isolation.
    pub fn gate_acts(&self, acts: bool) -> Result<()> {
        within(Duration::from_secs(20), &format!("the gate to act: {acts}"), || {
            let pods = format!("{}?dryRun=All", Kind::Pod.all(CANARY_NAMESPACE));
            let answer = self.admin.create(pods, pod("canary"));
            let refused = matches!(&answer, Err(refusal) if refusal.message.contains(GUARD_GATE));
            ensure!(refused == acts && (acts || answer.is_ok()), "{answer:?}");
            Ok(())
        })
    }

    /// Every object in a namespace that carries the operator's label: UID and resource version by kind and name.
    pub fn managed(&self, namespace: &str) -> Result<BTreeMap<String, String>> {
        let mut versions = BTreeMap::new();
        for kind in Kind::MANAGED {
            let ours = format!("{}?labelSelector={LABEL_MANAGED_BY}={MANAGED_BY}", kind.all(namespace));
            for object in self.admin.list(ours)? {
                versions.insert(format!("{kind:?}/{}", text(&object, "/metadata/name")), stamp(&object));
            }
        }
        Ok(versions)
    }

    /// RBAC was enough for everything that the operator asked for, as the API server saw it and as its log says.
    pub fn never_forbidden(&self) -> Result<()> {
        let (mut audit, mut log) = (self.audit()?, self.operator_log()?);
        // The last one first: what comes before it stays where it is.
        for (before, after) in self.excused.lock().unwrap_or_else(PoisonError::into_inner).iter().rev() {
            audit.drain(before.0..after.0);
            log.replace_range(before.1..after.1, "");
        }
        let forbidden: Vec<&Entry> = audit.iter().filter(|entry| entry.decision == "forbid").collect();
        ensure!(forbidden.is_empty(), "{} requests, the first: {:?}", forbidden.len(), forbidden[0]);
        let writes = audit.iter().filter(|entry| entry.is_write()).count();
        ensure!(writes > 10, "only {writes} writes of {OPERATOR_USER} in the audit log: it shows nothing");
        let said = log.lines().find(|line| line.contains("is forbidden: User"));
        ensure!(said.is_none(), "its log says {said:?}");
        Ok(())
    }

    pub fn never_panicked(&self) -> Result<()> {
        let log = self.operator_log()?;
        let said = log.lines().find(|line| line.contains("panicked at") || line.contains("a task failed"));
        ensure!(said.is_none(), "its log says {said:?}");
        Ok(())
    }

    /// Ends the control plane; with the logs kept where something went wrong.
    pub fn end(self, failed: bool) {
        if failed && let Ok(log) = self.operator_log() {
            let path = workspace::target_dir().join(format!("e2e-operator-{}.log", std::process::id()));
            match fs::write(&path, log) {
                Ok(()) => eprintln!("the operator's log is in {}", path.display()),
                Err(error) => eprintln!("{}: {error}", path.display()),
            }
        }
        if let Err(error) = self.plane.stop() {
            eprintln!("ending the control plane: {error:#}");
        }
    }
}

/// The plugin of kubectl, as its user would run it.
pub fn kubectl_snc(plane: &ControlPlane, user: User, args: &[&str]) -> Result<Output> {
    let output = Command::new(workspace::binary("kubectl-snc")?)
        .args(args)
        .env("KUBECONFIG", plane.kubeconfig(user))
        .env("LC_ALL", "C")
        .output()?;
    Ok(Output {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code(),
    })
}
