//! A Kubernetes control plane on loopback: etcd, API server, controller manager.

use crate::harness::{
    certs::Files,
    client::{Client, Output},
    components,
    files::{tail, write_private},
    instance::{GRACE, Instance},
    interrupt,
    kubeconfig::{self, Credential, User},
    node::{self, Inside, Node},
    ports,
    process::{ProcessIdentity, ProcessSpec, random},
    tool::Tool,
    toolchain::Toolchain,
    wait::wait_until,
    workspace,
};
use anyhow::{Context, Result, anyhow, bail};
use std::{
    ffi::OsStr,
    fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

pub const PRIMARY_API_SERVER: &str = "kube-apiserver";
const ETCD: &str = "etcd";
const CONTROLLER_MANAGER: &str = "kube-controller-manager";
const CONTROLLER_MANAGER_KUBECONFIG: &str = "certs/kube-controller-manager.kubeconfig";
const POLL: Duration = Duration::from_millis(50);
const START_LIMIT: Duration = Duration::from_secs(90);
const PORT_ATTEMPTS: usize = 5;

const PLATFORM_BINDING: &str = r"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: snc-platform-admins }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: Group, name: platform-admins }]
";

#[derive(Clone, Debug)]
pub struct Builder {
    name: String,
    base: PathBuf,
    ephemeral: bool,
    api_server_args: Vec<String>,
    controller_manager_args: Vec<String>,
    node: Option<Node>,
}

impl Builder {
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            base: workspace::instances_dir(),
            ephemeral: false,
            api_server_args: Vec::new(),
            controller_manager_args: Vec::new(),
            node: None,
        }
    }

    /// With a node, and everything in namespaces of its own.
    #[must_use]
    pub fn node(mut self, node: Node) -> Self {
        self.node = Some(node);
        self
    }

    /// A random name after `prefix`. It ends with the handle, or, should we be killed, with the next
    /// [`reap_orphans`](super::reap_orphans).
    pub fn ephemeral(prefix: &str) -> Result<Self> {
        let suffix = random()? & 0xffff_ffff;
        Ok(Self::named(&format!("{prefix}-{suffix:08x}")).owned())
    }

    /// It ends with the process that starts it.
    #[must_use]
    pub fn owned(mut self) -> Self {
        self.ephemeral = true;
        self
    }

    /// The directory of the instances instead of `.snc` in the workspace.
    #[must_use]
    pub fn base(mut self, base: &Path) -> Self {
        self.base = base.to_path_buf();
        self
    }

    /// One more argument for every API server; of a flag given twice the last one counts.
    #[must_use]
    pub fn api_server_arg(mut self, arg: impl Into<String>) -> Self {
        self.api_server_args.push(arg.into());
        self
    }

    #[must_use]
    pub fn controller_manager_arg(mut self, arg: impl Into<String>) -> Self {
        self.controller_manager_args.push(arg.into());
        self
    }

    /// Returns once every part has answered. On an error, and on Ctrl-C, nothing is left behind.
    pub fn start(self, toolchain: &Toolchain) -> Result<ControlPlane> {
        let instance = Instance::create(&self.base, &self.name, self.ephemeral)?;
        let control_plane = ControlPlane {
            instance,
            toolchain: toolchain.clone(),
            api_server_args: self.api_server_args,
            on_node: self.node.is_some(),
            owned: true,
            keep_logs_on_panic: self.ephemeral,
        };
        control_plane.bring_up(self.controller_manager_args, self.node.as_ref())?;
        Ok(control_plane)
    }
}

/// A handle. One that came from [`Builder::start`] ends the control plane when dropped, unless detached.
#[derive(Debug)]
pub struct ControlPlane {
    instance: Instance,
    toolchain: Toolchain,
    api_server_args: Vec<String>,
    /// Its processes run in the namespaces of a node.
    on_node: bool,
    owned: bool,
    keep_logs_on_panic: bool,
}

