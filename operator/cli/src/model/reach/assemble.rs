//! From Kubernetes objects to what the engine evaluates.

use super::objects::{Objects, Workload, controller, namespace};
use k8s_openapi::api::core::v1::{Container, ContainerPort as Port, Pod as PodObject, PodSpec};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use snc_core::flow::Protocol;
use snc_core::names::METADATA_NAME;
use snc_network::reach::{Cluster, ClusterPolicy, ContainerPort, Namespace, Owner, Pod, Policy, Ranges};
use std::collections::{BTreeMap, BTreeSet};

/// Pods of a stateful set have labels of their own; more of them teach nothing new.
const MOST_REPLICAS: i32 = 100;

pub fn assemble(objects: Objects, ranges: Ranges) -> Cluster {
    let owners = &objects.owners;
    let mut pods: Vec<Pod> = objects.pods.iter().map(|pod| of_pod(pod, owners)).collect();
    // Where the pods of a workload are known, its template says nothing more.
    let known: BTreeSet<(String, String, String)> = pods.iter().map(identity).collect();
    for workload in &objects.workloads {
        let key = (workload.namespace.clone(), workload.kind.clone(), workload.name.clone());
        // Old ReplicaSets of a Deployment and finished Jobs of a CronJob have templates too.
        if !owners.contains_key(&key) && !known.contains(&key) {
            pods.extend(of_template(workload));
        }
    }
    let mut namespaces: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for object in &objects.namespaces {
        let name = object.metadata.name.clone().unwrap_or_default();
        namespaces.insert(name, object.metadata.labels.clone().unwrap_or_default());
    }
    let used = pods.iter().map(|pod| pod.namespace.clone());
    let used: Vec<String> = used.chain(objects.policies.iter().map(|p| namespace(&p.metadata))).collect();
    for name in used {
        namespaces.entry(name).or_default();
    }
    for (name, labels) in &mut namespaces {
        // The API server sets it on every namespace, whatever was asked for.
        labels.insert(METADATA_NAME.to_owned(), name.clone());
    }
    Cluster {
        namespaces: namespaces.into_iter().map(|(name, labels)| Namespace { name, labels }).collect(),
        pods,
        policies: objects.policies.into_iter().map(of_policy).collect(),
        cluster_policies: objects
            .cluster_policies
            .into_iter()
            .map(|(name, spec)| ClusterPolicy { name, spec })
            .collect(),
        ranges,
    }
}

fn of_policy(policy: NetworkPolicy) -> Policy {
    Policy {
        namespace: namespace(&policy.metadata),
        name: policy.metadata.name.unwrap_or_default(),
        spec: policy.spec.unwrap_or_default(),
    }
}

fn identity(pod: &Pod) -> (String, String, String) {
    let (kind, name) = pod.workload();
    (pod.namespace.clone(), kind.to_owned(), name.to_owned())
}

fn of_pod(pod: &PodObject, owners: &BTreeMap<super::objects::Key, (String, String)>) -> Pod {
    let meta = &pod.metadata;
    let namespace = namespace(meta);
    let mut owner = controller(meta);
    // A ReplicaSet belongs to its Deployment, a Job to its CronJob; no chain is longer than this.
    for _ in 0..4 {
        let above = owner
            .as_ref()
            .and_then(|(kind, name)| owners.get(&(namespace.clone(), kind.clone(), name.clone())));
        let Some(above) = above else { break };
        owner = Some(above.clone());
    }
    let status = pod.status.clone().unwrap_or_default();
    let single = |ip: Option<String>| ip.into_iter();
    let pod_ips = status.pod_ips.into_iter().flatten().map(|ip| ip.ip).chain(single(status.pod_ip));
    let host_ips = status.host_ips.into_iter().flatten().map(|ip| ip.ip).chain(single(status.host_ip));
    let spec = pod.spec.as_ref();
    Pod {
        namespace,
        name: meta.name.clone().unwrap_or_default(),
        labels: meta.labels.clone().unwrap_or_default(),
        owner: owner.map(|(kind, name)| Owner { kind, name }),
        ips: addresses(pod_ips),
        node_ips: addresses(host_ips),
        node: spec.and_then(|spec| spec.node_name.clone()).filter(|name| !name.is_empty()),
        host_network: spec.is_some_and(|spec| spec.host_network == Some(true)),
        completed: matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")),
        ports: spec.map(ports).unwrap_or_default(),
    }
}

fn addresses(texts: impl Iterator<Item = String>) -> Vec<std::net::IpAddr> {
    let set: BTreeSet<_> = texts.filter_map(|text| text.parse().ok()).collect();
    set.into_iter().collect()
}

fn of_template(workload: &Workload) -> Vec<Pod> {
    let Workload { kind, namespace, name, labels, spec, replicas } = workload;
    let pod = |suffix: &str, more: &[(&str, String)]| {
        let mut labels = labels.clone();
        labels.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        Pod {
            namespace: namespace.clone(),
            // No object has such a name: it cannot be taken for that of another.
            name: format!("{kind}/{name}{suffix}"),
            labels,
            owner: Some(Owner { kind: kind.clone(), name: name.clone() }),
            host_network: spec.host_network == Some(true),
            ports: ports(spec),
            ..Pod::default()
        }
    };
    match kind.as_str() {
        "StatefulSet" => (0..(*replicas).clamp(1, MOST_REPLICAS))
            .map(|index| {
                let of_pod = ("statefulset.kubernetes.io/pod-name", format!("{name}-{index}"));
                pod(&format!("-{index}"), &[of_pod, ("apps.kubernetes.io/pod-index", index.to_string())])
            })
            .collect(),
        "Job" => vec![pod("", &[("batch.kubernetes.io/job-name", name.clone()), ("job-name", name.clone())])],
        _ => vec![pod("", &[])],
    }
}

fn ports(spec: &PodSpec) -> Vec<ContainerPort> {
    // Init containers that stay are the other containers that listen.
    let stays = |container: &&Container| container.restart_policy.as_deref() == Some("Always");
    let sidecars = spec.init_containers.iter().flatten().filter(stays);
    let all = spec.containers.iter().chain(sidecars).flat_map(|container| container.ports.iter().flatten());
    all.filter_map(port).collect()
}

fn port(port: &Port) -> Option<ContainerPort> {
    let protocol = match port.protocol.as_deref() {
        None | Some("TCP") => Protocol::Tcp,
        Some("UDP") => Protocol::Udp,
        Some("SCTP") => Protocol::Sctp,
        Some(_) => return None,
    };
    Some(ContainerPort {
        name: port.name.clone(),
        protocol,
        number: u16::try_from(port.container_port).ok()?,
        host_port: port.host_port.and_then(|number| u16::try_from(number).ok()),
    })
}
