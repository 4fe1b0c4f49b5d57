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
use crate::catalogue::{Listed, Walk};
use crate::csv;
use crate::digest::Digest;
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
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What somebody wants to take away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    pub partition: Partition,
    /// Nothing that was before, not even in a segment that goes on after: it begins with the first segment that has none.
    pub from: Option<Timestamp>,
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
/// What tells two times of events apart.
const MOMENT: SignedDuration = SignedDuration::from_micros(1);
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

/// What goes into it. Segments are looked at while they go out: nobody waits for all of them to be read before anything
/// comes.
struct Plan {
    store: Store,
    keys: Keychain,
    about: About,
    proof: Option<Proof>,
    /// How long the manifests are together.
    manifests: u64,
    /// The segments that are asked for.
    asked: Vec<Asked>,
}

#[derive(Debug, Clone)]
struct Asked {
    manifest: Manifest,
    hash: Digest,
}

/// What the list of records will be, once all segments have gone out.
#[derive(Debug, Default)]
struct Tally {
    length: u64,
    count: u64,
    /// Of which segments there are records in the list: those that are what was sealed.
    whole: Vec<Manifest>,
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
        let Export { partition, from, since, until, format, now } = export.clone();
        let (keys, _) = keychain(store, None).await?;
        let format_name = FORMAT.to_owned();
        let about =
            About { format: format_name, partition, since, until, records: format, count: 0, made: now };
        let mut plan =
            Self { store: store.clone(), keys, about, proof: None, manifests: 0, asked: Vec::new() };
        // Before the manifests: what it knows is among them then.
        plan.proof = plan.proof().await?;
        let mut walk = Walk::from(store, &plan.about.partition, 1).await?;
        let query = plan.about.query();
        while let Some(batch) = walk.batch(&plan.keys).await? {
            for Listed { manifest, hash, bytes } in batch.listed {
                plan.manifests += bytes.len() as u64 + 1;
                if query.overlaps(manifest.first_at, manifest.last_at) {
                    plan.asked.push(Asked { manifest, hash });
                }
            }
        }
        if let Some(from) = from {
            let straddle = |asked: &&Asked| asked.manifest.first_at < from && asked.manifest.last_at >= from;
            let ends = plan.asked.iter().filter(straddle).map(|asked| asked.manifest.last_at);
            let begins = ends.max().map_or(from, |end| end.saturating_add(MOMENT).unwrap_or(Timestamp::MAX));
            plan.about.since = Some(since.unwrap_or(begins).max(begins));
            let query = plan.about.query();
            plan.asked.retain(|asked| query.overlaps(asked.manifest.first_at, asked.manifest.last_at));
        }
        Ok(plan)
    }

    /// By the last head that is what it should be.
    async fn proof(&self) -> Result<Option<Proof>, Error> {
        for number in head::numbers(&self.store).await?.into_iter().rev() {
            let bytes = head::read(&self.store, number).await?;
            let head = Head::from_bytes(&bytes).filter(|head| head.number == number && head.leaves_fit());
            if let Some(head) = head.filter(|head| head.check(&self.keys).is_none()) {
                return Ok(head.proof(&self.about.partition));
            }
        }
        Ok(None)
    }

    /// What there is of it, under the name that it has in the export.
    async fn segment(&self, asked: &Asked, tally: &mut Tally) -> Result<Option<(String, Bytes)>, Error> {
        let Asked { manifest, hash } = asked;
        let path = |kind| layout::object(&manifest.partition, manifest.number, kind);
        let most = manifest.segment.bytes;
        let Some(bytes) = access::read_at_most(&self.store, &path(Kind::Segment), most).await? else {
            let note = access::read(&self.store, &path(Kind::Tombstone)).await?;
            let holds = |note: &Bytes| expire::valid(note, manifest, *hash, &self.keys).is_some();
            return Ok(note.filter(holds).map(|note| (tombstone_file(manifest.number), note)));
        };
        if manifest.segment.is_of(&bytes) {
            self.count(&bytes, manifest, tally)?;
        }
        Ok(Some((segment_file(manifest.number), bytes)))
    }

    fn count(&self, segment: &[u8], manifest: &Manifest, tally: &mut Tally) -> Result<(), Error> {
        let (since, until) = self.about.query().window();
        let inside = since <= manifest.first_at.as_microsecond() && manifest.last_at.as_microsecond() < until;
        if inside && self.about.records == Format::Jsonl {
            // All of it, as it is.
            tally.length += manifest.raw_bytes;
            tally.count += manifest.count;
        } else {
            let mut lines = Lines::new(&self.about)?;
            for block in frames(segment) {
                let block = &segment[block.unwrap_or_else(|rest| rest)];
                tally.length += lines.of(block, manifest)?.len() as u64;
            }
            tally.count += lines.count;
        }
        tally.whole.push(manifest.clone());
        Ok(())
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
