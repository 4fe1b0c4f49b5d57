//! From pods, namespaces and NetworkPolicies to one table of nftables, as text. Pure.
//!
//! A pod that a policy isolates has a chain for that direction: what a rule allows returns, the rest is counted and
//! dropped. A connection that was allowed stays allowed.

use crate::selector::{Labels, selects};
use ipnet::Ipv4Net;
use k8s_openapi::{
    api::{
        core::v1::{Container, Pod},
        networking::v1::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort},
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    net::Ipv4Addr,
};

pub const TABLE: &str = "snc_enforcer";

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Ingress,
    Egress,
}

impl Direction {
    /// Where the peer's address stands in a packet.
    const fn peer_address(self) -> &'static str {
        match self {
            Self::Ingress => "saddr",
            Self::Egress => "daddr",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

/// A pod with an address of its own.
struct Host<'a> {
    address: Ipv4Addr,
    namespace: &'a str,
    labels: &'a Labels,
    pod: &'a Pod,
}

pub struct World<'a> {
    hosts: BTreeMap<Ipv4Addr, Host<'a>>,
    namespaces: &'a BTreeMap<String, Labels>,
    policies: Vec<&'a NetworkPolicy>,
}

static NO_LABELS: Labels = Labels::new();

impl<'a> World<'a> {
    pub fn new(
        pods: impl IntoIterator<Item = &'a Pod>,
        namespaces: &'a BTreeMap<String, Labels>,
        policies: impl IntoIterator<Item = &'a NetworkPolicy>,
    ) -> Self {
        let mut hosts = BTreeMap::<Ipv4Addr, Host<'a>>::new();
        for host in pods.into_iter().filter_map(host) {
            match hosts.get(&host.address) {
                Some(other) if !takes_over(host.pod, other.pod) => {}
                _ => drop(hosts.insert(host.address, host)),
            }
        }
        let mut policies: Vec<&NetworkPolicy> = policies.into_iter().collect();
        policies.sort_by_key(|policy| (&policy.metadata.namespace, &policy.metadata.name));
        Self { hosts, namespaces, policies }
    }

    pub fn counts(&self) -> (usize, usize) {
        (self.hosts.len(), self.policies.len())
    }

    /// The whole table, put in the place of the one that is there. With `closed`, addresses in that range that no known
    /// pod has reach nothing and are not reached.
    pub fn table(&self, node: &str, closed: Option<Ipv4Net>) -> String {
        let mut chains = String::new();
        let (mut ingress, mut egress) = (Vec::new(), Vec::new());
        for host in self.hosts.values().filter(|host| on_node(host.pod, node)) {
            for (direction, jumps) in [(Direction::Ingress, &mut ingress), (Direction::Egress, &mut egress)] {
                let Some(rules) = self.rules(host, direction) else { continue };
                let chain = format!("{}_{}", direction.name(), host.address.to_string().replace('.', "_"));
                let _ = writeln!(chains, "  chain {chain} {{");
                for rule in rules {
                    let _ = writeln!(chains, "    {rule}");
                }
                let _ = writeln!(chains, "    counter drop\n  }}");
                jumps.push(format!("{} : jump {chain}", host.address));
            }
        }
        let unknown = closed.map(|range| self.unknown(range)).unwrap_or_default();
        let from = [unknown.as_slice(), &verdicts("saddr", &egress)].concat();
        let both = [from.as_slice(), &verdicts("daddr", &ingress)].concat();
        format!(
            "add table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n{chains}{}{}}}\n",
            hook("forward", &both),
            hook("input", &from),
        )
    }

    fn unknown(&self, range: Ipv4Net) -> Vec<String> {
        let known: BTreeSet<String> = self.hosts.keys().map(ToString::to_string).collect();
        ["saddr", "daddr"]
            .map(|side| {
                let known =
                    if known.is_empty() { String::new() } else { format!("ip {side} != {} ", set(&known)) };
                format!("ip {side} {range} {known}counter drop")
            })
            .into()
    }

