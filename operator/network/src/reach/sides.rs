//! What policies say of the pods that they select, in one direction.

use super::bits::Bits;
use super::classes::{Classes, NamedPorts, Selected};
use super::rules::{Action, ClusterRules, Half, NetPolicy, Rule, Target, Tier};
use super::tri::Tri;
use snc_core::flow::Direction;
use std::collections::HashMap;

/// Policies that bear on a class of pods in one direction; classes under the same ones share a side.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct SideKey {
    pub host: bool,
    /// Policies that select the class, in order; `false` when it is not certain that they do.
    pub policies: Vec<(usize, bool)>,
    /// In the order of their evaluation.
    pub cluster: Vec<(usize, bool)>,
    /// Ports by name of the pods themselves, where traffic goes to them.
    pub ports: NamedPorts,
}

#[derive(Debug)]
pub struct Side {
    pub key: SideKey,
    /// Classes that may get through; others certainly do not.
    pub candidates: Option<Bits>,
    /// Whether the address of the other end matters.
    pub by_address: bool,
}

#[derive(Debug, Default)]
pub struct Sides {
    pub list: Vec<Side>,
    pub of_class: Vec<usize>,
}

impl SideKey {
    /// No policy says anything.
    pub const fn is_open(&self) -> bool {
        self.host || (self.policies.is_empty() && self.cluster.is_empty())
    }

    pub fn isolated(&self) -> bool {
        self.policies.iter().any(|(_, certain)| *certain)
    }
}

impl NetPolicy {
    pub const fn half(&self, direction: Direction) -> Option<&Half> {
        match direction {
            Direction::Ingress => self.ingress.as_ref(),
            Direction::Egress => self.egress.as_ref(),
        }
    }
}

impl ClusterRules {
    pub fn rules(&self, direction: Direction) -> &[Rule] {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    pub fn selects(&self, class: usize, queries: &[Selected]) -> Tri {
        self.subject.map_or(Tri::Maybe, |query| queries[query].tri(class)).min(self.applies)
    }
}

pub struct Policies<'p> {
    pub network: &'p [NetPolicy],
    pub cluster: &'p [ClusterRules],
    pub queries: &'p [Selected],
}

impl Sides {
    pub fn new(
        direction: Direction,
        policies: &Policies<'_>,
        classes: &Classes,
        of_namespace: &[Vec<usize>],
        blocks: impl Fn(usize) -> Bits,
    ) -> Self {
        let mut order: Vec<usize> = (0..policies.cluster.len()).collect();
        order.sort_by_key(|&index| (policies.cluster[index].tier, policies.cluster[index].priority));
        let mut ids: HashMap<SideKey, usize> = HashMap::new();
        let mut out = Self::default();
        for (index, class) in classes.list.iter().enumerate() {
            let mut key = SideKey { host: class.host, ..SideKey::default() };
            if !class.host {
                for &policy in &of_namespace[class.namespace as usize] {
                    let Some(half) = policies.network[policy].half(direction) else { continue };
                    let tri = half.applies.min(policies.network[policy].subject.matches(&class.labels));
                    if tri.possible() {
                        key.policies.push((policy, tri.certain()));
                    }
                }
                for &policy in &order {
                    let rules = &policies.cluster[policy];
                    let tri = rules.selects(index, policies.queries);
                    if tri.possible() && (rules.opaque || !rules.rules(direction).is_empty()) {
                        key.cluster.push((policy, tri.certain()));
                    }
                }
                if direction == Direction::Ingress {
                    key.ports.clone_from(&class.ports);
                }
            }
            let next = out.list.len();
            let id = *ids.entry(key.clone()).or_insert(next);
            if id == next {
                let side = side(key, direction, policies, &blocks);
                out.list.push(side);
            }
            out.of_class.push(id);
        }
        out
    }
}

fn side(
    key: SideKey,
    direction: Direction,
    policies: &Policies<'_>,
    blocks: &impl Fn(usize) -> Bits,
) -> Side {
    let network = key
        .policies
        .iter()
        .filter_map(|(policy, _)| policies.network[*policy].half(direction))
        .flat_map(|h| &h.rules);
    let cluster = || key.cluster.iter().map(|(policy, _)| &policies.cluster[*policy]);
    let rules: Vec<&Rule> = network.chain(cluster().flat_map(|rules| rules.rules(direction))).collect();
    let all_targets = || rules.iter().flat_map(|rule| &rule.peers).map(|peer| peer.target);
    let by_address = all_targets().any(|target| matches!(target, Target::Block(_) | Target::Nodes { .. }));
    // Where a policy isolates, only rules that accept let anything through.
    let accepting = rules.iter().filter(|rule| rule.action == Action::Accept);
    let targets = || accepting.clone().flat_map(|rule| &rule.peers).map(|peer| peer.target);
    let open = !key.isolated()
        || cluster().any(|rules| rules.opaque && rules.tier == Tier::Admin)
        || targets().any(|target| matches!(target, Target::Everyone | Target::Anyone | Target::Nodes { .. }));
    let candidates = (!open).then(|| {
        let mut bits = Bits::default();
        for target in targets() {
            match target {
                Target::Pods(query) => bits.add(&policies.queries[query].possible),
                Target::Block(block) => bits.add(&blocks(block)),
                Target::Everyone | Target::Anyone | Target::Nodes { .. } => {}
            }
        }
        bits
    });
    Side { key, candidates, by_address }
}
