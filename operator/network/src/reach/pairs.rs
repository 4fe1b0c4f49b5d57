//! The matrix of workloads, one row at a time.

use super::addresses::Family;
use super::bits::Bits;
use super::connectivity::{Connectivity, both};
use super::unknown::{Doubt, Unknown, Why};
use super::verdict::Reach;
use super::workloads::{Workload, WorkloadId};
use snc_core::flow::Direction;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What some pod of one workload can reach on some pod of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair<'a> {
    pub from: WorkloadId<'a>,
    pub to: WorkloadId<'a>,
    pub reach: Reach,
    indexes: (usize, usize),
}

/// Workloads on the host's network, and the others, on one node.
type OnNode = (BTreeSet<usize>, BTreeSet<usize>);
type Nodes<'n> = BTreeMap<Option<&'n str>, OnNode>;

/// Verdicts that come again within one row, by side and class.
type Memo = HashMap<(usize, usize), [Reach; 2]>;

impl<'a> Connectivity<'a> {
    pub fn workloads(&self) -> impl Iterator<Item = WorkloadId<'a>> + '_ {
        self.workloads.iter().map(|workload| workload.id)
    }

    /// Ordered pairs of different workloads between which something gets or may get through, sorted.
    pub fn pairs(&self) -> impl Iterator<Item = Pair<'a>> + '_ {
        let of_class = self.workloads_of_classes();
        let nodes = self.nodes();
        let mut row = vec![Reach::default(); self.workloads.len()];
        (0..self.workloads.len()).flat_map(move |from| self.row(from, &of_class, &nodes, &mut row))
    }

    /// Why a pair is not certain.
    pub fn unknowns(&self, pair: &Pair<'_>) -> Vec<Unknown> {
        let (from, to) = (&self.workloads[pair.indexes.0], &self.workloads[pair.indexes.1]);
        let mut out = BTreeSet::new();
        for &a in &from.classes {
            for &b in &to.classes {
                if !self.between(a, b).is_certain() {
                    self.pair_doubts(a, b, &mut out);
                }
            }
        }
        if !pair.reach.is_certain() && same_node(from, to).is_some_and(|certain| !certain) {
            out.insert(node_not_known(to.id.to_string()));
        }
        out.into_iter().collect()
    }

    pub(super) fn pair_doubts(&self, from: usize, to: usize, out: &mut BTreeSet<Unknown>) {
        for &address in self.addresses(to) {
            let key = &self.side(Direction::Egress, from).key;
            self.doubts(Direction::Egress, key, self.peer(to, address), out);
        }
        for &address in self.addresses(from) {
            let key = &self.side(Direction::Ingress, to).key;
            self.doubts(Direction::Ingress, key, self.peer(from, address), out);
        }
    }

