//! Keys that sign, and their public halves.

use crate::digest::Digest;
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, ParsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256; a signature is r and s, 32 bytes each.
    #[default]
    #[serde(rename = "ES256")]
    Es256,
    Ed25519,
}

/// The first half of the SHA-256 of the public key's DER, in hex: whoever has the key can compute it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct KeyId(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a key: 32 hexadecimal digits")]
pub struct NotAKeyId;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature(Vec<u8>);

/// `SubjectPublicKeyInfo`, DER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(Vec<u8>);

pub(crate) enum KeyPair {
    Es256(Box<EcdsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

/// The cryptographic library says no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed;

impl KeyPair {
    /// With its PKCS#8 document.
    pub(crate) fn generate(algorithm: Algorithm) -> Result<(Self, Vec<u8>), Failed> {
        match algorithm {
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| Failed)?;
                let document = pair.to_pkcs8v1().map_err(|_| Failed)?;
                Ok((Self::Es256(Box::new(pair)), document.as_ref().to_vec()))
            }
            Algorithm::Ed25519 => {
                let pair = Ed25519KeyPair::generate().map_err(|_| Failed)?;
                // Version 1: what other tools write, and read.
                let document = pair.to_pkcs8v1().map_err(|_| Failed)?;
                Ok((Self::Ed25519(Box::new(pair)), document.as_ref().to_vec()))
            }
        }
    }

    pub(crate) fn from_pkcs8(document: &[u8]) -> Result<Self, Failed> {
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document) {
            return Ok(Self::Es256(Box::new(pair)));
        }
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(document).map_err(|_| Failed)?;
        Ok(Self::Ed25519(Box::new(pair)))
    }

    pub(crate) const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Es256(_) => Algorithm::Es256,
            Self::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    pub(crate) fn public(&self) -> Result<PublicKey, Failed> {
        let der: PublicKeyX509Der<'_> = match self {
            Self::Es256(pair) => pair.public_key().as_der().map_err(|_| Failed)?,
            Self::Ed25519(pair) => pair.public_key().as_der().map_err(|_| Failed)?,
        };
        Ok(PublicKey(der.as_ref().to_vec()))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Signature, Failed> {
        match self {
            Self::Es256(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message).map_err(|_| Failed)?;
                Ok(Signature(signature.as_ref().to_vec()))
            }
            Self::Ed25519(pair) => {
                let signature = pair.try_sign(message).map_err(|_| Failed)?;
                Ok(Signature(signature.as_ref().to_vec()))
            }
        }
    }
}

impl PublicKey {
    pub fn id(&self) -> KeyId {
        let mut text = Digest::of(&self.0).to_string();
        text.truncate(32);
        KeyId(text)
    }

    pub(crate) fn parse(&self, algorithm: Algorithm) -> Option<ParsedPublicKey> {
        // A raw point would do for the library. It has another id.
        let spki = self.0.first() == Some(&0x30);
        match algorithm {
            _ if !spki => None,
            Algorithm::Es256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.0).ok(),
            Algorithm::Ed25519 => ParsedPublicKey::new(&ED25519, &self.0).ok(),
        }
    }
}

impl Signature {
    /// What stands there until it is signed. It is part of nothing that is.
    pub(crate) const fn none() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn is_of(&self, message: &[u8], key: &ParsedPublicKey) -> bool {
        key.verify_sig(message, &self.0).is_ok()
    }
}

impl KeyId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for KeyId {
    type Err = NotAKeyId;

    fn from_str(text: &str) -> Result<Self, NotAKeyId> {
        let fine = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        fine.then(|| Self(text.to_owned())).ok_or(NotAKeyId)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Es256 => "ES256",
            Self::Ed25519 => "Ed25519",
        })
    }
}

impl FromStr for Algorithm {
    type Err = snc_core::text::Refusal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "ES256" => Ok(Self::Es256),
            "Ed25519" => Ok(Self::Ed25519),
            _ => Err(snc_core::text::Refusal::new("algorithm", text, "ES256 ou Ed25519", "ES256 or Ed25519")),
        }
    }
}

macro_rules! as_base64 {
    ($kind:ty, $engine:expr) => {
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&$engine.encode(&self.0))
            }
        }

        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                $engine.decode(text).map(Self).map_err(de::Error::custom)
            }
        }
    };
}

as_base64!(Signature, URL_SAFE_NO_PAD);
// As in a PEM file: between the right two lines it is one.
as_base64!(PublicKey, STANDARD);

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    fn a_key_is_read_back_and_signs(#[values(Algorithm::Es256, Algorithm::Ed25519)] algorithm: Algorithm) {
        let (pair, document) = KeyPair::generate(algorithm).unwrap();
        let again = KeyPair::from_pkcs8(&document).unwrap();
        assert_eq!((again.algorithm(), again.public().unwrap()), (algorithm, pair.public().unwrap()));
        let public = pair.public().unwrap().parse(algorithm).unwrap();
        let signature = again.sign(b"message").unwrap();
        assert!(signature.is_of(b"message", &public));
        assert!(!signature.is_of(b"massage", &public));
        let (other, _) = KeyPair::generate(algorithm).unwrap();
        assert!(!signature.is_of(b"message", &other.public().unwrap().parse(algorithm).unwrap()));
        let json = serde_json::to_string(&signature).unwrap();
        assert_eq!(serde_json::from_str::<Signature>(&json).unwrap(), signature);
    }

    #[test]
    fn a_key_is_of_one_algorithm_and_one_encoding() {
        let (pair, _) = KeyPair::generate(Algorithm::Es256).unwrap();
        let public = pair.public().unwrap();
        assert!(public.parse(Algorithm::Ed25519).is_none());
        let point = public.0[public.0.len() - 65..].to_vec();
        assert!(ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).is_ok());
        assert!(PublicKey(point).parse(Algorithm::Es256).is_none());
        assert!(KeyPair::from_pkcs8(b"no key").is_err());
    }

    #[test]
    fn an_id_is_hexadecimal() {
        assert_eq!("00ff".repeat(8).parse::<KeyId>().unwrap().as_str(), "00ff".repeat(8));
        assert!("00FF".repeat(8).parse::<KeyId>().is_err());
        assert!("../x".repeat(8).parse::<KeyId>().is_err());
    }
}
