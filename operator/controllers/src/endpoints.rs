//! Health and metrics, for the kubelet and for whoever collects numbers. Nothing here changes anything.

use crate::context::Context;
use crate::metrics::TEXT;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// More at once than any kubelet and collector need; the next ones wait.
const CONNECTIONS: usize = 32;
const HEADERS_WITHIN: Duration = Duration::from_secs(5);
/// Of a whole connection.
const LONGEST: Duration = Duration::from_secs(60);

pub async fn serve(listener: TcpListener, context: Arc<Context>) -> &'static str {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return "http" };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: it passes, and must not spin until then.
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let context = context.clone();
        tokio::spawn(async move {
            let answer = service_fn(|request: Request<Incoming>| {
                let answer = answer(&context, request.method(), request.uri().path());
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

fn answer(context: &Context, method: &Method, path: &str) -> Response<Full<Bytes>> {
    if *method != Method::GET && *method != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n".into());
    }
    match path {
        "/livez" => text(StatusCode::OK, "ok\n".into()),
        "/readyz" => {
            let (ready, detail) = readiness(context);
            text(if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, detail)
        }
        "/metrics" => match numbers(context) {
            Ok(body) => respond(StatusCode::OK, TEXT, body),
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
        },
        _ => text(StatusCode::NOT_FOUND, "/livez /readyz /metrics\n".into()),
    }
}

/// Ready once everything was listed. A standby is ready, too: it could take over now.
fn readiness(context: &Context) -> (bool, String) {
    let inputs = context.inputs.all();
    let ready = !inputs.is_empty() && inputs.iter().all(|(_, input)| input.listed.is_some());
    let mut detail = String::new();
    for (kind, input) in inputs {
        let age = input.age().map_or("never heard of".to_owned(), |age| format!("{} s", age.as_secs()));
        let state = match (input.listed.is_some(), input.denied(), input.stale()) {
            (_, true, _) => "[-]",
            (false, ..) => "[ ]",
            (true, false, true) => "[!]",
            (true, false, false) => "[+]",
        };
        let why = if input.denied() { ", denied" } else { "" };
        let _ = writeln!(detail, "{state}{kind} {age}{why}");
    }
    let role = if context.leads() { "leader" } else { "standby" };
    let _ = writeln!(detail, "{role} {}", if ready { "ready" } else { "not ready" });
    (ready, detail)
}

fn numbers(context: &Context) -> prometheus::Result<Vec<u8>> {
    let inputs: Vec<_> = context.inputs.all().into_iter().map(|(kind, input)| (kind, input.age())).collect();
    context.metrics.measure(&context.index(), &inputs, context.queue.depth());
    context.metrics.text()
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    respond(status, "text/plain; charset=utf-8", body.into_bytes())
}

fn respond(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests;