impl ControlPlane {
    /// One that somebody else started. It stays when this handle is dropped.
    pub fn attach(name: &str) -> Result<Self> {
        Self::attach_in(&workspace::instances_dir(), name)
    }

    pub fn attach_in(base: &Path, name: &str) -> Result<Self> {
        let instance = Instance::open(base, name)?;
        let record = instance.record()?;
        if !record.ready {
            bail!("instance {name} never became ready");
        }
        Ok(Self {
            toolchain: Toolchain::from_record(&record.tools),
            api_server_args: Vec::new(),
            on_node: record.node.is_some(),
            instance,
            owned: false,
            keep_logs_on_panic: false,
        })
    }

    /// Leaves it running when the handle is dropped.
    pub fn detach(&mut self) {
        self.owned = false;
    }

    /// Ends it now, and tells what went wrong in doing so.
    pub fn stop(mut self) -> Result<()> {
        self.owned = false;
        self.instance.destroy(GRACE, false)
    }

    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    pub fn dir(&self) -> &Path {
        self.instance.dir()
    }

    pub fn toolchain(&self) -> &Toolchain {
        &self.toolchain
    }

    pub fn kubeconfig(&self, user: User) -> PathBuf {
        self.dir().join(user.kubeconfig())
    }

    /// The same user at another API server of this control plane.
    pub fn kubeconfig_at(&self, user: User, api_server: &str) -> Result<PathBuf> {
        if api_server == PRIMARY_API_SERVER {
            return Ok(self.kubeconfig(user));
        }
        let port = self.api_server_port(api_server)?;
        let path = self.dir().join(format!("kubeconfig.{}.{api_server}", user.name()));
        let config = kubeconfig::at_port(&fs::read_to_string(self.kubeconfig(user))?, port)?;
        write_private(&path, config.as_bytes())?;
        Ok(path)
    }

    pub fn api_server_port(&self, api_server: &str) -> Result<u16> {
        let ports = self.instance.record()?.api_servers;
        ports.get(api_server).copied().with_context(|| format!("there is no API server {api_server:?}"))
    }

    pub fn client(&self, user: User) -> Result<Client> {
        self.client_with(&self.kubeconfig(user))
    }

    pub fn client_with(&self, kubeconfig: &Path) -> Result<Client> {
        Client::new(&self.toolchain, kubeconfig, &self.dir().join("cache"))
    }

    pub fn kubectl<S: AsRef<OsStr>>(&self, user: User, args: impl IntoIterator<Item = S>) -> Result<Output> {
        self.client(user)?.kubectl(args)
    }

    pub fn helm<S: AsRef<OsStr>>(&self, user: User, args: impl IntoIterator<Item = S>) -> Result<Output> {
        self.client(user)?.helm(args)
    }

    /// A kubeconfig with nothing but a token of this ServiceAccount, as a pod of it would have.
    pub fn token_kubeconfig(
        &self,
        namespace: &str,
        service_account: &str,
        duration: Duration,
    ) -> Result<PathBuf> {
        let token = self.client(User::Admin)?.kubectl_ok([
            "create",
            "token",
            service_account,
            &format!("--namespace={namespace}"),
            &format!("--duration={}s", duration.as_secs()),
        ])?;
        let path = self.dir().join(format!("kubeconfig.sa.{namespace}.{service_account}"));
        self.write_kubeconfig(&path, service_account, &Credential::Token(token.trim()))?;
        Ok(path)
    }

    /// Installs the chart without the operator's pods: there is no kubelet, and the operator runs beside.
    /// `values` are `key=value` as for `helm --set`.
    pub fn install_chart(&self, values: &[&str]) -> Result<()> {
        let chart = workspace::chart();
        let sets = values.iter().flat_map(|value| ["--set", value]);
        let fixed =
            ["upgrade", "--install", "snc", "--namespace=snc-system", "--create-namespace", "--no-hooks"];
        let args =
            fixed.into_iter().chain(["--set", "replicas=0,webhook.replicas=0"]).chain(sets).map(OsStr::new);
        self.client(User::Platform)?.helm_ok(args.chain([chart.as_os_str()])).map(drop)
    }

