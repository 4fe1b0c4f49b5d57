//! Policies after reading: what both kinds have in common.

use super::addresses::IpSet;
pub use super::cluster_policy::{Action, Tier};
use super::ports::PortSet;
use super::selector::{Interner, Selector};
use super::tri::Tri;
use super::unknown::{Doubt, Why};
use ipnet::IpNet;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use snc_core::flow::Protocol;
use std::collections::HashMap;
use std::net::IpAddr;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyId {
    NetworkPolicy { namespace: String, name: String },
    ClusterNetworkPolicy { name: String },
}

impl std::fmt::Display for PolicyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NetworkPolicy { namespace, name } => write!(f, "NetworkPolicy {namespace}/{name}"),
            Self::ClusterNetworkPolicy { name } => write!(f, "ClusterNetworkPolicy {name}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    Namespace(u32),
    Selected(Selector),
}

/// Pods by labels; never those on the host's network.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PodQuery {
    pub scope: Scope,
    pub pods: Selector,
}

/// A query as it is written. Equal queries may be written in several ways; this is one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// `None`: the namespace of the policy.
    pub namespaces: Option<LabelSelector>,
    pub pods: LabelSelector,
}

#[derive(Debug)]
pub struct Block {
    pub set: IpSet,
    pub blocks: Vec<IpNet>,
    pub except: Vec<IpNet>,
    pub valid: bool,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Everyone,
    Pods(usize),
    Block(usize),
    Nodes {
        all: bool,
    },
    /// Nobody knows whom it means.
    Anyone,
}

#[derive(Debug)]
pub struct Peer {
    /// Absent for a rule without a peer list.
    pub index: Option<usize>,
    pub target: Target,
    pub doubts: Vec<Doubt>,
}

#[derive(Debug, Default)]
pub struct Ports {
    /// Without the named ones.
    pub certain: PortSet,
    pub possible: PortSet,
    /// Without a protocol, a name stands for its port whatever the protocol.
    pub named: Vec<(Option<Protocol>, u32)>,
    pub doubts: Vec<Doubt>,
}

#[derive(Debug)]
pub struct Rule {
    pub index: usize,
    pub action: Action,
    pub peers: Vec<Peer>,
    pub ports: Ports,
    /// Readers that do not understand a rule must fail closed (upstream's words): "Deny" for everything, unless it
    /// accepts.
    pub fail_closed: bool,
}

/// One direction of a `NetworkPolicy`.
#[derive(Debug)]
pub struct Half {
    pub applies: Tri,
    pub rules: Vec<Rule>,
    pub doubts: Vec<Doubt>,
}

#[derive(Debug)]
pub struct NetPolicy {
    pub namespace: u32,
    pub subject: Selector,
    pub ingress: Option<Half>,
    pub egress: Option<Half>,
}

#[derive(Debug)]
pub struct ClusterRules {
    pub tier: Tier,
    pub priority: i32,
    /// `None`: every pod may be meant.
    pub subject: Option<usize>,
    /// Whether the subject is certainly what `subject` says.
    pub applies: Tri,
    /// What it does cannot be told.
    pub opaque: bool,
    pub ingress: Vec<Rule>,
    pub egress: Vec<Rule>,
    pub doubts: Vec<Doubt>,
}

/// Reads policies and gives equal selectors, queries and blocks one number.
#[derive(Debug, Default)]
pub struct Reader {
    pub labels: Interner,
    pub queries: Vec<PodQuery>,
    pub written: Vec<Written>,
    query_ids: HashMap<PodQuery, usize>,
    pub blocks: Vec<Block>,
    block_ids: HashMap<(Vec<String>, Vec<String>), usize>,
    pub port_names: HashMap<String, u32>,
}

impl Reader {
    pub fn query(&mut self, scope: Scope, pods: Selector, written: Written) -> usize {
        let query = PodQuery { scope, pods };
        if let Some(&id) = self.query_ids.get(&query) {
            return id;
        }
        self.queries.push(query.clone());
        self.written.push(written);
        self.query_ids.insert(query, self.queries.len() - 1);
        self.queries.len() - 1
    }

    pub fn selector(&mut self, selector: &LabelSelector, field: &str, doubts: &mut Vec<Doubt>) -> Selector {
        let compiled = Selector::compile(selector, &mut self.labels);
        if !compiled.valid() {
            doubts.push(Doubt { field: field.to_owned(), why: Why::InvalidSelector });
        }
        compiled
    }

    pub fn block(&mut self, blocks: &[String], except: &[String]) -> usize {
        let key = (blocks.to_vec(), except.to_vec());
        if let Some(&id) = self.block_ids.get(&key) {
            return id;
        }
        let parsed: Option<Vec<IpNet>> = blocks.iter().map(|text| parse(text)).collect();
        let holes: Option<Vec<IpNet>> = except.iter().map(|text| parse(text)).collect();
        let mut text = blocks.join(", ");
        if !except.is_empty() {
            text = format!("{text} - {}", except.join(", "));
        }
        let block = match (parsed, holes) {
            (Some(blocks), Some(holes)) if !blocks.is_empty() => {
                let holes_set: IpSet = holes.iter().copied().collect();
                let set = blocks.iter().copied().collect::<IpSet>().difference(&holes_set);
                Block { set, blocks, except: holes, valid: true, text }
            }
            _ => {
                Block { set: IpSet::everything(), blocks: Vec::new(), except: Vec::new(), valid: false, text }
            }
        };
        self.blocks.push(block);
        self.block_ids.insert(key, self.blocks.len() - 1);
        self.blocks.len() - 1
    }

    pub fn port_name(&mut self, name: &str) -> u32 {
        let next = u32::try_from(self.port_names.len()).unwrap_or(u32::MAX);
        *self.port_names.entry(name.to_owned()).or_insert(next)
    }
}

/// Host bits are dropped, as the API server and network plugins do with objects older than its check. What some
/// read as octal or as IPv4 is not guessed at.
fn parse(text: &str) -> Option<IpNet> {
    let net: IpNet = text.parse().ok()?;
    let mapped = matches!(net.addr(), IpAddr::V6(address) if address.to_ipv4_mapped().is_some());
    let length = text.rsplit('/').next().unwrap_or_default();
    (!mapped && length == net.prefix_len().to_string()).then(|| net.trunc())
}
