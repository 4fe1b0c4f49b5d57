//! What the controls say of the cluster: watched, judged, rolled up, told. Objects are let go once they were judged.

mod controls;
mod kinds;
mod publish;
mod raw;

pub use controls::{Controls, catalogue, follow_all as follow_controls};
pub use publish::{publish, report};

use crate::context::Context;
use jiff::Timestamp;
use kinds::Kinds;
use snc_catalogue::{Assessed, Catalogue, Held, Live};
use snc_core::image::Signatures;
use snc_core::snapshot::Availability;
use snc_core::verdict::Subject;
use snc_plan::tenancy::standing;
use snc_plan::waivers::InForce;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::watch;

/// Changes come in swarms.
const TOGETHER: Duration = Duration::from_secs(1);
/// What is not known by then is told as unknown.
const PATIENCE: Duration = Duration::from_secs(120);
/// Some controls look at dates.
const AT_LEAST: Duration = Duration::from_secs(3600);

/// Something to take into account.
enum Message {
    Apply(Box<Held>),
    Delete(Subject),
    /// Everything of a kind.
    Reset(String, Vec<Held>),
    Set(String, Availability),
}

/// What was found at one instant, and whose it is.
pub struct Found {
    pub assessed: Arc<Assessed>,
    /// The governed namespaces of each tenant.
    pub governed: BTreeMap<String, BTreeSet<String>>,
}

/// Judges by the built-in controls and those of the platform, for ever. Other controls are another beginning: objects
/// are not kept, so they are listed again.
pub async fn keep(context: Arc<Context>) -> &'static str {
    let mut custom = tokio::spawn(controls::follow_all(context.clone()));
    context.controls.settled().await;
    loop {
        let changed = context.controls.changed();
        let catalogue = match controls::catalogue(&context) {
            Ok(catalogue) => Arc::new(catalogue),
            Err(error) => {
                tracing::error!(%error, "the catalogue cannot be used; nothing is judged");
                return "assess";
            }
        };
        let judging = begin(&context, &catalogue);
        tokio::select! {
            () = changed => {}
            _ = &mut custom => return "snccontrols",
            () = judging => return "assess",
        }
        // Whoever writes many of them is done with it.
        tokio::time::sleep(TOGETHER * 2).await;
    }
}

/// Ends with what it gives back: the watches are dropped, and the thread, which then hears of nobody.
async fn begin(context: &Arc<Context>, catalogue: &Arc<Catalogue>) {
    tracing::debug!(controls = catalogue.controls().count(), "judging begins");
    let live = Live::new(catalogue.clone());
    let (tell, told) = channel();
    let (again, begin_again) = unbounded_channel();
    let kinds = catalogue.reads();
    let watches = Kinds::new(context.clone(), kinds.clone(), live.weigher(), tell);
    let judge = Judge {
        context: context.clone(),
        live,
        pending: kinds,
        since: Instant::now(),
        changed: true,
        concluded: None,
        revision: None,
        in_force: None,
        signatures: None,
        governed: BTreeMap::new(),
        again,
    };
    let thread = std::thread::Builder::new().name("assess".to_owned()).spawn(move || judge.run(&told));
    if let Err(error) = thread {
        tracing::error!(%error, "no thread to judge in");
        return;
    }
    watches.keep(begin_again).await;
}

/// The only place where what was judged is held.
struct Judge {
    context: Arc<Context>,
    live: Live,
    /// Kinds of which nothing was said since they were asked for.
    pending: BTreeSet<String>,
    since: Instant,
    changed: bool,
    concluded: Option<Instant>,
    /// Of who owns what.
    revision: Option<u64>,
    /// By which waivers it is judged.
    in_force: Option<Arc<InForce>>,
    /// What registries said last.
    signatures: Option<Arc<Signatures>>,
    governed: BTreeMap<String, BTreeSet<String>>,
    again: UnboundedSender<BTreeSet<String>>,
}

impl Judge {
    fn run(mut self, told: &Receiver<Message>) {
        loop {
            match told.recv_timeout(TOGETHER) {
                Ok(message) => {
                    self.take(message);
                    let until = Instant::now() + TOGETHER;
                    while let Ok(message) = told.recv_timeout(until.saturating_duration_since(Instant::now()))
                    {
                        self.take(message);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // A standby knows as much, and says nothing.
            if self.context.leads() && self.context.inputs.synced_at().is_some() {
                self.govern();
                self.waive();
                self.sign();
                self.conclude();
            }
        }
    }

    fn take(&mut self, message: Message) {
        self.changed = true;
        match message {
            Message::Apply(held) => self.live.apply(*held),
            Message::Delete(subject) => self.live.delete(&subject),
            Message::Reset(kind, all) => self.live.reset(&kind, all),
            Message::Set(kind, availability) => {
                self.pending.remove(&kind);
                self.live.set(&kind, availability);
            }
        }
    }

    fn govern(&mut self) {
        let revision = self.context.revision();
        if self.revision == Some(revision) {
            return;
        }
        let standing = standing(&self.context.index(), &self.context.settings);
        self.revision = Some(revision);
        self.governed = standing.governed;
        let again = self.live.govern(standing.tenancy);
        self.changed = true;
        if !again.is_empty() {
            self.pending.extend(again.iter().cloned());
            self.since = Instant::now();
            // Who takes it ends with the process.
            let _ = self.again.send(again);
        }
    }

    fn waive(&mut self) {
        let latest = self.context.exceptions.in_force();
        if latest != self.in_force {
            let waivers = latest.as_ref().map(|known| known.waivers.clone()).unwrap_or_default();
            self.live.waive(&Arc::new(waivers));
            self.in_force = latest;
            self.changed = true;
        }
    }

    fn sign(&mut self) {
        let latest = self.context.signatures.borrow().clone();
        if let Some(latest) = latest
            && self.signatures.as_ref().is_none_or(|held| !Arc::ptr_eq(held, &latest))
        {
            self.live.signed(latest.clone());
            self.signatures = Some(latest);
            self.changed = true;
        }
    }

    fn conclude(&mut self) {
        if !self.pending.is_empty() && self.since.elapsed() < PATIENCE {
            tracing::debug!(unsaid = ?self.pending, "not everything was listed yet");
            return;
        }
        let turned = self.live.turns().is_some_and(|turns| turns <= Timestamp::now());
        if !(self.changed || turned) && self.concluded.is_some_and(|at| at.elapsed() < AT_LEAST) {
            return;
        }
        let started = Instant::now();
        let assessed = self.live.conclude(Timestamp::now());
        tracing::debug!(unsaid = self.pending.len(), took = ?started.elapsed(), "concluded");
        self.context.metrics.assessed(&assessed, started.elapsed());
        self.changed = false;
        self.concluded = Some(Instant::now());
        let found = Found { assessed, governed: self.governed.clone() };
        tell(&self.context.unwritten, self.live.unwritten());
        tell(&self.context.to_verify, self.live.to_verify());
        self.context.found.send_replace(Some(Arc::new(found)));
    }
}

/// Whoever waits for it wakes up where it is another.
fn tell<T: PartialEq>(to: &watch::Sender<T>, now: T) {
    to.send_if_modified(|held| {
        let other = *held != now;
        *held = now;
        other
    });
}
