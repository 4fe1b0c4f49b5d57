//! A control plane that logs to a file and to the sink, two tenants, and the sink as a process.

use anyhow::{Context, Result, anyhow, bail, ensure};
use http_body_util::BodyExt as _;
use kube::{Client, Config};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use snc_e2e::authority::Authority;
use snc_e2e::cluster::{Cluster, OPERATOR_NAMESPACE};
use snc_e2e::http as plain;
use snc_e2e::objects::{CLUSTER_ROLE_BINDINGS, Kind};
use snc_e2e::wait::within;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use xtask::harness::{Output, ProcessSpec, User, free_ports, workspace};

pub const SINK: &str = "audit-sink";
pub const SERVER: &str = "cp-1";
const AUDIENCE: &str = "snc-audit-log";
const AUDITOR: &str = "e2e-auditor";
/// Somebody with a token of the API server's own, as OIDC gives people.
const PERSON: &str = "claire";
const PERSONS_TOKEN: &str = "a-token-of-the-tests-and-of-nothing-else";
const ACCOUNT: &str = "snc-audit-sink";
const TOKEN_LIFETIME: Duration = Duration::from_secs(4 * 3600);
/// What tests may not wait for as long as users do.
pub const PATIENCE: Duration = Duration::from_secs(15);

pub struct Scene {
    runtime: Runtime,
    pub cluster: Cluster,
    pub authority: Authority,
    pub directory: TempDir,
    kubeconfig: PathBuf,
    ports: Ports,
}

#[derive(Clone, Copy)]
pub struct Ports {
    pub intake: u16,
    pub serve: u16,
    pub health: u16,
}

