use super::cluster_policy::{self as cnp, NamespacedPod, ProtocolMatch, Unmodelled};
use super::ports::PortSet;
use super::rules::{ClusterRules, Peer, Ports, Reader, Rule, Scope, Target, Tier, Written};
use super::selector::Selector;
use super::tri::Tri;
use super::unknown::{Doubt, Why};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::Deserialize;
use serde_json::Value;
use snc_core::flow::{Direction, PortRange, Protocol};

impl Reader {
    pub fn cluster_policy(&mut self, spec: &Value) -> ClusterRules {
        let spec = match cnp::Spec::deserialize(spec) {
            Ok(spec) => spec,
            Err(error) => {
                let doubt = Doubt { field: "spec".into(), why: Why::Unreadable(error.to_string()) };
                return ClusterRules {
                    tier: Tier::Admin,
                    priority: i32::MIN,
                    subject: None,
                    applies: Tri::Maybe,
                    opaque: true,
                    ingress: Vec::new(),
                    egress: Vec::new(),
                    doubts: vec![doubt],
                };
            }
        };
        let mut doubts = Vec::new();
        let opaque = note(&spec.unmodelled, "spec", &mut doubts);
        let subject_field = "spec.subject";
        let unmodelled = note(&spec.subject.unmodelled, subject_field, &mut doubts);
        let (subject, invalid) = match (&spec.subject.namespaces, &spec.subject.pods) {
            (Some(namespaces), None) => {
                (Some(self.namespaces(namespaces, subject_field, &mut doubts)), false)
            }
            (None, Some(pods)) => {
                let (query, unmodelled) = self.namespaced_pods(pods, subject_field, &mut doubts);
                (Some(query), unmodelled)
            }
            _ => {
                doubts.push(Doubt { field: subject_field.into(), why: Why::InvalidPeer });
                (None, true)
            }
        };
        let certain = subject.is_some() && !invalid && !unmodelled;
        let mut rules = |rules: &[cnp::Rule], direction| -> Vec<Rule> {
            rules.iter().enumerate().map(|(index, rule)| self.cluster_rule(index, rule, direction)).collect()
        };
        ClusterRules {
            tier: spec.tier,
            priority: spec.priority,
            subject: subject.filter(|_| !unmodelled && !invalid),
            applies: if certain { Tri::Yes } else { Tri::Maybe },
            opaque,
            ingress: rules(&spec.ingress, Direction::Ingress),
            egress: rules(&spec.egress, Direction::Egress),
            doubts,
        }
    }

    fn namespaces(&mut self, namespaces: &LabelSelector, field: &str, doubts: &mut Vec<Doubt>) -> usize {
        let written = Written { namespaces: Some(namespaces.clone()), pods: LabelSelector::default() };
        let namespaces = self.selector(namespaces, &format!("{field}.namespaces"), doubts);
        let everything = Selector::compile(&written.pods, &mut self.labels);
        self.query(Scope::Selected(namespaces), everything, written)
    }

    /// The query, and whether something in it is not modelled.
    fn namespaced_pods(
        &mut self,
        pods: &NamespacedPod,
        field: &str,
        doubts: &mut Vec<Doubt>,
    ) -> (usize, bool) {
        let written =
            Written { namespaces: Some(pods.namespace_selector.clone()), pods: pods.pod_selector.clone() };
        let field = format!("{field}.pods");
        let unmodelled = note(&pods.unmodelled, &field, doubts);
        let namespaces =
            self.selector(&pods.namespace_selector, &format!("{field}.namespaceSelector"), doubts);
        let pods = self.selector(&pods.pod_selector, &format!("{field}.podSelector"), doubts);
        (self.query(Scope::Selected(namespaces), pods, written), unmodelled)
    }

    fn cluster_rule(&mut self, index: usize, rule: &cnp::Rule, direction: Direction) -> Rule {
        let (list, peers, stray, field) = match direction {
            Direction::Ingress => ("from", &rule.from, &rule.to, format!("spec.ingress[{index}]")),
            Direction::Egress => ("to", &rule.to, &rule.from, format!("spec.egress[{index}]")),
        };
        let mut own = Vec::new();
        note(&rule.unmodelled, &field, &mut own);
        if peers.is_empty() || !stray.is_empty() {
            own.push(Doubt { field: format!("{field}.{list}"), why: Why::InvalidPeer });
        }
        let mut compiled: Vec<Peer> = peers
            .iter()
            .enumerate()
            .map(|(index, peer)| {
                self.cluster_peer(index, peer, direction, &format!("{field}.{list}[{index}]"))
            })
            .collect();
        let readable = |doubt: &Doubt| doubt.why == Why::NodeLabels;
        let unreadable = compiled.iter().any(|peer| !peer.doubts.iter().all(readable)) || !own.is_empty();
        if !own.is_empty() {
            compiled.push(Peer { index: None, target: Target::Anyone, doubts: own });
        }
        let ports = self.cluster_ports(rule.protocols.as_deref(), &field);
        let fail_closed = unreadable || !ports.doubts.is_empty();
        Rule { index, action: rule.action, peers: compiled, ports, fail_closed }
    }

