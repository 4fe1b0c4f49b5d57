//! Answers the API server over TLS, and the kubelet and whoever collects numbers beside it.

mod admit;
mod health;

pub use snc_health::serve as serve_health;

use crate::decision::Decision;
use crate::metrics::Metrics;
use crate::review::Request;
use crate::tls::config;
use crate::tls::reload::Certificate;
use http::HeaderValue;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use snc_core::image::Signatures;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// An API server keeps one or a few; the next ones are cut.
const CONNECTIONS: usize = 256;
/// On one connection.
const STREAMS: u32 = 256;
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);
const HEADERS_WITHIN: Duration = Duration::from_secs(5);
/// Decided or waiting at once. Deciding takes less than a millisecond: where so many wait, more would only wait longer.
const IN_FLIGHT: usize = 128;
/// Of those, how many may be large: memory is bounded by them.
const LARGE: usize = 4;
/// And how many may wait for a registry: a slow one must not keep others from being answered.
const WAITING: usize = 48;

/// What registries say of the signatures of an object's images.
pub type LookUp = Pin<Box<dyn Future<Output = Signatures> + Send>>;

/// What decides.
pub trait Mind: Send + Sync + 'static {
    /// What has to be asked before it can be decided, in so much time; none where nothing has.
    fn look_up(&self, _request: &Request, _within: Duration) -> Option<LookUp> {
        None
    }
    /// `strict`: the API server refuses what we do not answer.
    fn decide(&self, request: Request, strict: bool, signatures: Option<&Signatures>) -> Decision;
    /// Whether everything was listed.
    fn is_synced(&self) -> bool;
    /// What is known of each kind is so old.
    fn ages(&self) -> Vec<(&'static str, Option<Duration>)>;
}

pub struct Server {
    pub mind: Arc<dyn Mind>,
    pub certificate: Arc<Certificate>,
    pub metrics: Arc<Metrics>,
    places: Semaphore,
    large: Semaphore,
    waits: Semaphore,
    /// Still answers, and wants no more to come.
    leaving: CancellationToken,
}

/// How a stop goes: first nobody is sent here any more, then what is under way ends.
#[derive(Debug, Clone, Copy)]
pub struct Drain {
    pub unready: Duration,
    pub rest: Duration,
}

impl Server {
    pub fn new(
        mind: Arc<dyn Mind>,
        certificate: Arc<Certificate>,
        metrics: Arc<Metrics>,
        leaving: CancellationToken,
    ) -> Self {
        let (places, large) = (Semaphore::new(IN_FLIGHT), Semaphore::new(LARGE));
        let waits = Semaphore::new(WAITING);
        Self { mind, certificate, metrics, places, large, waits, leaving }
    }

    /// Serves until it is asked to leave and everything under way has ended, or had its time.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, drain: Drain) -> Result<(), rustls::Error> {
        let acceptor = TlsAcceptor::from(Arc::new(config::server(self.certificate.clone())?));
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        let graceful = GracefulShutdown::new();
        let end = async {
            self.leaving.cancelled().await;
            // Whoever routes here has to hear of it first.
            tokio::time::sleep(drain.unready).await;
        };
        tokio::pin!(end);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut end => break,
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
            let Ok(place) = connections.clone().try_acquire_owned() else { continue };
            let (server, acceptor, watcher) = (self.clone(), acceptor.clone(), graceful.watcher());
            tokio::spawn(async move {
                server.metrics.connections.inc();
                server.clone().connection(stream, acceptor, watcher).await;
                server.metrics.connections.dec();
                drop(place);
            });
        }
        drop(listener);
        if timeout(drain.rest, graceful.shutdown()).await.is_err() {
            tracing::warn!(seconds = drain.rest.as_secs(), "what was under way did not end in time");
        }
        Ok(())
    }

    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        acceptor: TlsAcceptor,
        watcher: hyper_util::server::graceful::Watcher,
    ) {
        // Answers are one small write each.
        let _ = stream.set_nodelay(true);
        let stream = match timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                self.metrics.handshakes.inc();
                tracing::debug!(%error, "no handshake");
                return;
            }
            Err(_) => return self.metrics.handshakes.inc(),
        };
        let server = self.clone();
        let answer = service_fn(move |request: hyper::Request<Incoming>| {
            let server = server.clone();
            async move {
                let version = request.version();
                let mut answer = admit::answer(&server, request).await;
                // The API server speaks HTTP/1.1 and keeps its connections: one that is closed without a word takes the
                // next request with it. HTTP/2 has a frame for that.
                if version < http::Version::HTTP_2 && server.leaving.is_cancelled() {
                    answer.headers_mut().insert(http::header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .keep_alive_interval(Duration::from_secs(30));
        let connection = watcher.watch(builder.serve_connection(TokioIo::new(stream), answer).into_owned());
        // What a client does to its own connection is of no interest.
        let _ = connection.await;
    }
}

type Response = hyper::Response<Full<Bytes>>;

fn respond(code: u16, kind: &'static str, body: impl Into<Bytes>) -> Response {
    let status = http::StatusCode::from_u16(code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    snc_health::respond(status, kind, body)
}

#[cfg(test)]
mod tests;
