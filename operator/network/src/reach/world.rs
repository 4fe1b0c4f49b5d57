//! The world outside of the cluster, for each workload.

use super::addresses::IpSet;
use super::connectivity::Connectivity;
use super::places::{Address, bounds};
use super::rules::Target;
use super::sides::Side;
use super::verdict::{Peer, Reach};
use super::workloads::WorkloadId;
use snc_core::flow::Direction;
use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses for which the answer is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    pub addresses: IpSet,
    pub reach: Reach,
}

/// Disjoint areas outside of the cluster that some pod of a workload can reach, and from which some pod can be
/// reached. Addresses of the cluster are left out where its ranges are known. Whether a pod has an address of the
/// family is not asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World<'a> {
    pub workload: WorkloadId<'a>,
    pub egress: Vec<Area>,
    pub ingress: Vec<Area>,
}

impl<'a> Connectivity<'a> {
    pub fn world(&self) -> impl Iterator<Item = World<'a>> + '_ {
        let outside = self.outside();
        let mut known: HashMap<(bool, BTreeSet<usize>), Vec<Area>> = HashMap::new();
        self.workloads.iter().map(move |workload| {
            let mut areas = |direction: Direction| {
                let sides = match direction {
                    Direction::Ingress => &self.ingress,
                    Direction::Egress => &self.egress,
                };
                let ids: BTreeSet<usize> =
                    workload.classes.iter().map(|class| sides.of_class[*class]).collect();
                let key = (direction == Direction::Egress, ids);
                if let Some(areas) = known.get(&key) {
                    return areas.clone();
                }
                let areas =
                    self.areas(direction, key.1.iter().map(|id| &sides.list[*id]).collect(), &outside);
                known.insert(key, areas.clone());
                areas
            };
            World {
                workload: workload.id,
                egress: areas(Direction::Egress),
                ingress: areas(Direction::Ingress),
            }
        })
    }

    fn outside(&self) -> IpSet {
        let ranges = &self.cluster_state.ranges;
        let inside: IpSet = [&ranges.pods, &ranges.services, &ranges.nodes, &ranges.api_server]
            .into_iter()
            .flat_map(|list| list.iter().flatten().copied())
            .collect();
        IpSet::everything().difference(&inside)
    }

    fn areas(&self, direction: Direction, sides: Vec<&Side>, outside: &IpSet) -> Vec<Area> {
        let blocks =
            sides.iter().flat_map(|side| self.targets(direction, side)).filter_map(|target| match target {
                Target::Block(block) => Some(&self.reader.blocks[block].set),
                _ => None,
            });
        let everything = IpSet::everything();
        let bounds = bounds(blocks.chain([&everything, outside]));
        let mut areas: Vec<(Reach, Vec<(IpAddr, IpAddr)>)> = Vec::new();
        for (index, &first) in bounds.iter().enumerate() {
            if !outside.contains(first) {
                continue;
            }
            let peer = self.outsider(first);
            let mut reach = Reach::default();
            for side in &sides {
                reach.add(&self.verdict(direction, &side.key, peer));
            }
            if reach.is_none() {
                continue;
            }
            let range = (first, before(bounds.get(index + 1).copied(), first));
            match areas.iter_mut().find(|(known, _)| *known == reach) {
                Some((_, ranges)) => ranges.push(range),
                None => areas.push((reach, vec![range])),
            }
        }
        areas
            .into_iter()
            .map(|(reach, ranges)| Area { addresses: ranges.into_iter().collect(), reach })
            .collect()
    }

    pub(super) fn outsider(&self, address: IpAddr) -> Peer<'_> {
        Peer { class: None, host: false, address: Address::Ip(address), ports: &self.no_ports }
    }

    fn targets<'s>(&'s self, direction: Direction, side: &'s Side) -> impl Iterator<Item = Target> + 's {
        let network =
            side.key.policies.iter().filter_map(move |(policy, _)| self.policies[*policy].half(direction));
        let network = network.flat_map(|half| &half.rules);
        let cluster =
            side.key.cluster.iter().flat_map(move |(policy, _)| self.cluster[*policy].rules(direction));
        network.chain(cluster).flat_map(|rule| &rule.peers).map(|peer| peer.target)
    }
}

/// The last address before the next piece, of the family of `first`.
fn before(next: Option<IpAddr>, first: IpAddr) -> IpAddr {
    match (first, next) {
        (IpAddr::V4(_), Some(IpAddr::V4(next))) => Ipv4Addr::from(u32::from(next).saturating_sub(1)).into(),
        (IpAddr::V4(_), _) => Ipv4Addr::BROADCAST.into(),
        (IpAddr::V6(_), Some(IpAddr::V6(next))) => Ipv6Addr::from(u128::from(next).saturating_sub(1)).into(),
        (IpAddr::V6(_), _) => Ipv6Addr::from(u128::MAX).into(),
    }
}
