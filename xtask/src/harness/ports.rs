//! Free ports on loopback.

use anyhow::{Result, bail};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::TcpListener;
use std::ops::Range;

/// Below those of `NodePort` Services, from 30000 on, and those that the kernel gives to connections, mostly from 32768 on.
/// A server that is down would not get one of the latter back: a connection may hold it, even one that was meant for it
/// and met itself.
const PORTS: Range<u16> = 12_000..30_000;
/// Where the kernel leaves fewer, those of connections are taken as well.
const ENOUGH: u16 = 2_000;
const ATTEMPTS: usize = 200;

/// Distinct ports that were free a moment ago. Somebody may take one before its user binds it:
/// whoever starts a server on one tries again with others (see [`was_taken`]).
pub fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = bind()?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// One that was free a moment ago.
pub fn free_port() -> Result<u16> {
    free_ports::<1>().map(|[port]| port)
}

fn bind() -> Result<TcpListener> {
    let ports = ports(first_of_connections());
    for _ in 0..ATTEMPTS {
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", any(&ports))) {
            return Ok(listener);
        }
    }
    bail!("none of {ATTEMPTS} ports from {} to {} of 127.0.0.1 is free", ports.start, ports.end - 1)
}

fn first_of_connections() -> Option<u16> {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    range.split_whitespace().next()?.parse().ok()
}

fn ports(first_of_connections: Option<u16>) -> Range<u16> {
    match first_of_connections {
        Some(first) if first >= PORTS.start + ENOUGH => PORTS.start..PORTS.end.min(first),
        _ => PORTS,
    }
}

fn any(ports: &Range<u16>) -> u16 {
    let many = u64::from(ports.end - ports.start);
    // Keys are random.
    let nth = RandomState::new().build_hasher().finish() % many;
    u16::try_from(nth).map_or(ports.start, |nth| ports.start + nth)
}

pub(crate) fn was_taken(log_tail: &str) -> bool {
    log_tail.contains("address already in use")
}

#[cfg(test)]
mod tests {
    use super::{ENOUGH, PORTS, any, free_port, free_ports, ports};
    use std::collections::BTreeSet;
    use std::net::TcpListener;

    #[test]
    fn ports_are_distinct() {
        let mut ports = free_ports::<8>().unwrap();
        ports.sort_unstable();
        assert!(ports.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn no_connection_is_given_one_where_that_leaves_enough() {
        assert_eq!(ports(Some(32_768)), PORTS);
        assert_eq!(ports(Some(15_000)), PORTS.start..15_000);
        for few in [None, Some(1024), Some(PORTS.start), Some(PORTS.start + ENOUGH - 1)] {
            assert_eq!(ports(few), PORTS);
        }
        assert!(PORTS.contains(&free_port().unwrap()));
    }

    #[test]
    fn two_runs_side_by_side_hardly_meet() {
        let ports: BTreeSet<u16> = (0..100).map(|_| any(&PORTS)).collect();
        assert!(ports.len() > 90 && ports.iter().all(|port| PORTS.contains(port)));
    }

    #[test]
    fn one_that_is_in_use_is_not_given() {
        let held: Vec<TcpListener> = (0..200).map(|_| super::bind().unwrap()).collect();
        let held: BTreeSet<u16> = held.iter().map(|one| one.local_addr().unwrap().port()).collect();
        assert_eq!(held.len(), 200);
    }
}
