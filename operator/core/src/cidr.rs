//! Sets of address blocks.

use ipnet::IpNet;
use std::net::IpAddr;

/// Instance-metadata and platform services of the common clouds; link-local as a whole. Nothing of ours opens
/// them (source: product; the providers document these addresses).
pub const METADATA_BLOCKS: &[&str] = &[
    "100.100.100.200/32",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "192.0.0.192/32",
    "fd00:ec2::/32",
    "fe80::/10",
];

pub fn metadata_blocks() -> Vec<IpNet> {
    METADATA_BLOCKS.iter().filter_map(|block| block.parse().ok()).collect()
}

/// Accepts only a block whose host bits are zero: `10.1.2.3/8` is a mistake that must not widen silently. Leading
/// zeros (octal to some) and IPv4 in IPv6 clothes (which some network engines read as IPv4) mean one thing here
/// and another there: refused, as the API server does.
pub fn parse(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let digits = length.bytes().all(|b| b.is_ascii_digit()) && (length == "0" || !length.starts_with('0'));
    let net = IpNet::new(address, length.parse().ok().filter(|_| digits)?).ok()?;
    let mapped = matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
    (net.addr() == net.network() && !mapped).then_some(net)
}

/// Whether every address of `inner` is in `outer`.
pub fn within(inner: &IpNet, outer: &IpNet) -> bool {
    match (inner, outer) {
        (IpNet::V4(inner), IpNet::V4(outer)) => outer.contains(inner),
        (IpNet::V6(inner), IpNet::V6(outer)) => outer.contains(inner),
        _ => false,
    }
}

pub fn overlaps(a: &IpNet, b: &IpNet) -> bool {
    within(a, b) || within(b, a)
}

/// Sorted, merged, without repetition: equal sets of addresses have equal forms.
pub fn canonical(blocks: impl IntoIterator<Item = IpNet>) -> Vec<IpNet> {
    let blocks: Vec<IpNet> = blocks.into_iter().map(|block| block.trunc()).collect();
    let mut merged = IpNet::aggregate(&blocks);
    merged.sort();
    merged
}

pub fn intersection(a: &[IpNet], b: &[IpNet]) -> Vec<IpNet> {
    canonical(a.iter().flat_map(|x| {
        b.iter().filter_map(move |y| if within(x, y) { Some(*x) } else { within(y, x).then_some(*y) })
    }))
}

pub fn union(a: &[IpNet], b: &[IpNet]) -> Vec<IpNet> {
    canonical(a.iter().chain(b).copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[test]
    fn every_metadata_block_parses() {
        assert_eq!(metadata_blocks().len(), METADATA_BLOCKS.len());
        for block in METADATA_BLOCKS {
            assert!(parse(block).is_some(), "{block}");
        }
    }

    #[rstest]
    #[case("10.0.0.0/8", true)]
    #[case("10.1.2.3/8", false)]
    #[case("0.0.0.0/0", true)]
    #[case("::/0", true)]
    #[case("10.0.0.0/33", false)]
    #[case("10.0.0.0", false)]
    #[case("１０.0.0.0/8", false)]
    #[case("fd00::/8", true)]
    #[case("010.0.0.0/8", false)]
    #[case("10.0.0.0/08", false)]
    #[case("10.0.0.0/+8", false)]
    #[case("10.0.0.0/", false)]
    #[case("::ffff:169.254.169.254/128", false)]
    #[case("::ffff:0:0/96", false)]
    fn parses_only_clean_blocks(#[case] text: &str, #[case] ok: bool) {
        assert_eq!(parse(text).is_some(), ok, "{text}");
    }

    fn block() -> impl Strategy<Value = IpNet> {
        (any::<u32>(), 0u8..=32)
            .prop_map(|(addr, len)| IpNet::V4(ipnet::Ipv4Net::new(addr.into(), len).unwrap()).trunc())
    }

    proptest! {
        #[test]
        fn intersection_holds_what_both_hold(
            a in prop::collection::vec(block(), 0..6),
            b in prop::collection::vec(block(), 0..6),
            probe in any::<u32>(),
        ) {
            let probe = std::net::IpAddr::V4(probe.into());
            let has = |set: &[IpNet]| set.iter().any(|n| n.contains(&probe));
            prop_assert_eq!(has(&intersection(&a, &b)), has(&a) && has(&b));
            prop_assert_eq!(has(&union(&a, &b)), has(&a) || has(&b));
            prop_assert_eq!(intersection(&a, &b), intersection(&b, &a));
        }
    }
}
