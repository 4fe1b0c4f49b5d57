//! The newer form: a sigstore bundle, an artifact that refers to the image.

use super::BUNDLE_TYPE;
use super::json;
use super::key::Keys;
use super::limits;
use super::listing::{PREDICATE, Pointer};
use super::subject::{Blob, Subject, hash};
use super::verdict::{Judged, Refused, Unknown};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use snc_core::image::Digest;
use std::collections::BTreeMap;

const STATEMENT_PAYLOAD: &str = "application/vnd.in-toto+json";
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
pub(super) const SIGNED: &str = "https://sigstore.dev/cosign/sign/v1";

/// A manifest that refers to an image. What is unknown in it is let pass, as its specification asks: nobody signed it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    subject: Pointer,
    layers: Vec<Pointer>,
    annotations: Option<BTreeMap<String, String>>,
}

/// Where the bundle of such a manifest is; `None`, where it has none.
pub fn bundle_in(manifest: &Blob, subject: &Subject) -> Result<Option<Digest>, Unknown> {
    let artifact: Artifact = serde_json::from_slice(manifest.bytes()).map_err(|_| Unknown::Malformed)?;
    let predicate = artifact.annotations.as_ref().and_then(|annotations| annotations.get(PREDICATE));
    match artifact.layers.as_slice() {
        // A list that names what refers to another image is not to be believed in the rest either.
        _ if artifact.subject.digest != *subject.digest() => Err(Unknown::Malformed),
        // An attestation, which can be long: it is not fetched.
        _ if predicate.is_some_and(|predicate| predicate != SIGNED) => Ok(None),
        [layer] if layer.media_type == BUNDLE_TYPE => Ok(Some(layer.digest.clone())),
        _ => Ok(None),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Bundle {
    media_type: String,
    verification_material: Material,
    dsse_envelope: Option<Envelope>,
    message_signature: Option<Message>,
}

/// Log entries and time stamps prove when somebody signed. A key is good until it is taken out of the baseline, whenever
/// it signed, so that they are not looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Material {
    public_key: Option<Hint>,
    certificate: Option<IgnoredAny>,
    x509_certificate_chain: Option<IgnoredAny>,
    #[serde(rename = "tlogEntries")]
    _log: Option<Vec<IgnoredAny>>,
    #[serde(rename = "timestampVerificationData")]
    _time: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hint {
    #[serde(default, rename = "hint")]
    _hint: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    sig: String,
    #[serde(default, rename = "keyid")]
    _keyid: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Message {
    message_digest: MessageDigest,
    signature: String,
}

/// For who looks for a signature. Of one by Ed25519 it is empty.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageDigest {
    #[serde(default)]
    algorithm: String,
    #[serde(default)]
    digest: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Described>,
    predicate_type: String,
    #[serde(default, rename = "predicate")]
    _predicate: Option<Map<String, Value>>,
}

/// One digest, as cosign writes it: with two, a signature would be of two contents that nobody compared.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Described {
    digest: Digests,
    #[serde(default, rename = "name")]
    _name: String,
    #[serde(default, rename = "annotations")]
    _annotations: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Digests {
    sha256: Option<String>,
    sha512: Option<String>,
}

pub fn bundle(subject: &Subject, keys: &Keys, bytes: &Blob) -> Judged {
    match judge(subject, keys, bytes.bytes()) {
        Ok(Some(key)) => Judged::Verified(key),
        Ok(None) => Judged::NotASignature,
        Err(why) => Judged::Refused(why),
    }
}

fn judge(subject: &Subject, keys: &Keys, bytes: &[u8]) -> Result<Option<String>, Refused> {
    let Bundle { media_type, verification_material: material, dsse_envelope, message_signature } =
        json::read(bytes, limits::BUNDLE)?;
    let certified = material.certificate.is_some() || material.x509_certificate_chain.is_some();
    match (dsse_envelope, message_signature) {
        _ if media_type != BUNDLE_TYPE => Err(Refused::Malformed),
        (Some(envelope), None) if envelope.about_something_else() => Ok(None),
        _ if certified => Err(Refused::Keyless),
        _ if material.public_key.is_none() => Err(Refused::Malformed),
        (Some(envelope), None) => envelope.judge(subject, keys).map(Some),
        (None, Some(message)) => message.judge(subject, keys).map(Some),
        _ => Err(Refused::Malformed),
    }
}

impl Envelope {
    fn statement(&self) -> Result<Vec<u8>, Refused> {
        json::base64(&self.payload, limits::BUNDLE)
    }

    /// By its own word, which is enough to ignore it.
    fn about_something_else(&self) -> bool {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Kind {
            predicate_type: String,
        }
        let kind = self.statement().ok().and_then(|text| serde_json::from_slice::<Kind>(&text).ok());
        kind.is_some_and(|kind| kind.predicate_type != SIGNED)
    }

    fn judge(&self, subject: &Subject, keys: &Keys) -> Result<String, Refused> {
        let [signature] = self.signatures.as_slice() else { return Err(Refused::Malformed) };
        let signature = json::base64(&signature.sig, limits::SIGNATURE)?;
        let text = self.statement()?;
        let key = keys.maker(&signature, &encoded(&self.payload_type, &text))?;
        if self.payload_type != STATEMENT_PAYLOAD {
            return Err(Refused::OtherType);
        }
        let statement: Statement = json::read(&text, limits::PAYLOAD)?;
        if statement.kind != STATEMENT || statement.predicate_type != SIGNED {
            return Err(Refused::OtherType);
        }
        let [Described { digest, .. }] = statement.subject.as_slice() else { return Err(Refused::Malformed) };
        let asked = subject.digest();
        let named = match (&digest.sha256, &digest.sha512) {
            (Some(hex), None) => ("sha256", hex.as_str()),
            (None, Some(hex)) => ("sha512", hex.as_str()),
            _ => return Err(Refused::Malformed),
        };
        if named == (asked.algorithm(), asked.hex()) {
            Ok(key.name().to_owned())
        } else {
            Err(Refused::OtherDigest)
        }
    }
}

/// What DSSE signs: type and text with their lengths, so that neither can be read as a part of the other.
pub(super) fn encoded(kind: &str, text: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {kind} {} ", kind.len(), text.len()).into_bytes();
    message.extend_from_slice(text);
    message
}

impl Message {
    /// Signed are the manifest's own bytes.
    fn judge(&self, subject: &Subject, keys: &Keys) -> Result<String, Refused> {
        let signature = json::base64(&self.signature, limits::SIGNATURE)?;
        let said = json::base64(&self.message_digest.digest, limits::SIGNATURE)?;
        let algorithm = match self.message_digest.algorithm.as_str() {
            "SHA2_256" => Some("sha256"),
            "SHA2_512" => Some("sha512"),
            "" if said.is_empty() => None,
            _ => return Err(Refused::Malformed),
        };
        let key = keys.maker(&signature, subject.bytes())?;
        let is = algorithm.and_then(|algorithm| hash(algorithm, subject.bytes()));
        if is.is_some_and(|is| is.as_ref() != said) {
            return Err(Refused::OtherDigest);
        }
        Ok(key.name().to_owned())
    }
}

#[cfg(test)]
#[path = "bundle_tests.rs"]
mod tests;