impl Scene {
    pub fn start() -> Result<Self> {
        let directory = TempDir::new()?;
        let authority = Authority::new(&directory.path().join("authority"))?;
        let client = authority.client("kube-apiserver-1")?;
        let [intake, serve, health] = free_ports()?;
        let ports = Ports { intake, serve, health };
        let kubeconfig = directory.path().join("webhook.yaml");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "sink",
            "clusters": [{"name": "sink", "cluster": {
                "server": format!("https://127.0.0.1:{}/v1/webhook", ports.intake),
                "certificate-authority": authority.file()}}],
            "users": [{"name": "kube-apiserver", "user": {
                "client-certificate": client.certificate, "client-key": client.key}}],
            "contexts": [{"name": "sink", "context": {"cluster": "sink", "user": "kube-apiserver"}}],
        });
        fs::write(&kubeconfig, config.to_string())?;
        let people = directory.path().join("people.csv");
        fs::write(&people, format!("{PERSONS_TOKEN},{PERSON},{PERSON}\n"))?;
        let api_server = [
            format!("--token-auth-file={}", people.display()),
            format!("--audit-webhook-config-file={}", kubeconfig.display()),
            "--audit-webhook-initial-backoff=1s".to_owned(),
            "--audit-webhook-batch-max-wait=500ms".to_owned(),
            // Rotated often: users have 100.
            "--audit-log-maxsize=1".to_owned(),
            // All of it is compared in the end.
            "--audit-log-maxbackup=0".to_owned(),
        ];
        let values = [
            "auditLog.enabled=true",
            "auditLog.servers.cp-1=kube-apiserver-1",
            "auditLog.certificates.serverSecret=a-secret",
            "auditLog.certificates.clientAuthoritySecret=another",
            "auditLog.probe.everySeconds=60",
        ];
        let cluster = Cluster::start_with(&policy()?, &api_server, &values)?;
        let kubeconfig = cluster.plane().token_kubeconfig(OPERATOR_NAMESPACE, ACCOUNT, TOKEN_LIFETIME)?;
        let scene = Self { runtime: Runtime::new()?, cluster, authority, directory, kubeconfig, ports };
        scene.authority.server("sink")?;
        scene.tenants()?;
        scene.auditor()?;
        Ok(scene)
    }

    fn tenants(&self) -> Result<()> {
        for (tenant, namespaces) in [("alice", ["alice-a", "alice-b"]), ("bruno", ["bruno-a", "bruno-b"])] {
            self.cluster.governed(
                tenant,
                &namespaces,
                json!({"owners": [{"kind": "User", "name": tenant}]}),
            )?;
            for namespace in namespaces {
                self.cluster.isolated(namespace)?;
            }
        }
        Ok(())
    }

    /// Who may read everything, and acknowledge.
    fn auditor(&self) -> Result<()> {
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": AUDITOR}});
        self.cluster.admin.create(Kind::ServiceAccount.all(OPERATOR_NAMESPACE), account)?;
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": AUDITOR},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [
                {"kind": "ServiceAccount", "name": AUDITOR, "namespace": OPERATOR_NAMESPACE},
                {"kind": "User", "name": PERSON, "apiGroup": "rbac.authorization.k8s.io"},
            ],
        });
        self.cluster.admin.create(CLUSTER_ROLE_BINDINGS, binding)?;
        Ok(())
    }

    pub fn intake_port(&self) -> u16 {
        self.ports.intake
    }

    /// With its own directory below that of the scene.
    pub fn sink(&self, name: &str) -> Sink<'_> {
        Sink { scene: self, data: self.directory.path().join(name), env: BTreeMap::new(), tail: false }
    }

    /// A token of this ServiceAccount, for the log.
    pub fn token(&self, namespace: &str, account: &str) -> Result<String> {
        self.token_for(namespace, account, Some(AUDIENCE))
    }

    /// Without an audience: for the API server.
    pub fn token_for(&self, namespace: &str, account: &str, audience: Option<&str>) -> Result<String> {
        let namespace = format!("--namespace={namespace}");
        let audience = audience.map(|audience| format!("--audience={audience}"));
        let args = ["create", "token", account, &namespace].into_iter().chain(audience.as_deref());
        Ok(self.cluster.kubectl_ok(User::Admin, &args.collect::<Vec<_>>())?.trim().to_owned())
    }

    /// Status and body of what the sink answers whoever has this token.
    pub fn ask(&self, sink: &Sink<'_>, token: &str, path: &str) -> Result<(u16, String)> {
        self.runtime.block_on(async {
            let mut config = Config::new(sink.address().parse()?);
            config.root_cert =
                Some(vec![CertificateDer::from_pem_slice(self.authority.pem().as_bytes())?.to_vec()]);
            config.auth_info.token = Some(token.to_owned().into());
            let request = http::Request::get(path).body(kube::client::Body::empty())?;
            let answer = Client::try_from(config)?.send(request).await?;
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.map_err(|error| anyhow!("{error}"))?.to_bytes();
            Ok((status, String::from_utf8_lossy(&body).into_owned()))
        })
    }

    /// The plugin of kubectl, as somebody whom the sink lets read everything.
    pub fn logs(&self, sink: &Sink<'_>, args: &[&str]) -> Result<Output> {
        self.logs_with(&self.token(OPERATOR_NAMESPACE, AUDITOR)?, sink, args)
    }

    /// As a person, who may acknowledge.
    pub fn logs_in_person(&self, sink: &Sink<'_>, args: &[&str]) -> Result<Output> {
        self.logs_with(PERSONS_TOKEN, sink, args)
    }

    fn logs_with(&self, text: &str, sink: &Sink<'_>, args: &[&str]) -> Result<Output> {
        let token = self.directory.path().join("token");
        fs::write(&token, text)?;
        let (address, ca, token) =
            (sink.address(), self.authority.file().display().to_string(), token.display().to_string());
        let how =
            ["--server", &address, "--certificate-authority", &ca, "--token-file", &token, "--lang", "en"];
        self.cluster.kubectl_snc(User::Platform, &args.iter().copied().chain(how).collect::<Vec<_>>())
    }

    /// Open or not, of every server.
    pub fn gaps(&self, sink: &Sink<'_>) -> Result<Vec<Value>> {
        let (status, body) =
            self.ask(sink, &self.token(OPERATOR_NAMESPACE, AUDITOR)?, "/v1/gaps?platform=true")?;
        ensure!(status == 200, "{status} {body}");
        let answer: Value = serde_json::from_str(&body)?;
        answer["items"].as_array().cloned().with_context(|| body)
    }

    pub fn alarms(&self, sink: &Sink<'_>) -> Result<Vec<Value>> {
        let output = self.logs(sink, &["alarms", "--all", "-o", "json"])?;
        ensure!(output.code.is_some_and(|code| code < 2), "{}{}", output.stdout, output.stderr);
        let all: Value = serde_json::from_str(&output.stdout)?;
        let items = all.as_array().or_else(|| all["alarms"].as_array()).or_else(|| all["items"].as_array());
        items.cloned().with_context(|| output.stdout)
    }

    pub fn kubectl_snc(&self, user: User, args: &[&str]) -> Result<Output> {
        self.cluster.kubectl_snc(user, args)
    }
}

