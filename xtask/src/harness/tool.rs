//! The tools of a control plane, of a node and of a registry: their Go packages, the versions that are accepted, how long a build takes.

use std::path::{Path, PathBuf};

pub const KUBERNETES_VERSION: &str = "v1.36.3";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tool {
    Etcd,
    KubeApiserver,
    KubeControllerManager,
    Kubectl,
    Helm,
    KubeScheduler,
    Kubelet,
    KubeProxy,
    Containerd,
    ContainerdShim,
    Ctr,
    CniPtp,
    CniHostLocal,
    CniLoopback,
    Runc,
    Agnhost,
    NetpolSpecs,
    Registry,
    Cosign,
}

/// A Go module: `e2e/cluster`, below it, or beside it. What wants other versions of the same dependencies has a module of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Module {
    Kubernetes,
    ContainerRuntime,
    Runc,
    Specs,
    Registry,
}

impl Module {
    pub(crate) fn dir(self, base: &Path) -> PathBuf {
        match self {
            Self::Kubernetes => base.to_path_buf(),
            Self::ContainerRuntime => base.join("cri"),
            Self::Runc => base.join("runc"),
            Self::Specs => base.join("specs"),
            Self::Registry => base.with_file_name("registry"),
        }
    }
}

impl Tool {
    /// Of a control plane.
    pub const ALL: [Self; 5] =
        [Self::Etcd, Self::KubeApiserver, Self::KubeControllerManager, Self::Kubectl, Self::Helm];
    pub const CLIENTS: [Self; 2] = [Self::Kubectl, Self::Helm];
    /// What a node needs besides.
    pub const NODE: [Self; 10] = [
        Self::KubeScheduler,
        Self::Kubelet,
        Self::KubeProxy,
        Self::Containerd,
        Self::ContainerdShim,
        Self::Ctr,
        Self::CniPtp,
        Self::CniHostLocal,
        Self::CniLoopback,
        Self::Runc,
    ];
    /// Kubernetes' own NetworkPolicy specs, and what their pods run.
    pub const SPECS: [Self; 2] = [Self::Agnhost, Self::NetpolSpecs];

    /// What the tests of signatures run; nothing else needs them.
    pub const SIGNATURES: [Self; 2] = [Self::Registry, Self::Cosign];

