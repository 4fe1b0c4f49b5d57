//! Straight from the text of the specifications, one connection at a time, for clusters of which everything that
//! policies ask for is known.

use ipnet::IpNet;
use k8s_openapi::api::networking::v1::{IPBlock, NetworkPolicyPeer, NetworkPolicyPort};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;
use snc_core::flow::{Direction, Protocol};
use snc_network::reach::{Cluster, Pod};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// `None` is a protocol without ports.
pub type Traffic = Option<(Protocol, u16)>;

#[derive(Clone, Copy)]
pub enum Other<'c> {
    Pod(&'c Pod, Option<IpAddr>),
    Outside(IpAddr),
}

pub fn can(cluster: &Cluster, from: &str, to: &str, protocol: Protocol, port: u16) -> bool {
    let pod = |id: &str| {
        let (namespace, name) = id.split_once('/').expect("namespace/name");
        let found = cluster.pods.iter().find(|pod| pod.namespace == namespace && pod.name == name);
        found.expect("the pod is in the cluster")
    };
    let answers = connect(cluster, pod(from), pod(to), Some((protocol, port)));
    assert_eq!(answers.len(), 1, "not certain: {from} to {to}");
    answers.contains(&true)
}

fn addresses(pod: &Pod) -> Vec<Option<IpAddr>> {
    let mut all: Vec<_> = pod.ips.iter().copied().map(Some).collect();
    if pod.host_network {
        all.extend(pod.node_ips.iter().copied().map(Some));
    }
    if all.is_empty() { vec![None] } else { all }
}

/// The answers that are possible: two of them where the specification leaves the choice to the network plugin.
pub fn connect(cluster: &Cluster, from: &Pod, to: &Pod, traffic: Traffic) -> BTreeSet<bool> {
    let only = |answer| BTreeSet::from([answer]);
    if from.completed || to.completed {
        return only(false);
    }
    if from.namespace == to.namespace && from.name == to.name {
        return only(true);
    }
    if from.host_network != to.host_network && from.node.is_some() && from.node == to.node {
        return only(true);
    }
    let (mut may, mut must) = (false, false);
    for source in addresses(from) {
        for destination in addresses(to) {
            if source.is_some_and(|s| destination.is_some_and(|d| s.is_ipv4() != d.is_ipv4())) {
                continue;
            }
            let out = one_way(cluster, Direction::Egress, from, Other::Pod(to, destination), traffic);
            let into = one_way(cluster, Direction::Ingress, to, Other::Pod(from, source), traffic);
            may |= out.contains(&true) && into.contains(&true);
            must |= !out.contains(&false) && !into.contains(&false);
        }
    }
    match (may, must) {
        (false, _) => only(false),
        (true, true) => only(true),
        (true, false) => BTreeSet::from([false, true]),
    }
}

/// What policies say of `pod`, for traffic with `other`.
pub fn one_way(
    cluster: &Cluster,
    direction: Direction,
    pod: &Pod,
    other: Other<'_>,
    traffic: Traffic,
) -> BTreeSet<bool> {
    if pod.host_network {
        return BTreeSet::from([true]);
    }
    let mut answers = BTreeSet::new();
    for decision in tier(cluster, "Admin", direction, pod, other, traffic) {
        match decision.as_str() {
            "Accept" => answers.insert(true),
            "Deny" => answers.insert(false),
            _ => {
                answers.extend(below_admin(cluster, direction, pod, other, traffic));
                true
            }
        };
    }
    answers
}

