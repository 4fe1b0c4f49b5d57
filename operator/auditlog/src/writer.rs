//! The one who writes a log. There is one at a time: a second one is told so by the first object that both want.

pub(crate) mod expire;
mod open;

pub use expire::Hold;
pub(crate) use open::{keychain, partitions};

use crate::Partition;
use crate::access::{self, Store};
use crate::catalogue::{self, PACK};
use crate::digest::Digest;
use crate::error::Error;
use crate::finding::Finding;
use crate::head::Head;
use crate::keys::Keys;
use crate::layout::{self, Kind};
use crate::manifest::{Expired, Manifest};
use crate::merkle::Leaf;
use crate::record::NewRecord;
use crate::segment::{Place, Sealed, SegmentBuilder};
use crate::sign::{Algorithm, KeyId};
use crate::signed::Signed as _;
use bytes::Bytes;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::task::Poll;

#[derive(Debug)]
pub struct Writer {
    store: Store,
    keys: Keys,
    partitions: BTreeMap<Partition, State>,
    /// The last head, or what is there in its place.
    last_head: Option<(u64, Digest)>,
    head: Option<Head>,
    /// Signed, and perhaps written: nobody knows until it is written once more.
    pending_head: Option<Head>,
    /// Written, and told to nobody yet.
    untold: Vec<Manifest>,
    /// Deleted, and told to nobody yet.
    gone: Vec<Expired>,
    found: Vec<Finding>,
}

/// A partition, as the next segment finds it.
#[derive(Debug)]
struct State {
    place: Place,
    /// False where the index that says it could not be read.
    through_known: bool,
    last: Option<(u64, Digest)>,
    sealed_at: Timestamp,
    /// The last manifests that are in no pack yet.
    unpacked: Vec<Bytes>,
    /// Perhaps in the store, whole or in part. The same again does no harm, and something else would.
    pending: Option<Sealed>,
    /// Why nothing can come after what is there.
    damage: Option<Finding>,
}

impl State {
    fn new(partition: &Partition) -> Self {
        Self {
            place: Place::first(partition),
            through_known: true,
            last: None,
            sealed_at: Timestamp::MIN,
            unpacked: Vec::new(),
            pending: None,
            damage: None,
        }
    }

    fn advance(&mut self, manifest: &Manifest, bytes: Bytes, through: u64) {
        self.place = Place::after(manifest, through);
        self.last = Some((manifest.number, manifest.hash()));
        self.sealed_at = manifest.sealed_at;
        self.unpacked.push(bytes);
    }
}

impl Writer {
    /// Begins the next segment of a partition. To push into it is work for the processor only, and may be done anywhere.
    pub async fn begin(&mut self, partition: &Partition) -> Result<SegmentBuilder, Error> {
        self.finish_pending(partition).await?;
        let state = self.state(partition);
        match &state.damage {
            Some(finding) => Err(finding.clone().into()),
            None => SegmentBuilder::new(partition.clone(), state.place),
        }
    }

