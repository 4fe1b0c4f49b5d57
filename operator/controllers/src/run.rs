use crate::context::Context;
use crate::error::Error;
use crate::events::Events;
use crate::lease::Lease;
use crate::{gate, reconcile, watch};
use kube::Client;
use snc_core::names::LEASE;
use snc_plan::Settings;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const WORKERS: usize = 8;

pub struct Config {
    pub settings: Settings,
    /// Name of this instance, unique among those that may run.
    pub instance: String,
    pub lease_duration: Duration,
}

/// Runs until cancelled. Any part that ends on its own ends the process, which is then started afresh.
pub async fn run(kube: kube::Config, config: Config, cancel: CancellationToken) -> Result<(), Error> {
    let Config { settings, instance, lease_duration } = config;
    let client = Client::try_from(kube.clone()).map_err(Error::api("client"))?;
    let lease = tokio::select! {
        lease = Lease::acquire(client.clone(), &settings.identity.namespace, LEASE, &instance, lease_duration) => lease?,
        () = cancel.cancelled() => return Ok(()),
    };
    tracing::info!(instance, "lease acquired");
    let events = Events::new(client.clone(), &instance);
    let context = Arc::new(Context::new(client, settings, events, lease));
    let result = tokio::select! {
        result = context.lease.keep(cancel.clone()) => result,
        result = serve(&context, kube, &cancel) => result,
    };
    if !matches!(result, Err(Error::LeaseLost { .. })) {
        context.lease.release().await;
    }
    result
}

async fn serve(context: &Arc<Context>, kube: kube::Config, cancel: &CancellationToken) -> Result<(), Error> {
    gate::install(context).await?;
    let mut tasks: JoinSet<&'static str> = JoinSet::new();
    let changed = Arc::new(Notify::new());
    tasks.spawn(gate::keep(context.clone(), changed.clone()));
    tasks.spawn(gate::prove(context.clone(), changed, kube));
    tokio::select! {
        () = watch::start(context, &mut tasks) => {}
        () = cancel.cancelled() => return Ok(()),
    }
    let keys = context.index().all_keys();
    tracing::info!(keys = keys.len(), "every initial list is done; reconciling");
    context.queue.add(keys);
    for _ in 0..WORKERS {
        let context = context.clone();
        tasks.spawn(async move {
            reconcile::work(context).await;
            "worker"
        });
    }
    tokio::select! {
        () = cancel.cancelled() => Ok(()),
        ended = tasks.join_next() => {
            let what = match ended {
                Some(Ok(name)) => format!("{name} ended"),
                Some(Err(error)) => format!("a task failed: {error}"),
                None => "no task runs".to_owned(),
            };
            Err(Error::Config(what))
        }
    }
}
