//! Free ports on loopback.

use anyhow::{Result, bail};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::TcpListener;
use std::ops::Range;

/// Below those that the kernel gives to connections (from 32768 on) and those of `NodePort` Services (from 30000 on). A
/// server that is down would not get one of the former back: a connection may hold it, even one that was meant for it and
/// met itself.
const PORTS: Range<u16> = 12_000..30_000;
const ATTEMPTS: usize = 200;

/// Distinct ports that were free a moment ago. Somebody may take one before its user binds it:
/// whoever starts a server on one tries again with others (see [`was_taken`]).
pub(crate) fn free<const N: usize>() -> Result<[u16; N]> {
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
    free::<1>().map(|[port]| port)
}

fn bind() -> Result<TcpListener> {
    for _ in 0..ATTEMPTS {
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", any())) {
            return Ok(listener);
        }
    }
    bail!("none of {ATTEMPTS} ports from {} to {} of 127.0.0.1 is free", PORTS.start, PORTS.end - 1)
}

fn any() -> u16 {
    let many = u64::from(PORTS.end - PORTS.start);
    // Keys are random.
    let nth = RandomState::new().build_hasher().finish() % many;
    u16::try_from(nth).map_or(PORTS.start, |nth| PORTS.start + nth)
}

pub(crate) fn was_taken(log_tail: &str) -> bool {
    log_tail.contains("address already in use")
}

#[cfg(test)]
mod tests {
    use super::{PORTS, any, free, free_port};
    use std::collections::BTreeSet;
    use std::net::TcpListener;

    #[test]
    fn ports_are_distinct() {
        let mut ports = free::<8>().unwrap();
        ports.sort_unstable();
        assert!(ports.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn no_connection_is_given_one() {
        let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
        let first: u16 = range.split_whitespace().next().unwrap().parse().unwrap();
        assert!(PORTS.end <= first, "connections have ports from {first} on");
        assert!(PORTS.contains(&free_port().unwrap()));
    }

    #[test]
    fn two_runs_side_by_side_hardly_meet() {
        let ports: BTreeSet<u16> = (0..100).map(|_| any()).collect();
        assert!(ports.len() > 90 && ports.iter().all(|port| PORTS.contains(port)));
    }

    #[test]
    fn one_that_is_in_use_is_not_given() {
        let held: Vec<TcpListener> = (0..200).map(|_| super::bind().unwrap()).collect();
        let held: BTreeSet<u16> = held.iter().map(|one| one.local_addr().unwrap().port()).collect();
        assert_eq!(held.len(), 200);
    }
}
