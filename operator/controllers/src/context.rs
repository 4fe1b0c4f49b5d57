use crate::apply::Version;
use crate::events::Events;
use crate::lease::Lease;
use crate::queue::Queue;
use jiff::Timestamp;
use kube::Client;
use snc_index::{Index, Key, ObjectKey};
use snc_plan::{ClusterFacts, Settings};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::time::Instant;

/// What every part of the process shares.
pub struct Context {
    pub client: Client,
    pub settings: Settings,
    pub events: Events,
    pub queue: Queue,
    pub lease: Lease,
    pub started: Instant,
    index: RwLock<Index>,
    cluster: RwLock<ClusterFacts>,
    memory: Mutex<Memory>,
}

/// What is remembered between reconciles and may be lost in a restart.
#[derive(Default)]
pub struct Memory {
    /// Since when every watch has had its initial list.
    pub synced_at: Option<Instant>,
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
    pub fn new(client: Client, settings: Settings, events: Events, lease: Lease) -> Self {
        Self {
            client,
            settings,
            events,
            lease,
            queue: Queue::default(),
            started: Instant::now(),
            index: RwLock::default(),
            cluster: RwLock::default(),
            memory: Mutex::default(),
        }
    }

    pub fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn cluster(&self) -> ClusterFacts {
        self.cluster.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a write of ours was answered: the watch will tell it too, later.
    pub fn learn(&self, what: impl FnOnce(&mut Index) -> BTreeSet<Key>) {
        let dirty = what(&mut self.index_mut());
        self.queue.add(dirty);
    }

    /// A change of what is known of the cluster concerns every namespace.
    pub fn update_cluster(&self, update: impl FnOnce(&mut ClusterFacts)) {
        let changed = {
            let mut cluster = self.cluster.write().unwrap_or_else(PoisonError::into_inner);
            let before = cluster.clone();
            update(&mut cluster);
            *cluster != before
        };
        if changed {
            let keys = self.index().all_keys();
            self.queue.add(keys);
        }
    }

    /// Leases do not fence, so a delete waits until everything was listed and the lease was renewed after that.
    pub fn may_delete(&self) -> bool {
        let synced = self.memory().synced_at;
        synced.is_some_and(|synced| self.lease.renewed_at() > synced) && self.lease.is_current()
    }
}
