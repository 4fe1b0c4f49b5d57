//! Every change of namespaces, network policies and pods, in order, and what it says of isolation.
//!
//! Raw watches: a client that lists again when its watch has expired would hide exactly what is looked for.

use anyhow::{Context, Result, bail};
use futures::{StreamExt, pin_mut};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::{Api, Client, Resource, ResourceExt};
use rand::RngExt;
use serde::de::DeserializeOwned;
use snc_core::names::{DEFAULT_DENY, LABEL_ISOLATED, LABEL_TENANT};
use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::broadcast;
use tokio::task::JoinSet;

/// Short, so that watches end and go on all the time, as they do in long runs.
const WATCH_SECONDS: std::ops::Range<u32> = 4..12;
const GONE: u16 = 410;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    Added,
    Modified,
    Deleted,
}

/// What matters of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Facts {
    Namespace {
        tenant: Option<String>,
        isolated: Option<String>,
        deleting: bool,
    },
    /// `denies_all` is of a spec that selects every pod, both directions, and allows nothing.
    NetworkPolicy {
        denies_all: bool,
        spec: String,
    },
    Pod,
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub version: u64,
    pub change: Change,
    /// The namespace that it is in, or is.
    pub namespace: String,
    pub name: String,
    pub uid: String,
    pub facts: Facts,
    /// When it was received, since the start of the recording.
    pub at: Duration,
}

trait Recorded: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static {
    const KIND: Kind;
    fn facts(&self) -> Facts;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Namespace,
    NetworkPolicy,
    Pod,
}

impl Facts {
    fn kind(&self) -> Kind {
        match self {
            Self::Namespace { .. } => Kind::Namespace,
            Self::NetworkPolicy { .. } => Kind::NetworkPolicy,
            Self::Pod => Kind::Pod,
        }
    }
}

impl Recorded for Namespace {
    const KIND: Kind = Kind::Namespace;

    fn facts(&self) -> Facts {
        let label = |key| self.labels().get(key).cloned();
        Facts::Namespace {
            tenant: label(LABEL_TENANT),
            isolated: label(LABEL_ISOLATED),
            deleting: self.metadata.deletion_timestamp.is_some(),
        }
    }
}

impl Recorded for NetworkPolicy {
    const KIND: Kind = Kind::NetworkPolicy;

    fn facts(&self) -> Facts {
        let spec = self.spec.clone().unwrap_or_default();
        let mut types = spec.policy_types.clone().unwrap_or_default();
        types.sort();
        let every_pod = spec.pod_selector.as_ref().is_none_or(|selector| {
            selector.match_labels.as_ref().is_none_or(BTreeMap::is_empty)
                && selector.match_expressions.as_ref().is_none_or(Vec::is_empty)
        });
        let denies_all = every_pod
            && types == ["Egress", "Ingress"]
            && spec.ingress.as_ref().is_none_or(Vec::is_empty)
            && spec.egress.as_ref().is_none_or(Vec::is_empty);
        // The text of a policy that denies all is known.
        let spec = if denies_all { String::new() } else { serde_json::to_string(&spec).unwrap_or_default() };
        Facts::NetworkPolicy { denies_all, spec }
    }
}

impl Recorded for Pod {
    const KIND: Kind = Kind::Pod;

    fn facts(&self) -> Facts {
        Facts::Pod
    }
}

struct Shared {
    started: Instant,
    entries: Mutex<Vec<Entry>>,
    failure: Mutex<Option<String>>,
    resumed: AtomicUsize,
    bookmarks: AtomicUsize,
    moments: broadcast::Sender<Entry>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records until it is finished.
pub struct Recorder {
    client: Client,
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

/// What was recorded.
pub struct Recording {
    pub entries: Vec<Entry>,
    /// How often a watch ended and went on where it was.
    pub resumed: usize,
    pub bookmarks: usize,
}

impl Recorder {
    /// Returns once everything that there is was listed; whatever comes after is recorded.
    pub async fn start(client: Client) -> Result<Self> {
        let shared = Arc::new(Shared {
            started: Instant::now(),
            entries: Mutex::default(),
            failure: Mutex::default(),
            resumed: AtomicUsize::new(0),
            bookmarks: AtomicUsize::new(0),
            moments: broadcast::channel(4096).0,
        });
        let mut recorder = Self { client, shared, tasks: JoinSet::new() };
        recorder.follow::<Namespace>().await?;
        recorder.follow::<NetworkPolicy>().await?;
        recorder.follow::<Pod>().await?;
        Ok(recorder)
    }

