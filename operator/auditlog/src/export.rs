//! What a tenant takes away: its records, the segments that they are in, and what proves both. Nothing in it names
//! anybody else.
//!
//! All manifests of the partition are in it, not only those of the time that was asked for: so it is proven as well that
//! nothing of that time is missing.

mod check;
mod files;
mod pieces;

pub use check::verify_export;

use crate::Partition;
use crate::access::{self, Store};
use crate::canonical;
use crate::catalogue::{Listed, Walk};
use crate::csv;
use crate::error::Error;
use crate::facts::Facts;
use crate::head::{self, Head, Proof};
use crate::keychain::Keychain;
use crate::layout::{self, Kind};
use crate::manifest::Manifest;
use crate::query::Query;
use crate::record::Record;
use crate::segment::{Unpacker, frames};
use crate::signed::Signed as _;
use crate::writer::{expire, keychain};
use bytes::Bytes;
use futures::stream::BoxStream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What somebody wants to take away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    pub partition: Partition,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub format: Format,
    pub now: Timestamp,
}

/// Of the list of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Format {
    /// The records as they are kept.
    #[default]
    Jsonl,
    /// A table: not all that they say.
    Csv,
}

const FORMAT: &str = "snc-export-1";
const ABOUT: &str = "export.json";
const HEAD: &str = "head.json";
const MANIFESTS: &str = "manifests.jsonl";

impl Format {
    const fn file(self) -> &'static str {
        match self {
            Self::Jsonl => "records.jsonl",
            Self::Csv => "records.csv",
        }
    }
}

/// `export.json`: what was asked for. Nobody signs it; whatever it says is held against what is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct About {
    format: String,
    partition: Partition,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    records: Format,
    count: u64,
    made: Timestamp,
}

impl About {
    fn query(&self) -> Query {
        Query { since: self.since, until: self.until, ..Query::of(self.partition.clone()) }
    }
}

fn segment_file(number: u64) -> String {
    format!("segments/{number:012}.seg")
}

fn tombstone_file(number: u64) -> String {
    format!("expired/{number:012}.json")
}

/// A file of the export, its length settled.
#[derive(Debug, Clone)]
enum Entry {
    Whole(String, Bytes),
    Manifests(u64),
    Segment(u64, u64),
    Records(u64),
}

/// What goes into it.
struct Plan {
    store: Store,
    keys: Keychain,
    about: About,
    entries: Vec<Entry>,
    /// Of which segments there are records in the list: those that are what was sealed.
    listed: Vec<Manifest>,
}

/// A tar, piece by piece. What is wrong with the log is left out, and missed by whoever verifies the export.
pub async fn export(
    store: &Store,
    export: &Export,
) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
    Ok(pieces::stream(Plan::new(store, export).await?))
}

impl Plan {
    async fn new(store: &Store, export: &Export) -> Result<Self, Error> {
        let Export { partition, since, until, format, now } = export.clone();
        let (keys, _) = keychain(store, None).await?;
        let about = About {
            format: FORMAT.to_owned(),
            partition,
            since,
            until,
            records: format,
            count: 0,
            made: now,
        };
        let mut plan = Self { store: store.clone(), keys, about, entries: Vec::new(), listed: Vec::new() };
        // Before the manifests: what it knows is among them then.
        let proof = plan.proof().await?;
        let keys = plan.keys.keys().iter();
        let keys: Vec<_> = keys
            .map(|key| {
                Ok(Entry::Whole(layout::key(key.id()).to_string(), key.statement().to_bytes()?.into()))
            })
            .collect::<Result<_, Error>>()?;
        let (mut bytes, mut found, mut segments) = (0, Vec::new(), Vec::new());
        let mut walk = Walk::from(store, &plan.about.partition, 1).await?;
        let query = plan.about.query();
        while let Some(batch) = walk.batch(&plan.keys).await? {
            for listed in batch.listed {
                bytes += listed.bytes.len() as u64 + 1;
                if query.overlaps(listed.manifest.first_at, listed.manifest.last_at) {
                    found.push(listed);
                }
            }
        }
        let mut records = match format {
            Format::Jsonl => 0,
            Format::Csv => csv::heads().len() as u64,
        };
        for listed in found {
            let (entry, length) = plan.segment(&listed).await?;
            segments.extend(entry);
            records += length;
        }
        let about = Bytes::from(canonical::bytes(&plan.about, &[])?);
        plan.entries.push(Entry::Whole(ABOUT.to_owned(), about));
        if let Some(proof) = proof {
            plan.entries.push(Entry::Whole(HEAD.to_owned(), canonical::bytes(&proof, &[])?.into()));
        }
        plan.entries.extend(keys);
        plan.entries.push(Entry::Manifests(bytes));
        plan.entries.extend(segments);
        plan.entries.push(Entry::Records(records));
        Ok(plan)
    }

