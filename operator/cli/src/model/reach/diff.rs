//! What a change opens and closes.

use super::{Connection, End, Possible, ReachReport};
use ipnet::IpNet;
use serde::Serialize;
use snc_network::reach::{IpSet, PortSet};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DiffReport {
    pub opened: Vec<Connection>,
    pub closed: Vec<Connection>,
    /// What cannot be decided before the change, or after it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<Possible>,
}

pub fn diff(before: &ReachReport, after: &ReachReport) -> DiffReport {
    let mut unknown: Vec<Possible> = before.unknown.iter().chain(&after.unknown).cloned().collect();
    unknown.sort();
    unknown.dedup();
    DiffReport {
        opened: less(&after.connections, &before.connections),
        closed: less(&before.connections, &after.connections),
        unknown,
    }
}

/// What `all` has that `known` has not, to the address and the port.
fn less(all: &[Connection], known: &[Connection]) -> Vec<Connection> {
    let known = Sides::of(known);
    let mut left: Vec<Connection> = Vec::new();
    for connection in all {
        let Connection { from, to, ports } = connection;
        match (from, to) {
            (End::Addresses { cidr }, to @ End::Workload(_)) => {
                let rest = less_addresses(known.from.get(to), *cidr, ports);
                left.extend(rest.into_iter().map(|(cidr, ports)| Connection {
                    from: End::Addresses { cidr },
                    to: to.clone(),
                    ports,
                }));
            }
            (from @ End::Workload(_), End::Addresses { cidr }) => {
                let rest = less_addresses(known.to.get(from), *cidr, ports);
                left.extend(rest.into_iter().map(|(cidr, ports)| Connection {
                    from: from.clone(),
                    to: End::Addresses { cidr },
                    ports,
                }));
            }
            _ => {
                let had = known.pairs.get(&(from, to)).copied();
                let ports = had.map_or_else(|| ports.clone(), |had| ports.difference(had));
                if !ports.is_empty() {
                    left.push(Connection { from: from.clone(), to: to.clone(), ports });
                }
            }
        }
    }
    left.sort();
    left
}

type Blocks<'a> = BTreeMap<&'a End, Vec<(IpNet, &'a PortSet)>>;

#[derive(Default)]
struct Sides<'a> {
    pairs: BTreeMap<(&'a End, &'a End), &'a PortSet>,
    /// Addresses that reach a workload.
    from: Blocks<'a>,
    /// Addresses that a workload reaches.
    to: Blocks<'a>,
}

impl<'a> Sides<'a> {
    fn of(connections: &'a [Connection]) -> Self {
        let mut sides = Self::default();
        for Connection { from, to, ports } in connections {
            match (from, to) {
                (End::Addresses { cidr }, to) => sides.from.entry(to).or_default().push((*cidr, ports)),
                (from, End::Addresses { cidr }) => sides.to.entry(from).or_default().push((*cidr, ports)),
                _ => {
                    sides.pairs.insert((from, to), ports);
                }
            }
        }
        sides
    }
}

/// Blocks are disjoint on one side, so that two of them are apart or one within the other.
fn less_addresses(
    known: Option<&Vec<(IpNet, &PortSet)>>,
    block: IpNet,
    ports: &PortSet,
) -> Vec<(IpNet, PortSet)> {
    let mut rest: IpSet = [block].into_iter().collect();
    let mut left: BTreeMap<PortSet, IpSet> = BTreeMap::new();
    let mut add = |addresses: &IpSet, ports: PortSet| {
        if !ports.is_empty() {
            let set = left.entry(ports).or_default();
            *set = set.union(addresses);
        }
    };
    for (other, had) in known.into_iter().flatten() {
        let common = rest.intersection(&[*other].into_iter().collect());
        if !common.is_empty() {
            add(&common, ports.difference(had));
            rest = rest.difference(&common);
        }
    }
    add(&rest, ports.clone());
    let blocks = left.into_iter().flat_map(|(ports, set)| {
        set.cidrs().into_iter().map(move |cidr| (cidr, ports.clone())).collect::<Vec<_>>()
    });
    blocks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reach::WorkloadName;
    use snc_core::flow::Protocol;

    fn workload(name: &str) -> End {
        End::Workload(WorkloadName { namespace: "n".into(), kind: "Pod".into(), name: name.into() })
    }

    fn block(cidr: &str) -> End {
        End::Addresses { cidr: cidr.parse().unwrap() }
    }

    fn report(connections: Vec<(End, End, PortSet)>) -> ReachReport {
        let connections =
            connections.into_iter().map(|(from, to, ports)| Connection { from, to, ports }).collect();
        ReachReport { connections, ..ReachReport::default() }
    }

    fn told(connections: &[Connection]) -> Vec<String> {
        connections.iter().map(|c| format!("{} {} {}", c.from, c.to, c.ports)).collect()
    }

    #[test]
    fn ports_that_come_and_go_are_told_apart() {
        let port = |port| PortSet::port(Protocol::Tcp, port);
        let before = report(vec![(workload("a"), workload("b"), port(80).union(&port(22)))]);
        let after = report(vec![(workload("a"), workload("b"), port(80).union(&port(443)))]);
        let diff = diff(&before, &after);
        assert_eq!(told(&diff.opened), ["n/Pod/a n/Pod/b TCP/443"]);
        assert_eq!(told(&diff.closed), ["n/Pod/a n/Pod/b TCP/22"]);
    }

    #[test]
    fn a_block_cut_in_other_pieces_is_no_change() {
        let whole = report(vec![(workload("a"), block("10.0.0.0/8"), PortSet::all())]);
        let halves = report(vec![
            (workload("a"), block("10.0.0.0/9"), PortSet::all()),
            (workload("a"), block("10.128.0.0/9"), PortSet::all()),
        ]);
        assert_eq!(diff(&whole, &halves), DiffReport::default());
        assert_eq!(diff(&halves, &whole), DiffReport::default());
    }

    #[test]
    fn only_the_new_addresses_and_ports_are_opened() {
        let narrow = report(vec![(block("10.1.0.0/16"), workload("a"), PortSet::port(Protocol::Tcp, 80))]);
        let wide = report(vec![(block("10.0.0.0/15"), workload("a"), PortSet::protocol(Protocol::Tcp))]);
        let diff = diff(&narrow, &wide);
        assert_eq!(
            told(&diff.opened),
            ["10.0.0.0/16 n/Pod/a TCP/*", "10.1.0.0/16 n/Pod/a TCP/1-79, TCP/81-65535"]
        );
        assert!(diff.closed.is_empty());
    }
}
