//! What is in a segment, signed; and that its time was over, signed as well.

use crate::Partition;
use crate::digest::{Chain, Digest};
use crate::signed::{Seal, Signed};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) const FORMAT: &str = "snc-segment-1";
/// What every reader of JSON takes for a whole number.
const MOST: u64 = 1 << 53;

/// An object of the store as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    pub sha256: Digest,
    pub bytes: u64,
}

impl Stored {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { sha256: Digest::of(bytes), bytes: bytes.len() as u64 }
    }

    pub(crate) fn is_of(&self, bytes: &[u8]) -> bool {
        self.bytes == bytes.len() as u64 && self.sha256 == Digest::of(bytes)
    }
}

/// `<partition>/<number>.json`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub format: String,
    pub partition: Partition,
    pub number: u64,
    pub first_seq: u64,
    pub last_seq: u64,
    pub count: u64,
    /// When the first of its events was, and the last: they need not be in order.
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// Of the manifest before it, the hash of its bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
    pub chain_before: Chain,
    pub chain_after: Chain,
    pub segment: Stored,
    pub index: Stored,
    pub raw_bytes: u64,
    pub sealed_at: Timestamp,
    /// Until then it is not deleted.
    pub retain_until: Timestamp,
    #[serde(flatten)]
    pub seal: Seal,
}

impl Signed for Manifest {
    const FORMAT: &'static str = FORMAT;

    fn format(&self) -> &str {
        &self.format
    }

    fn seal(&self) -> &Seal {
        &self.seal
    }

    fn seal_mut(&mut self) -> &mut Seal {
        &mut self.seal
    }

    fn signed_at(&self) -> Timestamp {
        self.sealed_at
    }
}

impl Manifest {
    /// Of its bytes. The next manifest and the heads name it.
    pub fn hash(&self) -> Digest {
        // What was read or signed can be written.
        crate::signed::hash(self).unwrap_or(Digest::new([0; 32]))
    }

    /// Whether it comes right after that one, or is the first.
    pub(crate) fn follows(&self, before: Option<(&Self, Digest)>) -> bool {
        let (number, seq, hash, chain) = match before {
            Some((before, hash)) => (before.number, before.last_seq, Some(hash), before.chain_after),
            None => (0, 0, None, crate::record::genesis(&self.partition)),
        };
        self.number == number + 1
            && self.first_seq == seq + 1
            && self.previous == hash
            && self.chain_before == chain
            && before.is_none_or(|(before, _)| {
                before.partition == self.partition && before.sealed_at <= self.sealed_at
            })
    }

    /// Whether its own figures can be true, and can be reckoned with.
    pub(crate) fn adds_up(&self) -> bool {
        self.count > 0
            && self.first_seq > 0
            && self.last_seq < MOST
            && self.number < MOST
            && u32::try_from(self.count).is_ok()
            && self.last_seq.checked_sub(self.first_seq) == Some(self.count - 1)
            && self.first_at <= self.last_at
    }

    /// What it takes in the store.
    pub fn stored_bytes(&self) -> u64 {
        self.segment.bytes.saturating_add(self.index.bytes)
    }
}

pub(crate) const EXPIRED: &str = "snc-expired-1";

/// `<partition>/<number>.expired.json`: why a segment is no longer there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expired {
    pub format: String,
    pub partition: Partition,
    pub number: u64,
    /// The hash of its manifest.
    pub manifest: Digest,
    pub first_seq: u64,
    pub last_seq: u64,
    pub retain_until: Timestamp,
    pub at: Timestamp,
    /// What it took in the store.
    pub bytes: u64,
    #[serde(flatten)]
    pub seal: Seal,
}

impl Signed for Expired {
    const FORMAT: &'static str = EXPIRED;

    fn format(&self) -> &str {
        &self.format
    }

    fn seal(&self) -> &Seal {
        &self.seal
    }

    fn seal_mut(&mut self) -> &mut Seal {
        &mut self.seal
    }

    fn signed_at(&self) -> Timestamp {
        self.at
    }
}

impl Expired {
    /// Whether it is of that segment, and says of it what its manifest says.
    pub(crate) fn is_of(&self, manifest: &Manifest, hash: Digest) -> bool {
        self.partition == manifest.partition
            && self.number == manifest.number
            && self.manifest == hash
            && (self.first_seq, self.last_seq) == (manifest.first_seq, manifest.last_seq)
            && self.retain_until == manifest.retain_until
            && self.bytes == manifest.stored_bytes()
    }
}
