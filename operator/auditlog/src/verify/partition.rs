//! One partition: its manifests in a chain, and behind each the segment and the index that it speaks of.

use super::{Claim, Claims, Figures, PartitionReport, SKEW};
use crate::Partition;
use crate::access::{self, Store};
use crate::catalogue::{self, Listed, PACK};
use crate::digest::Digest;
use crate::error::Error;
use crate::finding::{Aside, Finding, Findings, MOST, Note, What};
use crate::index::Index;
use crate::keychain::Keychain;
use crate::layout::{self, Kind, Object};
use crate::manifest::{Expired, Manifest};
use crate::signed::Signed as _;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use object_store::path::Path;
use std::collections::{BTreeMap, BTreeSet};

/// Segments that are read ahead of the one that is looked at.
const AHEAD: usize = 3;

pub(super) struct Scan<'a> {
    pub(super) store: &'a Store,
    pub(super) keys: &'a Keychain,
    pub(super) partition: &'a Partition,
    pub(super) claims: &'a Claims,
    pub(super) now: Timestamp,
}

/// What there is, by kind and number, with its size.
type There = BTreeMap<(Kind, u64), u64>;

/// Everything about one segment. None: it is not there.
struct Objects {
    number: u64,
    manifest: Option<Bytes>,
    segment: Option<Fetched>,
    index: Option<Fetched>,
    tombstone: Option<Bytes>,
}

enum Fetched {
    Bytes(Bytes),
    /// So much longer than it should be that nobody reads it.
    TooLong,
}

impl Fetched {
    fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::TooLong => None,
        }
    }
}

impl Scan<'_> {
    pub(super) async fn run(&self, findings: &mut Findings) -> Result<(PartitionReport, Vec<Note>), Error> {
        let (there, mut notes) = self.list().await?;
        let of = |wanted| there.keys().filter(move |(kind, _)| *kind == wanted).map(|(_, number)| *number);
        let claims =
            self.packed(of(Kind::Manifest).next_back().unwrap_or(0), of(Kind::Pack).next_back()).await?;
        let mut numbers: BTreeSet<u64> = of(Kind::Manifest).chain(claims.keys().copied()).collect();
        let last = numbers.last().copied().unwrap_or(0);
        numbers.extend(of(Kind::Pack).filter(|number| *number <= last));
        notes.extend(self.leftovers(&there, last));
        let mut run = Run {
            scan: self,
            claims,
            report: PartitionReport {
                partition: self.partition.clone(),
                segments: 0,
                records: 0,
                expired: 0,
                first_at: None,
                last_at: None,
            },
            before: Before::Nothing,
            recent: Vec::new(),
        };
        let (mut expected, there) = (1, &there);
        let mut objects =
            stream::iter(numbers.into_iter().map(|number| self.fetch(number, there))).buffered(AHEAD);
        while let Some(objects) = objects.try_next().await? {
            for number in (expected..objects.number).take(MOST) {
                run.gone(number, findings);
            }
            expected = objects.number + 1;
            run.segment(&objects, &mut notes, findings)?;
            if there.contains_key(&(Kind::Pack, objects.number)) {
                run.pack(objects.number, findings).await?;
            }
            if objects.number.is_multiple_of(PACK) {
                run.recent.clear();
            }
        }
        Ok((run.report, notes))
    }

    /// What heads say, and a pack of manifests that are no longer there themselves.
    async fn packed(&self, last: u64, pack: Option<u64>) -> Result<Claims, Error> {
        let mut claims = self.claims.clone();
        if let Some(pack) = pack.filter(|pack| *pack > last && pack.is_multiple_of(PACK)) {
            let by = layout::object(self.partition, pack, Kind::Pack).to_string();
            let listed = catalogue::read_pack(self.store, self.partition, pack, self.keys).await?;
            for Listed { manifest, hash, .. } in listed.into_iter().flatten() {
                let claim = Claim { manifest: hash, by: by.clone() };
                claims.entry(manifest.number).or_default().push(claim);
            }
        }
        Ok(claims)
    }

    async fn list(&self) -> Result<(There, Vec<Note>), Error> {
        let prefix = Path::from(self.partition.to_string());
        let (mut there, mut notes) = (There::new(), Vec::new());
        let mut listed = self.store.list(Some(&prefix));
        while let Some(object) = listed.try_next().await.map_err(Error::store(prefix.as_ref()))? {
            match layout::read(&object.location) {
                Object::Of(partition, number, kind) if partition == *self.partition => {
                    there.insert((kind, number), object.size);
                }
                _ => notes.push(Note { object: object.location.to_string(), what: Aside::Foreign }),
            }
        }
        Ok((there, notes))
    }

    fn leftovers(&self, there: &There, last: u64) -> Vec<Note> {
        let aside = |(kind, number): &(Kind, u64)| match kind {
            Kind::Segment | Kind::Index if *number > last => Some(Aside::Unfinished),
            Kind::Tombstone if *number > last => Some(Aside::Foreign),
            Kind::Pack if *number > last || !number.is_multiple_of(PACK) => Some(Aside::Foreign),
            _ => None,
        };
        let note = |place: &(Kind, u64)| {
            let object = layout::object(self.partition, place.1, place.0).to_string();
            aside(place).map(|what| Note { object, what })
        };
        there.keys().filter_map(note).collect()
    }

    async fn fetch(&self, number: u64, there: &There) -> Result<Objects, Error> {
        let manifest = self.object(number, Kind::Manifest, there, 1 << 20).await?;
        let manifest = manifest.as_ref().and_then(Fetched::bytes).cloned();
        let read = manifest.as_deref().and_then(Manifest::from_bytes);
        let most = |bytes: Option<u64>| bytes.unwrap_or(0).saturating_mul(2).saturating_add(1 << 20);
        let segment = most(read.as_ref().map(|manifest| manifest.segment.bytes));
        let index = most(read.as_ref().map(|manifest| manifest.index.bytes));
        let tombstone = self.object(number, Kind::Tombstone, there, 1 << 20).await?;
        Ok(Objects {
            number,
            manifest,
            segment: self.object(number, Kind::Segment, there, segment).await?,
            index: self.object(number, Kind::Index, there, index).await?,
            tombstone: tombstone.map(|fetched| fetched.bytes().cloned().unwrap_or_default()),
        })
    }

    async fn object(
        &self,
        number: u64,
        kind: Kind,
        there: &There,
        most: u64,
    ) -> Result<Option<Fetched>, Error> {
        match there.get(&(kind, number)) {
            None => Ok(None),
            Some(size) if *size > most => Ok(Some(Fetched::TooLong)),
            Some(_) => {
                let path = layout::object(self.partition, number, kind);
                let bytes = access::read_at_most(self.store, &path, most).await?;
                Ok(bytes.map(Fetched::Bytes))
            }
        }
    }

    fn finding(&self, what: What, number: u64, kind: Kind) -> Finding {
        let path = layout::object(self.partition, number, kind);
        Finding::new(what, path.as_ref()).segment(self.partition, number)
    }
}

