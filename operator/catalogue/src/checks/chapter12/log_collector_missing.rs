//! ```yaml
//! id: log-collector-missing
//! category: logging
//! requirements: [12.6.b, 12.7.c]
//! level: Essentiel
//! severity: high
//! scope: platform
//! title:
//!   fr: Nœud sans collecteur de journaux
//!   en: Node without a log collector
//! reads: [core/Node, core/Pod, core/Namespace]
//! judges: [core/Node]
//! parameters:
//!   - name: collectors
//!     default: [filebeat, fluent-bit, fluentbit, fluentd, promtail, vector]
//!     stronger: fewer
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Noms des DaemonSets qui collectent les journaux ; un nom vaut aussi comme début ou fin, séparé par un tiret.
//!       en: Names of the DaemonSets that collect logs; a name also counts as a beginning or an end, set off by a hyphen.
//! remediation:
//!   fr: Donner au collecteur les tolérances de tous les nœuds, plan de contrôle compris, et réparer ses pods.
//!   en: Give the collector the tolerations of every node, control plane included, and repair its pods.
//!   snippet: |
//!     spec:
//!       template:
//!         spec:
//!           tolerations: [{operator: Exists}]
//! boundary:
//!   fr: Prouve qu'un pod du collecteur est prêt sur chaque nœud ; ne prouve ni ce qu'il lit, ni que les journaux arrivent au serveur central, ni la collecte du journal d'audit de l'API.
//!   en: Proves that a pod of the collector is ready on every node; proves neither what it reads, nor that logs reach the central server, nor that the API's audit log is collected.
//! ```

use crate::checks::World;
use snc_core::facts::{Condition, Pod};
use snc_core::verdict::{Outcome, Subject};
use std::collections::BTreeSet;

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let names = world.settings.strings("collectors");
    let collects = |pod: &Pod| {
        let owner = pod.metadata.controller().filter(|owner| owner.kind == "DaemonSet");
        owner.is_some_and(|owner| names.iter().any(|name| is_called(&owner.name, name)))
    };
    // A tenant could give this name to anything.
    let of_platform = |subject: &Subject| world.snapshot.tenant(&subject.namespace).is_none();
    let pods = world.snapshot.pods.iter().filter(|(subject, pod)| of_platform(subject) && collects(pod));
    let collectors: Vec<&Pod> = pods.map(|(_, pod)| pod).collect();
    let ready = collectors.iter().filter(|pod| Condition::is_ready(&pod.status.conditions));
    let covered: BTreeSet<&str> = ready.map(|pod| pod.spec.node_name.as_str()).collect();
    let judge = |node: &str| {
        if covered.contains(node) {
            Outcome::pass()
        } else if collectors.is_empty() {
            Outcome::unknown(
                "aucun collecteur reconnu : à déclarer dans le paramètre collectors, ou à attester s'il est hors du cluster",
                "no collector was recognised: to be declared in the parameter collectors, or attested if outside the cluster",
            )
        } else {
            Outcome::fail(
                format!("aucun pod de collecteur n'est prêt sur ce nœud : {node}"),
                format!("no collector pod is ready on this node: {node}"),
            )
        }
    };
    world.snapshot.nodes.iter().map(|(subject, _)| (subject.clone(), judge(&subject.name))).collect()
}

/// A release's name may stand before it, a component's after.
fn is_called(daemon_set: &str, name: &str) -> bool {
    let before = |rest: &str| rest.is_empty() || rest.ends_with('-');
    let after = |rest: &str| rest.is_empty() || rest.starts_with('-');
    daemon_set.strip_suffix(name).is_some_and(before) || daemon_set.strip_prefix(name).is_some_and(after)
}
