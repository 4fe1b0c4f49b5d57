use crate::context::Context;
use crate::error::Error;
use crate::events::Events;
use crate::lease::Lease;
use crate::meter::Meter;
use crate::metrics::Metrics;
use crate::webhook::Webhook;
use crate::{
    assess, audit, canary, discovery, gate, ledger, permissions, probe, reconcile, signatures, waivers,
    watch, webhook,
};
use kube::client::ClientBuilder;
use snc_core::names::LEASE;
use snc_plan::Settings;
use snc_plan::objects::report::Format;
use snc_registry::Verifiers;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

const WORKERS: usize = 8;
/// Repairs do not wait longer than this for the first proof of the gate.
const FIRST_PROOF: Duration = Duration::from_secs(2);

pub struct Config {
    pub settings: Settings,
    /// Name of this instance, unique among those that may run.
    pub instance: String,
    pub lease_duration: Duration,
    /// Where health and metrics are served.
    pub listen: SocketAddr,
    /// How long what is under way may take to end after the process was asked to stop.
    pub drain: Duration,
    /// Reports for other tools: in which format, if any.
    pub reports: Option<Format>,
    /// How often the canary tenant tries everything.
    pub canary_every: Duration,
    /// None: somebody else tells the API server of it.
    pub webhook: Option<Webhook>,
    /// How registries are asked whether what runs is signed.
    pub registries: Verifiers,
}

/// Runs until cancelled. Any part that ends on its own ends the process, which is then started afresh.
pub async fn run(kube: kube::Config, config: Config, cancel: CancellationToken) -> Result<(), Error> {
    let Config {
        settings,
        instance,
        lease_duration,
        listen,
        drain,
        reports,
        canary_every,
        webhook,
        registries,
    } = config;
    let metrics = Metrics::new().map_err(|error| Error::Config(format!("metrics: {error}")))?;
    let metrics = Arc::new(metrics);
    let client = ClientBuilder::try_from(kube.clone())
        .map_err(Error::api("client"))?
        .with_layer(&Meter(metrics.clone()))
        .build();
    let events = Events::new(client.clone(), &instance);
    let lease = Lease::new(client.clone(), &settings.identity.namespace, LEASE, &instance, lease_duration);
    let context = Arc::new(Context::new(client, settings, events, lease, metrics));

    // What every replica does: a standby knows as much as the leader.
    let mut tasks: JoinSet<&'static str> = JoinSet::new();
    let listener = listen_on(listen).await?;
    tasks.spawn(snc_health::serve(listener, context.clone()));
    tasks.spawn(permissions::keep(context.clone()));
    tasks.spawn(watch::doubt(context.clone()));
    // Known before anybody asks what it means for a namespace.
    let known = discovery::look(&context).await;
    tasks.spawn(discovery::keep(context.clone(), known));
    watch::start(&context, &watch::KINDS, &mut tasks);
    watch::addresses::start(&context, &mut tasks);
    tasks.spawn(assess::keep(context.clone()));
    tasks.spawn(waivers::keep(context.clone()));
    let measured = probe::follow_measured(&context, &mut tasks);
    let logged = audit::follow_log(&context, &mut tasks);
    let led = Led { drain, reports, canary_every, webhook, measured, logged, registries };
    tokio::select! {
        () = cancel.cancelled() => return Ok(()),
        ended = tasks.join_next() => return Err(unexpected(ended)),
        () = context.lease.acquire() => {}
    }
    tracing::info!(instance, "lease acquired");
    context.metrics.leads(true);
    let renewing = CancellationToken::new();
    let result = tokio::select! {
        result = context.lease.keep(renewing) => result,
        result = lead(&context, kube, &cancel, led) => result,
        ended = tasks.join_next() => Err(unexpected(ended)),
    };
    if !matches!(result, Err(Error::LeaseLost { .. })) {
        context.lease.release().await;
    }
    result
}

async fn listen_on(address: SocketAddr) -> Result<TcpListener, Error> {
    let bound = async {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        tracing::info!(%address, "listening");
        Ok(listener)
    };
    bound.await.map_err(|error: std::io::Error| Error::Config(format!("listen on {address}: {error}")))
}

/// What only the leader needs.
struct Led {
    drain: Duration,
    reports: Option<Format>,
    canary_every: Duration,
    webhook: Option<Webhook>,
    measured: probe::Followed,
    logged: audit::Followed,
    registries: Verifiers,
}

/// What only the holder of the lease does: everything that writes.
async fn lead(
    context: &Arc<Context>,
    kube: kube::Config,
    cancel: &CancellationToken,
    led: Led,
) -> Result<(), Error> {
    let Led { drain, reports, canary_every, webhook, mut measured, mut logged, registries } = led;
    let ready = async {
        // Policies refuse where it is not there.
        waivers::install(context).await?;
        gate::install(context).await?;
        let proof = tokio::time::timeout(FIRST_PROOF, gate::prove_once(context, &kube)).await;
        context.inputs.settled().await;
        tokio::join!(measured.ready(context), logged.ready(context));
        Ok::<bool, Error>(proof.unwrap_or(false))
    };
    let proven = tokio::select! {
        proven = ready => proven?,
        () = cancel.cancelled() => return Ok(()),
    };
    let mut duties: JoinSet<&'static str> = JoinSet::new();
    let changed = Arc::new(Notify::new());
    duties.spawn(gate::keep(context.clone(), changed.clone()));
    duties.spawn(gate::prove(context.clone(), changed, kube.clone(), proven));
    let asks_webhook = matches!(webhook, Some(Webhook::On { .. }));
    if let Some(webhook) = webhook {
        duties.spawn(webhook::keep(context.clone(), webhook));
    }
    duties.spawn(canary::keep(context.clone(), kube, canary_every, asks_webhook));

    duties.spawn(measured.keep(context.clone()));
    duties.spawn(logged.keep(context.clone()));
    duties.spawn(assess::publish(context.clone()));
    duties.spawn(assess::report(context.clone(), reports));
    duties.spawn(waivers::publish(context.clone()));
    duties.spawn(ledger::publish(context.clone()));
    duties.spawn(signatures::verify(context.clone(), registries));

    context.lead();
    if context.inputs.synced_at().is_some() {
        tracing::info!(keys = context.queue.depth().0, "every initial list is done; reconciling");
    } else {
        tracing::error!("not everything can be read; namespaces are left as they are");
    }
    let mut workers: JoinSet<&'static str> = JoinSet::new();
    for _ in 0..WORKERS {
        let context = context.clone();
        workers.spawn(async move {
            reconcile::work(context).await;
            "worker"
        });
    }
    tokio::select! {
        () = cancel.cancelled() => {}
        ended = duties.join_next() => return Err(unexpected(ended)),
        ended = workers.join_next() => return Err(unexpected(ended)),
    }
    context.queue.close();
    let ended = async { while workers.join_next().await.is_some() {} };
    if tokio::time::timeout(drain, ended).await.is_ok() {
        tracing::info!("what was under way is done");
    } else {
        tracing::warn!(seconds = drain.as_secs(), "what was under way did not end in time");
    }
    // Before the lease is released nothing of ours may write any more.
    workers.shutdown().await;
    duties.shutdown().await;
    Ok(())
}

fn unexpected(ended: Option<Result<&'static str, JoinError>>) -> Error {
    Error::Config(match ended {
        Some(Ok(name)) => format!("{name} ended"),
        Some(Err(error)) => format!("a task failed: {error}"),
        None => "no task runs".to_owned(),
    })
}
