use super::super::made::{INDEX, MANIFEST, Signer, blob, sha256, statement, subject};
use super::super::subject::computed;
use super::*;
use rstest::rstest;
use serde_json::json;

fn judged(signer: &Signer, written: &Value, subject: &Subject) -> Judged {
    bundle(subject, &signer.keys(), &blob(written.to_string()))
}

fn refused(why: Refused) -> Judged {
    Judged::Refused(why)
}

fn verified() -> Judged {
    Judged::Verified("release".to_owned())
}

#[rstest]
#[case(Signer::p256())]
#[case(Signer::p384())]
#[case(Signer::edwards())]
fn a_signature_of_the_image_verifies(#[case] signer: Signer) {
    for manifest in [MANIFEST, INDEX] {
        let subject = subject(manifest);
        assert_eq!(judged(&signer, &signer.bundle(&statement(subject.digest())), &subject), verified());
        assert_eq!(judged(&signer, &signer.message(manifest), &subject), verified());
    }
}

#[test]
fn a_digest_in_sha512_is_compared_as_such() {
    let signer = Signer::p256();
    let long = computed("sha512", MANIFEST.as_bytes()).unwrap();
    let asked = Subject::read(&long, MANIFEST.into()).unwrap();
    assert_eq!(judged(&signer, &signer.bundle(&statement(&long)), &asked), verified());
    let short = sha256(MANIFEST.as_bytes());
    assert_eq!(judged(&signer, &signer.bundle(&statement(&short)), &asked), refused(Refused::OtherDigest));
}

#[test]
fn nothing_by_another_key_passes() {
    let (ours, other) = (Signer::p256(), Signer::p256());
    let subject = subject(MANIFEST);
    for mut written in [other.bundle(&statement(subject.digest())), other.message(MANIFEST)] {
        // The hint names our key; it is whatever somebody wrote.
        let hint = ours.keys().fingerprint().to_string();
        written["verificationMaterial"]["publicKey"]["hint"] = json!(hint);
        assert_eq!(judged(&ours, &written, &subject), refused(Refused::NoKeyMatches));
    }
}

#[test]
fn a_signature_of_another_image_does_not_count() {
    let signer = Signer::p256();
    let asked = subject(MANIFEST);
    let other = signer.bundle(&statement(&sha256(INDEX.as_bytes())));
    assert_eq!(judged(&signer, &other, &asked), refused(Refused::OtherDigest));
    assert_eq!(judged(&signer, &signer.message(INDEX), &asked), refused(Refused::NoKeyMatches));
}

/// A scanner that signs its reports with the same key must not sign images by it, even a report about this very image.
#[test]
fn an_attestation_of_something_else_is_no_signature() {
    let signer = Signer::p256();
    let subject = subject(MANIFEST);
    let mut other = statement(subject.digest());
    other["predicateType"] = json!("https://cosign.sigstore.dev/attestation/vuln/v1");
    assert_eq!(judged(&signer, &signer.bundle(&other), &subject), Judged::NotASignature);
}

#[rstest]
#[case("/_type", json!("https://in-toto.io/Statement/v0.1"), Refused::OtherType)]
#[case("/subject", json!([]), Refused::Malformed)]
#[case("/subject/0/digest", json!({}), Refused::Malformed)]
#[case("/subject/0/digest", json!({ "sha256": "00" }), Refused::OtherDigest)]
#[case("/subject/0/digest", json!({ "sha1": "00" }), Refused::Malformed)]
#[case("/subject/0/digest", json!({ "sha256": "00", "sha512": "00" }), Refused::Malformed)]
#[case("/subject/0", json!({ "digest": { "sha256": "00" }, "uri": "x" }), Refused::Malformed)]
#[case("/predicate", json!("x"), Refused::Malformed)]
#[case("/predicateType", json!(null), Refused::Malformed)]
#[case("", json!([]), Refused::Malformed)]
fn what_is_signed_is_read_strictly(#[case] at: &str, #[case] value: Value, #[case] why: Refused) {
    let signer = Signer::p256();
    let subject = subject(MANIFEST);
    let mut text = statement(subject.digest());
    *text.pointer_mut(at).unwrap() = value;
    assert_eq!(judged(&signer, &signer.bundle(&text), &subject), refused(why));
}

