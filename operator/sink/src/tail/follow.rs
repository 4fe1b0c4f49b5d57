//! Reads on from where it was, batch by batch.

use super::chain::{Chain, Link, Open};
use super::deliver::Batch;
use super::lines::{Gathered, Line};
use super::position::{Hole, Position, Print, read_all};
use crate::gaps::{Cause, Note};
use crate::journal::{Disk, ServerName, Slots};
use jiff::Timestamp;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

const POSITION_BYTES: u64 = 8192;
/// A line that is longer is kept in part.
const LONGEST: usize = 32 << 20;
const PART: usize = 64 << 10;
/// Holes that wait for their end; more are one.
const HOLES: usize = 16;
/// Of one batch; more are drawn together.
const NOTES: usize = 64;

#[derive(Debug, Clone)]
pub struct Settings {
    pub log: PathBuf,
    pub server: ServerName,
    /// Where the position is kept.
    pub state: PathBuf,
    pub batch_bytes: usize,
    pub batch_lines: usize,
}

impl Settings {
    pub fn new(log: PathBuf, server: ServerName, state: PathBuf) -> Self {
        Self { log, server, state, batch_bytes: 1 << 20, batch_lines: 2000 }
    }
}

pub struct Follower {
    settings: Settings,
    slots: Slots,
    chain: Option<Chain>,
    /// What was last written down, or is to be next.
    saved: Option<Position>,
    latest: Option<Timestamp>,
    holes: Vec<Hole>,
    fresh: bool,
}

