//! What the scans of an image come to: whether it was looked at lately, and whether anything in it is overdue.

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use snc_core::image::{Finding, Name, Scan, Severity, Trust};
use std::collections::{BTreeMap, BTreeSet};

/// How long a vulnerability may stay, by how bad it is, counted from when the operator first saw it in the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// To have come to a conclusion on a critical one.
    pub analysis: SignedDuration,
    pub critical: SignedDuration,
    pub high: SignedDuration,
    pub medium: SignedDuration,
    pub low: SignedDuration,
}

impl Default for Deadlines {
    /// The guide's.
    fn default() -> Self {
        let days = |days: i64| SignedDuration::from_hours(24 * days);
        Self {
            analysis: SignedDuration::from_hours(24),
            critical: SignedDuration::from_hours(72),
            high: days(7),
            medium: days(30),
            low: days(90),
        }
    }
}

impl Deadlines {
    /// What nobody rated may be anything.
    pub const fn of(&self, severity: Severity) -> SignedDuration {
        match severity {
            Severity::Critical | Severity::Unknown => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
        }
    }
}

/// By what images are judged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    pub deadlines: Deadlines,
    /// Sources whose word on a severity goes before the CVSS score, as `debian`.
    pub vendors: BTreeSet<String>,
}

/// Why a finding has the severity that it is held to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Because {
    Cvss(f64),
    /// The scanner's word: there is no score, or the word is worse.
    Word,
    /// A source that the platform trusts more than the score.
    Vendor,
    Unrated,
}

/// The worse of the CVSS band and the scanner's word; of a source that the platform names, its word.
pub fn rate(finding: &Finding, vendors: &BTreeSet<String>) -> (Severity, Because) {
    let word = finding.severity;
    if word != Severity::Unknown && vendors.contains(finding.source.as_ref()) {
        return (word, Because::Vendor);
    }
    let band = finding.cvss.map(|score| (Severity::of_score(score.into()), score.into()));
    match band.filter(|(band, _)| *band != Severity::Unknown) {
        Some((band, score)) if word == Severity::Unknown || band >= word => (band, Because::Cvss(score)),
        _ if word == Severity::Unknown => (word, Because::Unrated),
        _ => (word, Because::Word),
    }
}

/// How an image was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Looked {
    Never,
    /// By scans that do not say when.
    Undated,
    /// Too long ago; when.
    Stale(Timestamp),
    /// Lately, by somebody who gains by what is said.
    Weakly(Timestamp),
    Lately(Timestamp),
}

/// A vulnerability that is still to be mended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    pub at: Timestamp,
    /// As `CVE-2026-1 libssl3 3.0.1`.
    pub name: String,
    pub severity: Severity,
    pub first_seen: Timestamp,
    pub fixed: bool,
}

/// Open vulnerabilities, by severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Open {
    pub all: crate::report::Counts,
    pub overdue: crate::report::Counts,
    /// More than half, and more than four fifths, of their time is gone; the overdue are not among them.
    pub half: u64,
    pub late: u64,
    /// Critical, and nobody came to a conclusion in time; the overdue are not among them.
    pub unanalysed: u64,
    /// Without a version that mends them.
    pub unfixed: u64,
    /// Taken off the list by what a report says of them.
    pub settled: u64,
}

/// What is known of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    pub looked: Looked,
    /// Of the newest scan that says so.
    pub database_at: Option<Timestamp>,
    /// A scan holds fewer findings than it counted.
    pub truncated: bool,
    pub open: Open,
    /// The first to fall due comes first.
    pub due: Vec<Due>,
    /// When something is otherwise though no scan is.
    pub next: Option<Timestamp>,
}

impl Judgement {
    pub fn is_overdue(&self) -> bool {
        self.open.overdue.total() > 0
    }

    /// Overdue, or nobody looked into what is critical in time.
    pub fn is_past_a_deadline(&self) -> bool {
        self.is_overdue() || self.open.unanalysed > 0
    }

    /// Nothing is overdue, but that may be for want of knowledge.
    pub fn is_uncertain(&self) -> bool {
        self.truncated || self.open.all.unknown > 0 || !matches!(self.looked, Looked::Lately(_))
    }
}

