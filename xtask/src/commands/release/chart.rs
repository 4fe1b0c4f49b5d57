//! The charts as one file each, the image by digest, and what `kubectl apply` takes instead.

use super::checksums::Files;
use crate::{
    harness::{Client, KUBERNETES_VERSION, workspace},
    image::{Layer, gzip},
};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::json;
use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

const NAMESPACE: &str = "snc-system";
pub(super) const VALUES: &str = "values-image.yaml";
const OPERATOR: &str = "snc-operator";
const CRDS: &str = "snc-crds";

/// What is made of the charts.
pub(super) struct Chart<'a> {
    pub(super) client: &'a Client,
    /// Of the repository that is released.
    pub(super) root: &'a Path,
    pub(super) version: &'a str,
    pub(super) repository: &'a str,
    pub(super) digest: &'a str,
}

impl Chart<'_> {
    pub(super) fn files(&self) -> Result<Files> {
        let scratch = tempfile::tempdir()?;
        let (name, package) = self.package(scratch.path(), OPERATOR)?;
        let (crds_name, crds) = self.package(scratch.path(), CRDS)?;
        let values = values(self.repository, self.digest)?;
        let (chart_file, values_file) = (scratch.path().join("chart.tgz"), scratch.path().join(VALUES));
        fs::write(&chart_file, &package)?;
        fs::write(&values_file, &values)?;
        let install = self.install(&chart_file, &values_file)?;
        Ok([
            (name, package),
            (crds_name, crds),
            (VALUES.to_owned(), values.into()),
            ("install.yaml".to_owned(), install.into()),
        ]
        .into())
    }

    fn dir(&self, chart: &str) -> PathBuf {
        self.root.join("charts").join(chart)
    }

    /// By helm, which knows what to leave out, and then without the times that it writes.
    fn package(&self, scratch: &Path, chart: &str) -> Result<(String, Vec<u8>)> {
        let name = format!("{chart}-{}.tgz", self.version);
        let (chart, destination) = (self.dir(chart), scratch.join("helm"));
        check_version(&fs::read_to_string(chart.join("Chart.yaml"))?, self.version)?;
        self.client.helm_ok([
            "package".as_ref(),
            chart.as_os_str(),
            "--destination".as_ref(),
            destination.as_os_str(),
        ])?;
        let made = destination.join(&name);
        let package = fs::read(&made).with_context(|| made.display().to_string())?;
        Ok((name, normalized(&package)?))
    }

    /// CRDs first. Without hooks: applied, they would uninstall.
    fn install(&self, chart: &Path, values: &Path) -> Result<String> {
        let version = format!("--kube-version={KUBERNETES_VERSION}");
        let namespace = format!("--namespace={NAMESPACE}");
        let values = format!("--values={}", values.display());
        let chart = chart.to_string_lossy();
        let rendered =
            self.client.helm_ok(["template", "snc", &chart, &namespace, "--no-hooks", &version, &values])?;
        let mut crds = Vec::new();
        for path in workspace::files(&self.dir(OPERATOR).join("crds"), "yaml")? {
            crds.push(fs::read_to_string(&path).with_context(|| path.display().to_string())?);
        }
        joined(&crds, &rendered)
    }
}

fn joined(crds: &[String], rendered: &str) -> Result<String> {
    if rendered.contains("helm.sh/hook:") {
        bail!("the rendered chart has hooks: `kubectl apply` would run them");
    }
    let namespace = serde_saphyr::to_string(&json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": NAMESPACE, "labels": { "pod-security.kubernetes.io/enforce": "restricted" } },
    }))?;
    let documents = crds.iter().map(String::as_str).chain([namespace.as_str(), rendered]);
    let documents: Vec<&str> = documents.map(|text| text.trim().trim_start_matches("---\n")).collect();
    Ok(format!("{}\n", documents.join("\n---\n")))
}

fn values(repository: &str, digest: &str) -> Result<String> {
    let values =
        serde_saphyr::to_string(&json!({ "image": { "repository": repository, "digest": digest } }))?;
    Ok(format!("# The image of this release: helm install … --values {VALUES}\n{values}"))
}

fn check_version(chart: &str, version: &str) -> Result<()> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Chart {
        version: String,
        app_version: String,
    }
    let chart: Chart = serde_saphyr::from_str(chart).context("Chart.yaml")?;
    if chart.version != version || chart.app_version != version {
        bail!(
            "Chart.yaml has version {} and appVersion {}, the workspace {version}: all three are one",
            chart.version,
            chart.app_version
        );
    }
    Ok(())
}

/// The same files in one order, of nobody and of no time.
fn normalized(package: &[u8]) -> Result<Vec<u8>> {
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(package).read_to_end(&mut tar).context("unpack what helm packed")?;
    let mut layer = Layer::default();
    for entry in tar::Archive::new(tar.as_slice()).entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path()?.to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        layer = layer.file(&path, 0o644, content)?;
    }
    gzip(&layer.tar()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(files: &[(&str, &str)], time: u64) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, content) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_mtime(time);
            header.set_mode(0o600);
            header.set_uid(1000);
            archive.append_data(&mut header, path, content.as_bytes()).unwrap();
        }
        gzip(&archive.into_inner().unwrap()).unwrap()
    }

    #[test]
    fn neither_times_nor_orders_nor_owners_show() {
        let one = packed(&[("snc/Chart.yaml", "a"), ("snc/values.yaml", "b")], 1);
        let two = packed(&[("snc/values.yaml", "b"), ("snc/Chart.yaml", "a")], 2);
        assert_ne!(one, two);
        assert_eq!(normalized(&one).unwrap(), normalized(&two).unwrap());
        let other = packed(&[("snc/Chart.yaml", "a"), ("snc/values.yaml", "c")], 1);
        assert_ne!(normalized(&one).unwrap(), normalized(&other).unwrap());
    }

    #[test]
    fn an_archive_that_leaves_its_directory_is_refused() {
        assert!(normalized(b"no archive").is_err());
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..4].copy_from_slice(b"../a");
        header.set_size(0);
        header.set_cksum();
        archive.append(&header, std::io::empty()).unwrap();
        assert!(normalized(&gzip(&archive.into_inner().unwrap()).unwrap()).is_err());
    }

    #[test]
    fn crds_come_first_then_the_namespace_then_the_rest() {
        let crds = ["# a\nkind: CustomResourceDefinition\n".to_owned()];
        let made = joined(&crds, "---\n# Source\nkind: Deployment\n").unwrap();
        let kinds: Vec<&str> = made.lines().filter_map(|line| line.strip_prefix("kind: ")).collect();
        assert_eq!(kinds, ["CustomResourceDefinition", "Namespace", "Deployment"]);
        assert_eq!(made.matches("---\n").count(), 2);
        assert!(joined(&crds, "metadata:\n  annotations:\n    helm.sh/hook: pre-delete\n").is_err());
    }

    #[test]
    fn the_values_are_read_back_as_they_were_meant() {
        let text = values("registry.example/snc-operator", "sha256:ab").unwrap();
        let read: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        let image = json!({ "repository": "registry.example/snc-operator", "digest": "sha256:ab" });
        assert_eq!(read, json!({ "image": image }));
    }

    #[test]
    fn a_chart_of_another_version_is_refused_with_both() {
        check_version("version: 0.1.0\nappVersion: 0.1.0\n", "0.1.0").unwrap();
        let refusal = check_version("version: 0.1.0\nappVersion: 0.2.0\n", "0.1.0").unwrap_err().to_string();
        assert!(refusal.contains("0.2.0") && refusal.contains("0.1.0"), "{refusal}");
    }
}