    /// `reached` is empty before and after: only its memory is used again.
    fn row(
        &self,
        from: usize,
        of_class: &[Vec<usize>],
        nodes: &Nodes<'_>,
        reached: &mut [Reach],
    ) -> Vec<Pair<'a>> {
        let workload = &self.workloads[from];
        let mut touched = Vec::new();
        let mut reach_one = |other: usize, reach: &Reach, reached: &mut [Reach]| {
            if reached[other].is_none() {
                touched.push(other);
            }
            reached[other].add(reach);
        };
        let mut memo = Memo::new();
        for &class in &workload.classes {
            let everyone = || Box::new(0..self.classes.list.len()) as Box<dyn Iterator<Item = usize> + '_>;
            let candidates = &self.side(Direction::Egress, class).candidates;
            for to in candidates.as_ref().map_or_else(everyone, |bits: &Bits| Box::new(bits.iter())) {
                if of_class[to].iter().all(|other| *other == from || reached[*other].ports.is_all()) {
                    continue;
                }
                let reach = self.between_memo(class, to, &mut memo);
                if reach.is_none() {
                    continue;
                }
                for &other in of_class[to].iter().filter(|other| **other != from) {
                    reach_one(other, &reach, reached);
                }
            }
        }
        for (&other, certain) in &neighbours(workload, from, nodes) {
            let reach = if *certain { Reach::all() } else { Reach::maybe() };
            reach_one(other, &reach, reached);
        }
        touched.sort_unstable();
        touched
            .into_iter()
            .map(|to| Pair {
                from: workload.id,
                to: self.workloads[to].id,
                reach: std::mem::take(&mut reached[to]),
                indexes: (from, to),
            })
            .collect()
    }

    /// `between`, with the verdicts of the receiving side kept: many classes share one.
    fn between_memo(&self, from: usize, to: usize, memo: &mut Memo) -> Reach {
        let (egress, ingress) = (self.side(Direction::Egress, from), self.side(Direction::Ingress, to));
        if egress.key.is_open() && ingress.key.is_open() {
            return if self.share_family(from, to) { Reach::all() } else { Reach::default() };
        }
        if ingress.candidates.as_ref().is_some_and(|candidates| !candidates.contains(from)) {
            return Reach::default();
        }
        let into = memo
            .entry((self.ingress.of_class[to], from))
            .or_insert_with(|| self.by_family(Direction::Ingress, ingress, from));
        if into.iter().all(Reach::is_none) {
            return Reach::default();
        }
        both(&self.by_family(Direction::Egress, egress, to), into)
    }

    pub(super) fn share_family(&self, from: usize, to: usize) -> bool {
        Family::BOTH.into_iter().any(|family| {
            [from, to].iter().all(|class| self.addresses(*class).iter().any(|a| a.family() == family))
        })
    }

    fn workloads_of_classes(&self) -> Vec<Vec<usize>> {
        let mut out = vec![Vec::new(); self.classes.list.len()];
        for (index, workload) in self.workloads.iter().enumerate() {
            for &class in &workload.classes {
                out[class].push(index);
            }
        }
        out
    }

    fn nodes(&self) -> Nodes<'a> {
        let mut nodes = Nodes::new();
        for (index, workload) in self.workloads.iter().enumerate() {
            for &node in &workload.host_nodes {
                nodes.entry(node).or_default().0.insert(index);
            }
            for &node in &workload.pod_nodes {
                nodes.entry(node).or_default().1.insert(index);
            }
        }
        nodes
    }
}

/// Workloads of which a pod is on the node of one of ours, one of the two on the host's network; `true` when the node
/// is known.
fn neighbours(workload: &Workload<'_>, index: usize, nodes: &Nodes<'_>) -> BTreeMap<usize, bool> {
    let mut out: BTreeMap<usize, bool> = BTreeMap::new();
    for (ours, host) in [(&workload.host_nodes, true), (&workload.pod_nodes, false)] {
        let theirs = |on: &OnNode| if host { on.1.clone() } else { on.0.clone() };
        for node in ours {
            let same = nodes.get(node).into_iter().map(|on| (on, node.is_some()));
            // An unknown node may be any, and any may be an unknown one.
            let maybe = nodes
                .iter()
                .filter(|(other, _)| node.is_none() || other.is_none())
                .map(|(_, on)| (on, false));
            for (on, certain) in same.chain(maybe) {
                for other in theirs(on).into_iter().filter(|other| *other != index) {
                    *out.entry(other).or_default() |= certain;
                }
            }
        }
    }
    out
}

fn same_node(from: &Workload<'_>, to: &Workload<'_>) -> Option<bool> {
    let pairs = |a: &BTreeSet<Option<&str>>, b: &BTreeSet<Option<&str>>| {
        if a.is_empty() || b.is_empty() {
            None
        } else if a.intersection(b).any(Option::is_some) {
            Some(true)
        } else {
            (a.contains(&None) || b.contains(&None)).then_some(false)
        }
    };
    pairs(&from.host_nodes, &to.pod_nodes).max(pairs(&from.pod_nodes, &to.host_nodes))
}

pub(super) fn node_not_known(name: String) -> Unknown {
    Unknown { policy: None, doubt: Doubt { field: name, why: Why::NodeNotKnown } }
}
