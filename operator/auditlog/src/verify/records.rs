//! The records of one segment, one after the other.

use crate::digest::{Chain, Digest};
use crate::error::Error;
use crate::facts::Facts;
use crate::finding::What;
use crate::index::{Block, IndexBuilder};
use crate::manifest::Manifest;
use crate::record::Record;
use crate::segment::{Unpacker, frames};
use std::collections::BTreeSet;
use std::ops::Range;

/// What a segment really holds.
pub(crate) struct Figures {
    pub(crate) blocks: Vec<Block>,
    pub(crate) index: IndexBuilder,
    pub(crate) count: u64,
    pub(crate) raw_bytes: u64,
    pub(crate) first_at: i64,
    pub(crate) last_at: i64,
    /// Of the last record, as it is written there.
    pub(crate) chain: Option<Chain>,
    /// What, from which record to which.
    pub(crate) wrong: Vec<(What, u64, u64)>,
    seen: Vec<u64>,
    unreadable: Vec<(u64, u64)>,
    next: u64,
    /// Where what cannot be read begins. It ends before the next record that can be.
    lost: Option<u64>,
}

impl Figures {
    /// Of a segment that was changed, the index still knows where its blocks were.
    pub(crate) fn read(segment: &[u8], known: Option<&[Block]>, manifest: &Manifest) -> Result<Self, Error> {
        let mut figures = Self {
            blocks: Vec::new(),
            index: IndexBuilder::new(),
            count: 0,
            raw_bytes: 0,
            first_at: i64::MAX,
            last_at: i64::MIN,
            chain: Some(manifest.chain_before),
            wrong: Vec::new(),
            seen: Vec::new(),
            unreadable: Vec::new(),
            next: manifest.first_seq,
            lost: None,
        };
        let mut unpacker = Unpacker::new()?;
        for range in ranges(segment, known) {
            let block = &segment[range.clone()];
            // What was put in may make it longer.
            match unpacker.unpack(block, manifest.raw_bytes.saturating_mul(2).saturating_add(1 << 20)) {
                Some(text) => figures.block(block, range.start, &text),
                None => figures.lose(),
            }
        }
        figures.found(manifest.last_seq.saturating_add(1));
        figures.order(manifest);
        Ok(figures)
    }

    fn block(&mut self, block: &[u8], offset: usize, text: &str) {
        let short = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        self.blocks.push(Block {
            offset: offset as u64,
            bytes: short(block.len()),
            raw_bytes: short(text.len()),
            first: u32::try_from(self.count).unwrap_or(u32::MAX),
            sha256: Digest::of(block),
        });
        self.raw_bytes += text.len() as u64;
        let whole = text.strip_suffix('\n').unwrap_or(text);
        whole.split('\n').for_each(|line| self.line(line));
    }

    fn line(&mut self, line: &str) {
        self.count += 1;
        let record = Record::parse(line).ok().filter(|record| record.line() == line);
        let facts = record.as_ref().and_then(|record| Some((record, Facts::of(&record.event).ok()?)));
        let Some((record, facts)) = facts else {
            self.lose();
            return;
        };
        self.found(record.seq);
        // Behind one that is missing, or is in another place, the chain is broken for that reason alone.
        if record.seq == self.next && self.chain.is_some_and(|before| record.chained(before) != record.chain)
        {
            self.wrong.push((What::RecordChanged, record.seq, record.seq));
        }
        let time = facts.time.unwrap_or_else(|| record.at.as_microsecond());
        self.index.push(&facts, time);
        (self.first_at, self.last_at) = (self.first_at.min(time), self.last_at.max(time));
        self.chain = Some(record.chain);
        self.next = record.seq.saturating_add(1);
        self.seen.push(record.seq);
    }

    fn lose(&mut self) {
        self.lost.get_or_insert(self.next);
        self.chain = None;
    }

    fn found(&mut self, seq: u64) {
        let Some(from) = self.lost.take() else { return };
        let until = seq.saturating_sub(1).max(from);
        self.wrong.push((What::RecordsUnreadable, from, until));
        self.unreadable.push((from, until));
        self.next = until.saturating_add(1);
    }

    fn order(&mut self, manifest: &Manifest) {
        let Manifest { first_seq, last_seq, .. } = manifest;
        let mut known = BTreeSet::new();
        let mut highest = 0;
        for seq in &self.seen {
            if !(first_seq..=last_seq).contains(&seq) || !known.insert(*seq) {
                self.wrong.push((What::RecordAdded, *seq, *seq));
            } else if *seq < highest {
                self.wrong.push((What::RecordMoved, *seq, *seq));
            }
            highest = highest.max(*seq);
        }
        // What is neither there nor unreadable. A manifest may speak of more records than anybody can count.
        let mut covered = std::mem::take(&mut self.unreadable);
        covered.extend(known.into_iter().map(|seq| (seq, seq)));
        covered.push((last_seq.saturating_add(1), u64::MAX));
        covered.sort_unstable();
        let mut next = *first_seq;
        for (first, last) in covered {
            if first > next && next <= *last_seq {
                self.wrong.push((What::RecordRemoved, next, first - 1));
            }
            next = next.max(last.saturating_add(1));
        }
    }

    pub(crate) fn are_those_of(&self, manifest: &Manifest) -> bool {
        self.count == manifest.count
            && self.raw_bytes == manifest.raw_bytes
            && self.chain == Some(manifest.chain_after)
            && self.first_at == manifest.first_at.as_microsecond()
            && self.last_at == manifest.last_at.as_microsecond()
    }
}

/// Where the blocks are: by what they say themselves or, where that does not lead to the end, by what is known of them.
fn ranges(segment: &[u8], known: Option<&[Block]>) -> Vec<Range<usize>> {
    let own: Vec<_> = frames(segment).collect();
    let Some(blocks) = known.filter(|_| own.iter().any(Result::is_err)) else {
        return own.into_iter().map(|range| range.unwrap_or_else(|rest| rest)).collect();
    };
    let place = |block: &Block| {
        let start = usize::try_from(block.offset).unwrap_or(usize::MAX).min(segment.len());
        let bytes = usize::try_from(block.bytes).unwrap_or(usize::MAX);
        start..start.saturating_add(bytes).min(segment.len())
    };
    blocks.iter().map(place).collect()
}
