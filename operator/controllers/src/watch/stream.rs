//! List and watch of one kind, without end. Unlike kube-runtime's watcher it sees bookmarks, so that the age of what
//! is known can be told.

use super::Change;
use futures::{AsyncBufRead, AsyncBufReadExt};
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::{ObjectList, Request};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Debug;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// An API server sends a bookmark about every minute; more than two missed ones, and the connection is not believed.
const SILENCE: Duration = Duration::from_secs(150);
/// While the initial objects come, a server that pauses so long does not know how to stream them.
const INITIAL_SILENCE: Duration = Duration::from_secs(30);
/// For the head of an answer, and for a whole page.
const ANSWER: Duration = Duration::from_secs(30);
const PAGE: u32 = 500;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LAST_PAUSE: Duration = Duration::from_secs(30);
/// A watch that lasted so long was a good one: the next failure is the first of its row.
const LASTING: Duration = Duration::from_secs(10);
const INITIAL_END: &str = "k8s.io/initial-events-end";

#[derive(Debug, Clone, Default)]
pub struct Selector {
    pub labels: Option<String>,
    pub fields: Option<String>,
    /// Whether it is asked who set which field: most of what an object weighs, and dropped as it is read otherwise.
    pub managed_fields: bool,
    /// Names, labels and annotations only: nothing else leaves the API server.
    pub metadata: bool,
}

/// Why a watch was begun again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Restart {
    /// The server ended it, as it does every few minutes.
    Ended,
    /// The version to go on from is not kept any more.
    Expired,
    /// RBAC does not let us.
    Denied,
    /// The connection broke.
    Cut,
    /// A line or an object that is not what it should be: a change may have been missed.
    Unreadable,
    /// Neither change nor bookmark.
    Silent,
    /// Any other answer than the one asked for.
    Refused,
}

impl Restart {
    pub const ALL: [Self; 7] =
        [Self::Ended, Self::Expired, Self::Denied, Self::Cut, Self::Unreadable, Self::Silent, Self::Refused];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Expired => "expired",
            Self::Denied => "denied",
            Self::Cut => "cut",
            Self::Unreadable => "unreadable",
            Self::Silent => "silent",
            Self::Refused => "refused",
        }
    }

    /// Whether changes may have been missed, so that everything has to be listed again.
    const fn loses_changes(self) -> bool {
        matches!(self, Self::Expired | Self::Unreadable | Self::Silent)
    }
}

pub enum Signal<T> {
    Change(Change<T>),
    /// The server lets us watch; nothing came yet.
    Open,
    /// A bookmark: nothing else changed up to now.
    Alive,
    /// With what there is to say about it.
    Again(Restart, String),
}

type Stop = (Restart, String);

/// Tells of every change, for ever. Each object is read as it comes: of a list that is under way only that is held.
pub async fn follow<K, T>(
    api: Api<K>,
    selector: Selector,
    read: impl Fn(K) -> T,
    tell: impl FnMut(Signal<T>),
) -> Infallible
where
    K: Resource + Clone + DeserializeOwned + Debug,
{
    let mut follower =
        Follower { api, selector, read, tell, version: None, streams: true, by_pages: false, failures: 0 };
    loop {
        let started = Instant::now();
        let ended = if follower.version.is_none() && (follower.by_pages || !follower.streams) {
            follower.list().await
        } else {
            follower.watch().await
        };
        let lasted = started.elapsed();
        if let Some(pause) = follower.after(ended, lasted) {
            tokio::time::sleep(pause).await;
        }
    }
}

struct Follower<K, R, F> {
    api: Api<K>,
    selector: Selector,
    read: R,
    tell: F,
    /// Up to which everything is known.
    version: Option<String>,
    /// Whether the server can send the initial objects in the watch itself.
    streams: bool,
    /// The next initial list comes in pages, since streaming just failed.
    by_pages: bool,
    /// In a row.
    failures: u32,
}