    /// `None` if no policy isolates the pod in this direction.
    fn rules(&self, host: &Host<'_>, direction: Direction) -> Option<BTreeSet<String>> {
        let isolating: Vec<&NetworkPolicy> = self
            .policies
            .iter()
            .copied()
            .filter(|policy| policy.metadata.namespace.as_deref() == Some(host.namespace))
            .filter(|policy| applies_to(policy, direction) && selects_pod(policy, host.labels))
            .collect();
        if isolating.is_empty() {
            return None;
        }
        let mut rules = BTreeSet::new();
        for policy in isolating {
            let Some(spec) = &policy.spec else { continue };
            let allowed: Vec<(&[NetworkPolicyPeer], &[NetworkPolicyPort])> = match direction {
                Direction::Ingress => {
                    let rules = spec.ingress.iter().flatten();
                    rules.map(|rule| (list(rule.from.as_ref()), list(rule.ports.as_ref()))).collect()
                }
                Direction::Egress => {
                    let rules = spec.egress.iter().flatten();
                    rules.map(|rule| (list(rule.to.as_ref()), list(rule.ports.as_ref()))).collect()
                }
            };
            for (peers, ports) in allowed {
                let ports = match direction {
                    Direction::Ingress => self.ports(ports, Some(host)),
                    Direction::Egress => self.ports(ports, None),
                };
                for peer in self.peers(host.namespace, peers, direction) {
                    for port in &ports {
                        let words = [peer.as_str(), port, "return"];
                        rules.insert(
                            words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "),
                        );
                    }
                }
            }
        }
        Some(rules)
    }

    /// One match for each way to be a peer; an empty one matches everybody.
    fn peers(&self, namespace: &str, peers: &[NetworkPolicyPeer], direction: Direction) -> Vec<String> {
        let side = direction.peer_address();
        if peers.is_empty() {
            return vec![String::new()];
        }
        let (mut matches, mut addresses) = (Vec::new(), BTreeSet::new());
        for peer in peers {
            if let Some(block) = &peer.ip_block {
                let Ok(range) = block.cidr.parse::<Ipv4Net>() else { continue };
                let mut text = format!("ip {side} {}", range.trunc());
                for except in block.except.iter().flatten() {
                    let _ = write!(text, " ip {side} != {except}");
                }
                matches.push(text);
                continue;
            }
            let selected = self.hosts.values().filter(|host| {
                let in_namespace = match &peer.namespace_selector {
                    None => host.namespace == namespace,
                    Some(selector) => {
                        self.namespaces.get(host.namespace).is_some_and(|labels| selects(selector, labels))
                    }
                };
                in_namespace
                    && peer.pod_selector.as_ref().is_none_or(|selector| selects(selector, host.labels))
            });
            addresses.extend(selected.map(|host| host.address.to_string()));
        }
        if !addresses.is_empty() {
            matches.push(format!("ip {side} {}", set(&addresses)));
        }
        matches
    }

    /// One match for each port; an empty one matches all. A name is looked up in the pod that is reached: this one, or
    /// whichever has it.
    fn ports(&self, ports: &[NetworkPolicyPort], reached: Option<&Host<'_>>) -> Vec<String> {
        if ports.is_empty() {
            return vec![String::new()];
        }
        let mut matches = Vec::new();
        for port in ports {
            let protocol = port.protocol.as_deref().unwrap_or("TCP");
            let lower = protocol.to_ascii_lowercase();
            match (&port.port, port.end_port) {
                (None, _) => matches.push(format!("meta l4proto {lower}")),
                (Some(IntOrString::Int(first)), Some(last)) => {
                    matches.push(format!("{lower} dport {first}-{last}"));
                }
                (Some(IntOrString::Int(number)), None) => matches.push(format!("{lower} dport {number}")),
                (Some(IntOrString::String(name)), _) => {
                    let mut of_number = BTreeMap::<i32, BTreeSet<String>>::new();
                    let hosts = self.hosts.values();
                    for host in hosts.filter(|host| reached.is_none_or(|one| one.address == host.address)) {
                        for number in numbers(host.pod, name, protocol) {
                            of_number.entry(number).or_default().insert(host.address.to_string());
                        }
                    }
                    for (number, addresses) in of_number {
                        matches.push(format!("ip daddr {} {lower} dport {number}", set(&addresses)));
                    }
                }
            }
        }
        matches
    }
}

