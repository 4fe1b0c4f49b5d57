//! What of a node starts when, and when it is ready.

use super::{
    CLUSTER_ADDRESSES, ENFORCER, Enforcement, Inside, NAMESPACES, NODE_ADDRESS, NODE_NAME, Node, PAUSE_IMAGE,
    POD_ADDRESSES,
    files::{CONTAINERD_SOCKET, Files},
    inside::own_spec,
};
use crate::{
    harness::{
        certs::{self, Authority},
        components::spec,
        control_plane::{ControlPlane, with_log},
        files::{private_dir, write_private},
        kubeconfig::{Credential, User},
        process::ProcessSpec,
        tool::Tool,
        wait::wait_until,
        workspace,
    },
    image::{self, Layout},
};
use anyhow::{Result, bail};
use std::{
    ffi::OsStr,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

const LIMIT: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(50);

/// Besides what a control plane on loopback has.
pub(crate) fn api_server_args(certs: &Path) -> Vec<String> {
    let file = |name: &str| certs.join(name).display().to_string();
    vec![
        "--enable-admission-plugins=NodeRestriction".to_owned(),
        // Without these it would look up the node's name to reach the kubelet.
        "--kubelet-preferred-address-types=InternalIP".to_owned(),
        format!("--kubelet-client-certificate={}", file("kubelet-client.crt")),
        format!("--kubelet-client-key={}", file("kubelet-client.key")),
        format!("--kubelet-certificate-authority={}", file("ca.crt")),
    ]
}

pub(crate) fn controller_manager_args() -> Vec<String> {
    vec!["--allocate-node-cidrs=true".to_owned(), format!("--cluster-cidr={CLUSTER_ADDRESSES}")]
}

impl ControlPlane {
    /// Before everything else, which is to run in them.
    pub(crate) fn start_namespaces(&self) -> Result<()> {
        for dir in ["kubelet", "containerd", "cni", "sysctl", "logs/pods", "images"] {
            private_dir(&self.dir().join(dir))?;
        }
        let cgroup = self.instance().add_cgroup()?;
        cgroup.create()?;
        let process = self.instance().spawn_spec(NAMESPACES, &own_spec("namespaces", self.dir(), &[])?)?;
        let log = self.instance().log_path(NAMESPACES);
        wait_until("the node's namespaces", LIMIT, POLL, || {
            if !process.alive() {
                bail!("{NAMESPACES} ended");
            }
            Ok(Inside::of(self.dir()).ok().map(drop))
        })
        .map_err(|error| with_log(&error, &log))
    }

    /// The API server's port on the machine's loopback.
    pub(crate) fn start_forwarder(&self, api_server: &str, port: u16) -> Result<()> {
        let forward = own_spec("forward", self.dir(), &[format!("--port={port}")])?;
        self.instance().spawn_spec(&format!("forward-{api_server}"), &forward).map(drop)
    }

    pub(crate) fn node_identities(&self, authority: &Authority) -> Result<()> {
        let serving = authority.server(NODE_NAME, &[NODE_NAME, NODE_ADDRESS])?;
        let client = authority.client("kube-apiserver-kubelet-client", &["system:masters"])?;
        for (name, identity) in [("kubelet", &serving), ("kubelet-client", &client)] {
            let file = |ending: &str| self.dir().join("certs").join(format!("{name}.{ending}"));
            write_private(&file("crt"), identity.certificate.as_bytes())?;
            write_private(&file("key"), identity.key.as_bytes())?;
        }
        Ok(())
    }

    pub(crate) fn bring_up_node(&self, node: &Node, authority: &Authority) -> Result<()> {
        let certs = certs::Files::at(&self.dir().join("certs"));
        let kubeconfig = |name: &str, user: &str, groups: &[&str]| -> Result<PathBuf> {
            let path = self.dir().join("certs").join(format!("{name}.kubeconfig"));
            let identity = authority.client(user, groups)?;
            self.write_kubeconfig(&path, user, &Credential::Certificate(&identity))?;
            Ok(path)
        };
        let scheduler = kubeconfig("kube-scheduler", "system:kube-scheduler", &[])?;
        let kubelet = kubeconfig("kubelet", &format!("system:node:{NODE_NAME}"), &["system:nodes"])?;
        // kube-proxy's own role has no right to read Nodes with the nftables mode's watch of them.
        let proxy = self.kubeconfig(User::Admin);
        let files = Files::write(self.dir(), self.toolchain(), &certs, &proxy, node.enforcement)?;

        let flag = |name: &str, path: &Path| format!("--{name}={}", path.display());
        let start = |tool: Tool, args: Vec<String>| -> Result<()> {
            self.spawn(tool.name(), &spec(self.toolchain().path(tool)?, args)).map(drop)
        };
        start(Tool::Containerd, vec![flag("config", &files.containerd)])?;
        start(
            Tool::KubeScheduler,
            vec![
                flag("kubeconfig", &scheduler),
                flag("authentication-kubeconfig", &scheduler),
                flag("authorization-kubeconfig", &scheduler),
                "--bind-address=127.0.0.1".to_owned(),
                "--leader-elect=false".to_owned(),
            ],
        )?;
        self.start_enforcer(node.enforcement)?;
        self.import_images(node)?;
        start(Tool::KubeProxy, vec![flag("config", &files.proxy)])?;
        start(
            Tool::Kubelet,
            vec![
                flag("config", &files.kubelet),
                flag("kubeconfig", &kubelet),
                format!("--hostname-override={NODE_NAME}"),
                format!("--node-ip={NODE_ADDRESS}"),
                "--root-dir=/var/lib/kubelet".to_owned(),
            ],
        )?;
        let admin = self.client(User::Admin)?;
        self.wait_for(Tool::Kubelet.name(), "to make the node ready", || {
            let ready = "jsonpath={.status.conditions[?(@.type=='Ready')].status}{.spec.taints}";
            let answer = admin.kubectl(["get", "node", NODE_NAME, "-o", ready])?;
            Ok((answer.stdout.trim() == "True").then_some(()))
        })
    }

    /// Under that name it can be ended and started again; as something else, too, once it has ended.
    pub fn start_enforcer(&self, enforcement: Enforcement) -> Result<()> {
        let mut args = vec![
            format!("--kubeconfig={}", self.kubeconfig(User::Admin).display()),
            format!("--node={NODE_NAME}"),
        ];
        match enforcement {
            Enforcement::Off => return Ok(()),
            Enforcement::FailOpen => {}
            Enforcement::FailClosed => args.push(format!("--default-drop={POD_ADDRESSES}")),
        }
        self.spawn(ENFORCER, &spec(&workspace::binary(ENFORCER)?, args)).map(drop)
    }

    fn import_images(&self, node: &Node) -> Result<()> {
        let inside = Inside::of(self.dir())?;
        let socket = inside.path(CONTAINERD_SOCKET);
        self.wait_for(Tool::Containerd.name(), "to listen", || {
            Ok(UnixStream::connect(&socket).is_ok().then_some(()))
        })?;
        let pause = self.dir().join("images/pause.tar");
        Layout::default().image(PAUSE_IMAGE, &image::pod(&node.pause)?).write_archive(&pause)?;
        self.import_image(&pause)?;
        node.images.iter().try_for_each(|archive| self.import_image(archive))
    }

    /// An archive of an OCI layout, into the node's containerd.
    pub fn import_image(&self, archive: &Path) -> Result<()> {
        self.images(&["import".as_ref(), archive.as_os_str()])
    }

    /// An image that is there under another name as well, as a pull by digest would name it.
    pub fn name_image(&self, image: &str, name: &str) -> Result<()> {
        self.images(&["tag".as_ref(), image.as_ref(), name.as_ref()])
    }

    fn images(&self, args: &[&OsStr]) -> Result<()> {
        let output = Inside::of(self.dir())?
            .command(self.toolchain().path(Tool::Ctr)?)
            .args(["--address", CONTAINERD_SOCKET, "--namespace=k8s.io", "images"])
            .args(args)
            .output()?;
        if !output.status.success() {
            bail!("ctr images {args:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }

    /// A process of the instance that runs in the node's namespaces.
    pub fn spawn_in_node(&self, name: &str, spec: &ProcessSpec) -> Result<()> {
        self.spawn(name, spec).map(drop)
    }

    /// A command in the node's namespaces, e.g. to look at its nftables rules.
    pub fn command_in_node(&self, program: &Path) -> Result<std::process::Command> {
        Ok(Inside::of(self.dir())?.command(program))
    }
}
