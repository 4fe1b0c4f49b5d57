//! A sink, from its settings to its end.
//!
//! Nothing but the data directory is needed for it to take events in. The store, Kubernetes and a syslog receiver may be
//! out of reach when it starts, and later: what is acknowledged waits in the journal.

mod certificates;
mod ground;
mod health;
mod store;

use crate::cluster::Cluster;
use crate::detect::Watch;
use crate::forward::Feed;
use crate::house;
use crate::intake::{self, Clients};
use crate::journal::Journal;
use crate::notices::{Notices, Written};
use crate::own::{Act, Saying, say};
use crate::probe::{self, Probe};
use crate::serve;
use crate::settings::{Settings, Syslog};
use crate::status::{ProbeStatus, Reporter, Status, StoreKind};
use crate::tail;
use anyhow::{Context as _, Result, anyhow, bail};
use ground::Ground;
use health::Health;
use jiff::Timestamp;
use serde_json::json;
use snc_syslog::{Forwarder, Progress};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use store::Opening;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// How the journal knows who forwards.
const FORWARD: &str = "syslog";

type Tasks = JoinSet<&'static str>;

/// Until it is asked to stop.
pub async fn run(settings: Settings, cluster: Arc<dyn Cluster>, cancel: CancellationToken) -> Result<()> {
    Sink::start(settings, cluster, &cancel).await?.until(cancel).await
}

/// Where it listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    pub intake: SocketAddr,
    pub serve: SocketAddr,
    pub health: SocketAddr,
}

/// In which order it stops: first nothing comes in any more, then what came in is sealed, then that is told.
struct Stops {
    front: CancellationToken,
    middle: CancellationToken,
    back: CancellationToken,
}

pub struct Sink {
    pub addresses: Addresses,
    ground: Arc<Ground>,
    front: Tasks,
    middle: Tasks,
    back: Tasks,
    stops: Stops,
    shutdown: Duration,
}

impl Sink {
    pub async fn start(
        settings: Settings,
        cluster: Arc<dyn Cluster>,
        leaving: &CancellationToken,
    ) -> Result<Self> {
        let refusals: Vec<String> =
            settings.check().iter().map(|refusal| refusal.message(settings.lang)).collect();
        if !refusals.is_empty() {
            bail!("{}", refusals.join("\n"));
        }
        let listeners = [settings.intake_listen, settings.serve_listen, settings.listen];
        let [intake, serve, health] = listeners.map(bind);
        let (intake, serve, health) = (intake.await?, serve.await?, health.await?);
        let addresses = Addresses {
            intake: intake.local_addr()?,
            serve: serve.local_addr()?,
            health: health.local_addr()?,
        };
        tracing::info!(?addresses, "listening");
        let ground = Arc::new(Ground::open(&settings)?);
        let stops = Stops {
            front: CancellationToken::new(),
            middle: CancellationToken::new(),
            back: CancellationToken::new(),
        };
        let (front, middle, back) = (Tasks::new(), Tasks::new(), Tasks::new());
        let shutdown = settings.shutdown;
        let mut sink = Self { addresses, ground, front, middle, back, stops, shutdown };
        sink.recovered().await;
        let told = sink.front(&settings, cluster.clone(), intake)?;
        sink.rest(settings, cluster, (serve, health), told, leaving)?;
        Ok(sink)
    }

