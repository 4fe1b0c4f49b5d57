//! ```yaml
//! id: workload-single-replica
//! category: continuity
//! requirements: [17.4.a]
//! level: Standard
//! severity: medium
//! scope: any
//! title:
//!   fr: Charge en un seul réplica
//!   en: Workload with a single replica
//! reads: [apps/Deployment, apps/StatefulSet, autoscaling/HorizontalPodAutoscaler]
//! judges: [apps/Deployment, apps/StatefulSet]
//! parameters:
//!   - name: minimum
//!     default: 2
//!     bounds: {min: 2, max: 9}
//!     stronger: higher
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Nombre de réplicas en dessous duquel une panne arrête le service.
//!       en: Number of replicas below which a failure stops the service.
//! remediation:
//!   fr: Lancer plusieurs réplicas, ou déclarer par dérogation une charge qui ne le supporte pas.
//!   en: Run several replicas, or declare under a waiver a workload that does not support it.
//!   snippet: |
//!     spec:
//!       replicas: 2
//! boundary:
//!   fr: Prouve que plusieurs réplicas sont demandés ; ne dit ni s'ils sont prêts, ni s'ils sont sur des machines différentes.
//!   en: Proves that several replicas are requested; says neither whether they are ready nor whether they are on different machines.
//! ```

use crate::checks::World;
use crate::cluster::{replicas, services};
use snc_core::facts::Workload;
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let minimum = world.settings.integer("minimum");
    let judge = |(subject, workload): (&Subject, &Workload)| {
        let copies = replicas(world.snapshot, subject, workload);
        let outcome = match copies {
            0 => Outcome::not_applicable(),
            copies if copies >= minimum => Outcome::pass(),
            copies => Outcome::fail(
                format!("une seule panne arrête le service, il faut au moins {minimum} réplicas : spec.replicas = {copies}"),
                format!("one failure stops the service, at least {minimum} replicas are needed: spec.replicas = {copies}"),
            )
            .at("spec.replicas"),
        };
        (subject.clone(), outcome)
    };
    services(world.snapshot).map(judge).collect()
}