#[test]
fn a_statement_is_about_one_image() {
    let signer = Signer::p256();
    let subject = subject(MANIFEST);
    let mut text = statement(subject.digest());
    let one = text["subject"][0].clone();
    text["subject"] = json!([one, one]);
    assert_eq!(judged(&signer, &signer.bundle(&text), &subject), refused(Refused::Malformed));
    text["subject"] = json!([one]);
    text["unless"] = json!("it rains");
    assert_eq!(judged(&signer, &signer.bundle(&text), &subject), refused(Refused::Malformed));
}

#[rstest]
#[case("/mediaType", json!("application/vnd.dev.sigstore.bundle.v0.4+json"), Refused::Malformed)]
#[case("/verificationMaterial", json!({}), Refused::Malformed)]
#[case("/verificationMaterial", json!({ "certificate": { "rawBytes": "" } }), Refused::Keyless)]
#[case("/verificationMaterial", json!({ "x509CertificateChain": {} }), Refused::Keyless)]
#[case("/verificationMaterial", json!({ "publicKey": {}, "certificate": {} }), Refused::Keyless)]
#[case("/verificationMaterial", json!({ "publicKey": { "rawBytes": "" } }), Refused::Malformed)]
#[case("/verificationMaterial", json!({ "publicKey": {}, "more": 1 }), Refused::Malformed)]
#[case("/dsseEnvelope", json!(null), Refused::Malformed)]
#[case("/dsseEnvelope/signatures", json!([]), Refused::Malformed)]
#[case("/dsseEnvelope/signatures", json!([{ "sig": "AA==" }, { "sig": "AA==" }]), Refused::Malformed)]
#[case("/dsseEnvelope/signatures/0/sig", json!("AA=="), Refused::NoKeyMatches)]
#[case("/dsseEnvelope/signatures/0/sig", json!(""), Refused::NoKeyMatches)]
#[case("/dsseEnvelope/payloadType", json!("application/json"), Refused::NoKeyMatches)]
#[case("/dsseEnvelope/payload", json!("e30="), Refused::NoKeyMatches)]
#[case("/dsseEnvelope/payload", json!("e30"), Refused::Malformed)]
fn what_is_around_it_is_read_strictly(#[case] at: &str, #[case] value: Value, #[case] why: Refused) {
    let signer = Signer::p256();
    let subject = subject(MANIFEST);
    let mut written = signer.bundle(&statement(subject.digest()));
    *written.pointer_mut(at).unwrap() = value;
    assert_eq!(judged(&signer, &written, &subject), refused(why));
}

#[test]
fn a_bundle_has_one_content_and_nothing_unknown() {
    let signer = Signer::p256();
    let subject = subject(MANIFEST);
    let mut both = signer.bundle(&statement(subject.digest()));
    both["messageSignature"] = signer.message(MANIFEST)["messageSignature"].clone();
    assert_eq!(judged(&signer, &both, &subject), refused(Refused::Malformed));
    let mut more = signer.message(MANIFEST);
    more["critical"] = json!("something");
    assert_eq!(judged(&signer, &more, &subject), refused(Refused::Malformed));
}

