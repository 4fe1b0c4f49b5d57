//! Pods that no policy tells apart are one class: everything is evaluated between classes.

use super::bits::Bits;
use super::model::{Cluster, Pod};
use super::places::Places;
use super::rules::{PodQuery, Reader, Scope};
use super::selector::Labels;
use super::tri::Tri;
use snc_core::flow::Protocol;
use std::collections::HashMap;

/// Ports with a name that some rule uses.
pub type NamedPorts = Vec<(u32, Protocol, u16)>;

#[derive(Debug)]
pub struct Namespace<'a> {
    pub name: &'a str,
    /// `None` for a namespace that something is in and that the snapshot does not hold.
    pub labels: Option<Labels>,
    pub classes: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Class {
    pub namespace: u32,
    pub labels: Labels,
    pub host: bool,
    pub ports: NamedPorts,
    pub place: u32,
}

#[derive(Debug)]
pub struct Classes {
    pub list: Vec<Class>,
    /// By pod of the snapshot; `None` for a pod that is over.
    pub of_pod: Vec<Option<usize>>,
    pub pods: Vec<Vec<usize>>,
}

/// Classes that a query selects, and may select.
#[derive(Debug, Default)]
pub struct Selected {
    pub certain: Bits,
    pub possible: Bits,
}

impl Selected {
    pub fn tri(&self, class: usize) -> Tri {
        if self.certain.contains(class) {
            Tri::Yes
        } else {
            Tri::from(self.possible.contains(class)).min(Tri::Maybe)
        }
    }

    fn insert(&mut self, class: usize, tri: Tri) {
        if tri.certain() {
            self.certain.insert(class);
        }
        if tri.possible() {
            self.possible.insert(class);
        }
    }
}

impl Classes {
    pub fn new(
        cluster: &Cluster,
        reader: &Reader,
        ids: &HashMap<&str, u32>,
        namespaces: &mut [Namespace<'_>],
        places: &mut Places,
    ) -> Self {
        let mut known: HashMap<Class, usize> = HashMap::new();
        let mut out = Self { list: Vec::new(), of_pod: Vec::new(), pods: Vec::new() };
        for (index, pod) in cluster.pods.iter().enumerate() {
            let Some(&namespace) = ids.get(pod.namespace.as_str()).filter(|_| !pod.completed) else {
                out.of_pod.push(None);
                continue;
            };
            let class = Class {
                namespace,
                // No selector reaches a pod on the host's network.
                labels: if pod.host_network { Labels::new() } else { reader.labels.labels(&pod.labels) },
                host: pod.host_network,
                ports: named_ports(pod, reader),
                place: places.of(pod),
            };
            let next = out.list.len();
            let id = *known.entry(class.clone()).or_insert(next);
            if id == next {
                out.list.push(class);
                out.pods.push(Vec::new());
                namespaces[namespace as usize].classes.push(id);
            }
            out.of_pod.push(Some(id));
            out.pods[id].push(index);
        }
        out
    }

    pub fn select(&self, query: &PodQuery, namespaces: &[Namespace<'_>]) -> Selected {
        let mut selected = Selected::default();
        let mut within = |namespace: &Namespace<'_>, tri: Tri| {
            for &class in namespace.classes.iter().filter(|class| !self.list[**class].host) {
                selected.insert(class, tri.min(query.pods.matches(&self.list[class].labels)));
            }
        };
        match &query.scope {
            Scope::Namespace(id) => within(&namespaces[*id as usize], Tri::Yes),
            Scope::Selected(_) => {
                for namespace in namespaces {
                    let tri = namespace.matches(&query.scope);
                    if tri.possible() {
                        within(namespace, tri);
                    }
                }
            }
        }
        selected
    }
}

impl Namespace<'_> {
    /// For a scope by labels. Labels that are not known may be any.
    pub fn matches(&self, scope: &Scope) -> Tri {
        match (scope, &self.labels) {
            (Scope::Selected(selector), _) if selector.selects_all() => Tri::Yes,
            (Scope::Selected(selector), Some(labels)) => selector.matches(labels),
            _ => Tri::Maybe,
        }
    }
}

fn named_ports(pod: &Pod, reader: &Reader) -> NamedPorts {
    let mut ports: NamedPorts = pod
        .ports
        .iter()
        .filter_map(|port| Some((*reader.port_names.get(port.name.as_ref()?)?, port.protocol, port.number)))
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}
