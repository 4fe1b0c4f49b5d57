//! Where flags are written, where they can be.

use super::{Distribution, File, Flag};
use snc_core::text::Text;
use std::fmt::Write as _;

/// Named on its own by RKE2, which then adds a rotation of its own before other flags.
const POLICY: &str = "audit-policy-file";

pub(super) fn of(distribution: Distribution, flags: &[Flag]) -> Vec<File> {
    match distribution {
        Distribution::Kubeadm => vec![kubeadm(flags)],
        Distribution::K3s => vec![File {
            path: "/etc/rancher/k3s/config.yaml".to_owned(),
            what: Text::new(
                "À ajouter sur chaque serveur, à la liste kube-apiserver-arg s'il y en a déjà une, puis : systemctl restart k3s",
                "To be added on each server, to the list kube-apiserver-arg if there is one already, then: systemctl restart k3s",
            ),
            text: arguments(flags.iter()),
        }],
        Distribution::Rke2 => vec![rke2(flags)],
        _ => Vec::new(),
    }
}

fn arguments<'f>(flags: impl Iterator<Item = &'f Flag>) -> String {
    flags.fold("kube-apiserver-arg:\n".to_owned(), |mut text, flag| {
        let _ = writeln!(text, "  - \"{}={}\"", flag.name, flag.value);
        text
    })
}

fn rke2(flags: &[Flag]) -> File {
    let (policy, others): (Vec<&Flag>, Vec<&Flag>) = flags.iter().partition(|flag| flag.name == POLICY);
    let mut text = String::new();
    for flag in policy {
        let _ = writeln!(text, "{}: \"{}\"", flag.name, flag.value);
    }
    text.push_str(&arguments(others.into_iter()));
    let directory = Distribution::Rke2.directory();
    let _ = writeln!(text, "kube-apiserver-extra-mount:\n  - \"{directory}:{directory}:ro\"");
    File {
        path: "/etc/rancher/rke2/config.yaml".to_owned(),
        what: Text::new(
            "À ajouter sur chaque serveur, puis : systemctl restart rke2-server",
            "To be added on each server, then: systemctl restart rke2-server",
        ),
        text,
    }
}

fn kubeadm(flags: &[Flag]) -> File {
    let mut text = String::from(
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\napiServer:\n  extraArgs:\n",
    );
    for flag in flags {
        let _ = writeln!(text, "    - name: {}\n      value: \"{}\"", flag.name, flag.value);
    }
    text.push_str("  extraVolumes:\n");
    let mut volume = |name: &str, path: &str, read_only: bool| {
        let _ = writeln!(
            text,
            "    - name: {name}\n      hostPath: {path}\n      mountPath: {path}\n      readOnly: {read_only}\n      \
             pathType: DirectoryOrCreate"
        );
    };
    volume("snc-audit", Distribution::Kubeadm.directory(), true);
    let log = flags.iter().find(|flag| flag.name == "audit-log-path");
    if let Some((folder, _)) = log.and_then(|flag| flag.value.rsplit_once('/')) {
        volume("snc-audit-log", folder, false);
    }
    File {
        path: "kubeadm.yaml".to_owned(),
        what: Text::new(
            "À joindre à la configuration du cluster (ConfigMap kube-system/kubeadm-config), puis sur chaque nœud de \
             contrôle : kubeadm init phase control-plane apiserver --config kubeadm.yaml",
            "To be joined to the cluster's configuration (ConfigMap kube-system/kubeadm-config), then on each control-plane \
             node: kubeadm init phase control-plane apiserver --config kubeadm.yaml",
        ),
        text,
    }
}

pub(super) fn notes(distribution: Distribution) -> Vec<Text> {
    match distribution {
        Distribution::Kubeadm => vec![Text::new(
            "L'API server est un pod statique : ce qu'il lit et écrit doit être monté (extraVolumes), et un fichier manquant \
             l'empêche de démarrer. Le tailer lit le journal par un hostPath en lecture seule.",
            "The API server is a static pod: what it reads and writes has to be mounted (extraVolumes), and a missing file \
             keeps it from starting. The tailer reads the log through a read-only hostPath.",
        )],
        Distribution::K3s => vec![Text::new(
            "L'API server fait partie du processus k3s : rien à monter. Créer le dossier du journal avec les droits 0700.",
            "The API server is part of the k3s process: nothing to mount. Make the log's directory with mode 0700.",
        )],
        Distribution::Rke2 => vec![
            Text::new(
                "Le fichier de politique doit être en place avant le redémarrage : s'il manque, RKE2 écrit à sa place une \
                 politique qui ne journalise rien (niveau None).",
                "The policy file has to be in place before the restart: where it is missing, RKE2 writes a policy in its \
                 place that records nothing (level None).",
            ),
            Text::new(
                "RKE2 règle lui-même la rotation à 30 jours, 10 fichiers de 100 Mo ; les options ci-dessus passent après \
                 les siennes et l'emportent.",
                "RKE2 itself sets the rotation to 30 days, 10 files of 100 MB; the flags above come after its own and win.",
            ),
        ],
        _ => Vec::new(),
    }
}
