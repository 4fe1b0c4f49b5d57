use super::ranges::RangeSet;
use snc_core::flow::{PortRange, Protocol};
use snc_core::text::Text;

const PORTS: u32 = 65_535;
/// One point for everything that has no ports of its own (ICMP and the rest): a rule without a port list lets it
/// through, a rule with one does not.
const OTHER: u32 = 3 * PORTS;
const PROTOCOLS: [Protocol; 3] = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];

/// An exact set of protocols and destination ports.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortSet(RangeSet<u32>);

const fn base(protocol: Protocol) -> u32 {
    match protocol {
        Protocol::Tcp => 0,
        Protocol::Udp => PORTS,
        Protocol::Sctp => 2 * PORTS,
    }
}

impl PortSet {
    pub fn none() -> Self {
        Self::default()
    }

    pub fn all() -> Self {
        Self(RangeSet::constant(&[(0, OTHER)]))
    }

    pub fn protocol(protocol: Protocol) -> Self {
        Self(RangeSet::one(base(protocol), base(protocol) + PORTS - 1))
    }

    pub fn range(range: PortRange) -> Self {
        let at = |port: u16| base(range.protocol()) + u32::from(port) - 1;
        Self(RangeSet::one(at(range.first()), at(range.last())))
    }

    /// Of a rule: no list means every port.
    pub fn listed(ranges: &[PortRange]) -> Self {
        if ranges.is_empty() {
            return Self::all();
        }
        ranges.iter().fold(Self::none(), |all, range| all.union(&Self::range(*range)))
    }

    /// Empty for port 0, which no packet goes to.
    pub fn port(protocol: Protocol, port: u16) -> Self {
        PortRange::new(protocol, port.into(), None).map_or_else(Self::none, Self::range)
    }

    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0))
    }

    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0))
    }

    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0))
    }

    #[must_use]
    pub fn complement(&self) -> Self {
        Self::all().difference(self)
    }

    pub fn add(&mut self, other: &Self) {
        if self.is_empty() {
            *self = other.clone();
        } else if !other.is_subset(self) {
            *self = self.union(other);
        }
    }

    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn is_all(&self) -> bool {
        self.0.ranges() == [(0, OTHER)]
    }

    pub fn contains(&self, protocol: Protocol, port: u16) -> bool {
        port > 0 && self.0.contains(base(protocol) + u32::from(port) - 1)
    }

    /// Whether protocols without ports, such as ICMP, are in the set.
    pub fn has_other_protocols(&self) -> bool {
        self.0.contains(OTHER)
    }

    /// Sorted by protocol and port, merged.
    pub fn ranges(&self) -> Vec<PortRange> {
        PROTOCOLS
            .into_iter()
            .flat_map(|protocol| {
                let of_protocol = self.0.intersection(&Self::protocol(protocol).0);
                let port = move |point: u32| i64::from(point - base(protocol) + 1);
                let ranges: Vec<_> = of_protocol
                    .ranges()
                    .iter()
                    .filter_map(|&(first, last)| PortRange::new(protocol, port(first), Some(port(last))))
                    .collect();
                ranges
            })
            .collect()
    }

    pub fn text(&self) -> Text {
        if self.is_all() {
            Text::new("tous les ports", "all ports")
        } else if self.is_empty() {
            Text::new("aucun port", "no port")
        } else {
            let list = self.to_string();
            Text::new(list.clone(), list)
        }
    }
}

/// Signs only, the same in every language: `*` is everything, `TCP/*` all ports of a protocol, `other` what has no
/// ports, `-` nothing.
impl std::fmt::Display for PortSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_all() {
            return f.write_str("*");
        }
        if self.is_empty() {
            return f.write_str("-");
        }
        let mut parts: Vec<String> = self
            .ranges()
            .into_iter()
            .map(|range| {
                if range.first() == 1 && range.last() == u16::MAX {
                    format!("{}/*", range.protocol().as_str())
                } else {
                    range.to_string()
                }
            })
            .collect();
        if self.has_other_protocols() {
            parts.push("other".to_owned());
        }
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(protocol: Protocol, first: i64, last: i64) -> PortSet {
        PortSet::range(PortRange::new(protocol, first, Some(last)).unwrap())
    }

    #[test]
    fn neighbours_merge_within_a_protocol_only() {
        let set = range(Protocol::Tcp, 80, 90).union(&range(Protocol::Tcp, 91, 100));
        assert_eq!(set.to_string(), "TCP/80-100");
        let edges = PortSet::port(Protocol::Tcp, 65_535).union(&PortSet::port(Protocol::Udp, 1));
        assert_eq!(edges.to_string(), "TCP/65535, UDP/1");
    }

    #[test]
    fn every_port_of_every_protocol_is_less_than_everything() {
        let ports = PROTOCOLS.into_iter().fold(PortSet::none(), |set, p| set.union(&PortSet::protocol(p)));
        assert!(!ports.is_all() && ports.is_subset(&PortSet::all()));
        assert_eq!(ports.to_string(), "TCP/*, UDP/*, SCTP/*");
        assert_eq!(ports.complement().to_string(), "other");
        assert_eq!(PortSet::all().to_string(), "*");
        assert_eq!(PortSet::none().to_string(), "-");
    }

    #[test]
    fn what_is_taken_out_is_out() {
        let set = PortSet::all().difference(&PortSet::port(Protocol::Tcp, 22));
        assert!(!set.contains(Protocol::Tcp, 22));
        assert!(
            set.contains(Protocol::Udp, 22) && set.contains(Protocol::Tcp, 23) && set.has_other_protocols()
        );
        assert_eq!(set.to_string(), "TCP/1-21, TCP/23-65535, UDP/*, SCTP/*, other");
        assert!(!set.contains(Protocol::Tcp, 0) && PortSet::port(Protocol::Tcp, 0).is_empty());
    }
}
