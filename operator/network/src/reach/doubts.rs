//! Names of what keeps a verdict from being certain. Only asked for when one is not.

use super::connectivity::Connectivity;
use super::rules::{ClusterRules, PolicyId, Rule, Target};
use super::sides::SideKey;
use super::tri::Tri;
use super::unknown::{Doubt, Unknown, Why};
use super::verdict::{Peer, named_ports};
use snc_core::flow::Direction;
use std::collections::BTreeSet;

pub fn peer_field(direction: Direction, rule: usize, peer: Option<usize>) -> String {
    let (list, peers) = match direction {
        Direction::Ingress => ("ingress", "from"),
        Direction::Egress => ("egress", "to"),
    };
    match peer {
        Some(peer) => format!("spec.{list}[{rule}].{peers}[{peer}]"),
        None => format!("spec.{list}[{rule}]"),
    }
}

impl Connectivity<'_> {
    pub(super) fn doubts(
        &self,
        direction: Direction,
        key: &SideKey,
        peer: Peer<'_>,
        out: &mut BTreeSet<Unknown>,
    ) {
        for &(policy, certain) in &key.policies {
            let Some(half) = self.policies[policy].half(direction) else { continue };
            let id = || self.policy_id(policy);
            if !certain {
                note(&half.doubts, id, out);
            }
            for rule in &half.rules {
                self.rule_doubts(direction, rule, peer, id, out);
            }
        }
        for &(policy, certain) in &key.cluster {
            let rules = &self.cluster[policy];
            let id = || self.cluster_policy_id(policy);
            if !certain || rules.opaque {
                note(&rules.doubts, id, out);
            }
            if !certain && rules.doubts.is_empty() {
                let doubt = Doubt { field: "spec.subject".into(), why: Why::NamespaceNotKnown };
                out.insert(Unknown { policy: Some(id()), doubt });
            }
            for rule in rules.rules(direction) {
                self.rule_doubts(direction, rule, peer, id, out);
            }
        }
        self.contradictions(direction, key, peer, out);
    }

    fn rule_doubts(
        &self,
        direction: Direction,
        rule: &Rule,
        peer: Peer<'_>,
        id: impl Fn() -> PolicyId,
        out: &mut BTreeSet<Unknown>,
    ) {
        let tri = self.any_peer(rule, peer);
        if tri.possible() || rule.fail_closed {
            note(&rule.ports.doubts, &id, out);
        }
        for candidate in &rule.peers {
            let maybe = tri == Tri::Maybe && self.matches(candidate.target, peer) == Tri::Maybe;
            if !maybe && !rule.fail_closed {
                continue;
            }
            note(&candidate.doubts, &id, out);
            if maybe && candidate.doubts.is_empty() {
                let why = match candidate.target {
                    Target::Block(block) => Why::AddressNotKnown(self.reader.blocks[block].text.clone()),
                    Target::Nodes { .. } => Why::NodeLabels,
                    _ => Why::NamespaceNotKnown,
                };
                let field = peer_field(direction, rule.index, candidate.index);
                out.insert(Unknown { policy: Some(id()), doubt: Doubt { field, why } });
            }
        }
    }

    fn contradictions(
        &self,
        direction: Direction,
        key: &SideKey,
        peer: Peer<'_>,
        out: &mut BTreeSet<Unknown>,
    ) {
        let rank = |policy: usize| (self.cluster[policy].tier, self.cluster[policy].priority);
        for group in key.cluster.chunk_by(|a, b| rank(a.0) == rank(b.0)) {
            for (index, &(one, _)) in group.iter().enumerate() {
                for &(other, _) in &group[index + 1..] {
                    if !self.contradict(direction, key, peer, &self.cluster[one], &self.cluster[other]) {
                        continue;
                    }
                    for policy in [one, other] {
                        let doubt = Doubt { field: "spec.priority".into(), why: Why::SamePriority };
                        out.insert(Unknown { policy: Some(self.cluster_policy_id(policy)), doubt });
                    }
                }
            }
        }
    }

    fn contradict(
        &self,
        direction: Direction,
        key: &SideKey,
        peer: Peer<'_>,
        one: &ClusterRules,
        other: &ClusterRules,
    ) -> bool {
        let named = named_ports(direction, key, peer);
        let a = self.cluster_policy(one, true, direction, peer, named);
        let b = self.cluster_policy(other, true, direction, peer, named);
        let differ = |x: &super::ports::PortSet, y: [&super::ports::PortSet; 2]| {
            y.iter().any(|set| !x.intersection(set).is_empty())
        };
        differ(&a.accept, [&b.deny, &b.pass])
            || differ(&a.deny, [&b.accept, &b.pass])
            || differ(&a.pass, [&b.accept, &b.deny])
    }
}

fn note(doubts: &[Doubt], id: impl Fn() -> PolicyId, out: &mut BTreeSet<Unknown>) {
    out.extend(doubts.iter().map(|doubt| Unknown { policy: Some(id()), doubt: doubt.clone() }));
}