impl Follower {
    pub fn open(disk: Arc<dyn Disk>, settings: Settings) -> io::Result<Self> {
        if let Some(directory) = settings.state.parent() {
            disk.make_directory(directory)?;
        }
        let (slots, saved) = match state(&disk, &settings) {
            // Everything is read again from the oldest file on; what is known already is known.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                tracing::warn!(%error, state = %settings.state.display(), "position not understood");
                disk.remove(&settings.state)?;
                state(&disk, &settings)?
            }
            state => state?,
        };
        let latest = saved.as_ref().and_then(|position| position.latest);
        let holes = saved.as_ref().map(|position| position.holes.clone()).unwrap_or_default();
        let fresh = saved.as_ref().is_none_or(|position| position.fresh);
        Ok(Self { settings, slots, chain: None, saved, latest, holes, fresh })
    }

    pub fn server(&self) -> &ServerName {
        &self.settings.server
    }

    /// What is there and not read yet.
    pub fn behind(&self) -> u64 {
        let links = self.chain.iter().flat_map(|chain| &chain.links);
        let of = |link: &Link| match link {
            Link::File(open) => {
                open.file.metadata().map_or(0, |metadata| metadata.len().saturating_sub(open.offset))
            }
            Link::Break(_) => 0,
        };
        links.map(of).sum()
    }

    /// The next lines; None where there are none yet. What was given before is safe, or this must not be called.
    pub fn batch(&mut self) -> io::Result<Option<Batch>> {
        let mut chain = match self.chain.take() {
            Some(chain) => chain,
            None => self.begin()?,
        };
        let batch = self.step(&mut chain);
        self.chain = Some(chain);
        if matches!(batch, Ok(None)) {
            // Another file may be the first one now.
            self.acknowledged()?;
        }
        batch
    }

    /// What was given last is safe.
    pub fn acknowledged(&mut self) -> io::Result<()> {
        let Some(position) = self.position() else { return Ok(()) };
        if self.saved.as_ref() != Some(&position) {
            self.slots.save(&serde_json::to_vec(&position)?)?;
            self.saved = Some(position);
        }
        Ok(())
    }

    fn position(&self) -> Option<Position> {
        let links = &self.chain.as_ref()?.links;
        let Some(Link::File(open)) = links.front() else { return None };
        if open.offset == 0 && !open.id.is_certain() {
            // The end of the file before it says more.
            return None;
        }
        let then = match links.get(1) {
            Some(Link::Break(cause)) => Some(*cause),
            _ => None,
        };
        Some(Position { then, holes: self.holes.clone(), ..self.position_in(open) })
    }

    fn position_in(&self, open: &Open) -> Position {
        Position {
            file: open.id,
            offset: open.offset,
            first_line: open.first_line.clone(),
            last_line: open.last_line.clone(),
            within: open.within,
            latest: self.latest,
            holes: Vec::new(),
            fresh: self.fresh,
            then: None,
        }
    }

    fn begin(&mut self) -> io::Result<Chain> {
        let Some(position) = &self.saved else { return Chain::all(&self.settings.log) };
        match Chain::from(&self.settings.log, position)? {
            Ok(chain) => Ok(chain),
            Err(cause) => {
                let chain = Chain::all(&self.settings.log)?;
                tracing::warn!(server = %self.settings.server, %cause, "where it was is nowhere any more");
                self.hole(cause);
                Ok(chain)
            }
        }
    }

    fn step(&mut self, chain: &mut Chain) -> io::Result<Option<Batch>> {
        loop {
            chain.extend(&self.settings.log)?;
            let last = chain.is_last();
            match chain.links.front_mut() {
                None => return Ok(None),
                Some(Link::Break(cause)) => {
                    let cause = *cause;
                    self.hole(cause);
                    chain.links.pop_front();
                    continue;
                }
                Some(Link::File(open)) => {
                    if is_cut(open)? {
                        self.cut(chain)?;
                        continue;
                    }
                    if let Some(batch) = self.read(open, !last)? {
                        return Ok(Some(batch));
                    }
                }
            }
            if last {
                return Ok(None);
            }
            chain.links.pop_front();
        }
    }

    /// The log file was cut while it was read: what is left of a copy, then what is there now.
    fn cut(&mut self, chain: &mut Chain) -> io::Result<()> {
        let Some(Link::File(open)) = chain.links.front() else { return Ok(()) };
        let position = self.position_in(open);
        let copy = match Chain::from(&self.settings.log, &position)? {
            Ok(found) => found.links.into_iter().next(),
            Err(_) => None,
        };
        let again = Open::new(open.file.try_clone()?)?;
        // Nothing fails from here on: that it was cut is not forgotten.
        chain.links.pop_front();
        chain.links.push_front(Link::File(again));
        chain.links.push_front(Link::Break(Cause::Truncated));
        if let Some(copy) = copy {
            chain.links.push_front(copy);
        }
        Ok(())
    }

    /// Whole lines of a file; of one that will not grow any more, also what is after the last one.
    fn read(&mut self, open: &mut Open, ended: bool) -> io::Result<Option<Batch>> {
        let mut most = self.settings.batch_bytes.max(1);
        loop {
            let there = open.file.metadata()?.len().saturating_sub(open.offset);
            let piece = usize::try_from(there).unwrap_or(usize::MAX).min(most);
            let mut buffer = vec![0; piece];
            let filled = read_all(&open.file, &mut buffer, open.offset)?;
            buffer.truncate(filled);
            let all = filled < most;
            let end = match buffer.iter().rposition(|byte| *byte == b'\n') {
                Some(end) => end + 1,
                None if filled == 0 || (all && !ended) => return Ok(None),
                None if all || most >= LONGEST => filled,
                None => {
                    most = most.saturating_mul(4).min(LONGEST);
                    continue;
                }
            };
            buffer.truncate(end);
            return self.lines(open, buffer, ended && all).map(Some);
        }
    }

    fn lines(&mut self, open: &mut Open, buffer: Vec<u8>, ended: bool) -> io::Result<Batch> {
        let (length, mut start) = (buffer.len(), 0);
        let mut gathered = Gathered::new(buffer);
        let (mut notes, mut last) = (Vec::new(), None);
        while start < length && gathered.items.len() < self.settings.batch_lines {
            let rest = gathered.buffer.get(start..length).unwrap_or_default();
            let line = rest.iter().position(|byte| *byte == b'\n');
            let end = line.map_or(length, |line| start + line);
            let (within, whole) = (open.within, line.is_some());
            // A line that is too long has no end here.
            open.within = !whole && !ended;
            if within {
                // What follows of it is not kept.
            } else if open.within {
                gathered.unreadable(start..start + PART.min(end - start));
                self.hole(Cause::Unreadable);
            } else {
                for line in gathered.line(start..end).into_iter().flatten() {
                    match line {
                        Line::Event(stage) => self.event(stage, &mut notes),
                        Line::Unreadable => self.hole(Cause::Unreadable),
                    }
                }
            }
            let next = if whole { end + 1 } else { end };
            last = (whole && !within).then_some(start..next);
            start = next;
        }
        open.last_line = last.and_then(|line| gathered.buffer.get(line)).map(Print::of);
        open.offset += start as u64;
        if open.first_line.is_none() {
            open.first_line = Print::of_first_line(&open.file)?;
        }
        let position = format!("{}:{}", open.id, open.offset);
        Ok(Batch { items: gathered.into_items(), notes, position })
    }

    /// Something may be missing after the latest event.
    fn hole(&mut self, cause: Cause) {
        let hole = Hole { from: self.latest, cause };
        if self.holes.last() == Some(&hole) {
            return;
        }
        if self.holes.len() >= HOLES {
            self.holes.pop();
        }
        self.holes.push(hole);
    }

    fn event(&mut self, stage: Option<Timestamp>, notes: &mut Vec<Note>) {
        let Some(stage) = stage else { return };
        if std::mem::take(&mut self.fresh) {
            notes.push(Note::Fresh);
        }
        // Files are read again where the position is nowhere: what is older than the hole does not end it.
        let ends = |hole: &mut Hole| hole.from.is_none_or(|from| stage > from);
        for Hole { from, cause } in self.holes.extract_if(.., ends) {
            let many = notes.len() >= NOTES;
            match notes.last_mut() {
                // They go into a header.
                Some(Note::Gap { to, .. }) if many => *to = stage.max(*to),
                _ => notes.push(Note::Gap { from, to: stage, cause }),
            }
        }
        self.latest = self.latest.max(Some(stage));
    }
}

fn state(disk: &Arc<dyn Disk>, settings: &Settings) -> io::Result<(Slots, Option<Position>)> {
    let (slots, text) = Slots::open(disk.clone(), &settings.state, POSITION_BYTES)?;
    let position = text.map(|text| serde_json::from_slice(&text)).transpose();
    Ok((slots, position.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?))
}

/// What was read is not there any more.
fn is_cut(open: &mut Open) -> io::Result<bool> {
    let length = open.file.metadata()?.len();
    if length < open.offset {
        return Ok(true);
    }
    match &open.first_line {
        Some(first) => Ok(!first.is_first(&open.file)?),
        None => Ok(false),
    }
}
