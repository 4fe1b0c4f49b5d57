//! Pods as far as decisions need them: a few hundred bytes each, their label sets shared.

use crate::facts::{timestamp, version};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

pub type Labels = BTreeMap<String, String>;

/// What we read of a pod: everything else is skipped while it is parsed, never held.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PodLite {
    #[serde(default, deserialize_with = "meta_lite")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    pub spec: PodLiteSpec,
    #[serde(default)]
    pub status: PodLiteStatus,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodLiteSpec {
    pub host_network: bool,
    pub containers: Vec<ContainerLite>,
    pub init_containers: Vec<ContainerLite>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerLite {
    pub ports: Vec<PortLite>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PortLite {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_port: Option<i32>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodLiteStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    #[serde(rename = "podIPs")]
    pub pod_ips: Vec<PodIpLite>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PodIpLite {
    pub ip: String,
}

/// Most of a pod's metadata is who set which field, which nobody here asks for.
fn meta_lite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Lite {
        name: Option<String>,
        namespace: Option<String>,
        uid: Option<String>,
        resource_version: Option<String>,
        creation_timestamp: Option<Time>,
        deletion_timestamp: Option<Time>,
        labels: Option<Labels>,
    }
    let lite = Lite::deserialize(deserializer)?;
    Ok(ObjectMeta {
        name: lite.name,
        namespace: lite.namespace,
        uid: lite.uid,
        resource_version: lite.resource_version,
        creation_timestamp: lite.creation_timestamp,
        deletion_timestamp: lite.deletion_timestamp,
        labels: lite.labels,
        ..ObjectMeta::default()
    })
}

impl kube::Resource for PodLite {
    type DynamicType = ();
    type Scope = k8s_openapi::NamespaceResourceScope;

    fn kind((): &()) -> std::borrow::Cow<'_, str> {
        "Pod".into()
    }

    fn group((): &()) -> std::borrow::Cow<'_, str> {
        "".into()
    }

    fn version((): &()) -> std::borrow::Cow<'_, str> {
        "v1".into()
    }

    fn plural((): &()) -> std::borrow::Cow<'_, str> {
        "pods".into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodFacts {
    pub created: Timestamp,
    /// Resource version when the pod was first seen.
    pub first_version: u64,
    pub labels: Arc<Labels>,
    pub host_network: bool,
    /// Reached through its node's address.
    pub host_port: bool,
    /// Succeeded or Failed: it talks to nobody any more.
    pub completed: bool,
    pub ips: [Option<IpAddr>; 2],
}

impl PodFacts {
    fn of(pod: &PodLite, labels: Arc<Labels>) -> Self {
        let ports = pod.spec.containers.iter().chain(&pod.spec.init_containers).flat_map(|c| &c.ports);
        let mut ips = pod.status.pod_ips.iter().filter_map(|ip| ip.ip.parse().ok());
        Self {
            created: timestamp(pod.metadata.creation_timestamp.as_ref()),
            first_version: version(&pod.metadata),
            labels,
            host_network: pod.spec.host_network,
            host_port: !pod.spec.host_network
                && ports.into_iter().any(|p| p.host_port.is_some_and(|p| p > 0)),
            completed: matches!(pod.status.phase.as_deref(), Some("Succeeded" | "Failed")),
            ips: [ips.next(), ips.next()],
        }
    }
}

/// What decisions need of the pods of one namespace; a namespace is looked at again only when this changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PodSummary {
    pub oldest: Option<(Timestamp, u64)>,
    pub host_network: Vec<String>,
    pub host_port: Vec<String>,
    /// Distinct label sets of the pods that policies hold for, with the names of one or two such pods: what holds between
    /// two of them holds between any two.
    pub classes: BTreeMap<Arc<Labels>, Vec<String>>,
}

impl PodSummary {
    fn of(pods: &BTreeMap<String, PodFacts>) -> Self {
        let live = || pods.iter().filter(|(_, p)| !p.completed);
        let named = |which: fn(&PodFacts) -> bool| {
            live().filter(|(_, p)| which(p)).map(|(name, _)| name.clone()).collect()
        };
        let mut classes: BTreeMap<Arc<Labels>, Vec<String>> = BTreeMap::new();
        for (name, pod) in live().filter(|(_, p)| !p.host_network) {
            let samples = classes.entry(pod.labels.clone()).or_default();
            if samples.len() < 2 {
                samples.push(name.clone());
            }
        }
        Self {
            classes,
            oldest: pods.values().map(|p| (p.created, p.first_version)).min(),
            host_network: named(|p| p.host_network),
            host_port: named(|p| p.host_port),
        }
    }
}

