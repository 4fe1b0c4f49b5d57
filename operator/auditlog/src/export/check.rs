//! Whether an export is what the log says. Offline: nothing is asked of anybody but an anchor that is a store.

use super::files::Files;
use super::{ABOUT, About, FORMAT, HEAD, Lines, MANIFESTS, csv, segment_file, tombstone_file};
use crate::anchor::{Anchor, AnchorLine};
use crate::canonical;
use crate::catalogue::{self, Listed};
use crate::error::Error;
use crate::finding::{Aside, Finding, Findings, MOST, Note, What};
use crate::head::{Head, Proof};
use crate::keychain::Keychain;
use crate::layout::{self, Object};
use crate::manifest::{Expired, Manifest};
use crate::segment::frames;
use crate::signed::Signed as _;
use crate::verify::{Check, Figures, KeyReport, PartitionReport, Report, Root, SKEW, Tail};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, Read};
use std::path::Path;

/// No file but segments and lists is longer.
const SMALL: u64 = 1 << 20;
/// Nor is any manifest.
const LINE: u64 = 64 << 10;

/// A tar, or the directory that it was unpacked into.
pub fn verify_export(path: &Path, check: &Check) -> Result<Report, Error> {
    let files = Files::open(path)?;
    let mut findings = Findings::default();
    if files.broken {
        findings.push(Finding::new(What::FileUnreadable, path.display().to_string()));
    }
    findings.extend(files.strange.iter().map(|name| Finding::new(What::FileUnexpected, name)));
    let (keys, wrong) = keys(&files, check)?;
    findings.extend(wrong);
    let mut report = Report {
        at: check.now,
        findings: Vec::new(),
        total: 0,
        notes: Vec::new(),
        tail: Tail::NotProven,
        root: Root::of(check.trusted.as_ref(), &keys),
        keys: keys.keys().iter().map(KeyReport::from).collect(),
        heads: 0,
        partitions: Vec::new(),
    };
    match about(&files)? {
        Err(finding) => findings.push(finding),
        Ok(about) => {
            let run = Run {
                files: &files,
                keys: &keys,
                check,
                about,
                findings: &mut findings,
                used: BTreeSet::new(),
            };
            run.all(&mut report)?;
        }
    }
    (report.findings, report.total) = findings.into_sorted();
    Ok(report)
}

fn about(files: &Files) -> Result<Result<About, Finding>, Error> {
    let Some(bytes) = files.read(ABOUT, SMALL)? else {
        return Ok(Err(Finding::new(What::FileMissing, ABOUT)));
    };
    let about = serde_json::from_slice::<About>(&bytes).ok().filter(|about| about.format == FORMAT);
    let about = about.filter(|about| canonical::bytes(about, &[]).is_ok_and(|own| own == bytes));
    Ok(about.ok_or_else(|| Finding::new(What::FileUnreadable, ABOUT)))
}

fn keys(files: &Files, check: &Check) -> Result<(Keychain, Vec<Finding>), Error> {
    let mut objects = BTreeMap::new();
    for name in files.names() {
        if let Object::Key(_) = layout::read(&object_store::path::Path::from(name)) {
            objects.insert(name.to_owned(), files.read(name, SMALL)?.unwrap_or_default());
        }
    }
    Ok(Keychain::read(&objects, check.trusted.as_ref()))
}

struct Run<'a> {
    files: &'a Files,
    keys: &'a Keychain,
    check: &'a Check,
    about: About,
    findings: &'a mut Findings,
    /// Files that have their place in it.
    used: BTreeSet<String>,
}

