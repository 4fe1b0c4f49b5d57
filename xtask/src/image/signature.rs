//! A signature of an image as cosign keeps it: an artifact beside the image, under a tag that its digest makes.

use super::{CONFIG, Image, MANIFEST, bytes, descriptor, digest};
use anyhow::Result;
use serde_json::json;

const PAYLOAD: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";

/// What is signed: "simple signing" names the repository and the digest.
pub(crate) fn payload(repository: &str, image: &Image) -> Result<Vec<u8>> {
    bytes(&json!({
        "critical": {
            "identity": { "docker-reference": repository },
            "image": { "docker-manifest-digest": image.digest() },
            "type": "cosign container image signature",
        },
        "optional": null,
    }))
}

/// The payload with its signature in base64, and the tag that it goes under: `sha256-….sig`.
pub(crate) fn signature(image: &Image, payload: Vec<u8>, signed: &str) -> Result<(String, Image)> {
    let config = bytes(&json!({
        "architecture": "",
        "os": "",
        "config": {},
        "rootfs": { "type": "layers", "diff_ids": [digest(&payload)] },
    }))?;
    let mut layer = descriptor(PAYLOAD, &payload);
    layer["annotations"] = json!({ SIGNATURE: signed });
    let manifest = bytes(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(CONFIG, &config),
        "layers": [layer],
    }))?;
    let of_manifest = descriptor(MANIFEST, &manifest);
    let blobs = [config, payload, manifest].map(|blob| (digest(&blob), blob));
    let tag = format!("{}.sig", image.digest().replacen(':', "-", 1));
    Ok((tag, Image { blobs: blobs.into(), descriptor: of_manifest }))
}
