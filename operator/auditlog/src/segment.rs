//! Records in blocks that are compressed one by one, as they come: what is held in memory is one block and what the
//! others were compressed to.

use crate::Partition;
use crate::digest::{Chain, Digest};
use crate::error::Error;
use crate::facts::Facts;
use crate::index::{Block, IndexBuilder};
use crate::keys::Keys;
use crate::manifest::{FORMAT, Manifest, Stored};
use crate::record::{Content, NewRecord, genesis};
use crate::sign::Signature;
use crate::signed::{Seal, Signed as _};
use bytes::Bytes;
use jiff::Timestamp;
use snc_core::text::Refusal;
use std::fmt;
use std::ops::Range;
use zstd::bulk::{Compressor, Decompressor};

pub(crate) const LEVEL: i32 = 3;
/// Large enough to compress well, small enough to be read for a single record.
const BLOCK: usize = 256 << 10;
/// Lengths inside of a segment are kept in 32 bits.
const LONGEST: usize = 1 << 30;

/// What the next segment of a partition comes after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) number: u64,
    pub(crate) first_seq: u64,
    pub(crate) previous: Option<Digest>,
    pub(crate) chain: Chain,
    /// Records up to this position of the journal are in earlier segments.
    pub(crate) through: u64,
}

impl Place {
    pub(crate) fn first(partition: &Partition) -> Self {
        Self { number: 1, first_seq: 1, previous: None, chain: genesis(partition), through: 0 }
    }

    pub(crate) fn after(manifest: &Manifest, through: u64) -> Self {
        let previous = Some(manifest.hash());
        let (number, first_seq) = (manifest.number + 1, manifest.last_seq + 1);
        Self { number, first_seq, previous, chain: manifest.chain_after, through }
    }
}

/// A segment that is being put together. Nothing of it is in the store.
pub struct SegmentBuilder {
    partition: Partition,
    place: Place,
    chain: Chain,
    through: u64,
    block: String,
    block_first: u32,
    blocks: Vec<Block>,
    out: Vec<u8>,
    compressor: Compressor<'static>,
    index: IndexBuilder,
    count: u32,
    raw_bytes: u64,
    first_at: i64,
    last_at: i64,
}

/// A segment with everything that belongs to it, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) segment: Bytes,
    pub(crate) index: Bytes,
    pub(crate) manifest: Manifest,
    pub(crate) through: u64,
}

impl fmt::Debug for SegmentBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, place, count, .. } = self;
        f.debug_struct("SegmentBuilder")
            .field("partition", partition)
            .field("number", &place.number)
            .field("count", count)
            .finish_non_exhaustive()
    }
}

impl SegmentBuilder {
    pub(crate) fn new(partition: Partition, place: Place) -> Result<Self, Error> {
        Ok(Self {
            partition,
            place,
            chain: place.chain,
            through: place.through,
            block: String::with_capacity(BLOCK + (BLOCK >> 2)),
            block_first: 0,
            blocks: Vec::new(),
            out: Vec::new(),
            compressor: Compressor::new(LEVEL).map_err(Error::encoding)?,
            index: IndexBuilder::new(),
            count: 0,
            raw_bytes: 0,
            first_at: i64::MAX,
            last_at: i64::MIN,
        })
    }