#[rstest]
#[case("/messageSignature/messageDigest/algorithm", json!("SHA2_512"), Refused::OtherDigest)]
#[case("/messageSignature/messageDigest/algorithm", json!("SHA1"), Refused::Malformed)]
#[case("/messageSignature/messageDigest/digest", json!("AA=="), Refused::OtherDigest)]
#[case("/messageSignature/messageDigest", json!({ "digest": "AA==" }), Refused::Malformed)]
#[case("/messageSignature/messageDigest", json!({ "algorithm": "SHA2_256" }), Refused::OtherDigest)]
#[case("/messageSignature/messageDigest", json!(null), Refused::Malformed)]
#[case("/messageSignature/signature", json!(""), Refused::NoKeyMatches)]
fn a_digest_that_came_along_proves_nothing(#[case] at: &str, #[case] value: Value, #[case] why: Refused) {
    let signer = Signer::p256();
    let mut written = signer.message(MANIFEST);
    *written.pointer_mut(at).unwrap() = value;
    assert_eq!(judged(&signer, &written, &subject(MANIFEST)), refused(why));
}

/// The type and the text are signed with their lengths: moving the border makes another message.
#[test]
fn type_and_text_cannot_be_shifted() {
    assert_ne!(encoded("a", b"b c"), encoded("a b", b"c"));
    assert_eq!(encoded("application/x", b"{}"), b"DSSEv1 13 application/x 2 {}");
}

#[test]
fn a_signed_text_of_another_type_is_no_signature() {
    let signer = Signer::p256();
    let subject = subject(MANIFEST);
    let text = statement(subject.digest()).to_string();
    let mut written = signer.bundle(&statement(subject.digest()));
    written["dsseEnvelope"]["payloadType"] = json!("text/plain");
    let signature = signer.sign(&encoded("text/plain", text.as_bytes()));
    written["dsseEnvelope"]["signatures"][0]["sig"] = json!(signature);
    assert_eq!(judged(&signer, &written, &subject), refused(Refused::OtherType));
}

#[test]
fn a_long_bundle_is_not_read() {
    let signer = Signer::p256();
    let mut written = signer.message(MANIFEST);
    written["verificationMaterial"]["publicKey"]["hint"] = json!("x".repeat(limits::BUNDLE));
    assert_eq!(judged(&signer, &written, &subject(MANIFEST)), refused(Refused::TooLarge));
}

#[test]
fn the_manifest_around_a_bundle_refers_to_the_image() {
    let asked = subject(MANIFEST);
    let place = sha256(b"bundle");
    let layer = json!({ "mediaType": BUNDLE_TYPE, "digest": place, "size": 6 });
    let manifest = |subject: &Digest, layers: Value| {
        let subject = json!({ "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": subject });
        blob(json!({ "schemaVersion": 2, "subject": subject, "layers": layers }).to_string())
    };
    let found = |manifest| bundle_in(&manifest, &asked);
    assert_eq!(found(manifest(asked.digest(), json!([layer]))), Ok(Some(place.clone())));
    assert_eq!(found(manifest(asked.digest(), json!([]))), Ok(None));
    assert_eq!(found(manifest(asked.digest(), json!([layer, layer]))), Ok(None));
    assert_eq!(found(manifest(&place, json!([layer]))), Err(Unknown::Malformed));
    let mut attestation: Value =
        serde_json::from_slice(manifest(asked.digest(), json!([layer])).bytes()).unwrap();
    attestation["annotations"] = json!({ PREDICATE: "https://spdx.dev/Document" });
    assert_eq!(found(blob(attestation.to_string())), Ok(None));
    assert_eq!(found(blob("{}")), Err(Unknown::Malformed));
    assert_eq!(found(blob("<html>")), Err(Unknown::Malformed));
}

/// As cosign writes a blob's signature by Ed25519.
#[test]
fn without_a_digest_the_signature_itself_decides() {
    let signer = Signer::edwards();
    let mut written = signer.message(MANIFEST);
    written["messageSignature"]["messageDigest"] = json!({});
    assert_eq!(judged(&signer, &written, &subject(MANIFEST)), verified());
    assert_eq!(judged(&signer, &written, &subject(INDEX)), refused(Refused::MaybePrehashed));
}
