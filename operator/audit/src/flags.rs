//! How an API server is told to write its audit log, by the way it was installed; and where that cannot be said to it, what
//! to do instead. Of Kubernetes 1.34 to 1.36.

mod files;
mod kubeconfig;
mod managed;
mod reach;

pub use kubeconfig::{Webhook, kubeconfig};
pub use reach::reach;

use snc_core::text::Text;
use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Distribution {
    Kubeadm,
    K3s,
    Rke2,
    OpenShift,
    Eks,
    Gke,
    Aks,
    Ovh,
}

impl Distribution {
    pub const ALL: &'static [Self] =
        &[Self::Kubeadm, Self::K3s, Self::Rke2, Self::OpenShift, Self::Eks, Self::Gke, Self::Aks, Self::Ovh];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kubeadm => "kubeadm",
            Self::K3s => "k3s",
            Self::Rke2 => "rke2",
            Self::OpenShift => "openshift",
            Self::Eks => "eks",
            Self::Gke => "gke",
            Self::Aks => "aks",
            Self::Ovh => "ovh",
        }
    }

    /// Where on a machine of the control plane what is asked for is put.
    pub const fn directory(self) -> &'static str {
        match self {
            Self::K3s => "/etc/rancher/k3s/audit",
            Self::Rke2 => "/etc/rancher/rke2/audit",
            _ => "/etc/kubernetes/audit",
        }
    }

    /// Where the log file is, for whoever tails it. None where there is none to be had.
    pub const fn log(self) -> Option<&'static str> {
        match self {
            Self::Kubeadm => Some("/var/log/kubernetes/audit/audit.log"),
            Self::K3s => Some("/var/lib/rancher/k3s/server/logs/audit.log"),
            Self::Rke2 => Some("/var/lib/rancher/rke2/server/logs/audit.log"),
            Self::OpenShift => Some("/var/log/kube-apiserver/audit.log"),
            Self::Eks | Self::Gke | Self::Aks | Self::Ovh => None,
        }
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Distribution {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|known| known.as_str() == text).ok_or_else(|| {
            let known = Self::ALL.iter().map(|known| known.as_str()).collect::<Vec<_>>().join(", ");
            format!("distribution inconnue / unknown distribution: {text:?} ({known})")
        })
    }
}

/// One flag of kube-apiserver, without its dashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    pub name: &'static str,
    pub value: String,
    pub why: Text,
}

/// Something to write somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub path: String,
    pub what: Text,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    pub distribution: Distribution,
    /// Whether the policy and the two outputs can be set at all.
    pub possible: bool,
    pub flags: Vec<Flag>,
    pub files: Vec<File>,
    pub notes: Vec<Text>,
}

/// With which of the two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outputs {
    pub file: bool,
    pub webhook: bool,
}

/// Source: product. What an outage of the sink has to fit in; it is not retention, which is the sink's (12.6.c).
const LOG_MEGABYTES: u32 = 100;
const LOG_FILES: u32 = 50;
const LOG_DAYS: u32 = 30;

pub const POLICY_FILE: &str = "policy.yaml";
pub const WEBHOOK_FILE: &str = "webhook.yaml";

pub fn flags(distribution: Distribution, outputs: Outputs) -> Advice {
    let mut notes = Vec::new();
    let (flags, files, possible) = match distribution {
        Distribution::Kubeadm | Distribution::K3s | Distribution::Rke2 => {
            let flags = all(distribution, outputs);
            let files = files::of(distribution, &flags);
            notes.extend(files::notes(distribution));
            notes.extend(own(outputs));
            (flags, files, true)
        }
        Distribution::OpenShift => {
            notes.extend(managed::openshift());
            (Vec::new(), vec![managed::openshift_profile()], false)
        }
        Distribution::Eks | Distribution::Gke | Distribution::Aks | Distribution::Ovh => {
            notes.extend(managed::notes(distribution));
            (Vec::new(), Vec::new(), false)
        }
    };
    if outputs.webhook && possible {
        notes.extend(reach::reach());
    }
    Advice { distribution, possible, flags, files, notes }
}

