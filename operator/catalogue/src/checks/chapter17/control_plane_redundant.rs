//! ```yaml
//! id: control-plane-redundant
//! category: continuity
//! requirements: [17.4.a]
//! level: Standard
//! severity: high
//! scope: platform
//! title:
//!   fr: Plan de contrôle sans majorité de secours
//!   en: Control plane without a majority to spare
//! reads: [core/Node]
//! parameters:
//!   - name: minimum
//!     default: 3
//!     bounds: {min: 3, max: 9}
//!     stronger: higher
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Nombre de nœuds du plan de contrôle, impair pour qu'une majorité reste.
//!       en: Number of control plane nodes, odd so that a majority is left.
//! remediation:
//!   fr: Ajouter des membres jusqu'à un nombre impair d'au moins trois, dans des zones différentes.
//!   en: Add members up to an odd number of three at least, in different zones.
//!   snippet: |
//!     kubeadm token create --print-join-command   # then: kubeadm join … --control-plane
//! boundary:
//!   fr: Prouve le nombre de nœuds inscrits et prêts ; ne dit ni où est etcd, ni si ses membres se répondent.
//!   en: Proves how many nodes are registered and ready; says neither where etcd is nor whether its members answer one another.
//! ```

use crate::checks::World;
use snc_core::facts::{Condition, Node};
use snc_core::verdict::{Outcome, Subject};

const ROLES: [&str; 2] = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let nodes = &world.snapshot.nodes;
    if nodes.is_empty() {
        return Vec::new();
    }
    let is_member = |node: &Node| ROLES.iter().any(|role| node.metadata.labels.contains_key(*role));
    let members: Vec<_> = nodes.iter().filter(|(_, node)| is_member(node)).collect();
    let ready = members.iter().filter(|(_, node)| Condition::is_ready(&node.status.conditions)).count();
    let minimum = usize::try_from(world.settings.integer("minimum")).unwrap_or(usize::MAX);
    let outcome = if members.is_empty() {
        Outcome::unknown(
            "aucun nœud du plan de contrôle n'est visible : à attester par qui l'héberge",
            "no control plane node can be seen: to be attested by whoever hosts it",
        )
    } else if members.len() >= minimum && members.len() % 2 == 1 && ready == members.len() {
        Outcome::pass()
    } else {
        let count = members.len();
        let members: Vec<&str> = members.iter().map(|(subject, _)| subject.name.as_str()).collect();
        let members = members.join(", ");
        Outcome::fail(
            format!(
                "une panne peut arrêter le plan de contrôle, {ready}/{count} nœuds prêts au lieu d'un nombre impair d'au moins {minimum} : {members}"
            ),
            format!(
                "a failure can stop the control plane, {ready}/{count} nodes ready instead of an odd number of at least {minimum}: {members}"
            ),
        )
    };
    vec![(Subject::whole(), outcome)]
}
