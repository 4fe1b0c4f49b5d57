//! The public keys of a log. Each is introduced by the one before it, so that whoever trusts one of them can follow
//! the others in both directions.

use crate::canonical;
use crate::error::Error;
use crate::finding::{Finding, What};
use crate::layout;
use crate::sign::{Algorithm, KeyId, PublicKey, Signature};
use aws_lc_rs::signature::ParsedPublicKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(crate) const FORMAT: &str = "snc-key-1";

/// `keys/<id>.json`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Statement {
    pub format: String,
    pub key_id: KeyId,
    pub algorithm: Algorithm,
    pub public_key: PublicKey,
    /// From when on it signs. The key before it does not sign after that.
    pub from: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<KeyId>,
    /// By the key itself: whoever trusts it trusts what it says it follows.
    pub proof: Signature,
    /// By the key before it; by itself, where it is the first.
    pub signature: Signature,
}

impl Statement {
    pub(crate) fn claim(&self) -> Result<Vec<u8>, Error> {
        canonical::bytes(self, &["proof", "signature"])
    }

    pub(crate) fn message(&self) -> Result<Vec<u8>, Error> {
        canonical::bytes(self, &["signature"])
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        canonical::bytes(self, &[])
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let read: Self = serde_json::from_slice(bytes).ok()?;
        let same = read.format == FORMAT && read.to_bytes().is_ok_and(|own| own == bytes);
        same.then_some(read)
    }
}

#[derive(Debug, Clone)]
pub struct Key {
    statement: Statement,
    parsed: ParsedPublicKey,
    until: Option<Timestamp>,
}

impl Key {
    /// Of one that nobody has introduced yet, if it is what it says.
    fn read(bytes: &[u8]) -> Option<Self> {
        let statement = Statement::from_bytes(bytes)?;
        let parsed = statement.public_key.parse(statement.algorithm)?;
        let own = statement.key_id == statement.public_key.id();
        let proven = own && statement.proof.is_of(&statement.claim().ok()?, &parsed);
        proven.then_some(Self { statement, parsed, until: None })
    }

    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    pub fn id(&self) -> &KeyId {
        &self.statement.key_id
    }

    pub fn algorithm(&self) -> Algorithm {
        self.statement.algorithm
    }

    /// When the next one took its place.
    pub fn until(&self) -> Option<Timestamp> {
        self.until
    }

    pub(crate) fn parsed(&self) -> &ParsedPublicKey {
        &self.parsed
    }

    /// Both bounds are in: at the moment of a rotation the old key may have signed, and the new one.
    pub(crate) fn is_valid_at(&self, at: Timestamp) -> bool {
        self.statement.from <= at && self.until.is_none_or(|until| at <= until)
    }

    fn introduces(&self, next: &Self) -> bool {
        let Statement { previous, from, signature, .. } = &next.statement;
        previous.as_ref() == Some(self.id())
            && *from >= self.statement.from
            && next.statement.message().is_ok_and(|message| signature.is_of(&message, &self.parsed))
    }

    fn is_first(&self) -> bool {
        let statement = &self.statement;
        statement.previous.is_none()
            && statement.message().is_ok_and(|message| statement.signature.is_of(&message, &self.parsed))
    }
}

/// In the order of their validity, without a break.
#[derive(Debug, Clone, Default)]
pub struct Keychain {
    keys: Vec<Key>,
}

impl Keychain {
    /// From objects of the store, by their names. Without a key to trust, the one that nobody introduced is where it begins.
    pub fn read(objects: &BTreeMap<String, Vec<u8>>, trusted: Option<&KeyId>) -> (Self, Vec<Finding>) {
        let mut findings = Vec::new();
        let mut read: BTreeMap<KeyId, Key> = BTreeMap::new();
        for (path, bytes) in objects {
            match Key::read(bytes).filter(|key| layout::key(key.id()).as_ref() == path) {
                Some(key) => drop(read.insert(key.id().clone(), key)),
                None => findings.push(Finding::new(What::KeyChanged, path)),
            }
        }
        let start = match trusted {
            Some(trusted) => read.remove(trusted),
            None => first(&mut read, &mut findings),
        };
        let Some(start) = start else {
            if let Some(trusted) = trusted {
                findings.push(Finding::new(What::NotTrusted, layout::key(trusted).as_ref()));
            }
            findings.extend(left(&read));
            return (Self::default(), findings);
        };
        let mut keys = vec![start];
        backwards(&mut keys, &mut read, &mut findings);
        forwards(&mut keys, &mut read, &mut findings);
        for at in 1..keys.len() {
            keys[at - 1].until = Some(keys[at].statement.from);
        }
        findings.extend(left(&read));
        (Self { keys }, findings)
    }

    pub fn get(&self, id: &KeyId) -> Option<&Key> {
        self.keys.iter().find(|key| key.id() == id)
    }

    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    pub fn current(&self) -> Option<&Key> {
        self.keys.last()
    }
}

fn first(read: &mut BTreeMap<KeyId, Key>, findings: &mut Vec<Finding>) -> Option<Key> {
    let firsts: Vec<KeyId> = read.values().filter(|key| key.is_first()).map(|key| key.id().clone()).collect();
    match firsts.as_slice() {
        [one] => read.remove(one),
        [] => {
            findings.push(Finding::new(What::KeyMissing, layout::KEYS));
            None
        }
        several => {
            findings.extend(several.iter().map(|id| Finding::new(What::KeyFork, layout::key(id).as_ref())));
            None
        }
    }
}

/// What the first of them says it follows, as long as that key says so too.
fn backwards(keys: &mut Vec<Key>, read: &mut BTreeMap<KeyId, Key>, findings: &mut Vec<Finding>) {
    while let Some(previous) = keys[0].statement.previous.clone() {
        match read.remove(&previous) {
            Some(key) if key.introduces(&keys[0]) => keys.insert(0, key),
            Some(key) => {
                // Which of the two was changed, the two cannot tell.
                let both = [key.id(), keys[0].id()];
                findings.extend(both.map(|id| Finding::new(What::KeyNotInChain, layout::key(id).as_ref())));
                return;
            }
            None => {
                findings.push(Finding::new(What::KeyMissing, layout::key(&previous).as_ref()));
                return;
            }
        }
    }
    // Nobody introduces the first one: it has to do that itself.
    if !keys[0].is_first() {
        findings.push(Finding::new(What::KeyChanged, layout::key(keys[0].id()).as_ref()));
    }
}

fn forwards(keys: &mut Vec<Key>, read: &mut BTreeMap<KeyId, Key>, findings: &mut Vec<Finding>) {
    while let Some(last) = keys.last() {
        let next: Vec<KeyId> =
            read.values().filter(|key| last.introduces(key)).map(|key| key.id().clone()).collect();
        match next.as_slice() {
            [one] => keys.extend(read.remove(one)),
            [] => return,
            several => {
                findings
                    .extend(several.iter().map(|id| Finding::new(What::KeyFork, layout::key(id).as_ref())));
                return;
            }
        }
    }
}

fn left(read: &BTreeMap<KeyId, Key>) -> impl Iterator<Item = Finding> {
    read.keys().map(|id| Finding::new(What::KeyNotInChain, layout::key(id).as_ref()))
}

#[cfg(test)]
#[path = "keychain_tests.rs"]
mod tests;
