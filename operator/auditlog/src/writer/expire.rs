//! What may go, goes; and that it went is signed.

use super::Writer;
use crate::Partition;
use crate::access::{self, Store};
use crate::catalogue::{Listed, Walk};
use crate::digest::Digest;
use crate::error::Error;
use crate::keychain::Keychain;
use crate::layout::{self, Kind, Object};
use crate::manifest::{EXPIRED, Expired, Manifest};
use crate::sign::Signature;
use crate::signed::{Seal, Signed as _};
use futures::TryStreamExt as _;
use jiff::Timestamp;
use object_store::path::Path;
use std::collections::BTreeSet;

/// Nothing of it is deleted, however old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub name: String,
    /// None: all of them.
    pub partition: Option<Partition>,
    pub since: Timestamp,
}

impl Hold {
    pub fn holds(&self, partition: &Partition, now: Timestamp) -> bool {
        self.since <= now && self.partition.as_ref().is_none_or(|held| held == partition)
    }
}

impl Writer {
    /// Deletes whole segments whose retention is over. The note that says so comes before, so that what is gone without
    /// one was removed by somebody else. What went before an error is told by the next call.
    pub async fn expire(&mut self, now: Timestamp, holds: &[Hold]) -> Result<Vec<Expired>, Error> {
        let free: Vec<Partition> = self
            .partitions()
            .filter(|partition| !holds.iter().any(|hold| hold.holds(partition, now)))
            .cloned()
            .collect();
        for partition in free {
            let there = there(&self.store, &partition).await?;
            let Some(first) = there.first() else { continue };
            let mut walk = Walk::from(&self.store, &partition, *first).await?;
            while let Some(batch) = walk.batch(self.keys.chain()).await? {
                for listed in batch.listed {
                    let Listed { manifest, .. } = &listed;
                    if there.contains(&manifest.number) && manifest.retain_until <= now {
                        let expired = self.bury(&listed, now).await?;
                        self.gone.push(expired);
                    }
                }
            }
        }
        Ok(std::mem::take(&mut self.gone))
    }

    async fn bury(&self, listed: &Listed, now: Timestamp) -> Result<Expired, Error> {
        let manifest = &listed.manifest;
        let path = |kind| layout::object(&manifest.partition, manifest.number, kind);
        let note = path(Kind::Tombstone);
        let there = access::read(&self.store, &note).await?;
        // Perhaps it is noted, and was not deleted yet.
        let noted = there.as_deref().and_then(|bytes| valid(bytes, manifest, listed.hash, self.keys.chain()));
        let expired = if let Some(expired) = noted {
            expired
        } else {
            let expired = self.note(listed, now)?;
            access::put(&self.store, &note, expired.to_bytes()?.into()).await?;
            expired
        };
        access::delete(&self.store, &path(Kind::Segment)).await?;
        access::delete(&self.store, &path(Kind::Index)).await?;
        Ok(expired)
    }

    fn note(&self, listed: &Listed, now: Timestamp) -> Result<Expired, Error> {
        let Listed { manifest, hash, .. } = listed;
        let mut expired = Expired {
            format: EXPIRED.to_owned(),
            partition: manifest.partition.clone(),
            number: manifest.number,
            manifest: *hash,
            first_seq: manifest.first_seq,
            last_seq: manifest.last_seq,
            retain_until: manifest.retain_until,
            at: now.max(self.keys.since()),
            bytes: manifest.stored_bytes(),
            seal: Seal {
                key_id: self.keys.current().clone(),
                algorithm: self.keys.algorithm(),
                signature: Signature::none(),
            },
        };
        expired.sign(self.keys.pair())?;
        Ok(expired)
    }
}

/// A note that its time was over, if it holds.
pub(crate) fn valid(bytes: &[u8], manifest: &Manifest, hash: Digest, keys: &Keychain) -> Option<Expired> {
    let expired = Expired::from_bytes(bytes)?;
    let holds =
        expired.is_of(manifest, hash) && expired.at >= expired.retain_until && expired.check(keys).is_none();
    holds.then_some(expired)
}

/// The numbers of the segments of which something is in the store.
async fn there(store: &Store, partition: &Partition) -> Result<BTreeSet<u64>, Error> {
    numbers(store, partition, &[Kind::Segment, Kind::Index]).await
}

/// The numbers of the segments that are noted to have expired.
pub(crate) async fn noted(store: &Store, partition: &Partition) -> Result<BTreeSet<u64>, Error> {
    numbers(store, partition, &[Kind::Tombstone]).await
}

async fn numbers(store: &Store, partition: &Partition, kinds: &[Kind]) -> Result<BTreeSet<u64>, Error> {
    let prefix = Path::from(partition.to_string());
    let number = |object: object_store::ObjectMeta| async move {
        match layout::read(&object.location) {
            Object::Of(_, number, kind) if kinds.contains(&kind) => Ok(Some(number)),
            _ => Ok(None),
        }
    };
    let listed = store.list(Some(&prefix)).try_filter_map(number);
    listed.try_collect().await.map_err(Error::store(prefix.as_ref()))
}