    fn cluster_peer(&mut self, index: usize, peer: &cnp::Peer, direction: Direction, field: &str) -> Peer {
        let mut doubts = Vec::new();
        let mut unclear = note(&peer.unmodelled, field, &mut doubts);
        let mut targets = Vec::new();
        if let Some(namespaces) = &peer.namespaces {
            targets.push(Target::Pods(self.namespaces(namespaces, field, &mut doubts)));
        }
        if let Some(pods) = &peer.pods {
            let (query, unmodelled) = self.namespaced_pods(pods, field, &mut doubts);
            unclear |= unmodelled;
            targets.push(Target::Pods(query));
        }
        if let Some(nodes) = &peer.nodes {
            let nodes = self.selector(nodes, &format!("{field}.nodes"), &mut doubts);
            if !nodes.selects_all() {
                doubts.push(Doubt { field: format!("{field}.nodes"), why: Why::NodeLabels });
            }
            targets.push(Target::Nodes { all: nodes.selects_all() });
        }
        if let Some(networks) = &peer.networks {
            let id = self.block(networks, &[]);
            if !self.blocks[id].valid {
                doubts.push(Doubt { field: format!("{field}.networks"), why: Why::InvalidAddress });
            }
            targets.push(Target::Block(id));
        }
        if peer.domain_names.is_some() {
            doubts.push(Doubt { field: format!("{field}.domainNames"), why: Why::DomainNames });
            unclear = true;
        }
        // Upstream has no nodes and networks as sources.
        unclear |= direction == Direction::Ingress
            && matches!(targets.first(), Some(Target::Nodes { .. } | Target::Block(_)));
        let target = match targets.as_slice() {
            [one] if !unclear => *one,
            _ => {
                if doubts.is_empty() {
                    doubts.push(Doubt { field: field.to_owned(), why: Why::InvalidPeer });
                }
                Target::Anyone
            }
        };
        Peer { index: Some(index), target, doubts }
    }

    fn cluster_ports(&mut self, protocols: Option<&[ProtocolMatch]>, field: &str) -> Ports {
        let Some(protocols) = protocols.filter(|list| !list.is_empty()) else {
            return Ports { certain: PortSet::all(), possible: PortSet::all(), ..Ports::default() };
        };
        let mut out = Ports::default();
        for (index, protocol) in protocols.iter().enumerate() {
            let field = format!("{field}.protocols[{index}]");
            let given: Vec<_> = [
                (Protocol::Tcp, &protocol.tcp),
                (Protocol::Udp, &protocol.udp),
                (Protocol::Sctp, &protocol.sctp),
            ]
            .into_iter()
            .filter_map(|(protocol, ports)| Some((protocol, ports.as_ref()?)))
            .collect();
            let known = protocol.unmodelled.is_empty();
            let set = match (given.as_slice(), &protocol.destination_named_port) {
                ([(protocol, ports)], None) if known => numbers(*protocol, ports),
                ([], Some(name)) if known && !name.is_empty() => {
                    let name = self.port_name(name);
                    out.named.push((None, name));
                    continue;
                }
                _ => None,
            };
            if let Some(set) = set {
                out.certain.add(&set);
                out.possible.add(&set);
            } else {
                out.possible = PortSet::all();
                let why = if known { Why::InvalidPort } else { Why::NotModelled };
                out.doubts.push(Doubt { field, why });
            }
        }
        out
    }
}

fn numbers(protocol: Protocol, ports: &cnp::Ports) -> Option<PortSet> {
    if !ports.unmodelled.is_empty() {
        return None;
    }
    // Nothing set is a field that the CRD dropped (upstream's words).
    let port = ports.destination_port.as_ref()?;
    let range = match (port.number, &port.range) {
        (Some(number), None) => PortRange::new(protocol, number, None),
        (None, Some(range)) if range.unmodelled.is_empty() => {
            PortRange::new(protocol, range.start, Some(range.end))
        }
        _ => None,
    };
    range.filter(|_| port.unmodelled.is_empty()).map(PortSet::range)
}

fn note(unmodelled: &Unmodelled, field: &str, doubts: &mut Vec<Doubt>) -> bool {
    doubts.extend(
        unmodelled.keys().map(|key| Doubt { field: format!("{field}.{key}"), why: Why::NotModelled }),
    );
    !unmodelled.is_empty()
}