    /// Writes it down. What comes back is durable: this segment, if there was anything in it, and any that an earlier
    /// failure left undecided. After an error the same records must be offered again; those that were written all the
    /// same are passed over.
    pub async fn commit(
        &mut self,
        builder: SegmentBuilder,
        retain_until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Manifest>, Error> {
        let partition = builder.partition().clone();
        let state = self.partitions.entry(partition.clone()).or_insert_with(|| State::new(&partition));
        if builder.number() != state.place.number || state.pending.is_some() {
            return Err(Error::Stale { partition: partition.to_string(), number: builder.number() });
        }
        // A clock that was set back must not make it look as if a key had been used outside of its time.
        let sealed_at = now.max(state.sealed_at).max(self.keys.since());
        // Nor is the time for which it is kept reckoned from a moment that was over already.
        let latest = self.head.as_ref().map_or(sealed_at, |head| head.at.max(sealed_at));
        let retain_until = retain_until.saturating_add(latest.duration_since(now)).unwrap_or(Timestamp::MAX);
        if let Some(sealed) = builder.finish(retain_until, sealed_at, &self.keys)? {
            state.pending = Some(sealed);
            self.finish_pending(&partition).await?;
        }
        Ok(std::mem::take(&mut self.untold))
    }

    /// All of it in one, letting other tasks go on between two blocks.
    ///
    /// Records go in the order of their positions; those that are sealed already are passed over.
    pub async fn seal(
        &mut self,
        partition: &Partition,
        records: impl IntoIterator<Item = NewRecord>,
        retain_until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Manifest>, Error> {
        let mut builder = self.begin(partition).await?;
        let mut blocks = 0;
        for record in records {
            builder.push(&record)?;
            if builder.blocks() > blocks {
                blocks = builder.blocks();
                breathe().await;
            }
        }
        self.commit(builder, retain_until, now).await
    }

    /// First what the manifest speaks of, then the manifest: a segment is there once that is.
    async fn finish_pending(&mut self, partition: &Partition) -> Result<(), Error> {
        let store = self.store.clone();
        let state = self.state(partition);
        let Some(Sealed { segment, index, manifest, through }) = state.pending.clone() else {
            return Ok(());
        };
        let path = |kind| layout::object(partition, manifest.number, kind);
        access::put(&store, &path(Kind::Segment), segment).await?;
        access::put(&store, &path(Kind::Index), index).await?;
        let bytes = Bytes::from(manifest.to_bytes()?);
        access::create(&store, &path(Kind::Manifest), bytes.clone()).await?;
        state.pending = None;
        state.through_known = true;
        state.advance(&manifest, bytes, through);
        self.untold.push(manifest);
        self.pack(partition).await;
        Ok(())
    }

    /// Only saves time: if it fails now, it is made when the writer is opened next.
    async fn pack(&mut self, partition: &Partition) {
        let store = self.store.clone();
        let state = self.state(partition);
        let full = state.last.is_some_and(|(number, _)| number % PACK == 0);
        if !full {
            return;
        }
        let manifests = std::mem::take(&mut state.unpacked);
        let number = state.last.map_or(0, |(number, _)| number);
        if manifests.len() as u64 == PACK
            && let Err(error) = write_pack(&store, partition, number, &manifests).await
        {
            tracing::warn!(%partition, number, %error, "a pack of manifests was not written");
        }
    }

    /// Signs what the log is now. Each is a new one, also where nothing has happened: that, too, is something to prove.
    pub async fn head(&mut self, now: Timestamp) -> Result<Head, Error> {
        self.finish_head().await?;
        let leaves = self.partitions.iter().filter_map(|(partition, state)| {
            let (number, manifest) = state.last?;
            Some(Leaf { partition: partition.clone(), number, manifest })
        });
        let before = self.head.as_ref().map_or(Timestamp::MIN, |head| head.at);
        let at = now.max(before).max(self.keys.since());
        self.pending_head = Some(Head::new(self.last_head, leaves.collect(), at, &self.keys)?);
        self.finish_head().await?;
        self.head.clone().ok_or_else(|| Error::encoding("no head"))
    }

    async fn finish_head(&mut self) -> Result<(), Error> {
        let Some(head) = &self.pending_head else { return Ok(()) };
        access::create(&self.store, &layout::head(head.number), head.to_bytes()?.into()).await?;
        self.last_head = Some((head.number, head.hash()));
        self.head = self.pending_head.take();
        Ok(())
    }

    /// From now on another key signs. The head that follows tells when.
    pub async fn rotate(&mut self, algorithm: Algorithm, now: Timestamp) -> Result<KeyId, Error> {
        for partition in self.partitions.keys().cloned().collect::<Vec<_>>() {
            self.finish_pending(&partition).await?;
        }
        self.finish_head().await?;
        // What was signed last, too, was signed before.
        let sealed = self.partitions.values().map(|state| state.sealed_at).max();
        let at = now.max(sealed.unwrap_or(now)).max(self.head.as_ref().map_or(now, |head| head.at));
        let id = self.keys.rotate(algorithm, at)?;
        self.publish_keys().await?;
        self.head(at).await?;
        Ok(id)
    }

    /// The private key's place is the directory; what it says about itself is for everybody.
    async fn publish_keys(&self) -> Result<(), Error> {
        for key in self.keys.chain().keys() {
            let path = layout::key(key.id());
            // One that was changed there is told about, and left for whoever looks into it.
            if access::read(&self.store, &path).await?.is_none() {
                access::create(&self.store, &path, key.statement().to_bytes()?.into()).await?;
            }
        }
        Ok(())
    }

    fn state(&mut self, partition: &Partition) -> &mut State {
        self.partitions.entry(partition.clone()).or_insert_with(|| State::new(partition))
    }

    /// Up to which position of the journal a partition's records are in the store. None, if nobody can tell: then what
    /// is offered is taken, and may be there twice.
    pub fn through(&self, partition: &Partition) -> Option<u64> {
        match self.partitions.get(partition) {
            Some(state) => state.through_known.then_some(state.place.through),
            None => Some(0),
        }
    }

    /// Those that have a segment.
    pub fn partitions(&self) -> impl Iterator<Item = &Partition> {
        self.partitions.iter().filter(|(_, state)| state.last.is_some()).map(|(partition, _)| partition)
    }

    /// What was found to be wrong when it was opened. It goes on where it can.
    pub fn found(&self) -> &[Finding] {
        &self.found
    }

    pub fn last_head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    pub fn store(&self) -> &Store {
        &self.store
    }
}

async fn write_pack(
    store: &Store,
    partition: &Partition,
    last: u64,
    manifests: &[Bytes],
) -> Result<(), Error> {
    let path = layout::object(partition, last, Kind::Pack);
    access::put(store, &path, catalogue::pack(manifests)).await
}

/// Lets the other tasks of this thread go on.
async fn breathe() {
    let mut again = true;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut again, false) {
            context.waker().wake_by_ref();
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

#[cfg(test)]
mod tests;
