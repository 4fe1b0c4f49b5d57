//! Keys and signatures for the tests, made as cosign makes them.

use super::bundle::{SIGNED, encoded};
use super::subject::{Blob, Subject, computed};
use super::{BUNDLE_TYPE, Keys};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use snc_core::image::Digest;

pub(super) const MANIFEST: &str = r#"{"schemaVersion":2,"config":{},"layers":[]}"#;
pub(super) const INDEX: &str = r#"{"schemaVersion":2,"manifests":[{"digest":"sha256:00"}]}"#;

pub(super) fn sha256(bytes: &[u8]) -> Digest {
    computed("sha256", bytes).unwrap()
}

pub(super) fn subject(manifest: &str) -> Subject {
    Subject::read(&sha256(manifest.as_bytes()), manifest.into()).unwrap()
}

pub(super) fn blob(bytes: impl Into<Vec<u8>>) -> Blob {
    let bytes = bytes.into();
    Blob::read(&sha256(&bytes), bytes).unwrap()
}

pub(super) enum Signer {
    Ecdsa(EcdsaKeyPair),
    Edwards(Ed25519KeyPair),
}

impl Signer {
    fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm) -> Self {
        Self::Ecdsa(EcdsaKeyPair::generate(algorithm).unwrap())
    }

    pub(super) fn p256() -> Self {
        Self::ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING)
    }

    pub(super) fn p384() -> Self {
        Self::ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING)
    }

    pub(super) fn edwards() -> Self {
        Self::Edwards(Ed25519KeyPair::generate().unwrap())
    }

    pub(super) fn pem(&self) -> String {
        let der: PublicKeyX509Der<'_> = match self {
            Self::Ecdsa(pair) => pair.public_key().as_der().unwrap(),
            Self::Edwards(pair) => pair.public_key().as_der().unwrap(),
        };
        pem("PUBLIC KEY", der.as_ref())
    }

    pub(super) fn sign(&self, message: &[u8]) -> String {
        let signature = match self {
            Self::Ecdsa(pair) => pair.sign(&SystemRandom::new(), message).unwrap(),
            Self::Edwards(pair) => pair.sign(message),
        };
        STANDARD.encode(signature)
    }

    pub(super) fn keys(&self) -> Keys {
        Keys::read("keys", [("release", self.pem().as_str())]).unwrap()
    }

    /// The bundle that `cosign sign` writes.
    pub(super) fn bundle(&self, statement: &Value) -> Value {
        let text = statement.to_string();
        let signature = self.sign(&encoded("application/vnd.in-toto+json", text.as_bytes()));
        json!({
            "mediaType": BUNDLE_TYPE,
            "verificationMaterial": { "publicKey": { "hint": "whatever" }, "tlogEntries": [] },
            "dsseEnvelope": {
                "payload": STANDARD.encode(text),
                "payloadType": "application/vnd.in-toto+json",
                "signatures": [{ "sig": signature }],
            },
        })
    }

    /// The bundle that `cosign sign-blob` writes of a manifest.
    pub(super) fn message(&self, manifest: &str) -> Value {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, manifest.as_bytes());
        json!({
            "mediaType": BUNDLE_TYPE,
            "verificationMaterial": { "publicKey": { "hint": "whatever" } },
            "messageSignature": {
                "messageDigest": { "algorithm": "SHA2_256", "digest": STANDARD.encode(hash) },
                "signature": self.sign(manifest.as_bytes()),
            },
        })
    }
}

pub(super) fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

pub(super) fn payload(digest: &Digest) -> Value {
    json!({
        "critical": {
            "identity": { "docker-reference": "r.example/shop/app" },
            "image": { "docker-manifest-digest": digest },
            "type": "cosign container image signature",
        },
        "optional": null,
    })
}

pub(super) fn statement(digest: &Digest) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "digest": { digest.algorithm(): digest.hex() } }],
        "predicateType": SIGNED,
        "predicate": {},
    })
}
