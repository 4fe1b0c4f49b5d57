use super::constraints::port;
use super::labels::{self, is_dns_label};
use ipnet::IpNet;
use snc_api::v1alpha1::{CidrPeer, Flow as DeclaredFlow, Peer as DeclaredPeer, SncPolicySpec};
use snc_core::cidr;
use snc_core::flow::{Block, Direction, Flow, Peer, PortRange, Rule};
use snc_core::policy::Constraints;
use snc_core::text::Refusal;

/// What the schema allows; held here too, for objects that got in under another schema.
pub const MAX_FLOWS: usize = 500;

/// Everything that decides whether a declared flow may be opened.
pub struct FlowContext<'a> {
    pub tenant: &'a str,
    pub constraints: &'a Constraints,
    /// Whether a namespace belongs to the tenant and to nobody else.
    pub is_own_namespace: &'a dyn Fn(&str) -> bool,
}

#[derive(Debug, Default)]
pub struct ResolvedFlows {
    pub flows: Vec<Flow>,
    pub declared: usize,
    pub refusals: Vec<Refusal>,
}

impl ResolvedFlows {
    pub fn refused(&self) -> usize {
        self.declared - self.flows.len()
    }
}

/// Ports of protocols that carry credentials or data in clear (source: product).
pub fn is_unsafe_port(range: PortRange) -> bool {
    const UNSAFE: &[u16] = &[20, 21, 23, 69, 80, 110, 111, 143, 389, 512, 513, 514, 873, 2049, 5900];
    UNSAFE.iter().any(|p| range.contains(*p))
}

pub fn flows(policy: &str, spec: &SncPolicySpec, context: &FlowContext<'_>) -> ResolvedFlows {
    let declared = spec.network.as_ref().map(|n| n.flows.as_slice()).unwrap_or_default();
    let mut resolved = ResolvedFlows { declared: declared.len(), ..ResolvedFlows::default() };
    for (i, flow) in declared.iter().enumerate() {
        let path = format!("spec.network.flows[{i}]");
        if i >= MAX_FLOWS {
            resolved.refusals.push(Refusal::new(path, &flow.name, "500 flux au plus", "at most 500 flows"));
            break;
        }
        if declared[..i].iter().any(|earlier| earlier.name == flow.name) {
            let path = format!("{path}.name");
            resolved.refusals.push(Refusal::new(
                path,
                &flow.name,
                "un nom unique dans la politique",
                "a name unique in the policy",
            ));
            continue;
        }
        resolved.flows.extend(resolve(policy, flow, &path, context, &mut resolved.refusals));
    }
    resolved
}

fn resolve(
    policy: &str,
    flow: &DeclaredFlow,
    path: &str,
    context: &FlowContext<'_>,
    refusals: &mut Vec<Refusal>,
) -> Option<Flow> {
    let before = refusals.len();
    if !is_dns_label(&flow.name) {
        refusals.push(Refusal::new(
            format!("{path}.name"),
            &flow.name,
            "63 caractères au plus : minuscules ASCII, chiffres, tirets",
            "at most 63 characters: lower-case ASCII letters, digits, dashes",
        ));
    }
    if flow.justification.chars().filter(|c| !c.is_whitespace()).count() < 3 {
        refusals.push(Refusal::new(
            format!("{path}.justification"),
            &flow.justification,
            "la raison du flux, en toutes lettres",
            "why the flow is needed, in words",
        ));
    }
    let subject = labels::selector(flow.pod_selector.as_ref(), &format!("{path}.podSelector"))
        .map_err(|r| refusals.push(r));
    let ports: Vec<PortRange> = flow
        .ports
        .iter()
        .enumerate()
        .filter_map(|(i, p)| port(p, &format!("{path}.ports[{i}]")).map_err(|r| refusals.push(r)).ok())
        .collect();
    let subject = subject.ok()?;
    if refusals.len() > before {
        return None;
    }
    if flow.peers.is_empty() {
        refusals.push(Refusal::new(format!("{path}.peers"), "", "au moins un pair", "at least one peer"));
    }
    let mut rules: Vec<Rule> = Vec::new();
    let mut own = Vec::new();
    let mut without_ports = false;
    for (i, declared) in flow.peers.iter().enumerate() {
        let path = format!("{path}.peers[{i}]");
        match peer(declared, flow.direction, &path, context) {
            Ok(Resolved::Peer(_)) if ports.is_empty() => without_ports = true,
            Ok(Resolved::Peer(peer)) => own.push(peer),
            Ok(Resolved::WithPorts(peers, theirs)) => {
                if let Some(ports) = narrow(&theirs, &ports) {
                    rules.push(Rule { peers, ports });
                } else {
                    let given = ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                    let offered = theirs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                    refusals.push(Refusal::new(
                        format!("{path} (ports)"),
                        given,
                        format!("un port de ce service : {offered}"),
                        format!("a port of this service: {offered}"),
                    ));
                }
            }
            Err(refusal) => refusals.push(refusal),
        }
    }
    if without_ports {
        refusals.push(Refusal::new(
            format!("{path}.ports"),
            "",
            "au moins un port, sauf pour sharedService et kubernetesAPI",
            "at least one port, except for sharedService and kubernetesAPI",
        ));
    }
    if !own.is_empty() {
        rules.insert(0, Rule { peers: own, ports });
    }
    (!rules.is_empty()).then(|| Flow {
        policy: policy.to_owned(),
        name: flow.name.clone(),
        direction: flow.direction,
        subject,
        rules,
    })
}

