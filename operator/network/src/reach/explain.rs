//! Why something gets through, or what stops it: the counter-example.

use super::connectivity::Connectivity;
use super::model::Pod;
use super::pairs::node_not_known;
use super::ports::PortSet;
use super::rules::{Action, PolicyId, Rule};
use super::sides::Side;
use super::tri::Tri;
use super::unknown::Unknown;
use super::verdict::{Peer, Reach, named_ports};
use snc_core::flow::Direction;
use std::collections::BTreeSet;
use std::net::IpAddr;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End<'e> {
    Pod {
        namespace: &'e str,
        name: &'e str,
    },
    /// The address of a pod stands for the pod.
    Address(IpAddr),
}

/// A rule that speaks of the traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub policy: PolicyId,
    pub direction: Direction,
    pub rule: usize,
    /// Absent for a rule without a peer list.
    pub peer: Option<usize>,
    /// `Accept` for every rule of a `NetworkPolicy`.
    pub action: Action,
    pub ports: PortSet,
    /// Whether it certainly speaks of this traffic.
    pub certain: bool,
}

/// What policies say at one end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HalfWay {
    /// `NetworkPolicies` that certainly select the pod in this direction.
    pub isolated_by: Vec<PolicyId>,
    /// No policy reaches the pod.
    pub host_network: bool,
    pub statements: Vec<Statement>,
    pub reach: Reach,
}

/// Traffic that no policy decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    SamePod,
    OwnNode,
    /// One of the ends is over: it has no network any more.
    Completed,
    /// The two ends have no address family in common.
    NoCommonFamily,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    pub reach: Reach,
    pub fact: Option<Fact>,
    /// Absent when traffic does not start at a pod.
    pub egress: Option<HalfWay>,
    /// Absent when traffic does not go to a pod.
    pub ingress: Option<HalfWay>,
    pub unknown: Vec<Unknown>,
}

impl Explanation {
    /// The ends at which nothing gets through.
    pub fn blocked_at(&self) -> Vec<Direction> {
        let blocked = |half: &Option<HalfWay>| half.as_ref().is_some_and(|half| half.reach.is_none());
        let ends = [(Direction::Egress, &self.egress), (Direction::Ingress, &self.ingress)];
        ends.into_iter().filter(|(_, half)| blocked(half)).map(|(direction, _)| direction).collect()
    }
}

