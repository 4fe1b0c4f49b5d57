//! Where pods are in the address space, as far as address blocks can tell them apart.

use super::addresses::{Family, IpSet};
use super::model::{Pod, Ranges};
use super::rules::Block;
use super::tri::Tri;
use ipnet::IpNet;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

/// Address space that no pod has when nobody said where pods are. IPv4 only: clusters give their pods global IPv6
/// addresses, and nodes have public ones of both families.
const MAYBE_PODS_V4: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/3",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    Ip(IpAddr),
    Unknown { family: Family, host: bool },
}

impl Address {
    pub const fn family(self) -> Family {
        match self {
            Self::Ip(address) => Family::of(address),
            Self::Unknown { family, .. } => family,
        }
    }
}

#[derive(Debug)]
pub struct Places {
    bounds: Vec<IpAddr>,
    ids: HashMap<BTreeSet<(Family, Option<usize>, bool)>, u32>,
    pub list: Vec<Vec<Address>>,
    pods: Option<IpSet>,
    nodes: Option<IpSet>,
    /// By block: whether it holds an address that is not known, of a pod or a node of either family.
    unknown: Vec<[[Tri; 2]; 2]>,
}

impl Places {
    pub fn new(ranges: &Ranges, blocks: &[Block]) -> Self {
        let known = |list: &Option<Vec<_>>| {
            list.as_ref().filter(|list| !list.is_empty()).map(|list| list.iter().copied().collect())
        };
        let maybe_pods: IpSet = MAYBE_PODS_V4.iter().filter_map(|text| text.parse::<IpNet>().ok()).collect();
        let mut places = Self {
            bounds: bounds(blocks.iter().filter(|block| block.valid).map(|block| &block.set)),
            ids: HashMap::new(),
            list: Vec::new(),
            pods: known(&ranges.pods),
            nodes: known(&ranges.nodes),
            unknown: Vec::new(),
        };
        let maybe_pods = maybe_pods.union(&IpSet::family(Family::V6));
        let of =
            |block: &Block, host| Family::BOTH.map(|family| places.guess(block, family, host, &maybe_pods));
        places.unknown = blocks.iter().map(|block| [of(block, false), of(block, true)]).collect();
        places
    }

    /// Equal for pods that no block of any policy tells apart.
    pub fn of(&mut self, pod: &Pod) -> u32 {
        let mut place: Vec<Address> = pod.addresses().map(Address::Ip).collect();
        if place.is_empty() {
            let host = pod.host_network;
            place.extend(self.families(host).map(|family| Address::Unknown { family, host }));
        }
        let key = place
            .iter()
            .map(|address| match *address {
                Address::Ip(ip) => (Family::of(ip), Some(self.bounds.partition_point(|b| *b <= ip)), false),
                Address::Unknown { family, host } => (family, None, host),
            })
            .collect();
        let next = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        let id = *self.ids.entry(key).or_insert(next);
        if id == next {
            self.list.push(place);
        }
        id
    }

    fn families(&self, host: bool) -> impl Iterator<Item = Family> + use<> {
        let ranges = if host { &self.nodes } else { &self.pods };
        let known = ranges.clone();
        Family::BOTH.into_iter().filter(move |family| {
            known.as_ref().is_none_or(|known| !known.intersection(&IpSet::family(*family)).is_empty())
        })
    }

    /// Whether a block holds an address that may not be known.
    pub fn holds(&self, blocks: &[Block], block: usize, address: Address) -> Tri {
        match address {
            _ if !blocks[block].valid => Tri::Maybe,
            Address::Ip(ip) => Tri::from(blocks[block].set.contains(ip)),
            Address::Unknown { family, host } => self.unknown[block][usize::from(host)][family as usize],
        }
    }

    fn guess(&self, block: &Block, family: Family, host: bool, maybe_pods: &IpSet) -> Tri {
        let family = IpSet::family(family);
        let ranges = if host { &self.nodes } else { &self.pods };
        let around = match ranges {
            Some(ranges) => ranges.intersection(&family),
            None => family,
        };
        let possible =
            if ranges.is_none() && !host { around.intersection(maybe_pods) } else { around.clone() };
        if around.is_subset(&block.set) {
            Tri::Yes
        } else if possible.intersection(&block.set).is_empty() {
            Tri::No
        } else {
            Tri::Maybe
        }
    }

    /// Whether an address outside of pods may be a node's.
    pub fn may_be_node(&self, address: Address) -> Tri {
        match (address, &self.nodes) {
            (Address::Ip(ip), Some(nodes)) if !nodes.contains(ip) => Tri::No,
            _ => Tri::Maybe,
        }
    }
}

/// First addresses of the pieces into which the sets cut the address space.
pub fn bounds<'a>(sets: impl Iterator<Item = &'a IpSet>) -> Vec<IpAddr> {
    let mut bounds = Vec::new();
    for (first, last) in sets.flat_map(IpSet::ranges) {
        bounds.push(first);
        let next = match last {
            IpAddr::V4(last) => u32::from(last).checked_add(1).map(|next| IpAddr::V4(next.into())),
            IpAddr::V6(last) => u128::from(last).checked_add(1).map(|next| IpAddr::V6(next.into())),
        };
        bounds.extend(next);
    }
    bounds.sort_unstable();
    bounds.dedup();
    bounds
}
