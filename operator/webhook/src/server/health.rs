//! Health and metrics, without TLS: the kubelet asks, and whoever collects numbers. Nothing here changes anything.

use super::{Response, Server, respond};
use crate::metrics::TEXT;
use http::Method;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

const CONNECTIONS: usize = 32;
const HEADERS_WITHIN: Duration = Duration::from_secs(5);
/// Of a whole connection.
const LONGEST: Duration = Duration::from_secs(60);
const PLAIN: &str = "text/plain; charset=utf-8";

pub async fn serve(listener: TcpListener, server: Arc<Server>) -> &'static str {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return "health" };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let server = server.clone();
        tokio::spawn(async move {
            let answer = service_fn(|request: Request<Incoming>| {
                let answer = answer(&server, request.method(), request.uri().path());
                async move { Ok::<_, Infallible>(answer) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS_WITHIN)
                .serve_connection(TokioIo::new(stream), answer);
            let _ = tokio::time::timeout(LONGEST, connection).await;
            drop(place);
        });
    }
}

fn answer(server: &Server, method: &Method, path: &str) -> Response {
    if *method != Method::GET && *method != Method::HEAD {
        return respond(405, PLAIN, "GET only\n");
    }
    match path {
        "/livez" => respond(200, PLAIN, "ok\n"),
        "/readyz" => {
            let (ready, detail) = readiness(server);
            respond(if ready { 200 } else { 503 }, PLAIN, detail)
        }
        "/metrics" => {
            server.metrics.ages(&server.mind.ages());
            match server.metrics.text() {
                Ok(body) => respond(200, TEXT, body),
                Err(error) => respond(500, PLAIN, format!("{error}\n")),
            }
        }
        _ => respond(404, PLAIN, "/livez /readyz /metrics\n"),
    }
}

/// Ready once everything was listed, and as long as clients that go by the published bundle trust what is served.
fn readiness(server: &Server) -> (bool, String) {
    let mut detail = String::new();
    for (kind, age) in server.mind.ages() {
        let (mark, age) =
            age.map_or(("[ ]", "never heard of".to_owned()), |age| ("[+]", format!("{} s", age.as_secs())));
        let _ = writeln!(detail, "{mark}{kind} {age}");
    }
    let doubt = server.certificate.doubt();
    let _ = match &doubt {
        None => writeln!(detail, "[+]certificate trusted by the bundle"),
        Some(why) => writeln!(detail, "[ ]certificate: {why}"),
    };
    let leaving = server.leaving.is_cancelled();
    if leaving {
        detail.push_str("[ ]leaving\n");
    }
    let ready = server.mind.is_synced() && doubt.is_none() && !leaving;
    let _ = writeln!(detail, "webhook {}", if ready { "ready" } else { "not ready" });
    (ready, detail)
}
