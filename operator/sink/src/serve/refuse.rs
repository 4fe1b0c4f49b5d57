//! What is answered instead: which field, what was given, what is accepted, in both languages.

use super::body::{Body, whole};
use http::header::{ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};
use snc_core::text::{Refusal, Text, clip};

/// Characters of what was given.
const GIVEN: usize = 120;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    text: Box<Text>,
    about: Option<Box<About>>,
    allow: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct About {
    field: String,
    given: Option<String>,
    accepted: Text,
}

impl Refused {
    fn new(status: StatusCode, fr: impl Into<String>, en: impl Into<String>) -> Self {
        Self { status, text: Box::new(Text::new(fr, en)), about: None, allow: None }
    }

    pub(super) fn bad(
        field: impl Into<String>,
        given: Option<&str>,
        fr: impl Into<String>,
        en: impl Into<String>,
    ) -> Self {
        let accepted = Text::new(fr, en);
        let field = clip(&field.into(), GIVEN);
        let shown = given.map(|given| clip(given, GIVEN));
        let (in_fr, in_en) = match &shown {
            Some(given) => (format!(" reçu {given:?} ;"), format!(" got {given:?};")),
            None => (String::new(), String::new()),
        };
        let fr = format!("{field} :{in_fr} accepté : {}", accepted.fr);
        let en = format!("{field}:{in_en} accepted: {}", accepted.en);
        Self {
            about: Some(Box::new(About { field, given: shown, accepted })),
            ..Self::new(StatusCode::BAD_REQUEST, fr, en)
        }
    }

    pub(super) fn by(refusal: &Refusal) -> Self {
        let Refusal { path, given, accepted } = refusal;
        Self::bad(path.as_str(), Some(given), accepted.fr.as_str(), accepted.en.as_str())
    }

    pub(super) fn with(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The same for no token, one that is nobody's and one that was made for something else.
    pub(super) fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "un jeton valable pour l'audience « snc-audit-log » est demandé : Authorization: Bearer …",
            "a token that is valid for the audience \"snc-audit-log\" is asked for: Authorization: Bearer …",
        )
    }

    /// The same, whether what was asked for exists or not.
    pub(super) fn forbidden() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "ce jeton ne donne pas le droit de lire cela",
            "this token gives no right to read that",
        )
    }

    pub(super) fn silent() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "les droits n'ont pas pu être demandés à Kubernetes ; rien n'est montré sans cela",
            "Kubernetes could not be asked about rights; without that nothing is shown",
        )
    }

    pub(super) fn unrecorded() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "cet accès n'a pas pu être journalisé ; rien n'est montré sans cela",
            "this access could not be logged; without that nothing is shown",
        )
    }

    pub(super) fn store() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "le stockage du journal n'a pas pu être lu ; réessayez",
            "the store of the log could not be read; try again",
        )
    }

    pub(super) fn unwritten() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "la décision n'a pas pu être écrite ; réessayez",
            "the decision could not be written; try again",
        )
    }

    pub(super) fn nothing_yet() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "pas encore d'état ; réessayez",
            "no status yet; try again",
        )
    }

    pub(super) fn busy() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "trop de demandes à la fois ; réessayez",
            "too many requests at once; try again",
        )
    }

    pub(super) fn late() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "la demande n'est pas venue à temps",
            "the request did not come in time",
        )
    }

    pub(super) fn no_such_route() -> Self {
        let routes = "/v1/events, /v1/export, /v1/gaps, /v1/status, /v1/alarms, /v1/alarms/<id>/acknowledge";
        Self::bad("path", None, routes, routes).with(StatusCode::NOT_FOUND)
    }

    pub(super) fn no_such_alarm() -> Self {
        Self::bad("id", None, "le numéro d'une alarme", "the id of an alarm").with(StatusCode::NOT_FOUND)
    }

    pub(super) fn method(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::bad("method", None, allow, allow).with(StatusCode::METHOD_NOT_ALLOWED)
        }
    }

    pub(super) fn json(&self) -> Value {
        let mut error = Map::new();
        error.insert("fr".to_owned(), self.text.fr.clone().into());
        error.insert("en".to_owned(), self.text.en.clone().into());
        if let Some(About { field, given, accepted }) = self.about.as_deref() {
            error.insert("field".to_owned(), field.clone().into());
            if let Some(given) = given {
                error.insert("given".to_owned(), given.clone().into());
            }
            error.insert("accepted".to_owned(), json!(accepted));
        }
        json!({ "error": error })
    }

    pub(super) fn response(&self) -> Response<Body> {
        let mut response = whole(self.status, "application/json", self.json().to_string());
        let headers = response.headers_mut();
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"snc-audit-log\""));
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}
