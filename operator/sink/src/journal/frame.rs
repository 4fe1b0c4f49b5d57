//! Entries in bytes: `[length][CRC-32 of the length and what follows][header line and event]`, numbers with the least
//! byte first.
//!
//! No event can hold what looks like a frame: JSON has no byte below 32 but white space, and a length that is written
//! with white space is longer than the longest.

use super::entry::{Borrowed, Header};
use snc_audit::canonical::Hash;
use std::ops::Range;
use std::str;

/// Length and checksum.
pub(super) const HEAD: usize = 8;
/// The header up to what differs between batches; the digits are filled in when the entry is written.
pub(super) const OPENING: &[u8] = br#"{"position":"00000000000000000000","group":"00000000000000000000""#;
/// From the beginning of the frame.
pub(super) const POSITION_AT: usize = HEAD + 13;
pub(super) const GROUP_AT: usize = POSITION_AT + DIGITS + 11;
pub(super) const DIGITS: usize = 20;
/// No entry takes more.
pub const LONGEST: usize = (128 << 20) - 1;
/// What every payload begins with.
const MARK: &[u8] = br#"{"position":""#;

pub(super) fn set_length(bytes: &mut [u8], start: usize) {
    let length = u32::try_from(bytes.len() - start - HEAD).unwrap_or(u32::MAX);
    if let Some(place) = bytes.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

/// Decimal digits over what is there.
pub(super) fn digits(whole: &mut [u8], at: usize, mut number: u64) {
    for place in whole.get_mut(at..at + DIGITS).unwrap_or_default().iter_mut().rev() {
        *place = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}

/// The checksum, over everything else.
pub(super) fn seal(whole: &mut [u8]) {
    let Some((head, payload)) = whole.split_at_mut_checked(HEAD) else { return };
    let sum = checksum(head.get(..4).unwrap_or_default(), payload);
    if let Some(place) = head.get_mut(4..) {
        place.copy_from_slice(&sum.to_le_bytes());
    }
}

fn checksum(length: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(length);
    hasher.update(payload);
    hasher.finalize()
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.get(..4)?.try_into().ok().map(u32::from_le_bytes)
}

/// The entry whose frame begins there, and where the next one begins.
pub(super) fn at(bytes: &[u8], offset: usize) -> Option<(Borrowed<'_>, usize)> {
    let head = bytes.get(offset..offset.checked_add(HEAD)?)?;
    let length = usize::try_from(number(head)?).ok().filter(|length| *length <= LONGEST)?;
    let end = offset.checked_add(HEAD)?.checked_add(length)?;
    let payload = bytes.get(offset + HEAD..end)?;
    if !payload.starts_with(MARK) || checksum(head.get(..4)?, payload) != number(head.get(4..)?)? {
        return None;
    }
    Some((parse(payload)?, end))
}

fn parse(payload: &[u8]) -> Option<Borrowed<'_>> {
    let line = payload.iter().position(|byte| *byte == b'\n')?;
    let header: Header<'_> = serde_json::from_slice(payload.get(..line)?).ok()?;
    let raw = str::from_utf8(payload.get(line + 1..)?).ok()?;
    let Header { position, group, received, source, server, hash, stage, unreadable } = header;
    let (position, group) = (position.parse().ok()?, group.parse().ok()?);
    let hash: Hash = hash.parse().ok()?;
    Some(Borrowed { position, group, received, source, server, hash, stage, unreadable, raw })
}

/// Where a frame begins from there on that is whole.
fn next(bytes: &[u8], from: usize) -> Option<(Borrowed<'_>, usize, usize)> {
    let mut at_payload = from.checked_add(HEAD)?;
    loop {
        let rest = bytes.get(at_payload..)?;
        at_payload += rest.windows(MARK.len()).position(|window| window == MARK)?;
        let start = at_payload - HEAD;
        if let Some((entry, end)) = at(bytes, start) {
            return Some((entry, start, end));
        }
        at_payload += 1;
    }
}

/// What is in a file, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found<'a> {
    Entry {
        entry: Borrowed<'a>,
        at: Range<usize>,
    },
    /// Bytes in which no whole entry is, before one that is whole; or entries that are missing without a trace.
    Hole {
        at: Range<usize>,
        before: Borrowed<'a>,
    },
    /// Bytes at the end in which no whole entry is.
    Torn {
        at: Range<usize>,
    },
}

/// Goes through a file, or a part of it that begins with a frame.
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    offset: usize,
    /// The next position; what has a lower one is none of this file's.
    expected: u64,
}

impl<'a> Walk<'a> {
    pub(super) fn new(bytes: &'a [u8], expected: u64) -> Self {
        Self { bytes, offset: 0, expected }
    }

    pub(super) fn expected(&self) -> u64 {
        self.expected
    }

    fn sound(&self, from: usize) -> Option<(Borrowed<'a>, usize, usize)> {
        let mut from = from;
        loop {
            let (entry, start, end) = next(self.bytes, from)?;
            if entry.position >= self.expected {
                return Some((entry, start, end));
            }
            from = start + 1;
        }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        let start = self.offset;
        if start >= self.bytes.len() {
            return None;
        }
        if let Some((entry, end)) = at(self.bytes, start)
            && entry.position == self.expected
        {
            self.offset = end;
            self.expected += 1;
            return Some(Found::Entry { entry, at: start..end });
        }
        let Some((entry, found, _)) = self.sound(start) else {
            self.offset = self.bytes.len();
            return Some(Found::Torn { at: start..self.bytes.len() });
        };
        self.offset = found;
        self.expected = entry.position;
        Some(Found::Hole { at: start..found, before: entry })
    }
}

#[cfg(test)]
mod tests;
