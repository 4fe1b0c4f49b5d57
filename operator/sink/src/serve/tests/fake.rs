//! A cluster of two tenants, and a sink that remembers what it was told.

use super::super::{Access, Acknowledged, AlarmState, House};
use crate::cluster::{Answer, Asked, Cluster, Marked, Namespace, Owners, People, Silent, User};
use crate::status::{GapItem, SourceKind, Status};
use crate::wishes::Wishes;
use jiff::Timestamp;
use serde_json::{Value, json};
use snc_audit::Partition;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

pub(in crate::serve) fn user(name: &str, groups: &[&str]) -> User {
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    User { name: name.to_owned(), uid: format!("uid-{name}"), groups, ..User::default() }
}

/// Who, verb, resource, and where: `*` for everywhere.
type Right = (String, String, String, String);

pub(in crate::serve) struct Fake {
    people: watch::Sender<People>,
    wishes: watch::Sender<Option<Wishes>>,
    tokens: Mutex<BTreeMap<String, User>>,
    rights: Mutex<BTreeSet<Right>>,
    silent: AtomicBool,
    slow: AtomicBool,
    asked: Mutex<Vec<String>>,
}

impl Fake {
    /// Tenant `a` has `a-one` and `a-two`, and had `a-old`; `b` has `b-one`; `empty` has nothing.
    pub(in crate::serve) fn scene() -> Arc<Self> {
        let namespace = |name: &str, tenant: &str, gone: Option<Timestamp>| Namespace {
            name: name.to_owned(),
            uid: format!("uid-{name}"),
            tenant: Some(tenant.to_owned()),
            since: Timestamp::UNIX_EPOCH,
            gone,
        };
        let gone = Some(Timestamp::now());
        let namespaces = vec![
            namespace("a-one", "a", None),
            namespace("a-two", "a", None),
            namespace("a-old", "a", gone),
            namespace("b-one", "b", None),
        ];
        let owners = ["a", "b", "empty"].map(|tenant| Owners {
            tenant: tenant.to_owned(),
            since: Timestamp::UNIX_EPOCH,
            users: BTreeSet::new(),
            groups: BTreeSet::new(),
        });
        let owners = owners.to_vec();
        let (people, wishes) = (People { synced: true, namespaces, owners }, watch::Sender::new(None));
        let fake = Self {
            people: watch::Sender::new(people),
            wishes,
            tokens: Mutex::default(),
            rights: Mutex::default(),
            silent: AtomicBool::new(false),
            slow: AtomicBool::new(false),
            asked: Mutex::default(),
        };
        for name in ["alice", "bob", "one", "ghost", "auditor", "officer", "nobody"] {
            fake.token(&format!("{name}-token"), user(name, &["system:authenticated"]));
        }
        for (name, verb, resource, place) in [
            ("alice", "get", "auditlogs", "a-one"),
            ("alice", "get", "auditlogs", "a-two"),
            ("bob", "get", "auditlogs", "b-one"),
            ("one", "get", "auditlogs", "a-one"),
            ("ghost", "get", "auditlogs", "a-old"),
            ("auditor", "get", "auditlogs", "*"),
            ("auditor", "get", "auditalarms", "*"),
            ("officer", "get", "auditalarms", "*"),
            ("officer", "update", "auditalarms", "*"),
        ] {
            let right = (name.to_owned(), verb.to_owned(), resource.to_owned(), place.to_owned());
            fake.rights.lock().unwrap().insert(right);
        }
        Arc::new(fake)
    }

    pub(in crate::serve) fn token(&self, token: &str, user: User) {
        self.tokens.lock().unwrap().insert(token.to_owned(), user);
    }

    pub(in crate::serve) fn revoke(&self, name: &str) {
        self.rights.lock().unwrap().retain(|(who, ..)| who != name);
    }

    pub(in crate::serve) fn set_silent(&self, silent: bool) {
        self.silent.store(silent, Ordering::SeqCst);
    }

    pub(in crate::serve) fn set_slow(&self, slow: bool) {
        self.slow.store(slow, Ordering::SeqCst);
    }

    /// Another tenant of this name was made then.
    pub(in crate::serve) fn made_again(&self, tenant: &str, since: Timestamp) {
        self.people.send_modify(|people| {
            people
                .owners
                .iter_mut()
                .filter(|owners| owners.tenant == tenant)
                .for_each(|owners| owners.since = since);
        });
    }

    pub(in crate::serve) fn unsync(&self) {
        self.people.send_modify(|people| people.synced = false);
    }

