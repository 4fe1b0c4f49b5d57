//! ```yaml
//! id: rbac-unused-account
//! category: rbac
//! requirements: [9.4.c, 9.3.a]
//! level: Standard
//! severity: low
//! scope: any
//! title:
//!   fr: ServiceAccount qui a des droits et que rien n'utilise
//!   en: ServiceAccount that has rights and that nothing uses
//! reads:
//!   - rbac.authorization.k8s.io/ClusterRoleBinding
//!   - rbac.authorization.k8s.io/RoleBinding
//!   - core/ServiceAccount
//!   - core/Pod
//!   - apps/Deployment
//!   - apps/StatefulSet
//!   - apps/DaemonSet
//!   - batch/Job
//!   - batch/CronJob
//! judges: [core/ServiceAccount]
//! parameters:
//!   - name: declared
//!     default: []
//!     stronger: fewer
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Comptes utilisés hors du cluster, « namespace/nom ».
//!       en: Accounts used outside the cluster, `namespace/name`.
//! remediation:
//!   fr: Supprimer le compte et ses liaisons, ou déclarer qui s'en sert hors du cluster.
//!   en: Delete the account and its bindings, or declare who uses it outside the cluster.
//!   snippet: |
//!     kubectl delete serviceaccount NAME -n NAMESPACE
//! boundary:
//!   fr: Prouve qu'une charge porte ce compte en ce moment ; ne prouve pas qu'elle se sert de tous ses droits.
//!   en: Proves that a workload runs as this account at this moment; does not prove that it uses all its rights.
//! ```

use crate::checks::World;
use crate::rbac::{account, grants, is_stock};
use snc_core::verdict::{Outcome, Subject};
use std::collections::BTreeSet;

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let declared = world.settings.strings("declared");
    let granted: Vec<_> = grants(world.snapshot).filter(|grant| !is_stock(grant)).collect();
    let bound: BTreeSet<(&str, &str)> = granted
        .iter()
        .flat_map(|grant| {
            grant.fact.subjects.iter().filter_map(|held| account(held, &grant.binding.namespace))
        })
        .collect();
    let pods = world.snapshot.pods.iter().map(|(subject, pod)| (subject, &*pod.spec));
    let templates =
        world.snapshot.workloads.iter().map(|(subject, workload)| (subject, &workload.template.spec));
    let used: BTreeSet<(&str, &str)> = pods
        .chain(templates)
        .map(|(subject, spec)| match spec.service_account_name.as_str() {
            "" => (subject.namespace.as_str(), "default"),
            name => (subject.namespace.as_str(), name),
        })
        .collect();
    let judged = |subject: &Subject| {
        let account = (subject.namespace.as_str(), subject.name.as_str());
        if !bound.contains(&account) || declared.contains(&format!("{}/{}", account.0, account.1).as_str()) {
            return Outcome::not_applicable();
        }
        if used.contains(&account) {
            return Outcome::pass();
        }
        Outcome::fail(
            "ce compte a des droits et aucune charge ne le porte",
            "this account has rights and no workload runs as it",
        )
    };
    world.snapshot.service_accounts.iter().map(|(subject, _)| (subject.clone(), judged(subject))).collect()
}
