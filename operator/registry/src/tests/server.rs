//! A server on loopback that answers over TLS as a test wants, honestly or not.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) host: String,
    pub(super) authorization: Option<String>,
}

impl Asked {
    pub(super) fn without_query(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }
}

pub(super) enum Reply {
    Page {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// Chunks without end.
    Endless,
    /// A head that promises more than comes.
    Cut,
    /// A byte now and then.
    Drip,
    Silent,
    Raw(Vec<u8>),
    /// After a while.
    Late(Duration, Box<Self>),
}

impl Reply {
    pub(super) fn ok(body: Vec<u8>) -> Self {
        Self::Page { status: 200, headers: Vec::new(), body }
    }

    pub(super) fn status(status: u16) -> Self {
        Self::Page { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(super) fn with(self, name: &'static str, value: impl Into<String>) -> Self {
        match self {
            Self::Page { status, mut headers, body } => {
                headers.push((name, value.into()));
                Self::Page { status, headers, body }
            }
            other => other,
        }
    }
}

type Handler = dyn Fn(&Asked) -> Reply + Send + Sync;

#[derive(Default)]
struct Seen {
    asked: Mutex<Vec<Asked>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
    sent: AtomicUsize,
}

pub(super) struct Server {
    pub(super) port: u16,
    pub(super) ca: String,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(super) async fn start(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::named("127.0.0.1", Arc::new(handler)).await
    }

    pub(super) async fn named(name: &str, handler: Arc<Handler>) -> Self {
        let (ca, config) = certificates(name);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, acceptor) = (Arc::new(Seen::default()), TlsAcceptor::from(Arc::new(config)));
        let task = tokio::spawn(accept(listener, acceptor, handler, seen.clone()));
        Self { port, ca, seen, task }
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.seen.asked.lock().unwrap().clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub(super) fn most_open(&self) -> usize {
        self.seen.most_open.load(Ordering::SeqCst)
    }

    pub(super) fn sent(&self) -> usize {
        self.seen.sent.load(Ordering::SeqCst)
    }

    /// Connections are refused from now on.
    pub(super) async fn stop(&mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

fn certificates(name: &str) -> (String, ServerConfig) {
    let key = || KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, key()).unwrap();
    let own = key();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&own, &issuer).unwrap();
    let own = PrivateKeyDer::from_pem_slice(own.serialize_pem().as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], own)
        .unwrap();
    (issuer.pem(), config)
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, handler: Arc<Handler>, seen: Arc<Seen>) {
    // Aborted with the listener.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        seen.connections.fetch_add(1, Ordering::SeqCst);
        let (acceptor, handler, seen) = (acceptor.clone(), handler.clone(), seen.clone());
        connections.spawn(async move {
            let open = seen.open.fetch_add(1, Ordering::SeqCst) + 1;
            seen.most_open.fetch_max(open, Ordering::SeqCst);
            let _ = serve(stream, &acceptor, &*handler, &seen).await;
            seen.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

async fn serve(
    stream: TcpStream,
    acceptor: &TlsAcceptor,
    handler: &Handler,
    seen: &Seen,
) -> std::io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let asked = read_head(&mut stream).await?;
    seen.asked.lock().unwrap().push(asked.clone());
    let mut reply = handler(&asked);
    while let Reply::Late(time, later) = reply {
        tokio::time::sleep(time).await;
        reply = *later;
    }
    match reply {
        Reply::Page { status, headers, body } => {
            let mut head =
                format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                head.extend([name, ": ", &value, "\r\n"]);
            }
            stream.write_all(format!("{head}\r\n").as_bytes()).await?;
            stream.write_all(&body).await?;
        }
        Reply::Endless => {
            stream.write_all(b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n").await?;
            let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 0x10000], b"\r\n"].concat();
            loop {
                stream.write_all(&chunk).await?;
                seen.sent.fetch_add(chunk.len(), Ordering::SeqCst);
            }
        }
        Reply::Cut => stream.write_all(b"HTTP/1.1 200 x\r\ncontent-length: 100\r\n\r\n{").await?,
        Reply::Drip => {
            stream.write_all(b"HTTP/1.1 200 x\r\ncontent-length: 1000\r\n\r\n").await?;
            loop {
                stream.write_all(b" ").await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Reply::Silent => tokio::time::sleep(Duration::from_secs(3600)).await,
        Reply::Raw(bytes) => stream.write_all(&bytes).await?,
        Reply::Late(..) => {}
    }
    stream.shutdown().await
}

async fn read_head(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> std::io::Result<Asked> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
    let host = header("host: ").unwrap_or_default();
    Ok(Asked { path, host, authorization: header("authorization: ") })
}
