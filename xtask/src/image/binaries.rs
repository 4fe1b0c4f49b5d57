//! Images of one static binary and nothing else: no shell, no libc, no account.

use super::{Config, Image, Layer, native_architecture};
use anyhow::{Context, Result};
use std::{collections::BTreeMap, fs, path::Path};

/// What the chart runs, as the chart's pods run.
pub fn operator(binary: &Path, architecture: &str, labels: BTreeMap<String, String>) -> Result<Image> {
    of("snc-operator", binary, "65532:65532", architecture, labels)
}

/// What the pods of the tests run, and what every pod of their node has as its sandbox.
pub fn pod(binary: &Path) -> Result<Image> {
    of("snc-pod", binary, "65534:65534", native_architecture(), BTreeMap::new())
}

fn of(
    name: &str,
    binary: &Path,
    user: &str,
    architecture: &str,
    labels: BTreeMap<String, String>,
) -> Result<Image> {
    let content = fs::read(binary).with_context(|| format!("read {}", binary.display()))?;
    let layer = Layer::default().file(name, 0o755, content)?;
    let config = Config {
        architecture: architecture.to_owned(),
        entrypoint: vec![format!("/{name}")],
        user: user.to_owned(),
        labels,
        ..Config::default()
    };
    Image::new(&config, &layer)
}
