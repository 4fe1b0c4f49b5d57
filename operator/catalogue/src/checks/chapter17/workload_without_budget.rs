//! ```yaml
//! id: workload-without-budget
//! category: continuity
//! requirements: [17.4.a]
//! level: Standard
//! severity: low
//! scope: any
//! title:
//!   fr: Charge sans budget d'interruption
//!   en: Workload without a disruption budget
//! reads:
//!   - apps/Deployment
//!   - apps/StatefulSet
//!   - autoscaling/HorizontalPodAutoscaler
//!   - policy/PodDisruptionBudget
//! judges: [apps/Deployment, apps/StatefulSet]
//! remediation:
//!   fr: Dire combien de réplicas une maintenance peut arrêter à la fois.
//!   en: Say how many replicas maintenance may stop at once.
//!   snippet: |
//!     apiVersion: policy/v1
//!     kind: PodDisruptionBudget
//!     metadata: {name: app, namespace: shop}
//!     spec: {maxUnavailable: 1, selector: {matchLabels: {app: app}}}
//! boundary:
//!   fr: Prouve qu'un budget vise ces pods ; il ne protège que des évictions volontaires, pas des pannes ni des suppressions directes.
//!   en: Proves that a budget selects these pods; it protects against voluntary evictions only, not from failures nor direct deletions.
//! ```

use crate::checks::World;
use crate::cluster::{replicas, services};
use snc_core::facts::{Budget, Workload};
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let judge = |(subject, workload): (&Subject, &Workload)| {
        // A single copy is another failure, which no budget mends.
        let outcome = if replicas(world.snapshot, subject, workload) < 2 {
            Outcome::not_applicable()
        } else {
            covered(world, subject, workload)
        };
        (subject.clone(), outcome)
    };
    services(world.snapshot).map(judge).collect()
}

fn covered(world: &World<'_>, subject: &Subject, workload: &Workload) -> Outcome {
    let labels = &workload.template.metadata.labels;
    let mut unread = false;
    for (_, Budget { spec, .. }) in world.snapshot.budgets.within(&subject.namespace) {
        match spec.selector.as_ref().map(|selector| selector.matches(labels)) {
            Some(Some(true)) => return Outcome::pass(),
            Some(None) => unread = true,
            _ => {}
        }
    }
    if unread {
        return Outcome::unknown(
            "un sélecteur de budget est illisible",
            "the selector of a budget cannot be read",
        );
    }
    Outcome::fail(
        "une maintenance peut arrêter tous ces pods, qu'aucun PodDisruptionBudget ne vise : spec.template.metadata.labels",
        "maintenance can stop all these pods, which no PodDisruptionBudget selects: spec.template.metadata.labels",
    )
    .at("spec.template.metadata.labels")
}
