use super::super::made::{Signer, pem};
use super::*;
use rstest::rstest;

const MESSAGE: &[u8] = b"what was signed";

fn signature_of(signer: &Signer) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(signer.sign(MESSAGE)).unwrap()
}

#[rstest]
#[case(Signer::p256())]
#[case(Signer::p384())]
#[case(Signer::edwards())]
fn a_key_knows_what_it_made_and_nothing_else(#[case] signer: Signer) {
    let keys = signer.keys();
    let signature = signature_of(&signer);
    assert_eq!(keys.maker(&signature, MESSAGE).map(Key::name), Ok("release"));
    assert!(keys.maker(&signature, b"what was signes").is_err());
    assert!(keys.maker(&signature[..signature.len() - 1], MESSAGE).is_err());
    assert!(keys.maker(&[], MESSAGE).is_err());
    for other in [Signer::p256(), Signer::p384(), Signer::edwards()] {
        assert!(other.keys().maker(&signature, MESSAGE).is_err());
    }
}

/// A declared name is a name: never a pattern, never a prefix, and no key stands in for another.
#[test]
fn the_key_that_signed_is_the_one_that_is_named() {
    let signers = [Signer::p256(), Signer::p384(), Signer::edwards(), Signer::p256()];
    let names = ["b", ".*", "a", "b.b"];
    let files: Vec<String> = signers.iter().map(Signer::pem).collect();
    let keys = Keys::read("keys", names.iter().copied().zip(files.iter().map(String::as_str))).unwrap_err();
    assert_eq!(keys.path, "keys[1].name");
    let names = ["b", "c", "a", "b.b"];
    let keys = Keys::read("keys", names.iter().copied().zip(files.iter().map(String::as_str))).unwrap();
    for (signer, name) in signers.iter().zip(names) {
        assert_eq!(keys.maker(&signature_of(signer), MESSAGE).map(Key::name), Ok(name));
    }
}

#[rstest]
#[case("", "no section PUBLIC KEY")]
#[case("nothing of the kind", "no section PUBLIC KEY")]
#[case("-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n", "a damaged PEM file")]
#[case(&pem("PRIVATE KEY", b"secret"), "a private key")]
#[case(&pem("EC PRIVATE KEY", b"secret"), "a private key")]
#[case(&pem("CERTIFICATE", b"x"), "a certificate")]
#[case(&pem("PUBLIC KEY", b"x"), "a public key of another kind")]
#[case(&[pem("PUBLIC KEY", b"x"), pem("PUBLIC KEY", b"x")].concat(), "several PEM sections")]
#[case(&[pem("PUBLIC KEY", b"x"), pem("PRIVATE KEY", b"secret")].concat(), "several PEM sections")]
#[case(&pem("PUBLIC KEY", &[P256, &[4; 65]].concat()), "a point that is not on the curve")]
#[case(&pem("PUBLIC KEY", &[P256, &[0; 65]].concat()), "a point that is not on the curve")]
#[case(&pem("PUBLIC KEY", &[P256, &[4; 66]].concat()), "a public key of another kind")]
#[case(&pem("PUBLIC KEY", &[P384, &[4; 65]].concat()), "a public key of another kind")]
fn another_file_is_refused_and_never_quoted(#[case] file: &str, #[case] given: &str) {
    let refusal = Key::read("keys[0]", "release", file).unwrap_err();
    assert_eq!((refusal.path.as_str(), refusal.given.as_str()), ("keys[0].key", given));
    let message = format!("{refusal:?}");
    assert!(!message.contains("c2VjcmV0") && !message.contains("BEGIN"), "{message}");
}

/// Made by `openssl genrsa 4096` and `openssl ecparam -name secp256k1`, the keys themselves shortened.
#[rstest]
#[case(b"\x30\x82\x02\x22\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x82\x02\x0f\x00")]
#[case(b"\x30\x56\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x0a\x03\x42\x00\x04")]
fn another_algorithm_is_refused(#[case] der: &[u8]) {
    let refusal = Key::read("keys[0]", "release", &pem("PUBLIC KEY", der)).unwrap_err();
    assert_eq!(refusal.given, "a public key of another kind");
    assert!(refusal.accepted.fr.contains("P-384") && refusal.accepted.en.contains("not RSA"));
}

