//! ```yaml
//! id: budget-blocks-maintenance
//! category: continuity
//! requirements: [17.4.a, 5.1.a]
//! level: Standard
//! severity: medium
//! scope: any
//! title:
//!   fr: Budget d'interruption qui bloque la maintenance
//!   en: Disruption budget that blocks maintenance
//! reads:
//!   - policy/PodDisruptionBudget
//!   - apps/Deployment
//!   - apps/StatefulSet
//!   - autoscaling/HorizontalPodAutoscaler
//! judges: [policy/PodDisruptionBudget]
//! remediation:
//!   fr: Laisser au moins un réplica s'arrêter, ou en ajouter un.
//!   en: Let at least one replica stop, or add one.
//!   snippet: |
//!     spec:
//!       maxUnavailable: 1
//!       minAvailable: null
//! boundary:
//!   fr: Prouve que le budget laisse vider un nœud quand tous les réplicas sont prêts ; ne dit rien de l'état du moment, ni des pods qu'aucune charge connue ne crée.
//!   en: Proves that the budget lets a node be drained when every replica is ready; says nothing of the present state, nor of pods that no known workload makes.
//! ```

use crate::checks::World;
use crate::cluster::{replicas, services};
use serde_json::Value;
use snc_core::facts::Budget;
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let budgets = world.snapshot.budgets.iter();
    budgets.map(|(subject, budget)| (subject.clone(), judge(world, subject, budget))).collect()
}

fn judge(world: &World<'_>, subject: &Subject, budget: &Budget) -> Outcome {
    let Some(copies) = copies(world, subject, budget) else {
        return Outcome::unknown("spec.selector est illisible", "spec.selector cannot be read")
            .at("spec.selector");
    };
    if copies == 0 {
        return Outcome::not_applicable();
    }
    let (path, value) = match (&budget.spec.max_unavailable, &budget.spec.min_available) {
        (Some(value), _) => ("spec.maxUnavailable", value),
        (None, Some(value)) => ("spec.minAvailable", value),
        (None, None) => ("spec", &Value::Null),
    };
    let Some(count) = count(value, copies) else {
        return Outcome::unknown(
            format!("{path} est illisible : {value}"),
            format!("{path} cannot be read: {value}"),
        )
        .at(path);
    };
    let spare = if path == "spec.maxUnavailable" { count } else { copies - count };
    if spare > 0 {
        return Outcome::pass();
    }
    Outcome::fail(
        format!("aucun des {copies} réplica(s) ne peut être déplacé, et le nœud ne peut être vidé : {path} = {value}"),
        format!("none of {copies} replica(s) can be moved, and the node cannot be drained: {path} = {value}"),
    )
    .at(path)
}

/// How many pods the budget's workloads ask for; none where the selector cannot be understood.
fn copies(world: &World<'_>, subject: &Subject, budget: &Budget) -> Option<i64> {
    let Some(selector) = &budget.spec.selector else { return Some(0) };
    let mut total: i64 = 0;
    for (holder, workload) in
        services(world.snapshot).filter(|(holder, _)| holder.namespace == subject.namespace)
    {
        if selector.matches(&workload.template.metadata.labels)? {
            total = total.saturating_add(replicas(world.snapshot, holder, workload));
        }
    }
    Some(total)
}

/// A number, or a share of all rounded up.
fn count(value: &Value, all: i64) -> Option<i64> {
    match value {
        Value::String(text) => {
            let share: i64 = text.strip_suffix('%')?.parse().ok()?;
            Some(all.saturating_mul(share).saturating_add(99) / 100)
        }
        number => number.as_i64(),
    }
}
