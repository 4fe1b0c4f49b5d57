//! ```yaml
//! id: workload-not-spread
//! category: continuity
//! requirements: [17.4.a]
//! level: Standard
//! severity: medium
//! scope: any
//! title:
//!   fr: Réplicas qui peuvent tomber ensemble
//!   en: Replicas that may go down together
//! reads: [apps/Deployment, apps/StatefulSet, autoscaling/HorizontalPodAutoscaler]
//! judges: [apps/Deployment, apps/StatefulSet]
//! remediation:
//!   fr: Répartir les réplicas entre les nœuds et les zones.
//!   en: Spread the replicas over nodes and zones.
//!   snippet: |
//!     spec:
//!       template:
//!         spec:
//!           topologySpreadConstraints:
//!             - {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: app}}}
//! boundary:
//!   fr: Prouve que la répartition est demandée, fût-ce comme préférence ; ne dit pas où les pods sont placés, ni si deux nœuds sont sur la même machine physique.
//!   en: Proves that spreading is requested, be it as a preference; does not say where pods are, nor whether two nodes share a physical machine.
//! ```

use crate::checks::World;
use crate::cluster::{replicas, services};
use serde::Deserialize as _;
use serde_json::Value;
use snc_core::facts::{Selector, Strings, Workload};
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let judge = |(subject, workload): (&Subject, &Workload)| {
        let outcome = if replicas(world.snapshot, subject, workload) < 2 {
            Outcome::not_applicable()
        } else if is_spread(workload) {
            Outcome::pass()
        } else {
            Outcome::fail(
                "une seule panne peut arrêter tous les réplicas, que rien ne répartit : spec.template.spec.topologySpreadConstraints",
                "one failure can stop all replicas, which nothing spreads: spec.template.spec.topologySpreadConstraints",
            )
            .at("spec.template.spec.topologySpreadConstraints")
        };
        (subject.clone(), outcome)
    };
    services(world.snapshot).map(judge).collect()
}

fn is_spread(workload: &Workload) -> bool {
    let labels = &workload.template.metadata.labels;
    let constraints = &workload.template.spec.topology_spread_constraints;
    // A selector that is absent takes no pod, and the constraint then counts none.
    let constrained = constraints.iter().any(|spread| {
        spread.label_selector.as_ref().and_then(|selector| selector.matches(labels)) == Some(true)
    });
    constrained || anti_affinities(workload).any(|term| keeps_apart(term, labels))
}

fn anti_affinities(workload: &Workload) -> impl Iterator<Item = &Value> {
    let anti = workload.template.spec.affinity.as_ref().and_then(|affinity| affinity.get("podAntiAffinity"));
    let list = move |name: &str| {
        anti.and_then(|anti| anti.get(name)).and_then(Value::as_array).into_iter().flatten()
    };
    let preferred = list("preferredDuringSchedulingIgnoredDuringExecution")
        .filter_map(|term| term.get("podAffinityTerm"));
    list("requiredDuringSchedulingIgnoredDuringExecution").chain(preferred)
}

fn keeps_apart(term: &Value, labels: &Strings) -> bool {
    let selector = term.get("labelSelector").and_then(|selector| Selector::deserialize(selector).ok());
    selector.and_then(|selector| selector.matches(labels)) == Some(true)
}