fn all(distribution: Distribution, outputs: Outputs) -> Vec<Flag> {
    let directory = distribution.directory();
    let mut flags = vec![flag(
        "audit-policy-file",
        format!("{directory}/{POLICY_FILE}"),
        "Ce qui est journalisé. Sans ce fichier rien ne l'est, même avec les autres options.",
        "What is recorded. Without this file nothing is, whatever the other flags say.",
    )];
    if let Some(log) = distribution.log().filter(|_| outputs.file) {
        flags.extend([
            flag(
                "audit-log-path",
                log.to_owned(),
                "Le fichier qui fait foi. Son mode reste « blocking » : une réponse attend que son événement soit écrit.",
                "The file that is the truth. Its mode stays \"blocking\": an answer waits until its event is written.",
            ),
            flag(
                "audit-log-maxsize",
                LOG_MEGABYTES.to_string(),
                "Mégaoctets avant une rotation ; 0 l'interdirait.",
                "Megabytes before a rotation; 0 would forbid it.",
            ),
            flag(
                "audit-log-maxbackup",
                LOG_FILES.to_string(),
                "Fichiers gardés. À compter selon la plus longue panne prévue du puits : ce tampon n'est pas la conservation.",
                "Files kept. To be reckoned by the longest planned outage of the sink: this buffer is not the retention.",
            ),
            flag(
                "audit-log-maxage",
                LOG_DAYS.to_string(),
                "Jours gardés, pour la même raison.",
                "Days kept, for the same reason.",
            ),
            flag(
                "audit-log-compress",
                "false".to_owned(),
                "Un fichier tourné est relu tel quel par qui le suit.",
                "Whoever tails the file reads a rotated one as it is.",
            ),
        ]);
    }
    if outputs.webhook {
        flags.extend([
            flag(
                "audit-webhook-config-file",
                format!("{directory}/{WEBHOOK_FILE}"),
                "Où envoyer les événements, et avec quelle identité.",
                "Where to send events, and with what identity.",
            ),
            flag(
                "audit-webhook-mode",
                "batch".to_owned(),
                "Une panne du puits ne retient aucune requête. Ce mode peut perdre (tampon plein, 5 essais en 81 s environ, \
                 arrêt brutal) : le fichier comble ce qui manque.",
                "An outage of the sink holds up no request. This mode can lose (a full buffer, 5 tries in some 81 s, a \
                 crash): the file fills in what is missing.",
            ),
            flag(
                "audit-webhook-batch-max-wait",
                "1s".to_owned(),
                "Un lot attend une seconde au plus, et non 30 : c'est la sortie qui alerte.",
                "A batch waits for one second at most, not 30: this is the output that alarms.",
            ),
        ]);
    }
    flags
}

/// What holds wherever the flags can be set.
fn own(outputs: Outputs) -> Vec<Text> {
    let mut notes = vec![Text::new(
        "Redémarrer chaque API server l'un après l'autre : la politique et ces options ne sont lues qu'au démarrage. Un \
         fichier de politique qu'il ne sait pas lire l'empêche de démarrer ; vérifier d'abord le fichier avec audit-policy.",
        "Restart each API server, one after the other: the policy and these flags are read at the start only. A policy \
         file that it cannot read keeps it from starting; check the file with audit-policy first.",
    )];
    if outputs.file && outputs.webhook {
        notes.push(Text::new(
            "Ne pas activer --audit-log-truncate-enabled ni --audit-webhook-truncate-enabled : un événement tronqué d'un \
             seul côté est un autre événement, et lève audit-id-reused.",
            "Do not turn on --audit-log-truncate-enabled or --audit-webhook-truncate-enabled: an event that is truncated \
             on one side only is another event, and raises audit-id-reused.",
        ));
    }
    if outputs.file {
        notes.push(Text::new(
            "blocking-strict n'apporte rien ici : il n'agit que sur l'étape RequestReceived, que la politique omet. \
             Surveiller apiserver_audit_error_total et l'espace disque : en mode blocking une écriture qui échoue est \
             comptée, et la requête passe.",
            "blocking-strict adds nothing here: it acts on stage RequestReceived only, which the policy omits. Watch \
             apiserver_audit_error_total and the disk: in mode blocking a write that fails is counted, and the request \
             goes through.",
        ));
    } else {
        notes.push(Text::new(
            "Sans le fichier, la complétude ne peut être prouvée : ce que le webhook perd reste un trou déclaré.",
            "Without the file completeness cannot be proven: what the webhook loses stays a declared gap.",
        ));
    }
    notes
}

fn flag(name: &'static str, value: String, fr: &str, en: &str) -> Flag {
    Flag { name, value, why: Text::new(fr, en) }
}

impl Advice {
    /// As on a command line.
    pub fn arguments(&self) -> impl Iterator<Item = String> {
        self.flags.iter().map(|flag| format!("--{}={}", flag.name, flag.value))
    }
}

#[cfg(test)]
mod tests;
