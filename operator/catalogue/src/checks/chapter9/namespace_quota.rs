//! ```yaml
//! id: namespace-quota
//! category: namespaces
//! requirements: [9.7.a, 17.4.a]
//! level: Essentiel
//! severity: medium
//! scope: tenant
//! title:
//!   fr: Namespace sans quota complet
//!   en: Namespace without a full quota
//! reads: [core/Namespace, core/ResourceQuota]
//! judges: [core/Namespace]
//! parameters:
//!   - name: resources
//!     default: [requests.cpu, requests.memory, limits.memory, requests.storage, persistentvolumeclaims, pods, services.loadbalancers, services.nodeports]
//!     stronger: more
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Ressources que le quota doit borner.
//!       en: Resources that the quota must bound.
//! remediation:
//!   fr: Borner chaque ressource partagée selon le contrat du tenant.
//!   en: Bound every shared resource as the tenant's contract says.
//!   snippet: |
//!     apiVersion: v1
//!     kind: ResourceQuota
//!     metadata: {name: quota, namespace: shop}
//!     spec:
//!       hard: {requests.cpu: "8", requests.memory: 16Gi, limits.memory: 32Gi, requests.storage: 100Gi, persistentvolumeclaims: "20", pods: "100", services.loadbalancers: "1", services.nodeports: "0"}
//! boundary:
//!   fr: Prouve que chaque ressource a une borne sans condition ; ne dit pas si la somme des bornes tient dans le cluster.
//!   en: Proves that every resource has a bound without conditions; does not say whether the bounds together fit in the cluster.
//! ```

use crate::checks::World;
use snc_core::facts::Quota;
use snc_core::verdict::{Outcome, Subject};
use std::collections::BTreeSet;

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let wanted = world.settings.strings("resources");
    let judge = |(subject, _): (&Subject, _)| {
        if world.snapshot.tenant(&subject.name).is_none() {
            return (subject.clone(), Outcome::not_applicable());
        }
        let bounded: BTreeSet<&str> = world
            .snapshot
            .quotas
            .within(&subject.name)
            .filter(|(_, quota)| is_for_all(quota))
            .flat_map(|(_, quota)| quota.spec.hard.keys())
            .map(|resource| canonical(resource))
            .collect();
        let missing: Vec<&str> =
            wanted.iter().copied().filter(|resource| !bounded.contains(canonical(resource))).collect();
        let outcome = if missing.is_empty() {
            Outcome::pass()
        } else {
            let missing = missing.join(", ");
            Outcome::fail(
                format!("aucun quota sans condition ne borne : {missing}"),
                format!("no quota without conditions bounds: {missing}"),
            )
        };
        (subject.clone(), outcome)
    };
    world.snapshot.namespaces.iter().map(judge).collect()
}

/// One that is scoped bounds some of the pods alone.
fn is_for_all(quota: &Quota) -> bool {
    quota.spec.scopes.is_empty() && quota.spec.scope_selector.is_none()
}

/// Older names of the same.
fn canonical(resource: &str) -> &str {
    match resource {
        "cpu" => "requests.cpu",
        "memory" => "requests.memory",
        "ephemeral-storage" => "requests.ephemeral-storage",
        "count/pods" => "pods",
        "count/persistentvolumeclaims" => "persistentvolumeclaims",
        other => other,
    }
}
