//! What a journal holds when it is opened, and what became of the rest.

use super::Error;
use super::disk::{Disk, read_some};
use super::entry::Borrowed;
use super::frame::{Found, Walk};
use super::pieces::{self, Piece, Pieces};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// Entries that should be there and are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    pub file: PathBuf,
    pub offset: u64,
    /// In which no whole entry is.
    pub bytes: u64,
    pub from: u64,
    pub through: u64,
    /// Whether some of them were acknowledged for certain. Otherwise it may be what a loss of power left of an append that
    /// nobody was told yes to.
    pub acknowledged: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    pub entries: u64,
    /// Cut off: appends that were not finished when the process ended, of which nobody was told yes.
    pub torn_bytes: u64,
    pub last_position: u64,
    pub damage: Vec<Damage>,
}

pub(super) fn recover(
    disk: &dyn Disk,
    directory: &Path,
    first: u64,
    readers: &[String],
    mut visit: impl FnMut(&Borrowed<'_>),
) -> Result<(Pieces, Recovery), Error> {
    let listed = disk.list(directory).map_err(|error| Error::io("list", directory, &error))?;
    let mut files: Vec<(u64, PathBuf)> =
        listed.into_iter().filter_map(|path| Some((pieces::first(&path)?, path))).collect();
    files.sort_unstable();
    let (mut found, mut recovery, mut next) = (VecDeque::new(), Recovery::default(), first);
    for (nth, (begins, path)) in files.iter().enumerate() {
        let follower = files.get(nth + 1).map(|(first, _)| *first);
        let piece = one(disk, path, *begins, follower, &mut recovery, &mut visit)?;
        recovery.entries += piece.entries;
        next = next.max(piece.next);
        if piece.entries > 0 {
            found.push_back(piece);
        } else {
            aside(disk, path)?;
        }
    }
    recovery.last_position = next - 1;
    Ok((Pieces::new(found, next, readers), recovery))
}

/// A file of which no entry is left: nothing, or what may still be looked into.
fn aside(disk: &dyn Disk, path: &Path) -> Result<(), Error> {
    let failed = |doing| move |error| Error::io(doing, path, &error);
    if disk.open(path).and_then(|file| file.length()).map_err(failed("measure"))? == 0 {
        return disk.remove(path).map_err(failed("delete"));
    }
    disk.rename(path, &path.with_extension("broken")).map_err(failed("rename"))
}

/// One file; what is after its last entry is cut off, unless that was acknowledged.
fn one(
    disk: &dyn Disk,
    path: &Path,
    first: u64,
    follower: Option<u64>,
    recovery: &mut Recovery,
    visit: &mut impl FnMut(&Borrowed<'_>),
) -> Result<Piece, Error> {
    let failed = |doing| move |error| Error::io(doing, path, &error);
    let mut file = disk.open(path).map_err(failed("open"))?;
    let length = file.length().map_err(failed("measure"))?;
    let most = usize::try_from(length).unwrap_or(usize::MAX);
    let bytes = read_some(&*file, 0, most).map_err(failed("read"))?;
    let mut piece = Piece::new(path.to_owned(), first);
    let mut walk = Walk::new(&bytes, first);
    let mut damage = |range: std::ops::Range<usize>, from: u64, to: u64, acknowledged| {
        if from < to {
            recovery.damage.push(Damage {
                file: path.to_owned(),
                offset: range.start as u64,
                bytes: range.len() as u64,
                from,
                through: to - 1,
                acknowledged,
            });
        }
    };
    let mut before = first;
    while let Some(found) = walk.next() {
        match found {
            // Appends that failed, while the next file was begun with the same positions.
            Found::Entry { entry, .. } if follower.is_some_and(|follower| entry.position >= follower) => {
                break;
            }
            Found::Hole { before, .. } if follower.is_some_and(|follower| before.position >= follower) => {
                break;
            }
            Found::Entry { entry, at } => {
                visit(&entry);
                piece.stages.add(entry.stage);
                piece.add(entry.position, at.start as u64, at.end as u64);
            }
            Found::Hole { at, before: entry } => {
                damage(at, before, entry.position, entry.group > before);
            }
            Found::Torn { .. } => {}
        }
        before = walk.expected();
    }
    if let Some(follower) = follower.filter(|follower| piece.next < *follower) {
        let start = usize::try_from(piece.bytes).unwrap_or(usize::MAX);
        damage(start..bytes.len().max(start), piece.next, follower, true);
        // What is left of it is for whoever looks into that.
        return Ok(piece);
    }
    if piece.bytes < length {
        recovery.torn_bytes += length - piece.bytes;
        file.cut(piece.bytes).map_err(failed("cut"))?;
        file.sync().map_err(failed("sync"))?;
    }
    Ok(piece)
}
