//! Reading what is acknowledged.

use super::disk::read_some;
use super::entry::{Entry, Misnamed};
use super::frame::{Found, Walk};
use super::pieces::Piece;
use super::{Error, Shared};
use std::io;

/// More than what is skipped from a mark on.
const AHEAD: usize = 128 << 10;

pub(super) fn read_from(shared: &Shared, mut position: u64, most: usize) -> Result<Vec<Entry>, Error> {
    loop {
        let Some(piece) = ({ shared.pieces().holding(position) }) else { return Ok(Vec::new()) };
        let entries = in_piece(shared, &piece, position, most)?;
        if !entries.is_empty() {
            return Ok(entries);
        }
        position = piece.next;
    }
}

fn in_piece(shared: &Shared, piece: &Piece, position: u64, most: usize) -> Result<Vec<Entry>, Error> {
    let failed = |doing| move |error: io::Error| Error::io(doing, &piece.path, &error);
    let file = match shared.disk.open(&piece.path) {
        // It was let go just now: by whoever said that nobody needs it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened.map_err(failed("open"))?,
    };
    let (marked, offset) = piece.mark(position);
    let all = usize::try_from(piece.bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
    let mut ahead = most.saturating_add(AHEAD);
    loop {
        let bytes = read_some(&*file, offset, ahead.min(all)).map_err(failed("read"))?;
        let entries = collect(&bytes, marked, position, most)
            .map_err(|error| failed("read")(io::Error::new(io::ErrorKind::InvalidData, error)))?;
        if !entries.is_empty() || ahead >= all {
            return Ok(entries);
        }
        ahead = ahead.saturating_mul(4);
    }
}

fn collect(bytes: &[u8], marked: u64, position: u64, most: usize) -> Result<Vec<Entry>, Misnamed> {
    let (mut entries, mut taken): (Vec<Entry>, usize) = (Vec::new(), 0);
    let found = Walk::new(bytes, marked).filter_map(|found| match found {
        Found::Entry { entry, .. } if entry.position >= position => Some(entry),
        _ => None,
    });
    for entry in found {
        taken = taken.saturating_add(entry.raw.len());
        if taken > most && !entries.is_empty() {
            break;
        }
        let owned = entry.to_entry(entries.last().map(|last| &last.server))?;
        entries.push(owned);
    }
    Ok(entries)
}