/// The policy that the product makes, as whoever installs it gets it.
fn policy() -> Result<String> {
    let output = Command::new(workspace::binary("snc-operator")?).arg("audit-policy").output()?;
    ensure!(output.status.success(), "audit-policy: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// How the sink is started, this time.
pub struct Sink<'s> {
    scene: &'s Scene,
    pub data: PathBuf,
    env: BTreeMap<String, String>,
    tail: bool,
}

impl Sink<'_> {
    /// It reads the API server's own file as well.
    #[must_use]
    pub fn tailing(mut self) -> Self {
        self.tail = true;
        self
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// In a directory that is somewhere else.
    #[must_use]
    pub fn on(mut self, data: &Path) -> Self {
        self.data = data.to_path_buf();
        self
    }

    pub fn store(&self) -> PathBuf {
        self.data.join("store")
    }

    fn spec(&self) -> Result<ProcessSpec> {
        let Scene { authority, kubeconfig, ports, .. } = self.scene;
        let tls = authority.file().with_file_name("sink").display().to_string();
        let mut env: BTreeMap<String, String> = [
            ("KUBECONFIG", kubeconfig.display().to_string()),
            ("NO_COLOR", "1".to_owned()),
            ("SNC_LOG_FORMAT", "text".to_owned()),
            ("SNC_AUDIT_DATA_DIR", self.data.display().to_string()),
            ("SNC_AUDIT_INTAKE_LISTEN", format!("127.0.0.1:{}", ports.intake)),
            ("SNC_AUDIT_SERVE_LISTEN", format!("127.0.0.1:{}", ports.serve)),
            ("SNC_LISTEN", format!("127.0.0.1:{}", ports.health)),
            ("SNC_AUDIT_TLS_DIR", tls.clone()),
            ("SNC_AUDIT_SERVE_TLS_DIR", tls),
            ("SNC_AUDIT_CLIENT_CA", authority.file().display().to_string()),
            ("SNC_AUDIT_CLIENTS", format!("{SERVER}=kube-apiserver-1")),
            ("SNC_AUDIT_WEBHOOK_PATIENCE_SECONDS", PATIENCE.as_secs().to_string()),
            ("SNC_AUDIT_SEAL_SECONDS", "2".to_owned()),
            ("SNC_AUDIT_SETTLE_SECONDS", "1".to_owned()),
            ("SNC_AUDIT_HEAD_SECONDS", "2".to_owned()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
        let log = self.scene.cluster.audit_log();
        env.insert("SNC_AUDIT_POLICY".to_owned(), log.with_file_name("policy.yaml").display().to_string());
        if self.tail {
            env.insert("SNC_AUDIT_TAILS".to_owned(), format!("{}={SERVER}", log.display()));
        }
        env.extend(self.env.clone());
        Ok(ProcessSpec {
            program: workspace::binary("snc-operator")?,
            args: vec!["audit-sink".to_owned()],
            env: env.into_iter().map(|(key, value)| (key, Some(value))).collect(),
            clean_env: true,
            dir: None,
        })
    }

    pub fn start(&self) -> Result<()> {
        fs::create_dir_all(&self.data)?;
        self.scene.cluster.plane().instance().spawn_spec(SINK, &self.spec()?)?;
        self.ready()
    }

    pub fn restart(&self) -> Result<()> {
        self.scene.cluster.plane().instance().restart(SINK)?;
        self.ready()
    }

    pub fn ready(&self) -> Result<()> {
        within(Duration::from_secs(30), "the sink to be ready", || {
            let answer = plain::get(&self.health(), "/readyz");
            let (status, body) = answer.or_else(|error| bail!("{error:#}\n{}", self.log()?))?;
            ensure!(status == 200, "{body}\n{}", self.log()?);
            Ok(())
        })
    }

    pub fn kill(&self) -> Result<()> {
        self.scene.cluster.plane().instance().kill9(SINK)
    }

    pub fn stop(&self) -> Result<()> {
        self.scene.cluster.plane().instance().terminate(SINK)
    }

    pub fn log(&self) -> Result<String> {
        self.scene.cluster.log_of(SINK)
    }

    fn health(&self) -> String {
        format!("127.0.0.1:{}", self.scene.ports.health)
    }

    pub fn address(&self) -> String {
        format!("https://127.0.0.1:{}", self.scene.ports.serve)
    }

    pub fn metrics(&self) -> Result<BTreeMap<String, String>> {
        let (status, body) = plain::get(&self.health(), "/metrics")?;
        ensure!(status == 200, "{body}");
        plain::samples(&body)
    }

    /// Of one series; 0 where it is not there.
    pub fn metric(&self, series: &str) -> Result<f64> {
        self.metrics()?.get(series).map_or(Ok(0.0), |value| value.parse().with_context(|| series.to_owned()))
    }
}
