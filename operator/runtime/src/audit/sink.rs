use super::authority;
use super::cluster::Kubernetes;
use super::without::Without;
use crate::args::audit::{Algorithm, AuditSinkArgs};
use crate::start;
use anyhow::{Context, Result, bail};
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use snc_auditlog::{KeyId, Keys};
use snc_core::lang::Lang;
use snc_sink::cluster::Cluster;
use snc_sink::keep::Sealing;
use snc_sink::settings::{Detection, Location, Settings, Syslog};
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Where the sink has them in its data directory, and what it locks there.
const KEYS: &str = "keys";
const LOCK: &str = "lock";

pub fn main(args: AuditSinkArgs) -> Result<()> {
    start::log(args.log_format);
    start::tls_provider()?;
    let (without_cluster, people) = (args.without_cluster, args.accept_people);
    let canary = args.detection.canary_namespace.clone();
    let key_days = args.sealing.key_days;
    let settings = settings(args);
    refuse(&settings)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "snc-operator audit-sink");
    // Before anything is signed in this process, and not while another one signs.
    match renewed(&settings, key_days, Timestamp::now()) {
        Ok(None) => {}
        Ok(Some(key)) => tracing::info!(%key, "from now on this key signs"),
        // Events are taken in all the same; whoever seals will say what is wrong.
        Err(error) => tracing::error!(%error, "signing key not looked at"),
    }
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
            Arc::new(Kubernetes::start(client, &canary, people, &mut tasks))
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

/// The new key, where the old one had its time. The first one is made by whoever seals.
fn renewed(settings: &Settings, days: i64, now: Timestamp) -> Result<Option<KeyId>, snc_auditlog::Error> {
    let directory = settings.data_dir.join(KEYS);
    // Another process that signs by it would go on with the old one.
    let lock = File::options().write(true).open(settings.data_dir.join(LOCK)).ok();
    if !directory.is_dir() || lock.as_ref().is_some_and(|lock| lock.try_lock().is_err()) {
        return Ok(None);
    }
    let mut keys = Keys::open(&directory, settings.algorithm, now)?;
    let old = now.duration_since(keys.since()) >= SignedDuration::from_hours(24 * days);
    if !old && keys.algorithm() == settings.algorithm {
        return Ok(None);
    }
    keys.rotate(settings.algorithm, now).map(Some)
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
        accept_people: _,
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