    async fn follow<K: Recorded>(&mut self) -> Result<()> {
        let api: Api<K> = Api::all(self.client.clone());
        let list = api.list(&ListParams::default()).await?;
        let from: u64 = list.metadata.resource_version.unwrap_or_default().parse()?;
        for object in &list.items {
            self.shared.record(&mut 0, Change::Added, object)?;
        }
        let shared = Arc::clone(&self.shared);
        self.tasks.spawn(async move {
            if let Err(error) = watch(&shared, &api, from).await {
                *locked(&shared.failure) = Some(format!("watch of {:?}: {error:#}", K::KIND));
            }
        });
        Ok(())
    }

    /// Changes as they come in.
    pub fn moments(&self) -> broadcast::Receiver<Entry> {
        self.shared.moments.subscribe()
    }

    /// Fails as soon as something may have been missed.
    pub fn intact(&self) -> Result<()> {
        match &*locked(&self.shared.failure) {
            Some(failure) => bail!("the recording has a hole: {failure}"),
            None => Ok(()),
        }
    }

    pub fn so_far(&self) -> Analysis {
        analyse(&locked(&self.shared.entries))
    }

    /// For how long nothing has changed in namespaces that have a tenant and in their policies.
    pub fn quiet_for(&self) -> Duration {
        let entries = locked(&self.shared.entries);
        let last = entries.iter().rev().find(|entry| entry.facts != Facts::Pod).map(|entry| entry.at);
        self.shared.started.elapsed().saturating_sub(last.unwrap_or_default())
    }

