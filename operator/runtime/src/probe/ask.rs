//! Asks every port of the server: the open one, those that must stay silent, and the open one again.

use super::serve::OVER;
use super::tell;
use anyhow::Result;
use snc_core::flow::Protocol;
use snc_plan::probe::{Asked, EGRESS, INGRESS, OPEN, PROTOCOLS};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Network engines learn of a new pod and of the policies about it a moment later.
const SETTLE: Duration = Duration::from_secs(10);
/// Until the server answers at all.
const FIRST: Duration = Duration::from_secs(60);
const ONE: Duration = Duration::from_secs(2);
const TRIES: usize = 3;

pub fn main(addresses: &[IpAddr], to: &Path) -> Result<()> {
    let asked = ask(addresses, [OPEN, INGRESS, EGRESS], FIRST, SETTLE);
    tell(to, &asked)
}

/// `ports`: the open one first.
pub fn ask(addresses: &[IpAddr], ports: [u16; 3], first: Duration, settle: Duration) -> Vec<Asked> {
    let [open, shut @ ..] = ports;
    let started = Instant::now();
    let answers = || addresses.iter().all(|address| reached(*address, Protocol::Tcp, open));
    while !answers() && started.elapsed() < first {
        thread::sleep(Duration::from_millis(200));
    }
    thread::sleep(settle);
    let before = all(addresses, &[open]);
    let between = all(addresses, &shut);
    let after = all(addresses, &[open]);
    if let Some(address) = addresses.first()
        && let Ok(socket) = udp_to(*address, open)
    {
        for _ in 0..TRIES {
            let _ = socket.send(OVER);
        }
    }
    [before, between, after].concat()
}

/// Side by side: what is silent takes all of its time.
fn all(addresses: &[IpAddr], ports: &[u16]) -> Vec<Asked> {
    thread::scope(|scope| {
        let mut asking = Vec::new();
        for &address in addresses {
            for protocol in PROTOCOLS {
                for &port in ports {
                    let answered = scope.spawn(move || (0..TRIES).any(|_| reached(address, protocol, port)));
                    asking.push((address, protocol, port, answered));
                }
            }
        }
        asking
            .into_iter()
            .map(|(address, protocol, port, answered)| Asked {
                address,
                protocol,
                port,
                answered: answered.join().unwrap_or_default(),
            })
            .collect()
    })
}

fn reached(address: IpAddr, protocol: Protocol, port: u16) -> bool {
    match protocol {
        Protocol::Tcp => tcp(SocketAddr::new(address, port)),
        _ => udp_to(address, port).is_ok_and(|socket| {
            let mut buffer = [0; 64];
            socket.send(b"?").is_ok() && socket.recv(&mut buffer).is_ok()
        }),
    }
}

/// A connection is an answer even when nothing comes through it. A refusal is not: the server listens there, so that
/// only the network can have refused.
fn tcp(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, ONE).is_ok()
}

fn udp_to(address: IpAddr, port: u16) -> std::io::Result<UdpSocket> {
    let any =
        if address.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    let socket = UdpSocket::bind((any, 0))?;
    socket.set_read_timeout(Some(ONE))?;
    socket.connect((address, port))?;
    Ok(socket)
}
