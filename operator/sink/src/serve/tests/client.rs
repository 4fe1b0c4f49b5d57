//! A client that writes what it is told, byte by byte, and takes nothing for whole that is not.

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub(super) struct Client {
    pub(super) address: SocketAddr,
    connector: TlsConnector,
    name: ServerName<'static>,
}

#[derive(Debug)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
    /// It ended where its head said that it would.
    pub(super) whole: bool,
}

impl Reply {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{} {}", self.head, self.text()))
    }

    /// Records, and the line that ends them.
    pub(super) fn lines(&self) -> (Vec<Value>, Value) {
        assert!(self.code == 200 && self.whole, "{self:?}");
        let text = self.text();
        let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let last = lines.pop().unwrap();
        assert!(last.get("next").is_some(), "{last}");
        (lines, last)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Client {
    pub(super) fn new(address: SocketAddr, ca: &str, name: &'static str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            address,
            connector: TlsConnector::from(Arc::new(config)),
            name: ServerName::try_from(name).unwrap(),
        }
    }

    pub(super) async fn connect(&self) -> TlsStream<TcpStream> {
        self.try_connect().await.unwrap()
    }

    /// The kernel takes little for a client that does not read.
    pub(super) async fn connect_narrow(&self) -> TlsStream<TcpStream> {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(16 << 10).unwrap();
        let stream = socket.connect(self.address).await.unwrap();
        self.connector.connect(self.name.clone(), stream).await.unwrap()
    }

    pub(super) async fn try_connect(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        self.connector.connect(self.name.clone(), stream).await
    }

    /// `headers` with their ends of lines.
    pub(super) async fn ask(&self, method: &str, target: &str, headers: &str, body: &[u8]) -> Reply {
        let length =
            if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: sink.test\r\nconnection: close\r\n{length}{headers}\r\n"
        );
        self.raw(&[head.as_bytes(), body].concat()).await
    }

    pub(super) async fn raw(&self, bytes: &[u8]) -> Reply {
        let mut stream = self.connect().await;
        // A server that has seen enough may close.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        reply(&answer, bytes.starts_with(b"HEAD "))
    }
}

pub(super) fn reply(answer: &[u8], no_body: bool) -> Reply {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let Some(end) = end else {
        return Reply {
            code: 0,
            head: String::from_utf8_lossy(answer).into_owned(),
            body: Vec::new(),
            whole: false,
        };
    };
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    let rest = &answer[end + 4..];
    let mut reply = Reply { code, head, body: rest.to_vec(), whole: false };
    if no_body {
        reply.whole = rest.is_empty();
    } else if reply.header("transfer-encoding") == Some("chunked") {
        (reply.body, reply.whole) = chunks(rest);
    } else {
        reply.whole = reply.header("content-length").is_some_and(|length| length == rest.len().to_string());
    }
    reply
}

fn chunks(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else { return (body, false) };
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        let data = &rest[end + 2..];
        if size == 0 {
            return (body, data == b"\r\n");
        }
        if data.len() < size + 2 {
            body.extend_from_slice(&data[..data.len().min(size)]);
            return (body, false);
        }
        body.extend_from_slice(&data[..size]);
        rest = &data[size + 2..];
    }
}
