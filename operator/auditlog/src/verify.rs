//! Whether a log is what it was. Everything that is not gets its name.
//!
//! What the log says about itself cannot prove its own end: whoever owns the store and the key of today can cut off what
//! came last and sign the rest anew. That is what anchors are for, and without one the report says so.

mod heads;
mod partition;
mod records;

use crate::Partition;
use crate::access::Store;
use crate::anchor::Anchor;
use crate::error::Error;
use crate::finding::{Aside, Finding, Findings, Note};
use crate::keychain::{Key, Keychain};
use crate::layout::{self, Object};
use crate::sign::{Algorithm, KeyId};
use crate::writer::keychain;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use snc_core::text::Text;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) use records::Figures;

/// Clocks differ.
pub(crate) const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What to hold the log against.
#[derive(Debug, Clone)]
pub struct Check {
    pub anchors: Vec<Anchor>,
    /// One of its keys, known from elsewhere.
    pub trusted: Option<KeyId>,
    pub now: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub at: Timestamp,
    /// The first of them, in order.
    pub findings: Vec<Finding>,
    /// How many there are.
    pub total: u64,
    pub notes: Vec<Note>,
    pub tail: Tail,
    pub root: Root,
    pub keys: Vec<KeyReport>,
    pub heads: u64,
    pub partitions: Vec<PartitionReport>,
}

/// How far the end of the log is proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "state")]
pub enum Tail {
    NotProven,
    /// Nothing that was there when this head was signed is missing.
    Proven {
        head: u64,
        at: Timestamp,
        anchor: String,
    },
}

/// Whether the keys are those of whom one thinks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum Root {
    /// Nobody said which key to trust: the log vouches for its own.
    NotProven,
    Trusted {
        key: KeyId,
    },
    NotTrusted {
        key: KeyId,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyReport {
    pub id: KeyId,
    pub algorithm: Algorithm,
    pub from: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What was read of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartitionReport {
    pub partition: Partition,
    pub segments: u64,
    pub records: u64,
    /// Segments whose time was over, with the note that says so.
    pub expired: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
}

impl Report {
    /// Nothing is wrong. What is proven is another question: see [`Tail`] and [`Root`].
    pub fn is_intact(&self) -> bool {
        self.total == 0
    }

    pub fn is_truncated(&self) -> bool {
        self.total > self.findings.len() as u64
    }
}

impl Tail {
    pub fn text(&self) -> Text {
        match self {
            Self::NotProven => Text::new(
                "fin non prouvée : sans ancre extérieure, rien ne montre que les derniers enregistrements n'ont pas été ôtés",
                "not proven: tail. Without an anchor outside, nothing shows that the last records were not taken away",
            ),
            Self::Proven { head, at, anchor } => Text::new(
                format!("fin prouvée jusqu'au relevé {head} du {at}, par l'ancre {anchor}"),
                format!("tail proven through head {head} of {at}, by the anchor {anchor}"),
            ),
        }
    }
}

impl Root {
    pub fn text(&self) -> Text {
        match self {
            Self::NotProven => Text::new(
                "clés non prouvées : aucune clé de confiance n'a été donnée, le journal répond lui-même des siennes",
                "not proven: keys. No key to trust was given; the log vouches for its own",
            ),
            Self::Trusted { key } => Text::new(
                format!("clés prouvées à partir de la clé {key}"),
                format!("keys proven, starting from the key {key}"),
            ),
            Self::NotTrusted { key } => Text::new(
                format!("la clé {key} n'est pas de ce journal"),
                format!("the key {key} is not one of this log"),
            ),
        }
    }

    pub(crate) fn of(trusted: Option<&KeyId>, keys: &Keychain) -> Self {
        match trusted {
            None => Self::NotProven,
            Some(key) if keys.get(key).is_some() => Self::Trusted { key: key.clone() },
            Some(key) => Self::NotTrusted { key: key.clone() },
        }
    }
}

impl From<&Key> for KeyReport {
    fn from(key: &Key) -> Self {
        Self {
            id: key.id().clone(),
            algorithm: key.algorithm(),
            from: key.statement().from,
            until: key.until(),
        }
    }
}

/// What somebody who signed says that a manifest was.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    manifest: crate::digest::Digest,
    by: String,
}

pub(crate) type Claims = BTreeMap<u64, Vec<Claim>>;

/// Reads all of it. An error is one of the store: then nothing was found out.
pub async fn verify(store: &Store, check: &Check) -> Result<Report, Error> {
    let mut findings = Findings::default();
    let (keys, wrong) = keychain(store, check.trusted.as_ref()).await?;
    findings.extend(wrong);
    let (mut dirs, mut notes) = top(store).await?;
    notes.extend(heads::foreign(store).await?);
    let heads::Heads { claims, tail, count } =
        heads::check(store, &keys, &check.anchors, &mut findings).await?;
    dirs.extend(claims.keys().cloned());
    let none = Claims::new();
    let mut partitions = Vec::new();
    for partition in dirs {
        let claims = claims.get(&partition).unwrap_or(&none);
        let scan = partition::Scan { store, keys: &keys, partition: &partition, claims, now: check.now };
        let (report, aside) = scan.run(&mut findings).await?;
        partitions.push(report);
        notes.extend(aside);
    }
    notes.sort_unstable();
    notes.truncate(crate::finding::MOST);
    let (findings, total) = findings.into_sorted();
    let root = Root::of(check.trusted.as_ref(), &keys);
    let keys = keys.keys().iter().map(KeyReport::from).collect();
    Ok(Report { at: check.now, findings, total, notes, tail, root, keys, heads: count, partitions })
}

/// The partitions that are there, and what has no place in a log.
async fn top(store: &Store) -> Result<(BTreeSet<Partition>, Vec<Note>), Error> {
    let listed = store.list_with_delimiter(None).await.map_err(Error::store(""))?;
    let foreign = |path: &object_store::path::Path| Note { object: path.to_string(), what: Aside::Foreign };
    let mut notes: Vec<Note> = listed.objects.iter().map(|object| foreign(&object.location)).collect();
    let mut partitions = BTreeSet::new();
    for prefix in &listed.common_prefixes {
        match prefix.as_ref().parse() {
            Ok(partition) => drop(partitions.insert(partition)),
            Err(_) if [layout::KEYS, layout::HEADS].contains(&prefix.as_ref()) => {}
            Err(_) => notes.push(foreign(prefix)),
        }
    }
    Ok((partitions, notes))
}

/// Whether it is something that a log has there.
fn is_foreign(path: &object_store::path::Path) -> bool {
    layout::read(path) == Object::Foreign
}

#[cfg(test)]
mod tests;
