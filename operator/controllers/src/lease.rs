//! One operator at a time. A lease does not fence: it is renewed often, its loss ends the process, and deletes ask
//! it first.

use crate::error::{Error, code, reason};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease as LeaseObject, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub struct Lease {
    api: Api<LeaseObject>,
    namespace: String,
    name: String,
    identity: String,
    duration: Duration,
    held: Mutex<(LeaseObject, Instant)>,
}

impl Lease {
    /// Takes the lease if nobody renews it for its whole duration by our clock; the clocks of other machines are
    /// not believed.
    pub async fn acquire(
        client: Client,
        namespace: &str,
        name: &str,
        identity: &str,
        duration: Duration,
    ) -> Result<Self, Error> {
        let api: Api<LeaseObject> = Api::namespaced(client, namespace);
        let what = format!("lease {namespace}/{name}");
        let seen = api.get_opt(name).await.map_err(Error::api(&what))?;
        if let Some(seen) = &seen
            && let Some(holder) = holder(seen)
        {
            let theirs = seen.spec.as_ref().and_then(|s| s.lease_duration_seconds).unwrap_or(15);
            let patience = Duration::from_secs(u64::try_from(theirs).unwrap_or(15));
            tracing::info!(
                holder,
                seconds = patience.as_secs(),
                "lease has a holder; waiting whether it is alive"
            );
            let deadline = Instant::now() + patience;
            while Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(200)).await;
                let now = api.get_opt(name).await.map_err(Error::api(&what))?;
                let Some(now) = now else { break };
                if now.metadata.resource_version != seen.metadata.resource_version
                    && self::holder(&now).is_some()
                {
                    let holder = self::holder(&now).unwrap_or_default().to_owned();
                    return Err(Error::LeaseHeld { namespace: namespace.into(), name: name.into(), holder });
                }
            }
        }
        let fresh = api.get_opt(name).await.map_err(Error::api(&what))?;
        let transitions = fresh.as_ref().and_then(|l| l.spec.as_ref()?.lease_transitions).unwrap_or(0);
        let wanted = LeaseObject {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                namespace: Some(namespace.to_owned()),
                resource_version: fresh.as_ref().and_then(|l| l.metadata.resource_version.clone()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(identity.to_owned()),
                lease_duration_seconds: i32::try_from(duration.as_secs()).ok(),
                acquire_time: Some(MicroTime(Timestamp::now())),
                renew_time: Some(MicroTime(Timestamp::now())),
                lease_transitions: Some(transitions.saturating_add(1)),
                ..LeaseSpec::default()
            }),
        };
        let asked = Instant::now();
        let params = PostParams::default();
        let taken = match &fresh {
            Some(_) => api.replace(name, &params, &wanted).await,
            None => api.create(&params, &wanted).await,
        };
        match taken {
            Ok(taken) => Ok(Self {
                api,
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                identity: identity.to_owned(),
                duration,
                held: Mutex::new((taken, asked)),
            }),
            Err(error) if code(&error) == 409 => Err(Error::LeaseHeld {
                namespace: namespace.into(),
                name: name.into(),
                holder: "another process, in the same instant".into(),
            }),
            Err(error) => Err(Error::api(what)(error)),
        }
    }

    /// Held by this process from now on, without asking anybody.
    #[cfg(test)]
    pub fn held_for_test(client: Client) -> Self {
        Self {
            api: Api::namespaced(client, "snc-system"),
            namespace: "snc-system".into(),
            name: "test".into(),
            identity: "test".into(),
            duration: Duration::from_secs(15),
            held: Mutex::new((LeaseObject::default(), Instant::now())),
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, (LeaseObject, Instant)> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the last renewal that succeeded was asked for.
    pub fn renewed_at(&self) -> Instant {
        self.held().1
    }

    /// Whether nobody else can have taken the lease yet.
    pub fn is_current(&self) -> bool {
        self.renewed_at().elapsed() < self.duration * 2 / 3
    }

    /// Renews until cancelled; ends with an error when the lease is lost.
    pub async fn keep(&self, cancel: CancellationToken) -> Result<(), Error> {
        let lost = |why: String| Error::LeaseLost {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            why,
        };
        loop {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(self.duration / 4) => {}
            }
            let mut wanted = self.held().0.clone();
            if let Some(spec) = &mut wanted.spec {
                spec.renew_time = Some(MicroTime(Timestamp::now()));
            }
            let asked = Instant::now();
            let limit = (self.duration * 2 / 3).saturating_sub(self.renewed_at().elapsed());
            let params = PostParams::default();
            let renewal = self.api.replace(&self.name, &params, &wanted);
            match tokio::time::timeout(limit.max(Duration::from_millis(100)), renewal).await {
                Ok(Ok(renewed)) => *self.held() = (renewed, asked),
                Ok(Err(error)) if matches!(code(&error), 404 | 409) => return Err(lost(reason(&error))),
                Ok(Err(error)) => tracing::warn!(error = reason(&error), "lease not renewed"),
                Err(_) => tracing::warn!("lease not renewed in time"),
            }
            if !self.is_current() {
                return Err(lost("not renewed in time".into()));
            }
        }
    }

    /// Lets the next operator start without waiting.
    pub async fn release(&self) {
        let mut wanted = self.held().0.clone();
        if let Some(spec) = &mut wanted.spec {
            spec.holder_identity = None;
            spec.renew_time = None;
        }
        if let Err(error) = self.api.replace(&self.name, &PostParams::default(), &wanted).await {
            tracing::warn!(error = reason(&error), identity = self.identity, "lease not released");
        }
    }
}

fn holder(lease: &LeaseObject) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref().filter(|h| !h.is_empty())
}
