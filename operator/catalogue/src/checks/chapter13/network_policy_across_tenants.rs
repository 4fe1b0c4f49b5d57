//! ```yaml
//! id: network-policy-across-tenants
//! category: network
//! requirements: [13.2.a, 9.7.a]
//! level: Essentiel
//! severity: critical
//! scope: tenant
//! title:
//!   fr: NetworkPolicy qui ouvre à un autre tenant
//!   en: NetworkPolicy that opens to another tenant
//! reads: [networking.k8s.io/NetworkPolicy, core/Namespace]
//! judges: [networking.k8s.io/NetworkPolicy]
//! remediation:
//!   fr: Viser le tenant lui-même dans le sélecteur, ou un service partagé déclaré.
//!   en: Name the tenant itself in the selector, or a declared shared service.
//!   snippet: |
//!     ingress:
//!       - from:
//!           - namespaceSelector:
//!               matchLabels: {secnumcloud.dev/tenant: shop}
//! boundary:
//!   fr: Prouve qu'aucun sélecteur de cette NetworkPolicy n'atteint à ce jour le namespace d'un autre tenant ; ne dit rien des blocs d'adresses, ni des namespaces à venir.
//!   en: Proves that no selector of this NetworkPolicy reaches another tenant's namespace today; says nothing of address blocks, nor of namespaces to come.
//! ```

use crate::checks::World;
use crate::cluster::labels;
use crate::isolation::Direction;
use serde::Deserialize as _;
use serde_json::Value;
use snc_core::facts::{NetworkPolicy, Selector};
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let policies = world.snapshot.network_policies.iter();
    policies.map(|(subject, policy)| (subject.clone(), judge(world, subject, policy))).collect()
}

fn judge(world: &World<'_>, subject: &Subject, policy: &NetworkPolicy) -> Outcome {
    let Some(own) = world.snapshot.tenant(&subject.namespace) else { return Outcome::not_applicable() };
    let mut found = Vec::new();
    for direction in [Direction::Ingress, Direction::Egress].into_iter().filter(|found| found.is_of(policy)) {
        for (at, rule) in direction.rules(policy).iter().enumerate() {
            let peers = rule.get(direction.peers()).and_then(Value::as_array);
            for (nth, peer) in peers.into_iter().flatten().enumerate() {
                let path =
                    format!("spec.{}[{at}].{}[{nth}].namespaceSelector", direction.name(), direction.peers());
                let Some(selector) = peer.get("namespaceSelector") else { continue };
                let Some(others) = others(world, own, selector) else {
                    return Outcome::unknown(
                        format!("sélecteur illisible : {path}"),
                        format!("unreadable selector: {path}"),
                    )
                    .at(path);
                };
                if !others.is_empty() {
                    found.push((path, others.join(", ")));
                }
            }
        }
    }
    if found.is_empty() {
        return Outcome::pass();
    }
    let told: Vec<String> = found.iter().map(|(path, others)| format!("{path} = {others}")).collect();
    let told = told.join(" ; ");
    let failed = Outcome::fail(
        format!("la NetworkPolicy ouvre aux namespaces d'un autre tenant : {told}"),
        format!("the NetworkPolicy opens to another tenant's namespaces: {told}"),
    );
    found.into_iter().fold(failed, |failed, (path, _)| failed.at(path))
}

/// Namespaces of other tenants that the selector takes; none where it cannot be understood.
fn others<'w>(world: &'w World<'_>, own: &str, selector: &Value) -> Option<Vec<&'w str>> {
    let selector = Selector::deserialize(selector).ok()?;
    let mut found = Vec::new();
    for (subject, namespace) in world.snapshot.namespaces.iter() {
        let taken = selector.matches(&labels(&subject.name, &namespace.metadata.labels))?;
        if taken && world.snapshot.tenant(&subject.name).is_some_and(|tenant| tenant != own) {
            found.push(subject.name.as_str());
        }
    }
    Some(found)
}
