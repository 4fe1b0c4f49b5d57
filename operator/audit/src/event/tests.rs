use super::*;
use rstest::rstest;

const LINE: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"0b9a","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/secrets/db","verb":"get","user":{"username":"alice","groups":["devs","system:authenticated"],"extra":{"a":["b"]}},"impersonatedUser":{"username":"bob"},"sourceIPs":["203.0.113.4","10.0.0.7"],"userAgent":"kubectl \"x\"","objectRef":{"resource":"secrets","namespace":"shop","name":"db","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":403,"reason":"Forbidden","message":"no"},"requestObject":{"a":[1,{"b":"\ud800"}]},"requestReceivedTimestamp":"2026-11-23T10:00:00.123456Z","stageTimestamp":"2026-11-23T10:00:00.125000Z","annotations":{"authorization.k8s.io/decision":"forbid"},"later":{"x":1}}"#;

#[test]
fn a_line_of_the_log_file() {
    let event = Event::parse(LINE).unwrap();
    assert_eq!(event.level, Some(Level::Metadata));
    assert_eq!(event.stage(), Some(Stage::ResponseComplete));
    assert_eq!((&*event.audit_id, &*event.verb), ("0b9a", "get"));
    assert_eq!(&*event.user.username, "alice");
    assert_eq!(&*event.actor().username, "bob");
    assert_eq!(
        event.user.groups.iter().map(|group| &**group).collect::<Vec<_>>(),
        ["devs", "system:authenticated"]
    );
    assert_eq!(&*event.source_ips[1], "10.0.0.7");
    let object = event.object_ref.as_ref().unwrap();
    assert_eq!((&*object.namespace, object.path().as_str(), &*object.name), ("shop", "secrets", "db"));
    assert_eq!((event.code(), event.outcome()), (Some(403), Outcome::Refused));
    assert_eq!(event.annotations.get("authorization.k8s.io/decision"), Some("forbid"));
    // A client's patch may hold half a pair of surrogates; the event is not lost for it.
    assert_eq!(event.request_object.unwrap().get(), r#"{"a":[1,{"b":"\ud800"}]}"#);
    assert_eq!(event.time(), Some("2026-11-23T10:00:00.123456Z".parse().unwrap()));
}

#[test]
fn text_is_borrowed_unless_it_is_escaped() {
    let event = Event::parse(LINE).unwrap();
    assert!(event.verb.is_borrowed() && event.user.groups[0].is_borrowed());
    assert!(!event.user_agent.is_borrowed());
    assert_eq!(&*event.user_agent, r#"kubectl "x""#);
}

#[test]
fn what_is_absent_null_or_new_is_no_reason_to_lose_an_event() {
    let text = r#"{"auditID":"x","stage":"ResponseGone","level":"Everything","user":null,"annotations":null,
        "sourceIPs":null,"objectRef":null,"responseStatus":{"code":null},"stageTimestamp":"yesterday"}"#;
    let event = Event::parse(text).unwrap();
    assert_eq!((event.level, event.stage(), event.stage_word()), (None, None, "ResponseGone"));
    assert_eq!((event.time(), event.code(), event.outcome()), (None, None, Outcome::Allowed));
    assert!(event.user.username.is_empty() && event.annotations.is_empty() && event.object_ref.is_none());
}

#[rstest]
#[case("", "JSON object")]
#[case("[]", "JSON object")]
#[case(r#"["Metadata","id","ResponseComplete"]"#, "JSON object")]
#[case(r#"{"auditID":"x""#, "EOF")]
#[case(r#"{"auditID":"x","stage":"Panic"} {}"#, "trailing")]
#[case(r#"{"stage":"Panic"}"#, "auditID")]
#[case(r#"{"auditID":"x"}"#, "stage")]
#[case(r#"{"auditID":"x","stage":"Panic","verb":3}"#, "a text")]
#[case(r#"{"kind":"EventList","items":[]}"#, "kind: got \"EventList\"; accepted: Event")]
#[case(r#"{"kind":"Event","apiVersion":"v1","auditID":"x","stage":"Panic"}"#, "apiVersion: got \"v1\"")]
fn what_is_no_event_says_why(#[case] text: &str, #[case] said: &str) {
    let error = Event::parse(text).unwrap_err().to_string();
    assert!(error.contains(said), "{error}");
}

#[rstest]
#[case(200, Outcome::Allowed)]
#[case(101, Outcome::Allowed)]
#[case(401, Outcome::Refused)]
#[case(403, Outcome::Refused)]
#[case(404, Outcome::Failed)]
#[case(500, Outcome::Failed)]
fn a_code_tells_what_came_of_it(#[case] code: i64, #[case] outcome: Outcome) {
    let text = format!(r#"{{"auditID":"x","stage":"Panic","responseStatus":{{"code":{code}}}}}"#);
    assert_eq!(Event::parse(&text).unwrap().outcome(), outcome);
}

#[test]
fn a_body_of_any_depth_is_skipped() {
    let depth = 9_000;
    let text = format!(
        r#"{{"auditID":"x","stage":"Panic","requestObject":{}{}}}"#,
        "[".repeat(depth),
        "]".repeat(depth)
    );
    assert_eq!(Event::parse(&text).unwrap().request_object.unwrap().get().len(), 2 * depth);
}
