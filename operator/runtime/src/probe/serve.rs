//! Answers on three ports by TCP and UDP, counts what came, and says so when it is told that it is over.

use super::tell;
use anyhow::{Context, Result};
use snc_core::flow::Protocol;
use snc_plan::probe::{OPEN, PORTS, Received};
use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

/// What the client says when it is done.
pub const OVER: &[u8] = b"over";
const ANSWER: &[u8] = b"snc-probe";

pub fn main(to: &Path) -> Result<()> {
    let received = serve(PORTS, OPEN)?;
    tell(to, &received)
}

/// `told` is the port where it is told that it is over.
pub fn serve(ports: [u16; 3], told: u16) -> Result<Vec<Received>> {
    let (over, ended) = channel();
    let mut counts = Vec::new();
    for port in ports {
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            let count = Arc::new(AtomicU64::new(0));
            counts.push((protocol, port, count.clone()));
            if protocol == Protocol::Tcp {
                tcp(bind(port, TcpListener::bind)?, count);
            } else {
                let over = (port == told).then(|| over.clone());
                udp(bind(port, UdpSocket::bind)?, count, over);
            }
        }
    }
    ended.recv().context("no port is left")?;
    let received = counts.into_iter().map(|(protocol, port, count)| Received {
        protocol,
        port,
        packets: count.load(Ordering::SeqCst),
    });
    Ok(received.collect())
}

/// Of both families, where there are both.
fn bind<T>(port: u16, bind: impl Fn(SocketAddr) -> std::io::Result<T>) -> Result<T> {
    let both = bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)));
    both.or_else(|_| bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))))
        .with_context(|| format!("listen on port {port}"))
}

fn tcp(listener: TcpListener, count: Arc<AtomicU64>) {
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = connection.write_all(ANSWER);
        }
    });
}

fn udp(socket: UdpSocket, count: Arc<AtomicU64>, over: Option<Sender<()>>) {
    thread::spawn(move || {
        let mut buffer = [0; 64];
        loop {
            // An unreachable client of before is told here, too.
            let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
            if let Some(over) = over.as_ref().filter(|_| &buffer[..length] == OVER) {
                let _ = over.send(());
                continue;
            }
            count.fetch_add(1, Ordering::SeqCst);
            let _ = socket.send_to(ANSWER, from);
        }
    });
}
