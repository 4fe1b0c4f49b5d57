use super::super::made::{INDEX, MANIFEST, sha256};
use super::super::subject::computed;
use super::*;
use rstest::rstest;
use serde_json::{Value, json};

fn number(at: usize) -> Digest {
    sha256(at.to_string().as_bytes())
}

fn layer(at: usize) -> Value {
    json!({ "mediaType": PAYLOAD_TYPE, "digest": number(at), "size": 1, "annotations": { SIGNATURE: at.to_string() } })
}

fn detached(layers: &[Value]) -> Result<Listed<Detached>, Unknown> {
    detached_in(json!({ "schemaVersion": 2, "layers": layers }).to_string().as_bytes())
}

#[test]
fn tags_are_made_of_the_digest() {
    let short = sha256(MANIFEST.as_bytes());
    let long = computed("sha512", MANIFEST.as_bytes()).unwrap();
    assert_eq!(signature_tag(&short), Some(format!("sha256-{}.sig", short.hex())));
    assert_eq!(signature_tag(&long), None);
    assert_eq!(referrers_tag(&short), format!("sha256-{}", short.hex()));
    assert_eq!(referrers_tag(&long), format!("sha512-{}", &long.hex()[..64]));
}

#[test]
fn signatures_are_taken_in_their_order_and_not_without_end() {
    let most = limits::SIGNATURES;
    let layers: Vec<Value> = (0..=most).map(layer).collect();
    let all = detached(&layers[..most]).unwrap();
    assert_eq!((all.all.len(), all.truncated), (most, false));
    let cut = detached(&layers).unwrap();
    assert_eq!((cut.all.as_slice(), cut.truncated), (all.all.as_slice(), true));
    assert_eq!(cut.all[3], Detached { payload: number(3), signature: "3".to_owned() });
}

#[test]
fn a_layer_without_signature_is_none() {
    let mut bare = layer(1);
    bare["annotations"] = json!({});
    let mut other = layer(2);
    other["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar+gzip");
    assert_eq!(detached(&[bare, other, layer(3)]).unwrap().all.len(), 1);
}

#[rstest]
#[case("<html>")]
#[case("{}")]
#[case(INDEX)]
#[case(r#"{"schemaVersion":1,"layers":[]}"#)]
#[case(r#"{"schemaVersion":2,"layers":[{"mediaType":"x","digest":"latest"}]}"#)]
#[case(r#"{"schemaVersion":2,"layers":[{"mediaType":"x","digest":"sha256:../../x"}]}"#)]
fn another_document_is_unreadable_and_not_empty(#[case] text: &str) {
    assert_eq!(detached_in(text.as_bytes()), Err(Unknown::Malformed), "{text}");
}

#[rstest]
#[case("<html>")]
#[case("{}")]
#[case(MANIFEST)]
#[case(r#"{"schemaVersion":2,"manifests":[{"mediaType":"x","digest":"latest"}]}"#)]
fn another_document_is_no_empty_list(#[case] text: &str) {
    assert_eq!(referrers_in([text.as_bytes()]), Err(Unknown::Malformed), "{text}");
}

fn page(entries: &[Value]) -> Vec<u8> {
    json!({ "schemaVersion": 2, "manifests": entries }).to_string().into_bytes()
}

fn entry(at: usize) -> Value {
    json!({ "mediaType": "m", "digest": number(at), "size": 1, "artifactType": BUNDLE_TYPE })
}

#[test]
fn what_refers_to_an_image_comes_in_one_order() {
    let entries: Vec<Value> = (0..limits::SIGNATURES).map(entry).collect();
    let (front, back) = entries.split_at(5);
    let one = referrers_in([page(front).as_slice(), &page(back)]).unwrap();
    let two = referrers_in([page(back).as_slice(), &page(front), &page(front)]).unwrap();
    assert_eq!(one, two);
    assert!(one.all.is_sorted() && !one.truncated && one.all.len() == limits::SIGNATURES);
    assert!(referrers_in([page(&entries).as_slice(), &page(&[entry(1000)])]).unwrap().truncated);
}

#[test]
fn attestations_and_foreign_artifacts_take_no_place() {
    let mut attestation = entry(1);
    attestation["annotations"] = json!({ PREDICATE: "https://spdx.dev/Document" });
    let mut signature = entry(2);
    signature["annotations"] = json!({ PREDICATE: SIGNED });
    let mut foreign = entry(3);
    foreign["artifactType"] = json!("application/spdx+json");
    let mut untold = entry(4);
    untold.as_object_mut().unwrap().remove("artifactType");
    let found = referrers_in([page(&[attestation, signature, foreign, untold]).as_slice()]).unwrap();
    let mut expected = vec![number(2), number(4)];
    expected.sort();
    assert_eq!(found.all, expected);
}
