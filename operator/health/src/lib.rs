//! Health and metrics, without TLS, for the kubelet and for whoever collects numbers. Nothing here changes anything.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// More at once than any kubelet and collector need; the next ones wait.
const CONNECTIONS: usize = 32;
const HEADERS_WITHIN: Duration = Duration::from_secs(5);
/// Of a whole connection.
const LONGEST: Duration = Duration::from_secs(60);
const PLAIN: &str = "text/plain; charset=utf-8";
const NUMBERS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a process says of itself.
pub trait Health: Send + Sync + 'static {
    /// Whether it is ready, and what there is to say about that.
    fn readiness(&self) -> (bool, String);
    fn numbers(&self) -> prometheus::Result<Vec<u8>>;
}

pub async fn serve(listener: TcpListener, health: Arc<impl Health>) -> &'static str {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return "health" };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: it passes, and must not spin until then.
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let health = health.clone();
        tokio::spawn(async move {
            let answer = service_fn(|request: Request<Incoming>| {
                let answer = answer(&*health, request.method(), request.uri().path());
                async move { Ok::<_, Infallible>(answer) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS_WITHIN)
                .serve_connection(TokioIo::new(stream), answer);
            // What a client does to its own connection is of no interest.
            let _ = tokio::time::timeout(LONGEST, connection).await;
            drop(place);
        });
    }
}

pub fn answer(health: &impl Health, method: &Method, path: &str) -> Response<Full<Bytes>> {
    if *method != Method::GET && *method != Method::HEAD {
        return respond(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "GET only\n");
    }
    match path {
        "/livez" => respond(StatusCode::OK, PLAIN, "ok\n"),
        "/readyz" => {
            let (ready, detail) = health.readiness();
            let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            respond(status, PLAIN, detail)
        }
        "/metrics" => match health.numbers() {
            Ok(body) => respond(StatusCode::OK, NUMBERS, body),
            Err(error) => respond(StatusCode::INTERNAL_SERVER_ERROR, PLAIN, format!("{error}\n")),
        },
        _ => respond(StatusCode::NOT_FOUND, PLAIN, "/livez /readyz /metrics\n"),
    }
}

pub fn respond(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// One metric as whoever collects it sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exposed {
    pub name: String,
    pub labels: Vec<String>,
    pub help: String,
}

/// Everything in a registry, also what has no sample yet.
pub fn exposed(collectors: &[Box<dyn prometheus::core::Collector>]) -> Vec<Exposed> {
    let mut all: Vec<Exposed> = collectors
        .iter()
        .flat_map(|collector| collector.desc())
        .map(|desc| Exposed {
            name: desc.fq_name.clone(),
            labels: desc.variable_labels.clone(),
            help: desc.help.clone(),
        })
        .collect();
    all.sort();
    all
}
