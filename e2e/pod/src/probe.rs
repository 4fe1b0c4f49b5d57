//! What is reached from here, all of it at once: one line for each target.

use std::{
    io::{self, Read as _},
    net::{SocketAddr, TcpStream, UdpSocket},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Much longer than an answer takes on a busy machine; TCP sends its first packet once more after a second.
const LIMIT: Duration = Duration::from_millis(2500);
const AGAIN: Duration = Duration::from_millis(400);
const STACK: usize = 64 * 1024;

/// `TARGET answered NAME`, `TARGET refused` (a packet came there and back), or `TARGET silent`.
pub fn probe(targets: &[&str]) -> io::Result<()> {
    let parsed: Vec<(&str, &str, SocketAddr)> =
        targets.iter().map(|target| parse(target)).collect::<io::Result<_>>()?;
    thread::scope(|scope| {
        let started: Vec<_> = parsed
            .iter()
            .enumerate()
            .map(|(index, &(target, protocol, address))| {
                let asked = move || match protocol {
                    "TCP" => tcp(address),
                    _ => udp(address, source_port(index)),
                };
                let ask = move || match asked() {
                    Ok(Some(name)) => format!("{target} answered {name}"),
                    Ok(None) => format!("{target} silent"),
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                        format!("{target} refused")
                    }
                    Err(error) => format!("{target} failed {error}"),
                };
                thread::Builder::new().stack_size(STACK).spawn_scoped(scope, ask)
            })
            .collect::<io::Result<_>>()?;
        for thread in started {
            println!("{}", thread.join().map_err(|_| io::Error::other("a probe panicked"))?);
        }
        Ok(())
    })
}

fn parse(target: &str) -> io::Result<(&str, &str, SocketAddr)> {
    let wrong = || io::Error::other(format!("{target:?} is not TCP:ADDRESS:PORT or UDP:ADDRESS:PORT"));
    let (protocol, address) = target.split_once(':').ok_or_else(wrong)?;
    if !["TCP", "UDP"].contains(&protocol) {
        return Err(wrong());
    }
    Ok((target, protocol, address.parse().map_err(|_| wrong())?))
}

fn silent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

fn tcp(address: SocketAddr) -> io::Result<Option<String>> {
    let asked = TcpStream::connect_timeout(&address, LIMIT).and_then(|mut connection| {
        connection.set_read_timeout(Some(LIMIT))?;
        let mut name = String::new();
        connection.read_to_string(&mut name)?;
        Ok(name)
    });
    match asked {
        Err(error) if silent(&error) => Ok(None),
        asked => asked.map(Some),
    }
}

/// What follows an allowed packet on its ports is let through for as long as the kernel remembers it, whatever came into
/// force since: at most two minutes. No pair of a target and a port comes again before that.
fn source_port(target: usize) -> u16 {
    const FIRST: u16 = 10_000;
    const TARGETS: u64 = 64;
    const ROUNDS: u64 = 340;
    let second = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let offset = (second % ROUNDS) * TARGETS + target as u64 % TARGETS;
    FIRST + u16::try_from(offset).unwrap_or_default()
}

fn udp(address: SocketAddr, from: u16) -> io::Result<Option<String>> {
    let socket = UdpSocket::bind(("0.0.0.0", from)).or_else(|_| UdpSocket::bind("0.0.0.0:0"))?;
    socket.connect(address)?;
    socket.set_read_timeout(Some(AGAIN))?;
    let started = Instant::now();
    let mut answer = [0; 128];
    while started.elapsed() < LIMIT {
        socket.send(b"?")?;
        match socket.recv(&mut answer) {
            Ok(length) => return Ok(Some(String::from_utf8_lossy(&answer[..length]).into_owned())),
            Err(error) if silent(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}