enum Resolved {
    Peer(Peer),
    WithPorts(Vec<Peer>, Vec<PortRange>),
}

/// A flow to a service of the platform opens the service's own ports; naming some narrows to these.
fn narrow(offered: &[PortRange], asked: &[PortRange]) -> Option<Vec<PortRange>> {
    if asked.is_empty() {
        return Some(offered.to_vec());
    }
    let inside = |a: &PortRange| {
        offered.iter().any(|o| o.protocol() == a.protocol() && o.contains(a.first()) && o.contains(a.last()))
    };
    asked.iter().all(inside).then(|| asked.to_vec())
}

fn peer(
    declared: &DeclaredPeer,
    direction: Direction,
    path: &str,
    context: &FlowContext<'_>,
) -> Result<Resolved, Refusal> {
    match declared {
        DeclaredPeer {
            pods: Some(pods),
            namespaces: None,
            shared_service: None,
            kubernetes_api: None,
            cidr: None,
        } => {
            let selector = labels::selector(pods.pod_selector.as_ref(), &format!("{path}.pods.podSelector"))?;
            Ok(Resolved::Peer(Peer::Pods(selector)))
        }
        DeclaredPeer {
            namespaces: Some(namespaces),
            pods: None,
            shared_service: None,
            kubernetes_api: None,
            cidr: None,
        } => {
            let path = format!("{path}.namespaces");
            if namespaces.names.is_empty() {
                return Err(Refusal::new(
                    format!("{path}.names"),
                    "",
                    "au moins un namespace",
                    "at least one namespace",
                ));
            }
            // A claimed prefix matches names that no namespace can have.
            let own = |name: &str| is_dns_label(name) && (context.is_own_namespace)(name);
            if let Some((i, foreign)) = namespaces.names.iter().enumerate().find(|(_, name)| !own(name)) {
                return Err(Refusal::new(
                    format!("{path}.names[{i}]"),
                    foreign,
                    format!("un namespace du tenant {}", context.tenant),
                    format!("a namespace of tenant {}", context.tenant),
                ));
            }
            let pods = labels::selector(namespaces.pod_selector.as_ref(), &format!("{path}.podSelector"))?;
            let (tenant, names) = (context.tenant.to_owned(), namespaces.names.clone());
            Ok(Resolved::Peer(Peer::TenantNamespaces { tenant, names, pods }))
        }
        DeclaredPeer {
            shared_service: Some(wanted),
            pods: None,
            namespaces: None,
            kubernetes_api: None,
            cidr: None,
        } => shared_service(&wanted.name, direction, &format!("{path}.sharedService.name"), context),
        DeclaredPeer {
            kubernetes_api: Some(_),
            pods: None,
            namespaces: None,
            shared_service: None,
            cidr: None,
        } => kubernetes_api(direction, &format!("{path}.kubernetesAPI"), context),
        DeclaredPeer {
            cidr: Some(block),
            pods: None,
            namespaces: None,
            shared_service: None,
            kubernetes_api: None,
        } => Ok(Resolved::Peer(Peer::Block(address_block(block, &format!("{path}.cidr"), context)?))),
        _ => Err(Refusal::new(
            path,
            "",
            "un seul parmi pods, namespaces, sharedService, kubernetesAPI, cidr",
            "exactly one of pods, namespaces, sharedService, kubernetesAPI, cidr",
        )),
    }
}

