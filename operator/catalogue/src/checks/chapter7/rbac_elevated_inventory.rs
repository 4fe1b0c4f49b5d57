//! ```yaml
//! id: rbac-elevated-inventory
//! category: rbac
//! requirements: [7.1.b, 9.3.c]
//! level: Standard
//! severity: high
//! scope: any
//! title:
//!   fr: Privilèges élevés hors de l'inventaire des administrateurs
//!   en: Elevated rights outside the inventory of administrators
//! reads:
//!   - rbac.authorization.k8s.io/ClusterRoleBinding
//!   - rbac.authorization.k8s.io/RoleBinding
//!   - rbac.authorization.k8s.io/ClusterRole
//!   - rbac.authorization.k8s.io/Role
//!   - core/Namespace
//! judges: [rbac.authorization.k8s.io/ClusterRoleBinding, rbac.authorization.k8s.io/RoleBinding]
//! parameters:
//!   - name: administrators
//!     default: []
//!     stronger: fewer
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Personnes et groupes de l'inventaire, vérifiés avant d'être inscrits, « User:nom » ou « Group:nom ».
//!       en: People and groups of the inventory, vetted before they are put there, `User:name` or `Group:name`.
//! remediation:
//!   fr: Inscrire la personne ou le groupe une fois la vérification faite, ou retirer le droit.
//!   en: Put the person or group in the inventory once vetted, or remove the right.
//!   snippet: |
//!     kubectl delete clusterrolebinding NAME
//! boundary:
//!   fr: Prouve que les personnes et groupes liés à un privilège élevé, sur tout le cluster ou dans un namespace de la plateforme, sont à l'inventaire ; ne prouve ni la vérification, ni qui est membre des groupes, ni les privilèges hors du cluster.
//!   en: Proves that people and groups bound to an elevated right, cluster-wide or in a platform namespace, are in the inventory; proves neither the vetting, nor who is in the groups, nor privileges outside the cluster.
//! ```

use crate::checks::World;
use crate::rbac::{Grant, elevated, grants};
use snc_core::verdict::{Outcome, Subject};

/// The cluster's own parts, which log in with certificates, and the group that no binding limits.
const PARTS: [&str; 6] = [
    "User:system:kube-controller-manager",
    "User:system:kube-scheduler",
    "User:system:kube-proxy",
    "User:system:apiserver",
    "Group:system:nodes",
    "Group:system:masters",
];

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    grants(world.snapshot).map(|grant| (grant.binding.clone(), judged(world, &grant))).collect()
}

fn judged(world: &World<'_>, grant: &Grant<'_>) -> Outcome {
    let of_tenant = !grant.is_cluster_wide() && world.snapshot.tenant(&grant.binding.namespace).is_some();
    let people: Vec<String> = grant
        .holders()
        .filter(|holder| {
            !holder.starts_with("ServiceAccount:") && !holder.starts_with("Group:system:serviceaccounts")
        })
        .filter(|holder| !PARTS.contains(&holder.as_str()))
        .collect();
    let Some(right) = elevated(grant.rules()).filter(|_| !of_tenant && !people.is_empty()) else {
        return Outcome::not_applicable();
    };
    let listed = world.settings.strings("administrators");
    let beyond: Vec<String> =
        people.into_iter().filter(|holder| !listed.contains(&holder.as_str())).collect();
    if beyond.is_empty() {
        return Outcome::pass();
    }
    let beyond = beyond.join(", ");
    Outcome::fail(
        format!("privilège élevé ({right}) hors de l'inventaire : {beyond}"),
        format!("elevated right ({right}) outside the inventory: {beyond}"),
    )
    .at("subjects")
}
