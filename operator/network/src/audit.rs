//! What the policies of others add to what is declared: policies only ever add up (9.7, 13.1).

use crate::names::some;
use crate::reach::{Connectivity, IpSet, Opening, Peers, PolicyId, PortSet};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use snc_core::cidr::metadata_blocks;
use snc_core::flow::{Direction, Flow, Peer, Rule};
use snc_core::text::Text;
use std::collections::{BTreeMap, BTreeSet};

/// Worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    OtherTenant,
    Everyone,
    Metadata,
    ControlPlane,
    Nodes,
    ClusterAddresses,
    Platform,
    Network,
}

/// An opening that no declared flow asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Breach {
    pub what: What,
    pub direction: Direction,
    /// Name of the policy, or of the flow, that opens.
    pub opened_by: String,
    /// Namespaces or address blocks, a few of them.
    pub to: String,
    pub ports: PortSet,
}

/// Who is asked about, and what it declared.
pub struct Scope<'a> {
    pub namespace: &'a str,
    pub tenant: &'a str,
    /// Tenant that a namespace belongs to.
    pub tenant_of: &'a dyn Fn(&str) -> Option<&'a str>,
    /// Pods that a policy of the namespace is for.
    pub subject_of: &'a dyn Fn(&str) -> LabelSelector,
    pub declared: &'a [&'a Flow],
    /// What is known of the cluster's own addresses.
    pub addresses: &'a Addresses,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    pub control_plane: IpSet,
    pub nodes: IpSet,
    /// Pods and Services.
    pub inside: IpSet,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Audit {
    pub breaches: BTreeSet<Breach>,
    /// Policies that open something within the tenant that no flow declares.
    pub within_tenant: BTreeSet<String>,
    /// Policies and fields that cannot be judged.
    pub undecided: BTreeMap<String, Text>,
}

/// Judges every opening of the policies in `connectivity` for one namespace.
pub fn audit(connectivity: &Connectivity<'_>, scope: &Scope<'_>) -> Audit {
    let mut audit = Audit::default();
    for direction in [Direction::Ingress, Direction::Egress] {
        for opening in connectivity.openings(scope.namespace, direction) {
            judge(&opening, scope, &mut audit);
        }
    }
    audit
}

fn judge(opening: &Opening<'_>, scope: &Scope<'_>, audit: &mut Audit) {
    let name = match &opening.policy {
        PolicyId::NetworkPolicy { name, .. } => name.clone(),
        PolicyId::ClusterNetworkPolicy { .. } => opening.policy.to_string(),
    };
    for unknown in &opening.unknown {
        audit.undecided.insert(name.clone(), unknown.text());
    }
    let covering = Covering::new(opening, scope);
    let breach = |what, to: String| Breach {
        what,
        direction: opening.direction,
        opened_by: name.clone(),
        to,
        ports: opening.possible_ports.clone(),
    };
    match &opening.peers {
        Peers::Everyone => {
            audit.breaches.insert(breach(What::Everyone, "*".to_owned()));
        }
        Peers::Nodes => {
            audit.breaches.insert(breach(What::Nodes, "*".to_owned()));
        }
        Peers::Unclear => {
            audit.undecided.entry(name).or_insert_with(|| {
                Text::new(
                    "contenu que cette version ne sait pas juger",
                    "content that this version cannot judge",
                )
            });
        }
        Peers::Pods { pod_selector, namespaces, possible_namespaces, .. } => {
            let mut tenants: Vec<&str> = Vec::new();
            let mut platform: Vec<&str> = Vec::new();
            for &namespace in namespaces.iter().chain(possible_namespaces) {
                match (scope.tenant_of)(namespace) {
                    _ if namespace == scope.namespace => {
                        audit.within_tenant.insert(name.clone());
                    }
                    Some(tenant) if tenant == scope.tenant => {
                        audit.within_tenant.insert(name.clone());
                    }
                    Some(_) => tenants.push(namespace),
                    None if covering.pods(namespace, pod_selector) => {}
                    None => platform.push(namespace),
                }
            }
            for (what, list) in [(What::OtherTenant, tenants), (What::Platform, platform)] {
                if !list.is_empty() {
                    audit.breaches.insert(breach(what, some(&list)));
                }
            }
        }
        Peers::Blocks { addresses, .. } => {
            let undeclared = addresses.difference(&covering.blocks());
            for (what, set) in sort(&undeclared, scope.addresses) {
                audit.breaches.insert(breach(what, blocks(&set)));
            }
        }
    }
}

/// Declared flows that open at least the ports of an opening, for at least its pods.
struct Covering<'a> {
    rules: Vec<&'a Rule>,
}

