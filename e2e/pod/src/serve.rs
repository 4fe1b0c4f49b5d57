//! A server of TCP and UDP: it answers with its name, and notes what `send` sent.

use crate::{own_name, send::MARK};
use std::{
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream, UdpSocket},
    thread,
    time::Duration,
};

/// A connection that says nothing is no sender's.
const SILENCE: Duration = Duration::from_secs(2);

/// Answers on each port until it is told to end.
pub fn serve(address: &str, ports: &[&str]) -> io::Result<()> {
    let name = own_name();
    for port in ports {
        let port: u16 = port.parse().map_err(|_| io::Error::other(format!("{port:?} is not a port")))?;
        let (tcp, udp) = (TcpListener::bind((address, port))?, UdpSocket::bind((address, port))?);
        let answer = name.clone();
        thread::spawn(move || {
            for connection in tcp.incoming().flatten() {
                let answer = answer.clone();
                thread::spawn(move || converse(connection, &answer, port));
            }
        });
        let answer = name.clone();
        thread::spawn(move || {
            let mut asked = [0; 128];
            while let Ok((length, from)) = udp.recv_from(&mut asked) {
                note("UDP", port, &asked[..length]);
                let _ = udp.send_to(answer.as_bytes(), from);
            }
        });
    }
    let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGTERM])?;
    signals.forever().next();
    Ok(())
}

fn converse(mut connection: TcpStream, answer: &str, port: u16) {
    let _ = connection.write_all(answer.as_bytes());
    let _ = connection.shutdown(std::net::Shutdown::Write);
    let _ = connection.set_read_timeout(Some(SILENCE));
    let mut said = [0; 128];
    if let Ok(length) = connection.read(&mut said) {
        note("TCP", port, &said[..length]);
    }
}

/// One line for each thing that a sender got through; the test reads the log.
fn note(protocol: &str, port: u16, said: &[u8]) {
    let said = String::from_utf8_lossy(said);
    if said.starts_with(MARK) {
        println!("received {protocol} {port} {said}");
    }
}