    /// False for one that an earlier segment has. One that is refused leaves the segment as it was.
    pub fn push(&mut self, record: &NewRecord) -> Result<bool, Error> {
        if record.position <= self.place.through {
            return Ok(false);
        }
        let NewRecord { received, source, server, why, raw, .. } = record;
        let fine = raw.len() <= LONGEST && !raw.contains(['\n', '\r']);
        let facts = Facts::of(raw).ok().filter(|_| fine).ok_or_else(|| {
            let (fr, en) = (
                "un objet JSON sur une seule ligne, d'au plus 1 Gio",
                "a JSON object on one line, of at most 1 GiB",
            );
            Refusal::new(format!("record[position={}].raw", record.position), raw, fr, en)
        })?;
        let count =
            self.count.checked_add(1).ok_or_else(|| Error::encoding("too many records in one segment"))?;
        let seq = self.place.first_seq + u64::from(self.count);
        let content = Content { seq, at: *received, source: *source, server, why, event: raw };
        let chain = content.after(self.chain);
        content.write(chain, &mut self.block);
        self.block.push('\n');
        let time = facts.time.unwrap_or_else(|| received.as_microsecond());
        self.index.push(&facts, time);
        (self.chain, self.count) = (chain, count);
        (self.first_at, self.last_at) = (self.first_at.min(time), self.last_at.max(time));
        self.through = self.through.max(record.position);
        if self.block.len() >= BLOCK { self.flush().map(|()| true) } else { Ok(true) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        if self.block.is_empty() {
            return Ok(());
        }
        let compressed = self.compressor.compress(self.block.as_bytes()).map_err(Error::encoding)?;
        let short = |length: usize| u32::try_from(length).map_err(Error::encoding);
        self.blocks.push(Block {
            offset: self.out.len() as u64,
            bytes: short(compressed.len())?,
            raw_bytes: short(self.block.len())?,
            first: self.block_first,
            sha256: Digest::of(&compressed),
        });
        self.out.extend_from_slice(&compressed);
        self.raw_bytes += self.block.len() as u64;
        self.block_first = self.count;
        self.block.clear();
        Ok(())
    }

    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    pub fn number(&self) -> u64 {
        self.place.number
    }

    pub fn records(&self) -> u64 {
        u64::from(self.count)
    }

    pub fn raw_bytes(&self) -> u64 {
        self.raw_bytes + self.block.len() as u64
    }

    /// How many blocks are done: whoever shares a thread lets others go on between two of them.
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// None, if there is nothing in it.
    pub(crate) fn finish(
        mut self,
        retain_until: Timestamp,
        sealed_at: Timestamp,
        keys: &Keys,
    ) -> Result<Option<Sealed>, Error> {
        if self.count == 0 {
            return Ok(None);
        }
        self.flush()?;
        let Self { partition, place, index, blocks, through, out, .. } = self;
        let index = index.finish(&partition, place.number, place.first_seq, through, &blocks)?;
        let moment = |micros| Timestamp::from_microsecond(micros).map_err(Error::encoding);
        let count = u64::from(self.count);
        let mut manifest = Manifest {
            format: FORMAT.to_owned(),
            partition,
            number: place.number,
            first_seq: place.first_seq,
            last_seq: place.first_seq + count - 1,
            count,
            first_at: moment(self.first_at)?,
            last_at: moment(self.last_at)?,
            previous: place.previous,
            chain_before: place.chain,
            chain_after: self.chain,
            segment: Stored::of(&out),
            index: Stored::of(&index),
            raw_bytes: self.raw_bytes,
            sealed_at,
            retain_until,
            seal: Seal {
                key_id: keys.current().clone(),
                algorithm: keys.algorithm(),
                signature: Signature::none(),
            },
        };
        manifest.sign(keys.pair())?;
        Ok(Some(Sealed { segment: out.into(), index: index.into(), manifest, through }))
    }
}

/// Where the blocks of a segment end, as they themselves say it. None after the last that can be told.
pub(crate) fn frames(segment: &[u8]) -> impl Iterator<Item = Result<Range<usize>, Range<usize>>> {
    let mut at = Some(0);
    std::iter::from_fn(move || {
        let start = at.filter(|start| *start < segment.len())?;
        match zstd::zstd_safe::find_frame_compressed_size(&segment[start..]) {
            Ok(length) if length > 0 => {
                at = Some(start + length);
                Some(Ok(start..start + length))
            }
            _ => {
                at = None;
                Some(Err(start..segment.len()))
            }
        }
    })
}

/// Text of blocks, one after the other.
pub(crate) struct Unpacker(Decompressor<'static>);

impl Unpacker {
    pub(crate) fn new() -> Result<Self, Error> {
        Decompressor::new().map(Self).map_err(Error::encoding)
    }

    /// None, if it is none, or longer than it may be.
    pub(crate) fn unpack(&mut self, block: &[u8], most: u64) -> Option<String> {
        let most = usize::try_from(most).ok()?;
        let bytes = self.0.decompress(block, most).ok()?;
        String::from_utf8(bytes).ok()
    }
}

#[cfg(test)]
#[path = "segment_tests.rs"]
mod tests;
