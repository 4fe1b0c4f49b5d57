//! What the journal holds of an event, and how it is written.

use super::frame::{self, GROUP_AT, POSITION_AT};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use snc_audit::canonical::Hash;
use std::fmt;
use std::sync::Arc;

/// How an event came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    Webhook,
    File,
    /// The sink itself says it.
    Sink,
}

impl Source {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::File => "file",
            Self::Sink => "sink",
        }
    }
}

impl From<Source> for crate::metrics::Source {
    fn from(source: Source) -> Self {
        match source {
            Source::Webhook => Self::Webhook,
            Source::File => Self::File,
            Source::Sink => Self::Sink,
        }
    }
}

/// Name of an API server, as the settings have it: it is a label and part of file names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerName(Arc<str>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "server name: got {given:?}; accepted: 1 to 63 of a-z, 0-9, '-', '.', of which the first and the last is a letter or digit"
)]
pub struct Misnamed {
    pub given: String,
}

impl ServerName {
    pub const LONGEST: usize = 63;

    pub fn new(name: &str) -> Result<Self, Misnamed> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = name.as_bytes();
        let fits = bytes.len() <= Self::LONGEST
            && bytes.first().is_some_and(|first| plain(*first))
            && bytes.last().is_some_and(|last| plain(*last))
            && bytes.iter().all(|byte| plain(*byte) || matches!(byte, b'-' | b'.'));
        if fits { Ok(Self(name.into())) } else { Err(Misnamed { given: snc_core::text::clip(name, 80) }) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ServerName {
    type Error = Misnamed;

    fn try_from(name: String) -> Result<Self, Misnamed> {
        Self::new(&name)
    }
}

impl std::str::FromStr for ServerName {
    type Err = Misnamed;

    fn from_str(name: &str) -> Result<Self, Misnamed> {
        Self::new(name)
    }
}

impl From<ServerName> for String {
    fn from(name: ServerName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One event that is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// From 1, dense, and never another event's.
    pub position: u64,
    pub received: Timestamp,
    pub source: Source,
    pub server: ServerName,
    pub hash: Hash,
    /// The event's own time, where it could be read.
    pub stage: Option<Timestamp>,
    /// It is none that can be read: `raw` is what came, or an object around it where that is no JSON object.
    pub unreadable: bool,
    /// One JSON object on one line.
    pub raw: String,
}

/// The same, in the bytes it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Borrowed<'a> {
    pub position: u64,
    /// The first that was written together with it: they were acknowledged together or not at all.
    pub group: u64,
    pub received: Timestamp,
    pub source: Source,
    pub server: &'a str,
    pub hash: Hash,
    pub stage: Option<Timestamp>,
    pub unreadable: bool,
    pub raw: &'a str,
}

impl Borrowed<'_> {
    /// `like` is what the server is most likely called: names are shared.
    pub fn to_entry(&self, like: Option<&ServerName>) -> Result<Entry, Misnamed> {
        let Self { position, received, source, server, hash, stage, unreadable, raw, .. } = *self;
        let server = match like.filter(|like| like.as_str() == server) {
            Some(like) => like.clone(),
            None => ServerName::new(server)?,
        };
        Ok(Entry { position, received, source, server, hash, stage, unreadable, raw: raw.to_owned() })
    }
}

/// Header line of an entry.
#[derive(Deserialize)]
pub(super) struct Header<'a> {
    pub(super) position: &'a str,
    pub(super) group: &'a str,
    pub(super) received: Timestamp,
    pub(super) source: Source,
    pub(super) server: &'a str,
    pub(super) hash: &'a str,
    #[serde(default)]
    pub(super) stage: Option<Timestamp>,
    #[serde(default)]
    pub(super) unreadable: bool,
}

/// Entries on their way into the journal: of one source, received together, written already but for their positions.
#[derive(Debug, Clone)]
pub struct Batch {
    pub(super) bytes: Vec<u8>,
    /// Where each frame begins.
    pub(super) starts: Vec<usize>,
    pub(super) stages: Stages,
    longest: usize,
    /// What headers have in common.
    common: String,
}

impl Batch {
    pub fn new(received: Timestamp, source: Source, server: &ServerName) -> Self {
        let source = source.as_str();
        let common = format!(r#","received":"{received}","source":"{source}","server":"{server}","hash":""#);
        Self { bytes: Vec::new(), starts: Vec::new(), stages: Stages::default(), longest: 0, common }
    }

    /// `raw` has to be one JSON object on one line.
    pub fn push(&mut self, hash: &Hash, stage: Option<Timestamp>, unreadable: bool, raw: &str) {
        use std::io::Write as _;
        let start = self.bytes.len();
        self.starts.push(start);
        self.stages.add(stage);
        let bytes = &mut self.bytes;
        bytes.reserve(raw.len() + self.common.len() + 256);
        bytes.extend_from_slice(&[0; frame::HEAD]);
        bytes.extend_from_slice(frame::OPENING);
        // Writing into memory does not fail.
        bytes.extend_from_slice(self.common.as_bytes());
        bytes.extend_from_slice(&hexadecimal(&hash.0));
        bytes.push(b'"');
        if let Some(stage) = stage {
            let _ = write!(bytes, r#","stage":"{stage}""#);
        }
        if unreadable {
            bytes.extend_from_slice(br#","unreadable":true"#);
        }
        bytes.extend_from_slice(b"}\n");
        bytes.extend_from_slice(raw.as_bytes());
        frame::set_length(bytes, start);
        self.longest = self.longest.max(bytes.len() - start);
    }

    pub fn len(&self) -> usize {
        self.starts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Of one entry.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Numbers the entries; what they are sealed with comes after.
    pub(super) fn number(&mut self, group: u64, first: u64) {
        let mut ends = self.starts.iter().skip(1).copied().chain([self.bytes.len()]);
        for (nth, start) in (0_u64..).zip(self.starts.iter().copied()) {
            let end = ends.next().unwrap_or(start);
            let Some(whole) = self.bytes.get_mut(start..end) else { continue };
            frame::digits(whole, POSITION_AT, first + nth);
            frame::digits(whole, GROUP_AT, group);
            frame::seal(whole);
        }
    }
}

fn hexadecimal(bytes: &[u8; 32]) -> [u8; 64] {
    let digit = |half: u8| if half < 10 { b'0' + half } else { b'a' + half - 10 };
    let mut digits = [0; 64];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    digits
}

/// Between which times events are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stages(pub Option<(Timestamp, Timestamp)>);

impl Stages {
    pub fn add(&mut self, stage: Option<Timestamp>) {
        if let Some(stage) = stage {
            self.0 = Some(self.0.map_or((stage, stage), |(from, to)| (from.min(stage), to.max(stage))));
        }
    }

    pub fn join(&mut self, other: Self) {
        if let Some((from, to)) = other.0 {
            self.add(Some(from));
            self.add(Some(to));
        }
    }

    pub fn holds(&self, stage: Timestamp) -> bool {
        self.0.is_some_and(|(from, to)| (from..=to).contains(&stage))
    }

    pub fn last(&self) -> Option<Timestamp> {
        self.0.map(|(_, to)| to)
    }
}
