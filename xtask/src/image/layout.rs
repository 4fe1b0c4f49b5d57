//! Images as an OCI image layout: a directory, or the archive of one that container runtimes import.

use super::{INDEX, Image, bytes};
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
    /// An image, or the images of several platforms, under a full name such as `localhost/pause:1`.
    #[must_use]
    pub fn image(mut self, name: &str, image: &Image) -> Self {
        self.blobs.extend(image.blobs.clone());
        self.name(image.descriptor.clone(), name);
        self
    }

    fn name(&mut self, mut descriptor: Value, name: &str) {
        // What follows a colon is a tag only behind the last slash: before it, it is a registry's port.
        let last = name.rsplit('/').next().unwrap_or(name);
        let tag = last.rsplit_once(':').map_or("latest", |(_, tag)| tag);
        descriptor["annotations"]["io.containerd.image.name"] = json!(name);
        descriptor["annotations"]["org.opencontainers.image.ref.name"] = json!(tag);
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

    pub fn archive(&self) -> Result<Vec<u8>> {
        let mut layer = super::Layer::default();
        for (name, content) in self.files()? {
            layer = layer.file(&name, 0o644, content)?;
        }
        layer.tar()
    }

    pub fn write_archive(&self, path: &Path) -> Result<()> {
        fs::write(path, self.archive()?).with_context(|| format!("write {}", path.display()))
    }
}
