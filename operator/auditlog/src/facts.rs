//! What an event is found by.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use snc_audit::event::Word;

/// What queries can ask for. What an event does not say is the empty text. The order is that of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    User,
    Impersonated,
    Verb,
    /// `pods`, `deployments.apps`.
    Resource,
    Subresource,
    Namespace,
    Name,
    Code,
}

pub(crate) const FIELDS: usize = 8;

impl Field {
    pub(crate) const fn place(self) -> usize {
        self as usize
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts<'a> {
    /// Microseconds since 1970: the API server writes no finer ones.
    pub(crate) time: Option<i64>,
    pub(crate) texts: [Word<'a>; FIELDS],
}

/// Less than [`snc_audit::Event`] reads, and settled: the index of an old segment must come out the same in every later
/// version.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Shape<'a> {
    #[serde(borrow)]
    verb: Option<Word<'a>>,
    #[serde(borrow)]
    user: Option<User<'a>>,
    #[serde(borrow)]
    impersonated_user: Option<User<'a>>,
    #[serde(borrow)]
    object_ref: Option<ObjectRef<'a>>,
    response_status: Option<Status>,
    #[serde(borrow)]
    request_received_timestamp: Option<Word<'a>>,
    #[serde(borrow)]
    stage_timestamp: Option<Word<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct User<'a> {
    #[serde(borrow)]
    username: Option<Word<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ObjectRef<'a> {
    #[serde(borrow)]
    resource: Option<Word<'a>>,
    #[serde(borrow)]
    subresource: Option<Word<'a>>,
    #[serde(borrow)]
    namespace: Option<Word<'a>>,
    #[serde(borrow)]
    name: Option<Word<'a>>,
    #[serde(borrow)]
    api_group: Option<Word<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    code: Option<i64>,
}

/// Not one JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAnObject;

impl<'a> Facts<'a> {
    /// Of an event in another shape than it should have, nothing is found; it is kept all the same.
    pub(crate) fn of(raw: &'a str) -> Result<Self, NotAnObject> {
        if !raw.starts_with('{') || !raw.ends_with('}') {
            return Err(NotAnObject);
        }
        match serde_json::from_str::<Shape<'_>>(raw) {
            Ok(shape) => Ok(shape.facts()),
            Err(_) if serde_json::from_str::<IgnoredAny>(raw).is_ok() => Ok(Shape::default().facts()),
            Err(_) => Err(NotAnObject),
        }
    }
}

impl<'a> Shape<'a> {
    fn facts(self) -> Facts<'a> {
        let Self { verb, user, impersonated_user, object_ref, response_status, .. } = self;
        let object = object_ref.unwrap_or_default();
        let resource = object.resource.unwrap_or_default();
        let resource = match object.api_group {
            Some(group) if !group.is_empty() => Word::new(format!("{resource}.{group}")),
            _ => resource,
        };
        let code = response_status.and_then(|status| status.code);
        let times = [self.stage_timestamp, self.request_received_timestamp];
        let time = times.into_iter().flatten().find_map(|word| word.parse::<Timestamp>().ok());
        Facts {
            time: time.map(Timestamp::as_microsecond),
            texts: [
                user.and_then(|user| user.username).unwrap_or_default(),
                impersonated_user.and_then(|user| user.username).unwrap_or_default(),
                verb.unwrap_or_default(),
                resource,
                object.subresource.unwrap_or_default(),
                object.namespace.unwrap_or_default(),
                object.name.unwrap_or_default(),
                code.map_or_else(Word::default, |code| Word::new(code.to_string())),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn an_event_is_found_by_what_it_says() {
        let raw = r#"{"verb":"create","user":{"username":"alice"},"impersonatedUser":{"username":"b\u00e9a"},
            "objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"n","name":"web","subresource":"scale"},
            "responseStatus":{"code":201,"metadata":{}},"requestReceivedTimestamp":"2026-11-23T10:00:00.000001Z",
            "stageTimestamp":"2026-11-23T10:00:00.000002Z","annotations":{"x":"y"}}"#;
        let facts = Facts::of(raw).unwrap();
        let expected = ["alice", "béa", "create", "deployments.apps", "scale", "n", "web", "201"];
        assert_eq!(facts.texts, expected.map(Word::new));
        assert_eq!(
            facts.time,
            Some("2026-11-23T10:00:00.000002Z".parse::<Timestamp>().unwrap().as_microsecond())
        );
    }

    #[rstest]
    #[case("{}")]
    #[case(r#"{"verb":5}"#)]
    #[case(r#"{"user":null,"objectRef":null,"responseStatus":{"code":null}}"#)]
    #[case(r#"{"stageTimestamp":"yesterday"}"#)]
    #[case(r#"{"verb":"a","verb":"b"}"#)]
    fn what_has_another_shape_is_kept(#[case] raw: &str) {
        assert_eq!(Facts::of(raw), Ok(Facts { time: None, texts: Default::default() }));
    }

    #[rstest]
    #[case("")]
    #[case("[]")]
    #[case("null")]
    #[case("{}{}")]
    #[case("{},\"x\":{}")]
    #[case(r#"{"verb":"a"}}"#)]
    #[case("{\"a\":\"\u{1}\"}")]
    fn what_is_no_object_is_not(#[case] raw: &str) {
        assert_eq!(Facts::of(raw), Err(NotAnObject));
    }
}
