//! ```yaml
//! id: host-of-two-tenants
//! category: network
//! requirements: [9.7.a]
//! level: Essentiel
//! severity: high
//! scope: any
//! title:
//!   fr: Nom réclamé par deux tenants
//!   en: Name claimed by two tenants
//! reads: [networking.k8s.io/Ingress, core/Namespace]
//! judges: [networking.k8s.io/Ingress]
//! remediation:
//!   fr: Retirer le nom au tenant à qui il n'appartient pas.
//!   en: Remove the name from the tenant that does not own it.
//!   snippet: |
//!     kubectl get ingress --all-namespaces -o custom-columns='NS:.metadata.namespace,NAME:.metadata.name,HOSTS:.spec.rules[*].host'
//! boundary:
//!   fr: Prouve qu'aucun autre Ingress d'un autre tenant ne réclame ces noms aujourd'hui ; ne dit rien des Gateways, ni de qui possède le domaine.
//!   en: Proves that no Ingress of another tenant claims these names today; says nothing of Gateways, nor of who owns the domain.
//! ```

use crate::checks::World;
use snc_core::facts::Ingress;
use snc_core::verdict::{Outcome, Subject};
use std::collections::{BTreeMap, BTreeSet};

/// Nobody stands for the platform, all of whose namespaces are one.
type Owners<'w> = BTreeSet<Option<&'w str>>;

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let mut claims: BTreeMap<String, Owners<'_>> = BTreeMap::new();
    for (subject, ingress) in world.snapshot.ingresses.iter() {
        for host in hosts(ingress) {
            claims.entry(host).or_default().insert(world.snapshot.tenant(&subject.namespace));
        }
    }
    let mut rivals = claims.clone();
    for (host, owners) in &claims {
        let above = host.split_once('.').map(|(_, domain)| format!("*.{domain}"));
        let Some((above, held)) = above.and_then(|above| claims.get_key_value(&above)) else { continue };
        rivals.entry(host.clone()).or_default().extend(held);
        rivals.entry(above.clone()).or_default().extend(owners);
    }
    let judged = |(subject, ingress): (&Subject, &Ingress)| {
        let own = world.snapshot.tenant(&subject.namespace);
        let mut contested: Vec<String> = Vec::new();
        for host in hosts(ingress) {
            let others = rivals.get(&host).into_iter().flatten().filter(|other| **other != own);
            let others: Vec<&str> = others.map(|other| other.unwrap_or("-")).collect();
            if !others.is_empty() {
                contested.push(format!("{host} ({})", others.join(", ")));
            }
        }
        let outcome = if ingress.spec.rules.is_empty() {
            Outcome::not_applicable()
        } else if contested.is_empty() {
            Outcome::pass()
        } else {
            let contested = contested.join(", ");
            Outcome::fail(
                format!("un autre tenant réclame aussi ces noms : {contested}"),
                format!("another tenant claims these names too: {contested}"),
            )
            .at("spec.rules")
        };
        (subject.clone(), outcome)
    };
    world.snapshot.ingresses.iter().map(judged).collect()
}

fn hosts(ingress: &Ingress) -> BTreeSet<String> {
    ingress
        .spec
        .rules
        .iter()
        .map(|rule| rule.host.to_ascii_lowercase())
        .filter(|host| !host.is_empty())
        .collect()
}
