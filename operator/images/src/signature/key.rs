//! Public keys as the platform declares them.

use super::limits;
use super::subject::computed;
use super::verdict::Refused;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, ParsedPublicKey,
    VerificationAlgorithm,
};
use rustls_pki_types::pem::{PemObject as _, SectionKind};
use snc_core::image::Digest;
use snc_core::text::Refusal;
use std::fmt;

/// What a `SubjectPublicKeyInfo` of each kind begins with in DER. All of it but the key itself is fixed, so that to
/// compare is to parse: no other curve, no parameters, no compressed points.
const P256: &[u8] = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
const P384: &[u8] =
    b"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00";
const EDWARDS: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

/// Of a signature, in bytes.
const ED25519_LENGTH: usize = 64;

type Algorithm = &'static dyn VerificationAlgorithm;

/// The name is the platform's, and is what a verdict says.
pub struct Key {
    name: String,
    fingerprint: Digest,
    /// With each hash that a signature of it may have.
    verifiers: Vec<ParsedPublicKey>,
    edwards: bool,
}

impl Key {
    pub fn read(path: &str, name: &str, pem: &str) -> Result<Self, Refusal> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || name.len() > limits::KEY_NAME || !name.bytes().all(good) {
            return Err(Refusal::new(
                format!("{path}.name"),
                name,
                "1 à 63 lettres, chiffres, « - », « _ », « . »",
                "1 to 63 letters, digits, \"-\", \"_\", \".\"",
            ));
        }
        let der = public_key(pem).map_err(|given| refusal(path, given))?;
        let (point, algorithms): (_, &[Algorithm]) = if let Some(point) = of(&der, P256, 65) {
            (point, &[&ECDSA_P256_SHA256_ASN1])
        } else if let Some(point) = of(&der, P384, 97) {
            // cosign before 3 signed with SHA-256 whatever the curve was.
            (point, &[&ECDSA_P384_SHA384_ASN1, &ECDSA_P384_SHA256_ASN1])
        } else if let Some(point) = of(&der, EDWARDS, 32) {
            (point, &[&ED25519])
        } else {
            return Err(refusal(path, "a public key of another kind"));
        };
        let verifiers: Result<Vec<_>, _> =
            algorithms.iter().map(|algorithm| ParsedPublicKey::new(*algorithm, point)).collect();
        let verifiers = verifiers.map_err(|_| refusal(path, "a point that is not on the curve"))?;
        let fingerprint = computed("sha256", &der).ok_or_else(|| refusal(path, "a key"))?;
        Ok(Self { name: name.to_owned(), fingerprint, verifiers, edwards: der.starts_with(EDWARDS) })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the key in DER.
    pub fn fingerprint(&self) -> &Digest {
        &self.fingerprint
    }

    pub(super) fn made(&self, signature: &[u8], message: &[u8]) -> bool {
        self.verifiers.iter().any(|verifier| verifier.verify_sig(message, signature).is_ok())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.fingerprint)
    }
}

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// The PEM file of a key that is written on one line, with the lines around it or without.
pub(super) fn framed(line: &str) -> String {
    let body = line.trim();
    let body = body.strip_prefix(BEGIN).unwrap_or(body);
    let body: String = body.strip_suffix(END).unwrap_or(body).split_whitespace().collect();
    format!("{BEGIN}\n{body}\n{END}\n")
}

/// The one section of a PEM file. What is refused is never quoted: it may be a private key.
fn public_key(pem: &str) -> Result<Vec<u8>, &'static str> {
    let sections: Result<Vec<(SectionKind, Vec<u8>)>, _> =
        <(SectionKind, Vec<u8>)>::pem_slice_iter(pem.as_bytes()).take(2).collect();
    let mut sections = sections.map_err(|_| "a damaged PEM file")?;
    match (sections.pop(), sections.is_empty()) {
        (Some((SectionKind::PublicKey, der)), true) => Ok(der),
        (Some((SectionKind::Certificate, _)), true) => Err("a certificate"),
        (
            Some((SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey, _)),
            true,
        ) => Err("a private key"),
        (Some(_), true) => Err("a PEM section of another kind"),
        (Some(_), false) => Err("several PEM sections"),
        (None, _) => Err("no section PUBLIC KEY"),
    }
}

fn of<'a>(der: &'a [u8], prefix: &[u8], length: usize) -> Option<&'a [u8]> {
    der.strip_prefix(prefix).filter(|point| point.len() == length)
}

fn refusal(path: &str, given: &str) -> Refusal {
    Refusal::new(
        format!("{path}.key"),
        given,
        "une clé publique PEM (PUBLIC KEY) : ECDSA P-256, ECDSA P-384 ou Ed25519 ; pas RSA, dont cosign signe avec le \
         bourrage PKCS #1 v1.5",
        "one public key in PEM (PUBLIC KEY): ECDSA P-256, ECDSA P-384 or Ed25519; not RSA, with which cosign signs in \
         PKCS #1 v1.5 padding",
    )
}

/// In the order of their names, so that a signature has one answer to who made it.
#[derive(Debug)]
pub struct Keys {
    all: Vec<Key>,
    fingerprint: Digest,
}

impl Keys {
    /// Names and PEM files.
    pub fn read<'a>(
        path: &str,
        declared: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Refusal> {
        let mut all: Vec<Key> = Vec::new();
        for (at, (name, pem)) in declared.into_iter().enumerate() {
            let path = format!("{path}[{at}]");
            let key = Key::read(&path, name, pem)?;
            if all.iter().any(|other| other.name == key.name || other.fingerprint == key.fingerprint) {
                return Err(Refusal::new(
                    path,
                    name,
                    "chaque nom et chaque clé une seule fois",
                    "each name and each key once",
                ));
            }
            all.push(key);
        }
        if all.is_empty() || all.len() > limits::KEYS {
            return Err(Refusal::new(path, all.len().to_string(), "1 à 16 clés", "1 to 16 keys"));
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        let parts: Vec<&str> = all.iter().flat_map(|key| [key.name(), key.fingerprint.as_str()]).collect();
        let fingerprint = computed("sha256", parts.join("\n").as_bytes())
            .ok_or_else(|| Refusal::new(path, "", "des clés", "keys"))?;
        Ok(Self { all, fingerprint })
    }

    /// Changes with every name and every key.
    pub fn fingerprint(&self) -> &Digest {
        &self.fingerprint
    }

    /// The one that made a signature of exactly this message. Hints and key identifiers that come with a signature are
    /// whatever somebody wrote there: every key is tried.
    pub(super) fn maker(&self, signature: &[u8], message: &[u8]) -> Result<&Key, Refused> {
        let maker = self.all.iter().find(|key| key.made(signature, message));
        maker.ok_or_else(|| {
            let edwards = signature.len() == ED25519_LENGTH && self.all.iter().any(|key| key.edwards);
            if edwards { Refused::MaybePrehashed } else { Refused::NoKeyMatches }
        })
    }
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
