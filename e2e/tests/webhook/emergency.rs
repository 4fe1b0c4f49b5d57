//! The way out while the webhook is gone: the line that `kubectl snc preflight --lockout` prints, run as it stands.

use crate::scene::{ENFORCED, good, with_webhook};
use anyhow::{Context, Result, ensure};
use snc_core::names::{GUARD_WEBHOOK, WEBHOOK};
use snc_e2e::api::Answered;
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{Kind, at};
use snc_e2e::wait::eventually;
use snc_e2e::webhook::CONFIGURATIONS;
use std::process::Command;
use xtask::harness::{Tool, Toolchain, User};

pub fn line(cluster: &Cluster) -> Result<()> {
    with_webhook(cluster, "webhook-emergency-beside", |webhook, _| opened(cluster, webhook))?;
    // And where nothing of ours runs.
    with_webhook(cluster, "webhook-emergency-alone", |webhook, _| {
        cluster.stop_operator()?;
        let result = opened(cluster, webhook);
        cluster.start_operator(&[])?;
        result
    })
}

fn opened(cluster: &Cluster, webhook: &snc_e2e::webhook::Webhook<'_>) -> Result<()> {
    let pods = format!("{}?dryRun=All", Kind::Pod.all(ENFORCED));
    webhook.kill()?;
    cluster.admin.create(&pods, good("ferme")).refused_with(&["kubectl-snc-preflight"])?;
    // Not by what anybody would try first.
    cluster.admin.delete(at(CONFIGURATIONS, WEBHOOK)).refused_by(GUARD_WEBHOOK)?;
    let told = cluster.kubectl_snc(User::Admin, &["preflight", "--lockout"])?;
    let mut lines = told.stdout.lines().map(str::trim);
    let line = lines.find(|line| line.starts_with("kubectl ") && line.contains(WEBHOOK));
    let line = line.with_context(|| format!("it prints no line: {told:?}"))?;
    run(cluster, line)?;
    eventually("pods to be let in", || Ok(cluster.admin.create(&pods, good("ouvert"))?))?;
    ensure!(cluster.admin.find(at(CONFIGURATIONS, WEBHOOK))?.is_none(), "the configuration is still there");
    webhook.restart()
}

fn run(cluster: &Cluster, line: &str) -> Result<()> {
    let toolchain = Toolchain::ensure()?;
    let tools = toolchain.path(Tool::Kubectl)?.parent().context("kubectl is in no directory")?.to_owned();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("bash")
        .args(["-c", line])
        .env("PATH", format!("{}:{path}", tools.display()))
        .env("KUBECONFIG", cluster.plane().kubeconfig(User::Admin))
        .output()?;
    ensure!(output.status.success(), "{line}: {output:?}");
    Ok(())
}
