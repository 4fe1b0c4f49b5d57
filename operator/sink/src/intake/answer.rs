//! One request: answered whatever it is, with yes only once what it brings is on disk.

use super::Failure;
use super::body::{self, Unread};
use super::client::Stranger;
use super::list::{self, Malformed};
use super::server::Server;
use crate::gaps::{Cause, Note};
use crate::journal::ServerName;
use crate::metrics::Refused;
use http::header::{CONTENT_ENCODING, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use jiff::Timestamp;
use serde_json::json;
use snc_core::text::Text;
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;

pub const WEBHOOK: &str = "/v1/webhook";
pub const FILE: &str = "/v1/file";
/// Where a reader of a log file is; it is given back, so that the reader knows what is safe.
pub const POSITION: &str = "snc-position";
/// What a reader of a log file noticed, as JSON.
pub const NOTES: &str = "snc-notes";
/// Whose log file its reader takes it for. The certificate says whose it is.
pub const SERVER: &str = "snc-server";
const JSON: &str = "application/json";
/// Clients of the API server wait for so many seconds and ask again.
const AFTER: HeaderValue = HeaderValue::from_static("1");

pub(super) type Response = hyper::Response<Full<Bytes>>;

enum Way {
    Webhook,
    File { notes: Vec<Note>, position: Option<HeaderValue> },
}

pub(super) async fn answer(
    server: &Server,
    who: Result<&ServerName, &Stranger>,
    request: hyper::Request<Incoming>,
) -> Response {
    let (head, body) = request.into_parts();
    let (name, way) = match admitted(server, who, &head) {
        Ok(admitted) => admitted,
        Err(refusal) => {
            // Whoever still writes when the connection is closed may never read why.
            body::discard(server, body).await;
            return *refusal;
        }
    };
    let announced = body::announced(&head.headers).unwrap_or_default();
    let webhook = matches!(way, Way::Webhook);
    match body::read(server, body).await {
        Ok((body, room)) => taken(server, name, way, body, room).await,
        Err(unread) => unread.answer(server, webhook.then_some(name), announced),
    }
}

/// Whose events come, and by which way, as far as that can be told without them.
fn admitted<'n>(
    server: &Server,
    who: Result<&'n ServerName, &Stranger>,
    head: &Parts,
) -> Result<(&'n ServerName, Way), Box<Response>> {
    let refused = |status, text: &Text, detail| Err(Box::new(refuse(status, text, detail)));
    let name = match who {
        Ok(name) => name,
        Err(stranger) => {
            server.metrics().refused(Refused::Stranger);
            let text = Text::new(
                "le certificat présenté n'est celui d'aucun serveur d'API des paramètres",
                "the certificate belongs to no API server of the settings",
            );
            let detail = json!({ "field": "client certificate", "given": stranger.names });
            return refused(StatusCode::FORBIDDEN, &text, detail);
        }
    };
    if let Some(given) = head.headers.get(SERVER).filter(|given| *given != name.as_str()) {
        let text = Text::new(
            "le certificat présenté est celui d'un autre serveur d'API",
            "the certificate belongs to another API server",
        );
        let given = String::from_utf8_lossy(given.as_bytes());
        let detail = json!({ "field": SERVER, "given": given, "accepted": name.as_str() });
        return refused(StatusCode::FORBIDDEN, &text, detail);
    }
    let way = match head.uri.path() {
        _ if head.method != Method::POST => {
            let text = Text::new("seule la méthode POST est acceptée", "only POST is accepted");
            return refused(StatusCode::METHOD_NOT_ALLOWED, &text, json!({ "given": head.method.as_str() }));
        }
        WEBHOOK => Way::Webhook,
        FILE => match notes(&head.headers) {
            Ok(notes) => Way::File { notes, position: head.headers.get(POSITION).cloned() },
            Err(error) => {
                let text = Text::new("en-tête illisible", "header not understood");
                let detail = json!({ "field": NOTES, "given": error, "accepted": "[{\"note\": …}, …]" });
                return refused(StatusCode::BAD_REQUEST, &text, detail);
            }
        },
        path => {
            let text = Text::new("chemin inconnu", "unknown path");
            let detail = json!({ "given": path, "accepted": [WEBHOOK, FILE] });
            return refused(StatusCode::NOT_FOUND, &text, detail);
        }
    };
    if let Some(encoding) = head.headers.get(CONTENT_ENCODING).filter(|encoding| *encoding != "identity") {
        let text = Text::new("encodage non accepté", "encoding not accepted");
        let given = String::from_utf8_lossy(encoding.as_bytes());
        let detail = json!({ "field": "content-encoding", "given": given, "accepted": "identity" });
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, &text, detail);
    }
    Ok((name, way))
}

