//! Images as an OCI image layout: a directory, or the archive of one that container runtimes import.

use super::{INDEX, Image, bytes, descriptor};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::Path};

const VERSION_FILE: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

#[derive(Debug, Default)]
pub struct Layout {
    blobs: BTreeMap<String, Vec<u8>>,
    manifests: Vec<Value>,
}

impl Layout {
    /// An image under a full name such as `localhost/pause:1`.
    #[must_use]
    pub fn image(mut self, name: &str, image: &Image) -> Self {
        self.blobs.extend(image.blobs.clone());
        self.name(image.descriptor.clone(), name);
        self
    }

    /// One name for the images of several platforms.
    pub fn platforms(mut self, name: &str, images: &[Image]) -> Result<Self> {
        let manifests: Vec<&Value> = images.iter().map(|image| &image.descriptor).collect();
        let index = bytes(&json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests }))?;
        let of_index = descriptor(INDEX, &index);
        for image in images {
            self.blobs.extend(image.blobs.clone());
        }
        self.blobs.insert(super::digest(&index), index);
        self.name(of_index, name);
        Ok(self)
    }

    fn name(&mut self, mut descriptor: Value, name: &str) {
        let tag = name.rsplit_once(':').map_or("latest", |(_, tag)| tag);
        descriptor["annotations"] = json!({
            "io.containerd.image.name": name,
            "org.opencontainers.image.ref.name": tag,
        });
        self.manifests.push(descriptor);
    }

    fn files(&self) -> Result<BTreeMap<String, Vec<u8>>> {
        let index = bytes(&json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": self.manifests }))?;
        let mut files = BTreeMap::from([
            ("oci-layout".to_owned(), VERSION_FILE.to_vec()),
            ("index.json".to_owned(), index),
        ]);
        for (digest, blob) in &self.blobs {
            files.insert(format!("blobs/{}", digest.replacen(':', "/", 1)), blob.clone());
        }
        Ok(files)
    }

    pub fn write_dir(&self, dir: &Path) -> Result<()> {
        for (name, content) in self.files()? {
            let path = dir.join(&name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
            }
            fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
        }
        Ok(())
    }

    pub fn write_archive(&self, path: &Path) -> Result<()> {
        let mut layer = super::Layer::default();
        for (name, content) in self.files()? {
            layer = layer.file(&name, 0o644, content)?;
        }
        fs::write(path, layer.tar()?).with_context(|| format!("write {}", path.display()))
    }
}