fn shared_service(
    name: &str,
    direction: Direction,
    path: &str,
    context: &FlowContext<'_>,
) -> Result<Resolved, Refusal> {
    let services = &context.constraints.shared_services;
    let offered = services.entries().find(|s| s.name == name && s.direction == direction).ok_or_else(|| {
        let mut known: Vec<_> =
            services.entries().filter(|s| s.direction == direction).map(|s| s.name.as_str()).collect();
        known.sort_unstable();
        let known = if known.is_empty() { "-".to_owned() } else { known.join(", ") };
        Refusal::new(
            path,
            name,
            format!("un service partagé que tous les SncBaseline du tenant offrent dans cette direction : {known}"),
            format!("a shared service that every SncBaseline of the tenant offers in this direction: {known}"),
        )
    })?;
    let peer = Peer::PlatformPods { namespace: offered.namespace.clone(), pods: offered.pods.clone() };
    Ok(Resolved::WithPorts(vec![peer], offered.ports.clone()))
}

fn kubernetes_api(direction: Direction, path: &str, context: &FlowContext<'_>) -> Result<Resolved, Refusal> {
    if direction != Direction::Egress {
        return Err(Refusal::new(path, "Ingress", "direction Egress", "direction Egress"));
    }
    let endpoints = context.constraints.kubernetes_api.entries().next().ok_or_else(|| {
        Refusal::new(
            path,
            "",
            "des adresses dans spec.network.kubernetesAPI d'un SncBaseline du tenant",
            "addresses in spec.network.kubernetesAPI of an SncBaseline of the tenant",
        )
    })?;
    let metadata = cidr::metadata_blocks();
    let peers: Vec<Peer> =
        endpoints.blocks.iter().filter_map(|b| Block::without(*b, &metadata)).map(Peer::Block).collect();
    if peers.is_empty() || endpoints.ports.is_empty() {
        return Err(Refusal::new(path, "", "une adresse et un port valides", "a valid address and port"));
    }
    Ok(Resolved::WithPorts(peers, endpoints.ports.clone()))
}

fn address_block(declared: &CidrPeer, path: &str, context: &FlowContext<'_>) -> Result<Block, Refusal> {
    let parse = |text: &str, path: String| -> Result<IpNet, Refusal> {
        cidr::parse(text).ok_or_else(|| {
            Refusal::new(path, text, "un bloc CIDR sans bits d'hôte", "a CIDR block without host bits")
        })
    };
    let block = parse(&declared.block, format!("{path}.block"))?;
    let constraints = context.constraints;
    if !constraints.allowed_blocks.allows(&block) {
        let allowed = constraints.allowed_blocks.blocks().unwrap_or_default();
        let allowed = allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        return Err(Refusal::new(
            format!("{path}.block"),
            &declared.block,
            format!("dans ce que la plateforme permet : {allowed}"),
            format!("within what the platform allows: {allowed}"),
        ));
    }
    let mut denied = cidr::union(&cidr::metadata_blocks(), constraints.denied_blocks.blocks());
    for (i, text) in declared.except.iter().enumerate() {
        let path = format!("{path}.except[{i}]");
        let hole = parse(text, path.clone())?;
        if !cidr::within(&hole, &block) || hole == block {
            return Err(Refusal::new(
                path,
                text,
                format!("un bloc strictement dans {block}"),
                format!("a block strictly within {block}"),
            ));
        }
        denied.push(hole);
    }
    Block::without(block, &denied).ok_or_else(|| {
        Refusal::new(
            format!("{path}.block"),
            &declared.block,
            "des adresses hors métadonnées, nœuds, plan de contrôle et plages réservées par la plateforme",
            "addresses outside metadata, nodes, control plane and the ranges that the platform keeps",
        )
    })
}

#[cfg(test)]
mod tests;
