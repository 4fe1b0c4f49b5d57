use super::{
    ABOUT, About, BLOCK, BLOCKS, Block, FORMAT, MAGIC, SECTIONS, TIMES, column, dictionary, unzigzag,
};
use crate::digest::Digest;
use crate::facts::Field;
use bytes::Bytes;
use std::ops::Range;

/// Of one segment. Its bytes have been compared with what the manifest says before it is asked anything.
pub(crate) struct Index {
    bytes: Bytes,
    sections: Vec<(Range<usize>, usize)>,
    pub(crate) about: About,
}

/// Signed, and still no index: made by another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAnIndex;

impl Index {
    pub(crate) fn read(bytes: Bytes) -> Result<Self, NotAnIndex> {
        let lengths = bytes.strip_prefix(MAGIC.as_slice()).ok_or(NotAnIndex)?;
        let lengths = lengths.get(..SECTIONS * 8).ok_or(NotAnIndex)?;
        let mut at = MAGIC.len() + SECTIONS * 8;
        let mut sections = Vec::with_capacity(SECTIONS);
        for pair in lengths.chunks_exact(8) {
            let (length, raw) = (number(pair, 0)?, number(pair, 4)?);
            let end = at.checked_add(length).filter(|end| *end <= bytes.len()).ok_or(NotAnIndex)?;
            sections.push((at..end, raw));
            at = end;
        }
        if at != bytes.len() {
            return Err(NotAnIndex);
        }
        let about = section(&bytes, &sections, ABOUT)?;
        let about: About = serde_json::from_slice(&about).map_err(|_| NotAnIndex)?;
        let fine = about.format == FORMAT && u32::try_from(about.count).is_ok();
        fine.then_some(Self { bytes, sections, about }).ok_or(NotAnIndex)
    }

    fn section(&self, place: usize) -> Result<Vec<u8>, NotAnIndex> {
        section(&self.bytes, &self.sections, place)
    }

    pub(crate) fn sections(&self) -> Result<Vec<Vec<u8>>, NotAnIndex> {
        (0..SECTIONS).map(|place| self.section(place)).collect()
    }

    pub(crate) fn count(&self) -> usize {
        usize::try_from(self.about.count).unwrap_or(usize::MAX)
    }

    pub(crate) fn blocks(&self) -> Result<Vec<Block>, NotAnIndex> {
        let bytes = self.section(BLOCKS)?;
        if bytes.len() % BLOCK != 0 {
            return Err(NotAnIndex);
        }
        bytes.chunks_exact(BLOCK).map(Block::read).collect()
    }

    /// Microseconds since 1970.
    pub(crate) fn times(&self) -> Result<Vec<i64>, NotAnIndex> {
        let bytes = self.section(TIMES)?;
        let mut times = Vec::with_capacity(self.count().min(bytes.len()));
        let (mut last, mut value, mut shift) = (0_i64, 0_u64, 0_u32);
        for byte in bytes {
            value |= u64::from(byte & 0x7f).checked_shl(shift).ok_or(NotAnIndex)?;
            if byte < 0x80 {
                last = last.wrapping_add(unzigzag(value));
                times.push(last);
                (value, shift) = (0, 0);
            } else {
                shift += 7;
            }
        }
        (times.len() == self.count()).then_some(times).ok_or(NotAnIndex)
    }

