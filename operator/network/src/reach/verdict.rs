//! One direction of one pair: the admin tier, then NetworkPolicies, then the baseline tier.

use super::classes::NamedPorts;
use super::connectivity::Connectivity;
use super::places::Address;
use super::ports::PortSet;
use super::rules::{Action, ClusterRules, Ports, Rule, Target, Tier};
use super::sides::SideKey;
use super::tri::Tri;
use snc_core::flow::Direction;

/// What gets through. `ports` is certain; `possible` holds it and what is not known to be stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    pub ports: PortSet,
    pub possible: PortSet,
}

impl Reach {
    pub fn all() -> Self {
        Self { ports: PortSet::all(), possible: PortSet::all() }
    }

    pub fn maybe() -> Self {
        Self { ports: PortSet::none(), possible: PortSet::all() }
    }

    pub fn is_certain(&self) -> bool {
        self.ports == self.possible
    }

    /// Certainly nothing gets through.
    pub fn is_none(&self) -> bool {
        self.possible.is_empty()
    }

    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            ports: self.ports.intersection(&other.ports),
            possible: self.possible.intersection(&other.possible),
        }
    }

    pub fn add(&mut self, other: &Self) {
        self.ports.add(&other.ports);
        self.possible.add(&other.possible);
    }
}

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer<'c> {
    pub class: Option<usize>,
    pub host: bool,
    pub address: Address,
    /// Its ports by name, where it is the one connected to.
    pub ports: &'c NamedPorts,
}

/// Per port, the decisions that are possible.
#[derive(Debug, Default)]
pub struct Outcome {
    pub accept: PortSet,
    pub deny: PortSet,
    pub pass: PortSet,
    undecided: PortSet,
}

impl Outcome {
    fn of(&mut self, action: Action) -> &mut PortSet {
        match action {
            Action::Accept => &mut self.accept,
            Action::Deny => &mut self.deny,
            Action::Pass => &mut self.pass,
        }
    }
}

