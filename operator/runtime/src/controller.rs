use crate::args::{ControllerArgs, LogFormat, Reports};
use crate::print::identity;
use anyhow::{Context, Result, anyhow};
use snc_controllers::{Config, run};
use snc_plan::Settings;
use snc_plan::objects::report::Format;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

pub fn main(args: ControllerArgs) -> Result<()> {
    let ControllerArgs {
        identity: who,
        canary_namespace,
        listen,
        shutdown_seconds,
        lease_duration_seconds,
        reports,
        log_format,
    } = args;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match log_format {
        LogFormat::Json => log.json().flatten_event(true).init(),
        LogFormat::Text => log.init(),
    }
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow!("a TLS provider was already installed"))?;
    let config = Config {
        settings: Settings { lang: who.language, identity: identity(&who), canary_namespace },
        instance: instance(),
        lease_duration: Duration::from_secs(lease_duration_seconds),
        listen,
        drain: Duration::from_secs(shutdown_seconds),
        reports: match reports {
            Reports::Openreports => Some(Format::OpenReports),
            Reports::Wgpolicy => Some(Format::PolicyReports),
            Reports::None => None,
        },
    };
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        instance = config.instance,
        "snc-operator controller"
    );
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let cancel = CancellationToken::new();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let stop = cancel.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("asked to stop");
            stop.cancel();
        });
        let kube =
            kube::Config::infer().await.context("no cluster: neither KUBECONFIG nor a ServiceAccount")?;
        Box::pin(run(kube, config, cancel)).await.map_err(|error| {
            tracing::error!(kind = error.kind(), %error, "stopping");
            error.into()
        })
    })
}

/// Pod name, or host, and something that a restarted container does not share with the one before.
fn instance() -> String {
    let host =
        std::env::var("POD_NAME").or_else(|_| std::env::var("HOSTNAME")).unwrap_or_else(|_| "local".into());
    let unique = std::fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap_or_default();
    format!("{host}_{}_{}", std::process::id(), unique.trim())
}
