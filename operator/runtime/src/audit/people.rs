//! Whose what is, put together from what two watches tell.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Namespace as KubeNamespace;
use kube::Resource;
use kube::core::PartialObjectMeta;
use snc_api::v1alpha1::{OwnerKind, SncTenant};
use snc_controllers::{Change, Restart, Signal};
use snc_core::names::LABEL_TENANT;
use snc_sink::cluster::{Namespace, Owners, People};
use std::collections::BTreeMap;

/// An event may come so long after its namespace went.
const REMEMBERED: SignedDuration = SignedDuration::from_mins(30);
/// Of those that went; far more than come and go in that time.
const REMEMBERED_AT_MOST: usize = 10_000;

/// What is known of one kind, as of when.
#[derive(Debug, Default, Clone, Copy)]
pub struct Heard {
    listed: bool,
    open: bool,
}

impl Heard {
    pub const fn current(self) -> bool {
        self.listed && self.open
    }

    pub const fn listed(self) -> bool {
        self.listed
    }

    pub fn on<T>(&mut self, signal: &Signal<T>) {
        match signal {
            Signal::Change(change) => {
                self.open = true;
                self.listed |= matches!(change, Change::Reset(_));
            }
            Signal::Open | Signal::Alive => self.open = true,
            // It goes on at once, from where it was.
            Signal::Again(Restart::Ended, _) => {}
            Signal::Again(why, _) => {
                self.open = false;
                if matches!(why, Restart::Expired | Restart::Unreadable | Restart::Silent) {
                    self.listed = false;
                }
            }
        }
    }
}

/// A namespace as its metadata has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub name: String,
    pub uid: String,
    pub tenant: Option<String>,
    pub created: Option<Timestamp>,
}

impl From<PartialObjectMeta<KubeNamespace>> for Seen {
    fn from(namespace: PartialObjectMeta<KubeNamespace>) -> Self {
        let meta = namespace.meta().clone();
        let tenant = meta.labels.unwrap_or_default().remove(LABEL_TENANT).filter(|tenant| !tenant.is_empty());
        Self {
            name: meta.name.unwrap_or_default(),
            uid: meta.uid.unwrap_or_default(),
            tenant,
            created: meta.creation_timestamp.map(|time| time.0),
        }
    }
}

/// A tenant, and its owners unless it could not be read.
pub type Owned = (String, Option<Owners>);

pub fn owned(name: String, tenant: Option<&SncTenant>) -> Owned {
    let owners = tenant.map(|tenant| {
        let of = |kind| {
            let of_kind = tenant.spec.owners.iter().filter(move |owner| owner.kind == kind);
            of_kind.map(|owner| owner.name.clone()).collect()
        };
        // Without a time of its own it has nothing of its own: the API server gives every object one.
        let since = tenant.metadata.creation_timestamp.as_ref().map_or(Timestamp::MAX, |time| time.0);
        Owners { tenant: name.clone(), since, users: of(OwnerKind::User), groups: of(OwnerKind::Group) }
    });
    (name, owners)
}

/// What is remembered between two changes.
#[derive(Debug)]
pub struct Register {
    /// The canary's: it carries a tenant's label and is nobody's.
    nobodys: [String; 2],
    namespaces: BTreeMap<String, Namespace>,
    gone: Vec<Namespace>,
    owners: BTreeMap<String, Owners>,
    pub heard_namespaces: Heard,
    pub heard_tenants: Heard,
}

impl Register {
    pub fn new(canary_namespace: &str) -> Self {
        Self {
            nobodys: [canary_namespace.to_owned(), format!("{canary_namespace}-tenant")],
            namespaces: BTreeMap::new(),
            gone: Vec::new(),
            owners: BTreeMap::new(),
            heard_namespaces: Heard::default(),
            heard_tenants: Heard::default(),
        }
    }

    pub fn namespaces(&mut self, change: Change<Seen>, now: Timestamp) {
        match change {
            Change::Apply(seen) => self.apply(seen, now),
            Change::Delete(seen) => {
                if let Some(was) = self.namespaces.remove(&seen.name) {
                    self.bury(was, now);
                }
            }
            Change::Reset(all) => {
                let mut before = std::mem::take(&mut self.namespaces);
                for seen in all {
                    if let Some(was) = before.remove(&seen.name) {
                        self.namespaces.insert(seen.name.clone(), was);
                    }
                    self.apply(seen, now);
                }
                for was in before.into_values() {
                    self.bury(was, now);
                }
            }
        }
    }

    fn apply(&mut self, seen: Seen, now: Timestamp) {
        let Seen { name, uid, tenant, created } = seen;
        let tenant = tenant.filter(|_| !self.nobodys.contains(&name));
        let created = created.unwrap_or(now);
        let since = match self.namespaces.remove(&name) {
            Some(was) if was.uid == uid && was.tenant == tenant => was.since,
            Some(was) if was.uid == uid => now,
            Some(was) => {
                // Its deletion was not told: it was over when the next one began, at the latest.
                self.bury(was, created);
                created
            }
            None => created,
        };
        self.namespaces.insert(name.clone(), Namespace { name, uid, tenant, since, gone: None });
    }

    fn bury(&mut self, was: Namespace, at: Timestamp) {
        self.gone.push(Namespace { gone: Some(at), ..was });
        let surplus = self.gone.len().saturating_sub(REMEMBERED_AT_MOST);
        self.gone.drain(..surplus);
    }

    /// What cannot be read any more stays what it was.
    pub fn tenants(&mut self, change: Change<Owned>) {
        match change {
            Change::Apply((_, None)) => {}
            Change::Apply((tenant, Some(owners))) => drop(self.owners.insert(tenant, owners)),
            Change::Delete((tenant, _)) => drop(self.owners.remove(&tenant)),
            Change::Reset(all) => {
                let mut before = std::mem::take(&mut self.owners);
                for (tenant, owners) in all {
                    if let Some(owners) = owners.or_else(|| before.remove(&tenant)) {
                        self.owners.insert(tenant, owners);
                    }
                }
            }
        }
    }

    /// Whose it is now.
    pub fn tenant_of(&self, namespace: &str) -> Option<&str> {
        self.namespaces.get(namespace)?.tenant.as_deref()
    }

    pub fn people(&mut self, now: Timestamp) -> People {
        self.gone.retain(|was| was.gone.is_some_and(|gone| now.duration_since(gone) < REMEMBERED));
        People {
            synced: self.heard_namespaces.current() && self.heard_tenants.current(),
            namespaces: self.gone.iter().chain(self.namespaces.values()).cloned().collect(),
            owners: self.owners.values().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests;
