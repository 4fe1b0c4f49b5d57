//! ```yaml
//! id: reserved-to-another-tenant
//! category: workload
//! requirements: [9.7.a]
//! level: Essentiel
//! severity: high
//! scope: tenant
//! title:
//!   fr: Classe ou nœud réservé à un autre tenant
//!   en: Class or node reserved to another tenant
//! reads: [core/Pod, core/PodTemplate, core/ReplicationController, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, batch/Job, batch/CronJob, core/PersistentVolumeClaim, scheduling.k8s.io/PriorityClass, node.k8s.io/RuntimeClass, storage.k8s.io/StorageClass, core/Node, core/Namespace]
//! judges: [core/Pod, core/PodTemplate, core/ReplicationController, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, batch/Job, batch/CronJob, core/PersistentVolumeClaim]
//! remediation:
//!   fr: Nommer une classe ou des nœuds partagés, ou ceux du tenant. La plateforme les réserve par le label secnumcloud.dev/tenant.
//!   en: Name a class or nodes that are shared, or the tenant's own. The platform reserves them by the label secnumcloud.dev/tenant.
//!   snippet: |
//!     kubectl get priorityclasses,runtimeclasses,storageclasses,nodes -L secnumcloud.dev/tenant
//! boundary:
//!   fr: Prouve qu'aucun objet réservé par ce label à un autre tenant n'est demandé, ni un taint du même nom toléré ; ne dit pas que la plateforme a réservé ce qui devait l'être, ni qu'un nœud réservé porte un taint.
//!   en: Proves that no object reserved to another tenant by that label is asked for, nor a taint of the same name tolerated; does not say that the platform reserved what it should have, nor that a reserved node has a taint.
//! ```

use crate::checks::World;
use snc_core::facts::Meta;
use snc_core::names::LABEL_TENANT;
use snc_core::reserved::{Ask, Kind, Reserved, asks, judge, of_claim, of_pod, of_workload};
use snc_core::snapshot::Stock;
use snc_core::verdict::{Outcome, Subject, Verdict};

/// Held whole: no other check reads them.
const WHOLE: [&str; 2] = ["core/PodTemplate", "core/ReplicationController"];

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let reserved = reserved(world);
    let judged = |subject: &Subject, asked: &[Ask]| match world.snapshot.tenant(&subject.namespace) {
        Some(tenant) => judge(asked, &[], tenant, Some(&reserved)),
        None => Outcome::not_applicable(),
    };
    let snapshot = world.snapshot;
    let mut said = Vec::new();
    for (subject, workload) in snapshot.workloads.iter() {
        let asked = of_workload(subject.kind == "CronJob", workload);
        let outcome = judged(subject, &asked);
        // What made it was judged; whatever else it asks for by itself is its own, as long as it makes pods.
        let is_copy = workload.metadata.controller().is_some();
        if !is_copy || (outcome.verdict == Verdict::Fail && workload.replicas != Some(0)) {
            said.push((subject.clone(), outcome));
        }
    }
    for (subject, claim) in snapshot.claims.iter() {
        said.push((subject.clone(), judged(subject, &of_claim(claim))));
    }
    for kind in WHOLE {
        for (subject, body) in snapshot.dynamic.get(kind).into_iter().flat_map(Stock::iter) {
            let outcome = match asks(kind, body) {
                Ok(asked) => judged(subject, &asked),
                Err(error) => Outcome::unreadable(error),
            };
            said.push((subject.clone(), outcome));
        }
    }
    for (subject, pod) in snapshot.pods.iter() {
        let outcome = judged(subject, &of_pod(&pod.spec, "spec"));
        // What made it was judged. Where it runs is its own.
        if pod.metadata.controller().is_none() || outcome.verdict == Verdict::Fail {
            said.push((subject.clone(), outcome));
        }
    }
    said
}

fn reserved(world: &World<'_>) -> Reserved {
    let mut reserved = Reserved::default();
    let mut add = |kind, subject: &Subject, meta: &Meta| {
        reserved.apply(kind, subject.name.clone(), meta.labels.get(LABEL_TENANT).cloned());
    };
    for (subject, class) in world.snapshot.storage_classes.iter() {
        add(Kind::StorageClass, subject, &class.metadata);
    }
    for (subject, node) in world.snapshot.nodes.iter() {
        add(Kind::Node, subject, &node.metadata);
    }
    for kind in [Kind::PriorityClass, Kind::RuntimeClass] {
        for (subject, body) in world.snapshot.dynamic.get(kind.key()).into_iter().flat_map(Stock::iter) {
            let tenant = body.pointer("/metadata/labels").and_then(|labels| labels[LABEL_TENANT].as_str());
            reserved.apply(kind, subject.name.clone(), tenant.map(str::to_owned));
        }
    }
    reserved
}
