//! The files that are left to be read, in order. They are kept open, so that whoever deletes one does not take it away.

use super::files::{Sibling, siblings};
use super::position::{Id, Position, Print, read_all};
use crate::gaps::Cause;
use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::io;
use std::path::Path;

/// Files that are kept open at most: what nobody can read for so long has to make room on the disk.
const MOST: usize = 64;

/// Read at a time, where a whole file is.
const PIECE: usize = 1 << 20;

/// One file, and how far it was read.
pub(super) struct Open {
    pub(super) file: File,
    pub(super) id: Id,
    pub(super) offset: u64,
    pub(super) first_line: Option<Print>,
    pub(super) last_line: Option<Print>,
    pub(super) within: bool,
}

impl Open {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let id = Id::of(&file)?;
        Ok(Self { file, id, offset: 0, first_line: None, last_line: None, within: false })
    }

    fn at(file: File, position: &Position) -> io::Result<Self> {
        let Position { offset, first_line, last_line, within, .. } = position.clone();
        Ok(Self { offset, first_line, last_line, within, ..Self::new(file)? })
    }
}

pub(super) enum Link {
    File(Open),
    /// Between the one before and the one after something may be missing.
    Break(Cause),
}

/// The last one is the log file itself, as of when it was last looked at; or there is none.
#[derive(Default)]
pub(super) struct Chain {
    pub(super) links: VecDeque<Link>,
    /// Names of the files beside it at that time.
    beside: BTreeSet<String>,
}