    /// What brings events in, and what looks at them.
    fn front(
        &mut self,
        settings: &Settings,
        cluster: Arc<dyn Cluster>,
        listener: TcpListener,
    ) -> Result<watch::Receiver<Option<ProbeStatus>>> {
        let (ground, stop) = (self.ground.clone(), self.stops.front.clone());
        let tls = Arc::new(intake::tls::Reload::server(&settings.intake_tls_dir, &settings.client_ca));
        self.back.spawn(tls.clone().keep());
        let limits = intake::Limits::default();
        let clients = Clients::new(settings.subjects());
        let server = intake::Server::new(ground.intake.clone(), clients, tls, limits, stop.clone());
        let drain = intake::Drain { rest: settings.shutdown / 2 };
        self.front.spawn(Arc::new(server).serve(listener, drain));
        for follower in ground.followers(settings)? {
            let (deliver, numbers) = (Arc::new(ground.intake.clone()), Arc::default());
            self.front.spawn(tail::run(follower, deliver, numbers, stop.clone()));
        }
        let (sightings, seen) = probe::sightings();
        let told = watch::Sender::new(None);
        let heard = told.subscribe();
        let probe = Probe {
            cluster,
            wishes: ground.wishes.watch(),
            sightings: seen,
            gaps: ground.gaps.clone(),
            servers: settings.servers(),
            told,
            metrics: ground.metrics.clone(),
        };
        self.front.spawn(probe.run(stop));
        let watch = Watch {
            journal: ground.journal.clone(),
            detector: snc_audit::Detector::new(settings.detector())?,
            whose: ground.whose.clone(),
            ledger: ground.ledger.clone(),
            reuses: ground.reuses.clone(),
            applied: ground.applied.clone(),
            sightings,
            metrics: ground.metrics.clone(),
        };
        self.middle.spawn(watch.run(self.stops.middle.clone()));
        Ok(heard)
    }

    /// What seals, tells and answers.
    fn rest(
        &mut self,
        settings: Settings,
        cluster: Arc<dyn Cluster>,
        (serve, health): (TcpListener, TcpListener),
        probe: watch::Receiver<Option<ProbeStatus>>,
        leaving: &CancellationToken,
    ) -> Result<()> {
        let (ground, back) = (self.ground.clone(), self.stops.back.clone());
        let (whose, people, stop) = (ground.whose.clone(), cluster.people(), back.clone());
        self.back.spawn(async move { whose.follow(people, stop).await });
        let notices = Notices {
            gaps: ground.gaps.clone(),
            wishes: ground.wishes.clone(),
            intake: ground.intake.clone(),
            metrics: ground.metrics.clone(),
            told: Written::open(ground.told())?,
        };
        self.front.spawn(notices.run(cluster.wishes(), self.stops.front.clone()));
        let syslog = settings.syslog.as_ref().map(|syslog| self.forward(syslog)).transpose()?;
        let anchors = ground.anchors(&settings)?;
        let status: watch::Sender<Option<Status>> = watch::Sender::new(None);
        let kind = if settings.store.is_s3() { StoreKind::S3 } else { StoreKind::Volume };
        let (locked, is_locked) = watch::channel(false);
        let reporter = Reporter {
            cluster: cluster.clone(),
            wishes: ground.wishes.clone(),
            gaps: ground.gaps.clone(),
            stock: ground.stock.clone(),
            ledger: ground.ledger.clone(),
            anchors: anchors.clone(),
            probe,
            applied: ground.applied.clone(),
            syslog: syslog.clone(),
            store: (kind, is_locked),
            lang: settings.lang,
            metrics: ground.metrics.clone(),
            told: status.clone(),
        };
        self.back.spawn(reporter.run(back.clone()));
        let house = house::Parts {
            stock: ground.stock.clone(),
            gaps: ground.gaps.clone(),
            ledger: ground.ledger.clone(),
            intake: ground.intake.clone(),
            status: status.subscribe(),
        };
        let certificate = Arc::new(serve::Certificate::new(settings.serve_tls_dir.clone()));
        self.back.spawn(certificate.clone().keep());
        self.back.spawn(certificates::watch(certificates::of(&settings), ground.metrics.clone()));
        let health_of =
            Health { ground: ground.clone(), anchors: anchors.clone(), syslog, leaving: leaving.clone() };
        self.back.spawn(snc_health::serve(health, Arc::new(health_of)));
        let opening = Opening {
            ground,
            cluster,
            house: Arc::new(house),
            certificate,
            listener: serve,
            anchors,
            locked,
            front: self.stops.front.clone(),
            middle: self.stops.middle.clone(),
            back,
            settings,
        };
        self.middle.spawn(opening.run());
        Ok(())
    }