impl Connectivity<'_> {
    pub(super) fn matches(&self, target: Target, peer: Peer<'_>) -> Tri {
        match target {
            Target::Everyone => Tri::Yes,
            Target::Anyone => Tri::Maybe,
            Target::Pods(query) => peer.class.map_or(Tri::No, |class| self.queries[query].tri(class)),
            Target::Block(block) => self.places.holds(&self.reader.blocks, block, peer.address),
            Target::Nodes { all } => match (peer.class, peer.host) {
                (Some(_), true) if all => Tri::Yes,
                (Some(_), true) => Tri::Maybe,
                (Some(_), false) => Tri::No,
                (None, _) => self.places.may_be_node(peer.address),
            },
        }
    }

    pub(super) fn any_peer(&self, rule: &Rule, peer: Peer<'_>) -> Tri {
        let mut best = Tri::No;
        for candidate in &rule.peers {
            best = best.max(self.matches(candidate.target, peer));
            if best.certain() {
                break;
            }
        }
        best
    }

    pub(super) fn verdict(&self, direction: Direction, key: &SideKey, peer: Peer<'_>) -> Reach {
        if key.is_open() {
            return Reach::all();
        }
        let named = named_ports(direction, key, peer);
        let admin = self.tier(Tier::Admin, direction, key, peer, named);
        let below = admin.pass.union(&admin.undecided);
        let (mut accept, mut deny) = (admin.accept, admin.deny);
        if !below.is_empty() {
            let (may, may_not) = self.network_policies(direction, key, peer, named);
            accept.add(&below.intersection(&may));
            deny.add(&below.intersection(&may_not));
        }
        Reach { ports: deny.complement(), possible: accept }
    }

    /// Ports that may be let through and ports that may be stopped, below the admin tier.
    fn network_policies(
        &self,
        direction: Direction,
        key: &SideKey,
        peer: Peer<'_>,
        named: &NamedPorts,
    ) -> (PortSet, PortSet) {
        let (mut granted, mut may) = (PortSet::none(), PortSet::none());
        let mut stopped = PortSet::none();
        let isolated = key.isolated();
        for &(policy, selects) in &key.policies {
            let Some(half) = self.policies[policy].half(direction) else { continue };
            let mut own = PortSet::none();
            for rule in &half.rules {
                let (certain, possible) = self.rule(rule, peer, named);
                own.add(&certain);
                may.add(&possible);
            }
            if selects {
                granted.add(&own);
            } else if !isolated {
                // It may be the only one that selects the pod.
                stopped.add(&own.complement());
            }
        }
        if isolated {
            return (may, granted.complement());
        }
        let baseline = self.tier(Tier::Baseline, direction, key, peer, named);
        for set in [&baseline.accept, &baseline.pass, &baseline.undecided] {
            may.add(set);
        }
        stopped.add(&baseline.deny);
        (may, stopped)
    }

    /// Ports that a rule certainly and possibly speaks of.
    pub(super) fn rule(&self, rule: &Rule, peer: Peer<'_>, named: &NamedPorts) -> (PortSet, PortSet) {
        let tri = self.any_peer(rule, peer);
        if !tri.possible() {
            return (PortSet::none(), PortSet::none());
        }
        let by_name = resolve(&rule.ports, named);
        let certain = if tri.certain() && !rule.fail_closed {
            rule.ports.certain.union(&by_name)
        } else {
            PortSet::none()
        };
        (certain, rule.ports.possible.union(&by_name))
    }

    fn tier(
        &self,
        tier: Tier,
        direction: Direction,
        key: &SideKey,
        peer: Peer<'_>,
        named: &NamedPorts,
    ) -> Outcome {
        let mut out = Outcome { undecided: PortSet::all(), ..Outcome::default() };
        let policies: Vec<(&ClusterRules, bool)> = key
            .cluster
            .iter()
            .map(|(index, certain)| (&self.cluster[*index], *certain))
            .filter(|(policy, _)| policy.tier == tier)
            .collect();
        for group in policies.chunk_by(|a, b| a.0.priority == b.0.priority) {
            if out.undecided.is_empty() {
                break;
            }
            // Of equal priority, any one that speaks of the traffic may be the one that counts.
            let mut undecided = out.undecided.clone();
            for &(policy, certain) in group {
                let one = self.cluster_policy(policy, certain, direction, peer, named);
                out.accept.add(&out.undecided.intersection(&one.accept));
                out.deny.add(&out.undecided.intersection(&one.deny));
                out.pass.add(&out.undecided.intersection(&one.pass));
                undecided = undecided.intersection(&one.undecided);
            }
            out.undecided = undecided;
        }
        out
    }

    pub(super) fn cluster_policy(
        &self,
        policy: &ClusterRules,
        certain: bool,
        direction: Direction,
        peer: Peer<'_>,
        named: &NamedPorts,
    ) -> Outcome {
        if policy.opaque {
            let all = PortSet::all;
            return Outcome { accept: all(), deny: all(), pass: all(), undecided: all() };
        }
        let mut out = Outcome::default();
        let mut rest = PortSet::all();
        for rule in policy.rules(direction) {
            let (sure, possible) = self.rule(rule, peer, named);
            let spoken = rest.intersection(&possible);
            out.of(rule.action).add(&spoken);
            if rule.fail_closed && rule.action != Action::Accept {
                out.deny.add(&rest);
            }
            rest = rest.difference(&sure);
        }
        out.undecided = if certain { rest } else { PortSet::all() };
        out
    }
}

/// Names stand for ports of the pods that traffic goes to.
pub fn named_ports<'k>(direction: Direction, key: &'k SideKey, peer: Peer<'k>) -> &'k NamedPorts {
    match direction {
        Direction::Ingress => &key.ports,
        Direction::Egress => peer.ports,
    }
}

pub fn resolve(ports: &Ports, named: &NamedPorts) -> PortSet {
    let mut out = PortSet::none();
    for &(protocol, name) in &ports.named {
        for &(_, on, number) in named.iter().filter(|port| port.0 == name) {
            if protocol.is_none_or(|protocol| protocol == on) {
                out.add(&PortSet::port(on, number));
            }
        }
    }
    out
}
