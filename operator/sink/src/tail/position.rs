//! Where reading goes on, told by what is there and not only by where it was.

use crate::gaps::Cause;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

/// Of a first line, no more is looked at.
const FIRST: usize = 64 << 10;

/// Numbers of files are given again once a file is gone; when it was made tells them apart, where that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Id {
    device: u64,
    inode: u64,
    made: Option<Timestamp>,
}

impl Id {
    pub(super) fn of(file: &File) -> io::Result<Self> {
        file.metadata().map(|metadata| Self::of_metadata(&metadata))
    }

    pub(super) fn of_metadata(metadata: &Metadata) -> Self {
        let made = metadata.created().ok().and_then(|made| Timestamp::try_from(made).ok());
        Self { device: metadata.dev(), inode: metadata.ino(), made }
    }

    /// Whether no other file is ever taken for this one.
    pub(super) fn is_certain(&self) -> bool {
        self.made.is_some()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.device, self.inode)
    }
}

/// Some bytes, by their number and their hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Print {
    bytes: u64,
    sha256: String,
}

impl Print {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut sha256 = String::with_capacity(64);
        for byte in Sha256::digest(bytes) {
            for half in [byte >> 4, byte & 15] {
                sha256.extend(char::from_digit(u32::from(half), 16));
            }
        }
        Self { bytes: bytes.len() as u64, sha256 }
    }

    /// Of the first line, once it is whole.
    pub(super) fn of_first_line(file: &File) -> io::Result<Option<Self>> {
        let mut start = vec![0; FIRST];
        let read = read_all(file, &mut start, 0)?;
        start.truncate(read);
        let line = start.iter().position(|byte| *byte == b'\n');
        let line = line.map(|end| end + 1).or((read == FIRST).then_some(FIRST));
        Ok(line.and_then(|end| start.get(..end)).map(Self::of))
    }

    pub(super) fn is_first(&self, file: &File) -> io::Result<bool> {
        self.is_before(file, self.bytes)
    }

    /// Whether these bytes are before that place.
    fn is_before(&self, file: &File, end: u64) -> io::Result<bool> {
        let Some(start) = end.checked_sub(self.bytes) else { return Ok(false) };
        let mut bytes = vec![0; usize::try_from(self.bytes).map_err(io::Error::other)?];
        let read = read_all(file, &mut bytes, start)?;
        Ok(read == bytes.len() && Self::of(&bytes) == *self)
    }
}

/// As much as there is.
pub(super) fn read_all(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Something may be missing after this event; the next one ends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hole {
    pub(super) from: Option<Timestamp>,
    pub(super) cause: Cause,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Position {
    pub(super) file: Id,
    /// What is before it is safe.
    pub(super) offset: u64,
    pub(super) first_line: Option<Print>,
    /// None where nothing of the file was read, or what is before the offset is no whole line.
    pub(super) last_line: Option<Print>,
    /// In the middle of a line that is too long.
    #[serde(default)]
    pub(super) within: bool,
    /// The latest event.
    pub(super) latest: Option<Timestamp>,
    #[serde(default)]
    pub(super) holes: Vec<Hole>,
    /// Nothing was said yet of where reading began.
    #[serde(default)]
    pub(super) fresh: bool,
    /// After this file, something may be missing.
    #[serde(default)]
    pub(super) then: Option<Cause>,
}

impl Position {
    /// Whether it is a position in that file. Under another inode, only what is in it counts.
    pub(super) fn is_in(&self, file: &File, id: Id) -> io::Result<bool> {
        if file.metadata()?.len() < self.offset {
            return Ok(false);
        }
        if let Some(first) = &self.first_line
            && !first.is_first(file)?
        {
            return Ok(false);
        }
        match &self.last_line {
            Some(last) => last.is_before(file, self.offset),
            None => Ok(id == self.file && (id.is_certain() || self.offset > 0)),
        }
    }
}
