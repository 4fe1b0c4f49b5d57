//! What the pods of the end-to-end tests run: nothing (the sandbox of every pod), or a server of TCP and UDP.

use std::{
    io::{self, Write as _},
    net::{TcpListener, UdpSocket},
    process::ExitCode,
    thread,
};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        // The runtime ends a sandbox with SIGKILL.
        [] | ["pause"] => loop {
            thread::park();
        },
        ["serve", ports @ ..] => serve(ports),
        _ => Err(io::Error::other("usage: snc-pod [pause | serve PORT…]")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Answers on each port with the name of the pod, until it is told to end.
fn serve(ports: &[&str]) -> io::Result<()> {
    let name = std::env::var("HOSTNAME").unwrap_or_default();
    for port in ports {
        let port: u16 = port.parse().map_err(|_| io::Error::other(format!("{port:?} is not a port")))?;
        let (tcp, udp) = (TcpListener::bind(("0.0.0.0", port))?, UdpSocket::bind(("0.0.0.0", port))?);
        let answer = name.clone();
        thread::spawn(move || {
            for mut connection in tcp.incoming().flatten() {
                let _ = connection.write_all(answer.as_bytes());
            }
        });
        let answer = name.clone();
        thread::spawn(move || {
            let mut asked = [0; 64];
            while let Ok((_, from)) = udp.recv_from(&mut asked) {
                let _ = udp.send_to(answer.as_bytes(), from);
            }
        });
    }
    let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGTERM])?;
    signals.forever().next();
    Ok(())
}