    /// The entries of its dictionary that are asked for.
    pub(crate) fn entries(
        &self,
        field: Field,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<u32>, NotAnIndex> {
        let bytes = self.section(dictionary(field))?;
        let (mut rest, mut entry, mut found) = (bytes.as_slice(), 0_u32, Vec::new());
        while !rest.is_empty() {
            let length = number(rest, 0)?;
            let (text, after) = rest[4..].split_at_checked(length).ok_or(NotAnIndex)?;
            if wanted(std::str::from_utf8(text).map_err(|_| NotAnIndex)?) {
                found.push(entry);
            }
            (rest, entry) = (after, entry + 1);
        }
        Ok(found)
    }

    pub(crate) fn column(&self, field: Field) -> Result<Column, NotAnIndex> {
        let bytes = self.section(column(field))?;
        let width = match bytes.first() {
            Some(width @ (1 | 2 | 4)) => usize::from(*width),
            _ => return Err(NotAnIndex),
        };
        let fine = self.count().checked_mul(width) == Some(bytes.len() - 1);
        fine.then_some(Column { bytes, width }).ok_or(NotAnIndex)
    }
}

/// Per record, its entry in the dictionary.
pub(crate) struct Column {
    bytes: Vec<u8>,
    width: usize,
}

/// Entries that are asked for, by their numbers.
pub(crate) struct Wanted(Vec<bool>);

impl Wanted {
    pub(crate) fn new(entries: &[u32]) -> Self {
        let mut wanted = Vec::new();
        for entry in entries.iter().filter_map(|entry| usize::try_from(*entry).ok()) {
            wanted.resize(wanted.len().max(entry + 1), false);
            wanted[entry] = true;
        }
        Self(wanted)
    }

    fn has(&self, entry: usize) -> bool {
        self.0.get(entry).copied().unwrap_or(false)
    }
}

impl Column {
    /// The records that say one of these, in order.
    pub(crate) fn find(&self, wanted: &Wanted) -> Vec<u32> {
        let places = 0_u32..;
        let bytes = &self.bytes[1..];
        let hits = |entries: &mut dyn Iterator<Item = usize>| {
            let hits = entries.zip(places.clone()).filter(|(entry, _)| wanted.has(*entry));
            hits.map(|(_, place)| place).collect()
        };
        // The width is settled outside of the loop.
        match self.width {
            1 => hits(&mut bytes.iter().map(|byte| usize::from(*byte))),
            width => hits(&mut bytes.chunks_exact(width).map(little_endian)),
        }
    }

    /// Of some records, those that say one of these.
    pub(crate) fn keep(&self, wanted: &Wanted, hits: &mut Vec<u32>) {
        hits.retain(|place| {
            let start =
                usize::try_from(*place).unwrap_or(usize::MAX).saturating_mul(self.width).saturating_add(1);
            let entry = self.bytes.get(start..start.saturating_add(self.width)).map(little_endian);
            entry.is_some_and(|entry| wanted.has(entry))
        });
    }
}

fn little_endian(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

fn number(bytes: &[u8], at: usize) -> Result<usize, NotAnIndex> {
    let four = bytes.get(at..at + 4).and_then(<[u8]>::first_chunk::<4>).ok_or(NotAnIndex)?;
    usize::try_from(u32::from_le_bytes(*four)).map_err(|_| NotAnIndex)
}

fn section(bytes: &[u8], sections: &[(Range<usize>, usize)], place: usize) -> Result<Vec<u8>, NotAnIndex> {
    let (range, raw) = sections.get(place).ok_or(NotAnIndex)?;
    let bytes = zstd::bulk::decompress(&bytes[range.clone()], *raw).map_err(|_| NotAnIndex)?;
    (bytes.len() == *raw).then_some(bytes).ok_or(NotAnIndex)
}

impl Block {
    fn read(bytes: &[u8]) -> Result<Self, NotAnIndex> {
        let narrow = |at: usize| {
            let four = bytes.get(at..at + 4).and_then(<[u8]>::first_chunk::<4>).ok_or(NotAnIndex)?;
            Ok::<u32, NotAnIndex>(u32::from_le_bytes(*four))
        };
        let offset = bytes.first_chunk::<8>().ok_or(NotAnIndex)?;
        let sha256 = bytes.get(20..52).and_then(<[u8]>::first_chunk::<32>).ok_or(NotAnIndex)?;
        Ok(Self {
            offset: u64::from_le_bytes(*offset),
            bytes: narrow(8)?,
            raw_bytes: narrow(12)?,
            first: narrow(16)?,
            sha256: Digest::new(*sha256),
        })
    }
}