impl<K, T, R, F> Follower<K, R, F>
where
    K: Resource + Clone + DeserializeOwned + Debug,
    R: Fn(K) -> T,
    F: FnMut(Signal<T>),
{
    /// What the end of a list or watch means for the next, and how long to wait before it.
    fn after(&mut self, ended: Result<(), Stop>, lasted: Duration) -> Option<Duration> {
        if lasted >= LASTING {
            self.failures = 0;
        }
        let Err((why, text)) = ended else {
            self.by_pages = false;
            return None;
        };
        let incomplete = self.version.is_none();
        if why.loses_changes() {
            self.version = None;
        }
        let quick_end = why == Restart::Ended && lasted < Duration::from_secs(1);
        let pause = (why != Restart::Ended || quick_end || self.version.is_none()).then(|| {
            self.failures = self.failures.saturating_add(1);
            pause(self.failures)
        });
        // Whatever was wrong with a stream of initial objects, pages are the other way to get them.
        self.by_pages = incomplete && !self.by_pages && why != Restart::Denied;
        (self.tell)(Signal::Again(why, text));
        pause
    }

    async fn list(&mut self) -> Result<(), Stop> {
        let mut params = ListParams {
            label_selector: self.selector.labels.clone(),
            field_selector: self.selector.fields.clone(),
            limit: Some(PAGE),
            ..ListParams::default()
        };
        let mut all = Vec::new();
        loop {
            let request = Request::new(self.api.resource_url());
            let request =
                if self.selector.metadata { request.list_metadata(&params) } else { request.list(&params) };
            let request = request.map_err(|error| (Restart::Refused, error.to_string()))?;
            let client = self.api.clone().into_client();
            let page = timeout(ANSWER, client.request::<ObjectList<K>>(request)).await;
            let page = page.map_err(|_| (Restart::Silent, "no page in time".to_owned()))?.map_err(stop)?;
            all.extend(page.items.into_iter().map(|object| self.read(object)));
            params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if params.continue_token.is_none() {
                let version = page.metadata.resource_version.filter(|v| !v.is_empty());
                self.version = Some(version.ok_or((Restart::Unreadable, "list without version".to_owned()))?);
                (self.tell)(Signal::Change(Change::Reset(all)));
                return Ok(());
            }
        }
    }

    async fn watch(&mut self) -> Result<(), Stop> {
        let initial = self.version.is_none();
        let params = WatchParams {
            label_selector: self.selector.labels.clone(),
            field_selector: self.selector.fields.clone(),
            // Watches that began together need not end together.
            timeout: Some(240 + u32::try_from(random() % 50).unwrap_or_default()),
            bookmarks: true,
            send_initial_events: initial,
        };
        let request = Request::new(self.api.resource_url());
        let version = self.version.as_deref().unwrap_or_default();
        let request = if self.selector.metadata {
            request.watch_metadata(&params, version)
        } else {
            request.watch(&params, version)
        };
        let request = request.map_err(|error| (Restart::Refused, error.to_string()))?;
        let client = self.api.clone().into_client();
        let stream = match timeout(ANSWER, client.request_stream(request)).await {
            Err(_) => return Err((Restart::Silent, "no answer in time".to_owned())),
            // Said by servers that cannot stream the initial objects.
            Ok(Err(kube::Error::Api(status))) if initial && matches!(status.code, 400 | 422) => {
                self.streams = false;
                return Ok(());
            }
            Ok(stream) => stream.map_err(stop)?,
        };
        (self.tell)(Signal::Open);
        futures::pin_mut!(stream);
        let mut fresh = initial.then(BTreeMap::new);
        let mut line = Vec::new();
        loop {
            let patience = if fresh.is_some() { INITIAL_SILENCE } else { SILENCE };
            read_line(&mut stream, &mut line, patience).await?;
            let event = serde_json::from_slice(&line).map_err(|e| (Restart::Unreadable, e.to_string()))?;
            self.event(event, &mut fresh)?;
        }
    }

    fn event(&mut self, event: WatchEvent<K>, fresh: &mut Option<Objects<T>>) -> Result<(), Stop> {
        match event {
            WatchEvent::Bookmark(bookmark) => {
                let end = bookmark.metadata.annotations.get(INITIAL_END).is_some_and(|v| v == "true");
                if fresh.is_none() || end {
                    self.version = Some(bookmark.metadata.resource_version);
                }
                match fresh.take_if(|_| end) {
                    Some(objects) => {
                        (self.tell)(Signal::Change(Change::Reset(objects.into_values().collect())));
                    }
                    None if fresh.is_none() => (self.tell)(Signal::Alive),
                    None => {}
                }
            }
            WatchEvent::Error(status) if matches!(status.code, 410) => {
                return Err((Restart::Expired, status.message));
            }
            WatchEvent::Error(status) => return Err((Restart::Refused, status.message)),
            WatchEvent::Added(object) | WatchEvent::Modified(object) => match fresh {
                Some(objects) => drop(objects.insert(name(&object), self.read(object))),
                None => self.change(version(&object)?, Change::Apply(self.read(object))),
            },
            WatchEvent::Deleted(object) => match fresh {
                Some(objects) => drop(objects.remove(&name(&object))),
                None => self.change(version(&object)?, Change::Delete(self.read(object))),
            },
        }
        Ok(())
    }

    fn read(&self, mut object: K) -> T {
        if !self.selector.managed_fields {
            object.meta_mut().managed_fields = None;
        }
        (self.read)(object)
    }

    fn change(&mut self, version: String, change: Change<T>) {
        self.version = Some(version);
        (self.tell)(Signal::Change(change));
    }
}

