//! The API server's port on the machine's loopback, carried into the node's network.

use super::inside::Inside;
use crate::harness::interrupt;
use anyhow::{Context, Result};
use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::Path,
    thread,
    time::Duration,
};

/// Until it is told to end, or the node has ended.
pub fn forward(dir: &Path, port: u16) -> Result<()> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    // A socket belongs to the network in which it was made: this one is the machine's.
    let listener = TcpListener::bind(address).with_context(|| format!("listen on {address}"))?;
    let inside = Inside::of(dir)?;
    inside.enter_network()?;
    thread::spawn(move || {
        for outer in listener.incoming().flatten() {
            thread::spawn(move || carry(&outer, address));
        }
    });
    while !interrupt::requested() && inside.first_process().alive() {
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn carry(outer: &TcpStream, address: SocketAddr) {
    let Ok(inner) = TcpStream::connect(address) else { return };
    for stream in [outer, &inner] {
        let _ = stream.set_nodelay(true);
    }
    thread::scope(|scope| {
        scope.spawn(|| copy(outer, &inner));
        copy(&inner, outer);
    });
}

fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    // Whichever side ended, the other learns of it.
    let _ = to.shutdown(Shutdown::Write);
}
