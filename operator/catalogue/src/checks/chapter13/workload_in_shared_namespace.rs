//! ```yaml
//! id: workload-in-shared-namespace
//! category: namespaces
//! requirements: [13.2.a, 9.7.a]
//! level: Essentiel
//! severity: medium
//! scope: any
//! title:
//!   fr: Charge dans un namespace commun
//!   en: Workload in a shared namespace
//! reads:
//!   - core/Pod
//!   - apps/Deployment
//!   - apps/StatefulSet
//!   - apps/DaemonSet
//!   - apps/ReplicaSet
//!   - batch/Job
//!   - batch/CronJob
//! parameters:
//!   - name: namespaces
//!     default: [default, kube-public, kube-node-lease]
//!     stronger: more
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Namespaces qui n'hébergent rien.
//!       en: Namespaces that host nothing.
//! remediation:
//!   fr: Déplacer la charge dans un namespace qui a un responsable, des quotas et des NetworkPolicy.
//!   en: Move the workload to a namespace that has somebody in charge, quotas and network policies.
//!   snippet: |
//!     metadata:
//!       name: app
//!       namespace: shop
//! boundary:
//!   fr: Prouve que la charge a un namespace à elle ; un fichier qui n'en nomme aucun n'est pas jugé.
//!   en: Proves that the workload has a namespace of its own; a file that names none is not judged.
//! ```

use crate::checks::World;
use snc_core::facts::Meta;
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let shared = world.settings.strings("namespaces");
    let pods = world.snapshot.pods.iter().map(|(subject, pod)| (subject, &*pod.metadata));
    let workloads = world.snapshot.workloads.iter().map(|(subject, workload)| (subject, &workload.metadata));
    let judged = |(subject, meta): (&Subject, &Meta)| {
        // What a known object made is told of that one.
        let maker = meta
            .controller()
            .map(|owner| Subject::new(&owner.api_version, &owner.kind, &subject.namespace, &owner.name));
        let made = maker.is_some_and(|maker| world.snapshot.workloads.get(&maker).is_some());
        let outcome = if made || subject.namespace.is_empty() {
            Outcome::not_applicable()
        } else if shared.contains(&subject.namespace.as_str()) {
            let namespace = &subject.namespace;
            Outcome::fail(
                format!("ce namespace est commun, rien ne doit y tourner : metadata.namespace = {namespace}"),
                format!("this namespace is shared, nothing may run in it: metadata.namespace = {namespace}"),
            )
            .at("metadata.namespace")
        } else {
            Outcome::pass()
        };
        (subject.clone(), outcome)
    };
    pods.chain(workloads).map(judged).collect()
}