fn existing(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn names(siblings: &[Sibling]) -> BTreeSet<String> {
    siblings.iter().map(|sibling| sibling.name.clone()).collect()
}

impl Chain {
    /// Everything there is, from the oldest file on.
    pub(super) fn all(log: &Path) -> io::Result<Self> {
        let mut chain = Self::default();
        let (beside, active) = look(log)?;
        // What is compressed is older than where this begins to speak for.
        let first = beside.iter().rposition(|sibling| sibling.compressed).map_or(0, |last| last + 1);
        chain.push(beside.get(first..).unwrap_or_default(), active)?;
        chain.beside = names(&beside);
        Ok(chain)
    }

    /// What is left from that position on; or, if that is nowhere, how it went and everything there is.
    pub(super) fn from(log: &Path, position: &Position) -> io::Result<Result<Self, Cause>> {
        let (beside, active) = look(log)?;
        let mut chain = Self { beside: names(&beside), ..Self::default() };
        let mut truncated = false;
        if let Some(file) = active {
            let open = Open::new(file)?;
            if position.is_in(&open.file, open.id)? {
                chain.links.push_back(Link::File(Open::at(open.file, position)?));
                return Ok(Ok(chain));
            }
            truncated = open.id == position.file;
        }
        // Under its own name first: a copy may be shorter.
        let same = |sibling: &&Sibling| sibling.id == position.file;
        let (first, others): (Vec<&Sibling>, Vec<&Sibling>) =
            beside.iter().filter(|sibling| !sibling.compressed).partition(same);
        for sibling in first.into_iter().chain(others) {
            let Some(file) = existing(&sibling.path)? else { continue };
            let id = Id::of(&file)?;
            if !position.is_in(&file, id)? {
                continue;
            }
            chain.links.push_back(Link::File(Open::at(file, position)?));
            // A copy: the file itself was cut after it was made.
            let then = position.then.or((id != position.file).then_some(Cause::Truncated));
            chain.links.extend(then.map(Link::Break));
            let after = beside.iter().position(|other| other == sibling).map_or(0, |at| at + 1);
            // The directory may be another by now, of which the file that is open tells.
            let (now, active) = look(log)?;
            let follow = if names(&now) == names(&beside) {
                beside.get(after..).unwrap_or_default().to_vec()
            } else {
                now.into_iter().filter(|other| other.key() > sibling.key()).collect()
            };
            chain.beside.extend(follow.iter().map(|sibling| sibling.name.clone()));
            chain.push(&follow, active)?;
            return Ok(Ok(chain));
        }
        Ok(Err(if truncated { Cause::Truncated } else { Cause::Rotated }))
    }

    fn push(&mut self, siblings: &[Sibling], active: Option<File>) -> io::Result<()> {
        for sibling in siblings {
            let opened = if sibling.compressed { None } else { existing(&sibling.path)? };
            match opened.map(Open::new).transpose()? {
                Some(open) if open.id == sibling.id => self.links.push_back(Link::File(open)),
                Some(_) | None => {
                    let cause = if sibling.compressed { Cause::Unreadable } else { Cause::Rotated };
                    self.links.push_back(Link::Break(cause));
                }
            }
        }
        if let Some(active) = active {
            self.links.push_back(Link::File(Open::new(active)?));
        }
        Ok(())
    }

    fn last(&self) -> Option<&Open> {
        self.links.iter().rev().find_map(|link| match link {
            Link::File(open) => Some(open),
            Link::Break(_) => None,
        })
    }

    /// Whether the first one is the log file, which may still grow.
    pub(super) fn is_last(&self) -> bool {
        self.links.len() <= 1
    }

    /// Adds what has come since, if the log file is another one than the last.
    pub(super) fn extend(&mut self, log: &Path) -> io::Result<()> {
        if self.links.len() >= MOST {
            return Ok(());
        }
        let Some(last) = self.last().map(|open| open.id) else {
            let all = Self::all(log)?;
            self.links.extend(all.links);
            self.beside = all.beside;
            return Ok(());
        };
        // While there is none, whoever writes may still write to the one that has lost its name.
        match existing(log)? {
            Some(file) if Id::of(&file)? != last => {}
            _ => return Ok(()),
        }
        let (beside, active) = look(log)?;
        let Some(active) = active.filter(|active| Id::of(active).is_ok_and(|id| id != last)) else {
            return Ok(());
        };
        let found = match beside.iter().position(|sibling| sibling.id == last) {
            None => self.compressed(&beside)?,
            found => found,
        };
        let follow: Vec<Sibling> = if let Some(at) = found {
            // Files go oldest first: while this one is there, all that followed it are.
            beside.get(at + 1..).unwrap_or_default().to_vec()
        } else {
            self.links.push_back(Link::Break(Cause::Rotated));
            beside.iter().filter(|sibling| !self.beside.contains(&sibling.name)).cloned().collect()
        };
        self.push(&follow, Some(active))?;
        self.beside = names(&beside);
        Ok(())
    }

    /// Which of them is the last file, compressed: the end of a compressed file says what it was made of.
    fn compressed(&self, beside: &[Sibling]) -> io::Result<Option<usize>> {
        if !beside.iter().any(|sibling| sibling.compressed) {
            return Ok(None);
        }
        let Some(last) = self.last() else { return Ok(None) };
        let (mut sum, mut length, mut piece) = (crc32fast::Hasher::new(), 0_u64, vec![0; PIECE]);
        loop {
            let read = read_all(&last.file, &mut piece, length)?;
            sum.update(piece.get(..read).unwrap_or_default());
            length += read as u64;
            if read < PIECE {
                break;
            }
        }
        let mut end = sum.finalize().to_le_bytes().to_vec();
        end.extend(length.to_le_bytes().iter().take(4));
        for (at, sibling) in beside.iter().enumerate().filter(|(_, sibling)| sibling.compressed) {
            let Some(file) = existing(&sibling.path)? else { continue };
            let Some(start) = file.metadata()?.len().checked_sub(end.len() as u64) else { continue };
            let mut there = vec![0; end.len()];
            if read_all(&file, &mut there, start)? == end.len() && there == end {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }
}

/// The files beside it and the file itself, of one moment: nothing was rotated in between.
fn look(log: &Path) -> io::Result<(Vec<Sibling>, Option<File>)> {
    let mut beside = siblings(log)?;
    loop {
        let active = existing(log)?;
        let now = siblings(log)?;
        if names(&now) == names(&beside) {
            return Ok((now, active));
        }
        beside = now;
    }
}
