use super::ranges::RangeSet;
use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];

    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

/// An exact set of addresses of both families.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpSet {
    v4: RangeSet<u32>,
    v6: RangeSet<u128>,
}

impl IpSet {
    pub fn everything() -> Self {
        Self { v4: RangeSet::one(0, u32::MAX), v6: RangeSet::one(0, u128::MAX) }
    }

    pub fn family(family: Family) -> Self {
        let all = Self::everything();
        match family {
            Family::V4 => Self { v6: RangeSet::default(), ..all },
            Family::V6 => Self { v4: RangeSet::default(), ..all },
        }
    }

    pub fn block(cidr: IpNet, except: &[IpNet]) -> Self {
        [cidr].into_iter().collect::<Self>().difference(&except.iter().copied().collect())
    }

    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self { v4: self.v4.union(&other.v4), v6: self.v6.union(&other.v6) }
    }

    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self { v4: self.v4.intersection(&other.v4), v6: self.v6.intersection(&other.v6) }
    }

    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self { v4: self.v4.difference(&other.v4), v6: self.v6.difference(&other.v6) }
    }

    pub fn is_subset(&self, other: &Self) -> bool {
        self.v4.is_subset(&other.v4) && self.v6.is_subset(&other.v6)
    }

    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.v4.contains(address.into()),
            IpAddr::V6(address) => self.v6.contains(address.into()),
        }
    }

    /// First and last address of each range, IPv4 first.
    pub fn ranges(&self) -> impl Iterator<Item = (IpAddr, IpAddr)> {
        let v4 = self.v4.ranges().iter().map(|&(a, b)| (Ipv4Addr::from(a).into(), Ipv4Addr::from(b).into()));
        v4.chain(self.v6.ranges().iter().map(|&(a, b)| (Ipv6Addr::from(a).into(), Ipv6Addr::from(b).into())))
    }

    /// The fewest blocks that hold exactly these addresses, IPv4 first, sorted.
    pub fn cidrs(&self) -> Vec<IpNet> {
        let v4 = self.v4.ranges().iter().flat_map(|&(a, b)| Ipv4Subnets::new(a.into(), b.into(), 0));
        let v6 = self.v6.ranges().iter().flat_map(|&(a, b)| Ipv6Subnets::new(a.into(), b.into(), 0));
        v4.map(IpNet::V4).chain(v6.map(IpNet::V6)).collect()
    }
}

impl FromIterator<IpNet> for IpSet {
    fn from_iter<I: IntoIterator<Item = IpNet>>(blocks: I) -> Self {
        blocks.into_iter().map(|block| (block.network(), block.broadcast())).collect()
    }
}

/// First and last addresses; both belong to the set.
impl FromIterator<(IpAddr, IpAddr)> for IpSet {
    fn from_iter<I: IntoIterator<Item = (IpAddr, IpAddr)>>(ranges: I) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for range in ranges {
            match range {
                (IpAddr::V4(first), IpAddr::V4(last)) => v4.push((first.into(), last.into())),
                (IpAddr::V6(first), IpAddr::V6(last)) => v6.push((first.into(), last.into())),
                _ => {}
            }
        }
        Self { v4: v4.into_iter().collect(), v6: v6.into_iter().collect() }
    }
}

impl std::fmt::Display for IpSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let blocks: Vec<String> = self.cidrs().iter().map(ToString::to_string).collect();
        f.write_str(if blocks.is_empty() { "-" } else { "" })?;
        f.write_str(&blocks.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn everything_is_one_block_for_each_family() {
        assert_eq!(IpSet::everything().to_string(), "0.0.0.0/0, ::/0");
        assert_eq!(IpSet::family(Family::V6).to_string(), "::/0");
        assert_eq!(IpSet::default().to_string(), "-");
    }

    #[test]
    fn holes_become_the_fewest_blocks_around_them() {
        let set = IpSet::block(net("10.0.0.0/8"), &[net("10.128.0.0/9"), net("fd00::/8")]);
        assert_eq!(set.cidrs(), [net("10.0.0.0/9")]);
        let v6 = IpSet::block(net("fd00::/126"), &[net("fd00::1/128")]);
        assert_eq!(v6.cidrs(), [net("fd00::/128"), net("fd00::2/127")]);
        assert!(IpSet::block(net("10.0.0.0/8"), &[net("0.0.0.0/0")]).is_empty());
    }

    proptest! {
        #[test]
        fn blocks_of_a_set_hold_its_addresses_and_no_other(
            blocks in prop::collection::vec((any::<u16>(), 16u8..=32), 0..6),
            holes in prop::collection::vec((any::<u16>(), 16u8..=32), 0..6),
            probe in any::<u16>(),
        ) {
            let make = |(low, length): &(u16, u8)| {
                IpNet::new(Ipv4Addr::from(0x0a00_0000 | u32::from(*low)).into(), *length).unwrap().trunc()
            };
            let (blocks, holes): (Vec<_>, Vec<_>) = (blocks.iter().map(make).collect(), holes.iter().map(make).collect());
            let set = blocks.iter().copied().collect::<IpSet>().difference(&holes.iter().copied().collect());
            let probe = IpAddr::from(Ipv4Addr::from(0x0a00_0000 | u32::from(probe)));
            let within = |list: &[IpNet]| list.iter().any(|block| block.contains(&probe));
            prop_assert_eq!(set.contains(probe), within(&blocks) && !within(&holes));
            prop_assert_eq!(within(&set.cidrs()), set.contains(probe));
            prop_assert_eq!(IpNet::aggregate(&set.cidrs()).len(), set.cidrs().len());
        }
    }
}
