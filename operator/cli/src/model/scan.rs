//! What a scan found. The JSON form is a promise: `docs/scan.schema.json`.

use crate::manifests::Unreadable;
use crate::scan::{Origin, Scanned};
use serde::Serialize;
use serde_json::Value;
use snc_catalogue::{Catalogue, Numbers, RequirementState, States, requirements};
use snc_core::control::{Category, Control, Severity};
use snc_core::lang::Lang;
use snc_core::tier::Level;
use snc_core::verdict::{Outcome, Subject, Verdict};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanReport {
    pub findings: Vec<Found>,
    pub errors: Vec<Mistake>,
    pub summary: Summary,
}

/// A failure or an unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    pub control: String,
    pub category: Category,
    pub requirements: Vec<String>,
    pub severity: Severity,
    pub verdict: Verdict,
    pub subject: Subject,
    /// Null where no one object is meant.
    pub location: Option<Location>,
    /// In the object; empty where the whole of it is meant.
    pub path: String,
    pub message: String,
    pub remediation: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Location {
    pub file: String,
    pub line: u64,
    pub column: u64,
}

/// Something that could not be read. A line of 0 is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Mistake {
    pub file: String,
    pub line: u64,
    pub column: u64,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    pub level: Level,
    /// Absent where every parameter has its default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tailoring: Option<Tailoring>,
    pub controls: u32,
    pub objects: u64,
    /// Documents that do not claim to be Kubernetes objects.
    pub passed_over: u64,
    /// Verdicts, of controls on objects.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// Failures.
    pub severities: BTreeMap<&'static str, u64>,
    /// Controls, each by its worst verdict.
    #[serde(flatten)]
    pub numbers: Numbers,
    /// Null where nothing applies.
    pub score: Option<u32>,
    /// How many of the 287 are in which state; of a cluster only, since files prove nothing of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requirements: Option<BTreeMap<&'static str, u32>>,
}

/// Whose values took the place of defaults, and which.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tailoring {
    pub baselines: Vec<TailoredBy>,
    pub parameters: Vec<TailoredTo>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TailoredBy {
    pub name: String,
    pub file: String,
    /// One for each parameter that it sets.
    pub rationales: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TailoredTo {
    pub control: String,
    pub name: String,
    pub value: Value,
    /// `SncBaseline/<name>`, or `--param`.
    pub from: Vec<String>,
}

/// What is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Files,
    Cluster,
}

pub fn report(
    catalogue: &Catalogue,
    scanned: &Scanned,
    of: Of,
    level: Level,
    tailoring: Option<Tailoring>,
    lang: Lang,
) -> ScanReport {
    let controls: Vec<&Control> = catalogue.controls().collect();
    let mut findings: Vec<Found> = scanned
        .evaluation
        .findings
        .iter()
        .filter_map(|((index, subject), outcome)| {
            Some(found(controls.get(*index)?, subject, outcome, scanned.places.get(subject), lang))
        })
        .collect();
    findings.sort_by(|a, b| order(a).cmp(&order(b)));
    let mut errors: Vec<Mistake> = scanned.wrong.iter().map(|wrong| mistake(wrong, lang)).collect();
    errors.sort();

    let mut verdicts: BTreeMap<&'static str, u64> = Verdict::ALL.iter().map(|v| (v.as_str(), 0)).collect();
    for verdict in scanned.evaluation.verdicts.values().flat_map(BTreeMap::values) {
        *verdicts.entry(verdict.as_str()).or_default() += 1;
    }
    let mut severities: BTreeMap<&'static str, u64> = Severity::ALL.iter().map(|s| (s.as_str(), 0)).collect();
    for found in findings.iter().filter(|found| found.verdict == Verdict::Fail) {
        *severities.entry(found.severity.as_str()).or_default() += 1;
    }
    let worst = scanned.worst(catalogue);
    let numbers = catalogue.numbers(&worst);
    let summary = Summary {
        level,
        tailoring,
        controls: u32::try_from(controls.iter().filter(|control| control.applies_at(level)).count())
            .unwrap_or(u32::MAX),
        objects: scanned.objects,
        passed_over: scanned.foreign,
        verdicts,
        severities,
        numbers,
        score: numbers.score(),
        requirements: (of == Of::Cluster).then(|| states(catalogue, &worst)),
    };
    ScanReport { findings, errors, summary }
}

fn states(catalogue: &Catalogue, worst: &[Verdict]) -> BTreeMap<&'static str, u32> {
    let states = States::new(catalogue, worst);
    let mut counts: BTreeMap<&str, u32> =
        RequirementState::ALL.iter().map(|state| (state.as_str(), 0)).collect();
    for requirement in requirements() {
        *counts.entry(states.of(requirement).as_str()).or_default() += 1;
    }
    counts
}

/// The worst first, then where it stands.
fn order(found: &Found) -> impl Ord + '_ {
    let severity = std::cmp::Reverse((found.verdict, found.severity));
    (severity, &found.location, &found.subject, &found.control)
}

fn found(
    control: &Control,
    subject: &Subject,
    outcome: &Outcome,
    origin: Option<&Origin>,
    lang: Lang,
) -> Found {
    let path = outcome.paths.first().cloned().unwrap_or_default();
    let location = origin.map(|origin| {
        let spot = origin.paths.get(&path).unwrap_or(&origin.spot);
        Location { file: origin.file.to_string(), line: spot.line, column: spot.column }
    });
    Found {
        control: control.id.clone(),
        category: control.category,
        requirements: control.requirements.clone(),
        severity: control.severity,
        verdict: outcome.verdict,
        subject: subject.clone(),
        location,
        path,
        message: outcome.message.get(lang).to_owned(),
        remediation: remediation(control, lang),
    }
}

pub fn remediation(control: &Control, lang: Lang) -> String {
    let text = lang.pick(|| &control.remediation.fr, || &control.remediation.en);
    format!("{text}\n{}", control.remediation.snippet.trim_end())
}

fn mistake(wrong: &Unreadable, lang: Lang) -> Mistake {
    let place = &wrong.place;
    let what = wrong.what.get(lang);
    let message = if place.field.is_empty() {
        what.to_owned()
    } else {
        lang.pick(|| format!("{} : {what}", place.field), || format!("{}: {what}", place.field))
    };
    Mistake { file: place.file.clone(), line: place.line, column: u64::from(place.line > 0), message }
}
