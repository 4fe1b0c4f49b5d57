//! Where the control plane is somebody else's.

use super::{Distribution, File};
use snc_core::text::Text;

pub(super) fn openshift_profile() -> File {
    File {
        path: "APIServer/cluster (config.openshift.io/v1)".to_owned(),
        what: Text::new(
            "Le profil de l'audit : oc patch apiserver cluster --type=merge, avec ceci",
            "The audit profile: oc patch apiserver cluster --type=merge, with this",
        ),
        text: "spec:\n  audit:\n    profile: Default\n".to_owned(),
    }
}

pub(super) fn openshift() -> Vec<Text> {
    vec![
        Text::new(
            "Ni fichier de politique ni webhook d'audit ne peuvent être donnés : l'opérateur d'OpenShift fait la politique \
             d'après un profil (Default, WriteRequestBodies, AllRequestBodies, None) et spec.audit.customRules, par groupe. \
             Default écrit les métadonnées des lectures et des écritures ; les Secrets ne dépassent jamais les métadonnées. \
             None est à proscrire. Les souhaits des tenants ne peuvent être joints.",
            "Neither a policy file nor an audit webhook can be given: OpenShift's operator makes the policy from a profile \
             (Default, WriteRequestBodies, AllRequestBodies, None) and spec.audit.customRules, by group. Default writes the \
             metadata of reads and writes; Secrets never go beyond metadata. None is out of the question. Wishes of tenants \
             cannot be joined in.",
        ),
        Text::new(
            "Le journal est sur chaque nœud de contrôle : le tailer lit /var/log/kube-apiserver/audit.log, et de même \
             /var/log/openshift-apiserver, /var/log/oauth-apiserver et /var/log/oauth-server, chacun comme un serveur à part. \
             C'est la seule source : la rapidité vient du tailer.",
            "The log is on each control-plane node: the tailer reads /var/log/kube-apiserver/audit.log, and likewise \
             /var/log/openshift-apiserver, /var/log/oauth-apiserver and /var/log/oauth-server, each as a server of its own. \
             That is the only source: the tailer is what makes it quick.",
        ),
        Text::new(
            "Ce que la politique appliquée omet se voit aux événements reçus, pas à un fichier : ce qui n'a jamais été vu \
             reste inconnu.",
            "What the applied policy leaves out is seen by the events received, not by a file: what was never seen stays \
             unknown.",
        ),
    ]
}

pub(super) fn notes(distribution: Distribution) -> Vec<Text> {
    let mut notes = vec![Text::new(
        "Les options de l'API server sont au fournisseur : ni politique, ni fichier, ni webhook d'audit ne peuvent être \
         donnés. Le puits n'a donc pas de source, et les exigences 12.6.b et 12.7 restent à prouver autrement : par \
         l'attestation du fournisseur et l'export ci-dessous. Un service SecNumCloud se construit sur un plan de contrôle \
         dont on tient l'audit.",
        "The API server's flags are the provider's: neither a policy, nor a file, nor an audit webhook can be given. So the \
         sink has no source, and requirements 12.6.b and 12.7 stay to be proven otherwise: by the provider's attestation and \
         the export below. A SecNumCloud service is built on a control plane whose audit is in one's own hands.",
    )];
    let (fr, en) = match distribution {
        Distribution::Eks => (
            "EKS : activer le type de journal « audit » du plan de contrôle (aws eks update-cluster-config --logging) ; il va \
             à CloudWatch Logs, à exporter vers un stockage à verrou d'objets.",
            "EKS: turn on the control plane's log type \"audit\" (aws eks update-cluster-config --logging); it goes to \
             CloudWatch Logs, to be exported to a store with object lock.",
        ),
        Distribution::Gke => (
            "GKE : Admin Activity est toujours écrit ; activer les journaux Data Access (ADMIN_READ, DATA_READ, DATA_WRITE) \
             de l'API Kubernetes Engine, sans quoi les lectures de Secrets manquent ; les exporter par un récepteur \
             (sink) de Cloud Logging.",
            "GKE: Admin Activity is always written; turn on the Data Access logs (ADMIN_READ, DATA_READ, DATA_WRITE) of the \
             Kubernetes Engine API, without which reads of Secrets are missing; export them by a Cloud Logging sink.",
        ),
        Distribution::Aks => (
            "AKS : paramètre de diagnostic avec la catégorie kube-audit (kube-audit-admin omet get et list, donc les lectures \
             de Secrets) et guard, vers un compte de stockage immuable.",
            "AKS: a diagnostic setting with category kube-audit (kube-audit-admin leaves out get and list, and so reads of \
             Secrets) and guard, to an immutable storage account.",
        ),
        _ => (
            "OVHcloud Managed Kubernetes : abonner le cluster au transfert des journaux d'audit vers un flux de Logs Data \
             Platform ; la politique est celle d'OVHcloud.",
            "OVHcloud Managed Kubernetes: subscribe the cluster to the forwarding of audit logs to a stream of Logs Data \
             Platform; the policy is OVHcloud's.",
        ),
    };
    notes.push(Text::new(fr, en));
    notes
}