    /// By the last head that is what it should be.
    async fn proof(&self) -> Result<Option<Proof>, Error> {
        for number in head::numbers(&self.store).await?.into_iter().rev() {
            let bytes = access::read(&self.store, &layout::head(number)).await?.unwrap_or_default();
            let head = Head::from_bytes(&bytes).filter(|head| head.number == number && head.leaves_fit());
            if let Some(head) = head.filter(|head| head.check(&self.keys).is_none()) {
                return Ok(head.proof(&self.about.partition));
            }
        }
        Ok(None)
    }

    /// What there is of it, and how long its part of the list is.
    async fn segment(&mut self, listed: &Listed) -> Result<(Option<Entry>, u64), Error> {
        let manifest = &listed.manifest;
        let path = |kind| layout::object(&manifest.partition, manifest.number, kind);
        let Some(bytes) = access::read(&self.store, &path(Kind::Segment)).await? else {
            let note = access::read(&self.store, &path(Kind::Tombstone)).await?;
            let note = note.filter(|note| expire::valid(note, listed, &self.keys).is_some());
            return Ok((note.map(|note| Entry::Whole(tombstone_file(manifest.number), note)), 0));
        };
        let entry = Some(Entry::Segment(manifest.number, bytes.len() as u64));
        if !manifest.segment.is_of(&bytes) {
            return Ok((entry, 0));
        }
        let mut lines = Lines::new(&self.about)?;
        let mut length = 0;
        for block in frames(&bytes) {
            length += lines.of(&bytes[block.unwrap_or_else(|rest| rest)], manifest)?.len() as u64;
        }
        self.about.count += lines.count;
        self.listed.push(manifest.clone());
        Ok((entry, length))
    }
}

/// Makes the list of records.
struct Lines {
    unpacker: Unpacker,
    window: Option<(i64, i64)>,
    format: Format,
    count: u64,
    last: u64,
}

impl Lines {
    fn new(about: &About) -> Result<Self, Error> {
        let whole = about.since.is_none() && about.until.is_none();
        let window = (!whole).then(|| about.query().window());
        Ok(Self { unpacker: Unpacker::new()?, window, format: about.records, count: 0, last: 0 })
    }

    /// Of one block of a segment that is what was sealed.
    fn of(&mut self, block: &[u8], manifest: &Manifest) -> Result<String, Error> {
        let text =
            self.unpacker.unpack(block, manifest.raw_bytes).ok_or_else(|| Error::encoding("a block"))?;
        let mut lines = String::with_capacity(text.len());
        for line in text.split_terminator('\n') {
            let record = Record::parse(line).map_err(Error::encoding)?;
            self.last = record.seq;
            if self.window.is_some_and(|(since, until)| !(since..until).contains(&time(&record))) {
                continue;
            }
            self.count += 1;
            match self.format {
                Format::Jsonl => {
                    lines.push_str(line);
                    lines.push('\n');
                }
                Format::Csv => csv::row(&record, &mut lines),
            }
        }
        Ok(lines)
    }
}

fn time(record: &Record) -> i64 {
    let told = Facts::of(&record.event).ok().and_then(|facts| facts.time);
    told.unwrap_or_else(|| record.at.as_microsecond())
}

#[cfg(test)]
mod tests;
