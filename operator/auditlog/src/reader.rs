//! Answers questions: indexes first, then the blocks that hold what was found, each proven by itself.

use crate::Partition;
use crate::access::{self, AT_ONCE, Store};
use crate::catalogue::{Batch, Listed, PACK, Walk};
use crate::error::Error;
use crate::facts::Field;
use crate::finding::{Finding, What};
use crate::index::{Block, Index, NotAnIndex, Wanted};
use crate::keychain::Keychain;
use crate::layout::{self, Kind};
use crate::manifest::Manifest;
use crate::query::{Cursor, Page, Query, is_asked};
use crate::record::Record;
use crate::segment::Unpacker;
use crate::sign::KeyId;
use crate::writer::{expire, keychain};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use object_store::ObjectStore as _;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Segments that one question looks into: a day of one every half a minute, or a month of one every quarter of an hour.
const SEGMENTS: usize = 3_000;
/// Packs whose times are remembered: those of a hundred partitions for half a year.
const REMEMBERED: usize = 20_000;
/// Text of records in one answer.
const TEXT: usize = 32 << 20;

/// Reads a log. It is kept for as long as questions come: it remembers little, and that spares most of the reading.
pub struct Reader {
    store: Store,
    trusted: Option<KeyId>,
    keys: RwLock<Arc<Keychain>>,
    /// Of a pack, by its last number: the first and the last time in it.
    times: Mutex<HashMap<(Partition, u64), (Timestamp, Timestamp)>>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("store", &self.store).finish_non_exhaustive()
    }
}

/// One question: for the length of a call.
pub async fn query(store: &Store, query: &Query) -> Result<Page, Error> {
    Reader::open(store.clone(), None).await?.query(query).await
}

impl Reader {
    pub async fn open(store: Store, trusted: Option<KeyId>) -> Result<Self, Error> {
        let (keys, _) = keychain(&store, trusted.as_ref()).await?;
        Ok(Self { store, trusted, keys: RwLock::new(Arc::new(keys)), times: Mutex::default() })
    }

    fn keys(&self) -> Arc<Keychain> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub async fn query(&self, query: &Query) -> Result<Page, Error> {
        let page = self.answer(query).await?;
        if !page.findings.iter().any(|finding| finding.what == What::SignerUnknown) {
            return Ok(page);
        }
        // There may be a new key.
        let (keys, _) = keychain(&self.store, self.trusted.as_ref()).await?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        self.answer(query).await
    }

    async fn answer(&self, query: &Query) -> Result<Page, Error> {
        let keys = self.keys();
        let mut answer = Answer {
            store: &self.store,
            keys: &keys,
            query,
            limit: query.limit.clamp(1, Query::MOST),
            text: 0,
            looked_into: 0,
            page: Page { records: Vec::new(), next: None, findings: Vec::new(), expired: 0 },
            unpacker: Unpacker::new()?,
        };
        let from = query.cursor.map_or(1, |cursor| cursor.number);
        let mut walk = Walk::from(&self.store, &query.partition, from).await?;
        loop {
            while let Some(last) = walk.pack_ahead().filter(|last| self.is_beside(query, *last)) {
                walk.skip_to(last + 1);
            }
            let pack = walk.pack_ahead();
            let Some(batch) = walk.batch(&keys).await? else { break };
            if let Some(last) = pack {
                self.remember(query, last, &batch);
            }
            if answer.batch(batch).await? {
                break;
            }
        }
        Ok(answer.page)
    }

    /// Whether nothing in that pack can be in question.
    fn is_beside(&self, query: &Query, last: u64) -> bool {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times
            .get(&(query.partition.clone(), last))
            .is_some_and(|(first, last)| !query.overlaps(*first, *last))
    }

    fn remember(&self, query: &Query, last: u64, batch: &Batch) {
        // A part of one says nothing about the whole.
        if batch.listed.len() as u64 != PACK || !batch.findings.is_empty() {
            return;
        }
        let manifests = batch.listed.iter().map(|listed| &listed.manifest);
        let first_at = manifests.clone().map(|manifest| manifest.first_at).min();
        let last_at = manifests.map(|manifest| manifest.last_at).max();
        if let Some(times) = first_at.zip(last_at) {
            let mut remembered = self.times.lock().unwrap_or_else(PoisonError::into_inner);
            if remembered.len() >= REMEMBERED {
                remembered.clear();
            }
            remembered.insert((query.partition.clone(), last), times);
        }
    }
}

