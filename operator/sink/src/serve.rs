//! The log as people read it: over HTTPS, with a token of Kubernetes, each what is theirs and nothing else.
//!
//! In this order, for each request: who it is, whether they may have exactly what they ask for, that they asked (it is
//! written into the log), and only then what the log says.

mod access;
mod answer;
mod body;
mod cursor;
mod events;
mod export;
mod gate;
mod house;
mod memory;
mod parameters;
mod patient;
mod places;
mod refuse;
mod state;
mod tls;

pub use access::{Access, Route};
pub use house::{Acknowledged, AlarmState, House};
pub use tls::Certificate;

use crate::cluster::Cluster;
use access::Strangers;
use gate::Gate;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use patient::Patient;
use places::Places;
use snc_auditlog::{Reader, Store};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Of a request line and its headers: tokens of those with many groups are long.
const HEADERS: usize = 64 << 10;
const HEADERS_MANY: usize = 64;

/// How much, and for how long. The defaults are for production; tests have less patience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub connections: usize,
    /// Under way at once, of everybody and of each user. An answer is under way until it was read.
    pub requests: usize,
    pub each: usize,
    pub exports: usize,
    pub exports_each: usize,
    /// Records of one answer.
    pub page: usize,
    pub handshake: Duration,
    pub headers: Duration,
    /// Of a request.
    pub body: Duration,
    /// For one answer of Kubernetes.
    pub question: Duration,
    /// A client that takes nothing for so long is left.
    pub stall: Duration,
    /// After so much time events go on in the next answer.
    pub events: Duration,
    pub export: Duration,
    /// During an export it is asked so often whether they still may.
    pub again: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            requests: 64,
            each: 8,
            exports: 4,
            exports_each: 1,
            page: 10_000,
            handshake: Duration::from_secs(5),
            headers: Duration::from_secs(10),
            body: Duration::from_secs(10),
            question: Duration::from_secs(5),
            stall: Duration::from_secs(30),
            events: Duration::from_secs(60),
            export: Duration::from_secs(7200),
            again: Duration::from_secs(30),
        }
    }
}

pub struct Server {
    house: Arc<dyn House>,
    gate: Gate,
    store: Store,
    reader: Arc<Reader>,
    limits: Limits,
    requests: Places,
    exports: Places,
    strangers: Strangers,
}

impl Server {
    pub fn new(
        cluster: Arc<dyn Cluster>,
        house: Arc<dyn House>,
        store: Store,
        reader: Arc<Reader>,
        limits: Limits,
    ) -> Self {
        let gate = Gate::new(cluster, limits.question);
        let requests = Places::new(limits.requests, limits.each);
        let exports = Places::new(limits.exports, limits.exports_each);
        Self { house, gate, store, reader, limits, requests, exports, strangers: Strangers::default() }
    }

    /// Until it is asked to leave; then what is under way has `rest` to end.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        certificate: Arc<Certificate>,
        leaving: CancellationToken,
        rest: Duration,
    ) -> Result<(), rustls::Error> {
        let acceptor = TlsAcceptor::from(Arc::new(tls::config(certificate)?));
        let connections = Arc::new(Semaphore::new(self.limits.connections));
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = leaving.cancelled() => break,
            };
            let (stream, from) = match accepted {
                Ok((stream, from)) => (stream, from.ip()),
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
                server.connection(stream, from, acceptor, watcher).await;
                drop(place);
            });
        }
        drop(listener);
        if timeout(rest, graceful.shutdown()).await.is_err() {
            tracing::warn!(seconds = rest.as_secs(), "what was under way did not end in time");
        }
        Ok(())
    }

    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        from: IpAddr,
        acceptor: TlsAcceptor,
        watcher: Watcher,
    ) {
        // The end of an answer is a small write.
        let _ = stream.set_nodelay(true);
        let (limits, stream) = (&self.limits, Patient::new(stream, self.limits.stall));
        let Ok(Ok(stream)) = timeout(limits.handshake, acceptor.accept(stream)).await else { return };
        let server = self.clone();
        let answer = service_fn(move |request: hyper::Request<Incoming>| {
            let server = server.clone();
            async move { Ok::<_, Infallible>(answer::answer(server, from, request).await) }
        });
        // One request after the other: what waits behind a slow answer waits on a connection of its own.
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.headers)
            .max_buf_size(HEADERS)
            .max_headers(HEADERS_MANY)
            .serve_connection(TokioIo::new(stream), answer);
        // What a client does to its own connection is of no interest.
        let _ = watcher.watch(connection).await;
    }
}

#[cfg(test)]
mod tests;