    /// Ends the recording once it has arrived where the API server is. To be called when nothing changes any
    /// more.
    pub async fn finish(self) -> Result<Recording> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            self.intact()?;
            let mut live = BTreeMap::new();
            versions::<Namespace>(&self.client, &mut live).await?;
            versions::<NetworkPolicy>(&self.client, &mut live).await?;
            versions::<Pod>(&self.client, &mut live).await?;
            let recorded = replay(&locked(&self.shared.entries));
            if recorded == live {
                break;
            }
            if Instant::now() > deadline {
                let differing: Vec<_> = live
                    .keys()
                    .chain(recorded.keys())
                    .filter(|key| live.get(*key) != recorded.get(*key))
                    .take(5)
                    .collect();
                bail!("after 30 s the recording still differs from the API server, e.g. in {differing:?}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        drop(self.tasks);
        Ok(Recording {
            entries: std::mem::take(&mut *locked(&self.shared.entries)),
            resumed: self.shared.resumed.load(Ordering::Relaxed),
            bookmarks: self.shared.bookmarks.load(Ordering::Relaxed),
        })
    }
}

async fn versions<K: Recorded>(client: &Client, into: &mut BTreeMap<String, u64>) -> Result<()> {
    let list = Api::<K>::all(client.clone()).list(&ListParams::default()).await?;
    for object in list {
        into.insert(object.uid().unwrap_or_default(), object.resource_version().unwrap_or_default().parse()?);
    }
    Ok(())
}

fn replay(entries: &[Entry]) -> BTreeMap<String, u64> {
    let mut live = BTreeMap::new();
    // Of one object the order of arrival is the order of versions.
    for entry in entries {
        match entry.change {
            Change::Deleted => live.remove(&entry.uid),
            Change::Added | Change::Modified => live.insert(entry.uid.clone(), entry.version),
        };
    }
    live
}

impl Shared {
    fn record<K: Recorded>(&self, last: &mut u64, change: Change, object: &K) -> Result<()> {
        let text = object.resource_version().context("an object without resourceVersion")?;
        let version: u64 = text.parse().with_context(|| format!("resourceVersion {text:?}"))?;
        if version <= *last {
            bail!("{} came at {version}, after {last}", object.name_any());
        }
        *last = version;
        let name = object.name_any();
        let entry = Entry {
            version,
            change,
            namespace: object.namespace().unwrap_or_else(|| name.clone()),
            name,
            uid: object.uid().unwrap_or_default(),
            facts: object.facts(),
            at: self.started.elapsed(),
        };
        locked(&self.entries).push(entry.clone());
        // Nobody may be listening.
        let _ = self.moments.send(entry);
        Ok(())
    }
}

/// Goes on from the last version seen after every end of the stream. An error means that a change may have been
/// missed.
async fn watch<K: Recorded>(shared: &Shared, api: &Api<K>, from: u64) -> Result<()> {
    let mut last = from;
    loop {
        let seconds = rand::rng().random_range(WATCH_SECONDS);
        let events = match api.watch(&WatchParams::default().timeout(seconds), &last.to_string()).await {
            Ok(events) => events,
            Err(error) => {
                resumable(error)?;
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        pin_mut!(events);
        while let Some(event) = events.next().await {
            match event {
                Ok(WatchEvent::Added(object)) => shared.record(&mut last, Change::Added, &object)?,
                Ok(WatchEvent::Modified(object)) => shared.record(&mut last, Change::Modified, &object)?,
                Ok(WatchEvent::Deleted(object)) => shared.record(&mut last, Change::Deleted, &object)?,
                Ok(WatchEvent::Bookmark(bookmark)) => {
                    last = last.max(bookmark.metadata.resource_version.parse()?);
                    shared.bookmarks.fetch_add(1, Ordering::Relaxed);
                }
                Ok(WatchEvent::Error(status)) if status.code == GONE => {
                    bail!("expired at {last}: {status:?}")
                }
                Ok(WatchEvent::Error(_)) => break,
                Err(error) => {
                    resumable(error)?;
                    break;
                }
            }
        }
        shared.resumed.fetch_add(1, Ordering::Relaxed);
    }
}

fn resumable(error: kube::Error) -> Result<()> {
    match error {
        kube::Error::Api(status) if status.code == GONE => bail!("expired: {}", status.message),
        kube::Error::SerdeError(error) => bail!("an event that cannot be read: {error}"),
        _ => Ok(()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The label was there before the policy.
    IsolatedBeforeDeny,
    /// The policy was there and is not.
    DenyMissing,
    /// The policy is there and is not what it should be.
    DenyChanged,
    /// Isolated, and then said not to be.
    LabelLost,
    /// A pod was created in a namespace that had no default-deny yet.
    PodBeforeDeny,
    /// A policy in a namespace that does not exist.
    OutOfPlace,
}

#[derive(Debug, Clone)]
pub struct Violation {
    pub fault: Fault,
    pub namespace: String,
    pub uid: String,
    pub what: String,
    pub from: u64,
    /// `None`: it never ended.
    pub until: Option<u64>,
    pub lasted: Option<Duration>,
    began: Duration,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, namespace, uid, what, from, until, lasted, .. } = self;
        write!(f, "{fault:?} in {namespace} (UID {uid}) from revision {from} ")?;
        match (until, lasted) {
            (Some(until), Some(lasted)) => write!(f, "until {until}, {lasted:.1?}")?,
            _ => write!(f, "to the end")?,
        }
        if what.is_empty() { Ok(()) } else { write!(f, ": {what}") }
    }
}

#[derive(Debug, Default)]
pub struct Analysis {
    pub entries: usize,
    pub first: u64,
    pub last: u64,
    /// UIDs of namespaces with a tenant.
    pub governed: usize,
    /// Those of them that were isolated.
    pub isolated: usize,
    /// Governed UIDs whose name a governed UID had before.
    pub recreated: usize,
    /// Those of them that were isolated, after one that was isolated.
    pub recreated_isolated: usize,
    /// Governed namespaces that are gone again, and that are on their way out.
    pub removed: usize,
    pub terminating: usize,
    pub pods: usize,
    pub policies_written: usize,
    pub policies_deleted: usize,
    pub deny_rewritten: usize,
    /// From the creation of a namespace to its isolation, with its name, sorted.
    pub isolated_after: Vec<(Duration, String)>,
    /// From the removal of a governed namespace to the creation of the next of its name, sorted.
    pub recreated_after: Vec<(Duration, String)>,
    pub violations: Vec<Violation>,
}

impl Analysis {
    pub fn of(&self, fault: Fault) -> usize {
        self.violations.iter().filter(|violation| violation.fault == fault).count()
    }
}

/// The default-deny of one namespace.
#[derive(Default)]
enum Deny {
    #[default]
    Never,
    Whole,
    /// There, with a spec that lets something through.
    Open(String),
    Gone,
}

/// One namespace of one UID.
#[derive(Default)]
struct Live {
    uid: String,
    created: Duration,
    governed: bool,
    isolated: bool,
    label: Option<String>,
    deleting: bool,
    deny: Deny,
    broken: Option<usize>,
    unlabelled: Option<usize>,
}

/// What a name was before.
#[derive(Clone, Copy)]
struct Former {
    isolated: bool,
    removed: Duration,
}

/// Goes through all revisions of the cluster; one etcd gives every kind its versions, so that they compare.
pub fn analyse(entries: &[Entry]) -> Analysis {
    let mut order: Vec<&Entry> = entries.iter().collect();
    order.sort_by_key(|entry| (entry.version, entry.facts.kind()));
    let mut replayed = Replay::default();
    for entry in &order {
        replayed.step(entry);
    }
    let Replay { mut analysis, live, .. } = replayed;
    analysis.entries = entries.len();
    analysis.first = order.first().map_or(0, |entry| entry.version);
    analysis.last = order.last().map_or(0, |entry| entry.version);
    analysis.terminating = live.values().filter(|namespace| namespace.governed && namespace.deleting).count();
    analysis.isolated_after.sort();
    analysis.recreated_after.sort();
    analysis
}

#[derive(Default)]
struct Replay {
    live: BTreeMap<String, Live>,
    former: BTreeMap<String, Former>,
    analysis: Analysis,
}

impl Replay {
    fn step(&mut self, entry: &Entry) {
        match &entry.facts {
            Facts::Namespace { tenant, isolated, deleting } => {
                self.namespace(entry, tenant.is_some(), isolated.as_ref(), *deleting);
            }
            Facts::NetworkPolicy { denies_all, spec } => self.policy(entry, *denies_all, spec),
            Facts::Pod => self.pod(entry),
        }
        self.judge(entry);
    }

    fn namespace(&mut self, entry: &Entry, has_tenant: bool, isolated: Option<&String>, deleting: bool) {
        let Self { live, former, analysis } = self;
        if entry.change == Change::Deleted {
            if let Some(gone) = live.remove(&entry.name) {
                for open in [gone.broken, gone.unlabelled] {
                    close(analysis, open, entry);
                }
                if gone.governed {
                    analysis.removed += 1;
                    former.insert(entry.name.clone(), Former { isolated: gone.isolated, removed: entry.at });
                }
            }
            return;
        }
        let namespace = live.entry(entry.name.clone()).or_insert_with(|| Live {
            uid: entry.uid.clone(),
            created: entry.at,
            ..Live::default()
        });
        let before = former.get(&entry.name);
        namespace.label = isolated.cloned();
        namespace.deleting = deleting;
        if has_tenant && !namespace.governed {
            namespace.governed = true;
            analysis.governed += 1;
            if let Some(before) = before {
                analysis.recreated += 1;
                let after = namespace.created.saturating_sub(before.removed);
                analysis.recreated_after.push((after, entry.name.clone()));
            }
        }
        if namespace.label.as_deref() == Some("true") && !namespace.isolated {
            namespace.isolated = true;
            analysis.isolated += 1;
            analysis.isolated_after.push((entry.at.saturating_sub(namespace.created), entry.name.clone()));
            analysis.recreated_isolated += usize::from(before.is_some_and(|before| before.isolated));
        }
    }

    fn policy(&mut self, entry: &Entry, denies_all: bool, spec: &str) {
        match entry.change {
            Change::Deleted => self.analysis.policies_deleted += 1,
            Change::Added | Change::Modified => self.analysis.policies_written += 1,
        }
        let Some(namespace) = self.live.get_mut(&entry.namespace) else {
            self.analysis.violations.push(instant(Fault::OutOfPlace, entry, "", entry.name.clone()));
            return;
        };
        if entry.name != DEFAULT_DENY {
            return;
        }
        self.analysis.deny_rewritten += usize::from(entry.change == Change::Modified);
        namespace.deny = match entry.change {
            Change::Deleted => Deny::Gone,
            _ if denies_all => Deny::Whole,
            _ => Deny::Open(spec.to_owned()),
        };
    }

    fn pod(&mut self, entry: &Entry) {
        let Some(namespace) = self.live.get(&entry.namespace).filter(|namespace| namespace.governed) else {
            return;
        };
        if entry.change != Change::Added {
            return;
        }
        self.analysis.pods += 1;
        if matches!(namespace.deny, Deny::Never) {
            let what = format!("pod {}", entry.name);
            self.analysis.violations.push(instant(Fault::PodBeforeDeny, entry, &namespace.uid, what));
        }
    }

    /// Whether the namespace that the entry is about is as it must be at that revision.
    fn judge(&mut self, entry: &Entry) {
        let Self { live, analysis, .. } = self;
        let Some(namespace) = live.get_mut(&entry.namespace) else { return };
        let held = namespace.isolated && !namespace.deleting;
        let (fault, what) = match &namespace.deny {
            Deny::Whole => (None, String::new()),
            Deny::Open(spec) => (Some(Fault::DenyChanged), spec.clone()),
            Deny::Gone => (Some(Fault::DenyMissing), String::new()),
            Deny::Never => (Some(Fault::IsolatedBeforeDeny), String::new()),
        };
        track(analysis, &mut namespace.broken, fault.filter(|_| held), entry, &namespace.uid, what);
        let lost = (namespace.label.as_deref() != Some("true")).then_some(Fault::LabelLost);
        let what = format!("isolated is {:?}", namespace.label);
        track(analysis, &mut namespace.unlabelled, lost.filter(|_| held), entry, &namespace.uid, what);
    }
}

fn track(
    analysis: &mut Analysis,
    open: &mut Option<usize>,
    fault: Option<Fault>,
    entry: &Entry,
    uid: &str,
    what: String,
) {
    let same =
        open.and_then(|index| analysis.violations.get(index)).map(|violation| violation.fault) == fault;
    if same {
        return;
    }
    close(analysis, open.take(), entry);
    if let Some(fault) = fault {
        *open = Some(analysis.violations.len());
        analysis.violations.push(Violation { until: None, lasted: None, ..instant(fault, entry, uid, what) });
    }
}

fn close(analysis: &mut Analysis, open: Option<usize>, entry: &Entry) {
    if let Some(violation) = open.and_then(|index| analysis.violations.get_mut(index)) {
        violation.until = Some(entry.version);
        violation.lasted = Some(entry.at.saturating_sub(violation.began));
    }
}

fn instant(fault: Fault, entry: &Entry, uid: &str, what: String) -> Violation {
    Violation {
        fault,
        namespace: entry.namespace.clone(),
        uid: uid.to_owned(),
        what,
        from: entry.version,
        until: Some(entry.version),
        lasted: Some(Duration::ZERO),
        began: entry.at,
    }
}

#[cfg(test)]
mod tests {
    use super::Change::{Added, Deleted, Modified};
    use super::*;
    use kube::core::Status;
    use serde_json::json;

    fn namespace(version: u64, change: Change, isolated: Option<&str>, deleting: bool) -> Entry {
        let facts = Facts::Namespace {
            tenant: Some("boutique".into()),
            isolated: isolated.map(ToOwned::to_owned),
            deleting,
        };
        entry(version, change, "boutique", facts)
    }

    fn deny(version: u64, change: Change) -> Entry {
        entry(version, change, DEFAULT_DENY, Facts::NetworkPolicy { denies_all: true, spec: String::new() })
    }

    fn entry(version: u64, change: Change, name: &str, facts: Facts) -> Entry {
        Entry {
            version,
            change,
            namespace: "boutique".into(),
            name: name.into(),
            uid: format!("uid-of-{name}"),
            facts,
            at: Duration::from_millis(version),
        }
    }

    fn faults(entries: &[Entry]) -> Vec<(Fault, u64, Option<u64>)> {
        analyse(entries).violations.iter().map(|v| (v.fault, v.from, v.until)).collect()
    }

    #[test]
    fn a_plain_life_is_without_fault_in_whatever_order_it_arrives() {
        let mut life = vec![
            namespace(1, Added, None, false),
            deny(2, Added),
            namespace(3, Modified, Some("true"), false),
            entry(4, Added, "front", Facts::Pod),
            deny(5, Modified),
            namespace(6, Modified, Some("true"), true),
            namespace(7, Modified, None, true),
            deny(8, Deleted),
            namespace(9, Deleted, None, true),
            namespace(10, Added, None, false),
        ];
        life.reverse();
        let analysis = analyse(&life);
        assert!(analysis.violations.is_empty(), "{:?}", analysis.violations);
        let Analysis { governed, isolated, recreated, recreated_isolated, removed, pods, .. } = analysis;
        assert_eq!((governed, isolated, recreated, recreated_isolated, removed, pods), (2, 1, 1, 0, 1, 1));
    }

    #[test]
    fn a_policy_deleted_and_created_again_is_a_gap() {
        let life = [
            namespace(1, Added, None, false),
            deny(2, Added),
            namespace(3, Modified, Some("true"), false),
            deny(4, Deleted),
            namespace(5, Modified, Some("true"), false),
            deny(6, Added),
        ];
        assert_eq!(faults(&life), [(Fault::DenyMissing, 4, Some(6))]);
        assert_eq!(faults(&life[..5]), [(Fault::DenyMissing, 4, None)]);
        assert_eq!(analyse(&life).violations[0].lasted, Some(Duration::from_millis(2)));
    }

    #[test]
    fn before_isolation_and_after_deletion_nothing_is_asked() {
        let life = [
            namespace(1, Added, None, false),
            deny(2, Added),
            deny(3, Deleted),
            deny(4, Added),
            namespace(5, Modified, Some("true"), false),
            namespace(6, Modified, Some("true"), true),
            deny(7, Deleted),
        ];
        assert_eq!(faults(&life), []);
    }

    #[test]
    fn the_label_neither_comes_first_nor_goes_away() {
        let early =
            [namespace(1, Added, None, false), namespace(2, Modified, Some("true"), false), deny(3, Added)];
        assert_eq!(faults(&early), [(Fault::IsolatedBeforeDeny, 2, Some(3))]);
        let lost = [
            namespace(1, Added, None, false),
            deny(2, Added),
            namespace(3, Modified, Some("true"), false),
            namespace(4, Modified, Some("audit"), false),
            deny(5, Deleted),
        ];
        assert_eq!(faults(&lost), [(Fault::LabelLost, 4, None), (Fault::DenyMissing, 5, None)]);
    }

    #[test]
    fn a_pod_before_the_policy_of_its_own_uid_is_found() {
        let life = [
            namespace(1, Added, None, false),
            deny(2, Added),
            namespace(3, Modified, Some("true"), false),
            namespace(4, Modified, Some("true"), true),
            deny(5, Deleted),
            namespace(6, Deleted, Some("true"), true),
            namespace(7, Added, None, false),
            entry(8, Added, "front", Facts::Pod),
        ];
        assert_eq!(faults(&life), [(Fault::PodBeforeDeny, 8, Some(8))]);
    }

    #[test]
    fn an_expired_watch_is_a_hole_and_a_lost_connection_is_none() {
        let answer = |code| {
            kube::Error::Api(Status::failure("too old resource version", "Expired").with_code(code).boxed())
        };
        assert!(resumable(answer(410)).is_err());
        assert!(resumable(answer(503)).is_ok());
        let cut = kube::Error::ReadEvents(std::io::ErrorKind::ConnectionReset.into());
        assert!(resumable(cut).is_ok());
        let garbled = serde_json::from_str::<Namespace>("{").unwrap_err();
        assert!(resumable(kube::Error::SerdeError(garbled)).is_err());
    }

    #[test]
    fn only_a_policy_that_denies_all_counts() {
        let denies = |spec: serde_json::Value| {
            let policy: NetworkPolicy =
                serde_json::from_value(json!({"metadata": {}, "spec": spec})).unwrap();
            let Facts::NetworkPolicy { denies_all, .. } = policy.facts() else { unreachable!() };
            denies_all
        };
        assert!(denies(json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})));
        assert!(denies(json!({"podSelector": {}, "policyTypes": ["Egress", "Ingress"], "ingress": []})));
        for open in [
            json!({"podSelector": {}, "policyTypes": ["Ingress"]}),
            json!({"podSelector": {"matchLabels": {"app": "x"}}, "policyTypes": ["Ingress", "Egress"]}),
            json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": [{}]}),
        ] {
            assert!(!denies(open.clone()), "{open}");
        }
        let mut life = vec![
            namespace(1, Added, None, false),
            deny(2, Added),
            namespace(3, Modified, Some("true"), false),
        ];
        let open = Facts::NetworkPolicy { denies_all: false, spec: "open".into() };
        life.push(entry(4, Modified, DEFAULT_DENY, open));
        life.push(deny(5, Modified));
        assert_eq!(faults(&life), [(Fault::DenyChanged, 4, Some(5))]);
    }
}
