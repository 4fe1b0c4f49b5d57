//! ```yaml
//! id: rbac-cluster-admin
//! category: rbac
//! requirements: [9.1.a, 9.3.a]
//! level: Essentiel
//! severity: critical
//! scope: any
//! title:
//!   fr: cluster-admin donné hors des identités déclarées
//!   en: cluster-admin granted beyond the declared identities
//! reads: [rbac.authorization.k8s.io/ClusterRoleBinding, rbac.authorization.k8s.io/RoleBinding]
//! parameters:
//!   - name: breakGlass
//!     default: ["Group:kubeadm:cluster-admins"]
//!     stronger: fewer
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Utilisateurs et groupes qui peuvent détenir cluster-admin, « User:nom » ou « Group:nom » ; à l'origine, le groupe que kubeadm crée pour admin.conf.
//!       en: Users and groups that may hold cluster-admin, `User:name` or `Group:name`; by default, the group that kubeadm makes for admin.conf.
//! remediation:
//!   fr: Lier un rôle limité aux verbes et ressources utiles ; garder cluster-admin aux identités de secours déclarées.
//!   en: Bind a role limited to the verbs and resources that are needed; keep cluster-admin for declared break-glass identities.
//!   snippet: |
//!     kubectl delete clusterrolebinding NAME
//! boundary:
//!   fr: Prouve qu'aucune liaison ne donne cluster-admin hors des identités déclarées ; ne dit rien des rôles aussi larges sous un autre nom ni de qui est membre des groupes.
//!   en: Proves that no binding grants cluster-admin beyond the declared identities; says nothing of roles as broad under another name, nor of who is in the groups.
//! ```

use crate::checks::World;
use snc_core::verdict::{Outcome, Subject};

/// The API server makes these, and makes them again.
const BOOTSTRAP: &str = "kubernetes.io/bootstrapping";

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let allowed = world.settings.strings("breakGlass");
    let judged = |(subject, binding): (&Subject, &snc_core::facts::Binding)| {
        if binding.role_ref.kind != "ClusterRole" || binding.role_ref.name != "cluster-admin" {
            return (subject.clone(), Outcome::not_applicable());
        }
        let bootstrap = binding.metadata.labels.get(BOOTSTRAP).is_some_and(|value| value == "rbac-defaults");
        let name = |held: &snc_core::facts::RoleSubject| match held.namespace.as_str() {
            "" => format!("{}:{}", held.kind, held.name),
            namespace => format!("{}:{namespace}/{}", held.kind, held.name),
        };
        let beyond: Vec<String> = binding
            .subjects
            .iter()
            .map(name)
            .filter(|name| !allowed.contains(&name.as_str()))
            .filter(|name| !bootstrap || name != "Group:system:masters")
            .collect();
        let outcome = if beyond.is_empty() {
            Outcome::pass()
        } else {
            let beyond = beyond.join(", ");
            Outcome::fail(
                format!("cluster-admin commande tout le cluster et est donné à : {beyond}"),
                format!("cluster-admin commands the whole cluster and is granted to: {beyond}"),
            )
            .at("subjects")
        };
        (subject.clone(), outcome)
    };
    world.snapshot.bindings.iter().map(judged).collect()
}
