//! Where the log stands, from the store alone.

use super::{State, Writer, write_pack};
use crate::Partition;
use crate::access::{self, Store};
use crate::catalogue::{self, Listed, PACK};
use crate::digest::Digest;
use crate::error::Error;
use crate::finding::{Finding, What};
use crate::head::{self, Head};
use crate::index::Index;
use crate::keychain::Keychain;
use crate::keys::Keys;
use crate::layout::{self, Kind, Object};
use crate::manifest::Manifest;
use crate::signed::Signed as _;
use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::path::Path;
use std::collections::BTreeMap;

impl Writer {
    /// A log that is damaged is gone on with wherever that can be done: see [`Writer::found`].
    pub async fn open(store: Store, keys: Keys) -> Result<Self, Error> {
        let found = strangers(&store, &keys).await?;
        let mut writer = Self {
            store,
            keys,
            partitions: BTreeMap::new(),
            last_head: None,
            head: None,
            pending_head: None,
            untold: Vec::new(),
            gone: Vec::new(),
            found,
        };
        writer.publish_keys().await?;
        for partition in partitions(&writer.store).await? {
            let state = writer.stands(&partition).await?;
            writer.partitions.insert(partition, state);
        }
        writer.read_head().await?;
        Ok(writer)
    }

    async fn stands(&mut self, partition: &Partition) -> Result<State, Error> {
        let mut state = State::new(partition);
        let packs = catalogue::packs(&self.store, partition).await?;
        let packed = packs.last().copied().unwrap_or(0);
        let manifests = catalogue::tail(&self.store, partition, packed + 1).await?;
        let last = match manifests.last() {
            Some(last) => Some(last.clone()),
            None => self.last_packed(partition, packed).await?,
        };
        let Some((number, last)) = last else { return Ok(state) };
        let path = layout::object(partition, number, Kind::Manifest);
        let Some(Listed { manifest, hash, .. }) = catalogue::one(partition, number, last) else {
            let finding = Finding::new(What::ManifestChanged, path.as_ref()).segment(partition, number);
            self.found.push(finding.clone());
            state.damage = Some(finding);
            return Ok(state);
        };
        if let Some(what) = manifest.check(self.keys.chain()) {
            self.found.push(Finding::new(what, path.as_ref()).segment(partition, number));
        }
        let through = self.through_of(&manifest).await?;
        state.place = crate::segment::Place::after(&manifest, through.unwrap_or(0));
        state.through_known = through.is_some();
        state.last = Some((number, hash));
        state.sealed_at = manifest.sealed_at;
        state.unpacked = self.pack_up(partition, packed, manifests).await;
        Ok(state)
    }

    async fn last_packed(&self, partition: &Partition, packed: u64) -> Result<Option<(u64, Bytes)>, Error> {
        if packed == 0 {
            return Ok(None);
        }
        let path = layout::object(partition, packed, Kind::Manifest);
        if let Some(bytes) = access::read(&self.store, &path).await? {
            return Ok(Some((packed, bytes)));
        }
        let pack = access::read(&self.store, &layout::object(partition, packed, Kind::Pack)).await?;
        let last = pack.as_ref().and_then(catalogue::unpack).and_then(|mut lines| lines.pop());
        Ok(Some((packed, last.unwrap_or_default())))
    }

    /// Makes the packs that are missing. What is left comes into the next.
    async fn pack_up(&self, partition: &Partition, packed: u64, manifests: Vec<(u64, Bytes)>) -> Vec<Bytes> {
        let mut left: Vec<Bytes> = Vec::new();
        for (expected, (number, bytes)) in (packed + 1..).zip(manifests) {
            if number != expected {
                // One is missing: nothing after it can be packed.
                return Vec::new();
            }
            left.push(bytes);
            if number % PACK == 0 {
                if let Err(error) = write_pack(&self.store, partition, number, &left).await {
                    tracing::warn!(%partition, number, %error, "a pack of manifests was not written");
                }
                left.clear();
            }
        }
        left
    }

