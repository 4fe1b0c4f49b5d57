//! One operator writes at a time. A lease does not fence: it is renewed often, its loss ends the process, and deletes
//! ask it first.

use crate::error::{Error, code, reason};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease as LeaseObject, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// No longer than this is waited for a holder, whatever its lease says.
const LONGEST: Duration = Duration::from_secs(300);

pub struct Lease {
    api: Api<LeaseObject>,
    namespace: String,
    name: String,
    identity: String,
    duration: Duration,
    held: Mutex<Option<Held>>,
}

struct Held {
    object: LeaseObject,
    /// When the last renewal that succeeded was asked for.
    renewed: Instant,
}

/// A holder as it was first seen in this version of the lease.
struct Seen {
    version: Option<String>,
    since: Instant,
}

impl Lease {
    pub fn new(client: Client, namespace: &str, name: &str, identity: &str, duration: Duration) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            identity: identity.to_owned(),
            duration,
            held: Mutex::default(),
        }
    }

    /// Held by this process from now on, without asking anybody.
    #[cfg(test)]
    pub fn held_for_test(client: Client) -> Self {
        let lease = Self::new(client, "snc-system", "test", "test", Duration::from_secs(15));
        *lease.held() = Some(Held { object: LeaseObject::default(), renewed: Instant::now() });
        lease
    }

    #[cfg(test)]
    pub fn renewed_for_test(&self) {
        if let Some(held) = self.held().as_mut() {
            held.renewed = Instant::now();
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn renewed_at(&self) -> Option<Instant> {
        self.held().as_ref().map(|held| held.renewed)
    }

    pub fn renewed_since(&self, then: Instant) -> bool {
        self.renewed_at().is_some_and(|renewed| renewed > then)
    }

    /// Whether nobody else can have taken the lease yet.
    pub fn is_current(&self) -> bool {
        self.renewed_at().is_some_and(|renewed| renewed.elapsed() < self.duration * 2 / 3)
    }

    /// Waits until the lease is ours: when it was released, or when nobody renewed it for its whole duration by our
    /// clock. The clocks of other machines are not believed.
    pub async fn acquire(&self) {
        let every = (self.duration / 16).clamp(Duration::from_millis(100), Duration::from_secs(1));
        let mut seen: Option<Seen> = None;
        loop {
            let pause = match self.look(&mut seen).await {
                Ok(None) => return,
                Ok(Some(left)) => left.min(every),
                Err(error) => {
                    tracing::warn!(error = reason(&error), "lease not read or not taken; trying again");
                    every
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Nothing once the lease is ours, otherwise how long its holder has left.
    async fn look(&self, seen: &mut Option<Seen>) -> kube::Result<Option<Duration>> {
        let found = self.within(self.api.get_opt(&self.name)).await?;
        if let Some(found) = &found
            && let Some(holder) = holder(found)
        {
            let version = &found.metadata.resource_version;
            let since = match seen {
                Some(seen) if seen.version == *version => seen.since,
                _ => {
                    if seen.is_none() {
                        tracing::info!(holder, "standby: the lease has a holder");
                    }
                    // After the answer: the renewal that we see is no younger.
                    seen.insert(Seen { version: version.clone(), since: Instant::now() }).since
                }
            };
            let left = self.patience(found).saturating_sub(since.elapsed());
            if !left.is_zero() {
                return Ok(Some(left));
            }
            tracing::warn!(holder, "the holder has not renewed its lease in time; taking it");
        }
        match self.take(found).await {
            Ok(()) => Ok(None),
            // Somebody was faster, or the holder is alive after all.
            Err(error) if code(&error) == 409 => Ok(Some(Duration::from_millis(100))),
            Err(error) => Err(error),
        }
    }

    /// The holder's own duration may be another than ours.
    fn patience(&self, found: &LeaseObject) -> Duration {
        let theirs = found.spec.as_ref().and_then(|spec| spec.lease_duration_seconds).unwrap_or_default();
        let theirs = Duration::from_secs(u64::try_from(theirs).unwrap_or_default());
        theirs.clamp(self.duration, LONGEST.max(self.duration))
    }

    /// The resource version makes it fail when anybody wrote in between.
    async fn take(&self, found: Option<LeaseObject>) -> kube::Result<()> {
        let transitions = found.as_ref().and_then(|l| l.spec.as_ref()?.lease_transitions).unwrap_or(0);
        let wanted = LeaseObject {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                namespace: Some(self.namespace.clone()),
                resource_version: found.as_ref().and_then(|l| l.metadata.resource_version.clone()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.identity.clone()),
                lease_duration_seconds: i32::try_from(self.duration.as_secs()).ok(),
                acquire_time: Some(MicroTime(Timestamp::now())),
                renew_time: Some(MicroTime(Timestamp::now())),
                lease_transitions: Some(transitions.saturating_add(1)),
                ..LeaseSpec::default()
            }),
        };
        let renewed = Instant::now();
        let params = PostParams::default();
        let object = match found {
            Some(_) => self.within(self.api.replace(&self.name, &params, &wanted)).await?,
            None => self.within(self.api.create(&params, &wanted)).await?,
        };
        *self.held() = Some(Held { object, renewed });
        Ok(())
    }

    /// One slow answer must not cost what a second try would save.
    async fn within<T>(&self, ask: impl Future<Output = kube::Result<T>>) -> kube::Result<T> {
        let limit = (self.duration / 4).max(Duration::from_millis(500));
        match tokio::time::timeout(limit, ask).await {
            Ok(answer) => answer,
            Err(late) => Err(kube::Error::Service(Box::new(late))),
        }
    }

    /// Renews until cancelled; ends with an error when the lease is lost.
    pub async fn keep(&self, cancel: CancellationToken) -> Result<(), Error> {
        let lost = |why: String| Error::LeaseLost {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            why,
        };
        let mut pause = self.duration / 4;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
            pause = self.duration / 4;
            match self.renew().await {
                Ok(()) => {}
                Err(error) if matches!(code(&error), 404 | 409) => {
                    // A renewal whose answer got lost makes the next one a conflict with ourselves.
                    if !self.still_ours().await {
                        return Err(lost(reason(&error)));
                    }
                    pause = self.duration / 16;
                }
                Err(error) => {
                    tracing::warn!(error = reason(&error), "lease not renewed");
                    pause = self.duration / 16;
                }
            }
            if !self.is_current() {
                return Err(lost("not renewed in time".into()));
            }
        }
    }

    fn wanted(&self, change: impl FnOnce(&mut LeaseSpec)) -> LeaseObject {
        let mut wanted = self.held().as_ref().map(|held| held.object.clone()).unwrap_or_default();
        change(wanted.spec.get_or_insert_default());
        wanted
    }

    async fn renew(&self) -> kube::Result<()> {
        let wanted = self.wanted(|spec| spec.renew_time = Some(MicroTime(Timestamp::now())));
        let renewed = Instant::now();
        let object = self.within(self.api.replace(&self.name, &PostParams::default(), &wanted)).await?;
        *self.held() = Some(Held { object, renewed });
        Ok(())
    }

    /// Goes on from the version that is there, if it is still in our name.
    async fn still_ours(&self) -> bool {
        match self.within(self.api.get_opt(&self.name)).await {
            Ok(Some(found)) if holder(&found) == Some(&self.identity) => {
                if let Some(held) = self.held().as_mut() {
                    held.object = found;
                }
                true
            }
            Ok(_) => false,
            // Not known; the time that is left decides.
            Err(_) => self.is_current(),
        }
    }

    /// Lets the next operator start without waiting.
    pub async fn release(&self) {
        let wanted = self.wanted(|spec| {
            spec.holder_identity = None;
            spec.renew_time = None;
        });
        match self.within(self.api.replace(&self.name, &PostParams::default(), &wanted)).await {
            Ok(_) => tracing::info!("lease released"),
            Err(error) => {
                tracing::warn!(error = reason(&error), identity = self.identity, "lease not released");
            }
        }
        *self.held() = None;
    }
}

fn holder(lease: &LeaseObject) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref().filter(|h| !h.is_empty())
}

#[cfg(test)]
mod tests;
