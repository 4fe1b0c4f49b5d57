//! The files of a journal, as far as they are acknowledged.

use super::entry::Stages;
use super::{Numbers, frame};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Where entries begin is noted so often: to read from a position, no more than this is skipped.
const MARKED: u64 = 64 << 10;
const SUFFIX: &str = "wal";

/// One file.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) path: PathBuf,
    pub(super) first: u64,
    /// One after its last position.
    pub(super) next: u64,
    /// What is after them does not count.
    pub(super) bytes: u64,
    pub(super) entries: u64,
    pub(super) stages: Stages,
    marks: Vec<(u64, u64)>,
}

impl Piece {
    pub(super) fn new(path: PathBuf, first: u64) -> Self {
        Self { path, first, next: first, bytes: 0, entries: 0, stages: Stages::default(), marks: Vec::new() }
    }

    /// An entry that begins and ends there.
    pub(super) fn add(&mut self, position: u64, start: u64, end: u64) {
        if self.marks.last().is_none_or(|(_, at)| start >= at + MARKED) {
            self.marks.push((position, start));
        }
        self.next = position + 1;
        self.bytes = end;
        self.entries += 1;
    }

    /// Stretches of about that many bytes, one after the other, each of which begins with the entry of that position.
    pub(super) fn stretches(&self, bytes: u64) -> Vec<(u64, Range<u64>)> {
        let mut stretches: Vec<(u64, Range<u64>)> = Vec::new();
        for (position, start) in self.marks.iter().copied() {
            match stretches.last_mut() {
                Some((_, range)) if start - range.start < bytes => {}
                Some((_, range)) => {
                    range.end = start;
                    stretches.push((position, start..self.bytes));
                }
                None => stretches.push((position, start..self.bytes)),
            }
        }
        stretches
    }

    /// Where to begin to read in order to find that position, and which position is there.
    pub(super) fn mark(&self, position: u64) -> (u64, u64) {
        let after = self.marks.partition_point(|(marked, _)| *marked <= position);
        after.checked_sub(1).and_then(|at| self.marks.get(at)).copied().unwrap_or((self.first, 0))
    }
}

#[derive(Debug)]
pub(super) struct Pieces {
    files: VecDeque<Piece>,
    next: u64,
    readers: BTreeMap<String, u64>,
    /// The last file is being written.
    active: bool,
    failing: Option<String>,
}

impl Pieces {
    pub(super) fn new(files: VecDeque<Piece>, next: u64, readers: &[String]) -> Self {
        let readers = readers.iter().map(|reader| (reader.clone(), 0)).collect();
        Self { files, next, readers, active: false, failing: None }
    }

    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|piece| piece.bytes).sum()
    }

    /// Begins a file, which holds nothing yet.
    pub(super) fn begin(&mut self, path: PathBuf) {
        self.files.retain(|piece| piece.path != path);
        self.files.push_back(Piece::new(path, self.next));
        self.active = true;
    }

    /// The last file is not written any more.
    pub(super) fn end(&mut self) {
        self.active = false;
        if self.files.back().is_some_and(|piece| piece.entries == 0) {
            self.files.pop_back();
        }
    }

    /// What was written to the last file and is on disk: where each entry begins, and where the last one ends.
    pub(super) fn acknowledge(&mut self, starts: impl Iterator<Item = u64>, end: u64, stages: Stages) {
        let Some(piece) = self.files.back_mut() else { return };
        let mut starts = starts.peekable();
        while let Some(start) = starts.next() {
            piece.add(self.next, start, starts.peek().copied().unwrap_or(end));
            self.next += 1;
        }
        piece.stages.join(stages);
    }

    pub(super) fn failing(&mut self, why: Option<String>) {
        self.failing = why;
    }

    /// The file that holds that position or, where none does, the next one.
    pub(super) fn holding(&self, position: u64) -> Option<Piece> {
        self.files.iter().find(|piece| piece.next > position && piece.entries > 0).cloned()
    }

    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = (&Piece, bool)> {
        let last = self.files.len() - usize::from(self.active && !self.files.is_empty());
        self.files.iter().enumerate().map(move |(nth, piece)| (piece, nth < last))
    }

    /// Notes what a reader needs no more; what none needs ends there. None where there is no such reader.
    pub(super) fn released(&mut self, reader: &str, through: u64) -> Option<u64> {
        let mark = self.readers.get_mut(reader)?;
        *mark = through.max(*mark);
        self.readers.values().copied().min()
    }

    /// Files that end there or before, and the times of what is in them.
    pub(super) fn behind(&self, through: u64) -> (Vec<(PathBuf, u64)>, Stages) {
        let (mut files, mut stages) = (Vec::new(), Stages::default());
        for (piece, _) in self.all().take_while(|(piece, closed)| *closed && piece.next <= through + 1) {
            files.push((piece.path.clone(), piece.bytes));
            stages.join(piece.stages);
        }
        (files, stages)
    }

    pub(super) fn forget(&mut self, path: &Path) {
        self.files.retain(|piece| piece.path != path);
    }

    pub(super) fn numbers(&self) -> Numbers {
        Numbers {
            files: self.files.len() as u64,
            bytes: self.bytes(),
            entries: self.files.iter().map(|piece| piece.entries).sum(),
            last_position: self.next - 1,
            writing: self.active && self.files.back().is_some_and(|piece| piece.entries > 0),
            failing: self.failing.clone(),
        }
    }
}

pub(super) fn name(first: u64) -> String {
    format!("{first:0width$}.{SUFFIX}", width = frame::DIGITS)
}

/// The first position of a file of a journal.
pub(super) fn first(path: &Path) -> Option<u64> {
    let stem = path.file_stem()?.to_str()?;
    let ours = path.extension()?.to_str()? == SUFFIX && stem.len() == frame::DIGITS;
    ours.then(|| stem.parse().ok()).flatten()
}
