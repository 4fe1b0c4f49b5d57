//! An API server that writes its log file, and whoever reads it.

use crate::gaps::{Cause, Note};
use crate::journal::ServerName;
use crate::journal::faulty::Faulty;
use crate::tail::{Follower, Settings};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

pub(super) fn at(second: u64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + i64::try_from(second).unwrap()).unwrap()
}

pub(super) fn line(second: u64) -> String {
    let pad = "x".repeat(usize::try_from(second % 7).unwrap() * 20);
    format!(
        r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"{second}","stage":"Panic","stageTimestamp":"{}","requestURI":"/{pad}"}}"#,
        at(second)
    )
}

pub(super) struct Scene {
    place: TempDir,
    pub(super) writer: File,
    rotations: u32,
    pub(super) written: u64,
    /// Of a line that is not whole yet.
    pub(super) rest: String,
    pub(super) follower: Option<Follower>,
    pub(super) delivered: BTreeSet<u64>,
    pub(super) unreadable: Vec<String>,
    pub(super) notes: Vec<Note>,
}

impl Scene {
    pub(super) fn new() -> Self {
        let place = TempDir::new().unwrap();
        let writer = append(place.path().join("audit.log"));
        let (delivered, unreadable, notes) = (BTreeSet::new(), Vec::new(), Vec::new());
        let (rotations, written, rest, follower) = (0, 0, String::new(), None);
        Self { place, writer, rotations, written, rest, follower, delivered, unreadable, notes }
    }

    pub(super) fn log(&self) -> PathBuf {
        self.place.path().join("audit.log")
    }

    pub(super) fn write(&mut self, lines: u64) {
        self.complete();
        for _ in 0..lines {
            self.written += 1;
            writeln!(self.writer, "{}", line(self.written)).unwrap();
        }
    }

    pub(super) fn write_part(&mut self) {
        self.complete();
        self.written += 1;
        let line = line(self.written) + "\n";
        let (part, rest) = line.split_at(line.len() / 2);
        self.writer.write_all(part.as_bytes()).unwrap();
        rest.clone_into(&mut self.rest);
    }

    pub(super) fn complete(&mut self) {
        let rest = std::mem::take(&mut self.rest);
        self.writer.write_all(rest.as_bytes()).unwrap();
    }

    pub(super) fn rotated(&self) -> PathBuf {
        self.place.path().join(format!("audit-2026-01-01T00-00-00.{:03}.log", self.rotations))
    }

    pub(super) fn rotate(&mut self, compress: bool) {
        self.complete();
        self.rotations += 1;
        let to = self.rotated();
        if fs::rename(self.log(), &to).is_ok() && compress {
            let content = fs::read(&to).unwrap();
            let length = u32::try_from(content.len()).unwrap();
            let end = [crc32fast::hash(&content).to_le_bytes(), length.to_le_bytes()].concat();
            fs::write(to.with_extension("log.gz"), [b"compressed", &end[..]].concat()).unwrap();
            fs::remove_file(to).unwrap();
        }
        self.writer = append(self.log());
    }

    pub(super) fn copy_and_truncate(&mut self, keep: bool) {
        self.complete();
        self.rotations += 1;
        if keep && self.log().exists() {
            let copy = self.place.path().join(format!("audit.log.{}", self.rotations));
            fs::copy(self.log(), &copy).unwrap();
            // By the same clock as the names of the others.
            let time =
                Timestamp::from_second(1_767_225_600).unwrap() + Duration::from_millis(self.rotations.into());
            File::options().write(true).open(copy).unwrap().set_modified(time.into()).unwrap();
        }
        self.writer.set_len(0).unwrap();
    }

    pub(super) fn delete_oldest(&self) {
        let mut files: Vec<PathBuf> =
            fs::read_dir(self.place.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.is_file() && *path != self.log());
        let name = |path: &PathBuf| path.to_str().unwrap().trim_end_matches(".gz").to_owned();
        let number = |path: &PathBuf| {
            let digits = name(path).trim_end_matches(".log").rsplit('.').next().unwrap().parse::<u32>();
            digits.unwrap()
        };
        files.sort_by_key(number);
        if let Some(oldest) = files.first() {
            fs::remove_file(oldest).unwrap();
        }
    }

    pub(super) fn state(&self) -> PathBuf {
        self.place.path().join("state/cp-1")
    }

    pub(super) fn settings(&self) -> Settings {
        Settings {
            batch_bytes: 400,
            batch_lines: 3,
            ..Settings::new(self.log(), ServerName::new("cp-1").unwrap(), self.state())
        }
    }

    pub(super) fn follower(&mut self) -> &mut Follower {
        let settings = self.settings();
        self.follower.get_or_insert_with(|| Follower::open(Arc::new(Faulty::new()), settings).unwrap())
    }

    /// Whether there was something.
    pub(super) fn poll(&mut self, acknowledge: bool) -> bool {
        let Some(batch) = self.follower().batch().unwrap() else { return false };
        if !acknowledge {
            // As if it had not been delivered, and the process ended.
            self.follower = None;
            return true;
        }
        for item in batch.items.iter() {
            let item: serde_json::Value = serde_json::from_slice(item).unwrap();
            match item["auditID"].as_str() {
                Some(id) => drop(self.delivered.insert(id.parse().unwrap())),
                None => self.unreadable.push(item["unreadable"].as_str().unwrap_or("bytes").to_owned()),
            }
        }
        self.notes.extend(batch.notes);
        self.follower().acknowledged().unwrap();
        true
    }

    pub(super) fn drain(&mut self) {
        while self.poll(true) {}
    }

    pub(super) fn gaps(&self) -> Vec<(Option<u64>, u64, Cause)> {
        let second = |time: &Timestamp| u64::try_from(time.as_second() - 1_800_000_000).unwrap();
        let of = |note: &Note| match note {
            Note::Gap { from, to, cause } => Some((from.as_ref().map(second), second(to), *cause)),
            Note::Fresh => None,
        };
        self.notes.iter().filter_map(of).collect()
    }

    /// Those that were not delivered and are in no gap.
    pub(super) fn lost(&self) -> Vec<u64> {
        let gaps = self.gaps();
        let told = |second: &u64| {
            gaps.iter().any(|(from, to, _)| from.is_none_or(|from| from < *second) && *second < *to)
        };
        (1..=self.written).filter(|second| !self.delivered.contains(second) && !told(second)).collect()
    }

    pub(super) fn all(&self) -> bool {
        self.delivered.iter().copied().eq(1..=self.written)
    }
}

pub(super) fn append(path: PathBuf) -> File {
    OpenOptions::new().append(true).create(true).open(path).unwrap()
}
