//! Listens for API servers and for whoever reads their log files. Only clients with a certificate get past the handshake,
//! and only those that the settings name get an answer that is worth anything.

use super::Intake;
use super::answer;
use super::client::{Clients, Stranger};
use super::tls::Reload;
use crate::gaps::Gaps;
use crate::journal::ServerName;
use crate::metrics::{Metrics, Refused};
use http::HeaderValue;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);
const HEADERS_WITHIN: Duration = Duration::from_secs(5);
/// On one connection.
const STREAMS: u32 = 32;
/// Sent before it is read: one body and a bit of one connection.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 2 << 20;
/// So that a certificate that has expired is asked for again.
const OLDEST: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// What bodies may take at once, with what is made of them.
    pub memory_bytes: usize,
    pub body_bytes: usize,
    pub connections: usize,
    /// For room in memory, before it is said that there is none.
    pub room_within: Duration,
    /// Between two pieces of a body, and for all of it.
    pub piece_within: Duration,
    pub body_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 80 << 20,
            body_bytes: 64 << 20,
            connections: 256,
            room_within: Duration::from_millis(500),
            piece_within: Duration::from_secs(10),
            body_within: Duration::from_secs(60),
        }
    }
}

/// How a stop goes: what is under way ends, or had its time.
#[derive(Debug, Clone, Copy)]
pub struct Drain {
    pub rest: Duration,
}

pub struct Server {
    pub(super) intake: Arc<Intake>,
    pub(super) limits: Limits,
    pub(super) memory: Arc<Semaphore>,
    clients: Clients,
    tls: Arc<Reload<ServerConfig>>,
    leaving: CancellationToken,
}

impl Server {
    pub fn new(
        intake: Arc<Intake>,
        clients: Clients,
        tls: Arc<Reload<ServerConfig>>,
        limits: Limits,
        leaving: CancellationToken,
    ) -> Self {
        let memory = Arc::new(Semaphore::new(limits.memory_bytes.min(Semaphore::MAX_PERMITS)));
        Self { intake, limits, memory, clients, tls, leaving }
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.intake.metrics
    }

    pub(super) fn gaps(&self) -> &Gaps {
        &self.intake.gaps
    }

    /// Serves until it is asked to leave.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, drain: Drain) -> &'static str {
        let connections = Arc::new(Semaphore::new(self.limits.connections));
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.leaving.cancelled() => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, most likely: it passes, and must not spin until then.
                    tracing::warn!(%error, "connection not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Ok(place) = connections.clone().try_acquire_owned() else {
                self.metrics().refused(Refused::Shed);
                continue;
            };
            let server = self.clone();
            tokio::spawn(async move {
                server.connection(stream).await;
                drop(place);
            });
        }
        drop(listener);
        let all = u32::try_from(self.limits.connections).unwrap_or(u32::MAX);
        if timeout(drain.rest, connections.acquire_many(all)).await.is_err() {
            tracing::warn!(seconds = drain.rest.as_secs(), "what was under way did not end in time");
        }
        "intake"
    }

    async fn connection(self: Arc<Self>, stream: TcpStream) {
        // Answers are one small write each.
        let _ = stream.set_nodelay(true);
        let mut configs = self.tls.watch();
        let Some(config) = configs.borrow_and_update().clone() else { return };
        let stream = match timeout(HANDSHAKE_WITHIN, TlsAcceptor::from(config).accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                self.metrics().refused(Refused::Stranger);
                tracing::debug!(%error, "no handshake");
                return;
            }
            Err(_) => return self.metrics().refused(Refused::Late),
        };
        let who = self.who(stream.get_ref().1.peer_certificates().and_then(<[_]>::first));
        if let Err(stranger) = &who {
            tracing::warn!(%stranger, "nobody that may bring events");
        }
        let server = self.clone();
        let answer = service_fn(move |request: hyper::Request<Incoming>| {
            let (server, who) = (server.clone(), who.clone());
            async move {
                let version = request.version();
                let mut response = answer::answer(&server, who.as_ref(), request).await;
                // HTTP/2 has a frame for that.
                let last = server.leaving.is_cancelled() || who.is_err();
                if version < http::Version::HTTP_2 && last {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(http::header::CONNECTION, close);
                }
                Ok::<_, Infallible>(response)
            }
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .keep_alive_interval(Duration::from_secs(30));
        let connection = builder.serve_connection(TokioIo::new(stream), answer).into_owned();
        tokio::pin!(connection);
        // What a client does to its own connection is of no interest.
        tokio::select! {
            _ = connection.as_mut() => return,
            () = self.leaving.cancelled() => {}
            // Trust is another now.
            _ = timeout(OLDEST, configs.changed()) => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = timeout(self.limits.body_within, connection).await;
    }

    fn who(
        &self,
        certificate: Option<&rustls::pki_types::CertificateDer<'_>>,
    ) -> Result<ServerName, Stranger> {
        let certificate = certificate.ok_or_else(|| Stranger { names: Vec::new(), why: "no certificate" })?;
        self.clients.server(certificate)
    }
}