    /// One more API server on the same etcd, for what a cluster with several does.
    pub fn add_api_server(&self, name: &str, extra_args: &[&str]) -> Result<()> {
        let etcd = self.instance.record()?.etcd_port.context("this instance has no etcd")?;
        let mut args = self.api_server_args.clone();
        args.extend(extra_args.iter().map(|&arg| arg.to_owned()));
        self.start_api_server(name, etcd, &args)?;
        self.wait_ready_at(name)
    }

    /// Returns once the API server answers again, e.g. after `instance().restart(…)`.
    pub fn wait_ready(&self) -> Result<()> {
        self.wait_ready_at(PRIMARY_API_SERVER)
    }

    pub fn wait_ready_at(&self, api_server: &str) -> Result<()> {
        let port = self.api_server_port(api_server)?;
        let client = self.client_with(&self.kubeconfig_at(User::Admin, api_server)?)?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        self.wait_for(api_server, "to be ready", || {
            if TcpStream::connect_timeout(&address, POLL).is_err() {
                return Ok(None);
            }
            let answer = client.kubectl(["get", "--raw=/readyz", "--request-timeout=5s"])?;
            Ok(answer.success().then_some(()))
        })
    }

    fn bring_up(&self, mut controller_manager_args: Vec<String>, node: Option<&Node>) -> Result<()> {
        let tools = self.toolchain.to_record();
        self.instance.update(|record| record.tools = tools)?;
        let (files, authority) = Files::create(&self.dir().join("certs"))?;
        if node.is_some() {
            self.node_identities(&authority)?;
            self.start_namespaces()?;
            controller_manager_args.extend(node::controller_manager_args());
        }

        let etcd = self.start_etcd()?;
        self.start_api_server(PRIMARY_API_SERVER, etcd, &self.api_server_args)?;
        for user in User::ALL {
            let identity = authority.client(user.name(), user.groups())?;
            self.write_kubeconfig(&self.kubeconfig(user), user.name(), &Credential::Certificate(&identity))?;
        }
        let manager = authority.client("system:kube-controller-manager", &[])?;
        let manager_kubeconfig = self.dir().join(CONTROLLER_MANAGER_KUBECONFIG);
        self.write_kubeconfig(&manager_kubeconfig, CONTROLLER_MANAGER, &Credential::Certificate(&manager))?;
        self.wait_ready()?;

        self.start_controller_manager(&files, &manager_kubeconfig, &controller_manager_args)?;
        let admin = self.client(User::Admin)?;
        admin.apply(PLATFORM_BINDING)?;
        self.wait_for(CONTROLLER_MANAGER, "to make the default ServiceAccount", || {
            Ok(admin.kubectl(["get", "serviceaccount", "default"])?.success().then_some(()))
        })?;
        if let Some(node) = node {
            self.bring_up_node(node, &authority)?;
        }
        self.instance.update(|record| record.ready = true)
    }

    fn start_etcd(&self) -> Result<u16> {
        let program = self.toolchain.path(Tool::Etcd)?;
        let data = self.dir().join("etcd");
        self.start_on_free_ports(ETCD, |[client, peer]| components::etcd(program, &data, client, peer))
            .and_then(|[client, _]| {
                self.instance.update(|record| record.etcd_port = Some(client))?;
                Ok(client)
            })
    }

    fn start_api_server(&self, name: &str, etcd: u16, extra: &[String]) -> Result<()> {
        let program = self.toolchain.path(Tool::KubeApiserver)?;
        let files = Files::at(&self.dir().join("certs"));
        let [port] = self.start_on_free_ports(name, |[port]| {
            components::api_server(program, &files, etcd, port, self.on_node, extra)
        })?;
        if self.on_node {
            self.start_forwarder(name, port)?;
        }
        self.instance.update(|record| record.api_servers.insert(name.to_owned(), port)).map(drop)
    }

