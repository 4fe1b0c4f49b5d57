//! ```yaml
//! id: rbac-tenant-cluster-wide
//! category: rbac
//! requirements: [9.7.a, 9.3.a]
//! level: Essentiel
//! severity: high
//! scope: any
//! title:
//!   fr: Droits sur tout le cluster donnés au compte d'un tenant
//!   en: Cluster-wide rights granted to a tenant's account
//! reads: [rbac.authorization.k8s.io/ClusterRoleBinding, core/Namespace]
//! judges: [rbac.authorization.k8s.io/ClusterRoleBinding]
//! parameters:
//!   - name: roles
//!     default: []
//!     stronger: fewer
//!     source: product
//!     writer: platform
//!     about:
//!       fr: ClusterRoles que le compte d'un tenant peut avoir sur tout le cluster.
//!       en: ClusterRoles that a tenant's account may hold over the whole cluster.
//! remediation:
//!   fr: Remplacer la ClusterRoleBinding par une RoleBinding dans le namespace du tenant.
//!   en: Replace the ClusterRoleBinding by a RoleBinding in the tenant's namespace.
//!   snippet: |
//!     kubectl create rolebinding NAME --clusterrole=ROLE --serviceaccount=NAMESPACE:ACCOUNT -n NAMESPACE
//! boundary:
//!   fr: Prouve qu'aucun ServiceAccount d'un namespace de tenant n'est lié sur tout le cluster hors des rôles admis ; ne dit rien des utilisateurs, ni de ce que donnent les rôles admis.
//!   en: Proves that no ServiceAccount of a tenant's namespace is bound cluster-wide beyond the accepted roles; says nothing of users, nor of what accepted roles grant.
//! ```

use crate::checks::World;
use crate::rbac::home;
use snc_core::facts::Binding;
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let bindings = world.snapshot.bindings.iter().filter(|(subject, _)| subject.kind == "ClusterRoleBinding");
    bindings.map(|(subject, binding)| (subject.clone(), judged(world, binding))).collect()
}

fn judged(world: &World<'_>, binding: &Binding) -> Outcome {
    let homes: Vec<&str> = binding.subjects.iter().filter_map(|subject| home(subject, "")).collect();
    if homes.is_empty() {
        return Outcome::not_applicable();
    }
    let role = binding.role_ref.name.as_str();
    if world.settings.strings("roles").contains(&role) {
        return Outcome::pass();
    }
    let tenants: Vec<&str> =
        homes.iter().copied().filter(|home| world.snapshot.tenant(home).is_some()).collect();
    if !tenants.is_empty() {
        let tenants = tenants.join(", ");
        return Outcome::fail(
            format!("{role} vaut chez tous les tenants et est donné à des comptes de : {tenants}"),
            format!("{role} holds for every tenant's namespaces and is granted to accounts of: {tenants}"),
        )
        .at("subjects");
    }
    let lost: Vec<&str> = homes.into_iter().filter(|home| world.snapshot.labels_of(home).is_none()).collect();
    if lost.is_empty() {
        return Outcome::pass();
    }
    let lost = lost.join(", ");
    Outcome::unknown(format!("tenant inconnu : {lost}"), format!("unknown tenant: {lost}")).at("subjects")
}
