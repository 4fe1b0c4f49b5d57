//! The older form: a text that names a digest, in a layer, and the signature of that text in an annotation.

use super::json;
use super::key::Keys;
use super::limits;
use super::subject::{Blob, Subject};
use super::verdict::{Judged, Refused};
use serde::Deserialize;
use serde_json::{Map, Value};

const TYPE: &str = "cosign container image signature";

/// "Simple signing", as cosign and podman write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    critical: Critical,
    /// Annotations of whoever signs.
    #[serde(default, rename = "optional")]
    _optional: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Critical {
    #[serde(rename = "identity")]
    _identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

/// Must be there and is compared with nothing: a mirror serves the same content under another name, and bundles name no
/// repository at all (ADR 0016).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    #[serde(rename = "docker-reference")]
    _docker_reference: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

/// `signature` as the annotation has it.
pub fn simple(subject: &Subject, keys: &Keys, payload: &Blob, signature: &str) -> Judged {
    match judge(subject, keys, payload.bytes(), signature) {
        Ok(key) => Judged::Verified(key),
        Err(why) => Judged::Refused(why),
    }
}

fn judge(subject: &Subject, keys: &Keys, payload: &[u8], signature: &str) -> Result<String, Refused> {
    if payload.len() > limits::PAYLOAD {
        return Err(Refused::TooLarge);
    }
    let signature = json::base64(signature, limits::SIGNATURE)?;
    let key = keys.maker(&signature, payload)?;
    // Only now is the text anybody's word.
    let Critical { image, kind, .. } = json::read::<Payload>(payload, limits::PAYLOAD)?.critical;
    if kind != TYPE {
        return Err(Refused::OtherType);
    }
    if image.digest != subject.digest().as_str() {
        return Err(Refused::OtherDigest);
    }
    Ok(key.name().to_owned())
}

#[cfg(test)]
#[path = "simple_tests.rs"]
mod tests;
