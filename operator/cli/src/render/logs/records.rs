//! Records, one a line.

use super::{csv_line, markdown_table, or_none, time};
use crate::model::logs::{RecordsReport, Shown};
use crate::render::table::columns;
use crate::render::{Page, Screen};
use snc_core::lang::Lang;
use snc_core::text::clip;

/// Of a cell that others wrote.
const CELL: usize = 80;

pub fn table(report: &RecordsReport, lang: Lang, screen: Screen) -> String {
    let mut page = Page { colors: screen.colors, ..Page::default() };
    if report.records.is_empty() {
        page.line(lang.str("Aucun enregistrement ne correspond.", "No record matches."));
        return page.finish();
    }
    page.block(&columns(&heads(lang), &rows(report, lang), screen.width));
    page.blank();
    page.line(summary(report, lang));
    page.finish()
}

pub fn markdown(report: &RecordsReport, lang: Lang) -> String {
    let mut page = Page::default();
    page.line(lang.str("# Journal d'audit", "# Audit log"));
    page.blank();
    page.line(summary(report, lang));
    if !report.records.is_empty() {
        page.blank();
        page.block(&markdown_table(&heads(lang), &rows(report, lang)));
    }
    page.finish()
}

fn summary(report: &RecordsReport, lang: Lang) -> String {
    let count = report.records.len();
    let more = if report.more {
        lang.str(
            " ; il y en a d'autres (--limit, --all, --since)",
            "; there are others (--limit, --all, --since)",
        )
    } else {
        ""
    };
    let mut text =
        lang.pick(|| format!("{count} enregistrement(s){more}."), || format!("{count} record(s){more}."));
    if let Some(at) = &report.sealed_through {
        text += &lang.pick(
            || format!(" Scellé jusqu'à {at} : ce qui a été reçu depuis n'y est pas encore."),
            || format!(" Sealed through {at}: what was received since is not in it yet."),
        );
    }
    text
}

const fn heads(lang: Lang) -> [&'static str; 7] {
    match lang {
        Lang::Fr => ["QUAND (UTC)", "QUI", "VERBE", "RESSOURCE", "OBJET", "CODE", "DEPUIS"],
        Lang::En => ["WHEN (UTC)", "WHO", "VERB", "RESOURCE", "OBJECT", "CODE", "FROM"],
    }
}

fn rows(report: &RecordsReport, lang: Lang) -> Vec<Vec<String>> {
    report.records.iter().map(|record| cells(record, lang)).collect()
}

fn cells(record: &Shown, lang: Lang) -> Vec<String> {
    let row = &record.row;
    if row.unreadable {
        let note =
            lang.str("événement illisible, -o jsonl le montre", "event cannot be read, -o jsonl shows it");
        return vec![
            time(row.at),
            note.to_owned(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
        ];
    }
    let who = match row.acted_as.as_str() {
        "" => or_none(&row.user),
        other => lang.pick(
            || format!("{} en tant que {other}", or_none(&row.user)),
            || format!("{} as {other}", or_none(&row.user)),
        ),
    };
    vec![
        time(row.at),
        clip(&who, CELL),
        clip(&or_none(&row.verb), CELL),
        clip(&or_none(&row.target()), CELL),
        clip(&or_none(&row.object()), CELL),
        row.code.map_or_else(|| or_none(""), |code| code.to_string()),
        clip(&or_none(&row.address), CELL),
    ]
}

/// The columns are those of an export with proof.
pub fn csv_heads() -> String {
    csv_line(snc_auditlog::CSV_HEADS)
}

pub fn csv_row(record: &snc_auditlog::Record) -> String {
    csv_line(snc_auditlog::csv_cells(record))
}