impl Run<'_> {
    fn all(mut self, report: &mut Report) -> Result<(), Error> {
        let keys = self.keys.keys().iter().map(|key| layout::key(key.id()).to_string());
        self.used.extend(keys.chain([ABOUT, HEAD, MANIFESTS, self.about.records.file()].map(str::to_owned)));
        let proof = self.proof()?;
        match &proof {
            Some(proof) => {
                report.heads = 1;
                report.tail = self.tail(proof)?;
            }
            None => report.notes.push(Note { object: HEAD.to_owned(), what: Aside::NoHead }),
        }
        let manifests = self.manifests(proof.as_ref())?;
        let mut partition = PartitionReport {
            partition: self.about.partition.clone(),
            segments: 0,
            records: 0,
            expired: 0,
            first_at: manifests.iter().map(|listed| listed.manifest.first_at).min(),
            last_at: manifests.iter().map(|listed| listed.manifest.last_at).max(),
        };
        let mut whole = Vec::new();
        for listed in manifests {
            partition.segments += 1;
            match self.segment(&listed)? {
                Held::Whole => whole.push(listed.manifest),
                Held::Expired => partition.expired += 1,
                Held::Wrong => {}
            }
        }
        partition.records = self.records(&whole)?;
        report.partitions.push(partition);
        let files = self.files;
        let strange =
            files.names().filter(|name| !self.used.contains(*name) && layout_of_key(name).is_none());
        let strange: Vec<Finding> = strange.map(|name| Finding::new(What::FileUnexpected, name)).collect();
        self.findings.extend(strange);
        Ok(())
    }

    /// None: there is none, or it proves nothing.
    fn proof(&mut self) -> Result<Option<Proof>, Error> {
        let Some(bytes) = self.files.read(HEAD, SMALL)? else { return Ok(None) };
        let proof = serde_json::from_slice::<Proof>(&bytes).ok();
        let proof = proof.filter(|proof| canonical::bytes(proof, &[]).is_ok_and(|own| own == bytes));
        let Some(proof) = proof.filter(|proof| proof.head.format() == Head::FORMAT) else {
            self.findings.push(Finding::new(What::HeadChanged, HEAD));
            return Ok(None);
        };
        let number = proof.head.number;
        if let Some(what) = proof.head.check(self.keys) {
            self.findings.push(Finding::new(what, HEAD).number(number));
            return Ok(None);
        }
        if !proof.holds() || proof.leaf.partition != self.about.partition {
            self.findings.push(Finding::new(What::ProofWrong, HEAD).number(number));
            return Ok(None);
        }
        Ok(Some(proof))
    }

    fn tail(&mut self, proof: &Proof) -> Result<Tail, Error> {
        let own = AnchorLine::of(&proof.head);
        let mut tail = Tail::NotProven;
        let mut contradicted = false;
        for anchor in &self.check.anchors {
            for line in lines(anchor, own.number, self.keys)? {
                if line == own {
                    let (head, at) = (own.number, proof.head.at);
                    tail = Tail::Proven { head, at, anchor: anchor.name().to_owned() };
                } else {
                    contradicted = true;
                    let finding = Finding::new(What::AnchorContradicts, HEAD).number(own.number);
                    self.findings.push(finding.by(anchor.name()));
                }
            }
        }
        Ok(if contradicted { Tail::NotProven } else { tail })
    }

    /// Those of the time that was asked for. All are looked at.
    fn manifests(&mut self, proof: Option<&Proof>) -> Result<Vec<Listed>, Error> {
        let Some(mut reader) = self.files.reader(MANIFESTS)? else {
            self.findings.push(Finding::new(What::FileMissing, MANIFESTS));
            return Ok(Vec::new());
        };
        let query = self.about.query();
        let (mut asked, mut number) = (Vec::new(), 0);
        let mut before: Option<Listed> = None;
        loop {
            let mut line = Vec::new();
            let length =
                (&mut reader).take(LINE).read_until(b'\n', &mut line).map_err(Error::io(MANIFESTS))?;
            if length == 0 {
                break;
            }
            number += 1;
            let whole = line.pop() == Some(b'\n');
            let read = Manifest::from_bytes(&line).filter(Manifest::adds_up);
            let read = read.map_or(number, |manifest| manifest.number.max(number));
            let missing =
                (number..read).take(MOST).map(|number| self.manifest(What::ManifestMissing, number));
            let (missing, jumped) = (missing.collect::<Vec<_>>(), read != number);
            self.findings.extend(missing);
            number = read;
            let listed = catalogue::one(&self.about.partition, number, line.into()).filter(|_| whole);
            let Some(listed) = listed else {
                self.findings.push(self.manifest(What::ManifestChanged, number));
                before = None;
                continue;
            };
            self.one(&listed, before.as_ref(), jumped, proof);
            if query.overlaps(listed.manifest.first_at, listed.manifest.last_at) {
                asked.push(listed.clone());
            }
            before = Some(listed);
        }
        let last = proof.map_or(0, |proof| proof.leaf.number);
        let cut = (number + 1..=last)
            .take(MOST)
            .map(|number| self.manifest(What::ManifestMissing, number).by(HEAD));
        let cut: Vec<Finding> = cut.collect();
        self.findings.extend(cut);
        Ok(asked)
    }

    fn one(&mut self, listed: &Listed, before: Option<&Listed>, jumped: bool, proof: Option<&Proof>) {
        let Listed { manifest, hash, .. } = listed;
        let number = manifest.number;
        if let Some(what) = manifest.check(self.keys) {
            self.findings.push(self.manifest(what, number).by(manifest.seal.key_id.to_string()));
        }
        let follows = match before {
            Some(before) => jumped || manifest.follows(Some((&before.manifest, before.hash))),
            None => number > 1 || manifest.follows(None),
        };
        if !follows {
            self.findings.push(self.manifest(What::ManifestOutOfChain, number));
        }
        if proof.is_some_and(|proof| proof.leaf.number == number && proof.leaf.manifest != *hash) {
            self.findings.push(self.manifest(What::HeadContradicts, number).by(HEAD));
        }
    }

    fn manifest(&self, what: What, number: u64) -> Finding {
        Finding::new(what, MANIFESTS).segment(&self.about.partition, number)
    }

    fn segment(&mut self, listed: &Listed) -> Result<Held, Error> {
        let manifest = &listed.manifest;
        let (segment, note) = (segment_file(manifest.number), tombstone_file(manifest.number));
        let finding = |what, name: &str| {
            let finding = Finding::new(what, name).segment(&manifest.partition, manifest.number);
            finding.records(manifest.first_seq, manifest.last_seq)
        };
        self.used.extend([segment.clone(), note.clone()]);
        let noted = self.files.read(&note, SMALL)?;
        let expired = noted.as_deref().map(|bytes| self.is_expired(bytes, listed));
        if expired == Some(false) {
            self.findings.push(finding(What::TombstoneChanged, &note));
        }
        let most = manifest.segment.bytes.saturating_mul(2).saturating_add(SMALL);
        let Some(bytes) = self.files.read(&segment, most)? else {
            if expired != Some(true) {
                self.findings.push(finding(What::SegmentMissing, &segment));
                return Ok(Held::Wrong);
            }
            return Ok(Held::Expired);
        };
        let whole = manifest.segment.is_of(&bytes);
        let figures = Figures::read(&bytes, None, manifest)?;
        if !whole {
            self.findings.push(finding(What::SegmentChanged, &segment));
        } else if !figures.are_those_of(manifest) {
            self.findings.push(finding(What::ManifestUntrue, MANIFESTS));
        }
        let wrong = figures.wrong.iter();
        self.findings
            .extend(wrong.map(|(what, first, last)| finding(*what, &segment).records(*first, *last)));
        Ok(if whole && figures.wrong.is_empty() { Held::Whole } else { Held::Wrong })
    }

    fn is_expired(&self, bytes: &[u8], listed: &Listed) -> bool {
        let now = self.check.now.saturating_add(SKEW).unwrap_or(self.check.now);
        Expired::from_bytes(bytes).is_some_and(|expired| {
            expired.is_of(&listed.manifest, listed.hash)
                && (expired.retain_until..=now).contains(&expired.at)
                && expired.check(self.keys).is_none()
        })
    }

    /// The list, made again from the segments, has to be the one that is there.
    fn records(&mut self, segments: &[Manifest]) -> Result<u64, Error> {
        let name = self.about.records.file();
        let Some(mut reader) = self.files.reader(name)? else {
            self.findings.push(Finding::new(What::FileMissing, name));
            return Ok(0);
        };
        let mut lines = Lines::new(&self.about)?;
        let mut differs = None;
        let mut same = |text: &str, seq: u64| -> Result<bool, Error> {
            let mut there = Vec::with_capacity(text.len());
            (&mut reader).take(text.len() as u64).read_to_end(&mut there).map_err(Error::io(name))?;
            if there != text.as_bytes() {
                differs = Some(first_difference(text, &there, seq));
            }
            Ok(differs.is_none())
        };
        let heads = if self.about.records == super::Format::Csv { csv::heads() } else { String::new() };
        if same(&heads, 0)? {
            'segments: for manifest in segments {
                let bytes = self.files.read(&segment_file(manifest.number), u64::MAX)?.unwrap_or_default();
                let bytes = Bytes::from(bytes);
                for block in frames(&bytes) {
                    let text = lines.of(&bytes[block.unwrap_or_else(|rest| rest)], manifest)?;
                    if !same(&text, lines.last)? {
                        break 'segments;
                    }
                }
            }
        }
        let mut rest = [0];
        let longer = differs.is_none() && reader.read(&mut rest).map_err(Error::io(name))? > 0;
        if let Some(seq) = differs {
            let finding = Finding::new(What::RecordsDiffer, name);
            self.findings.push(if seq == 0 { finding } else { finding.records(seq, seq) });
        } else if longer || lines.count != self.about.count {
            self.findings.push(Finding::new(What::RecordsDiffer, name));
        }
        Ok(lines.count)
    }
}

