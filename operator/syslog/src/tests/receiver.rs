//! A syslog receiver over TLS that writes down what it reads, and breaks connections as a test wants.

use super::rfc5424::{Parsed, frame};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use rustls::server::WebPkiClientVerifier;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

pub(crate) const NAME: &str = "logs.test";

pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Certificate and key, in PEM.
    pub(crate) fn leaf(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let leaf =
            CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        (leaf.pem(), key.serialize_pem())
    }
}

/// What was read, whole messages only, by connection and in order.
#[derive(Default)]
pub(crate) struct Seen {
    connections: Mutex<Vec<Vec<Parsed>>>,
    /// What was not as the documents say. Nothing may be.
    wrong: Mutex<Vec<String>>,
}

/// Instead of a number of bytes: stays open and reads nothing.
pub(crate) const STALLS: usize = usize::MAX;

/// How many bytes of its data a connection reads before it is cut: `None` for all.
type Patience = dyn Fn(usize) -> Option<usize> + Send + Sync;

pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    pub(crate) ca: PathBuf,
    pub(crate) seen: Arc<Seen>,
    place: TempDir,
    config: Arc<ServerConfig>,
    /// Whoever reads has to be ended with the test, and by it.
    tasks: JoinSet<()>,
    down: watch::Sender<bool>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        Self::with(|_| None).await
    }

    /// `patience` by number of the connection, from 0.
    pub(crate) async fn with(patience: impl Fn(usize) -> Option<usize> + Send + Sync + 'static) -> Self {
        Self::of(Authority::new(), None, Arc::new(patience)).await
    }

    pub(crate) async fn asking_for(client: &Authority) -> Self {
        Self::of(Authority::new(), Some(client), Arc::new(|_| None)).await
    }

    async fn of(authority: Authority, client: Option<&Authority>, patience: Arc<Patience>) -> Self {
        let place = TempDir::new().unwrap();
        let ca = place.path().join("ca.crt");
        std::fs::write(&ca, authority.pem()).unwrap();
        let config = Arc::new(config(&authority, client));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (down, seen) = (watch::Sender::new(false), Arc::default());
        let mut receiver = Self { address, ca, seen, place, config, tasks: JoinSet::new(), down };
        receiver.listen(listener, patience);
        receiver
    }

    fn listen(&mut self, listener: TcpListener, patience: Arc<Patience>) {
        let (seen, acceptor) = (self.seen.clone(), TlsAcceptor::from(self.config.clone()));
        let down = self.down.subscribe();
        self.tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let mut gone = down.clone();
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    _ = gone.wait_for(|down| *down) => break,
                };
                let (stream, _) = accepted.unwrap();
                let number = {
                    let mut all = seen.connections.lock().unwrap();
                    all.push(Vec::new());
                    all.len() - 1
                };
                let most = patience(number);
                connections.spawn(read(stream, acceptor.clone(), seen.clone(), number, most, gone));
            }
            drop(listener);
            while connections.join_next().await.is_some() {}
        });
    }

    /// Nothing listens any more, and every connection is cut.
    pub(crate) async fn stop(&mut self) {
        self.down.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }

    /// At the same address.
    pub(crate) async fn again(&mut self) {
        self.down.send_replace(false);
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.listen(listener, Arc::new(|_| None));
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.place.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Seen {
    pub(crate) fn connections(&self) -> usize {
        self.connections.lock().unwrap().len()
    }

    pub(crate) fn all(&self) -> Vec<Parsed> {
        self.connections.lock().unwrap().iter().flatten().cloned().collect()
    }

    pub(crate) fn positions(&self) -> Vec<u64> {
        self.all().iter().map(|message| message.params["position"].parse().unwrap()).collect()
    }

    pub(crate) fn highest(&self) -> u64 {
        self.positions().into_iter().max().unwrap_or(0)
    }

    /// Every position once at least, each connection without holes, and no connection further on than what went before.
    pub(crate) fn assert_in_order(&self, last: u64) {
        assert_eq!(*self.wrong.lock().unwrap(), Vec::<String>::new());
        let mut reached = 0;
        for connection in self.connections.lock().unwrap().iter() {
            let positions =
                connection.iter().map(|message| message.params["position"].parse::<u64>().unwrap());
            let mut before: Option<u64> = None;
            for position in positions {
                match before {
                    Some(before) => assert_eq!(position, before + 1),
                    None => assert!(position <= reached + 1, "{position} after {reached}"),
                }
                before = Some(position);
                reached = reached.max(position);
            }
        }
        assert_eq!(reached, last);
    }
}

fn config(authority: &Authority, client: Option<&Authority>) -> ServerConfig {
    let (certificate, key) = authority.leaf(NAME);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let builder = match client {
        Some(client) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(client.pem().as_bytes()).unwrap()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    builder.with_single_cert(vec![certificate], key).unwrap()
}

async fn read(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    seen: Arc<Seen>,
    number: usize,
    most: Option<usize>,
    mut down: watch::Receiver<bool>,
) {
    let accepted = tokio::select! {
        accepted = acceptor.accept(stream) => accepted,
        _ = down.wait_for(|down| *down) => return,
    };
    let Ok(mut stream) = accepted else { return };
    if most == Some(STALLS) {
        let _ = down.wait_for(|down| *down).await;
        return;
    }
    let (mut held, mut piece, mut count) = (Vec::new(), vec![0; 1500], 0);
    loop {
        let room = most.map_or(piece.len(), |most| piece.len().min(most - count));
        let length = tokio::select! {
            length = stream.read(&mut piece[..room]) => length.unwrap_or(0),
            _ = down.wait_for(|down| *down) => 0,
        };
        if length == 0 {
            return;
        }
        count += length;
        held.extend_from_slice(&piece[..length]);
        loop {
            let rest = match frame(&held) {
                Ok(Some((message, rest))) => {
                    match Parsed::strictly(message) {
                        Ok(message) => seen.connections.lock().unwrap()[number].push(message),
                        Err(why) => seen.wrong.lock().unwrap().push(why),
                    }
                    rest.to_vec()
                }
                Ok(None) => break,
                Err(why) => return seen.wrong.lock().unwrap().push(why),
            };
            held = rest;
        }
        if most == Some(count) {
            // In the middle of whatever it is; what is unread makes the kernel reset the connection.
            return;
        }
    }
}
