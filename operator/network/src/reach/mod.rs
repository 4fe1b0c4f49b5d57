//! Exact connectivity: what `networking.k8s.io/v1` NetworkPolicies and `ClusterNetworkPolicies` let through in one
//! snapshot of a cluster, with what is not known by name (13.1, 9.6).
//!
//! Where the specifications are silent, the answer that opens more is given:
//! - A pod and its own node always reach each other, whatever a `ClusterNetworkPolicy` says; on a node that is not
//!   known they may.
//! - A name that several container ports share stands for all of them.
//! - An object, rule or selector that cannot be read may mean anything; a `Deny` that a reader may ignore stops
//!   nothing for certain.
//! - An address that is not known may be in any block that is not certainly elsewhere. Only public IPv4 space is
//!   certainly elsewhere while nobody says where pods are.

mod addresses;
mod bits;
mod classes;
mod cluster_policy;
mod connectivity;
mod doubts;
mod explain;
mod model;
mod openings;
mod pairs;
mod places;
mod ports;
mod ranges;
mod read_cluster_policy;
mod read_network_policy;
mod rules;
mod selector;
mod sides;
mod tri;
mod unknown;
mod verdict;
mod workloads;
mod world;

pub use addresses::{Family, IpSet};
pub use connectivity::Connectivity;
pub use explain::{End, Explanation, Fact, HalfWay, Statement};
pub use model::{Cluster, ClusterPolicy, ContainerPort, Namespace, Owner, Pod, Policy, Ranges};
pub use openings::{Isolation, Opening, Peers, Subject};
pub use pairs::Pair;
pub use ports::PortSet;
pub use rules::{Action, PolicyId};
pub use unknown::{Doubt, Unknown, Why};
pub use verdict::Reach;
pub use workloads::WorkloadId;
pub use world::{Area, World};