impl Connectivity<'_> {
    /// `None` when an end is a pod that the snapshot does not hold, or both ends are addresses of no pod.
    pub fn explain(&self, from: End<'_>, to: End<'_>) -> Option<Explanation> {
        match (self.resolve_end(from)?, self.resolve_end(to)?) {
            (Ok(from), Ok(to)) => Some(self.explain_pods(from, to)),
            (Ok(pod), Err(address)) => Some(self.explain_address(pod, address, Direction::Egress)),
            (Err(address), Ok(pod)) => Some(self.explain_address(pod, address, Direction::Ingress)),
            (Err(_), Err(_)) => None,
        }
    }

    fn resolve_end(&self, end: End<'_>) -> Option<Result<usize, IpAddr>> {
        match end {
            End::Pod { namespace, name } => self.pod(namespace, name).map(Ok),
            End::Address(address) => {
                let owns = |pod: &Pod| !pod.host_network && !pod.completed && pod.ips.contains(&address);
                Some(self.cluster_state.pods.iter().position(owns).ok_or(address))
            }
        }
    }

    fn explain_pods(&self, from: usize, to: usize) -> Explanation {
        let (Some(a), Some(b)) = (self.class(from), self.class(to)) else {
            return fact(Reach::default(), Fact::Completed);
        };
        if from == to {
            return fact(Reach::all(), Fact::SamePod);
        }
        let peers =
            |class: usize| self.addresses(class).iter().map(move |address| self.peer(class, *address));
        let half = |direction, subject, other| {
            self.half_way(direction, self.side(direction, subject), &peers(other).collect::<Vec<_>>())
        };
        let node = self.own_node(from, to);
        let reach = self.reach(from, to);
        let (egress, ingress) = (half(Direction::Egress, a, b), half(Direction::Ingress, b, a));
        let mut unknown = BTreeSet::new();
        if !reach.is_certain() {
            self.pair_doubts(a, b, &mut unknown);
            if !node.is_none() {
                let pod = &self.cluster_state.pods[to];
                unknown.insert(node_not_known(format!("{}/{}", pod.namespace, pod.name)));
            }
        }
        let families = egress.reach.and(&ingress.reach);
        let fact = if node.ports.is_all() {
            Some(Fact::OwnNode)
        } else {
            (reach.is_none() && !families.is_none() && !self.share_family(a, b))
                .then_some(Fact::NoCommonFamily)
        };
        let unknown = unknown.into_iter().collect();
        Explanation { reach, fact, egress: Some(egress), ingress: Some(ingress), unknown }
    }

    fn explain_address(&self, pod: usize, address: IpAddr, direction: Direction) -> Explanation {
        let Some(class) = self.class(pod) else { return fact(Reach::default(), Fact::Completed) };
        if self.cluster_state.pods[pod].node_ips.contains(&address) {
            return fact(Reach::all(), Fact::OwnNode);
        }
        let (side, peer) = (self.side(direction, class), self.outsider(address));
        let half = self.half_way(direction, side, &[peer]);
        let mut unknown = BTreeSet::new();
        if !half.reach.is_certain() {
            self.doubts(direction, &side.key, peer, &mut unknown);
        }
        let mut out = Explanation {
            reach: half.reach.clone(),
            fact: None,
            egress: None,
            ingress: None,
            unknown: unknown.into_iter().collect(),
        };
        match direction {
            Direction::Ingress => out.ingress = Some(half),
            Direction::Egress => out.egress = Some(half),
        }
        out
    }

    fn half_way(&self, direction: Direction, side: &Side, peers: &[Peer<'_>]) -> HalfWay {
        let mut out = HalfWay { host_network: side.key.host, ..HalfWay::default() };
        for peer in peers {
            out.reach.add(&self.verdict(direction, &side.key, *peer));
        }
        for &(index, certain) in &side.key.cluster {
            let id = self.cluster_policy_id(index);
            for rule in self.cluster[index].rules(direction) {
                self.statements(&id, certain, (direction, side), rule, peers, &mut out.statements);
            }
        }
        for &(index, certain) in &side.key.policies {
            let id = self.policy_id(index);
            for rule in self.policies[index].half(direction).iter().flat_map(|half| &half.rules) {
                self.statements(&id, certain, (direction, side), rule, peers, &mut out.statements);
            }
            if certain {
                out.isolated_by.push(id);
            }
        }
        out
    }

    fn statements(
        &self,
        policy: &PolicyId,
        selects: bool,
        (direction, side): (Direction, &Side),
        rule: &Rule,
        peers: &[Peer<'_>],
        out: &mut Vec<Statement>,
    ) {
        let mut ports = PortSet::none();
        for peer in peers {
            ports.add(&self.rule(rule, *peer, named_ports(direction, &side.key, *peer)).1);
        }
        if ports.is_empty() {
            return;
        }
        for candidate in &rule.peers {
            let tri = peers.iter().map(|peer| self.matches(candidate.target, *peer)).max().unwrap_or(Tri::No);
            if tri.possible() {
                out.push(Statement {
                    policy: policy.clone(),
                    direction,
                    rule: rule.index,
                    peer: candidate.index,
                    action: rule.action,
                    ports: ports.clone(),
                    certain: selects && tri.certain() && !rule.fail_closed && rule.ports.doubts.is_empty(),
                });
            }
        }
    }
}

fn fact(reach: Reach, fact: Fact) -> Explanation {
    Explanation { reach, fact: Some(fact), egress: None, ingress: None, unknown: Vec::new() }
}
