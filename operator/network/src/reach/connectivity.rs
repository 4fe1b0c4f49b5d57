use super::addresses::Family;
use super::bits::Bits;
use super::classes::{Classes, NamedPorts, Namespace, Selected};
use super::model::Cluster;
use super::places::{Address, Places};
use super::rules::{ClusterRules, NetPolicy, PolicyId, Reader};
use super::sides::{Policies, Side, Sides};
use super::verdict::{Peer, Reach};
use super::workloads::{Workload, workloads};
use snc_core::flow::Direction;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

/// Who can reach whom in one snapshot. Policies are read once; answers are computed when asked for.
///
/// Policies act on connections after Services are translated: destinations are pods and their own ports.
#[derive(Debug)]
pub struct Connectivity<'a> {
    pub(super) cluster_state: &'a Cluster,
    pub(super) namespaces: Vec<Namespace<'a>>,
    pub(super) namespace_ids: HashMap<&'a str, u32>,
    pub(super) reader: Reader,
    pub(super) policies: Vec<NetPolicy>,
    pub(super) cluster: Vec<ClusterRules>,
    pub(super) of_namespace: Vec<Vec<usize>>,
    pub(super) queries: Vec<Selected>,
    pub(super) places: Places,
    pub(super) classes: Classes,
    pub(super) ingress: Sides,
    pub(super) egress: Sides,
    /// Nothing outside of the cluster has ports by name.
    pub(super) no_ports: NamedPorts,
    pub(super) workloads: Vec<Workload<'a>>,
}

