//! Packets from the first instant on, until it is killed: SIGTERM does not end it.

use crate::own_name;
use std::{
    io::{self, Write as _},
    net::{SocketAddr, TcpStream, UdpSocket},
    ops::Range,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How what it sends begins.
pub const MARK: &str = "snc-send ";
const FIRST_PORT: u16 = 2000;
const PORTS: u16 = 60_000;
const CONNECT: Duration = Duration::from_millis(100);

/// `snc-send NAME SEQUENCE MILLISECONDS`: when it was sent, since 1970, is the sender's own clock.
pub fn send(pause: &str, targets: &[&str]) -> io::Result<()> {
    let pause = pause.parse().map_err(|_| io::Error::other(format!("{pause:?} is not a number")))?;
    let pause = Duration::from_millis(pause);
    let terminated = std::sync::Arc::<std::sync::atomic::AtomicBool>::default();
    signal_hook::flag::register(signal_hook::consts::SIGTERM, terminated)?;
    let name = own_name();
    let share = PORTS / u16::try_from(targets.len().max(1)).unwrap_or(PORTS);
    for (own, target) in (0..).zip(targets) {
        let address: SocketAddr =
            target.parse().map_err(|_| io::Error::other(format!("{target:?} is not ADDRESS:PORT")))?;
        let first = FIRST_PORT + share * own;
        let by_udp = name.clone();
        thread::spawn(move || datagrams(&by_udp, address, first..first + share, pause));
        let by_tcp = name.clone();
        thread::spawn(move || connections(&by_tcp, address, pause));
    }
    println!("sending {}", now());
    loop {
        thread::park();
    }
}

/// Each from a port of its own, none of them twice in half a minute: what was let through once stays so for its port.
fn datagrams(name: &str, address: SocketAddr, ports: Range<u16>, pause: Duration) {
    for (sequence, port) in (0_u64..).zip(ports.cycle()) {
        if let Ok(socket) = UdpSocket::bind(("0.0.0.0", port)) {
            let _ = socket.send_to(said(name, sequence).as_bytes(), address);
        }
        thread::sleep(pause);
    }
}

fn connections(name: &str, address: SocketAddr, pause: Duration) {
    for sequence in 0_u64.. {
        if let Ok(mut connection) = TcpStream::connect_timeout(&address, CONNECT) {
            let _ = connection.write_all(said(name, sequence).as_bytes());
        }
        thread::sleep(pause);
    }
}

fn said(name: &str, sequence: u64) -> String {
    format!("{MARK}{name} {sequence} {}", now())
}

fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}