/// The manifest that the next one has to follow.
enum Before {
    Nothing,
    Manifest(Box<Manifest>, Digest),
    /// It is missing or changed, which was said; nothing is said about the next one for that reason.
    Unknown,
}

struct Run<'a> {
    scan: &'a Scan<'a>,
    claims: Claims,
    report: PartitionReport,
    before: Before,
    /// Since the last pack: number and bytes of the manifests that are what they should be.
    recent: Vec<(u64, Bytes)>,
}

impl Run<'_> {
    fn gone(&mut self, number: u64, findings: &mut Findings) {
        let claim = self.claims.get(&number).and_then(|claims| claims.first());
        let finding = self.scan.finding(What::ManifestMissing, number, Kind::Manifest);
        findings.push(match claim {
            Some(claim) => finding.by(&claim.by),
            None => finding,
        });
        self.before = Before::Unknown;
    }

    fn segment(
        &mut self,
        objects: &Objects,
        notes: &mut Vec<Note>,
        findings: &mut Findings,
    ) -> Result<(), Error> {
        let number = objects.number;
        let Some(bytes) = &objects.manifest else {
            self.gone(number, findings);
            return Ok(());
        };
        let Some(listed) = catalogue::one(self.scan.partition, number, bytes.clone()) else {
            findings.push(self.scan.finding(What::ManifestChanged, number, Kind::Manifest));
            self.before = Before::Unknown;
            return Ok(());
        };
        self.manifest(&listed, findings);
        let gone = self.tombstone(&listed, objects, findings);
        let left = objects.segment.is_some() || objects.index.is_some();
        if gone && left {
            let object = layout::object(self.scan.partition, number, Kind::Segment).to_string();
            notes.push(Note { object, what: Aside::NotYetDeleted });
        }
        self.report.segments += 1;
        if gone {
            self.report.expired += 1;
        } else {
            self.contents(&listed.manifest, objects, findings)?;
            self.report.records += listed.manifest.count;
        }
        let Manifest { first_at, last_at, .. } = listed.manifest;
        self.report.first_at = Some(self.report.first_at.map_or(first_at, |at| at.min(first_at)));
        self.report.last_at = Some(self.report.last_at.map_or(last_at, |at| at.max(last_at)));
        self.recent.push((number, listed.bytes));
        self.before = Before::Manifest(Box::new(listed.manifest), listed.hash);
        Ok(())
    }

    fn manifest(&self, listed: &Listed, findings: &mut Findings) {
        let Listed { manifest, hash, .. } = listed;
        let finding = |what| {
            let finding = self.scan.finding(what, manifest.number, Kind::Manifest);
            finding.records(manifest.first_seq, manifest.last_seq)
        };
        if let Some(what) = manifest.check(self.scan.keys) {
            findings.push(finding(what).by(manifest.seal.key_id.to_string()));
        }
        let follows = match &self.before {
            Before::Nothing => manifest.follows(None),
            Before::Manifest(before, hash) => manifest.follows(Some((before, *hash))),
            Before::Unknown => true,
        };
        if !follows {
            findings.push(finding(What::ManifestOutOfChain));
        }
        let claims = self.claims.get(&manifest.number).into_iter().flatten();
        let other = claims.filter(|claim| claim.manifest != *hash);
        findings.extend(other.map(|claim| finding(What::HeadContradicts).by(&claim.by)));
    }

    /// Whether the segment is rightly gone.
    fn tombstone(&self, listed: &Listed, objects: &Objects, findings: &mut Findings) -> bool {
        let Some(bytes) = &objects.tombstone else { return false };
        let finding = |what| self.scan.finding(what, objects.number, Kind::Tombstone);
        let expired =
            Expired::from_bytes(bytes).filter(|expired| expired.is_of(&listed.manifest, listed.hash));
        let Some(expired) = expired else {
            findings.push(finding(What::TombstoneChanged));
            return false;
        };
        if let Some(what) = expired.check(self.scan.keys) {
            findings.push(finding(what).by(expired.seal.key_id.to_string()));
            return false;
        }
        // A moment that has not come proves nothing about one that has.
        if expired.at < expired.retain_until
            || expired.at > self.scan.now.saturating_add(SKEW).unwrap_or(self.scan.now)
        {
            findings.push(finding(What::ExpiredEarly).records(expired.first_seq, expired.last_seq));
            return false;
        }
        true
    }

    fn contents(&self, manifest: &Manifest, objects: &Objects, findings: &mut Findings) -> Result<(), Error> {
        let finding = |what, kind| self.scan.finding(what, manifest.number, kind);
        let index = match &objects.index {
            None => Err(What::IndexMissing),
            Some(Fetched::Bytes(bytes)) if manifest.index.is_of(bytes) => {
                Index::read(bytes.clone()).map_err(|_| What::IndexUntrue)
            }
            Some(_) => Err(What::IndexChanged),
        };
        if let Err(what) = &index {
            findings.push(finding(*what, Kind::Index));
        }
        let (first, last) = (manifest.first_seq, manifest.last_seq);
        let Some(segment) = &objects.segment else {
            findings.push(finding(What::SegmentMissing, Kind::Segment).records(first, last));
            return Ok(());
        };
        let Some(segment) = segment.bytes() else {
            findings.push(finding(What::SegmentChanged, Kind::Segment).records(first, last));
            return Ok(());
        };
        let whole = manifest.segment.is_of(segment);
        let blocks = index.as_ref().ok().filter(|_| !whole).and_then(|index| index.blocks().ok());
        let figures = Figures::read(segment, blocks.as_deref(), manifest)?;
        if !whole {
            findings.push(finding(What::SegmentChanged, Kind::Segment).records(first, last));
        } else if !figures.are_those_of(manifest) {
            findings.push(finding(What::ManifestUntrue, Kind::Manifest).records(first, last));
        }
        let wrong = figures.wrong.iter();
        findings
            .extend(wrong.map(|(what, first, last)| finding(*what, Kind::Segment).records(*first, *last)));
        if let Ok(index) = index
            && whole
            && !is_of(&index, &figures, manifest)
        {
            findings.push(finding(What::IndexUntrue, Kind::Index));
        }
        Ok(())
    }

    async fn pack(&mut self, number: u64, findings: &mut Findings) -> Result<(), Error> {
        let path = layout::object(self.scan.partition, number, Kind::Pack);
        let recent = std::mem::take(&mut self.recent);
        let lines = access::read(self.scan.store, &path).await?.as_ref().and_then(catalogue::unpack);
        let lines = lines.filter(|lines| lines.len() as u64 == PACK).unwrap_or_default();
        let first = (number + 1).saturating_sub(PACK);
        let is_there = |(number, bytes): &(u64, Bytes)| {
            let at = number.checked_sub(first).and_then(|at| usize::try_from(at).ok());
            // Those before the pack belong to one that is not there.
            at.is_none_or(|at| lines.get(at) == Some(bytes))
        };
        if !recent.iter().all(is_there) || lines.is_empty() {
            findings.push(self.scan.finding(What::PackChanged, number, Kind::Pack));
        }
        Ok(())
    }
}

/// Whether a query that reads this index finds what reading everything would.
fn is_of(index: &Index, figures: &Figures, manifest: &Manifest) -> bool {
    let Manifest { partition, number, first_seq, .. } = manifest;
    let own = figures.index.sections(partition, *number, *first_seq, index.about.through, &figures.blocks);
    own.is_ok_and(|own| index.sections().is_ok_and(|there| there == own))
}
