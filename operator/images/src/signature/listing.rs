//! Where the signatures of an image are: the manifest under cosign's tag, and the list of what refers to the image.

use super::verdict::Unknown;
use super::{BUNDLE_TYPE, bundle::SIGNED, limits};
use serde::Deserialize;
use snc_core::image::Digest;
use std::collections::{BTreeMap, BTreeSet};

const PAYLOAD_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
pub(super) const PREDICATE: &str = "dev.sigstore.bundle.predicateType";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pointer {
    pub(super) media_type: String,
    pub(super) digest: Digest,
    artifact_type: Option<String>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

impl Pointer {
    fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(name).map(String::as_str)
    }
}

/// `sha256-….sig`. The name of a `sha512` digest would be longer than a tag can be.
pub fn signature_tag(digest: &Digest) -> Option<String> {
    (digest.algorithm() == "sha256").then(|| format!("sha256-{}.sig", digest.hex()))
}

/// Where registries that cannot list what refers to an image have that list, cut to the length that the specification
/// gives it.
pub fn referrers_tag(digest: &Digest) -> String {
    let hex = digest.hex();
    format!("{}-{}", digest.algorithm(), hex.get(..64).unwrap_or(hex))
}

/// A text, and its signature in base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detached {
    pub payload: Digest,
    pub signature: String,
}

/// At most [`limits::SIGNATURES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    pub all: Vec<T>,
    pub truncated: bool,
}

impl<T> Listed<T> {
    fn of(mut all: Vec<T>) -> Self {
        let truncated = all.len() > limits::SIGNATURES;
        all.truncate(limits::SIGNATURES);
        Self { all, truncated }
    }
}

/// The manifest under cosign's tag, its signatures in the order in which they were added.
pub fn detached_in(manifest: &[u8]) -> Result<Listed<Detached>, Unknown> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Manifest {
        schema_version: u32,
        layers: Vec<Pointer>,
    }
    let manifest: Manifest = serde_json::from_slice(manifest).map_err(|_| Unknown::Malformed)?;
    if manifest.schema_version != 2 {
        return Err(Unknown::Malformed);
    }
    let signature = |layer: Pointer| {
        let signature = layer.annotation(SIGNATURE)?.to_owned();
        (layer.media_type == PAYLOAD_TYPE).then_some(Detached { payload: layer.digest, signature })
    };
    Ok(Listed::of(manifest.layers.into_iter().filter_map(signature).collect()))
}

/// Manifests that may hold a bundle, of the pages of one list, in the order of their digests: registries promise none,
/// and which of them are looked at must not be theirs to choose anew each time.
pub fn referrers_in<'a>(pages: impl IntoIterator<Item = &'a [u8]>) -> Result<Listed<Digest>, Unknown> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Index {
        schema_version: u32,
        manifests: Vec<Pointer>,
    }
    let mut found = BTreeSet::new();
    for page in pages {
        let index: Index = serde_json::from_slice(page).map_err(|_| Unknown::Malformed)?;
        if index.schema_version != 2 {
            return Err(Unknown::Malformed);
        }
        found.extend(index.manifests.into_iter().filter(may_be_a_signature).map(|pointer| pointer.digest));
    }
    Ok(Listed::of(found.into_iter().collect()))
}

/// By what the list says, which nobody signed: whoever lies here hides a signature, as by leaving it out.
fn may_be_a_signature(pointer: &Pointer) -> bool {
    let kind = pointer.artifact_type.as_deref();
    let predicate = pointer.annotation(PREDICATE);
    kind.is_none_or(|kind| kind == BUNDLE_TYPE) && predicate.is_none_or(|predicate| predicate == SIGNED)
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
