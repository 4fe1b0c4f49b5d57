//! ```yaml
//! id: rbac-cross-tenant
//! category: rbac
//! requirements: [9.7.a, 9.3.a]
//! level: Essentiel
//! severity: critical
//! scope: any
//! title:
//!   fr: Droits donnés au compte d'un autre tenant
//!   en: Rights granted to another tenant's account
//! reads: [rbac.authorization.k8s.io/RoleBinding, core/Namespace]
//! judges: [rbac.authorization.k8s.io/RoleBinding]
//! remediation:
//!   fr: Retirer ce compte de la liaison ; faire passer l'échange par une interface de service.
//!   en: Take this account out of the binding; let the exchange go through a service interface.
//!   snippet: |
//!     kubectl delete rolebinding NAME -n NAMESPACE
//! boundary:
//!   fr: Prouve qu'aucun ServiceAccount d'un tenant n'est lié dans un namespace d'un autre ou de la plateforme ; ne dit rien des utilisateurs, que seul l'annuaire rattache à un tenant.
//!   en: Proves that no ServiceAccount of a tenant is bound in a namespace of another tenant or of the platform; says nothing of users, whom only the directory ties to a tenant.
//! ```

use crate::checks::World;
use crate::rbac::home;
use snc_core::facts::Binding;
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let bindings = world.snapshot.bindings.iter().filter(|(subject, _)| subject.kind == "RoleBinding");
    bindings.map(|(subject, binding)| (subject.clone(), judged(world, subject, binding))).collect()
}

fn judged(world: &World<'_>, subject: &Subject, binding: &Binding) -> Outcome {
    let here = subject.namespace.as_str();
    let homes: Vec<&str> =
        binding.subjects.iter().filter_map(|s| home(s, here)).filter(|home| *home != here).collect();
    if homes.is_empty() {
        return Outcome::not_applicable();
    }
    let unknown = |namespace: &&&str| world.snapshot.labels_of(namespace).is_none();
    let tenant = world.snapshot.tenant(here);
    let foreign = |home: &&&str| world.snapshot.tenant(home).is_some_and(|other| Some(other) != tenant);
    let told = |found: Vec<&&str>| found.into_iter().copied().collect::<Vec<_>>().join(", ");
    let beyond: Vec<&&str> = homes.iter().filter(foreign).collect();
    if !beyond.is_empty() {
        let beyond = told(beyond);
        return Outcome::fail(
            format!("des comptes d'un autre tenant ont des droits dans {here} : {beyond}"),
            format!("accounts of another tenant have rights in {here}: {beyond}"),
        )
        .at("subjects");
    }
    let here_too = [here];
    let lost: Vec<&&str> = homes.iter().chain(&here_too).filter(unknown).collect();
    if lost.is_empty() {
        return Outcome::pass();
    }
    let lost = told(lost);
    Outcome::unknown(format!("tenant inconnu : {lost}"), format!("unknown tenant: {lost}")).at("subjects")
}
