//! One address for several replicas: what a Service does, for connections.

use anyhow::Result;
use snc_e2e::http;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Where a replica takes connections, and where it says whether it is ready.
pub struct Backend {
    pub port: u16,
    pub health: String,
}

pub struct Balancer {
    port: u16,
    over: Arc<AtomicBool>,
}

impl Balancer {
    /// Each new connection goes to the next replica that is ready.
    pub fn start(backends: Vec<Backend>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let over = Arc::new(AtomicBool::new(false));
        let (ended, next) = (over.clone(), AtomicUsize::new(0));
        thread::spawn(move || {
            for client in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let ready = || {
                    let at = next.fetch_add(1, Ordering::Relaxed) % backends.len();
                    let Backend { port, health } = &backends[at];
                    let is_ready = http::get(health, "/readyz").is_ok_and(|(status, _)| status == 200);
                    is_ready.then(|| TcpStream::connect(("127.0.0.1", *port)).ok()).flatten()
                };
                let server = backends.iter().find_map(|_| ready());
                if let (Ok(client), Some(server)) = (client, server) {
                    let _ = join(&client, &server);
                }
            }
        });
        Ok(Self { port, over })
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // So that it looks.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn join(client: &TcpStream, server: &TcpStream) -> io::Result<()> {
    for (from, to) in [(client, server), (server, client)] {
        let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}
