//! What the pods of the end-to-end tests run: nothing (the sandbox of every pod), a server of TCP and UDP, a client that
//! says what it reached, or a client that never stops.

mod probe;
mod send;
mod serve;

use std::{io, process::ExitCode, thread};

const USAGE: &str = "usage: snc-pod [pause | serve [--on ADDRESS] PORT… | probe PROTOCOL:ADDRESS:PORT… | send [--every MILLISECONDS] ADDRESS:PORT…]";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        // The runtime ends a sandbox with SIGKILL.
        [] | ["pause"] => loop {
            thread::park();
        },
        ["serve", "--on", address, ports @ ..] => serve::serve(address, ports),
        ["serve", ports @ ..] => serve::serve("0.0.0.0", ports),
        ["probe", targets @ ..] => probe::probe(targets),
        ["send", "--every", pause, targets @ ..] => send::send(pause, targets),
        ["send", targets @ ..] => send::send("2", targets),
        _ => Err(io::Error::other(USAGE)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The pod's, or what a test calls a process outside of pods.
fn own_name() -> String {
    std::env::var("HOSTNAME").unwrap_or_default()
}
