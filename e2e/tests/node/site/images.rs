//! Images by the digests that a container runtime says of them.

use super::{Site, pods::faultless};
use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use serde_json::{Value, json};
use snc_e2e::{
    api::Answered,
    cluster::OPERATOR_NAMESPACE,
    objects::{Kind, text},
    wait::{eventually, within},
};
use std::time::Duration;

const STRICT: &str = "gamma-web";
/// Its pods name a tag, and images are observed only.
const OBSERVED: &str = "alpha-web";
/// Assessments are not written more often than every twenty seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// What runs by a tag is told of by its digest, which nobody has scanned; where scans are demanded it does not start
/// until somebody has.
pub fn known_by_digest(site: &Site) -> Result<()> {
    let digest = site.pod_image.split('@').nth(1).context("no digest")?;
    let runs = |namespace: &str, code: i32, state: &str| {
        let args = ["image", "verdict", "--namespace", namespace, "--output", "json"];
        let output = site.kubectl_snc(&args)?;
        ensure!(output.code == Some(code), "{output:?}");
        let lines: Value = serde_json::from_str(&output.stdout).with_context(|| format!("{output:?}"))?;
        for line in lines.as_array().into_iter().flatten() {
            let known = line["digests"].as_array().is_some_and(|all| all.iter().any(|one| one == digest));
            ensure!(known && line["state"] == state, "{line}");
        }
        ensure!(lines.as_array().is_some_and(|lines| !lines.is_empty()), "nothing runs in {namespace}");
        Ok(lines)
    };
    let by_tag = runs(OBSERVED, 3, "Unknown")?;
    println!("before a scan: {}", by_tag[0]);

    let pod = faultless("scanned", &site.pod_image);
    let refusal =
        site.platform.create(Kind::Pod.all(STRICT), pod.clone()).refused_with(&["image-scanned"])?;
    ensure!(refusal.message.contains(&digest[..19]), "{}", refusal.message);
    println!("{}", refusal.message);
    import(site, digest)?;
    eventually("the scanned image to be let in", || {
        site.platform.create(Kind::Pod.all(STRICT), pod.clone()).map(drop).map_err(Into::into)
    })?;
    let pods = site.ready(STRICT, "app=scanned", 1)?;
    let id = text(&pods[0], "/status/containerStatuses/0/imageID");
    println!("containerd says: {id}");
    ensure!(id.ends_with(digest), "{id}");
    within(PATIENCE, "the verdict on what runs", || {
        runs(STRICT, 0, "Pass")?;
        runs(OBSERVED, 0, "Pass")
    })?;
    site.platform.delete(Kind::Pod.one(STRICT, "scanned"))?;
    Ok(())
}

fn import(site: &Site, digest: &str) -> Result<()> {
    let now = Timestamp::now().to_string();
    let report = json!({"SchemaVersion": 2, "CreatedAt": now, "ArtifactName": "localhost/snc-pod:e2e",
        "ArtifactType": "container_image", "Metadata": {"RepoDigests": [format!("localhost/snc-pod@{digest}")]},
        "Results": [{"Target": "snc-pod", "Vulnerabilities": [{"VulnerabilityID": "CVE-2026-3", "PkgName": "musl",
            "InstalledVersion": "1.2.4", "FixedVersion": "1.2.5", "Severity": "LOW"}]}]});
    let file = tempfile::NamedTempFile::with_suffix(".json")?;
    serde_json::to_writer(&file, &report)?;
    let file = file.path().display().to_string();
    let output = site.kubectl_snc(&["image", "import", &file, "--namespace", OPERATOR_NAMESPACE])?;
    ensure!(output.code == Some(0), "{output:?}");
    Ok(())
}
