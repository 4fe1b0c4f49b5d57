//! Controls and requirements, for people.

pub mod markdown;

use super::table::columns;
use super::{Page, Screen};
use crate::model::catalogue::{ControlRow, Enforcement, Explained, RequirementRow};
use snc_core::lang::Lang;

pub fn controls(rows: &[ControlRow], screen: Screen, lang: Lang) -> String {
    let heads = match lang {
        Lang::Fr => ["CONTRÔLE", "CATÉGORIE", "GRAVITÉ", "NIVEAU", "PORTÉE", "OÙ", "EXIGENCES", "TITRE"],
        Lang::En => ["CONTROL", "CATEGORY", "SEVERITY", "LEVEL", "SCOPE", "WHERE", "REQUIREMENTS", "TITLE"],
    };
    let cells = |row: &ControlRow| {
        vec![
            row.id.clone(),
            row.category.to_string(),
            row.severity.to_string(),
            row.level.to_string(),
            row.scope.to_string(),
            row.enforcement.as_str().to_owned(),
            row.requirements.join(","),
            row.title.get(lang).to_owned(),
        ]
    };
    columns(&heads, &rows.iter().map(cells).collect::<Vec<_>>(), screen.width)
}

pub fn requirements(rows: &[RequirementRow], screen: Screen, lang: Lang) -> String {
    let heads = match lang {
        Lang::Fr => ["EXIGENCE", "FORCE", "PREUVE", "CONTRÔLES", "RÉSUMÉ"],
        Lang::En => ["REQUIREMENT", "STRENGTH", "PROOF", "CONTROLS", "SUMMARY"],
    };
    let cells = |row: &RequirementRow| {
        vec![
            row.requirement.id.clone(),
            strength(row, lang).to_owned(),
            row.requirement.automation.as_str().to_owned(),
            row.controls.len().to_string(),
            row.requirement.summary.get(lang).to_owned(),
        ]
    };
    columns(&heads, &rows.iter().map(cells).collect::<Vec<_>>(), screen.width)
}

const fn strength(row: &RequirementRow, lang: Lang) -> &'static str {
    match row.requirement.strength {
        snc_core::requirement::Strength::Must => lang.str("exigence", "must"),
        snc_core::requirement::Strength::Should => lang.str("conseil", "should"),
    }
}

pub fn explain(found: &Explained, screen: Screen, lang: Lang) -> String {
    let mut page = Page { colors: screen.colors, ..Page::default() };
    match found {
        Explained::Control(row) => control(&mut page, row, lang),
        Explained::Requirement(row) => requirement(&mut page, row, lang),
    }
    page.finish()
}

fn control(page: &mut Page, row: &ControlRow, lang: Lang) {
    page.colored("\u{1b}[1m", format!("{}: {}", row.id, row.title.get(lang)));
    let words = [row.category.as_str(), row.severity.as_str(), row.level.as_str(), row.scope.as_str()];
    page.line(words.join(", "));
    page.line(format!("{}{}", lang.str("Exigences : ", "Requirements: "), row.requirements.join(", ")));
    page.line(match row.enforcement {
        Enforcement::Admission => lang.str(
            "Décidé sur un seul objet : peut être refusé à l'écriture.",
            "Decided on one object: can be refused as it is written.",
        ),
        Enforcement::Audit => lang.str(
            "Décidé sur plusieurs objets, ou sur un objet que l'admission ne voit pas : constaté après coup.",
            "Decided on several objects, or on one that admission does not see: found afterwards.",
        ),
    });
    section(page, lang.str("Corriger", "To mend"), row.remediation.get(lang));
    for line in row.snippet.trim_end().lines() {
        page.line(format!("    {line}"));
    }
    section(page, lang.str("Ce que prouve une réussite", "What a pass proves"), row.boundary.get(lang));
    if !row.parameters.is_empty() {
        page.blank();
        page.line(lang.str("Paramètres", "Parameters"));
        for parameter in &row.parameters {
            let bounds = parameter.bounds.map(|b| format!(" ({}–{})", b.min, b.max)).unwrap_or_default();
            page.line(format!(
                "  {}.{} = {}{bounds} [{}, {}]: {}",
                row.id,
                parameter.name,
                parameter.default,
                parameter.source,
                parameter.writer,
                parameter.about.get(lang)
            ));
        }
    }
}

fn requirement(page: &mut Page, row: &RequirementRow, lang: Lang) {
    let requirement = &row.requirement;
    page.colored("\u{1b}[1m", format!("{}: {}", requirement.id, requirement.section_title.get(lang)));
    page.line(requirement.summary.get(lang));
    let levels: Vec<&str> = requirement.levels.iter().map(|level| level.as_str()).collect();
    page.line(format!("{}, {}, {}", strength(row, lang), requirement.automation.as_str(), levels.join(" ")));
    if let Some(period) = &requirement.review_period {
        page.line(format!("{}{period}", lang.str("Revue : ", "Review: ")));
    }
    if !requirement.iso27001.is_empty() {
        page.line(format!("ISO/IEC 27001:2022 {}", requirement.iso27001.join(", ")));
    }
    list(
        page,
        lang.str("Preuves attendues", "Evidence expected"),
        requirement.evidence.iter().map(|e| e.get(lang)),
    );
    let none =
        [lang.str("aucun : une attestation seule peut répondre", "none: only an attestation can answer")];
    let controls: Vec<&str> = row.controls.iter().map(String::as_str).collect();
    list(page, lang.str("Contrôles", "Controls"), if controls.is_empty() { none.to_vec() } else { controls });
}

fn section(page: &mut Page, head: &str, text: &str) {
    page.blank();
    page.line(head);
    page.line(format!("  {text}"));
}

fn list<'a>(page: &mut Page, head: &str, items: impl IntoIterator<Item = &'a str>) {
    page.blank();
    page.line(head);
    for item in items {
        page.line(format!("  - {item}"));
    }
}
