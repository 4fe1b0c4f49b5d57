//! What queries read instead of records: which records say what, and where they lie.
//!
//! Columns, each compressed by itself, so that a query reads those it asks for. For every field a dictionary and, per
//! record, the number of its entry; times as differences; the blocks of the segment with their hashes, so that a block
//! is proven without reading the others.

mod read;
mod write;

pub(crate) use read::{Index, NotAnIndex, Wanted};
pub(crate) use write::IndexBuilder;

use crate::Partition;
use crate::digest::Digest;
use crate::facts::{FIELDS, Field};
use serde::{Deserialize, Serialize};

const MAGIC: &[u8; 8] = b"snc-idx1";
pub(crate) const FORMAT: &str = "snc-index-1";

const ABOUT: usize = 0;
const BLOCKS: usize = 1;
const TIMES: usize = 2;
const SECTIONS: usize = 3 + 2 * FIELDS;

const fn dictionary(field: Field) -> usize {
    3 + 2 * field.place()
}

const fn column(field: Field) -> usize {
    4 + 2 * field.place()
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct About {
    pub(crate) format: String,
    pub(crate) partition: Partition,
    pub(crate) number: u64,
    pub(crate) first_seq: u64,
    pub(crate) count: u64,
    /// The last position of the writer's journal that is in the segment. Not in the manifest: a tenant gets that, and
    /// could count everybody's events by it.
    pub(crate) through: u64,
}

/// Some records, compressed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) offset: u64,
    pub(crate) bytes: u32,
    pub(crate) raw_bytes: u32,
    /// The place of its first record among those of the segment.
    pub(crate) first: u32,
    pub(crate) sha256: Digest,
}

const BLOCK: usize = 8 + 4 + 4 + 4 + 32;

/// Signed differences as unsigned ones, small ones first.
const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

#[cfg(test)]
mod tests;
