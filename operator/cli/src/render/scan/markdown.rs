//! A report to hand over or to put beside a change.

use super::{cells, counts, heads, numbers, states, tailoring};
use crate::model::scan::ScanReport;
use crate::render::Page;
use crate::render::markdown::escape;
use snc_core::lang::Lang;

pub fn markdown(report: &ScanReport, lang: Lang) -> String {
    let mut page = Page::default();
    page.line(lang.str("# Analyse SecNumCloud 3.2", "# SecNumCloud 3.2 scan"));
    page.blank();
    page.line(escape(&numbers(report, lang)));
    page.blank();
    page.line(escape(&counts(report, lang)));
    if let Some(states) = states(report, lang) {
        page.blank();
        page.line(escape(&states));
    }
    for line in tailoring(report, lang) {
        page.blank();
        page.line(escape(&line));
    }
    if !report.findings.is_empty() {
        page.blank();
        page.line(lang.str("## Constats", "## Findings"));
        page.blank();
        page.line(format!("| {} | {} |", heads(lang).join(" | "), lang.str("EXIGENCES", "REQUIREMENTS")));
        page.line("| --- | --- | --- | --- | --- | --- |");
        for found in &report.findings {
            let cells = cells(found, lang).map(|cell| escape(&cell));
            page.line(format!("| {} | {} |", cells.join(" | "), found.requirements.join(", ")));
        }
    }
    if !report.errors.is_empty() {
        page.blank();
        page.line(lang.str("## Illisible", "## Not readable"));
        page.blank();
        for error in &report.errors {
            page.line(format!("- {}:{} {}", escape(&error.file), error.line, escape(&error.message)));
        }
    }
    page.finish()
}
