use k8s_openapi::api::core::v1::{Namespace, Pod, PodSpec, PodTemplateSpec};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde_json::Value;
use std::collections::BTreeMap;

/// The objects that decide who can talk to whom, from a cluster or from files.
#[derive(Debug, Default)]
pub struct Objects {
    pub namespaces: Vec<Namespace>,
    pub pods: Vec<Pod>,
    pub workloads: Vec<Workload>,
    /// Kind and name of what made a workload.
    pub owners: BTreeMap<Key, (String, String)>,
    pub policies: Vec<NetworkPolicy>,
    /// Name and spec of each `ClusterNetworkPolicy`.
    pub cluster_policies: Vec<(String, Value)>,
    /// Policies of kinds that are not evaluated, by kind.
    pub foreign: BTreeMap<String, usize>,
    /// Declarations from which the operator makes policies; files hold only the declaration.
    pub declarations: usize,
}

/// What makes pods.
#[derive(Debug, Clone)]
pub struct Workload {
    pub kind: String,
    pub namespace: String,
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub spec: PodSpec,
    pub replicas: i32,
}

/// Namespace, kind and name.
pub type Key = (String, String, String);

impl Workload {
    pub fn new(kind: &str, meta: &ObjectMeta, template: PodTemplateSpec, replicas: Option<i32>) -> Self {
        Self {
            kind: kind.to_owned(),
            namespace: namespace(meta),
            name: meta.name.clone().unwrap_or_default(),
            labels: template.metadata.and_then(|meta| meta.labels).unwrap_or_default(),
            spec: template.spec.unwrap_or_default(),
            replicas: replicas.unwrap_or(1),
        }
    }
}

/// Where an object goes that does not say.
pub fn namespace(meta: &ObjectMeta) -> String {
    meta.namespace.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| "default".to_owned())
}

/// Kind and name of the controller. A static pod belongs to its node, which is no workload.
pub fn controller(meta: &ObjectMeta) -> Option<(String, String)> {
    let controls = |owner: &&OwnerReference| owner.controller == Some(true) && owner.kind != "Node";
    let owner = meta.owner_references.iter().flatten().find(controls)?;
    Some((owner.kind.clone(), owner.name.clone()))
}