/// How much of what is decided from a namespace's pods has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    Nothing,
    Content,
    /// The first pod came or the last one went.
    Presence,
}

#[derive(Debug, Default)]
pub struct Pods {
    namespaces: BTreeMap<String, (BTreeMap<String, PodFacts>, PodSummary)>,
    labels: HashSet<Arc<Labels>>,
    /// Label sets at which those that nobody uses any more are let go.
    sweep_at: usize,
}

impl Pods {
    pub fn summary(&self, namespace: &str) -> Option<&PodSummary> {
        self.namespaces.get(namespace).map(|(_, summary)| summary)
    }

    pub fn all(&self) -> impl Iterator<Item = (&str, &str, &PodFacts)> {
        self.namespaces
            .iter()
            .flat_map(|(ns, (pods, _))| pods.iter().map(move |(name, pod)| (ns.as_str(), name.as_str(), pod)))
    }

    pub fn apply(&mut self, pod: &PodLite) -> Option<(String, Changed)> {
        let (namespace, name) = (pod.metadata.namespace.as_ref()?, pod.metadata.name.as_ref()?);
        let facts = self.facts(pod);
        let (pods, _) = self.namespaces.entry(namespace.clone()).or_default();
        if pods.get(name) == Some(&facts) {
            return None;
        }
        pods.insert(name.clone(), facts);
        Some((namespace.clone(), self.summarize(namespace)))
    }

    pub fn delete(&mut self, pod: &PodLite) -> Option<(String, Changed)> {
        let (namespace, name) = (pod.metadata.namespace.as_ref()?, pod.metadata.name.as_ref()?);
        self.namespaces.get_mut(namespace)?.0.remove(name)?;
        Some((namespace.clone(), self.summarize(namespace)))
    }

    pub fn reset(&mut self, pods: &[PodLite]) -> Vec<(String, Changed)> {
        let mut fresh: BTreeMap<String, BTreeMap<String, PodFacts>> = BTreeMap::new();
        for pod in pods {
            if let (Some(namespace), Some(name)) = (&pod.metadata.namespace, &pod.metadata.name) {
                let facts = self.facts(pod);
                fresh.entry(namespace.clone()).or_default().insert(name.clone(), facts);
            }
        }
        let touched: BTreeSet<String> = self.namespaces.keys().chain(fresh.keys()).cloned().collect();
        touched
            .into_iter()
            .map(|namespace| {
                let pods = fresh.remove(&namespace).unwrap_or_default();
                self.namespaces.entry(namespace.clone()).or_default().0 = pods;
                let changed = self.summarize(&namespace);
                (namespace, changed)
            })
            .collect()
    }

    /// Facts of this version of a pod, with what an earlier version of the same pod told.
    fn facts(&mut self, pod: &PodLite) -> PodFacts {
        let labels = self.intern(pod.metadata.labels.as_ref());
        let mut facts = PodFacts::of(pod, labels);
        let known = pod.metadata.namespace.as_ref().and_then(|ns| self.namespaces.get(ns));
        let known = known.and_then(|(pods, _)| pods.get(pod.metadata.name.as_ref()?));
        if let Some(known) = known.filter(|known| known.created == facts.created) {
            facts.first_version = known.first_version;
        }
        facts
    }

    fn intern(&mut self, labels: Option<&Labels>) -> Arc<Labels> {
        let none = Labels::new();
        let labels = labels.unwrap_or(&none);
        if let Some(known) = self.labels.get(labels) {
            return known.clone();
        }
        if self.labels.len() >= self.sweep_at {
            self.labels.retain(|set| Arc::strong_count(set) > 1);
            self.sweep_at = (self.labels.len() * 2).max(1024);
        }
        let fresh = Arc::new(labels.clone());
        self.labels.insert(fresh.clone());
        fresh
    }

    fn summarize(&mut self, namespace: &str) -> Changed {
        let Some((pods, summary)) = self.namespaces.get_mut(namespace) else { return Changed::Nothing };
        let fresh = PodSummary::of(pods);
        let changed = match (summary.oldest.is_some() == fresh.oldest.is_some(), *summary == fresh) {
            (false, _) => Changed::Presence,
            (true, false) => Changed::Content,
            (true, true) => Changed::Nothing,
        };
        *summary = fresh;
        if pods.is_empty() {
            self.namespaces.remove(namespace);
        }
        changed
    }
}
