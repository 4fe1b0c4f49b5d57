//! Flows after validation: values that cannot be wrong, so that building objects from them cannot fail.

use ipnet::IpNet;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Direction {
    /// Into the pods of this namespace.
    Ingress,
    /// Out of the pods of this namespace.
    Egress,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    #[default]
    Tcp,
    Udp,
    Sctp,
}

impl Protocol {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        }
    }
}

/// `first..=last`, never port 0, never reversed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    protocol: Protocol,
    first: u16,
    last: u16,
}

impl PortRange {
    pub fn new(protocol: Protocol, port: i64, end_port: Option<i64>) -> Option<Self> {
        let first = u16::try_from(port).ok().filter(|p| *p > 0)?;
        let last = u16::try_from(end_port.unwrap_or(port)).ok().filter(|p| *p >= first)?;
        Some(Self { protocol, first, last })
    }

    pub const fn protocol(self) -> Protocol {
        self.protocol
    }

    pub const fn first(self) -> u16 {
        self.first
    }

    pub const fn last(self) -> u16 {
        self.last
    }

    pub const fn contains(self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }
}

impl std::fmt::Display for PortRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { protocol, first, last } = self;
        if first == last {
            write!(f, "{}/{first}", protocol.as_str())
        } else {
            write!(f, "{}/{first}-{last}", protocol.as_str())
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Peer {
    /// Pods of the flow's own namespace.
    Pods(LabelSelector),
    /// Pods of namespaces that carry the tenant's label.
    TenantNamespaces {
        tenant: String,
        names: Vec<String>,
        pods: LabelSelector,
    },
    /// Pods of one namespace of the platform.
    PlatformPods {
        namespace: String,
        pods: LabelSelector,
    },
    Block(Block),
}

/// An address block with holes strictly inside it, as `ipBlock` demands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Block {
    cidr: IpNet,
    except: Vec<IpNet>,
}

impl Block {
    /// `cidr` minus every denied block. `None` when a denied block covers all of it.
    pub fn without(cidr: IpNet, denied: &[IpNet]) -> Option<Self> {
        if denied.iter().any(|d| crate::cidr::within(&cidr, d)) {
            return None;
        }
        let inside = denied.iter().filter(|d| crate::cidr::within(d, &cidr)).copied();
        let except = crate::cidr::canonical(inside);
        // Neighbouring holes can merge into the whole block.
        (!except.contains(&cidr)).then_some(Self { cidr, except })
    }

    pub const fn cidr(&self) -> IpNet {
        self.cidr
    }

    pub fn except(&self) -> &[IpNet] {
        &self.except
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub peers: Vec<Peer>,
    /// Empty means every port of every protocol.
    pub ports: Vec<PortRange>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// Name of the `SncPolicy` that declares it.
    pub policy: String,
    pub name: String,
    pub direction: Direction,
    /// The pods of this namespace that the flow is for; empty selects all of them.
    pub subject: LabelSelector,
    pub rules: Vec<Rule>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn port_ranges_cannot_be_wrong() {
        assert!(PortRange::new(Protocol::Tcp, 0, None).is_none());
        assert!(PortRange::new(Protocol::Tcp, 443, Some(80)).is_none());
        assert!(PortRange::new(Protocol::Tcp, 65536, None).is_none());
        assert!(PortRange::new(Protocol::Tcp, -1, None).is_none());
        let range = PortRange::new(Protocol::Udp, 80, Some(443)).unwrap();
        assert!(range.contains(80) && range.contains(443) && !range.contains(444));
        assert_eq!(range.to_string(), "UDP/80-443");
    }

    #[test]
    fn blocks_lose_denied_addresses() {
        let block = Block::without(net("0.0.0.0/0"), &[net("169.254.0.0/16"), net("fd00::/8")]).unwrap();
        assert_eq!(block.except(), [net("169.254.0.0/16")]);
        assert!(Block::without(net("169.254.169.254/32"), &[net("169.254.0.0/16")]).is_none());
        assert!(Block::without(net("10.0.0.0/8"), &[net("10.0.0.0/8")]).is_none());
    }

    #[test]
    fn two_halves_denied_is_all_denied() {
        assert!(Block::without(net("10.0.0.0/8"), &[net("10.0.0.0/9"), net("10.128.0.0/9")]).is_none());
    }

    proptest! {
        #[test]
        fn no_denied_address_is_left(
            cidr in (any::<u32>(), 0u8..=28),
            denied in prop::collection::vec((any::<u32>(), 4u8..=32), 0..8),
            probe in any::<u32>(),
        ) {
            let make = |(addr, len): (u32, u8)| IpNet::V4(ipnet::Ipv4Net::new(addr.into(), len).unwrap()).trunc();
            let cidr = make(cidr);
            let denied: Vec<_> = denied.into_iter().map(make).collect();
            let probe = std::net::IpAddr::V4(probe.into());
            let wanted = cidr.contains(&probe) && !denied.iter().any(|d| d.contains(&probe));
            let got = Block::without(cidr, &denied)
                .is_some_and(|b| b.cidr().contains(&probe) && !b.except().iter().any(|e| e.contains(&probe)));
            prop_assert_eq!(wanted, got);
        }
    }
}
