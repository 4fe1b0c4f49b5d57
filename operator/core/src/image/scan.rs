//! A scan as far as verdicts need it: some ninety bytes a finding.

use super::digest::Digest;
use super::finding::{Analysis, Vulnerability};
use super::severity::Severity;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use std::fmt::{self, Display};

/// Vulnerability, package and version in one text, parted by blanks: `CVE-2026-1 libssl3 3.0.1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

impl Name {
    pub fn new(id: &str, package: &str, version: &str) -> Self {
        let part = |text: &str| text.split_whitespace().collect::<String>();
        // Of Maven some write `group:artifact`, and package addresses `group/artifact`.
        let package = part(package).replace(':', "/");
        Self([part(id), package, part(version)].join(" ").into())
    }

    /// Vulnerability and package, by which first dates are kept: within an image the version is the digest's.
    pub fn key(&self) -> &str {
        self.0.rsplit_once(' ').map_or(&*self.0, |(key, _)| key)
    }

    pub fn package(&self) -> &str {
        self.key().split_once(' ').map_or("", |(_, package)| package)
    }

    pub fn id(&self) -> &str {
        self.0.split(' ').next().unwrap_or_default()
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.trim_end())
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub name: Name,
    pub severity: Severity,
    pub cvss: Option<f32>,
    pub source: Box<str>,
    /// A version mends it.
    pub fixed: bool,
    /// The report takes it off the list.
    pub settled: bool,
    /// Somebody came to a conclusion.
    pub analysed: bool,
}

/// Whether whoever wrote a scan gains by what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Trust {
    /// The tenant may have written it.
    #[default]
    Weak,
    /// The platform, or a key that it names.
    Full,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scan {
    pub digests: Vec<Digest>,
    /// Where no digest is known: the name of the image, tag included.
    pub image: String,
    pub scanner: String,
    pub scanned_at: Option<Timestamp>,
    pub database_at: Option<Timestamp>,
    /// It found more than it tells.
    pub truncated: bool,
    /// Statements about vulnerabilities (VEX), which are no scan.
    pub statements: bool,
    pub findings: Vec<Finding>,
    /// Of the statement about all this, in base64; whose it is, keys say.
    pub signature: Option<Box<str>>,
}

impl From<&Vulnerability> for Finding {
    fn from(found: &Vulnerability) -> Self {
        let analysis = found.analysis.as_ref();
        Self {
            name: Name::new(&found.id, &found.package, &found.version),
            severity: found.severity,
            // One decimal is all that a score has.
            #[allow(clippy::cast_possible_truncation)]
            cvss: found.cvss.map(|score| score as f32),
            source: found.severity_source.as_str().into(),
            fixed: !found.fixed_version.is_empty(),
            settled: analysis.is_some_and(Analysis::settles),
            analysed: analysis.is_some_and(Analysis::concludes),
        }
    }
}

impl<'de> Deserialize<'de> for Finding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vulnerability::deserialize(deserializer).map(|found| Self::from(&found))
    }
}