    fn forward(&mut self, syslog: &Syslog) -> Result<watch::Receiver<Progress>> {
        let ground = &self.ground;
        let settings = ground.syslog(syslog);
        let target = ground::target(syslog)?;
        let refused = |refusal: snc_core::text::Refusal| anyhow!(refusal.message(snc_core::lang::Lang::En));
        let feed = Arc::new(Feed(ground.journal.clone()));
        let forwarder = Forwarder::new(target, settings, feed).map_err(refused)?;
        let progress = forwarder.progress();
        self.back.spawn(forwarder.run(self.stops.back.clone()));
        self.back.spawn(release(ground.journal.clone(), progress.clone(), self.stops.back.clone()));
        Ok(progress)
    }

    /// What was found broken or cut off at the start is part of the log.
    async fn recovered(&self) {
        let recovery = &self.ground.recovery;
        if recovery.torn_bytes == 0 && recovery.damage.is_empty() {
            return;
        }
        let damage: Vec<_> = recovery
            .damage
            .iter()
            .map(|one| json!({"from": one.from, "through": one.through, "acknowledged": one.acknowledged}))
            .collect();
        let what = json!({"entries": recovery.entries, "tornBytes": recovery.torn_bytes, "damage": damage});
        tracing::warn!(%what, "the journal was not closed in order");
        let saying = Saying::new(Act::Recovered, "journal", None, Timestamp::now(), &what);
        if let Err(error) = say(&self.ground.intake, &[saying]).await {
            tracing::warn!(%error, "that is not written down in the log");
        }
    }

    /// Until it is asked to stop, or something fails that nothing can do without.
    pub async fn until(mut self, cancel: CancellationToken) -> Result<()> {
        let ended = tokio::select! {
            () = cancel.cancelled() => None,
            Some(ended) = self.front.join_next() => Some(ended),
            Some(ended) = self.middle.join_next() => Some(ended),
            Some(ended) = self.back.join_next() => Some(ended),
        };
        self.stop().await;
        match ended {
            None => Ok(()),
            Some(Ok(name)) => bail!("{name} ended"),
            Some(Err(error)) => bail!("a task failed: {error}"),
        }
    }

    async fn stop(&mut self) {
        let until = Instant::now() + self.shutdown;
        self.stops.front.cancel();
        drain(&mut self.front, Instant::now() + self.shutdown / 2, "what comes in").await;
        self.stops.middle.cancel();
        drain(&mut self.middle, until, "sealing").await;
        self.stops.back.cancel();
        // These have nothing to lose.
        self.back.abort_all();
        while self.back.join_next().await.is_some() {}
        if let Err(error) = self.ground.whose.save() {
            tracing::warn!(%error, "directory not written");
        }
    }
}

async fn drain(tasks: &mut Tasks, until: Instant, what: &str) {
    let all = async { while tasks.join_next().await.is_some() {} };
    if timeout_at(until, all).await.is_err() {
        tracing::warn!(what, "did not end in time");
        tasks.abort_all();
        while tasks.join_next().await.is_some() {}
    }
}

async fn release(
    journal: Journal,
    mut progress: watch::Receiver<Progress>,
    stop: CancellationToken,
) -> &'static str {
    let mut released = 0;
    loop {
        let through = progress.borrow_and_update().through;
        if through > released {
            match journal.release(FORWARD, through) {
                Ok(_) => released = through,
                Err(error) => tracing::warn!(%error, "journal not released"),
            }
        }
        tokio::select! {
            changed = progress.changed() => if changed.is_err() { break },
            () = stop.cancelled() => break,
        }
    }
    "syslog"
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("listen on {address}"))
}

#[cfg(test)]
mod tests;
