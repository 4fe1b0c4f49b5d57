use super::*;
use crate::tests::rfc5424::Parsed;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::Value;

fn message(body: &str) -> Message {
    Message {
        severity: Severity::Notice,
        kind: Kind::Event,
        at: "2026-11-23T10:20:30.123456789Z".parse().unwrap(),
        names: Names {
            position: Some(7),
            partition: Some("tenant.shop".to_owned()),
            seq: Some(41),
            server: Some("cp-1".to_owned()),
            audit_id: Some("a-1".to_owned()),
            hash: Some("ab".repeat(32)),
        },
        body: body.to_owned(),
    }
}

fn framed(origin: &Origin, message: &Message) -> (Written, String) {
    let mut out = Vec::new();
    let written = origin.frame(message, &mut out);
    let text = String::from_utf8(out).unwrap();
    let (count, rest) = text.split_once(' ').unwrap();
    assert_eq!(count, rest.len().to_string());
    (written, rest.to_owned())
}

#[test]
fn a_message_is_what_the_document_says() {
    let (written, text) = framed(&Origin::new("sink.example", LEAST), &message("{\"é\":1}"));
    assert_eq!(written, Written::Whole);
    let hash = "ab".repeat(32);
    assert_eq!(
        text,
        format!(
            "<109>1 2026-11-23T10:20:30.123456Z sink.example snc-audit - event [snc@32473 position=\"7\" \
             partition=\"tenant.shop\" seq=\"41\" server=\"cp-1\" auditID=\"a-1\" hash=\"{hash}\"] \u{feff}{{\"é\":1}}"
        )
    );
}

#[test]
fn what_is_not_known_is_not_written() {
    let message = Message { names: Names::default(), kind: Kind::Anchor, ..message("snc-anchor number=1") };
    let (_, text) = framed(&Origin::new("", LEAST), &message);
    assert_eq!(
        text,
        "<109>1 2026-11-23T10:20:30.123456Z - snc-audit - anchor [snc@32473] \u{feff}snc-anchor number=1"
    );
}

#[rstest]
#[case("a\"b\\c]d", "a\\\"b\\\\c\\]d")]
#[case("a\nb\u{0}c\u{85}", "a#012b#000c#205")]
#[case("été 日本", "été 日本")]
fn values_cannot_leave_their_place(#[case] value: &str, #[case] written: &str) {
    assert_eq!(escaped(value), written);
}

#[rstest]
#[case("get", None, Severity::Informational)]
#[case("create", Some(201), Severity::Notice)]
#[case("create", Some(403), Severity::Warning)]
#[case("list", Some(401), Severity::Warning)]
#[case("watch", Some(500), Severity::Error)]
fn severities(#[case] verb: &str, #[case] code: Option<u16>, #[case] severity: Severity) {
    assert_eq!(Severity::of_event(verb, code), severity);
}

#[test]
fn a_long_one_says_what_is_missing_and_which_record_it_is() {
    let body = serde_json::json!({"auditID": "a-1", "text": "é\"\n".repeat(100_000)}).to_string();
    let (written, text) = framed(&Origin::new("sink", 8192), &message(&body));
    assert_eq!(written, Written::Truncated);
    assert!(text.len() <= 8192 && text.len() > 8192 - 8, "{}", text.len());
    let parsed = Parsed::strictly(text.as_bytes()).unwrap();
    assert_eq!(parsed.params["truncated"], body.len().to_string());
    assert_eq!(parsed.params["seq"], "41");
    let sent: Value = serde_json::from_str(&parsed.body).unwrap();
    assert_eq!(sent["bytes"], body.len());
    assert_eq!((&sent["partition"], &sent["seq"]), (&"tenant.shop".into(), &41.into()));
    assert!(body.starts_with(sent["start"].as_str().unwrap()));
}

#[test]
fn the_limit_is_exact() {
    let origin = Origin::new("sink", 4096);
    let room = 4096 - framed(&origin, &message("")).1.len();
    let (written, text) = framed(&origin, &message(&"x".repeat(room)));
    assert_eq!((written, text.len()), (Written::Whole, 4096));
    let (written, text) = framed(&origin, &message(&"x".repeat(room + 1)));
    assert_eq!(written, Written::Truncated);
    assert!(text.len() <= 4096);
}

proptest! {
    /// Whatever is in it: a strict reader reads it, nothing is larger than it may be, and what is not whole says so.
    #[test]
    fn every_message_is_read_by_a_strict_reader(
        hostname in any::<String>(),
        body in prop_oneof![any::<String>(), "[\\PC\n\"\\\\]{0,3000}"],
        partition in any::<Option<String>>(),
        server in proptest::option::of("[\\PC\u{0}-\u{20}\\]\"\\\\]{0,600}"),
        audit_id in proptest::option::of("[\u{0}-\u{ff}]{0,600}"),
        most in 0_usize..6000,
        seconds in -62_135_596_800_i64..253_402_207_200,
    ) {
        let origin = Origin::new(&hostname, most);
        let mut message = message(&body);
        message.at = Timestamp::from_second(seconds).unwrap();
        message.names = Names { partition: partition.clone(), server, audit_id: audit_id.clone(), ..message.names };
        let (written, text) = framed(&origin, &message);
        prop_assert!(text.len() <= most.max(LEAST));
        let parsed = Parsed::strictly(text.as_bytes()).map_err(TestCaseError::fail)?;
        prop_assert_eq!(parsed.app_name, "snc-audit");
        prop_assert_eq!(parsed.params.contains_key("truncated"), written == Written::Truncated);
        match written {
            Written::Whole => prop_assert_eq!(parsed.body, body),
            Written::Truncated => {
                let sent: Value = serde_json::from_str(&parsed.body).unwrap();
                prop_assert_eq!(&sent["truncated"], &Value::Bool(true));
                prop_assert_eq!(&sent["bytes"], &Value::from(body.len()));
                prop_assert!(body.starts_with(sent["start"].as_str().unwrap()));
            }
        }
        if let Some(plain) = partition.filter(|text| text.len() < 60 && !text.chars().any(char::is_control)) {
            prop_assert_eq!(&parsed.params["partition"], &plain);
        }
        if let Some(id) = parsed.params.get("auditID") {
            prop_assert!(!id.chars().any(char::is_control));
        }
    }
}
