//! The configuration files of a node.

use super::{CLUSTER_ADDRESSES, ENFORCER, Enforcement, NODE_ADDRESS, NODE_NAME, PAUSE_IMAGE, POD_ADDRESSES};
use crate::harness::{certs, files::write_private, tool::Tool, toolchain::Toolchain, workspace};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub(super) const CONTAINERD_SOCKET: &str = "/run/containerd/containerd.sock";

pub(super) struct Files {
    pub(super) containerd: PathBuf,
    pub(super) kubelet: PathBuf,
    pub(super) proxy: PathBuf,
}

impl Files {
    pub(super) fn write(
        dir: &Path,
        toolchain: &Toolchain,
        certs: &certs::Files,
        proxy_kubeconfig: &Path,
        enforcement: Enforcement,
    ) -> Result<Self> {
        let files = Self {
            containerd: dir.join("containerd.toml"),
            kubelet: dir.join("kubelet.json"),
            proxy: dir.join("kube-proxy.json"),
        };
        let networks = dir.join("cni");
        let plugins = toolchain.path(Tool::CniPtp)?.parent().context("where the CNI plugins are")?;
        let enforcer = workspace::binary(ENFORCER)?;
        let own = enforcer.parent().context("where the enforcer is")?;
        let runc = toolchain.path(Tool::Runc)?;
        write_private(&files.containerd, containerd(dir, runc, &[plugins, own], &networks).as_bytes())?;
        write_private(&dir.join("resolv.conf"), b"# the node has no name server\n")?;
        for (path, content) in [
            (&networks.join("10-pods.conflist"), network(enforcement)),
            (&files.kubelet, kubelet(dir, certs)),
            (&files.proxy, proxy(proxy_kubeconfig)),
        ] {
            write_private(path, &serde_json::to_vec_pretty(&content)?)?;
        }
        Ok(files)
    }
}

fn containerd(dir: &Path, runc: &Path, plugins: &[&Path], networks: &Path) -> String {
    let dir = dir.display();
    let plugins: Vec<String> = plugins.iter().map(|dir| format!("\"{}\"", dir.display())).collect();
    let (runc, plugins, networks) = (runc.display(), plugins.join(", "), networks.display());
    // `restrict_oom_score_adj`: without CAP_SYS_RESOURCE nobody may lower it, and no container would start.
    format!(
        r#"version = 3
root = "{dir}/containerd"
state = "/run/containerd"
[grpc]
  address = "{CONTAINERD_SOCKET}"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "{PAUSE_IMAGE}"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
    BinaryName = "{runc}"
    SystemdCgroup = false
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = [{plugins}]
  conf_dir = "{networks}"
"#
    )
}

/// Every packet of a pod is routed, and so meets the hooks of nftables; a bridge would need a kernel module for that.
fn network(enforcement: Enforcement) -> Value {
    let mut network = json!({
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [{
            "type": "ptp",
            "ipMasq": false,
            "ipam": {
                "type": "host-local",
                "dataDir": "/run/cni-addresses",
                "ranges": [[{ "subnet": POD_ADDRESSES }]],
                "routes": [{ "dst": "0.0.0.0/0" }],
            },
        }],
    });
    if enforcement == Enforcement::FailClosed
        && let Some(plugins) = network["plugins"].as_array_mut()
    {
        plugins.push(json!({ "type": ENFORCER }));
    }
    network
}

fn kubelet(dir: &Path, certs: &certs::Files) -> Value {
    let [certificate, key] = ["kubelet.crt", "kubelet.key"].map(|name| dir.join("certs").join(name));
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "healthzBindAddress": "127.0.0.1",
        "authentication": {
            "anonymous": { "enabled": false },
            "webhook": { "enabled": true },
            "x509": { "clientCAFile": certs.ca },
        },
        "authorization": { "mode": "Webhook" },
        "tlsCertFile": certificate,
        "tlsPrivateKeyFile": key,
        "containerRuntimeEndpoint": format!("unix://{CONTAINERD_SOCKET}"),
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": false,
        "failSwapOn": false,
        "resolvConf": dir.join("resolv.conf"),
        "podLogsDir": dir.join("logs/pods"),
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
        },
        "imageGCHighThresholdPercent": 100,
    })
}

fn proxy(kubeconfig: &Path) -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": { "kubeconfig": kubeconfig },
        "bindAddress": NODE_ADDRESS,
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "hostnameOverride": NODE_NAME,
        "clusterCIDR": CLUSTER_ADDRESSES,
        // Those sysctls are not for a network namespace to set.
        "conntrack": { "maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s" },
    })
}