fn below_admin(
    cluster: &Cluster,
    direction: Direction,
    pod: &Pod,
    other: Other<'_>,
    traffic: Traffic,
) -> BTreeSet<bool> {
    let name = if direction == Direction::Ingress { "Ingress" } else { "Egress" };
    let mut isolated = false;
    let mut allowed = false;
    for policy in cluster.policies.iter().filter(|policy| policy.namespace == pod.namespace) {
        let spec = &policy.spec;
        let types = match &spec.policy_types {
            Some(types) if !types.is_empty() => types.clone(),
            _ if spec.egress.as_ref().is_some_and(|rules| !rules.is_empty()) => {
                vec!["Ingress".into(), "Egress".into()]
            }
            _ => vec!["Ingress".to_owned()],
        };
        let subject = spec.pod_selector.clone().unwrap_or_default();
        if !types.iter().any(|listed| listed == name) || !selects(&subject, &pod.labels) {
            continue;
        }
        isolated = true;
        let rules: Vec<_> = if direction == Direction::Ingress {
            spec.ingress.iter().flatten().map(|rule| (rule.from.as_ref(), rule.ports.as_ref())).collect()
        } else {
            spec.egress.iter().flatten().map(|rule| (rule.to.as_ref(), rule.ports.as_ref())).collect()
        };
        for (peers, ports) in rules {
            let peer_ok = peers.is_none_or(|peers| {
                peers.is_empty() || peers.iter().any(|peer| is_peer(cluster, &policy.namespace, peer, other))
            });
            let destination = destination(direction, pod, other);
            let port_ok = ports.is_none_or(|ports| {
                ports.is_empty() || ports.iter().any(|port| is_port(port, destination, traffic))
            });
            allowed |= peer_ok && port_ok;
        }
    }
    if isolated {
        return BTreeSet::from([allowed]);
    }
    let baseline = tier(cluster, "Baseline", direction, pod, other, traffic);
    baseline.iter().map(|decision| decision != "Deny").collect()
}

fn destination<'p>(direction: Direction, pod: &'p Pod, other: Other<'p>) -> Option<&'p Pod> {
    match (direction, other) {
        (Direction::Ingress, _) => Some(pod),
        (Direction::Egress, Other::Pod(pod, _)) => Some(pod),
        (Direction::Egress, Other::Outside(_)) => None,
    }
}

fn is_peer(cluster: &Cluster, own: &str, peer: &NetworkPolicyPeer, other: Other<'_>) -> bool {
    if let Some(block) = &peer.ip_block {
        return in_block(block, other);
    }
    let Other::Pod(pod, _) = other else { return false };
    if pod.host_network {
        return false;
    }
    let namespace_ok = match &peer.namespace_selector {
        Some(selector) => selects(selector, &namespace_labels(cluster, &pod.namespace)),
        None => pod.namespace == own,
    };
    namespace_ok && peer.pod_selector.as_ref().is_none_or(|selector| selects(selector, &pod.labels))
}

fn in_block(block: &IPBlock, other: Other<'_>) -> bool {
    let (Other::Pod(_, Some(address)) | Other::Outside(address)) = other else {
        panic!("a block asks for an address that the cluster does not say");
    };
    let holds = |text: &String| text.parse::<IpNet>().expect("a block").contains(&address);
    holds(&block.cidr) && !block.except.iter().flatten().any(holds)
}

fn is_port(port: &NetworkPolicyPort, destination: Option<&Pod>, traffic: Traffic) -> bool {
    let Some((protocol, number)) = traffic else { return false };
    if port.protocol.as_deref().unwrap_or("TCP") != protocol.as_str() {
        return false;
    }
    match (&port.port, port.end_port) {
        (None, _) => true,
        (Some(IntOrString::Int(first)), None) => *first == i32::from(number),
        (Some(IntOrString::Int(first)), Some(last)) => (*first..=last).contains(&i32::from(number)),
        (Some(IntOrString::String(name)), _) => destination.is_some_and(|pod| {
            pod.ports
                .iter()
                .any(|p| p.name.as_ref() == Some(name) && p.protocol == protocol && p.number == number)
        }),
    }
}

fn namespace_labels(cluster: &Cluster, name: &str) -> BTreeMap<String, String> {
    let namespace = cluster.namespaces.iter().find(|namespace| namespace.name == name);
    namespace.expect("the namespace is in the cluster").labels.clone()
}

fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let equal = selector.match_labels.iter().flatten().all(|(key, value)| labels.get(key) == Some(value));
    equal
        && selector.match_expressions.iter().flatten().all(|expression| {
            let listed = |value: &String| expression.values.iter().flatten().any(|v| v == value);
            match (expression.operator.as_str(), labels.get(&expression.key)) {
                ("In", value) => value.is_some_and(listed),
                ("NotIn", value) => !value.is_some_and(listed),
                ("Exists", value) => value.is_some(),
                ("DoesNotExist", value) => value.is_none(),
                (operator, _) => panic!("operator {operator}"),
            }
        })
}

/// Decisions of the policies of one tier: `Accept`, `Deny` or `Next`.
fn tier(
    cluster: &Cluster,
    name: &str,
    direction: Direction,
    pod: &Pod,
    other: Other<'_>,
    traffic: Traffic,
) -> BTreeSet<String> {
    let (list, peers) = if direction == Direction::Ingress { ("ingress", "from") } else { ("egress", "to") };
    let mut by_priority: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
    for policy in &cluster.cluster_policies {
        let spec = &policy.spec;
        if spec["tier"] != name || !cluster_selects(cluster, &spec["subject"], Some(pod)) {
            continue;
        }
        let rules = spec[list].as_array().cloned().unwrap_or_default();
        let first = rules.iter().find(|rule| {
            let peers = rule[peers].as_array().cloned().unwrap_or_default();
            let ports = rule["protocols"].as_array();
            let destination = destination(direction, pod, other);
            peers.iter().any(|peer| is_cluster_peer(cluster, peer, other))
                && ports
                    .is_none_or(|ports| ports.iter().any(|port| is_cluster_port(port, destination, traffic)))
        });
        if let Some(rule) = first {
            let action = rule["action"].as_str().expect("an action");
            let action = if action == "Pass" { "Next" } else { action };
            let priority = spec["priority"].as_i64().expect("a priority");
            by_priority.entry(priority).or_default().insert(action.to_owned());
        }
    }
    by_priority.into_values().next().unwrap_or_else(|| BTreeSet::from(["Next".to_owned()]))
}

fn cluster_selects(cluster: &Cluster, peer: &Value, pod: Option<&Pod>) -> bool {
    let Some(pod) = pod.filter(|pod| !pod.host_network) else { return false };
    let matches = |selector: &Value, labels: &BTreeMap<String, String>| {
        selector.is_null() || selects(&serde_json::from_value(selector.clone()).expect("a selector"), labels)
    };
    let labels = namespace_labels(cluster, &pod.namespace);
    if !peer["namespaces"].is_null() {
        return matches(&peer["namespaces"], &labels);
    }
    let pods = &peer["pods"];
    !pods.is_null()
        && matches(&pods["namespaceSelector"], &labels)
        && matches(&pods["podSelector"], &pod.labels)
}

fn is_cluster_peer(cluster: &Cluster, peer: &Value, other: Other<'_>) -> bool {
    if let Some(networks) = peer["networks"].as_array() {
        return networks.iter().any(|network| {
            let cidr = network.as_str().expect("a network").to_owned();
            in_block(&IPBlock { cidr, except: None }, other)
        });
    }
    if !peer["nodes"].is_null() {
        return matches!(other, Other::Pod(pod, _) if pod.host_network);
    }
    let pod = match other {
        Other::Pod(pod, _) => Some(pod),
        Other::Outside(_) => None,
    };
    cluster_selects(cluster, peer, pod)
}

fn is_cluster_port(port: &Value, destination: Option<&Pod>, traffic: Traffic) -> bool {
    let Some((protocol, number)) = traffic else { return false };
    if let Some(name) = port["destinationNamedPort"].as_str() {
        return destination.is_some_and(|pod| {
            pod.ports
                .iter()
                .any(|p| p.name.as_deref() == Some(name) && p.protocol == protocol && p.number == number)
        });
    }
    let of_protocol = &port[protocol.as_str().to_lowercase()]["destinationPort"];
    let (single, range) = (&of_protocol["number"], &of_protocol["range"]);
    match (single.as_u64(), range["start"].as_u64(), range["end"].as_u64()) {
        (Some(single), _, _) => single == u64::from(number),
        (None, Some(start), Some(end)) => (start..=end).contains(&u64::from(number)),
        _ => false,
    }
}