#[rstest]
#[case("")]
#[case("a b")]
#[case("é")]
#[case("^https://.*$")]
#[case(&"x".repeat(64))]
fn a_name_is_a_plain_word(#[case] name: &str) {
    assert_eq!(Key::read("keys[0]", name, &Signer::p256().pem()).unwrap_err().path, "keys[0].name");
}

#[test]
fn each_key_and_each_name_once_and_not_too_many() {
    let (one, two) = (Signer::p256().pem(), Signer::p256().pem());
    let read = |declared: &[(&str, &str)]| Keys::read("keys", declared.iter().copied());
    assert_eq!(read(&[]).unwrap_err().path, "keys");
    assert_eq!(read(&[("a", &one), ("a", &two)]).unwrap_err().path, "keys[1]");
    assert_eq!(read(&[("a", &one), ("b", &one)]).unwrap_err().path, "keys[1]");
    let many: Vec<(String, String)> =
        (0..=limits::KEYS).map(|at| (format!("k{at}"), Signer::edwards().pem())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, pem)| (name.as_str(), pem.as_str())).collect();
    assert_eq!(read(&many).unwrap_err().path, "keys");
    assert!(read(&many[1..]).is_ok());
}

#[test]
fn the_fingerprint_is_of_names_and_keys_in_any_order() {
    let (one, two) = (Signer::p256().pem(), Signer::p384().pem());
    let of = |declared: &[(&str, &str)]| {
        Keys::read("keys", declared.iter().copied()).unwrap().fingerprint().clone()
    };
    let base = of(&[("a", &one), ("b", &two)]);
    assert_eq!(base, of(&[("b", &two), ("a", &one)]));
    for other in [of(&[("a", &one)]), of(&[("a", &two), ("b", &one)]), of(&[("a", &one), ("c", &two)])] {
        assert_ne!(base, other);
    }
}

/// By `openssl dgst -sha256`; the library that is used here verifies such signatures and makes none.
#[test]
fn p384_with_sha256_counts_too() {
    use base64::Engine as _;
    const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEi7C6odubSE4xaqqbxPGezTkUswwcJWNbhKcMdql72qFO7RZOixFLr8FOZTzSQXmlqv44LDsgu3YRhpNSh7rrpEp88AlGySeAk1dfdf7gqSayrf6CtuFucRHnnmJYau47\n-----END PUBLIC KEY-----\n";
    const SIGNATURE: &str = "MGUCMQCrEWaoD24IHSn/mQnnbQbo24GjZdUqUrlAYHE5VVIjfeN/YzHdXEdA6VVREOJKFT0CMEXW2L/QzfLOyV3suwWx/obCRfW7Eh+v44O24fG2OI/o+cAjRgAEqrnkvFhoDSOBLw==";
    let keys = Keys::read("keys", [("old", KEY)]).unwrap();
    let signature = base64::engine::general_purpose::STANDARD.decode(SIGNATURE).unwrap();
    assert_eq!(keys.maker(&signature, MESSAGE).map(Key::name), Ok("old"));
    assert!(keys.maker(&signature, b"something else").is_err());
}

#[test]
fn what_may_be_ed25519ph_is_said_to_be_so() {
    let signer = Signer::edwards();
    let other = |keys: &Keys| keys.maker(&[7; 64], MESSAGE).map(Key::name).unwrap_err();
    assert_eq!(other(&signer.keys()), Refused::MaybePrehashed);
    assert_eq!(other(&Signer::p256().keys()), Refused::NoKeyMatches);
    assert_eq!(signer.keys().maker(&[7; 70], MESSAGE).map(Key::name), Err(Refused::NoKeyMatches));
}
