//! OCI images out of files, without a daemon: the same files make the same bytes, anywhere.

mod binaries;
mod layer;
mod layout;
mod signature;

pub use binaries::{operator, pod};
pub use layer::Layer;
pub(crate) use layer::gzip;
pub use layout::Layout;
pub(crate) use signature::{payload, signature};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fmt::Write as _};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// What a container of the image runs, and as whom.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// As Go names it: `amd64`, `arm64`.
    pub architecture: String,
    pub entrypoint: Vec<String>,
    pub command: Vec<String>,
    /// `uid:gid`; numbers, since an image from scratch knows no names.
    pub user: String,
    pub labels: BTreeMap<String, String>,
}

/// Blobs by their digests, and the manifest among them: one platform's image, or an index of several.
#[derive(Clone, Debug)]
pub struct Image {
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
    /// As an index names it.
    pub(crate) descriptor: Value,
}

impl Image {
    pub fn new(config: &Config, layer: &Layer) -> Result<Self> {
        let tar = layer.tar()?;
        let diff_id = digest(&tar);
        let compressed = gzip(&tar)?;
        let mut container = json!({
            "Entrypoint": config.entrypoint,
            "User": config.user,
            "WorkingDir": "/",
            "Env": ["PATH=/"],
        });
        if !config.command.is_empty() {
            container["Cmd"] = json!(config.command);
        }
        if !config.labels.is_empty() {
            container["Labels"] = json!(config.labels);
        }
        let description = bytes(&json!({
            "architecture": config.architecture,
            "os": "linux",
            "config": container,
            "rootfs": { "type": "layers", "diff_ids": [diff_id] },
        }))?;
        let manifest = bytes(&json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, &description),
            "layers": [descriptor(LAYER, &compressed)],
        }))?;
        let mut of_manifest = descriptor(MANIFEST, &manifest);
        of_manifest["platform"] = json!({ "architecture": config.architecture, "os": "linux" });
        let blobs = [description, compressed, manifest].map(|blob| (digest(&blob), blob));
        Ok(Self { blobs: blobs.into(), descriptor: of_manifest })
    }

    /// The images of several platforms under one digest.
    pub fn platforms(images: &[Self]) -> Result<Self> {
        let manifests: Vec<&Value> = images.iter().map(|image| &image.descriptor).collect();
        let index = bytes(&json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests }))?;
        let of_index = descriptor(INDEX, &index);
        let mut blobs: BTreeMap<String, Vec<u8>> =
            images.iter().flat_map(|image| image.blobs.clone()).collect();
        blobs.insert(digest(&index), index);
        Ok(Self { blobs, descriptor: of_index })
    }

    /// An annotation of the place where a layout names it; no digest changes by it.
    #[must_use]
    pub fn annotated(mut self, name: &str, value: &str) -> Self {
        self.descriptor["annotations"][name] = json!(value);
        self
    }

    /// `sha256:…` of the manifest.
    pub fn digest(&self) -> &str {
        self.descriptor["digest"].as_str().unwrap_or_default()
    }
}

pub(crate) fn descriptor(media_type: &str, blob: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": digest(blob), "size": blob.len() })
}

pub(crate) fn digest(blob: &[u8]) -> String {
    Sha256::digest(blob).iter().fold("sha256:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) fn bytes(value: &Value) -> Result<Vec<u8>> {
    serde_json::to_vec(value).context("write JSON")
}

/// This machine's, as Go names it.
pub const fn native_architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" }
}

#[cfg(test)]
mod tests;