/// By namespace and name: an object that changes while the initial ones come is sent twice.
type Objects<T> = BTreeMap<(Option<String>, Option<String>), T>;

fn name<K: Resource>(object: &K) -> (Option<String>, Option<String>) {
    (object.meta().namespace.clone(), object.meta().name.clone())
}

fn version<K: Resource>(object: &K) -> Result<String, Stop> {
    let version = object.meta().resource_version.clone().filter(|v| !v.is_empty());
    version.ok_or((Restart::Unreadable, "object without version".to_owned()))
}

/// A line is whole or it is not believed: what a broken connection left of one may parse as something else.
async fn read_line(
    stream: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
    patience: Duration,
) -> Result<(), Stop> {
    line.clear();
    match timeout(patience, stream.read_until(b'\n', line)).await {
        Err(_) => Err((Restart::Silent, format!("nothing for {} s", patience.as_secs()))),
        Ok(Err(error)) => Err((Restart::Cut, error.to_string())),
        Ok(Ok(0)) => Err((Restart::Ended, String::new())),
        Ok(Ok(_)) if line.last() != Some(&b'\n') => Err((Restart::Cut, "in the middle of a line".to_owned())),
        Ok(Ok(_)) => Ok(()),
    }
}

fn stop(error: kube::Error) -> Stop {
    let why = match &error {
        kube::Error::Api(status) if status.code == 410 => Restart::Expired,
        kube::Error::Api(status) if matches!(status.code, 401 | 403) => Restart::Denied,
        kube::Error::Api(_) => Restart::Refused,
        kube::Error::SerdeError(_) => Restart::Unreadable,
        _ => Restart::Cut,
    };
    (why, crate::error::reason(&error))
}

/// Growing, and different for everybody: after an outage not all come back in the same instant.
fn pause(failures: u32) -> Duration {
    let base = (FIRST_PAUSE * 2u32.saturating_pow((failures - 1).min(10))).min(LAST_PAUSE);
    let half = u64::try_from(base.as_millis() / 2).unwrap_or(u64::MAX);
    Duration::from_millis(half + random() % (half + 1))
}

/// Good enough to spread load; the keys of a hasher are random.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests;
