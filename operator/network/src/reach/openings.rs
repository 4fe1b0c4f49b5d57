//! What the policies of one namespace open, for its status.

use super::addresses::IpSet;
use super::connectivity::Connectivity;
use super::doubts::peer_field;
use super::ports::PortSet;
use super::rules::{Action, Peer, PolicyId, Rule, Scope, Target, Written};
use super::tri::Tri;
use super::unknown::{Doubt, Unknown, Why};
use super::verdict::resolve;
use ipnet::IpNet;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use snc_core::flow::Direction;

/// The pods of the namespace that an opening is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Subject<'a> {
    pub pods: usize,
    pub example: Option<&'a str>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Peers<'a> {
    Everyone,
    Pods {
        /// `None`: the namespace of the policy.
        namespace_selector: Option<LabelSelector>,
        pod_selector: LabelSelector,
        /// Namespaces that match now, sorted.
        namespaces: Vec<&'a str>,
        /// Namespaces that may match: an invalid selector, or labels that are not known.
        possible_namespaces: Vec<&'a str>,
    },
    Blocks {
        blocks: Vec<IpNet>,
        except: Vec<IpNet>,
        /// `blocks` without `except`.
        addresses: IpSet,
    },
    Nodes,
    /// Not understood: anyone may be meant. See `unknown`.
    Unclear,
}

/// One peer of one rule: what it lets in or out.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening<'a> {
    pub policy: PolicyId,
    pub direction: Direction,
    pub rule: usize,
    /// Absent for a rule without a peer list.
    pub peer: Option<usize>,
    pub subject: Subject<'a>,
    pub peers: Peers<'a>,
    /// Names resolved on the pods that traffic goes to, as far as the snapshot holds them.
    pub ports: PortSet,
    pub possible_ports: PortSet,
    /// Ports by name: they follow what pods say.
    pub named_ports: Vec<&'a str>,
    pub unknown: Vec<Unknown>,
}

/// Whether the pods of a namespace are isolated in one direction: selected by at least one `NetworkPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Isolation<'a> {
    pub pods: usize,
    pub isolated: usize,
    /// A pod that no policy selects.
    pub open: Option<&'a str>,
    /// A pod of which it is not certain that a policy selects it.
    pub uncertain: Option<&'a str>,
    /// A pod that no policy can isolate.
    pub host_network: Option<&'a str>,
    /// Whether a policy isolates every pod, those to come too.
    pub by_default: bool,
}

impl Isolation<'_> {
    /// Of the pods that are there; without any, nothing is said of those to come.
    pub const fn holds(&self) -> bool {
        self.pods == self.isolated
    }
}