enum Held {
    Whole,
    Expired,
    Wrong,
}

/// The record at which they part: all lines of the list end with their record's number, or begin with it.
fn first_difference(own: &str, there: &[u8], last: u64) -> u64 {
    let after = own.lines().zip(there.split(|byte| *byte == b'\n'));
    let same =
        after.take_while(|(own, there)| own.as_bytes() == there.strip_suffix(b"\r").unwrap_or(there)).count();
    let line = own.lines().nth(same).unwrap_or_default();
    let digits: String =
        line.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(last)
}

fn layout_of_key(name: &str) -> Option<()> {
    // Those that are wrong were named when the keys were read.
    matches!(layout::read(&object_store::path::Path::from(name)), Object::Key(_)).then_some(())
}

/// What an anchor says of one head.
fn lines(anchor: &Anchor, number: u64, keys: &Keychain) -> Result<Vec<AnchorLine>, Error> {
    let bytes = match anchor {
        Anchor::Lines { lines, .. } => {
            return Ok(lines.iter().filter(|line| line.number == number).copied().collect());
        }
        Anchor::Store { store, .. } => apart(crate::head::read(store, number))?,
        Anchor::Opened { opened, .. } => apart(opened.head(number))?,
    };
    let head = Head::from_bytes(&bytes).filter(|head| head.number == number && head.check(keys).is_none());
    Ok(head.iter().map(AnchorLine::of).collect())
}

/// Whoever calls may be in a runtime, and may not.
fn apart<T: Send>(future: impl Future<Output = Result<T, Error>> + Send) -> Result<T, Error> {
    std::thread::scope(|scope| {
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(Error::io("tokio"))?.block_on(future)
        };
        scope.spawn(run).join().unwrap_or_else(|_| Err(Error::encoding("the anchor was not read")))
    })
}