    /// Of a control plane and its node.
    pub fn every() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().chain(Self::NODE).chain(Self::SPECS)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::KubeApiserver => "kube-apiserver",
            Self::KubeControllerManager => "kube-controller-manager",
            Self::Kubectl => "kubectl",
            Self::Helm => "helm",
            Self::KubeScheduler => "kube-scheduler",
            Self::Kubelet => "kubelet",
            Self::KubeProxy => "kube-proxy",
            Self::Containerd => "containerd",
            Self::ContainerdShim => "containerd-shim-runc-v2",
            Self::Ctr => "ctr",
            Self::CniPtp => "ptp",
            Self::CniHostLocal => "host-local",
            Self::CniLoopback => "loopback",
            Self::Runc => "runc",
            Self::Agnhost => "agnhost",
            Self::NetpolSpecs => "netpol-specs",
            Self::Registry => "registry",
            Self::Cosign => "cosign",
        }
    }

    pub(crate) const fn module(self) -> Module {
        match self {
            Self::Containerd
            | Self::ContainerdShim
            | Self::Ctr
            | Self::CniPtp
            | Self::CniHostLocal
            | Self::CniLoopback => Module::ContainerRuntime,
            Self::Runc => Module::Runc,
            Self::Agnhost | Self::NetpolSpecs => Module::Specs,
            Self::Registry | Self::Cosign => Module::Registry,
            _ => Module::Kubernetes,
        }
    }

    pub(crate) const fn go_package(self) -> &'static str {
        match self {
            Self::Etcd => "go.etcd.io/etcd/server/v3",
            Self::KubeApiserver => "k8s.io/kubernetes/cmd/kube-apiserver",
            Self::KubeControllerManager => "k8s.io/kubernetes/cmd/kube-controller-manager",
            Self::Kubectl => "k8s.io/kubernetes/cmd/kubectl",
            Self::Helm => "helm.sh/helm/v4/cmd/helm",
            Self::KubeScheduler => "k8s.io/kubernetes/cmd/kube-scheduler",
            Self::Kubelet => "k8s.io/kubernetes/cmd/kubelet",
            Self::KubeProxy => "k8s.io/kubernetes/cmd/kube-proxy",
            Self::Containerd => "github.com/containerd/containerd/v2/cmd/containerd",
            Self::ContainerdShim => "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
            Self::Ctr => "github.com/containerd/containerd/v2/cmd/ctr",
            Self::CniPtp => "github.com/containernetworking/plugins/plugins/main/ptp",
            Self::CniHostLocal => "github.com/containernetworking/plugins/plugins/ipam/host-local",
            Self::CniLoopback => "github.com/containernetworking/plugins/plugins/main/loopback",
            Self::Runc => "github.com/opencontainers/runc",
            Self::Agnhost => "k8s.io/kubernetes/test/images/agnhost",
            Self::NetpolSpecs => "snc-operator.test/specs",
            Self::Registry => "github.com/distribution/distribution/v3/cmd/registry",
            Self::Cosign => "github.com/sigstore/cosign/v3/cmd/cosign",
        }
    }

    pub(crate) const fn usual_build(self) -> &'static str {
        match self {
            Self::Etcd | Self::NetpolSpecs => "about 40 s",
            Self::KubeApiserver => "about 160-220 s",
            Self::KubeControllerManager => "about 50-70 s",
            Self::Kubectl | Self::Kubelet => "about 20-30 s",
            Self::Helm => "about 20-60 s",
            Self::Containerd | Self::Registry => "about 60-80 s",
            Self::Cosign => "about 100-120 s",
            Self::Runc => "about 20 s",
            _ => "below 10 s",
        }
    }

    /// How an installed one tells its version; of the others only our own builds are used.
    pub(crate) const fn version_args(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Etcd | Self::KubeApiserver | Self::KubeControllerManager => Some(&["--version"]),
            Self::Kubectl => Some(&["version", "--client"]),
            Self::Helm => Some(&["version", "--short"]),
            _ => None,
        }
    }

    pub(crate) const fn accepted(self) -> &'static str {
        match self {
            Self::Etcd => "3.5 or newer",
            Self::KubeApiserver | Self::KubeControllerManager => "1.36",
            Self::Kubectl => "1.34 or newer",
            Self::Helm => "3.14 or newer",
            _ => "our own build",
        }
    }

    pub(crate) const fn accepts(self, (major, minor): (u32, u32)) -> bool {
        match self {
            Self::Etcd => major == 3 && minor >= 5,
            Self::KubeApiserver | Self::KubeControllerManager => major == 1 && minor == 36,
            Self::Kubectl => major == 1 && minor >= 34,
            Self::Helm => (major == 3 && minor >= 14) || major == 4,
            _ => false,
        }
    }

    pub(crate) fn in_dir(self, dir: &Path) -> PathBuf {
        dir.join(self.name())
    }
}

/// The first `major.minor` in what a tool prints about itself.
pub(crate) fn parse_version(output: &str) -> Option<(u32, u32)> {
    output.split(|c: char| !(c.is_ascii_digit() || c == '.')).find_map(|word| {
        let mut parts = word.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_the_tools_print() {
        for (output, expected) in [
            ("Kubernetes v1.36.3\n", Some((1, 36))),
            ("etcd Version: 3.6.8\nGit SHA: Not provided\nGo Version: go1.26.8\n", Some((3, 6))),
            ("Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0\n", Some((1, 32))),
            ("v4.2\n", Some((4, 2))),
            ("v3.19.0+g3d8990f\n", Some((3, 19))),
            ("no version here\n", None),
        ] {
            assert_eq!(parse_version(output), expected, "{output}");
        }
    }

    #[test]
    fn a_control_plane_of_another_minor_is_not_taken() {
        assert!(Tool::KubeApiserver.accepts((1, 36)));
        assert!(!Tool::KubeApiserver.accepts((1, 35)));
        assert!(!Tool::KubeControllerManager.accepts((1, 37)));
        assert!(Tool::Kubectl.accepts((1, 34)));
        assert!(!Tool::Kubectl.accepts((1, 32)));
        assert!(!Tool::Etcd.accepts((3, 4)));
    }
}
