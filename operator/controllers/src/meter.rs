//! Counts what goes to the API server, at the one place where all of it passes.

use crate::metrics::{Metrics, WRITTEN};
use http::{Method, Request, Response, StatusCode};
use kube::client::Body;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::{Layer, Service};

#[derive(Clone)]
pub struct Meter(pub Arc<Metrics>);

impl<S> Layer<S> for Meter {
    type Service = Metered<S>;

    fn layer(&self, inner: S) -> Metered<S> {
        Metered { inner, metrics: self.0.clone() }
    }
}

#[derive(Clone)]
pub struct Metered<S> {
    inner: S,
    metrics: Arc<Metrics>,
}

impl<S, B> Service<Request<Body>> for Metered<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let metrics = self.metrics.clone();
        // A dry run is a question: it writes nothing, and a refusal is an answer.
        let question = request.uri().query().is_some_and(|query| query.contains("dryRun=All"));
        let path = request.uri().path();
        let question = question || path.ends_with("/selfsubjectaccessreviews");
        let (method, kind) = (request.method().clone(), written(path));
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            if !question {
                match &answer {
                    Ok(response) if response.status().as_u16() < 400 => {
                        if let Some(verb) = verb(&method) {
                            metrics.wrote(kind, verb);
                        }
                    }
                    // Whether an object exists is a question, too.
                    Ok(response) if method == Method::GET && response.status() == StatusCode::NOT_FOUND => {}
                    Ok(response) => metrics.failed(failure(response.status())),
                    Err(_) => metrics.failed("transport"),
                }
            }
            answer
        })
    }
}

fn verb(method: &Method) -> Option<&'static str> {
    match *method {
        Method::POST => Some("create"),
        Method::PUT => Some("update"),
        Method::PATCH => Some("patch"),
        Method::DELETE => Some("delete"),
        _ => None,
    }
}

const fn failure(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 | 403 => "forbidden",
        404 => "not_found",
        409 => "conflict",
        410 => "expired",
        400 | 422 => "invalid",
        429 => "throttled",
        500..=599 => "server",
        _ => "other",
    }
}

/// The resource that a path speaks of, with `status` where that is what is written.
fn written(path: &str) -> &'static str {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let named = match parts.next() {
        Some("api") => parts.nth(1),
        Some("apis") => parts.nth(2),
        _ => None,
    };
    let rest: Vec<&str> = parts.collect();
    let (resource, rest) = match (named, rest.as_slice()) {
        (Some("namespaces"), [_, resource, rest @ ..]) if !matches!(*resource, "status" | "finalize") => {
            (*resource, rest)
        }
        (Some(resource), rest) => (resource, rest),
        (None, _) => ("", [].as_slice()),
    };
    let status = matches!(rest, [_, "status"]);
    let same = |known: &&&str| match known.strip_suffix("/status") {
        Some(known) => status && known == resource,
        None => !status && **known == resource,
    };
    WRITTEN.iter().find(same).copied().unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_told_from_the_path_and_from_a_closed_set() {
        for (path, kind) in [
            ("/api/v1/namespaces", "namespaces"),
            ("/api/v1/namespaces/shop", "namespaces"),
            ("/api/v1/namespaces/shop/finalize", "namespaces"),
            ("/api/v1/namespaces/shop/configmaps/snc-effective", "configmaps"),
            ("/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/a", "networkpolicies"),
            ("/apis/secnumcloud.dev/v1alpha1/namespaces/shop/sncpolicies/p/status", "sncpolicies/status"),
            ("/apis/secnumcloud.dev/v1alpha1/snctenants/t/status", "snctenants/status"),
            ("/apis/secnumcloud.dev/v1alpha1/snctenants/t", "other"),
            ("/apis/events.k8s.io/v1/namespaces/shop/events", "events"),
            ("/api/v1/namespaces/events/services/events", "other"),
            ("/version", "other"),
            ("/", "other"),
        ] {
            assert_eq!(written(path), kind, "{path}");
        }
    }
}