/// For a side that does not look at addresses.
pub(super) const ANY_ADDRESS: Address = Address::Ip(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

impl<'a> Connectivity<'a> {
    pub fn new(cluster: &'a Cluster) -> Self {
        let mut namespaces: Vec<Namespace<'a>> = Vec::new();
        let mut ids: HashMap<&'a str, u32> = HashMap::new();
        let named = cluster.namespaces.iter().map(|namespace| namespace.name.as_str());
        let of_pods = cluster.pods.iter().map(|pod| pod.namespace.as_str());
        let of_policies = cluster.policies.iter().map(|policy| policy.namespace.as_str());
        for name in named.chain(of_pods).chain(of_policies) {
            ids.entry(name).or_insert_with(|| {
                namespaces.push(Namespace { name, labels: None, classes: Vec::new() });
                u32::try_from(namespaces.len() - 1).unwrap_or(u32::MAX)
            });
        }
        let mut reader = Reader::default();
        let policies: Vec<NetPolicy> = cluster
            .policies
            .iter()
            .map(|policy| reader.network_policy(ids[policy.namespace.as_str()], &policy.spec))
            .collect();
        let cluster_rules: Vec<ClusterRules> =
            cluster.cluster_policies.iter().map(|policy| reader.cluster_policy(&policy.spec)).collect();
        for namespace in &cluster.namespaces {
            let id = ids[namespace.name.as_str()] as usize;
            namespaces[id].labels = Some(reader.labels.labels(&namespace.labels));
        }
        let mut places = Places::new(&cluster.ranges, &reader.blocks);
        let classes = Classes::new(cluster, &reader, &ids, &mut namespaces, &mut places);
        let queries: Vec<Selected> =
            reader.queries.iter().map(|query| classes.select(query, &namespaces)).collect();
        let mut of_namespace = vec![Vec::new(); namespaces.len()];
        for (index, policy) in policies.iter().enumerate() {
            of_namespace[policy.namespace as usize].push(index);
        }
        let of_place = classes_of_places(&classes, &places);
        let in_block = |block: usize| {
            let mut bits = Bits::default();
            for (place, classes) in places.list.iter().zip(&of_place) {
                if place.iter().any(|address| places.holds(&reader.blocks, block, *address).possible()) {
                    bits.add(classes);
                }
            }
            bits
        };
        let all = Policies { network: &policies, cluster: &cluster_rules, queries: &queries };
        let workloads = workloads(cluster, &classes);
        let ingress = Sides::new(Direction::Ingress, &all, &classes, &of_namespace, in_block);
        let egress = Sides::new(Direction::Egress, &all, &classes, &of_namespace, in_block);
        Self {
            cluster_state: cluster,
            namespaces,
            namespace_ids: ids,
            reader,
            policies,
            cluster: cluster_rules,
            of_namespace,
            queries,
            places,
            classes,
            ingress,
            egress,
            no_ports: NamedPorts::new(),
            workloads,
        }
    }

    pub(super) fn side(&self, direction: Direction, class: usize) -> &Side {
        match direction {
            Direction::Ingress => &self.ingress.list[self.ingress.of_class[class]],
            Direction::Egress => &self.egress.list[self.egress.of_class[class]],
        }
    }

    pub(super) fn addresses(&self, class: usize) -> &[Address] {
        &self.places.list[self.classes.list[class].place as usize]
    }

    pub(super) fn peer(&self, class: usize, address: Address) -> Peer<'_> {
        let facts = &self.classes.list[class];
        Peer { class: Some(class), host: facts.host, address, ports: &facts.ports }
    }

    /// By address family: what `side` says of connections with pods of `class`, which may use any address of theirs.
    pub(super) fn by_family(&self, direction: Direction, side: &Side, class: usize) -> [Reach; 2] {
        let mut out = [Reach::default(), Reach::default()];
        if side.candidates.as_ref().is_some_and(|candidates| !candidates.contains(class)) {
            return out;
        }
        let constant =
            (!side.by_address).then(|| self.verdict(direction, &side.key, self.peer(class, ANY_ADDRESS)));
        for &address in self.addresses(class) {
            let family = &mut out[address.family() as usize];
            match &constant {
                Some(reach) => family.add(reach),
                None => family.add(&self.verdict(direction, &side.key, self.peer(class, address))),
            }
        }
        out
    }

    /// From pods of one class to pods of another (or to others of the same class), nodes aside.
    pub(super) fn between(&self, from: usize, to: usize) -> Reach {
        let out = self.by_family(Direction::Egress, self.side(Direction::Egress, from), to);
        if out.iter().all(Reach::is_none) {
            return Reach::default();
        }
        let into = self.by_family(Direction::Ingress, self.side(Direction::Ingress, to), from);
        both(&out, &into)
    }

    /// The class of a pod that is not over.
    pub(super) fn class(&self, pod: usize) -> Option<usize> {
        self.classes.of_pod.get(pod).copied().flatten()
    }

    /// Between two pods of the snapshot, by their index.
    pub fn reach(&self, from: usize, to: usize) -> Reach {
        let (Some(a), Some(b)) = (self.class(from), self.class(to)) else { return Reach::default() };
        if from == to {
            return Reach::all();
        }
        let mut reach = self.between(a, b);
        reach.add(&self.own_node(from, to));
        reach
    }

    /// A node and the pods on it always reach each other.
    pub(super) fn own_node(&self, from: usize, to: usize) -> Reach {
        let (from, to) = (&self.cluster_state.pods[from], &self.cluster_state.pods[to]);
        if from.host_network == to.host_network {
            return Reach::default();
        }
        match (&from.node, &to.node) {
            (Some(a), Some(b)) if a == b => Reach::all(),
            (Some(_), Some(_)) => Reach::default(),
            _ => Reach::maybe(),
        }
    }

    /// Index of a pod in the snapshot.
    pub fn pod(&self, namespace: &str, name: &str) -> Option<usize> {
        self.cluster_state.pods.iter().position(|pod| pod.namespace == namespace && pod.name == name)
    }

    pub(super) fn policy_id(&self, policy: usize) -> PolicyId {
        let policy = &self.cluster_state.policies[policy];
        PolicyId::NetworkPolicy { namespace: policy.namespace.clone(), name: policy.name.clone() }
    }

    pub(super) fn cluster_policy_id(&self, policy: usize) -> PolicyId {
        PolicyId::ClusterNetworkPolicy { name: self.cluster_state.cluster_policies[policy].name.clone() }
    }
}

/// A connection has one family from end to end.
pub(super) fn both(out: &[Reach; 2], into: &[Reach; 2]) -> Reach {
    let mut reach = Reach::default();
    for family in Family::BOTH {
        reach.add(&out[family as usize].and(&into[family as usize]));
    }
    reach
}

fn classes_of_places(classes: &Classes, places: &Places) -> Vec<Bits> {
    let mut out = vec![Bits::default(); places.list.len()];
    for (index, class) in classes.list.iter().enumerate() {
        out[class.place as usize].insert(index);
    }
    out
}