impl Connectivity<'_> {
    pub fn isolation(&self, namespace: &str, direction: Direction) -> Isolation<'_> {
        let mut out = Isolation::default();
        for &class in self.classes_in(namespace) {
            let pods = &self.classes.pods[class];
            let name = pods.first().map(|pod| self.cluster_state.pods[*pod].name.as_str());
            let key = &self.side(direction, class).key;
            out.pods += pods.len();
            if key.host {
                out.host_network = out.host_network.or(name);
            } else if key.isolated() {
                out.isolated += pods.len();
            } else if key.policies.is_empty() {
                out.open = out.open.or(name);
            } else {
                out.uncertain = out.uncertain.or(name);
            }
        }
        let policies =
            self.namespace_ids.get(namespace).map_or(&[][..], |id| &self.of_namespace[*id as usize]);
        out.by_default = policies.iter().map(|policy| &self.policies[*policy]).any(|policy| {
            policy.subject.selects_all() && policy.half(direction).is_some_and(|half| half.applies.certain())
        });
        out
    }

    /// Openings by the namespace's own policies, and by `Accept` rules of cluster policies that are for its pods,
    /// those to come too.
    pub fn openings(&self, namespace: &str, direction: Direction) -> Vec<Opening<'_>> {
        let mut out = Vec::new();
        let Some(&id) = self.namespace_ids.get(namespace) else { return out };
        for &policy in &self.of_namespace[id as usize] {
            let compiled = &self.policies[policy];
            let Some(half) = compiled.half(direction) else { continue };
            let subject: Vec<usize> = self
                .plain_classes(namespace)
                .filter(|class| compiled.subject.matches(&self.classes.list[*class].labels).possible())
                .collect();
            for rule in &half.rules {
                self.open(&self.policy_id(policy), direction, rule, &subject, &half.doubts, &mut out);
            }
        }
        let namespace_is_meant =
            |query: usize| self.namespaces[id as usize].matches(&self.reader.queries[query].scope).possible();
        for (index, policy) in self.cluster.iter().enumerate() {
            if !policy.subject.is_none_or(namespace_is_meant) {
                continue;
            }
            let subject: Vec<usize> = self
                .plain_classes(namespace)
                .filter(|class| policy.selects(*class, &self.queries).possible())
                .collect();
            let rules = policy.rules(direction).iter();
            for rule in rules.filter(|rule| rule.action == Action::Accept) {
                let id = self.cluster_policy_id(index);
                self.open(&id, direction, rule, &subject, &policy.doubts, &mut out);
            }
            if policy.opaque {
                out.push(self.unclear(self.cluster_policy_id(index), direction, &subject, &policy.doubts));
            }
        }
        out
    }

    fn open<'s>(
        &'s self,
        policy: &PolicyId,
        direction: Direction,
        rule: &Rule,
        subject: &[usize],
        doubts: &[Doubt],
        out: &mut Vec<Opening<'s>>,
    ) {
        for peer in &rule.peers {
            let mut unknown: Vec<Unknown> = doubts
                .iter()
                .chain(&peer.doubts)
                .chain(&rule.ports.doubts)
                .map(|doubt| Unknown { policy: Some(policy.clone()), doubt: doubt.clone() })
                .collect();
            let peers = self.peers(peer.target);
            if matches!(&peers, Peers::Pods { possible_namespaces, .. } if !possible_namespaces.is_empty())
                && unknown.is_empty()
            {
                let field = peer_field(direction, rule.index, peer.index);
                let doubt = Doubt { field, why: Why::NamespaceNotKnown };
                unknown.push(Unknown { policy: Some(policy.clone()), doubt });
            }
            let named = self.resolved(direction, rule, peer, subject);
            out.push(Opening {
                policy: policy.clone(),
                direction,
                rule: rule.index,
                peer: peer.index,
                subject: self.subject(subject),
                peers,
                ports: if rule.fail_closed { PortSet::none() } else { rule.ports.certain.union(&named) },
                possible_ports: rule.ports.possible.union(&named),
                named_ports: self.names(rule),
                unknown,
            });
        }
    }

    fn unclear(
        &self,
        policy: PolicyId,
        direction: Direction,
        subject: &[usize],
        doubts: &[Doubt],
    ) -> Opening<'_> {
        let unknown = |doubt: &Doubt| Unknown { policy: Some(policy.clone()), doubt: doubt.clone() };
        Opening {
            direction,
            rule: 0,
            peer: None,
            subject: self.subject(subject),
            peers: Peers::Unclear,
            ports: PortSet::none(),
            possible_ports: PortSet::all(),
            named_ports: Vec::new(),
            unknown: doubts.iter().map(unknown).collect(),
            policy,
        }
    }

    fn peers(&self, target: Target) -> Peers<'_> {
        match target {
            Target::Everyone => Peers::Everyone,
            Target::Anyone => Peers::Unclear,
            Target::Nodes { .. } => Peers::Nodes,
            Target::Block(block) if !self.reader.blocks[block].valid => Peers::Unclear,
            Target::Block(block) => {
                let block = &self.reader.blocks[block];
                Peers::Blocks {
                    blocks: block.blocks.clone(),
                    except: block.except.clone(),
                    addresses: block.set.clone(),
                }
            }
            Target::Pods(query) => {
                let Written { namespaces: selector, pods } = self.reader.written[query].clone();
                let scope = &self.reader.queries[query].scope;
                let tri = |index: usize| match scope {
                    Scope::Namespace(id) => Tri::from(*id as usize == index),
                    Scope::Selected(_) => self.namespaces[index].matches(scope),
                };
                let by = |wanted: Tri| {
                    let mut names: Vec<&str> = (0..self.namespaces.len())
                        .filter(|index| tri(*index) == wanted)
                        .map(|index| self.namespaces[index].name)
                        .collect();
                    names.sort_unstable();
                    names
                };
                Peers::Pods {
                    namespace_selector: selector,
                    pod_selector: pods,
                    namespaces: by(Tri::Yes),
                    possible_namespaces: by(Tri::Maybe),
                }
            }
        }
    }

    fn resolved(&self, direction: Direction, rule: &Rule, peer: &Peer, subject: &[usize]) -> PortSet {
        let mut out = PortSet::none();
        if rule.ports.named.is_empty() {
            return out;
        }
        match direction {
            Direction::Ingress => {
                for &class in subject {
                    out.add(&resolve(&rule.ports, &self.classes.list[class].ports));
                }
            }
            Direction::Egress => {
                for (index, class) in self.classes.list.iter().enumerate() {
                    let at = |address| self.matches(peer.target, self.peer(index, address)).possible();
                    if self.addresses(index).iter().any(|address| at(*address)) {
                        out.add(&resolve(&rule.ports, &class.ports));
                    }
                }
            }
        }
        out
    }

    fn names(&self, rule: &Rule) -> Vec<&str> {
        let wanted = |id: u32| rule.ports.named.iter().any(|(_, name)| *name == id);
        let mut names: Vec<&str> = self
            .reader
            .port_names
            .iter()
            .filter(|(_, id)| wanted(**id))
            .map(|(name, _)| name.as_str())
            .collect();
        names.sort_unstable();
        names
    }

    fn subject(&self, classes: &[usize]) -> Subject<'_> {
        let pods = || classes.iter().flat_map(|class| &self.classes.pods[*class]);
        let example = pods().next().map(|pod| self.cluster_state.pods[*pod].name.as_str());
        Subject { pods: pods().count(), example }
    }

    fn classes_in(&self, namespace: &str) -> &[usize] {
        self.namespace_ids.get(namespace).map_or(&[], |id| &self.namespaces[*id as usize].classes)
    }

    fn plain_classes(&self, namespace: &str) -> impl Iterator<Item = usize> {
        self.classes_in(namespace).iter().copied().filter(|class| !self.classes.list[*class].host)
    }
}
