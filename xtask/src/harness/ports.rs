//! Free ports on loopback.

use anyhow::{Context, Result};
use std::net::TcpListener;

/// Distinct ports that were free a moment ago. Somebody may take one before its user binds it:
/// whoever starts a server on one tries again with others (see [`was_taken`]).
pub(crate) fn free<const N: usize>() -> Result<[u16; N]> {
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("bind a free port on 127.0.0.1")?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

pub(crate) fn was_taken(log_tail: &str) -> bool {
    log_tail.contains("address already in use")
}

#[cfg(test)]
mod tests {
    #[test]
    fn ports_are_distinct() {
        let mut ports = super::free::<8>().unwrap();
        ports.sort_unstable();
        assert!(ports.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
