//! ```yaml
//! id: dns-redundant
//! category: continuity
//! requirements: [17.4.a]
//! level: Standard
//! severity: medium
//! scope: platform
//! title:
//!   fr: DNS du cluster sur un seul nœud
//!   en: Cluster DNS on a single node
//! reads: [core/Pod, core/Node]
//! judges: [core/Pod]
//! parameters:
//!   - name: labels
//!     default: [k8s-app=kube-dns, dns.operator.openshift.io/daemonset-dns=default]
//!     stronger: fewer
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Labels des pods qui servent le DNS, « clé=valeur ».
//!       en: Labels of the pods that serve DNS, `key=value`.
//! remediation:
//!   fr: Lancer au moins deux réplicas, tenus à distance par une anti-affinité.
//!   en: Run two replicas at least, kept apart by anti-affinity.
//!   snippet: |
//!     kubectl --namespace kube-system scale deployment coredns --replicas=2
//! boundary:
//!   fr: Prouve que des pods DNS sont prêts sur plusieurs nœuds ; ne dit pas s'ils répondent, ni s'ils suivent la charge.
//!   en: Proves that DNS pods are ready on several nodes; does not say whether they answer or bear the load.
//! ```

use crate::checks::World;
use snc_core::facts::Condition;
use snc_core::verdict::{Outcome, Subject};
use std::collections::BTreeSet;

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    // Files have no nodes, and no pods that run.
    if world.snapshot.nodes.is_empty() {
        return Vec::new();
    }
    let wanted: Vec<(&str, &str)> =
        world.settings.strings("labels").into_iter().filter_map(|label| label.split_once('=')).collect();
    let system = |subject: &Subject| {
        subject.namespace.starts_with("kube-") || subject.namespace.starts_with("openshift-")
    };
    let nodes: BTreeSet<&str> = world
        .snapshot
        .pods
        .iter()
        .filter(|(subject, pod)| {
            system(subject) && Condition::is_ready(&pod.status.conditions) && !pod.spec.node_name.is_empty()
        })
        .filter(|(_, pod)| {
            wanted.iter().any(|(key, value)| pod.metadata.labels.get(*key).is_some_and(|v| v == value))
        })
        .map(|(_, pod)| pod.spec.node_name.as_str())
        .collect();
    let told = nodes.iter().copied().collect::<Vec<_>>().join(", ");
    let outcome = match nodes.len() {
        0 => Outcome::unknown(
            "aucun pod DNS prêt reconnu : à déclarer dans le paramètre labels",
            "no ready DNS pod was recognised: to be declared in the parameter labels",
        ),
        1 => Outcome::fail(
            format!("tous les pods DNS prêts sont sur le même nœud : spec.nodeName = {told}"),
            format!("all ready DNS pods are on one node: spec.nodeName = {told}"),
        ),
        _ => Outcome::pass(),
    };
    vec![(Subject::whole(), outcome)]
}