/// Judges an image by all its scans: what one of them found and did not settle stands, whatever the others say. `first`
/// is when the operator saw a finding first; one that it has not seen yet, it sees now.
pub fn judge<'a>(
    scans: impl IntoIterator<Item = (&'a Scan, Trust)>,
    first: impl Fn(&Name) -> Option<Timestamp>,
    rules: &Rules,
    max_age: SignedDuration,
    now: Timestamp,
) -> Judgement {
    let mut looked = Looked::Never;
    let mut database: Option<(Timestamp, Timestamp)> = None;
    let mut truncated = false;
    let mut next: Option<Timestamp> = None;
    let mut sooner = |at: Timestamp| {
        if at > now && next.is_none_or(|next| at < next) {
            next = Some(at);
        }
    };
    let mut found: BTreeMap<&Name, Merged> = BTreeMap::new();
    let mut settled: BTreeSet<&Name> = BTreeSet::new();
    let scans: Vec<(&Scan, Trust)> = scans.into_iter().collect();
    let stated = Stated::of(&scans);
    for (scan, trust) in scans.into_iter().filter(|(scan, _)| !scan.statements) {
        // A date that is still to come proves nothing.
        let at = scan.scanned_at.filter(|at| *at <= now + SignedDuration::from_mins(5));
        let here = match at {
            None => Looked::Undated,
            Some(at) if now.duration_since(at) > max_age => Looked::Stale(at),
            Some(at) => {
                sooner(at + max_age + SignedDuration::from_secs(1));
                if trust == Trust::Full { Looked::Lately(at) } else { Looked::Weakly(at) }
            }
        };
        looked = looked.max(here);
        if let (Some(at), Some(built)) = (at, scan.database_at) {
            database = database.max(Some((at, built)));
        }
        truncated |= scan.truncated;
        for finding in &scan.findings {
            let (severity, _) = rate(finding, &rules.vendors);
            if finding.settled || stated.settles(&finding.name) {
                settled.insert(&finding.name);
                continue;
            }
            found.entry(&finding.name).or_default().add(severity, finding, trust);
        }
    }
    let mut open = Open {
        settled: settled.iter().filter(|name| !found.contains_key(**name)).count() as u64,
        ..Open::default()
    };
    let mut due = Vec::new();
    for (name, finding) in found {
        let severity = finding.severity();
        let since = first(name).unwrap_or(now).min(now);
        let span = rules.deadlines.of(severity);
        let at = since + span;
        *open.all.at(severity) += 1;
        open.unfixed += u64::from(!finding.fixed);
        let gone = now.duration_since(since);
        if at <= now {
            *open.overdue.at(severity) += 1;
        } else {
            sooner(at);
            if gone * 5 >= span * 4 {
                open.late += 1;
            } else if gone * 2 >= span {
                open.half += 1;
            }
        }
        if matches!(severity, Severity::Critical | Severity::Unknown)
            && finding.unanalysed
            && !stated.concludes(name)
        {
            let limit = since + rules.deadlines.analysis;
            sooner(limit);
            open.unanalysed += u64::from(limit <= now && at > now);
        }
        due.push(Due { at, name: name.to_string(), severity, first_seen: since, fixed: finding.fixed });
    }
    due.sort();
    Judgement { looked, database_at: database.map(|(_, built)| built), truncated, open, due, next }
}

/// What the platform says of vulnerabilities, whoever finds them. A tenant's word on its own images settles nothing here.
#[derive(Default)]
struct Stated<'a> {
    settled: BTreeSet<(&'a str, &'a str)>,
    concluded: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Stated<'a> {
    fn of(scans: &[(&'a Scan, Trust)]) -> Self {
        let mut stated = Self::default();
        let statements = scans.iter().filter(|(scan, trust)| scan.statements && *trust == Trust::Full);
        let findings: Vec<&'a Finding> = statements.flat_map(|(scan, _)| &scan.findings).collect();
        let of = |finding: &&'a Finding| (finding.name.id(), finding.name.package());
        stated.settled.extend(findings.iter().filter(|finding| finding.settled).map(of));
        stated.concluded.extend(findings.iter().filter(|finding| finding.analysed).map(of));
        // Of two statements on one thing the one that excuses less holds.
        for finding in findings.iter().filter(|finding| !finding.settled) {
            stated.settled.remove(&of(finding));
        }
        stated
    }

    fn settles(&self, name: &Name) -> bool {
        says(&self.settled, name)
    }

    fn concludes(&self, name: &Name) -> bool {
        says(&self.concluded, name)
    }
}

/// Of that package, or of the image whatever the package.
fn says(all: &BTreeSet<(&str, &str)>, name: &Name) -> bool {
    all.contains(&(name.id(), name.package())) || all.contains(&(name.id(), ""))
}

/// One vulnerability as several scans have it.
#[derive(Default)]
struct Merged {
    rated: Option<Severity>,
    by_platform: Option<Severity>,
    unrated: bool,
    fixed: bool,
    unanalysed: bool,
}

impl Merged {
    fn add(&mut self, severity: Severity, finding: &Finding, trust: Trust) {
        if severity == Severity::Unknown {
            self.unrated = true;
        } else {
            self.rated = self.rated.max(Some(severity));
            self.by_platform = self.by_platform.or((trust == Trust::Full).then_some(severity));
        }
        self.fixed |= finding.fixed;
        self.unanalysed |= !finding.analysed;
    }

    /// The worst rating. What one scan could not rate is rated by another of the platform's, never by a tenant's.
    fn severity(&self) -> Severity {
        let open = self.unrated && self.by_platform.is_none();
        self.rated.filter(|_| !open).unwrap_or(Severity::Unknown)
    }
}
