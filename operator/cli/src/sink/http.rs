//! Questions over one connection. Answers are bounded, in size and in time.

use super::wire::Problem;
use super::{Failure, Stream};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rustls_pki_types::ServerName;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Until an answer begins: a day of events may have to be looked through.
const BEGIN: Duration = Duration::from_secs(120);
/// Between two pieces of it.
const PIECE: Duration = Duration::from_secs(60);
const ANSWER: usize = 256 << 20;
const PROBLEM: usize = 64 << 10;
/// Header of an export.
const SEALED: &str = "snc-sealed-through";

pub struct Sink {
    sender: SendRequest<Full<Bytes>>,
    at: String,
    host: HeaderValue,
    bearer: HeaderValue,
}

impl Sink {
    pub(super) async fn start(
        stream: Box<dyn Stream>,
        tls: rustls::ClientConfig,
        name: ServerName<'static>,
        at: &str,
        bearer: HeaderValue,
    ) -> Result<Self, Failure> {
        let unreachable = |error: &dyn std::fmt::Display| Failure::unreachable(at, &error.to_string());
        let host = HeaderValue::from_str(at).map_err(|error| unreachable(&error))?;
        let stream = TlsConnector::from(Arc::new(tls)).connect(name, stream).await.map_err(|error| {
            let of_tls = error.get_ref().and_then(|held| held.downcast_ref::<rustls::Error>());
            match of_tls {
                Some(rustls::Error::InvalidCertificate(_)) => {
                    Failure::Untrusted { at: at.to_owned(), error: error.to_string() }
                }
                _ => unreachable(&error),
            }
        })?;
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|error| unreachable(&error))?;
        tokio::spawn(connection);
        Ok(Self { sender, at: at.to_owned(), host, bearer })
    }

    pub async fn get(&mut self, path: &str, query: &[(&str, String)]) -> Result<Vec<u8>, Failure> {
        let response = self.ask(Method::GET, path, query, Bytes::new()).await?;
        let mut all = Vec::new();
        drain(response, ANSWER, |piece| {
            all.extend_from_slice(piece);
            Ok(())
        })
        .await?;
        Ok(all)
    }

    pub async fn post(&mut self, path: &str, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let response = self.ask(Method::POST, path, &[], body.into()).await?;
        let mut all = Vec::new();
        drain(response, ANSWER, |piece| {
            all.extend_from_slice(piece);
            Ok(())
        })
        .await?;
        Ok(all)
    }

    /// However long it is; what was written before a failure is part of the answer, and not more. With the time up to
    /// which everything is in it, where that is told.
    pub async fn save(
        &mut self,
        path: &str,
        query: &[(&str, String)],
        to: &mut impl Write,
    ) -> Result<Option<Timestamp>, Failure> {
        let response = self.ask(Method::GET, path, query, Bytes::new()).await?;
        let sealed = response.headers().get(SEALED).and_then(|value| value.to_str().ok()?.parse().ok());
        drain(response, usize::MAX, |piece| {
            to.write_all(piece).map_err(|error| Failure::NotWritten(error.to_string()))
        })
        .await?;
        Ok(sealed)
    }

    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Bytes,
    ) -> Result<Response<Incoming>, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(target(path, query))
            .header(HOST, self.host.clone())
            .header(AUTHORIZATION, self.bearer.clone())
            .header(ACCEPT, "*/*")
            .header(USER_AGENT, concat!("kubectl-snc/", env!("CARGO_PKG_VERSION")));
        let request =
            if body.is_empty() { request } else { request.header(CONTENT_TYPE, "application/json") };
        let request = request.body(Full::new(body)).map_err(|error| Failure::Malformed(error.to_string()))?;
        let failed = |error: &hyper::Error| Failure::unreachable(&self.at, &crate::cluster::chain(error));
        self.sender.ready().await.map_err(|error| failed(&error))?;
        let response = match timeout(BEGIN, self.sender.send_request(request)).await {
            Ok(response) => response.map_err(|error| failed(&error))?,
            Err(_) => return Err(Failure::unreachable(&self.at, &format!("> {} s", BEGIN.as_secs()))),
        };
        if response.status() == StatusCode::OK {
            return Ok(response);
        }
        let code = response.status();
        let mut said = Vec::new();
        // Whatever it says, it refused.
        let _ = drain(response, PROBLEM, |piece| {
            said.extend_from_slice(piece);
            Ok(())
        })
        .await;
        Err(Failure::Status { code, problem: Problem::read(&said), body: said })
    }
}

async fn drain(
    response: Response<Incoming>,
    most: usize,
    mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut body = response.into_body();
    let mut had = 0_usize;
    loop {
        let frame = match timeout(PIECE, body.frame()).await {
            Ok(None) => return Ok(()),
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) | Err(_) => return Err(Failure::Cut),
        };
        let Ok(piece) = frame.into_data() else { continue };
        had = had.saturating_add(piece.len());
        if had > most {
            return Err(Failure::TooLarge);
        }
        take(&piece)?;
    }
}

fn target(path: &str, query: &[(&str, String)]) -> String {
    let mut target = path.to_owned();
    for (at, (key, value)) in query.iter().enumerate() {
        target.push(if at == 0 { '?' } else { '&' });
        target.push_str(key);
        target.push('=');
        target.push_str(&encoded(value));
    }
    target
}

/// For one part of a path or a query.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
