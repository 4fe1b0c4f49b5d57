//! ```yaml
//! id: rbac-dangling-binding
//! category: rbac
//! requirements: [9.2.c, 9.3.a]
//! level: Standard
//! severity: medium
//! scope: any
//! title:
//!   fr: Liaison dont le rôle ou le compte n'existe pas
//!   en: Binding whose role or account does not exist
//! reads:
//!   - rbac.authorization.k8s.io/ClusterRoleBinding
//!   - rbac.authorization.k8s.io/RoleBinding
//!   - rbac.authorization.k8s.io/ClusterRole
//!   - rbac.authorization.k8s.io/Role
//!   - core/ServiceAccount
//! judges: [rbac.authorization.k8s.io/ClusterRoleBinding, rbac.authorization.k8s.io/RoleBinding]
//! remediation:
//!   fr: Supprimer la liaison, ou en retirer le compte ; qui crée un objet de ce nom lui donnerait un sens.
//!   en: Delete the binding, or take the account out of it; whoever creates an object of that name would give it a meaning.
//!   snippet: |
//!     kubectl delete rolebinding NAME -n NAMESPACE
//! boundary:
//!   fr: Prouve que le rôle et les ServiceAccounts liés existent ; ne dit rien des utilisateurs et des groupes, que l'annuaire connaît. Les liaisons d'origine des contrôleurs peuvent nommer un compte absent.
//!   en: Proves that the bound role and ServiceAccounts exist; says nothing of users and groups, which the directory knows. The stock bindings of controllers may name an absent account.
//! ```

use crate::checks::World;
use crate::rbac::{Grant, account, grants, is_stock};
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    grants(world.snapshot).map(|grant| (grant.binding.clone(), judged(world, &grant))).collect()
}

fn judged(world: &World<'_>, grant: &Grant<'_>) -> Outcome {
    let mut missing: Vec<String> = Vec::new();
    let mut paths: Vec<&str> = Vec::new();
    if grant.role.is_none() {
        missing.push(format!("{} {}", grant.fact.role_ref.kind, grant.fact.role_ref.name));
        paths.push("roleRef.name");
    }
    let known = |namespace: &str, name: &str| {
        world.snapshot.service_accounts.get(&Subject::new("v1", "ServiceAccount", namespace, name)).is_some()
    };
    let accounts = grant.fact.subjects.iter().filter_map(|held| account(held, &grant.binding.namespace));
    let lost: Vec<String> = accounts
        .filter(|(namespace, name)| !known(namespace, name))
        .map(|(namespace, name)| format!("ServiceAccount {namespace}/{name}"))
        .collect();
    if !lost.is_empty() && !is_stock(grant) {
        missing.extend(lost);
        paths.push("subjects");
    }
    if missing.is_empty() {
        return Outcome::pass();
    }
    let missing = missing.join(", ");
    let outcome = Outcome::fail(
        format!("qui crée ce qui manque reçoit ou définit ces droits : {missing}"),
        format!("whoever creates what is missing receives or defines these rights: {missing}"),
    );
    paths.into_iter().fold(outcome, Outcome::at)
}