fn notes(headers: &HeaderMap) -> Result<Vec<Note>, String> {
    let Some(notes) = headers.get(NOTES) else { return Ok(Vec::new()) };
    serde_json::from_slice(notes.as_bytes()).map_err(|error| error.to_string())
}

async fn taken(
    server: &Server,
    name: &ServerName,
    way: Way,
    body: Bytes,
    room: OwnedSemaphorePermit,
) -> Response {
    let began = Instant::now();
    let items = match list::read(body) {
        Ok((items, _)) => items.in_room(room),
        Err(malformed) => return malformed.answer(server, matches!(way, Way::Webhook).then_some(name)),
    };
    let (stored, position) = match way {
        Way::Webhook => (server.intake.webhook(name.clone(), items).await, None),
        Way::File { notes, position } => (server.intake.file(name.clone(), items, notes).await, position),
    };
    match stored {
        Ok(taken) => {
            server.metrics().acknowledged(began.elapsed());
            let detail = json!({ "stored": taken.stored, "duplicates": taken.duplicates });
            let mut response = snc_health::respond(StatusCode::OK, JSON, detail.to_string());
            if let Some(position) = position {
                response.headers_mut().insert(HeaderName::from_static(POSITION), position);
            }
            response
        }
        Err(failure) => {
            server.metrics().refused(Refused::Failed);
            failure.answer()
        }
    }
}

impl Unread {
    /// `webhook`: whose events the API server may not bring again.
    fn answer(self, server: &Server, webhook: Option<&ServerName>, announced: usize) -> Response {
        let (now, bytes) = (Timestamp::now(), announced as u64);
        let (refused, status, text) = match self {
            Self::TooLarge => {
                let most = server.limits.body_bytes;
                if let Some(name) = webhook {
                    server.gaps().lost(name, Cause::Refused, now);
                }
                server.metrics().refused(Refused::TooLarge);
                let text = Text::new("corps trop grand", "body too large");
                let detail = json!({ "field": "body", "given": announced, "accepted": most });
                return refuse(StatusCode::PAYLOAD_TOO_LARGE, &text, detail);
            }
            Self::NoRoom => (
                Refused::Shed,
                StatusCode::TOO_MANY_REQUESTS,
                Text::new("trop d'événements à la fois ; réessayez", "too many events at once; try again"),
            ),
            Self::Late => (
                Refused::Late,
                StatusCode::REQUEST_TIMEOUT,
                Text::new("la requête n'est pas arrivée à temps", "the request did not come in time"),
            ),
            Self::Broken => (
                Refused::Malformed,
                StatusCode::BAD_REQUEST,
                Text::new("la requête a été interrompue", "the request was cut off"),
            ),
        };
        server.metrics().refused(refused);
        if let Some(name) = webhook {
            server.gaps().refused(name, Cause::Refused, bytes, now);
        }
        let mut response = refuse(status, &text, json!({}));
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(RETRY_AFTER, AFTER);
        }
        response
    }
}

impl Malformed {
    fn answer(self, server: &Server, webhook: Option<&ServerName>) -> Response {
        server.metrics().refused(Refused::Malformed);
        if let Some(name) = webhook {
            server.gaps().lost(name, Cause::Unreadable, Timestamp::now());
        }
        let text = Text::new("ce n'est pas une liste d'événements", "not a list of events");
        let Self { field, given, accepted } = self;
        let detail = json!({ "field": field, "given": given, "accepted": accepted });
        refuse(StatusCode::BAD_REQUEST, &text, detail)
    }
}

impl Failure {
    /// 500 is what API servers try again, whatever it was.
    fn answer(&self) -> Response {
        let text = match self.cause() {
            Cause::DiskFull => Text::new(
                "plus de place : rien n'est acquitté tant qu'il n'y en a pas",
                "no room left: nothing is acknowledged until there is some",
            ),
            _ => Text::new("rien n'est acquitté", "nothing is acknowledged"),
        };
        refuse(StatusCode::INTERNAL_SERVER_ERROR, &text, json!({ "given": self.to_string() }))
    }
}

/// `{"error": {"fr", "en", …}}`, with what is known of field, given and accepted.
fn refuse(status: StatusCode, text: &Text, detail: serde_json::Value) -> Response {
    let mut error = json!({ "fr": text.fr, "en": text.en });
    if let (Some(error), serde_json::Value::Object(detail)) = (error.as_object_mut(), detail) {
        error.extend(detail);
    }
    snc_health::respond(status, JSON, json!({ "error": error }).to_string())
}
