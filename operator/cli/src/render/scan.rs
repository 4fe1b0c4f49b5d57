//! What a scan found, for people and for other tools. All forms are made from one model.

pub mod csv;
pub mod junit;
pub mod markdown;
pub mod openreports;
pub mod sarif;

use super::table::columns;
use super::{Page, Screen};
use crate::model::scan::{Found, Location, ScanReport, TailoredBy};
use crate::tailoring::PARAM;
use snc_core::lang::Lang;
use snc_core::verdict::Verdict;

pub fn table(report: &ScanReport, screen: Screen, lang: Lang) -> String {
    let mut page = Page { colors: screen.colors, ..Page::default() };
    if report.findings.is_empty() {
        page.line(lang.str("Aucun constat.", "No findings."));
    } else {
        let heads = heads(lang);
        let rows: Vec<Vec<String>> =
            report.findings.iter().map(|found| cells(found, lang).to_vec()).collect();
        page.block(&columns(&heads, &rows, screen.width));
    }
    page.blank();
    page.line(numbers(report, lang));
    page.line(counts(report, lang));
    if let Some(states) = states(report, lang) {
        page.line(states);
    }
    for line in tailoring(report, lang) {
        page.line(line);
    }
    page.line(lang.str(
        "Pour comprendre et corriger : kubectl snc explain CONTRÔLE",
        "To understand and mend: kubectl snc explain CONTROL",
    ));
    page.finish()
}

pub(super) const fn heads(lang: Lang) -> [&'static str; 5] {
    match lang {
        Lang::Fr => ["GRAVITÉ", "CONTRÔLE", "OBJET", "OÙ", "CONSTAT"],
        Lang::En => ["SEVERITY", "CONTROL", "OBJECT", "WHERE", "FINDING"],
    }
}

pub(super) fn cells(found: &Found, lang: Lang) -> [String; 5] {
    [
        severity(found, lang),
        found.control.clone(),
        found.subject.to_string(),
        found.location.as_ref().map_or_else(|| "-".to_owned(), place),
        found.message.clone(),
    ]
}

fn severity(found: &Found, lang: Lang) -> String {
    match found.verdict {
        Verdict::Fail => found.severity.to_string(),
        _ => lang.str("inconnu", "unknown").to_owned(),
    }
}

pub fn place(location: &Location) -> String {
    format!("{}:{}:{}", location.file, location.line, location.column)
}

/// The three numbers are never apart.
pub(super) fn numbers(report: &ScanReport, lang: Lang) -> String {
    let summary = &report.summary;
    let numbers = summary.numbers;
    let score = summary.score.map_or_else(|| "-".to_owned(), |score| format!("{score} %"));
    lang.pick(
        || {
            format!(
                "Contrôles : {} prouvés, {} réfutés, {} inconnus ; score {score} (niveau {})",
                numbers.proven, numbers.disproved, numbers.unknown, summary.level
            )
        },
        || {
            format!(
                "Controls: {} proven, {} disproved, {} unknown; score {score} (level {})",
                numbers.proven, numbers.disproved, numbers.unknown, summary.level
            )
        },
    )
}

/// Nothing is compliant by checks alone, and the line says what is awaited.
pub(super) fn states(report: &ScanReport, lang: Lang) -> Option<String> {
    let states = report.summary.requirements.as_ref()?;
    let of = |name: &str| states.get(name).copied().unwrap_or_default();
    let (proven, bad, unknown, awaiting) =
        (of("ProvenInCluster"), of("NonCompliant"), of("Unknown"), of("AwaitingAttestation"));
    Some(lang.pick(
        || format!("Exigences : {proven} prouvées dans le cluster, {bad} non conformes, {unknown} inconnues, {awaiting} en attente d'attestation"),
        || format!("Requirements: {proven} proven in the cluster, {bad} not compliant, {unknown} unknown, {awaiting} awaiting attestation"),
    ))
}

/// An auditor sees that other values than the defaults were judged by, and whose they are.
pub(super) fn tailoring(report: &ScanReport, lang: Lang) -> Vec<String> {
    let Some(tailoring) = &report.summary.tailoring else { return Vec::new() };
    let of = |TailoredBy { name, file, rationales }: &TailoredBy| {
        lang.pick(
            || format!("Paramètres de SncBaseline/{name} : {rationales} justification(s) ({file})"),
            || format!("Parameters of SncBaseline/{name}: {rationales} rationale(s) ({file})"),
        )
    };
    let mut lines: Vec<String> = tailoring.baselines.iter().map(of).collect();
    let given = tailoring.parameters.iter().filter(|one| one.from.iter().any(|from| from == PARAM));
    let given: Vec<String> = given.map(|one| format!("{}.{}", one.control, one.name)).collect();
    if !given.is_empty() {
        let given = given.join(", ");
        lines.push(lang.pick(
            || format!("Paramètres de {PARAM}, sans justification : {given}"),
            || format!("Parameters of {PARAM}, without rationale: {given}"),
        ));
    }
    lines
}

pub(super) fn counts(report: &ScanReport, lang: Lang) -> String {
    let summary = &report.summary;
    let failures = |name| summary.severities.get(name).copied().unwrap_or_default();
    let [critical, high, medium, low] = ["critical", "high", "medium", "low"].map(failures);
    let (objects, errors, passed) = (summary.objects, report.errors.len(), summary.passed_over);
    lang.pick(
        || format!("{objects} objets lus ; constats : {critical} critical, {high} high, {medium} medium, {low} low ; {errors} erreurs de lecture ; {passed} documents d'une autre nature"),
        || format!("{objects} objects read; findings: {critical} critical, {high} high, {medium} medium, {low} low; {errors} reading errors; {passed} documents of another nature"),
    )
}