struct Answer<'a> {
    store: &'a Store,
    keys: &'a Keychain,
    query: &'a Query,
    limit: usize,
    text: usize,
    looked_into: usize,
    page: Page,
    unpacker: Unpacker,
}

impl Answer<'_> {
    /// True: that is enough.
    async fn batch(&mut self, batch: Batch) -> Result<bool, Error> {
        self.page.findings.extend(batch.findings);
        let asked = |listed: &Listed| {
            let Manifest { first_at, last_at, last_seq, .. } = listed.manifest;
            self.query.overlaps(first_at, last_at)
                && self.query.cursor.is_none_or(|cursor| cursor.seq < last_seq)
        };
        let asked: Vec<Listed> = batch.listed.into_iter().filter(asked).collect();
        let store = self.store;
        let read = |listed: Listed| async move {
            let path = layout::object(&listed.manifest.partition, listed.manifest.number, Kind::Index);
            let bytes = access::read_at_most(store, &path, listed.manifest.index.bytes).await?;
            Ok::<_, Error>((bytes, listed))
        };
        let mut indexes = stream::iter(asked.into_iter().map(read)).buffered(AT_ONCE);
        while let Some((bytes, listed)) = indexes.try_next().await? {
            if self.looked_into == SEGMENTS {
                let Manifest { number, first_seq, .. } = listed.manifest;
                self.page.next = Some(Cursor { number, seq: first_seq - 1 });
                return Ok(true);
            }
            self.looked_into += 1;
            if self.segment(&listed, bytes).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn segment(&mut self, listed: &Listed, index: Option<Bytes>) -> Result<bool, Error> {
        let manifest = &listed.manifest;
        let Some(index) = index else {
            if self.is_expired(listed).await? {
                self.page.expired += 1;
            } else {
                self.wrong(What::IndexMissing, manifest, Kind::Index);
            }
            return Ok(false);
        };
        if !manifest.index.is_of(&index) {
            self.wrong(What::IndexChanged, manifest, Kind::Index);
            return Ok(false);
        }
        let found = Index::read(index).and_then(|index| Ok((self.hits(&index, manifest)?, index)));
        let Ok((hits, index)) = found else {
            self.wrong(What::IndexUntrue, manifest, Kind::Index);
            return Ok(false);
        };
        if hits.is_empty() { Ok(false) } else { self.records(listed, &index, &hits).await }
    }

    async fn is_expired(&self, listed: &Listed) -> Result<bool, Error> {
        let path = layout::object(&listed.manifest.partition, listed.manifest.number, Kind::Tombstone);
        let bytes = access::read(self.store, &path).await?;
        Ok(bytes
            .is_some_and(|bytes| expire::valid(&bytes, &listed.manifest, listed.hash, self.keys).is_some()))
    }

    /// The places of the records that are asked for.
    fn hits(&self, index: &Index, manifest: &Manifest) -> Result<Vec<u32>, NotAnIndex> {
        let mut hits: Option<Vec<u32>> = None;
        for (field, text) in self.query.filters() {
            let entries = index.entries(field, |entry| is_asked(field, entry, &text))?;
            if entries.is_empty() {
                return Ok(Vec::new());
            }
            let (column, wanted) = (index.column(field)?, Wanted::new(&entries));
            match &mut hits {
                Some(hits) => column.keep(&wanted, hits),
                None => hits = Some(column.find(&wanted)),
            }
        }
        if let Some(user) = &self.query.user {
            let of = |field| {
                let entries = index.entries(field, |entry| entry == user)?;
                if entries.is_empty() {
                    Ok(Vec::new())
                } else {
                    Ok(index.column(field)?.find(&Wanted::new(&entries)))
                }
            };
            let mut either = of(Field::User)?;
            let impersonated = of(Field::Impersonated)?;
            if !impersonated.is_empty() {
                either.extend(impersonated);
                either.sort_unstable();
                either.dedup();
            }
            match &mut hits {
                Some(hits) => hits.retain(|place| either.binary_search(place).is_ok()),
                None => hits = Some(either),
            }
        }
        let all = || (0..u32::try_from(manifest.count).unwrap_or(u32::MAX)).collect();
        let mut hits = hits.unwrap_or_else(all);
        let (since, until) = self.query.window();
        let inside = since <= manifest.first_at.as_microsecond() && manifest.last_at.as_microsecond() < until;
        if !hits.is_empty() && !inside {
            let times = index.times()?;
            let time = |place: u32| usize::try_from(place).ok().and_then(|place| times.get(place));
            hits.retain(|place| time(*place).is_some_and(|time| (since..until).contains(time)));
        }
        if let Some(cursor) = self.query.cursor {
            hits.retain(|place| manifest.first_seq + u64::from(*place) > cursor.seq);
        }
        Ok(hits)
    }

    async fn records(&mut self, listed: &Listed, index: &Index, hits: &[u32]) -> Result<bool, Error> {
        let manifest = &listed.manifest;
        let Ok(blocks) = index.blocks() else {
            self.wrong(What::IndexUntrue, manifest, Kind::Index);
            return Ok(false);
        };
        let mut rest = hits;
        while let Some(first) = rest.first() {
            let at = blocks.partition_point(|block| block.first <= *first).saturating_sub(1);
            let Some(block) = blocks.get(at) else { break };
            let end = blocks.get(at + 1).map_or(u32::MAX, |next| next.first);
            let (here, later) = rest.split_at(rest.partition_point(|place| *place < end));
            rest = later;
            let Some(text) = self.block(manifest, block).await? else {
                let seq = |place: &u32| manifest.first_seq + u64::from(*place);
                let range = here.first().map(seq).zip(here.last().map(seq)).unwrap_or_default();
                let path = layout::object(&manifest.partition, manifest.number, Kind::Segment);
                let finding = Finding::new(What::SegmentChanged, path.as_ref());
                let finding = finding.segment(&manifest.partition, manifest.number).records(range.0, range.1);
                self.page.findings.push(finding);
                continue;
            };
            if self.lines(manifest, block, &text, here) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// None, if it is not what was sealed.
    async fn block(&mut self, manifest: &Manifest, block: &Block) -> Result<Option<String>, Error> {
        let path = layout::object(&manifest.partition, manifest.number, Kind::Segment);
        let range = block.offset..block.offset.saturating_add(u64::from(block.bytes));
        let bytes = match self.store.get_ranges(&path, std::slice::from_ref(&range)).await {
            Ok(mut ranges) => ranges.pop().unwrap_or_default(),
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            // One that was cut off is answered in as many ways as there are stores; one that is out of reach is not whole.
            Err(error) => {
                let there = access::read_at_most(self.store, &path, manifest.segment.bytes).await?;
                let short = there.is_none_or(|bytes| (bytes.len() as u64) < range.end);
                return if short { Ok(None) } else { Err(Error::store(path.as_ref())(error)) };
            }
        };
        let whole = crate::digest::Digest::of(&bytes) == block.sha256;
        Ok(whole.then(|| self.unpacker.unpack(&bytes, u64::from(block.raw_bytes))).flatten())
    }

    fn lines(&mut self, manifest: &Manifest, block: &Block, text: &str, places: &[u32]) -> bool {
        let mut lines = text.split('\n');
        let mut next = block.first;
        for place in places {
            let skipped = usize::try_from(place - next).unwrap_or(usize::MAX);
            let record = lines.nth(skipped).and_then(|line| Record::parse(line).ok());
            next = place + 1;
            let Some(record) = record else {
                self.wrong(What::RecordsUnreadable, manifest, Kind::Segment);
                return false;
            };
            // Only when there is one more it is known that there is more.
            if self.page.records.len() >= self.limit || self.text >= TEXT {
                let last = self.page.records.last().map_or(0, |record| record.seq);
                self.page.next =
                    Some(Cursor { number: manifest.number, seq: last.max(manifest.first_seq - 1) });
                return true;
            }
            self.text += record.event.len();
            self.page.records.push(record);
        }
        false
    }

    fn wrong(&mut self, what: What, manifest: &Manifest, kind: Kind) {
        let Manifest { partition, number, first_seq, last_seq, .. } = manifest;
        let path = layout::object(partition, *number, kind);
        let finding =
            Finding::new(what, path.as_ref()).segment(partition, *number).records(*first_seq, *last_seq);
        self.page.findings.push(finding);
    }
}

#[cfg(test)]
mod tests;
