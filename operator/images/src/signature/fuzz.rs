//! Bytes of anybody: nothing panics, and nothing verifies but what was signed.

use super::made::{INDEX, MANIFEST, Signer, blob, payload, statement, subject};
use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::LazyLock;

struct Made {
    subject: Subject,
    keys: Keys,
    /// Two documents that verify, and the signature of the first.
    text: String,
    signature: String,
    bundles: [String; 2],
}

static MADE: LazyLock<Made> = LazyLock::new(|| {
    let signer = Signer::p256();
    let subject = subject(MANIFEST);
    let text = payload(subject.digest()).to_string();
    Made {
        signature: signer.sign(text.as_bytes()),
        bundles: [signer.bundle(&statement(subject.digest())), signer.message(MANIFEST)]
            .map(|v| v.to_string()),
        keys: signer.keys(),
        text,
        subject,
    }
});

/// Puts, takes or changes one byte.
fn mutated(text: &str, at: usize, byte: u8, how: u8) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let at = at % bytes.len();
    match how % 3 {
        0 => bytes[at] = byte,
        1 => bytes.insert(at, byte),
        _ => drop(bytes.remove(at)),
    }
    bytes
}

proptest! {
    #[test]
    fn any_bytes_are_nothing(bytes in vec(any::<u8>(), 0..2000), signature in ".{0,200}") {
        let Made { subject, keys, .. } = &*MADE;
        prop_assert!(!matches!(simple(subject, keys, &blob(bytes.clone()), &signature), Judged::Verified(_)));
        prop_assert!(!matches!(bundle(subject, keys, &blob(bytes.clone())), Judged::Verified(_)));
        prop_assert!(Subject::read(subject.digest(), bytes.clone()).is_err());
        let _ = (detached_in(&bytes), referrers_in([bytes.as_slice()]), bundle_in(&blob(bytes.clone()), subject));
        let _ = Key::read("keys", "k", &String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_changed_payload_never_verifies(at: usize, byte: u8, how: u8) {
        let Made { subject, keys, text, signature, .. } = &*MADE;
        let changed = mutated(text, at, byte, how);
        prop_assume!(changed != text.as_bytes());
        prop_assert!(!matches!(simple(subject, keys, &blob(changed), signature), Judged::Verified(_)));
    }

    #[test]
    fn a_changed_bundle_never_verifies_another_image(at: usize, byte: u8, how: u8, which: bool) {
        let Made { keys, bundles, .. } = &*MADE;
        let changed = mutated(&bundles[usize::from(which)], at, byte, how);
        let other = super::made::subject(INDEX);
        prop_assert!(!matches!(bundle(&other, keys, &blob(changed)), Judged::Verified(_)));
    }

    #[test]
    fn a_signature_of_other_bytes_never_verifies(signature in vec(any::<u8>(), 0..120)) {
        use base64::Engine as _;
        let Made { subject, keys, text, .. } = &*MADE;
        let signature = base64::engine::general_purpose::STANDARD.encode(signature);
        prop_assert!(!matches!(simple(subject, keys, &blob(text.as_str()), &signature), Judged::Verified(_)));
    }
}
