//! ```yaml
//! id: nodes-in-one-zone
//! category: continuity
//! requirements: [17.4.a]
//! level: Standard
//! severity: medium
//! scope: platform
//! title:
//!   fr: Nœuds dans une seule zone
//!   en: Nodes in a single zone
//! reads: [core/Node]
//! parameters:
//!   - name: minimum
//!     default: 2
//!     bounds: {min: 2, max: 9}
//!     stronger: higher
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Nombre de zones ; trois pour qu'etcd garde sa majorité après en avoir perdu une.
//!       en: Number of zones; three for etcd to keep its majority after losing one.
//! remediation:
//!   fr: Ajouter des nœuds dans une autre zone, dont les labels sont posés par qui les fournit.
//!   en: Add nodes in another zone, labelled by whoever provides them.
//!   snippet: |
//!     kubectl label node NODE topology.kubernetes.io/zone=fr-par-2
//! boundary:
//!   fr: Prouve que les labels des nœuds prêts nomment plusieurs zones ; un kubelet peut poser les siens, et rien ne dit que les charges y sont réparties.
//!   en: Proves that the labels of ready nodes name several zones; a kubelet may set its own, and nothing says that workloads are spread over them.
//! ```

use crate::checks::World;
use snc_core::facts::{Condition, Node};
use snc_core::verdict::{Outcome, Subject};
use std::collections::BTreeSet;

const ZONE: &str = "topology.kubernetes.io/zone";

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    if world.snapshot.nodes.is_empty() {
        return Vec::new();
    }
    let ready = |(_, node): &(&Subject, &Node)| Condition::is_ready(&node.status.conditions);
    let nodes: Vec<_> = world.snapshot.nodes.iter().filter(ready).collect();
    let zone = |(_, node): &(&Subject, &Node)| {
        node.metadata.labels.get(ZONE).filter(|zone| !zone.is_empty()).cloned()
    };
    let zones: BTreeSet<String> = nodes.iter().filter_map(zone).collect();
    let unlabelled = nodes.iter().filter(|found| zone(found).is_none()).count();
    let minimum = usize::try_from(world.settings.integer("minimum")).unwrap_or(usize::MAX);
    let told = zones.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let outcome = if zones.len() >= minimum {
        Outcome::pass()
    } else if unlabelled > 0 {
        Outcome::unknown(
            format!("{unlabelled} nœud(s) sans le label {ZONE} ; zones connues : [{told}]"),
            format!("{unlabelled} node(s) without the label {ZONE}; known zones: [{told}]"),
        )
    } else {
        Outcome::fail(
            format!("une panne de zone arrêterait le service, il faut au moins {minimum} zones : {told}"),
            format!("a zone failure would stop the service, at least {minimum} zones are needed: {told}"),
        )
    };
    vec![(Subject::whole(), outcome)]
}
