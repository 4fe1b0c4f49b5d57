//! Whose events are: what Kubernetes says of namespaces and owners, and what it said before.

use super::files;
use super::plan::Place;
use crate::cluster::{Namespace, People};
use crate::journal::{Entry, Source};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use snc_audit::{Directory, Event, Partition, Reason, TenantName};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Between writes: what is lost of it by a crash, the next snapshot still says.
const WRITE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Book {
    directory: Directory,
    /// What was there when it was last looked: whatever is missing the next time went in between.
    namespaces: BTreeSet<(String, String)>,
    tenants: BTreeSet<TenantName>,
}

pub struct Whose {
    file: PathBuf,
    book: RwLock<Book>,
    synced: watch::Sender<bool>,
}

impl Whose {
    pub fn open(file: PathBuf) -> Result<Self, files::Error> {
        let book = RwLock::new(files::read(&file)?.unwrap_or_default());
        Ok(Self { file, book, synced: watch::Sender::new(false) })
    }

    fn book(&self) -> RwLockReadGuard<'_, Book> {
        self.book.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_synced(&self) -> bool {
        *self.synced.borrow()
    }

    pub fn directory(&self) -> Directory {
        self.book().directory.clone()
    }

    pub fn place(&self, entry: &Entry) -> Place {
        let (partition, reason) = match Event::parse(&entry.raw) {
            Ok(event) if !entry.unreadable => match (entry.source, self.attribute(&event)) {
                // What the sink says of itself is the platform's, but for who read a tenant's records.
                (Source::Sink, (_, reason)) if reason != Reason::Tenant => {
                    (Partition::Platform, Reason::Platform)
                }
                (_, attributed) => attributed,
            },
            // It may have been anybody's.
            _ => (Partition::Platform, Reason::NamespaceUnknown),
        };
        Place::new(partition, reason)
    }

    pub fn attribute(&self, event: &Event<'_>) -> (Partition, Reason) {
        self.book().directory.attribute(event)
    }

    /// Takes a snapshot in. Whether anything is other than it was.
    pub fn take(&self, people: &People, now: Timestamp) -> bool {
        let mut next = self.book().clone();
        next.take(people, now);
        next.directory.prune(now);
        let changed = next != *self.book();
        if changed {
            *self.book.write().unwrap_or_else(PoisonError::into_inner) = next;
        }
        // After it is in: whoever waits for this must find it.
        self.synced.send_if_modified(|synced| std::mem::replace(synced, people.synced) != people.synced);
        changed
    }

    pub fn save(&self) -> Result<(), files::Error> {
        let book = self.book().clone();
        files::write(&self.file, &book)
    }

    /// Follows Kubernetes until it is stopped.
    pub async fn follow(&self, mut people: watch::Receiver<People>, stop: CancellationToken) -> &'static str {
        let mut unsaved = false;
        let mut tick = tokio::time::interval(WRITE);
        loop {
            let snapshot = people.borrow_and_update().clone();
            unsaved |= self.take(&snapshot, Timestamp::now());
            tokio::select! {
                changed = people.changed() => if changed.is_err() {
                    // Nobody tells any more: what is known is not all there is.
                    self.synced.send_replace(false);
                    stop.cancelled().await;
                    break;
                },
                _ = tick.tick() => if unsaved {
                    unsaved = !self.saved();
                },
                () = stop.cancelled() => break,
            }
        }
        if unsaved {
            self.saved();
        }
        "whose"
    }

    fn saved(&self) -> bool {
        self.save().inspect_err(|error| tracing::warn!(%error, "directory not written")).is_ok()
    }
}

impl Book {
    fn take(&mut self, people: &People, now: Timestamp) {
        let mut namespaces: Vec<&Namespace> = people.namespaces.iter().collect();
        namespaces.sort_by_key(|namespace| namespace.since);
        let mut there = BTreeSet::new();
        for Namespace { name, uid, tenant, since, gone } in namespaces {
            let tenant = tenant.as_ref().and_then(|tenant| tenant.parse::<TenantName>().ok());
            // Who began to look after it changed hands says only when it was made: what was another's stays that.
            let since = match self.directory.last(name, uid) {
                Some((began, before)) if *since <= began && before == tenant.as_ref() => began,
                Some((began, _)) if *since <= began => now,
                _ => *since,
            };
            match &tenant {
                Some(tenant) => self.directory.governed(name, uid, tenant, since),
                None => self.directory.ungoverned(name, uid, since),
            }
            match gone {
                Some(gone) => self.directory.released(name, uid, *gone),
                None => drop(there.insert((name.clone(), uid.clone()))),
            }
        }
        let mut tenants = BTreeSet::new();
        for owners in &people.owners {
            if let Ok(tenant) = owners.tenant.parse::<TenantName>() {
                self.directory.owners(&tenant, owners.users.iter().cloned(), owners.groups.iter().cloned());
                tenants.insert(tenant);
            }
        }
        if people.synced {
            for (name, uid) in self.namespaces.difference(&there) {
                self.directory.released(name, uid, now);
            }
            for tenant in self.tenants.difference(&tenants) {
                self.directory.dissolved(tenant, now);
            }
            (self.namespaces, self.tenants) = (there, tenants);
        } else {
            self.namespaces.extend(there);
            self.tenants.extend(tenants);
        }
    }
}

#[cfg(test)]
mod tests;
