//! A server over TLS, or without, that answers what the test says and keeps what it was asked.

use rcgen::{CertificateParams, Issuer, KeyPair};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// One request, as it came.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

pub enum Reply {
    Ok(String),
    Status(u16, String),
    /// These bytes, and the connection is closed.
    Raw(Vec<u8>),
    /// The connection is the handler's from now on.
    Forward,
}

type Answer = dyn Fn(&Asked) -> Reply + Send + Sync;

pub struct Server {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    folder: Option<tempfile::TempDir>,
    // Dropped with the server, and its threads end.
    _runtime: tokio::runtime::Runtime,
}

/// Whom the certificate is for besides 127.0.0.1.
pub const NAME: &str = "snc-audit-sink.snc-system.svc";

impl Server {
    /// As the sink: with a certificate that `authority` has signed.
    pub fn tls(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority_key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = params.self_signed(&authority_key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_owned(), NAME.to_owned()];
        let issuer = Issuer::from_params(&params, &authority_key);
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self::start(Some(TlsAcceptor::from(Arc::new(config))), Some(folder), Arc::new(answer), None)
    }

    /// As an API server, without TLS.
    pub fn plain(
        answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
        forward_to: Option<SocketAddr>,
    ) -> Self {
        Self::start(None, None, Arc::new(answer), forward_to)
    }

    fn start(
        tls: Option<TlsAcceptor>,
        folder: Option<tempfile::TempDir>,
        answer: Arc<Answer>,
        forward_to: Option<SocketAddr>,
    ) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (told, told_address) = mpsc::channel();
        let kept = asked.clone();
        runtime.spawn(async move {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            told.send(listener.local_addr().unwrap()).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, answer, kept) = (tls.clone(), answer.clone(), kept.clone());
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &*answer, &kept, None).await;
                            }
                        }
                        None => serve(stream, &*answer, &kept, forward_to).await,
                    }
                });
            }
        });
        Self { address: told_address.recv().unwrap(), asked, folder, _runtime: runtime }
    }

    pub fn url(&self) -> String {
        let scheme = if self.folder.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    pub fn authority(&self) -> PathBuf {
        self.folder.as_ref().unwrap().path().join("ca.pem")
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve<S>(mut stream: S, answer: &Answer, kept: &Mutex<Vec<Asked>>, forward_to: Option<SocketAddr>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    while let Some(asked) = read(&mut stream).await {
        kept.lock().unwrap().push(asked.clone());
        let bytes = match answer(&asked) {
            Reply::Ok(body) => whole(200, &body),
            Reply::Status(code, body) => whole(code, &body),
            Reply::Raw(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Reply::Forward => {
                super::forward::run(stream, &asked, forward_to.unwrap()).await;
                return;
            }
        };
        if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

fn whole(code: u16, body: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    write!(
        bytes,
        "HTTP/1.1 {code} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    bytes
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Asked> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect();
    let mut asked = Asked { method, target, headers, body: String::new() };
    let length: usize = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    asked.body = String::from_utf8(body).unwrap();
    Some(asked)
}

/// A kubeconfig for a server without TLS.
pub fn kubeconfig(folder: &Path, server: &str, user: &str) -> PathBuf {
    let path = folder.join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nclusters: [{{name: c, cluster: {{server: '{server}'}}}}]\nusers: [{{name: u, user: {user}}}]\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}
