//! What several formats have in common.

use crate::report::{Artifact, Counts, Database, Format, Gathered, Nature, Report, Scanner};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use snc_core::image::Digest;
use snc_core::text::clip;

/// `null` stands where other versions of a format leave a list out.
pub fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A time, or nothing: several tools write an empty text, or year one.
pub fn time(text: &str) -> Option<Timestamp> {
    let time: Timestamp = text.trim().parse().ok()?;
    (time > Timestamp::UNIX_EPOCH).then_some(time)
}

/// The digest at the end of `registry/repository@sha256:…`, or alone.
pub fn digest_of(text: &str) -> Option<Digest> {
    Digest::parse(text.rsplit_once('@').map_or(text, |(_, digest)| digest))
}

pub fn artifact(name: &str, digests: impl IntoIterator<Item = Digest>, config: Option<Digest>) -> Artifact {
    let mut digests: Vec<Digest> = digests.into_iter().chain(config.clone()).collect();
    digests.sort();
    digests.dedup();
    Artifact { name: clip(name.trim(), 512), digests, config }
}

pub fn scanner(name: &str, version: &str) -> Scanner {
    let version = version.trim();
    let version = if version == "[not provided]" { "" } else { version };
    Scanner { name: clip(name.trim(), 63), version: clip(version, 128) }
}

/// What a report is made of, besides its findings.
pub struct Head {
    pub format: Format,
    pub format_version: String,
    pub nature: Nature,
    pub artifact: Artifact,
    pub scanner: Scanner,
    pub database: Option<Database>,
    pub scanned_at: Option<Timestamp>,
    pub other_findings: u64,
}

impl Head {
    pub fn with(self, gathered: Gathered) -> Report {
        let entries = gathered.entries;
        let vulnerabilities = gathered.finish();
        Report {
            format: self.format,
            format_version: clip(&self.format_version, 32),
            nature: self.nature,
            artifact: self.artifact,
            scanner: self.scanner,
            database: self.database,
            scanned_at: self.scanned_at,
            counts: Counts::of(vulnerabilities.iter().map(|found| found.severity)),
            entries,
            other_findings: self.other_findings,
            vulnerabilities,
        }
    }
}
