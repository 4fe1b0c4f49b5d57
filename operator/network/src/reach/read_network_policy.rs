use super::ports::PortSet;
use super::rules::{Action, Half, NetPolicy, Peer, Ports, Reader, Rule, Scope, Target, Written};
use super::tri::Tri;
use super::unknown::{Doubt, Why};
use k8s_openapi::api::networking::v1::{NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use snc_core::flow::{Direction, PortRange, Protocol};

impl Reader {
    pub fn network_policy(&mut self, namespace: u32, spec: &NetworkPolicySpec) -> NetPolicy {
        let mut doubts = Vec::new();
        let everything = LabelSelector::default();
        let subject = spec.pod_selector.as_ref().unwrap_or(&everything);
        let subject = self.selector(subject, "spec.podSelector", &mut doubts);
        let types = spec.policy_types.as_deref().unwrap_or_default();
        if types.iter().any(|name| name != "Ingress" && name != "Egress") {
            doubts.push(Doubt { field: "spec.policyTypes".into(), why: Why::InvalidPolicyType });
        }
        let half = |direction, rules: Vec<Rule>| {
            let applies = applies(spec, direction);
            applies.possible().then(|| Half { applies, rules, doubts: doubts.clone() })
        };
        let mut ingress = Vec::new();
        for (index, rule) in spec.ingress.iter().flatten().enumerate() {
            let field = format!("spec.ingress[{index}]");
            let (from, ports) = (rule.from.as_deref(), rule.ports.as_deref());
            ingress.push(self.rule(namespace, index, (from, "from"), ports, &field));
        }
        let mut egress = Vec::new();
        for (index, rule) in spec.egress.iter().flatten().enumerate() {
            let field = format!("spec.egress[{index}]");
            egress.push(self.rule(
                namespace,
                index,
                (rule.to.as_deref(), "to"),
                rule.ports.as_deref(),
                &field,
            ));
        }
        NetPolicy {
            namespace,
            ingress: half(Direction::Ingress, ingress),
            egress: half(Direction::Egress, egress),
            subject,
        }
    }

    fn rule(
        &mut self,
        namespace: u32,
        index: usize,
        (peers, list): (Option<&[NetworkPolicyPeer]>, &str),
        ports: Option<&[NetworkPolicyPort]>,
        field: &str,
    ) -> Rule {
        let peers = peers.unwrap_or_default();
        let mut compiled: Vec<Peer> = peers
            .iter()
            .enumerate()
            .map(|(index, peer)| self.peer(namespace, index, peer, &format!("{field}.{list}[{index}]")))
            .collect();
        if compiled.is_empty() {
            compiled.push(Peer { index: None, target: Target::Everyone, doubts: Vec::new() });
        }
        let ports = self.ports(ports.unwrap_or_default(), field);
        Rule { index, action: Action::Accept, peers: compiled, ports, fail_closed: false }
    }

    fn peer(&mut self, namespace: u32, index: usize, peer: &NetworkPolicyPeer, field: &str) -> Peer {
        let mut doubts = Vec::new();
        let target = match (&peer.ip_block, &peer.namespace_selector, &peer.pod_selector) {
            (Some(block), None, None) => {
                let except = block.except.as_deref().unwrap_or_default();
                let id = self.block(std::slice::from_ref(&block.cidr), except);
                if !self.blocks[id].valid {
                    doubts.push(Doubt { field: format!("{field}.ipBlock"), why: Why::InvalidAddress });
                }
                Target::Block(id)
            }
            (None, None, Some(pods)) => {
                let written = Written { namespaces: None, pods: pods.clone() };
                let pods = self.selector(pods, &format!("{field}.podSelector"), &mut doubts);
                Target::Pods(self.query(Scope::Namespace(namespace), pods, written))
            }
            (None, Some(namespaces), pods) => {
                let written =
                    Written { namespaces: Some(namespaces.clone()), pods: pods.clone().unwrap_or_default() };
                let namespaces =
                    self.selector(namespaces, &format!("{field}.namespaceSelector"), &mut doubts);
                let pods = self.selector(&written.pods, &format!("{field}.podSelector"), &mut doubts);
                Target::Pods(self.query(Scope::Selected(namespaces), pods, written))
            }
            _ => {
                doubts.push(Doubt { field: field.to_owned(), why: Why::InvalidPeer });
                Target::Anyone
            }
        };
        Peer { index: Some(index), target, doubts }
    }

    fn ports(&mut self, ports: &[NetworkPolicyPort], field: &str) -> Ports {
        if ports.is_empty() {
            return Ports { certain: PortSet::all(), possible: PortSet::all(), ..Ports::default() };
        }
        let mut out = Ports::default();
        for (index, port) in ports.iter().enumerate() {
            let protocol = match port.protocol.as_deref() {
                None | Some("TCP") => Some(Protocol::Tcp),
                Some("UDP") => Some(Protocol::Udp),
                Some("SCTP") => Some(Protocol::Sctp),
                Some(_) => None,
            };
            let numbers = match (protocol, &port.port, port.end_port) {
                (Some(protocol), None, None) => Some(PortSet::protocol(protocol)),
                (Some(protocol), Some(IntOrString::Int(first)), last) => {
                    PortRange::new(protocol, (*first).into(), last.map(Into::into)).map(PortSet::range)
                }
                (Some(protocol), Some(IntOrString::String(name)), None) if !name.is_empty() => {
                    let name = self.port_name(name);
                    out.named.push((Some(protocol), name));
                    continue;
                }
                _ => None,
            };
            if let Some(numbers) = numbers {
                out.certain.add(&numbers);
                out.possible.add(&numbers);
            } else {
                out.possible = PortSet::all();
                out.doubts.push(Doubt { field: format!("{field}.ports[{index}]"), why: Why::InvalidPort });
            }
        }
        out
    }
}

/// Nobody says what an unknown type stands for, so it may stand for a direction that is not named.
fn applies(spec: &NetworkPolicySpec, direction: Direction) -> Tri {
    let types = spec.policy_types.as_deref().unwrap_or_default();
    let name = match direction {
        Direction::Ingress => "Ingress",
        Direction::Egress => "Egress",
    };
    if types.is_empty() {
        let has_egress = spec.egress.as_ref().is_some_and(|rules| !rules.is_empty());
        return Tri::from(direction == Direction::Ingress || has_egress);
    }
    if types.iter().any(|listed| listed == name) {
        return Tri::Yes;
    }
    if types.iter().all(|listed| listed == "Ingress" || listed == "Egress") { Tri::No } else { Tri::Maybe }
}