    pub(in crate::serve) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    async fn answer<T>(&self, question: String, answer: T) -> Result<T, Silent> {
        self.asked.lock().unwrap().push(question);
        if self.slow.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
        if self.silent.load(Ordering::SeqCst) {
            Err(Silent("connection refused".to_owned()))
        } else {
            Ok(answer)
        }
    }
}

impl Cluster for Fake {
    fn authenticate<'a>(&'a self, token: &'a str) -> Answer<'a, Option<User>> {
        let user = self.tokens.lock().unwrap().get(token).cloned();
        Box::pin(self.answer(format!("who {token}"), user))
    }

    fn may<'a>(&'a self, user: &'a User, asked: Asked<'a>) -> Answer<'a, bool> {
        let Asked { group, resource, verb, namespace } = asked;
        assert_eq!(group, "secnumcloud.dev");
        let place = namespace.unwrap_or("*");
        let of = |place: &str| (user.name.clone(), verb.to_owned(), resource.to_owned(), place.to_owned());
        let rights = self.rights.lock().unwrap();
        // As Kubernetes does: who may everywhere may here.
        let may = rights.contains(&of("*")) || rights.contains(&of(place));
        Box::pin(self.answer(format!("{} {verb} {resource} {place}", user.name), may))
    }

    fn people(&self) -> watch::Receiver<People> {
        self.people.subscribe()
    }

    fn wishes(&self) -> watch::Receiver<Option<Wishes>> {
        self.wishes.subscribe()
    }

    fn report<'a>(&'a self, _: &'a Status) -> Answer<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn mark<'a>(&'a self, _: &'a str) -> Answer<'a, Marked> {
        Box::pin(async { Err(Silent("no".to_owned())) })
    }
}

/// What the sink says here, and what it was told.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) accesses: Mutex<Vec<Access>>,
    pub(super) acknowledged: Mutex<Vec<String>>,
    pub(super) sealed: Option<Timestamp>,
    /// The journal cannot be written.
    pub(super) full: AtomicBool,
}

impl House for Notes {
    fn sealed_through(&self, _: &Partition) -> Option<Timestamp> {
        self.sealed
    }

    fn gaps(&self) -> Vec<GapItem> {
        let at = Timestamp::UNIX_EPOCH;
        let gap = |server: &str, closed| GapItem {
            server: server.to_owned(),
            source: SourceKind::Webhook,
            cause: "Down".to_owned(),
            from: at,
            to: Some(at),
            closed,
        };
        vec![gap("MARK-SERVER-1", None), gap("MARK-SERVER-2", Some(at))]
    }

    fn status(&self) -> Option<Status> {
        None
    }

    fn alarms(
        &self,
        state: Option<AlarmState>,
        partition: Option<&Partition>,
        from: Option<Timestamp>,
    ) -> Vec<Value> {
        // All of them at the beginning of time.
        if from.is_some_and(|from| from > Timestamp::UNIX_EPOCH) {
            return Vec::new();
        }
        let all = [
            ("platform", "MARK-P", "open"),
            ("tenant.a", "MARK-A", "open"),
            ("tenant.b", "MARK-B", "overdue"),
        ];
        let wanted = |of: &str, is: &str| {
            partition.is_none_or(|one| one.to_string() == of) && state.is_none_or(|one| one.as_str() == is)
        };
        all.iter()
            .filter(|(of, _, is)| wanted(of, is))
            .map(|(_, text, is)| json!({"text": text, "state": is}))
            .collect()
    }

    fn acknowledge<'a>(&'a self, id: &'a str, by: &'a User, decision: &'a str) -> Answer<'a, Acknowledged> {
        Box::pin(async move {
            if id != "a-1" {
                return Ok(Acknowledged::NoSuchAlarm);
            }
            let mut acknowledged = self.acknowledged.lock().unwrap();
            acknowledged.push(format!("{} {decision}", by.name));
            let alarm = json!({"id": id, "decision": acknowledged[0]});
            Ok(if acknowledged.len() == 1 { Acknowledged::Now(alarm) } else { Acknowledged::Before(alarm) })
        })
    }

    fn accessed<'a>(&'a self, access: &'a Access) -> Answer<'a, ()> {
        Box::pin(async move {
            if self.full.load(Ordering::SeqCst) {
                return Err(Silent("no space left".to_owned()));
            }
            self.accesses.lock().unwrap().push(access.clone());
            Ok(())
        })
    }
}
