//! Pods as people know them: by the workload that owns them.

use super::classes::Classes;
use super::model::Cluster;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadId<'a> {
    pub namespace: &'a str,
    pub kind: &'a str,
    pub name: &'a str,
}

impl std::fmt::Display for WorkloadId<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.namespace, self.kind, self.name)
    }
}

#[derive(Debug)]
pub struct Workload<'a> {
    pub id: WorkloadId<'a>,
    pub classes: BTreeSet<usize>,
    /// Nodes of the pods on the host's network, and of the others; `None` is a node that is not known.
    pub host_nodes: BTreeSet<Option<&'a str>>,
    pub pod_nodes: BTreeSet<Option<&'a str>>,
}

/// Sorted by namespace, kind and name. Pods that are over belong to none.
pub fn workloads<'a>(cluster: &'a Cluster, classes: &Classes) -> Vec<Workload<'a>> {
    let mut by_id: BTreeMap<WorkloadId<'a>, Workload<'a>> = BTreeMap::new();
    for (pod, class) in cluster.pods.iter().zip(&classes.of_pod) {
        let Some(class) = class else { continue };
        let (kind, name) = pod.workload();
        let id = WorkloadId { namespace: &pod.namespace, kind, name };
        let workload = by_id.entry(id).or_insert_with(|| Workload {
            id,
            classes: BTreeSet::new(),
            host_nodes: BTreeSet::new(),
            pod_nodes: BTreeSet::new(),
        });
        workload.classes.insert(*class);
        let nodes = if pod.host_network { &mut workload.host_nodes } else { &mut workload.pod_nodes };
        nodes.insert(pod.node.as_deref());
    }
    by_id.into_values().collect()
}
