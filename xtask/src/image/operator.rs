//! The image that the chart runs.

use super::{Config, Image, Layer};
use anyhow::{Context, Result};
use std::{collections::BTreeMap, fs, path::Path};

/// As the chart's pods run.
const USER: &str = "65532:65532";

/// The one static binary and nothing else: no shell, no libc, no account.
pub fn operator(binary: &Path, architecture: &str, labels: BTreeMap<String, String>) -> Result<Image> {
    let content = fs::read(binary).with_context(|| format!("read {}", binary.display()))?;
    let layer = Layer::default().file("snc-operator", 0o755, content)?;
    let config = Config {
        architecture: architecture.to_owned(),
        entrypoint: vec!["/snc-operator".to_owned()],
        user: USER.to_owned(),
        labels,
        ..Config::default()
    };
    Image::new(&config, &layer)
}
