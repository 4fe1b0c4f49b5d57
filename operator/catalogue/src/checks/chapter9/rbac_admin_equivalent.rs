//! ```yaml
//! id: rbac-admin-equivalent
//! category: rbac
//! requirements: [9.1.a, 9.3.a, 7.1.b]
//! level: Essentiel
//! severity: critical
//! scope: any
//! title:
//!   fr: Rôle aussi large que cluster-admin lié sous un autre nom
//!   en: Role as broad as cluster-admin bound under another name
//! reads:
//!   - rbac.authorization.k8s.io/ClusterRoleBinding
//!   - rbac.authorization.k8s.io/RoleBinding
//!   - rbac.authorization.k8s.io/ClusterRole
//!   - rbac.authorization.k8s.io/Role
//! judges: [rbac.authorization.k8s.io/ClusterRoleBinding, rbac.authorization.k8s.io/RoleBinding]
//! parameters:
//!   - name: breakGlass
//!     default: []
//!     stronger: fewer
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Porteurs admis, « User:nom », « Group:nom » ou « ServiceAccount:namespace/nom ».
//!       en: Accepted holders, `User:name`, `Group:name` or `ServiceAccount:namespace/name`.
//! remediation:
//!   fr: Lier un rôle limité aux verbes et ressources utiles.
//!   en: Bind a role limited to the verbs and resources that are needed.
//!   snippet: |
//!     kubectl delete clusterrolebinding NAME
//! boundary:
//!   fr: Prouve que la liaison ne donne pas, sous un autre nom, tous les verbes sur toutes les ressources ; ne dit rien d'un rôle qui les énumère, ni de qui est membre des groupes.
//!   en: Proves that the binding does not grant every verb on every resource under another name; says nothing of a role that lists them, nor of who is in the groups.
//! ```

use crate::checks::World;
use crate::rbac::{Grant, grants, is_everything};
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let allowed = world.settings.strings("breakGlass");
    let judged = |grant: Grant<'_>| {
        let role = &grant.fact.role_ref.name;
        // Bindings to cluster-admin itself have a control of their own.
        if !grant.rules().iter().any(is_everything) || role == "cluster-admin" {
            return (grant.binding.clone(), Outcome::not_applicable());
        }
        let beyond: Vec<String> =
            grant.holders().filter(|holder| !allowed.contains(&holder.as_str())).collect();
        let outcome = if beyond.is_empty() {
            Outcome::pass()
        } else {
            let beyond = beyond.join(", ");
            Outcome::fail(
                format!("{role} donne tous les droits à : {beyond}"),
                format!("{role} grants every right to: {beyond}"),
            )
            .at("roleRef.name")
            .at("subjects")
        };
        (grant.binding.clone(), outcome)
    };
    grants(world.snapshot).map(judged).collect()
}
