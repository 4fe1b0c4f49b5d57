//! `kubectl snc` for krew: an archive for each platform, and the manifest that names them.

use super::{checksums::sha256, platform::Platform};
use crate::image::{Layer, gzip};
use anyhow::{Result, bail};
use serde_json::{Value, json};

pub(super) fn archive_name(version: &str, platform: Platform) -> String {
    format!("kubectl-snc_{version}_linux_{}.tar.gz", platform.name())
}

pub(super) fn archive(binary: &[u8], license: &[u8]) -> Result<Vec<u8>> {
    let files = Layer::default().file("kubectl-snc", 0o755, binary)?.file("LICENSE", 0o644, license)?;
    gzip(&files.tar()?)
}

/// Without a place to download from, the addresses are the files' names: krew then takes the archive from
/// `--archive` and asks nobody.
pub(super) fn manifest(
    version: &str,
    download: Option<&str>,
    archives: &[(Platform, Vec<u8>)],
) -> Result<String> {
    let base = match download {
        None => String::new(),
        Some(url) if url.starts_with("https://") => format!("{}/", url.trim_end_matches('/')),
        Some(other) => bail!("--download-url {other:?}: accepted is an address that begins with https://"),
    };
    let platforms: Vec<Value> = archives
        .iter()
        .map(|(platform, archive)| {
            json!({
                "selector": { "matchLabels": { "os": "linux", "arch": platform.name() } },
                "uri": format!("{base}{}", archive_name(version, *platform)),
                "sha256": sha256(archive),
                "bin": "kubectl-snc",
                "files": [{ "from": "kubectl-snc", "to": "." }, { "from": "LICENSE", "to": "." }],
            })
        })
        .collect();
    Ok(serde_saphyr::to_string(&json!({
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": { "name": "snc" },
        "spec": {
            "version": format!("v{version}"),
            "shortDescription": "SecNumCloud isolation: who reaches whom, what holds",
            "description": "Shows what isolates tenants of a cluster after the French SecNumCloud 3.2 referential, and what \
                does not; judges manifests without a cluster.\n\nMontre ce qui isole les tenants d'un cluster selon le \
                référentiel SecNumCloud 3.2, et ce qui ne les isole pas ; juge des manifestes sans cluster.\n",
            "platforms": platforms,
        },
    }))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn the_archive_is_the_same_each_time_and_holds_what_krew_copies() {
        let made = archive(b"binary", b"licence").unwrap();
        assert_eq!(made, archive(b"binary", b"licence").unwrap());
        let mut tar = Vec::new();
        flate2::read::GzDecoder::new(made.as_slice()).read_to_end(&mut tar).unwrap();
        let mut tar = tar::Archive::new(tar.as_slice());
        let entries: Vec<(String, u32, u64)> = tar
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.path().unwrap().display().to_string();
                (name, entry.header().mode().unwrap(), entry.header().mtime().unwrap())
            })
            .collect();
        assert_eq!(entries, [("LICENSE".to_owned(), 0o644, 0), ("kubectl-snc".to_owned(), 0o755, 0)]);
    }

    #[test]
    fn the_manifest_names_each_archive_with_its_digest() {
        let archives = [(Platform::Amd64, b"a".to_vec()), (Platform::Arm64, b"b".to_vec())];
        let read = |download| -> Value {
            serde_saphyr::from_str(&manifest("0.1.0", download, &archives).unwrap()).unwrap()
        };
        let made = read(Some("https://downloads.example/v0.1.0/"));
        assert_eq!(made["spec"]["version"], "v0.1.0");
        let second = &made["spec"]["platforms"][1];
        assert_eq!(second["uri"], "https://downloads.example/v0.1.0/kubectl-snc_0.1.0_linux_arm64.tar.gz");
        assert_eq!(second["sha256"], sha256(b"b"));
        assert_eq!(second["selector"]["matchLabels"]["arch"], "arm64");
        let alone = read(None);
        assert_eq!(alone["spec"]["platforms"][0]["uri"], "kubectl-snc_0.1.0_linux_amd64.tar.gz");
    }

    #[test]
    fn an_address_that_is_not_https_is_refused() {
        for url in ["http://downloads.example", "downloads.example", ""] {
            assert!(manifest("0.1.0", Some(url), &[]).is_err(), "{url:?}");
        }
    }
}
