//! Waivers in force: which control is not held against which object, for now.
//!
//! An object is named as [`Subject::key`] has it. Nothing that a tenant writes grants a waiver: what somebody sends is
//! known by its own name alone, and only what a built-in controller sends itself also by the name of what it made it
//! for.

use crate::verdict::Subject;
use serde_json::Value;
use std::collections::BTreeMap;

/// Of each control the objects that it is not held against, each with the name of its exception.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Waivers(BTreeMap<String, BTreeMap<String, String>>);

impl Waivers {
    /// Of two exceptions for one pair, the first in order is named, whichever came first.
    pub fn grant(&mut self, control: &str, key: &str, exception: &str) {
        let held = self.0.entry(control.to_owned()).or_default().entry(key.to_owned());
        let held = held.or_insert_with(|| exception.to_owned());
        if exception < held.as_str() {
            exception.clone_into(held);
        }
    }

    /// The exception under which a control is not held against an object; `key` as [`Subject::key`] has it.
    pub fn covers(&self, control: &str, key: &str) -> Option<&str> {
        self.0.get(control)?.get(key).map(String::as_str)
    }

    /// The same, where an object is known by several names.
    pub fn covers_any(&self, control: &str, keys: &[String]) -> Option<&str> {
        let own = self.0.get(control)?;
        keys.iter().find_map(|key| own.get(key)).map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many pairs of a control and an object.
    pub fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// Control, object, exception.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.0.iter().flat_map(|(control, own)| {
            own.iter().map(move |(key, exception)| (control.as_str(), key.as_str(), exception.as_str()))
        })
    }

    /// As they are published: under each control its objects, in order.
    pub fn published(&self) -> BTreeMap<String, Vec<String>> {
        self.0.iter().map(|(control, own)| (control.clone(), own.keys().cloned().collect())).collect()
    }
}

/// A built-in controller under its own ServiceAccount, and what it makes for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Maker {
    pub username: &'static str,
    pub makes: Made,
    /// `apiVersion` and `kind` of what it makes that for.
    pub owner: (&'static str, &'static str),
    /// What made the owner, read off the owner's name.
    pub beyond: Option<Beyond>,
}

/// What the built-in controllers make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    Pod,
    ReplicaSet,
    Job,
}

impl Made {
    pub const fn api(self) -> (&'static str, &'static str) {
        match self {
            Self::Pod => ("v1", "Pod"),
            Self::ReplicaSet => ("apps/v1", "ReplicaSet"),
            Self::Job => ("batch/v1", "Job"),
        }
    }
}

/// How the name of a maker is read off the name of what it made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    /// A Deployment: the name of its `ReplicaSet` without `-` and the pod's label `pod-template-hash`.
    Deployment,
    /// A `CronJob`: the name of its Job without `-` and the digits at its end.
    CronJob,
}

pub const TEMPLATE_HASH: &str = "pod-template-hash";

const fn maker(
    username: &'static str,
    makes: Made,
    owner: (&'static str, &'static str),
    beyond: Option<Beyond>,
) -> Maker {
    Maker { username, makes, owner, beyond }
}

pub const MAKERS: &[Maker] = &[
    maker(
        "system:serviceaccount:kube-system:deployment-controller",
        Made::ReplicaSet,
        ("apps/v1", "Deployment"),
        None,
    ),
    maker(
        "system:serviceaccount:kube-system:replicaset-controller",
        Made::Pod,
        ("apps/v1", "ReplicaSet"),
        Some(Beyond::Deployment),
    ),
    maker(
        "system:serviceaccount:kube-system:statefulset-controller",
        Made::Pod,
        ("apps/v1", "StatefulSet"),
        None,
    ),
    maker(
        "system:serviceaccount:kube-system:daemon-set-controller",
        Made::Pod,
        ("apps/v1", "DaemonSet"),
        None,
    ),
    maker(
        "system:serviceaccount:kube-system:replication-controller",
        Made::Pod,
        ("v1", "ReplicationController"),
        None,
    ),
    maker(
        "system:serviceaccount:kube-system:job-controller",
        Made::Pod,
        ("batch/v1", "Job"),
        Some(Beyond::CronJob),
    ),
    maker("system:serviceaccount:kube-system:cronjob-controller", Made::Job, ("batch/v1", "CronJob"), None),
];

/// Every name under which what somebody sends may be waived: its own first. `requester` is the name that the API
/// server authenticated.
pub fn roots(requester: &str, object: &Value) -> Vec<String> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let namespace = text("/metadata/namespace");
    let (api_version, kind) = (text("/apiVersion"), text("/kind"));
    let key = |(api_version, kind): (&str, &str), name: &str| {
        Subject::new(api_version, kind, namespace, name).key()
    };
    let mut roots = vec![key((api_version, kind), text("/metadata/name"))];
    let made = MAKERS.iter().find(|maker| maker.username == requester);
    let Some(maker) = made.filter(|maker| maker.makes.api() == (api_version, kind)) else { return roots };
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let is_maker = |owner: &&Value| {
        owner["controller"] == true && owner["apiVersion"] == maker.owner.0 && owner["kind"] == maker.owner.1
    };
    let owner = owners.into_iter().flatten().find(is_maker).and_then(|owner| owner["name"].as_str());
    let Some(owner) = owner.filter(|name| !name.is_empty()) else { return roots };
    roots.push(key(maker.owner, owner));
    let beyond = maker.beyond.and_then(|beyond| match beyond {
        Beyond::Deployment => {
            let hash = object.pointer("/metadata/labels").and_then(|labels| labels[TEMPLATE_HASH].as_str());
            Some(key(("apps/v1", "Deployment"), without_hash(owner, hash?)?))
        }
        Beyond::CronJob => Some(key(("batch/v1", "CronJob"), without_number(owner)?)),
    });
    roots.extend(beyond);
    roots
}

fn without_hash<'n>(name: &'n str, hash: &str) -> Option<&'n str> {
    let start = name.strip_suffix(hash).filter(|_| !hash.is_empty())?;
    start.strip_suffix('-').filter(|start| !start.is_empty())
}

fn without_number(name: &str) -> Option<&str> {
    let start = name.trim_end_matches(|c: char| c.is_ascii_digit());
    start.strip_suffix('-').filter(|start| !start.is_empty() && name.len() > start.len() + 1)
}

#[cfg(test)]
mod tests;
