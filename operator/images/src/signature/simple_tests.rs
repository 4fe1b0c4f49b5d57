use super::super::made::{INDEX, MANIFEST, Signer, blob, payload, sha256, subject};
use super::*;
use rstest::rstest;
use serde_json::json;

fn judged(signer: &Signer, text: &str, subject: &Subject) -> Judged {
    let payload = blob(text);
    simple(subject, &signer.keys(), &payload, &signer.sign(text.as_bytes()))
}

#[rstest]
#[case(Signer::p256())]
#[case(Signer::p384())]
#[case(Signer::edwards())]
fn a_signature_of_the_image_verifies(#[case] signer: Signer) {
    for manifest in [MANIFEST, INDEX] {
        let subject = subject(manifest);
        let text = payload(subject.digest()).to_string();
        assert_eq!(judged(&signer, &text, &subject), Judged::Verified("release".to_owned()));
    }
}

#[test]
fn nothing_by_another_key_passes() {
    let (ours, other) = (Signer::p256(), Signer::p256());
    let subject = subject(MANIFEST);
    let text = payload(subject.digest()).to_string();
    let signature = other.sign(text.as_bytes());
    let found = simple(&subject, &ours.keys(), &blob(text), &signature);
    assert_eq!(found, Judged::Refused(Refused::NoKeyMatches));
}

/// Content that is served under the digest of other content is caught before; here a true signature of another image is
/// laid beside this one.
#[test]
fn a_signature_of_another_image_does_not_count() {
    let signer = Signer::p256();
    let text = payload(&sha256(INDEX.as_bytes())).to_string();
    assert_eq!(judged(&signer, &text, &subject(MANIFEST)), Judged::Refused(Refused::OtherDigest));
}

#[rstest]
#[case("/critical/type", json!("atomic container signature"), Refused::OtherType)]
#[case("/critical/type", json!(7), Refused::Malformed)]
#[case("/critical/type", json!(null), Refused::Malformed)]
#[case("/critical/image/docker-manifest-digest", json!("sha256:00"), Refused::OtherDigest)]
#[case("/critical/image/docker-manifest-digest", json!(null), Refused::Malformed)]
#[case("/critical/identity", json!({}), Refused::Malformed)]
#[case("/critical/identity", json!({ "docker-reference": "r", "more": 1 }), Refused::Malformed)]
#[case("/critical/image", json!({}), Refused::Malformed)]
#[case("/critical", json!({}), Refused::Malformed)]
#[case("/optional", json!([]), Refused::Malformed)]
#[case("", json!([]), Refused::Malformed)]
#[case("", json!({}), Refused::Malformed)]
fn what_is_signed_is_read_strictly(#[case] at: &str, #[case] value: Value, #[case] why: Refused) {
    let subject = subject(MANIFEST);
    let mut text = payload(subject.digest());
    *text.pointer_mut(at).unwrap() = value;
    assert_eq!(judged(&Signer::p256(), &text.to_string(), &subject), Judged::Refused(why));
}

#[rstest]
#[case("/critical")]
#[case("/critical/image")]
#[case("")]
fn a_field_that_nobody_knows_is_refused(#[case] at: &str) {
    let subject = subject(MANIFEST);
    let mut text = payload(subject.digest());
    text.pointer_mut(at).unwrap()["unless"] = json!("it rains");
    let found = judged(&Signer::p256(), &text.to_string(), &subject);
    assert_eq!(found, Judged::Refused(Refused::Malformed));
}

/// Two readers of a text in which something stands twice may each take another one.
#[test]
fn a_field_that_stands_twice_is_refused() {
    let subject = subject(MANIFEST);
    let text = payload(subject.digest()).to_string();
    let other = sha256(INDEX.as_bytes());
    for part in [r#""image":{"#, r#""docker-manifest-digest":""#] {
        let twice = if part.ends_with('{') {
            format!(r#""image":{{"docker-manifest-digest":"{other}"}},{part}"#)
        } else {
            format!(r#""docker-manifest-digest":"{other}",{part}"#)
        };
        let text = text.replacen(part, &twice, 1);
        assert!(text.contains(other.as_str()));
        assert_eq!(judged(&Signer::p256(), &text, &subject), Judged::Refused(Refused::Malformed), "{text}");
    }
}

#[test]
fn annotations_of_the_signer_and_white_space_do_no_harm() {
    let subject = subject(MANIFEST);
    let mut text = payload(subject.digest());
    text["optional"] = json!({ "creator": "podman", "timestamp": 1, "team": { "a": [] } });
    text["critical"]["identity"]["docker-reference"] = json!("elsewhere.example/other:v1");
    let text = format!("\n{}\n", serde_json::to_string_pretty(&text).unwrap());
    assert_eq!(judged(&Signer::p256(), &text, &subject), Judged::Verified("release".to_owned()));
}

#[test]
fn one_byte_after_the_signing_is_one_too_many() {
    let signer = Signer::p256();
    let subject = subject(MANIFEST);
    let text = payload(subject.digest()).to_string();
    let signature = signer.sign(text.as_bytes());
    let found = simple(&subject, &signer.keys(), &blob(format!("{text} ")), &signature);
    assert_eq!(found, Judged::Refused(Refused::NoKeyMatches));
    assert_eq!(judged(&signer, &format!("{text}{text}"), &subject), Judged::Refused(Refused::Malformed));
}

#[rstest]
#[case("", Refused::NoKeyMatches)]
#[case("!", Refused::Malformed)]
#[case("AAAA\n", Refused::Malformed)]
#[case(&"A".repeat(limits::SIGNATURE + 4), Refused::TooLarge)]
fn a_signature_is_base64_and_short(#[case] signature: &str, #[case] why: Refused) {
    let subject = subject(MANIFEST);
    let text = payload(subject.digest()).to_string();
    let found = simple(&subject, &Signer::p256().keys(), &blob(text), signature);
    assert_eq!(found, Judged::Refused(why));
}

#[test]
fn a_long_text_is_not_read() {
    let subject = subject(MANIFEST);
    let mut text = payload(subject.digest());
    text["optional"] = json!({ "filler": "x".repeat(limits::PAYLOAD) });
    let found = judged(&Signer::p256(), &text.to_string(), &subject);
    assert_eq!(found, Judged::Refused(Refused::TooLarge));
}
