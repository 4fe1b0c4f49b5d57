//! A log file and those that it was before.

use super::position::Id;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

const COMPRESSED: &str = ".gz";
/// As the API server names what it has rotated.
const ROTATED: &str = "%Y-%m-%dT%H-%M-%S%.f";
/// Files come and go while a directory is read.
const ATTEMPTS: usize = 10;

/// What a log file was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sibling {
    pub(super) path: PathBuf,
    /// Its name, without what says that it is compressed.
    pub(super) name: String,
    /// When it was rotated.
    pub(super) at: Timestamp,
    pub(super) id: Id,
    pub(super) compressed: bool,
}

impl Sibling {
    /// Their order in time.
    pub(super) fn key(&self) -> (Timestamp, &str) {
        (self.at, &self.name)
    }
}

/// As of one moment, oldest first.
pub(super) fn siblings(log: &Path) -> io::Result<Vec<Sibling>> {
    let mut before = once(log)?;
    for _ in 0..ATTEMPTS {
        let now = once(log)?;
        if now == before {
            return Ok(now);
        }
        before = now;
    }
    Ok(before)
}

fn once(log: &Path) -> io::Result<Vec<Sibling>> {
    let directory = log.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut found: Vec<Sibling> = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Some(file) = entry.file_name().to_str().map(ToOwned::to_owned) else { continue };
        let (name, compressed) =
            file.strip_suffix(COMPRESSED).map_or((file.as_str(), false), |name| (name, true));
        let Some(named) = named(log, name) else { continue };
        let metadata = match entry.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            metadata => metadata?,
        };
        if !metadata.is_file() {
            continue;
        }
        let nanosecond = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
        let modified = Timestamp::from_nanosecond(nanosecond).unwrap_or(Timestamp::MIN);
        let id = Id::of_metadata(&metadata);
        let at = named.rotated.unwrap_or(modified);
        found.push(Sibling { path: entry.path(), name: name.to_owned(), at, id, compressed });
    }
    found.sort_by(|a, b| (a.key(), a.compressed).cmp(&(b.key(), b.compressed)));
    // While it is compressed, a file is there twice.
    found.dedup_by(|second, first| second.name == first.name);
    Ok(found)
}

/// What the name of such a file says.
struct Named {
    rotated: Option<Timestamp>,
}

/// None where it is another file's.
fn named(log: &Path, name: &str) -> Option<Named> {
    let (stem, full) = (log.file_stem()?.to_str()?, log.file_name()?.to_str()?);
    let extension = log.extension().and_then(|extension| extension.to_str());
    let number = |text: &str| {
        let plain = |byte: u8| byte.is_ascii_digit() || byte == b'-';
        !text.is_empty() && text.bytes().all(plain)
    };
    if let Some(rest) = name.strip_prefix(full) {
        return rest.strip_prefix(['.', '-']).filter(|rest| number(rest)).map(|_| Named { rotated: None });
    }
    let middle = name.strip_prefix(stem)?.strip_prefix('-')?;
    let time = match extension {
        Some(extension) => middle.strip_suffix(extension)?.strip_suffix('.')?,
        None => middle,
    };
    let time = DateTime::strptime(ROTATED, time).ok()?;
    TimeZone::UTC.to_timestamp(time).ok().map(|time| Named { rotated: Some(time) })
}

#[cfg(test)]
mod tests;