impl<'a> Covering<'a> {
    fn new(opening: &Opening<'_>, scope: &Scope<'a>) -> Self {
        let subject = match &opening.policy {
            PolicyId::NetworkPolicy { name, .. } => Some((scope.subject_of)(name)),
            PolicyId::ClusterNetworkPolicy { .. } => None,
        };
        let everyone = LabelSelector::default();
        let covers_pods =
            |flow: &&&Flow| flow.subject == everyone || subject.as_ref().is_some_and(|s| flow.subject == *s);
        // A named port is whatever a pod says it is, tomorrow too.
        let covers_ports = |rule: &&Rule| {
            opening.named_ports.is_empty() && opening.possible_ports.is_subset(&PortSet::listed(&rule.ports))
        };
        let same = scope.declared.iter().filter(|flow| flow.direction == opening.direction);
        Self { rules: same.filter(covers_pods).flat_map(|flow| &flow.rules).filter(covers_ports).collect() }
    }

    fn peers(&self) -> impl Iterator<Item = &'a Peer> {
        self.rules.iter().flat_map(|rule| &rule.peers)
    }

    fn pods(&self, namespace: &str, pods: &LabelSelector) -> bool {
        self.peers().any(|peer| match peer {
            Peer::PlatformPods { namespace: declared, pods: to } => {
                declared == namespace && (to == pods || *to == LabelSelector::default())
            }
            _ => false,
        })
    }

    fn blocks(&self) -> IpSet {
        let blocks = self.peers().filter_map(|peer| match peer {
            Peer::Block(block) => Some(IpSet::block(block.cidr(), block.except())),
            _ => None,
        });
        blocks.fold(IpSet::default(), |all, block| all.union(&block))
    }
}

/// Addresses by what is known of them; every address once.
fn sort(addresses: &IpSet, known: &Addresses) -> Vec<(What, IpSet)> {
    let mut left = addresses.clone();
    let mut sorted = Vec::new();
    let metadata: IpSet = metadata_blocks().into_iter().collect();
    for (what, set) in [
        (What::Metadata, &metadata),
        (What::ControlPlane, &known.control_plane),
        (What::Nodes, &known.nodes),
        (What::ClusterAddresses, &known.inside),
    ] {
        let part = left.intersection(set);
        left = left.difference(set);
        if !part.is_empty() {
            sorted.push((what, part));
        }
    }
    if !left.is_empty() {
        sorted.push((What::Network, left));
    }
    sorted
}

fn blocks(set: &IpSet) -> String {
    let blocks: Vec<String> = set.cidrs().iter().map(ToString::to_string).collect();
    some(&blocks)
}

/// Declared flows that reach addresses of the cluster itself, which no flow to addresses is for; `meant` are those that
/// the platform itself offers (the Kubernetes API, name resolution).
pub fn flows_into_cluster(flows: &[&Flow], known: &Addresses, meant: &IpSet) -> BTreeSet<Breach> {
    let mut breaches = BTreeSet::new();
    for flow in flows {
        for rule in &flow.rules {
            for peer in &rule.peers {
                let Peer::Block(block) = peer else { continue };
                let open = IpSet::block(block.cidr(), block.except()).difference(meant);
                for (what, set) in sort(&open, known) {
                    if what != What::Network {
                        breaches.insert(Breach {
                            what,
                            direction: flow.direction,
                            opened_by: flow.name.clone(),
                            to: blocks(&set),
                            ports: PortSet::listed(&rule.ports),
                        });
                    }
                }
            }
        }
    }
    breaches
}

impl Breach {
    pub fn text(&self) -> Text {
        let Self { what, direction, opened_by, to, ports } = self;
        let way = match direction {
            Direction::Ingress => Text::new("entrée", "ingress"),
            Direction::Egress => Text::new("sortie", "egress"),
        };
        let (fr, en) = match what {
            What::OtherTenant => ("un autre tenant", "another tenant"),
            What::Everyone => ("tout le monde", "everyone"),
            What::Metadata => ("les adresses de métadonnées", "metadata addresses"),
            What::ControlPlane => ("l'API du cluster, non déclarée", "the cluster's API, undeclared"),
            What::Nodes => ("des nœuds", "nodes"),
            What::ClusterAddresses => {
                ("des adresses de pods ou de services", "addresses of pods or services")
            }
            What::Platform => {
                ("un namespace hors du tenant, non déclaré", "a namespace outside of the tenant, undeclared")
            }
            What::Network => ("un réseau non déclaré", "an undeclared network"),
        };
        let ports = ports.text();
        Text::new(
            format!("{opened_by} : {} ouverte vers {fr} ({to} ; {})", way.fr, ports.fr),
            format!("{opened_by}: {} open to {en} ({to}; {})", way.en, ports.en),
        )
    }
}
