//! What signatures come to, and what registries are asked about for it.

use super::tests::{Asked, DIGEST, all, create, good, message, request, said, standing, with};
use super::*;
use crate::review;
use serde_json::json;
use snc_core::image::{Reference, Signature, Signatures};
use snc_core::tier::Level;

const KEYS: &str = "registry.example release MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqiPQmLvZxnWgylpisljdbd68E25gWPAJFfp5iXlS25Pt2b7bSnv+OqKDfCZVv/H344FbxDzBT53D8wZvQGnHgw==";

/// At the level that asks for signatures, with a key or without.
fn signing(mode: Mode, keys: &[&str]) -> Whose {
    let Whose::Tenant(standing) = standing(Level::Avance, [Mode::Audit, Mode::Audit, Mode::Audit, mode])
    else {
        panic!("a tenant")
    };
    let mut standing = Arc::unwrap_or_clone(standing);
    let declared = json!({"keys": keys});
    standing.profile.parameters.insert("image-signed".to_owned(), declared.as_object().unwrap().clone());
    Whose::Tenant(Arc::new(standing))
}

fn of_registry(signature: Signature) -> Signatures {
    let mut signatures = Signatures::new(vec![KEYS.to_owned()]);
    signatures.insert(&Reference::parse(&format!("registry.example/web@{DIGEST}")).unwrap(), signature);
    signatures
}

#[test]
fn what_is_not_signed_by_a_declared_key_is_refused_and_so_is_what_nobody_knows() {
    let why = || Text::new("injoignable", "out of reach");
    let at = "2026-11-22T11:00:00Z".parse().unwrap();
    let verified = Signature::Verified { key: "release".to_owned(), at, unconfirmed: None };
    for (signatures, keys, expected) in [
        (Some(of_registry(verified.clone())), vec![KEYS], None),
        (Some(of_registry(Signature::NotSigned)), vec![KEYS], Some("without a signature")),
        (
            Some(of_registry(Signature::Bad(why()))),
            vec![KEYS],
            Some("no signature that counts, out of reach"),
        ),
        (Some(of_registry(Signature::Unknown(why()))), vec![KEYS], Some("signature not known, out of reach")),
        (None, vec![KEYS], Some("only the operator asks")),
        (Some(of_registry(verified.clone())), vec![], Some("no key is declared")),
        // What was found by other keys than those in force is not given.
        (Some(of_registry(verified)), vec![KEYS, KEYS], Some("was not asked yet")),
    ] {
        let asked = Asked { whose: signing(Mode::Enforce, &keys), signatures, ..Asked::default() };
        let decision = asked.ask(create(good()));
        let held = |how: Said| said(&decision, how).contains(&"image-signed");
        assert_eq!(held(Said::Fail) || held(Said::Unknown), expected.is_some(), "{:?}", decision.counted);
        if let Some(expected) = expected {
            assert!(message(&decision).contains(expected), "{expected}: {}", message(&decision));
        }
    }
}

#[test]
fn registries_are_asked_about_what_is_new_named_by_digest_and_declared_only() {
    let ask = |whose: &Whose, request: Value| {
        let Whose::Tenant(standing) = whose else { panic!("a tenant") };
        let review =
            json!({"apiVersion": review::API_VERSION, "kind": "AdmissionReview", "request": request});
        let request = review::read(review.to_string().as_bytes()).unwrap();
        across::to_ask(&request, standing).map_or(0, |(_, images)| images.len())
    };
    let named = |image: &str| with(good(), "/spec/containers/0", "image", json!(image));
    let (signing, without) = (signing(Mode::Enforce, &[KEYS]), signing(Mode::Enforce, &[]));
    assert_eq!(ask(&signing, create(good())), 1);
    assert_eq!(ask(&signing, create(named("registry.example/web:1"))), 0, "a tag");
    assert_eq!(ask(&signing, create(named(&format!("elsewhere.example/web@{DIGEST}")))), 0, "not declared");
    assert_eq!(ask(&without, create(good())), 0, "no key");
    assert_eq!(ask(&all(Mode::Enforce), create(good())), 0, "a level that does not ask for it");
    assert_eq!(ask(&signing, request("UPDATE", good(), good())), 0, "there before");
    assert_eq!(ask(&signing, request("UPDATE", good(), named("registry.example/web:1"))), 1, "a new one");
}