    async fn through_of(&mut self, manifest: &Manifest) -> Result<Option<u64>, Error> {
        let Manifest { partition, number, .. } = manifest;
        let path = layout::object(partition, *number, Kind::Index);
        let bytes = access::read_at_most(&self.store, &path, manifest.index.bytes).await?;
        let what = match bytes {
            None => What::IndexMissing,
            Some(bytes) if !manifest.index.is_of(&bytes) => What::IndexChanged,
            Some(bytes) => match Index::read(bytes) {
                Ok(index) => return Ok(Some(index.about.through)),
                Err(_) => What::IndexChanged,
            },
        };
        let tombstone = layout::object(partition, *number, Kind::Tombstone);
        if access::read(&self.store, &tombstone).await?.is_some() {
            // No journal keeps what is older than that.
            return Ok(Some(0));
        }
        self.found.push(Finding::new(what, path.as_ref()).segment(partition, *number));
        Ok(None)
    }

    async fn read_head(&mut self) -> Result<(), Error> {
        let Some(number) = head::numbers(&self.store).await?.last().copied() else { return Ok(()) };
        let path = layout::head(number);
        let bytes = head::read(&self.store, number).await?;
        let head = Head::from_bytes(&bytes).filter(|head| head.number == number && head.leaves_fit());
        let Some(head) = head else {
            self.found.push(Finding::new(What::HeadChanged, path.as_ref()).number(number));
            self.last_head = Some((number, Digest::of(&bytes)));
            return Ok(());
        };
        if let Some(what) = head.check(self.keys.chain()) {
            self.found.push(Finding::new(what, path.as_ref()).number(number));
        }
        self.behind(&head);
        self.last_head = Some((number, head.hash()));
        self.head = Some(head);
        Ok(())
    }

    /// Where the store has less than the last head says.
    fn behind(&mut self, head: &Head) {
        for leaf in &head.leaves {
            let last = self
                .partitions
                .get(&leaf.partition)
                .and_then(|state| state.last)
                .map_or(0, |(number, _)| number);
            let damaged = self.partitions.get(&leaf.partition).is_some_and(|state| state.damage.is_some());
            for number in (last + 1..=leaf.number).filter(|_| !damaged).take(crate::finding::MOST) {
                let path = layout::object(&leaf.partition, number, Kind::Manifest);
                let finding =
                    Finding::new(What::ManifestMissing, path.as_ref()).segment(&leaf.partition, number);
                self.found.push(finding.by(layout::head(head.number)));
            }
        }
    }
}

/// Keys of the store that are not ours, or no longer as they were. Where none of ours is there and others are, this is
/// the log of somebody else.
async fn strangers(store: &Store, keys: &Keys) -> Result<Vec<Finding>, Error> {
    let there = key_objects(store).await?;
    let mut own = BTreeMap::new();
    for key in keys.chain().keys() {
        own.insert(layout::key(key.id()).to_string(), key.statement().to_bytes()?);
    }
    if !there.is_empty() && !there.keys().any(|path| own.contains_key(path)) {
        let path = layout::key(keys.current());
        return Err(Finding::new(What::NotTrusted, path.as_ref()).into());
    }
    let what = |(path, bytes): (&String, &Vec<u8>)| match own.get(path) {
        None => Some(Finding::new(What::KeyNotInChain, path)),
        Some(own) if own != bytes => Some(Finding::new(What::KeyChanged, path)),
        Some(_) => None,
    };
    Ok(there.iter().filter_map(what).collect())
}

pub(crate) async fn key_objects(store: &Store) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let prefix = Path::from(layout::KEYS);
    let listed: Vec<_> = store.list(Some(&prefix)).try_collect().await.map_err(Error::store(layout::KEYS))?;
    let mut found = BTreeMap::new();
    let keys = listed.into_iter().filter(|object| matches!(layout::read(&object.location), Object::Key(_)));
    for object in keys {
        if let Some(bytes) = access::read(store, &object.location).await? {
            found.insert(object.location.to_string(), bytes.to_vec());
        }
    }
    Ok(found)
}

/// The public keys of a store, as far as they hold together.
pub(crate) async fn keychain(
    store: &Store,
    trusted: Option<&crate::sign::KeyId>,
) -> Result<(Keychain, Vec<Finding>), Error> {
    Ok(Keychain::read(&key_objects(store).await?, trusted))
}

pub(crate) async fn partitions(store: &Store) -> Result<Vec<Partition>, Error> {
    let listed = store.list_with_delimiter(None).await.map_err(Error::store(""))?;
    let mut partitions: Vec<Partition> =
        listed.common_prefixes.iter().filter_map(|prefix| prefix.as_ref().parse().ok()).collect();
    partitions.sort_unstable();
    Ok(partitions)
}
