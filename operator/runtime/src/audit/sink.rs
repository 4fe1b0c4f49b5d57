use super::authority;
use super::cluster::Kubernetes;
use super::without::Without;
use crate::args::audit::{Algorithm, AuditSinkArgs};
use crate::start;
use anyhow::{Context, Result, bail};
use kube::Client;
use snc_core::lang::Lang;
use snc_sink::cluster::Cluster;
use snc_sink::keep::Sealing;
use snc_sink::settings::{Detection, Location, Settings, Syslog};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

pub fn main(args: AuditSinkArgs) -> Result<()> {
    start::log(args.log_format);
    start::tls_provider()?;
    let (without_cluster, canary) = (args.without_cluster, args.detection.canary_namespace.clone());
    let settings = settings(args);
    refuse(&settings)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "snc-operator audit-sink");
    start::until_stopped(|cancel| async move {
        let mut tasks: JoinSet<&'static str> = JoinSet::new();
        let cluster: Arc<dyn Cluster> = if without_cluster {
            Arc::new(Without::new())
        } else {
            // Nobody is asked yet: an API server that is down keeps nothing from being taken in.
            let config = start::cluster().await.context("--without-cluster goes without one")?;
            let client = Client::try_from(config).context("client")?;
            let home = settings.detection.operator_namespace.clone();
            tasks.spawn(authority::publish(client.clone(), home, settings.serve_tls_dir.clone()));
            Arc::new(Kubernetes::start(client, &canary, &mut tasks))
        };
        let run = snc_sink::run::run(settings, cluster, cancel);
        tokio::select! {
            done = run => done,
            Some(ended) = tasks.join_next() => match ended {
                Ok(name) => bail!("{name} ended"),
                Err(error) => bail!("a task failed: {error}"),
            },
        }
    })
}

/// Everything that is wrong at once.
fn refuse(settings: &Settings) -> Result<()> {
    let wrong: Vec<String> =
        settings.check().into_iter().map(|refusal| refusal.message(settings.lang)).collect();
    if !wrong.is_empty() {
        let what = match settings.lang {
            Lang::Fr => "réglages refusés",
            Lang::En => "settings refused",
        };
        bail!("{what}:\n{}", wrong.join("\n"));
    }
    Ok(())
}

fn settings(args: AuditSinkArgs) -> Settings {
    let AuditSinkArgs {
        data_dir,
        store,
        anchor,
        syslog,
        intake,
        serve_listen,
        serve_tls_dir,
        listen,
        policy,
        sealing,
        detection,
        shutdown_seconds,
        language,
        without_cluster: _,
        log_format: _,
    } = args;
    let default = Settings::new(data_dir);
    let store = Location {
        url: store.url.unwrap_or(default.store.url),
        endpoint: store.endpoint,
        region: store.region,
        credentials: store.credentials,
        ca: store.ca,
    };
    let anchor = anchor.url.map(|url| Location {
        url,
        endpoint: anchor.endpoint,
        region: anchor.region,
        credentials: anchor.credentials,
        ca: anchor.ca,
    });
    let syslog = syslog.address.zip(syslog.ca).map(|(address, ca)| Syslog {
        address,
        name: syslog.name,
        ca,
        tls_dir: syslog.tls_dir,
        hostname: syslog.hostname,
        anchors: !syslog.anchors_nothing,
    });
    Settings {
        store,
        anchor,
        syslog,
        algorithm: match sealing.algorithm {
            Algorithm::Es256 => snc_auditlog::Algorithm::Es256,
            Algorithm::Ed25519 => snc_auditlog::Algorithm::Ed25519,
        },
        intake_listen: intake.listen,
        serve_tls_dir: serve_tls_dir.unwrap_or_else(|| intake.tls_dir.clone()),
        intake_tls_dir: intake.tls_dir,
        client_ca: intake.client_ca,
        clients: intake.clients,
        tails: intake.tails,
        patience: Duration::from_secs(intake.patience_seconds),
        serve_listen,
        listen,
        sealing: Sealing {
            records: sealing.seal_records,
            age: Duration::from_secs(sealing.seal_seconds),
            settle: Duration::from_secs(sealing.settle_seconds),
            head: Duration::from_secs(sealing.head_seconds),
            ..Sealing::default()
        },
        journal_bytes: sealing.journal_gib << 30,
        reserve_bytes: sealing.reserve_mib << 20,
        detection: Detection {
            operator_namespace: detection.operator_namespace,
            tail_namespace: detection.tail_namespace,
            bypass_group: detection.bypass_group,
            expected: detection.expected.into_iter().filter(|text| !text.is_empty()).collect(),
        },
        policy,
        shutdown: Duration::from_secs(shutdown_seconds),
        lang: language,
        ..default
    }
}

#[cfg(test)]
mod tests;
