//! What several checks ask of a cluster.

use serde_json::Value;
use snc_core::facts::{Strings, Workload};
use snc_core::snapshot::Snapshot;
use snc_core::verdict::Subject;
use std::collections::BTreeSet;

pub(crate) fn namespace(name: &str) -> Subject {
    Subject::new("v1", "Namespace", "", name)
}

/// Namespaces that somebody governs, or where something runs.
pub(crate) fn inhabited(snapshot: &Snapshot) -> BTreeSet<&str> {
    let pods = snapshot.pods.iter().map(|(subject, _)| subject);
    let workloads = snapshot.workloads.iter().map(|(subject, _)| subject);
    let running = pods.chain(workloads).map(|subject| subject.namespace.as_str());
    let known = snapshot.namespaces.iter().map(|(subject, _)| subject.name.as_str());
    let governed = known.filter(|name| snapshot.tenant(name).is_some());
    running.chain(governed).filter(|name| !name.is_empty()).collect()
}

/// Labels of a namespace, with the one that the API server adds.
pub(crate) fn labels(name: &str, labels: &Strings) -> Strings {
    let mut labels = labels.clone();
    labels.insert(snc_core::names::METADATA_NAME.to_owned(), name.to_owned());
    labels
}

/// Deployments and stateful sets: what runs without end in a number of copies.
pub(crate) fn services(snapshot: &Snapshot) -> impl Iterator<Item = (&Subject, &Workload)> {
    snapshot
        .workloads
        .iter()
        .filter(|(subject, _)| matches!(subject.kind.as_str(), "Deployment" | "StatefulSet"))
}

/// How many copies a workload always has: its autoscaler's least, where there is one.
pub(crate) fn replicas(snapshot: &Snapshot, subject: &Subject, workload: &Workload) -> i64 {
    let is_meant = |found: &&Value| {
        let target =
            |field: &str| found.pointer(&format!("/spec/scaleTargetRef/{field}")).and_then(Value::as_str);
        target("kind") == Some(subject.kind.as_str()) && target("name") == Some(subject.name.as_str())
    };
    let all = snapshot.dynamic.get("autoscaling/HorizontalPodAutoscaler");
    let scaler = all
        .into_iter()
        .flat_map(|all| all.within(&subject.namespace))
        .map(|(_, scaler)| scaler)
        .find(is_meant);
    // An autoscaler does nothing for what was put to sleep by hand.
    match scaler {
        Some(scaler) if workload.replicas != Some(0) => {
            scaler.pointer("/spec/minReplicas").and_then(Value::as_i64).unwrap_or(1)
        }
        _ => workload.replicas.unwrap_or(1),
    }
}
