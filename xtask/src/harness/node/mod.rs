//! A real node: kubelet, containerd, runc and kube-proxy beside the control plane, all of it in namespaces of its own.
//!
//! Nothing of it is seen outside but the instance's directory, its cgroups, and the API server's port on loopback,
//! which a forwarder carries in. There is no way out for a packet. The namespaces end with their first process.

mod bring_up;
mod cgroup;
mod files;
mod forward;
mod inside;
mod namespaces;

pub use forward::forward;
pub use inside::{exec, found_a_namespace};
pub use namespaces::init;

pub(super) use bring_up::{api_server_args, controller_manager_args};
pub(super) use cgroup::Cgroup;
pub(super) use inside::{Inside, wrap};

use crate::harness::{Environment, Tool, toolchain};
use anyhow::{Result, bail};
use std::{fs, path::PathBuf};

pub const NODE_NAME: &str = "node1";
pub const NODE_ADDRESS: &str = "172.30.0.2";
pub const POD_ADDRESSES: &str = "10.244.0.0/24";
pub const PAUSE_IMAGE: &str = "localhost/pause:1";
/// Name of the process that holds the namespaces.
pub const NAMESPACES: &str = "namespaces";
pub const ENFORCER: &str = "snc-enforcer";
const CLUSTER_ADDRESSES: &str = "10.244.0.0/16";
pub(super) const SERVICE_ADDRESSES: &str = "10.96.0.0/16";

/// Whether NetworkPolicies are enforced on a node, and what a pod gets before the enforcer knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Enforcement {
    /// Nobody enforces them
    Off,
    /// Everything, as with most network plugins
    #[default]
    FailOpen,
    /// Nothing
    FailClosed,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub enforcement: Enforcement,
    /// Static binary `snc-pod`, the sandbox of every pod.
    pub pause: PathBuf,
    /// Archives of OCI layouts; nothing is ever pulled.
    pub images: Vec<PathBuf>,
}

/// Why there is nothing to test with a node here; an error where continuous integration insists.
pub fn skipped(environment: &Environment) -> Result<Option<String>> {
    let why = unavailable(environment)?.or_else(|| {
        // What the operator is linked with; the other images need no C.
        let there = environment.path.iter().any(|dir| dir.join("musl-gcc").is_file());
        (!there).then(|| "musl-gcc is not installed (Debian's package musl-tools)".to_owned())
    });
    if let Some(why) = &why
        && std::env::var("CI").is_ok_and(|value| value == "true")
    {
        bail!("SKIPPED({why}), which continuous integration does not take for an answer");
    }
    Ok(why)
}

/// Why there can be no node here, or `None`.
pub fn unavailable(environment: &Environment) -> Result<Option<String>> {
    const NEEDED: u64 = (1 << CAP_SYS_ADMIN) | (1 << CAP_NET_ADMIN);
    const CAP_NET_ADMIN: u32 = 12;
    const CAP_SYS_ADMIN: u32 = 21;
    let status = fs::read_to_string("/proc/self/status")?;
    let capabilities = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or_default();
    if capabilities & NEEDED != NEEDED {
        return Ok(Some("namespaces need root, with CAP_SYS_ADMIN and CAP_NET_ADMIN".to_owned()));
    }
    if Cgroup::hierarchies()?.is_empty() {
        return Ok(Some("this machine has cgroup v2 only; the node is made for cgroup v1 so far".to_owned()));
    }
    for (program, package) in
        [("unshare", "util-linux"), ("nsenter", "util-linux"), ("ip", "iproute2"), ("nft", "nftables")]
    {
        if !environment.path.iter().any(|dir| dir.join(program).is_file()) {
            return Ok(Some(format!("{program} is not installed (Debian's package {package})")));
        }
    }
    let runc_is_built = toolchain::search(environment, &[Tool::Runc])?.missing.is_empty();
    if !runc_is_built && !std::path::Path::new("/usr/include/seccomp.h").is_file() {
        let why = "runc is not built, and building it needs Debian's packages libseccomp-dev and pkg-config";
        return Ok(Some(why.to_owned()));
    }
    Ok(None)
}
