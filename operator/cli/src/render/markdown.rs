//! The flow matrix as a document to hand over.

use super::flows::{cells, heads, summary};
use super::{Page, clean};
use crate::model::flows::FlowsReport;
use snc_core::lang::Lang;
use snc_plan::matrix::Row;

pub fn flows(report: &FlowsReport, lang: Lang) -> String {
    let mut page = Page::default();
    let (date, context) = (&report.date, escape(&report.context));
    page.line(lang.str("# Matrice des flux", "# Flow matrix"));
    page.blank();
    page.line(lang.pick(
        || format!("SecNumCloud 3.2, exigence 13.1. Établie le {date} (UTC), cluster « {context} »."),
        || format!("SecNumCloud 3.2, requirement 13.1. Made on {date} (UTC), cluster \"{context}\"."),
    ));
    page.blank();
    page.line(summary(report, lang));
    let mut previous: Option<(&str, &str)> = None;
    for row in &report.flows {
        let place = (row.tenant.as_str(), row.namespace.as_str());
        if previous.map(|(tenant, _)| tenant) != Some(place.0) {
            page.blank();
            page.line(format!("## Tenant {}", escape(place.0)));
        }
        if previous != Some(place) {
            page.blank();
            page.line(format!("### Namespace {}", escape(place.1)));
            page.blank();
            head(&mut page, lang);
        }
        previous = Some(place);
        page.line(line(row, lang));
    }
    if !report.notes.is_empty() {
        page.blank();
        page.line(lang.str("## À savoir", "## Notes"));
        page.blank();
        for note in &report.notes {
            page.line(format!("- {}", escape(note)));
        }
    }
    page.finish()
}

/// Tenant and namespace are in the headings; refusals get a column of their own.
fn head(page: &mut Page, lang: Lang) {
    let heads = heads(lang);
    let names: Vec<String> =
        heads[2..].iter().copied().chain([lang.str("REFUS", "REFUSALS")]).map(sentence_case).collect();
    page.line(format!("| {} |", names.join(" | ")));
    page.line(format!("|{}", " --- |".repeat(names.len())));
}

fn sentence_case(head: &str) -> String {
    let mut chars = head.chars();
    chars.next().map(|first| first.to_string() + &chars.as_str().to_lowercase()).unwrap_or_default()
}

fn line(row: &Row, lang: Lang) -> String {
    let refusals = if row.refusals.is_empty() { "-".to_owned() } else { row.refusals.join(" ; ") };
    let cells: Vec<String> =
        cells(row, lang)[2..].iter().chain([&refusals]).map(|cell| escape(cell)).collect();
    format!("| {} |", cells.join(" | "))
}

/// Text that stays text: no table cell, heading, link, image, emphasis or tag comes out of it.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean::line(text).trim().chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '~' | '#' | '$' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_markup_comes_out_of_text() {
        assert_eq!(escape("a|b\nc"), "a\\|b c");
        assert_eq!(escape("\\|"), "\\\\\\|");
        assert_eq!(escape("<img src=x>![a](b)"), "&lt;img src=x&gt;!\\[a\\](b)");
        assert_eq!(escape("\u{1b}[31m"), "\\\\u{1b}\\[31m");
        assert_eq!(escape("*_`~#"), "\\*\\_\\`\\~\\#");
    }
}