    fn start_controller_manager(&self, files: &Files, kubeconfig: &Path, extra: &[String]) -> Result<()> {
        let program = self.toolchain.path(Tool::KubeControllerManager)?;
        let own_certificates = self.dir().join("certs/kube-controller-manager");
        self.start_on_free_ports(CONTROLLER_MANAGER, |[port]| {
            components::controller_manager(program, files, kubeconfig, &own_certificates, port, extra)
        })
        .map(drop)
    }

    /// Where the control plane is: here, or in the namespaces of its node.
    pub(crate) fn spawn(&self, name: &str, spec: &ProcessSpec) -> Result<ProcessIdentity> {
        if self.on_node {
            return self.instance.spawn_spec(name, &node::wrap(self.dir(), spec)?);
        }
        self.instance.spawn_spec(name, spec)
    }

    fn listens(&self, address: SocketAddr) -> Result<bool> {
        if self.on_node {
            return Ok(Inside::of(self.dir())?.listens(address, POLL));
        }
        Ok(TcpStream::connect_timeout(&address, POLL).is_ok())
    }

    /// Starts a server and waits until it listens on the first port; tries others if they were taken.
    fn start_on_free_ports<const N: usize>(
        &self,
        name: &str,
        spec: impl Fn([u16; N]) -> ProcessSpec,
    ) -> Result<[u16; N]> {
        let log = self.instance.log_path(name);
        for attempt in 1.. {
            let ports = ports::free_ports::<N>()?;
            let process = self.spawn(name, &spec(ports))?;
            let address = SocketAddr::from(([127, 0, 0, 1], ports[0]));
            let what = format!("{name} to listen on {address}");
            let listening = wait_until(&what, START_LIMIT, POLL, || {
                let connected = self.listens(address)?;
                // In this order: a stranger may listen on the port while our process has ended.
                Ok(if process.alive() { connected.then_some(true) } else { Some(false) })
            });
            match listening {
                Ok(true) => return Ok(ports),
                Ok(false) if ports::was_taken(&tail(&log, 40)) && attempt < PORT_ATTEMPTS => {
                    fs::rename(&log, log.with_extension(format!("{attempt}.log")))?;
                }
                Ok(false) => return Err(with_log(&anyhow!("{name} ended while starting"), &log)),
                Err(error) => return Err(with_log(&error, &log)),
            }
        }
        bail!("{name} found no free port")
    }

    pub(crate) fn wait_for(
        &self,
        process: &str,
        what: &str,
        mut ready: impl FnMut() -> Result<Option<()>>,
    ) -> Result<()> {
        let log = self.instance.log_path(process);
        wait_until(&format!("{process} {what}"), START_LIMIT, POLL * 2, || {
            let answer = ready()?;
            if answer.is_none() && !self.instance.process(process)?.alive() {
                bail!("{process} ended");
            }
            Ok(answer)
        })
        .map_err(|error| with_log(&error, &log))
    }

    pub(crate) fn write_kubeconfig(
        &self,
        path: &Path,
        user: &str,
        credential: &Credential<'_>,
    ) -> Result<()> {
        let record = self.instance.record()?;
        let ca = fs::read_to_string(Files::at(&self.dir().join("certs")).ca)?;
        let port = record.api_servers.get(PRIMARY_API_SERVER).copied().context("no API server yet")?;
        kubeconfig::write(path, &format!("snc-{}", record.name), port, &ca, user, credential)
    }
}

pub(crate) fn with_log(error: &anyhow::Error, log: &Path) -> anyhow::Error {
    if interrupt::requested() {
        return anyhow!("{error:#}");
    }
    anyhow!("{error:#}; last lines of {}:\n{}", log.display(), tail(log, 15))
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        if !self.owned {
            return;
        }
        let keep_logs = self.keep_logs_on_panic && std::thread::panicking();
        if keep_logs {
            eprintln!("the logs of this control plane stay in {}", self.dir().join("logs").display());
        }
        if let Err(error) = self.instance.destroy(Duration::ZERO, keep_logs) {
            eprintln!("ending {}: {error:#}", self.dir().display());
        }
    }
}
