//! Everything that needs the store, once it is reached.

use super::ground::Ground;
use crate::cluster::Cluster;
use crate::keep::anchor::Anchor;
use crate::keep::{Keeper, Parts};
use crate::serve::{self, Certificate, House};
use crate::settings::Settings;
use anyhow::{Result, anyhow};
use jiff::Timestamp;
use snc_auditlog::{Inventory, Keys, Lock, Opened, Reader, Writer};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);
/// How often it is looked whether the store locks what it holds.
const LOCK: Duration = Duration::from_secs(3600);
/// For the last head to reach its anchors.
const LAST: Duration = Duration::from_secs(3);

pub(super) struct Opening {
    pub(super) ground: Arc<Ground>,
    pub(super) cluster: Arc<dyn Cluster>,
    pub(super) house: Arc<dyn House>,
    pub(super) certificate: Arc<Certificate>,
    pub(super) listener: TcpListener,
    pub(super) anchors: Vec<Arc<Anchor>>,
    pub(super) locked: watch::Sender<bool>,
    pub(super) front: CancellationToken,
    pub(super) middle: CancellationToken,
    pub(super) back: CancellationToken,
    pub(super) settings: Settings,
}

struct Reached {
    opened: Opened,
    writer: Writer,
    reader: Arc<Reader>,
    inventory: Inventory,
}

impl Opening {
    pub(super) async fn run(self) -> &'static str {
        let stop = self.middle.clone();
        let reached = tokio::select! {
            reached = self.reach() => reached,
            () = stop.cancelled() => return "store",
        };
        if let Err(error) = Box::pin(self.work(reached)).await {
            tracing::error!(%error, "sealing cannot go on");
        }
        "store"
    }

    async fn reach(&self) -> Reached {
        let mut wait = BACKOFF;
        loop {
            match self.attempt().await {
                Ok(reached) => return reached,
                Err(error) => {
                    self.ground.metrics.seal_failures.inc();
                    tracing::error!(error = format!("{error:#}"), "store not opened; tried again");
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_BACKOFF);
        }
    }

    async fn attempt(&self) -> Result<Reached> {
        let Settings { store, algorithm, .. } = &self.settings;
        let opened = snc_auditlog::open(&store.url, &store.options())?;
        let swept = opened.sweep()?;
        if swept > 0 {
            tracing::info!(swept, "left over from writes that were not finished, deleted");
        }
        let keys = Keys::open(&self.ground.data.join("keys"), *algorithm, Timestamp::now())?;
        let writer = Writer::open(opened.store.clone(), keys).await?;
        for finding in writer.found() {
            tracing::error!(finding = finding.text().en, "found in the store");
        }
        let inventory = Inventory::read(&opened.store).await?;
        let trusted = Some(writer.keys().current().clone());
        let reader = Arc::new(Reader::open(opened.store.clone(), trusted).await?);
        Ok(Reached { opened, writer, reader, inventory })
    }

    async fn work(self, reached: Reached) -> Result<()> {
        let Reached { opened, writer, reader, inventory } = reached;
        let Self { ground, settings, anchors, .. } = self;
        ground.stock.found(inventory);
        ground.later.set(opened.store.clone(), reader.clone());
        let saved = ground.saved.lock().unwrap_or_else(PoisonError::into_inner).take();
        let spare = ground.spare.lock().unwrap_or_else(PoisonError::into_inner).take();
        let parts = Parts {
            journal: ground.journal.clone(),
            intake: ground.intake.clone(),
            writer,
            saved: saved.ok_or_else(|| anyhow!("its state is in use"))?,
            whose: ground.whose.clone(),
            wishes: ground.wishes.clone(),
            past: ground.past.clone(),
            stock: ground.stock.clone(),
            spare,
            metrics: ground.metrics.clone(),
            sealing: settings.sealing.clone(),
        };
        let keeper = Keeper::new(parts)?;
        let mut tasks = JoinSet::new();
        for anchor in &anchors {
            let (anchor, heads, stop) = (anchor.clone(), keeper.heads(), self.back.clone());
            tasks.spawn(async move { anchor.keep(heads, stop).await });
        }
        tasks.spawn(locks(opened.clone(), ground.clone(), self.locked, self.back.clone()));
        let server = serve::Server::new(
            self.cluster,
            self.house,
            opened.store.clone(),
            reader,
            serve::Limits::default(),
        );
        let rest = settings.shutdown / 2;
        let serving = Arc::new(server).serve(self.listener, self.certificate, self.front, rest);
        let sealing = async { Ok(keeper.run(self.middle).await) };
        tokio::try_join!(sealing, serving)?;
        let anchored = async {
            while anchors.iter().any(|anchor| anchor.is_waiting(ground.stock.head().as_deref())) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let _ = tokio::time::timeout(LAST, anchored).await;
        Ok(())
    }
}

/// Whether the last head, and so what is put there now, is locked.
async fn locks(
    opened: Opened,
    ground: Arc<Ground>,
    locked: watch::Sender<bool>,
    stop: CancellationToken,
) -> &'static str {
    loop {
        let Some(head) = ground.stock.head() else {
            tokio::select! {
                () = tokio::time::sleep(BACKOFF) => continue,
                () = stop.cancelled() => return "lock",
            }
        };
        let lock = opened.lock(&format!("heads/{:012}.json", head.number)).await;
        locked.send_replace(matches!(lock, Lock::Locked { .. }));
        tokio::select! {
            () = tokio::time::sleep(LOCK) => {}
            () = stop.cancelled() => return "lock",
        }
    }
}
