//! One request of the API server: whole, small enough, in time, and answered whatever it is.

use super::{Response, Server, respond};
use crate::decision::Decision;
use crate::metrics::Ended;
use crate::review::{self, Answer, MOST, Malformed, status, uid_of};
use http::{HeaderValue, Method, header};
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use snc_core::image::Signatures;
use snc_plan::webhook::{ADVISE, ENFORCE};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use tokio::sync::SemaphorePermit;
use tokio::time::{Instant as Moment, timeout_at};

/// The API server waits 3 s.
const DEADLINE: Duration = Duration::from_millis(2500);
/// Of it, what a registry may take.
const REGISTRY: Duration = Duration::from_millis(1800);
/// More than nearly every object.
const ORDINARY: usize = 256 * 1024;
const JSON: &str = "application/json";

enum Unread {
    TooLarge(Option<String>),
    Shed,
    Late,
    Broken,
}

pub async fn answer(server: &Server, request: Request<Incoming>) -> Response {
    let strict = match request.uri().path() {
        ENFORCE => true,
        ADVISE => false,
        _ => return failure(404, "/enforce /advise"),
    };
    if request.method() != Method::POST {
        return failure(405, "POST only");
    }
    let Ok(_place) = server.places.try_acquire() else { return shed(server) };
    server.metrics.in_flight.inc();
    let response = whole(server, request.into_body(), strict).await;
    server.metrics.in_flight.dec();
    response
}

async fn whole(server: &Server, body: Incoming, strict: bool) -> Response {
    match read(server, body).await {
        Ok((body, _large)) => decided(server, &body, strict).await,
        Err(Unread::TooLarge(uid)) => {
            server.metrics.ended(Ended::Malformed);
            let text =
                format!("snc-webhook: more than {MOST} bytes of request, object and old object together");
            match uid {
                Some(uid) => respond(200, JSON, Answer::refused(413, text).review(&uid)),
                None => failure(413, &text),
            }
        }
        Err(Unread::Shed) => shed(server),
        Err(Unread::Late) => {
            server.metrics.ended(Ended::Late);
            failure(504, "snc-webhook: the request did not come in time")
        }
        Err(Unread::Broken) => {
            server.metrics.ended(Ended::Malformed);
            failure(400, "snc-webhook: the request was cut off")
        }
    }
}

/// One chunk is not copied: nearly every request is one.
async fn read(server: &Server, mut body: Incoming) -> Result<(Bytes, Option<SemaphorePermit<'_>>), Unread> {
    let deadline = Moment::now() + DEADLINE;
    let mut first = Bytes::new();
    let mut more: Vec<u8> = Vec::new();
    let mut large = None;
    loop {
        let frame = timeout_at(deadline, body.frame()).await.map_err(|_| Unread::Late)?;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
        let length = first.len().max(more.len()) + data.len();
        if length > MOST {
            let head = if more.is_empty() { first.as_ref() } else { more.as_slice() };
            return Err(Unread::TooLarge(uid_of(if head.is_empty() { &data } else { head })));
        }
        if length > ORDINARY && large.is_none() {
            let permit = timeout_at(deadline, server.large.acquire()).await.map_err(|_| Unread::Shed)?;
            large = Some(permit.map_err(|_| Unread::Shed)?);
        }
        if first.is_empty() && more.is_empty() {
            first = data;
        } else {
            if more.is_empty() {
                more = std::mem::take(&mut first).to_vec();
            }
            more.extend_from_slice(&data);
        }
    }
    Ok((if more.is_empty() { first } else { more.into() }, large))
}

async fn decided(server: &Server, body: &[u8], strict: bool) -> Response {
    let started = Instant::now();
    let request = match review::read(body) {
        Ok(request) => request,
        Err(Malformed { uid, why }) => {
            server.metrics.ended(Ended::Malformed);
            let text = format!("snc-webhook: {why}");
            return match uid {
                Some(uid) => respond(200, JSON, Answer::refused(400, text).review(&uid)),
                None => failure(400, &text),
            };
        }
    };
    let uid = request.uid.clone();
    let signatures = looked_up(server, &request).await;
    // A mistake of ours is one request's, and is an answer too.
    let decide = || server.mind.decide(request, strict, signatures.as_ref());
    let decision = catch_unwind(AssertUnwindSafe(decide));
    let Decision { answer, counted } = decision.unwrap_or_else(|_| {
        tracing::error!(uid, "deciding failed");
        let text = "snc-webhook: deciding failed; its log says where";
        let answer = if strict { Answer::refused(500, text) } else { Answer::warned(text) };
        Decision { answer, counted: Vec::new() }
    });
    server.metrics.decided(&counted, started.elapsed());
    server.metrics.ended(match (answer.allowed(), answer.warnings.is_empty()) {
        (false, _) => Ended::Refused,
        (true, false) => Ended::Warned,
        (true, true) => Ended::Allowed,
    });
    respond(200, JSON, answer.review(&uid))
}

/// What registries say, where that decides anything and not too many wait for them already.
async fn looked_up(server: &Server, request: &review::Request) -> Option<Signatures> {
    let look_up = catch_unwind(AssertUnwindSafe(|| server.mind.look_up(request, REGISTRY))).ok()??;
    let _place = server.waits.try_acquire().ok()?;
    Some(look_up.await)
}

/// Clients of the API server ask again after that while they have time left.
fn shed(server: &Server) -> Response {
    server.metrics.ended(Ended::Shed);
    let mut response = failure(429, "snc-webhook: too many requests at once; try again");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn failure(code: u16, text: &str) -> Response {
    respond(code, JSON, status(code, text).to_string())
}