fn list<T>(items: Option<&Vec<T>>) -> &[T] {
    items.map(Vec::as_slice).unwrap_or_default()
}

fn set(items: &BTreeSet<String>) -> String {
    format!("{{ {} }}", items.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
}

fn verdicts(side: &str, jumps: &[String]) -> Vec<String> {
    if jumps.is_empty() { Vec::new() } else { vec![format!("ip {side} vmap {{ {} }}", jumps.join(", "))] }
}

fn hook(name: &str, rules: &[String]) -> String {
    let mut text = format!(
        "  chain {name} {{\n    type filter hook {name} priority filter; policy accept;\n    \
         ct state established,related accept\n"
    );
    for rule in rules {
        let _ = writeln!(text, "    {rule}");
    }
    text.push_str("  }\n");
    text
}

fn host(pod: &Pod) -> Option<Host<'_>> {
    let (spec, status) = (pod.spec.as_ref()?, pod.status.as_ref()?);
    let ended = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
    if ended || spec.host_network == Some(true) {
        return None;
    }
    Some(Host {
        address: status.pod_ip.as_ref()?.parse().ok()?,
        namespace: pod.metadata.namespace.as_deref()?,
        labels: pod.metadata.labels.as_ref().unwrap_or(&NO_LABELS),
        pod,
    })
}

/// Whose is an address that two pods have: of the one that stays, else of the younger.
fn takes_over(pod: &Pod, other: &Pod) -> bool {
    let rank =
        |pod: &Pod| (pod.metadata.deletion_timestamp.is_none(), pod.metadata.creation_timestamp.clone());
    rank(pod) > rank(other)
}

fn on_node(pod: &Pod, node: &str) -> bool {
    pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()) == Some(node)
}

fn applies_to(policy: &NetworkPolicy, direction: Direction) -> bool {
    let Some(spec) = &policy.spec else { return false };
    match (&spec.policy_types, direction) {
        (Some(types), Direction::Ingress) => types.iter().any(|one| one == "Ingress"),
        (Some(types), Direction::Egress) => types.iter().any(|one| one == "Egress"),
        (None, Direction::Ingress) => true,
        (None, Direction::Egress) => spec.egress.as_ref().is_some_and(|rules| !rules.is_empty()),
    }
}

fn selects_pod(policy: &NetworkPolicy, labels: &Labels) -> bool {
    let selector = policy.spec.as_ref().and_then(|spec| spec.pod_selector.as_ref());
    selector.is_none_or(|selector| selects(selector, labels))
}

/// The numbers that a pod has under a name.
fn numbers(pod: &Pod, name: &str, protocol: &str) -> BTreeSet<i32> {
    let Some(spec) = &pod.spec else { return BTreeSet::new() };
    let sidecar = |container: &&Container| container.restart_policy.as_deref() == Some("Always");
    let sidecars = spec.init_containers.iter().flatten().filter(sidecar);
    spec.containers
        .iter()
        .chain(sidecars)
        .flat_map(|container| container.ports.iter().flatten())
        .filter(|port| port.name.as_deref() == Some(name))
        .filter(|port| port.protocol.as_deref().unwrap_or("TCP") == protocol)
        .map(|port| port.container_port)
        .collect()
}

#[cfg(test)]
mod tests;
