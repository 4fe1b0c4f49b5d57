//! Whether an event is in the journal that is not remembered any more: while the store cannot be reached, the journal
//! holds more than fits into memory.

use super::disk::read_some;
use super::frame::{Found, Walk};
use super::pieces::Piece;
use super::{Error, Journal, Shared};
use crate::seen::{Older, Past, Unknown};
use futures::future::BoxFuture;
use snc_audit::canonical::Hash;
use std::collections::{HashSet, VecDeque};
use std::io;
use std::sync::{Arc, PoisonError};

/// Files whose hashes are kept: each has some ten thousands.
const FILES: usize = 8;
/// Read at a time.
const STRETCH: u64 = 2 << 20;

/// Hashes by the first position of a file that is not written any more.
#[derive(Default)]
pub(super) struct Known {
    files: VecDeque<(u64, Arc<HashSet<Hash>>)>,
}

impl Known {
    fn get(&mut self, first: u64) -> Option<Arc<HashSet<Hash>>> {
        let at = self.files.iter().position(|(held, _)| *held == first)?;
        let found = self.files.remove(at)?;
        let hashes = found.1.clone();
        self.files.push_back(found);
        Some(hashes)
    }

    fn put(&mut self, first: u64, hashes: Arc<HashSet<Hash>>) {
        if self.files.len() >= FILES {
            self.files.pop_front();
        }
        self.files.push_back((first, hashes));
    }
}

impl Past for Journal {
    fn holds<'a>(&'a self, asked: &'a [Older]) -> BoxFuture<'a, Result<Vec<bool>, Unknown>> {
        let (shared, asked) = (self.inner.shared.clone(), asked.to_vec());
        Box::pin(async move {
            tokio::task::spawn_blocking(move || holds(&shared, &asked))
                .await
                .map_err(|error| Unknown(error.to_string()))?
                .map_err(|error| Unknown(error.to_string()))
        })
    }
}

fn holds(shared: &Shared, asked: &[Older]) -> Result<Vec<bool>, Error> {
    let mut found = vec![false; asked.len()];
    let may_hold = |piece: &Piece| asked.iter().any(|older| piece.stages.holds(older.stage));
    let pieces: Vec<(Piece, bool)> = {
        let pieces = shared.pieces();
        let some = pieces.all().filter(|(piece, _)| may_hold(piece));
        some.map(|(piece, closed)| (piece.clone(), closed)).collect()
    };
    for (piece, closed) in pieces {
        let left = |(older, found): (&Older, &bool)| !found && piece.stages.holds(older.stage);
        if !asked.iter().zip(&found).any(left) {
            continue;
        }
        let hashes = hashes(shared, &piece, closed)?;
        for (older, found) in asked.iter().zip(&mut found) {
            *found |= hashes.contains(&older.hash);
        }
    }
    Ok(found)
}

fn hashes(shared: &Shared, piece: &Piece, closed: bool) -> Result<Arc<HashSet<Hash>>, Error> {
    // One at a time: many who ask at once ask about the same files.
    let mut known = shared.known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(hashes) = closed.then(|| known.get(piece.first)).flatten() {
        return Ok(hashes);
    }
    let failed = |doing| move |error: io::Error| Error::io(doing, &piece.path, &error);
    let file = match shared.disk.open(&piece.path) {
        // Sealed just now, and so in the store, which is asked next.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Arc::default()),
        opened => opened.map_err(failed("open"))?,
    };
    let mut hashes = HashSet::new();
    for (first, range) in piece.stretches(STRETCH) {
        let most = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let bytes = read_some(&*file, range.start, most).map_err(failed("read"))?;
        hashes.extend(Walk::new(&bytes, first).filter_map(|found| match found {
            Found::Entry { entry, .. } => Some(entry.hash),
            _ => None,
        }));
    }
    let hashes = Arc::new(hashes);
    if closed {
        known.put(piece.first, hashes.clone());
    }
    Ok(hashes)
}
