//! Whom to believe that one speaks to the sink: the authority of its certificate, where `kubectl snc logs` looks for it.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use snc_core::names::MANAGER_AUDIT;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::timeout;

pub const NAME: &str = "snc-audit-sink-ca";
const KEY: &str = "ca.crt";
const EVERY: Duration = Duration::from_secs(30);
const ANSWER: Duration = Duration::from_secs(10);
/// Far more than any bundle takes.
const LARGEST: u64 = 256 << 10;

/// Writes what the mounted Secret says, whenever that is something else. One without an authority says nothing.
pub async fn publish(client: Client, namespace: String, directory: PathBuf) -> &'static str {
    let api: Api<ConfigMap> = Api::namespaced(client, &namespace);
    let params = PatchParams::apply(MANAGER_AUDIT).force();
    let mut written: Option<String> = None;
    loop {
        if let Some(bundle) = bundle(&directory)
            && written.as_ref() != Some(&bundle)
        {
            match timeout(ANSWER, api.patch(NAME, &params, &Patch::Apply(applied(&bundle)))).await {
                Ok(Ok(_)) => written = Some(bundle),
                Ok(Err(error)) => {
                    tracing::warn!(%error, name = NAME, "authority not given out; trying again");
                }
                Err(_) => tracing::warn!(name = NAME, "authority not given out in time; trying again"),
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn applied(bundle: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": NAME }, "data": { KEY: bundle } })
}

/// Certificates and nothing else: a key that somebody put there by mistake is not given out.
fn bundle(directory: &Path) -> Option<String> {
    let path = directory.join(KEY);
    if std::fs::metadata(&path).ok()?.len() > LARGEST {
        return None;
    }
    let text = std::fs::read_to_string(path).ok()?;
    let mut certificates = String::new();
    let mut within = false;
    for line in text.lines().map(str::trim_end) {
        within |= line == "-----BEGIN CERTIFICATE-----";
        if within {
            certificates.push_str(line);
            certificates.push('\n');
        }
        within &= line != "-----END CERTIFICATE-----";
    }
    (!certificates.is_empty() && !within).then_some(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

    fn read(text: &str) -> Option<String> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(KEY), text).unwrap();
        bundle(directory.path())
    }

    #[test]
    fn certificates_are_given_out_and_nothing_that_is_beside_them() {
        let key = "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n";
        assert_eq!(read(&format!("# of the platform\n{ONE}{key}{ONE}")).unwrap(), format!("{ONE}{ONE}"));
        assert_eq!(read(&ONE.replace('\n', "\r\n")).unwrap(), ONE);
        assert_eq!(read(key), None);
        assert_eq!(read(""), None);
        assert_eq!(read("-----BEGIN CERTIFICATE-----\nAAAA\n"), None, "cut off");
    }

    #[test]
    fn a_secret_without_an_authority_says_nothing() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(bundle(directory.path()), None);
    }
}
