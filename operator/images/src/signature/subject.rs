use super::verdict::Unknown;
use aws_lc_rs::digest::{SHA256, SHA512, digest};
use serde::Deserialize;
use serde::de::IgnoredAny;
use snc_core::image::Digest;
use std::fmt::Write as _;

/// Bytes that are what their digest says, since it was computed from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    digest: Digest,
    bytes: Vec<u8>,
}

impl Blob {
    /// `asked` is the digest that somebody asked for, never one that came with the bytes.
    pub fn read(asked: &Digest, bytes: Vec<u8>) -> Result<Self, Unknown> {
        if computed(asked.algorithm(), &bytes).as_ref() != Some(asked) {
            return Err(Unknown::WrongDigest);
        }
        Ok(Self { digest: asked.clone(), bytes })
    }

    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The manifest or the index that a pod names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject(Blob);

#[derive(Deserialize)]
struct Shape {
    #[serde(rename = "schemaVersion")]
    schema_version: u32,
    layers: Option<IgnoredAny>,
    manifests: Option<IgnoredAny>,
}

impl Subject {
    pub fn read(asked: &Digest, bytes: Vec<u8>) -> Result<Self, Unknown> {
        let blob = Blob::read(asked, bytes)?;
        let shape: Shape = serde_json::from_slice(&blob.bytes).map_err(|_| Unknown::Malformed)?;
        // One that is both is read as one thing here and as another by a container runtime.
        match (shape.schema_version, shape.layers.is_some(), shape.manifests.is_some()) {
            (2, true, false) | (2, false, true) => Ok(Self(blob)),
            _ => Err(Unknown::Malformed),
        }
    }

    pub fn digest(&self) -> &Digest {
        &self.0.digest
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }
}

pub(super) fn hash(algorithm: &str, bytes: &[u8]) -> Option<aws_lc_rs::digest::Digest> {
    match algorithm {
        "sha256" => Some(digest(&SHA256, bytes)),
        "sha512" => Some(digest(&SHA512, bytes)),
        _ => None,
    }
}

pub fn computed(algorithm: &str, bytes: &[u8]) -> Option<Digest> {
    let mut text = format!("{algorithm}:");
    for byte in hash(algorithm, bytes)?.as_ref() {
        let _ = write!(text, "{byte:02x}");
    }
    Digest::parse(&text)
}

#[cfg(test)]
mod tests {
    use super::super::made::{INDEX, MANIFEST, sha256};
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(MANIFEST)]
    #[case(INDEX)]
    fn is_what_its_digest_says(#[case] text: &str) {
        for algorithm in ["sha256", "sha512"] {
            let digest = computed(algorithm, text.as_bytes()).unwrap();
            assert_eq!(Subject::read(&digest, text.into()).unwrap().digest(), &digest);
        }
    }

    #[test]
    fn other_bytes_than_those_asked_for_are_nothing() {
        let digest = sha256(MANIFEST.as_bytes());
        for other in [INDEX, "", &format!("{MANIFEST} ")] {
            assert_eq!(Subject::read(&digest, other.into()), Err(Unknown::WrongDigest));
        }
    }

    #[rstest]
    #[case(r#"{"schemaVersion":2,"layers":[],"manifests":[]}"#)]
    #[case(r#"{"schemaVersion":2,"layers":[],"layers":[]}"#)]
    #[case(r#"{"schemaVersion":1,"layers":[]}"#)]
    #[case(r#"{"schemaVersion":2}"#)]
    #[case(r#"{"layers":[]}"#)]
    #[case("[]")]
    #[case("<html>")]
    fn what_is_no_manifest_or_two_at_once_is_refused(#[case] text: &str) {
        let digest = sha256(text.as_bytes());
        assert_eq!(Subject::read(&digest, text.into()), Err(Unknown::Malformed), "{text}");
    }
}
