//! What `cargo xtask release` made, as a platform team has it before it installs.

use anyhow::{Context, Result};
use serde_json::Value;
use std::{fs, path::PathBuf};
use xtask::harness::workspace;

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub struct Release {
    pub chart: PathBuf,
    /// Repository and digest, for `helm install --values`.
    pub values: PathBuf,
    /// An archive of an OCI layout.
    pub image: PathBuf,
    pub repository: String,
    pub digest: String,
}

impl Release {
    pub fn of_tests() -> Result<Self> {
        let dir = workspace::release_of_tests();
        let values = dir.join("values-image.yaml");
        let text = fs::read_to_string(&values)
            .with_context(|| format!("{}: `cargo xtask test --only node` makes it", values.display()))?;
        let read: Value = serde_saphyr::from_str(&text)?;
        let field = |name: &str| {
            read["image"][name].as_str().map(str::to_owned).with_context(|| format!("no {name}: {text}"))
        };
        Ok(Self {
            chart: dir.join(format!("snc-operator-{VERSION}.tgz")),
            image: dir.join(format!("snc-operator_{VERSION}_image.tar")),
            repository: field("repository")?,
            digest: field("digest")?,
            values,
        })
    }

    /// As the archive names it.
    pub fn tagged(&self) -> String {
        format!("{}:{VERSION}", self.repository)
    }

    /// As the pods name it.
    pub fn by_digest(&self) -> String {
        format!("{}@{}", self.repository, self.digest)
    }
}
