//! The tools of a control plane: their Go packages, the versions that are accepted, how long a build takes.

use std::path::Path;

pub const KUBERNETES_VERSION: &str = "v1.36.3";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tool {
    Etcd,
    KubeApiserver,
    KubeControllerManager,
    Kubectl,
    Helm,
}

impl Tool {
    pub const ALL: [Self; 5] =
        [Self::Etcd, Self::KubeApiserver, Self::KubeControllerManager, Self::Kubectl, Self::Helm];
    pub const CLIENTS: [Self; 2] = [Self::Kubectl, Self::Helm];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::KubeApiserver => "kube-apiserver",
            Self::KubeControllerManager => "kube-controller-manager",
            Self::Kubectl => "kubectl",
            Self::Helm => "helm",
        }
    }

    pub(crate) const fn go_package(self) -> &'static str {
        match self {
            Self::Etcd => "go.etcd.io/etcd/server/v3",
            Self::KubeApiserver => "k8s.io/kubernetes/cmd/kube-apiserver",
            Self::KubeControllerManager => "k8s.io/kubernetes/cmd/kube-controller-manager",
            Self::Kubectl => "k8s.io/kubernetes/cmd/kubectl",
            Self::Helm => "helm.sh/helm/v4/cmd/helm",
        }
    }

    pub(crate) const fn usual_build(self) -> &'static str {
        match self {
            Self::Etcd => "about 40 s",
            Self::KubeApiserver => "about 160-220 s",
            Self::KubeControllerManager => "about 50-70 s",
            Self::Kubectl => "about 20-30 s",
            Self::Helm => "about 20-60 s",
        }
    }

    pub(crate) const fn version_args(self) -> &'static [&'static str] {
        match self {
            Self::Etcd | Self::KubeApiserver | Self::KubeControllerManager => &["--version"],
            Self::Kubectl => &["version", "--client"],
            Self::Helm => &["version", "--short"],
        }
    }

    pub(crate) const fn accepted(self) -> &'static str {
        match self {
            Self::Etcd => "3.5 or newer",
            Self::KubeApiserver | Self::KubeControllerManager => "1.36",
            Self::Kubectl => "1.34 or newer",
            Self::Helm => "3.14 or newer",
        }
    }

    pub(crate) const fn accepts(self, (major, minor): (u32, u32)) -> bool {
        match self {
            Self::Etcd => major == 3 && minor >= 5,
            Self::KubeApiserver | Self::KubeControllerManager => major == 1 && minor == 36,
            Self::Kubectl => major == 1 && minor >= 34,
            Self::Helm => (major == 3 && minor >= 14) || major == 4,
        }
    }

    pub(crate) fn in_dir(self, dir: &Path) -> std::path::PathBuf {
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
