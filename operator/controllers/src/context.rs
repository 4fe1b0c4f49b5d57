use crate::apply::Version;
use crate::assess::{Controls, Found};
use crate::events::Events;
use crate::lease::Lease;
use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::reports;
use crate::waivers::Exceptions;
use crate::watch::Inputs;
use crate::watch::addresses::Sources;
use jiff::Timestamp;
use kube::Client;
use snc_catalogue::ToVerify;
use snc_core::image::Signatures;
use snc_core::names::DEFAULT_DENY;
use snc_images::ledger::News;
use snc_index::{Index, Key, ManagedKind, ObjectKey};
use snc_plan::status::Answer;
use snc_plan::{ClusterFacts, Settings};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// What every part of the process shares.
pub struct Context {
    pub client: Client,
    pub settings: Settings,
    pub events: Events,
    pub queue: Queue,
    pub lease: Lease,
    pub inputs: Inputs,
    pub metrics: Arc<Metrics>,
    pub started: Instant,
    /// A guard was changed by somebody else and put right.
    pub guards_changed: Notify,
    /// The platform's own controls.
    pub controls: Controls,
    /// Waivers that people asked for.
    pub exceptions: Exceptions,
    /// What the controls last said.
    pub found: watch::Sender<Option<Arc<Found>>>,
    /// What scans of images told that is not written down, by the object of the ledger.
    pub unwritten: watch::Sender<Arc<BTreeMap<String, News>>>,
    /// Images that registries are to be asked about.
    pub to_verify: watch::Sender<Arc<ToVerify>>,
    /// What they said.
    pub signatures: watch::Sender<Option<Arc<Signatures>>>,
    /// Whether reports are written, where they are wanted.
    reports: Mutex<Option<Answer>>,
    /// Of who owns which namespace, and by which parameters it is judged.
    revision: AtomicU64,
    leads: AtomicBool,
    index: RwLock<Index>,
    cluster: RwLock<Arc<ClusterFacts>>,
    sources: Mutex<Sources>,
    following: Mutex<Option<JoinHandle<()>>>,
    memory: Mutex<Memory>,
}

/// What is remembered between reconciles and may be lost in a restart.
#[derive(Default)]
pub struct Memory {
    /// When a namespace name was last seen to go away.
    pub namespace_gone: BTreeMap<String, Instant>,
    /// Since when a default-deny is missing that had been there.
    pub deny_missing: BTreeMap<String, Timestamp>,
    /// What we last applied, by namespace: fingerprint, and resource version after it. The same content that makes a
    /// new version was changed by somebody else in between.
    pub applied: BTreeMap<String, BTreeMap<ObjectKey, (String, Version)>>,
    /// Rounds in a row after which a namespace still was not as it should be.
    pub rounds: BTreeMap<String, u32>,
    /// Label conflicts that were reported, by namespace.
    pub label_conflicts: BTreeMap<String, String>,
    /// Unreadable objects that were reported, so that the same report is made once.
    pub unreadable: BTreeSet<String>,
}

impl Context {
    pub fn new(
        client: Client,
        settings: Settings,
        events: Events,
        lease: Lease,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            client,
            settings,
            events,
            lease,
            metrics,
            queue: Queue::default(),
            inputs: Inputs::default(),
            started: Instant::now(),
            guards_changed: Notify::new(),
            controls: Controls::default(),
            exceptions: Exceptions::default(),
            found: watch::Sender::default(),
            unwritten: watch::Sender::default(),
            to_verify: watch::Sender::default(),
            signatures: watch::Sender::default(),
            reports: Mutex::new(Some(reports::not_read())),
            revision: AtomicU64::new(0),
            leads: AtomicBool::new(false),
            index: RwLock::default(),
            cluster: RwLock::default(),
            sources: Mutex::default(),
            following: Mutex::default(),
            memory: Mutex::default(),
        }
    }

    pub fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn cluster(&self) -> Arc<ClusterFacts> {
        self.cluster.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn sources(&self) -> MutexGuard<'_, Sources> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What follows `ClusterNetworkPolicy` objects, where they are served.
    pub fn following(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.following.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a write of ours was answered: the watch will tell it too, later.
    pub fn learn(&self, what: impl FnOnce(&mut Index) -> BTreeSet<Key>) {
        let dirty = what(&mut self.index_mut());
        self.look_again(dirty);
    }

    pub fn reports(&self) -> MutexGuard<'_, Option<Answer>> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who owns which namespace, or how it is judged, may be another from here on.
    pub fn revise(&self) {
        self.revision.fetch_add(1, Ordering::SeqCst);
    }

    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::SeqCst)
    }

    pub fn leads(&self) -> bool {
        self.leads.load(Ordering::SeqCst)
    }

    /// From here on this process writes. What a standby saw going away may have been put back long ago by the one
    /// before: only what is missing now counts as missing.
    pub fn lead(&self) {
        self.leads.store(true, Ordering::SeqCst);
        let namespaces: Vec<String> = self.memory().deny_missing.keys().cloned().collect();
        self.forget_restored(namespaces.iter().map(String::as_str));
        let keys = self.index().all_keys();
        self.queue.add(keys);
    }

    /// Takes note of a change. A standby does nothing about it: when it takes over it looks at everything.
    pub fn look_again(&self, keys: BTreeSet<Key>) {
        if self.leads() {
            self.queue.add(keys);
            return;
        }
        self.forget_restored(keys.iter().filter_map(|key| match key {
            Key::Namespace(name) => Some(name.as_str()),
            _ => None,
        }));
    }

    /// Of these namespaces, those that have their default-deny miss it no more.
    fn forget_restored<'a>(&self, namespaces: impl Iterator<Item = &'a str>) {
        let deny = ObjectKey::new(ManagedKind::NetworkPolicy, DEFAULT_DENY);
        let index = self.index();
        let present: Vec<&str> = namespaces.filter(|name| index.object(name, &deny).is_some()).collect();
        drop(index);
        let mut memory = self.memory();
        for name in present {
            memory.deny_missing.remove(name);
        }
    }

    /// A change of what is known of the cluster concerns every namespace.
    pub fn update_cluster(&self, update: impl FnOnce(&mut ClusterFacts)) {
        let changed = {
            let mut cluster = self.cluster.write().unwrap_or_else(PoisonError::into_inner);
            let mut after = ClusterFacts::clone(&cluster);
            update(&mut after);
            let changed = **cluster != after;
            *cluster = Arc::new(after);
            changed
        };
        if changed {
            let keys = self.index().all_keys();
            self.look_again(keys);
        }
    }

    /// Leases do not fence, so a delete waits until everything was listed and the lease was renewed after that; and
    /// what is no longer asked for is only known from inputs that are up to date.
    pub fn may_delete(&self) -> bool {
        let synced = self.inputs.synced_at().is_some_and(|synced| self.lease.renewed_since(synced));
        synced && self.lease.is_current() && self.inputs.current()
    }
}

#[cfg(test)]
mod tests;
