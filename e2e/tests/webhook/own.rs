//! Certificates and configuration as the operator keeps them: from the first authority to the next, and off again.

use crate::down::under_load;
use crate::scene::{asked, set};
use anyhow::{Context, Result, ensure};
use k8s_openapi::ByteString;
use serde_json::Value;
use snc_core::names::{WEBHOOK, WEBHOOK_AUTHORITY, WEBHOOK_CERTIFICATE};
use snc_e2e::cluster::{Cluster, OPERATOR_NAMESPACE};
use snc_e2e::objects::at;
use snc_e2e::wait::{eventually, within};
use snc_e2e::webhook::{CONFIGURATIONS, Mounted, Webhook};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use xtask::harness::free_port;

/// Of a real cluster it is ten minutes.
const OVERLAP: &str = "10";
pub const PATIENCE: Duration = Duration::from_secs(60);

fn secret(name: &str) -> String {
    format!("/api/v1/namespaces/{OPERATOR_NAMESPACE}/secrets/{name}")
}

fn decoded(value: &Value) -> Result<String> {
    let ByteString(bytes) = serde_json::from_value(value.clone()).context("no text")?;
    Ok(String::from_utf8(bytes)?)
}

fn mount(cluster: &Cluster, mounted: &Mounted) -> Result<()> {
    let found = cluster.admin.get(secret(WEBHOOK_CERTIFICATE))?;
    let file = |name| Ok::<_, anyhow::Error>((name, decoded(&found["data"][name])?));
    mounted.write([file("tls.crt")?, file("tls.key")?, file("ca.crt")?])
}

fn trusted(cluster: &Cluster) -> Result<String> {
    let found = cluster.admin.get(at(CONFIGURATIONS, WEBHOOK))?;
    decoded(&found["webhooks"][0]["clientConfig"]["caBundle"])
}

fn authorities(bundle: &str) -> usize {
    bundle.matches("BEGIN CERTIFICATE").count()
}

/// Runs with a webhook that the operator issues a certificate for and publishes, and that `run` ends; the operator has
/// none to keep afterwards. `both` are told the operator and the webhook.
pub fn kept<'c>(
    cluster: &'c Cluster,
    name: &str,
    operator: &[&str],
    both: &[&str],
    run: impl FnOnce(Webhook<'c>, &Mounted) -> Result<()>,
) -> Result<()> {
    set(cluster)?;
    let port = free_port()?;
    let url = format!("https://127.0.0.1:{port}");
    cluster.stop_operator()?;
    cluster.start_operator(&[&["--webhook", &url], operator, both].concat())?;
    let mounted = Mounted::new()?;
    within(PATIENCE, "the first certificate", || mount(cluster, &mounted))?;
    let webhook = Webhook::start_with(cluster.plane(), name, port, mounted.path(), both)?;
    let result =
        eventually("the webhook to be asked", || asked(cluster)).and_then(|()| run(webhook, &mounted));

    // Switched off, the API server knows of it no more.
    cluster.stop_operator()?;
    cluster.start_operator(&["--webhook", "off"])?;
    eventually("the configuration to be removed", || {
        ensure!(cluster.admin.find(at(CONFIGURATIONS, WEBHOOK))?.is_none(), "still there");
        Ok(())
    })?;
    cluster.stop_operator()?;
    cluster.start_operator(&[])?;
    result
}

pub fn rotation(cluster: &Cluster) -> Result<()> {
    let overlap = ["--webhook-overlap-seconds", OVERLAP];
    kept(cluster, "webhook-own", &overlap, &[], |webhook, mounted| rotated(cluster, webhook, mounted))
}

fn rotated(cluster: &Cluster, webhook: Webhook<'_>, mounted: &Mounted) -> Result<()> {
    let asked = || eventually("the webhook to be asked", || asked(cluster));
    ensure!(authorities(&trusted(cluster)?) == 1, "{}", trusted(cluster)?);
    let first = webhook.served()?;

    // Removed by hand, by somebody with the operator's own rights: it comes back.
    cluster.operator.delete(at(CONFIGURATIONS, WEBHOOK))?;
    eventually("the configuration to be restored", || Ok(cluster.admin.get(at(CONFIGURATIONS, WEBHOOK))?))?;
    asked()?;

    // The authority is lost: a new one is trusted beside the old one before it signs, and no request is lost by it.
    let over = AtomicBool::new(false);
    let rotated = thread::scope(|scope| {
        // As the kubelet does, a little late.
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let _ = mount(cluster, mounted);
                thread::sleep(Duration::from_secs(2));
            }
        });
        let result = under_load(cluster, || {
            cluster.admin.delete(secret(WEBHOOK_AUTHORITY))?;
            within(PATIENCE, "two authorities to be trusted", || {
                let bundle = trusted(cluster)?;
                ensure!(authorities(&bundle) == 2, "{} authorities", authorities(&bundle));
                Ok(())
            })?;
            within(PATIENCE, "a leaf of the new one to be served", || {
                ensure!(webhook.served()? != first, "the former one");
                Ok(())
            })?;
            // And a leaf alone.
            let second = webhook.served()?;
            cluster.admin.delete(secret(WEBHOOK_CERTIFICATE))?;
            within(PATIENCE, "another leaf to be served", || {
                ensure!(webhook.served()? != second, "the former one");
                Ok(())
            })
        });
        over.store(true, Ordering::Relaxed);
        result
    });
    rotated?;
    asked()?;
    webhook.terminate()
}
