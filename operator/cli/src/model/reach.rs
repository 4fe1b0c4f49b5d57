//! Who can reach whom, as NetworkPolicies say.

pub mod assemble;
pub mod diff;
pub mod evaluate;
pub mod explain;
pub mod objects;

use ipnet::IpNet;
use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};
use snc_network::reach::PortSet;
use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct WorkloadName {
    pub namespace: String,
    pub kind: String,
    pub name: String,
}

/// One end of a connection. Workloads come before addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(untagged)]
pub enum End {
    Workload(WorkloadName),
    Addresses { cidr: IpNet },
}

impl End {
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Workload(workload) => Some(&workload.namespace),
            Self::Addresses { .. } => None,
        }
    }
}

impl fmt::Display for WorkloadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.namespace, self.kind, self.name)
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workload(workload) => workload.fmt(f),
            Self::Addresses { cidr } => cidr.fmt(f),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Connection {
    pub from: End,
    pub to: End,
    #[serde(serialize_with = "ports")]
    pub ports: PortSet,
}

/// A connection that may be open: nobody can tell from what was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Possible {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<End>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<End>,
    #[serde(skip_serializing_if = "PortSet::is_empty", serialize_with = "ports")]
    pub ports: PortSet,
    pub reasons: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReachReport {
    pub connections: Vec<Connection>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<Possible>,
    /// All of them, so that who talks to nobody is drawn too.
    #[serde(skip)]
    pub workloads: Vec<WorkloadName>,
}

/// `"all"`, or ranges with both ends. Protocols without ports (ICMP and the rest) are part of `"all"`, and have an
/// entry of their own where a set has them and is not everything.
fn ports<S: Serializer>(ports: &PortSet, serializer: S) -> Result<S::Ok, S::Error> {
    if ports.is_all() {
        return serializer.serialize_str("all");
    }
    let ranges = ports.ranges();
    let mut list = serializer.serialize_seq(None)?;
    for range in ranges {
        list.serialize_element(&Range(range.protocol().as_str(), range.first(), range.last()))?;
    }
    if ports.has_other_protocols() {
        list.serialize_element(&Other { protocol: "other" })?;
    }
    list.end()
}

struct Range(&'static str, u16, u16);

impl Serialize for Range {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut range = serializer.serialize_struct("Range", 3)?;
        range.serialize_field("protocol", self.0)?;
        range.serialize_field("port", &self.1)?;
        range.serialize_field("endPort", &self.2)?;
        range.end()
    }
}

#[derive(Serialize)]
struct Other {
    protocol: &'static str,
}
