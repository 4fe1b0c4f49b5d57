//! One request, in the order that everything rests on.

use super::access::{Access, Route};
use super::body::{Body, whole};
use super::gate::Known;
use super::parameters::Parameters;
use super::refuse::Refused;
use super::{Server, events, export, state};
use http::header::{CONTENT_LENGTH, USER_AGENT};
use http::{Method, Request, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use serde_json::Value;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// For an access to be in the log.
const RECORDED_WITHIN: Duration = Duration::from_secs(10);
/// Of an alarm.
const ID: usize = 128;

/// What there is to know of a request while it is answered.
pub(super) struct Asking {
    pub(super) server: Arc<Server>,
    pub(super) who: Known,
    pub(super) access: Access,
    pub(super) recorded: bool,
    /// Only whether there would be an answer.
    pub(super) head: bool,
}

pub(super) async fn answer(server: Arc<Server>, from: IpAddr, request: Request<Incoming>) -> Response<Body> {
    let agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let mut access = Access::new(from, agent);
    let who = match server.gate.authenticate(request.headers()).await {
        Ok(who) => who,
        Err(refused) => {
            server.stranger(access, &refused).await;
            return refused.response();
        }
    };
    access.user = Some(who.user.clone());
    let head = *request.method() == Method::HEAD;
    let mut asking = Asking { server, who, access, recorded: false, head };
    let result = answered(&mut asking, request).await;
    let response = result.unwrap_or_else(|refused| refused.response());
    asking.access.code = response.status().as_u16();
    if !asking.recorded {
        // Nothing of the log was shown.
        let _ = asking.record().await;
    }
    if asking.head {
        let (mut head, _) = response.into_parts();
        head.headers.remove(CONTENT_LENGTH);
        return Response::from_parts(head, Body::empty());
    }
    response
}

async fn answered(asking: &mut Asking, request: Request<Incoming>) -> Result<Response<Body>, Refused> {
    let places = asking.server.requests.take(&asking.who.user.name)?;
    let (head, body) = request.into_parts();
    let (route, id) = route(head.uri.path());
    asking.access.route = route;
    let query = head.uri.query();
    let response = match (route, head.method) {
        (Route::Unknown, _) => Err(Refused::no_such_route()),
        (Route::Acknowledge, Method::POST) => state::acknowledge(asking, id, query, body).await,
        (Route::Acknowledge, _) => Err(Refused::method("POST")),
        (_, Method::GET | Method::HEAD) if body.size_hint().exact() != Some(0) => {
            Err(Refused::bad("body", None, "rien", "nothing"))
        }
        (Route::Events, Method::GET | Method::HEAD) => events::answer(asking, query).await,
        (Route::Export, Method::GET | Method::HEAD) => export::answer(asking, query).await,
        (Route::Gaps, Method::GET | Method::HEAD) => state::gaps(asking, query).await,
        (Route::Status, Method::GET | Method::HEAD) => state::status(asking, query).await,
        (Route::Alarms, Method::GET | Method::HEAD) => state::alarms(asking, query).await,
        (_, _) => Err(Refused::method("GET, HEAD")),
    }?;
    Ok(response.map(|body| body.holding(places)))
}

/// As it is written, letter by letter: what is written otherwise is nothing that there is.
fn route(path: &str) -> (Route, &str) {
    let id = path.strip_prefix("/v1/alarms/").and_then(|rest| rest.strip_suffix("/acknowledge"));
    match (path, id) {
        ("/v1/events", _) => (Route::Events, ""),
        ("/v1/export", _) => (Route::Export, ""),
        ("/v1/gaps", _) => (Route::Gaps, ""),
        ("/v1/status", _) => (Route::Status, ""),
        ("/v1/alarms", _) => (Route::Alarms, ""),
        (_, Some(id)) if is_id(id) => (Route::Acknowledge, id),
        _ => (Route::Unknown, ""),
    }
}

fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=ID).contains(&text.len()) && text.bytes().all(plain)
}

impl Asking {
    pub(super) fn parameters(
        &mut self,
        query: Option<&str>,
        known: &'static [&'static str],
    ) -> Result<Parameters, Refused> {
        let parameters = Parameters::read(query, known)?;
        self.access.parameters = parameters.given().to_vec();
        Ok(parameters)
    }

    /// Before anything is shown of which it has to be known who read it.
    pub(super) async fn granted(&mut self) -> Result<(), Refused> {
        self.access.code = StatusCode::OK.as_u16();
        self.recorded = true;
        self.record().await
    }

    async fn record(&self) -> Result<(), Refused> {
        record(&self.server, &self.access).await
    }
}

async fn record(server: &Server, access: &Access) -> Result<(), Refused> {
    let written = tokio::time::timeout(RECORDED_WITHIN, server.house.accessed(access)).await;
    let why = match written {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(silent)) => silent.to_string(),
        Err(_) => "not in time".to_owned(),
    };
    tracing::error!(why, route = access.route.as_str(), code = access.code, "an access is not in the log");
    Err(Refused::unrecorded())
}

impl Server {
    /// Somebody who did not prove who they are.
    async fn stranger(&self, mut access: Access, refused: &Refused) {
        if let Some(unwritten) = self.strangers.admit(Instant::now()) {
            (access.code, access.unwritten) = (refused.status.as_u16(), unwritten);
            let _ = record(self, &access).await;
        }
    }
}

pub(super) fn json(value: &Value) -> Response<Body> {
    whole(StatusCode::OK, "application/json", value.to_string())
}
