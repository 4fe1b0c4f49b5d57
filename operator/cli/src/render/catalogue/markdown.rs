//! The chapter of the controls, as the documentation has it.

use crate::model::catalogue::{ControlRow, Enforcement};
use crate::render::Page;
use crate::render::markdown::escape;
use snc_core::lang::Lang;
use std::collections::BTreeMap;

pub fn controls(rows: &[ControlRow], lang: Lang) -> String {
    let mut page = Page::default();
    let mut categories: BTreeMap<&str, Vec<&ControlRow>> = BTreeMap::new();
    for row in rows {
        categories.entry(row.category.as_str()).or_default().push(row);
    }
    page.line(lang.str("# Contrôles", "# Controls"));
    page.blank();
    let count = rows.len();
    page.line(lang.pick(
        || format!("{count} contrôles. `kubectl snc explain ID` dit la même chose ; comment en écrire un : [write-a-control](write-a-control.md)."),
        || format!("{count} controls. `kubectl snc explain ID` says the same; how to write one: [write-a-control](write-a-control.md)."),
    ));
    for (category, rows) in categories {
        page.blank();
        page.line(format!("## {category}"));
        for row in rows {
            control(&mut page, row, lang);
        }
    }
    page.finish()
}

fn control(page: &mut Page, row: &ControlRow, lang: Lang) {
    page.blank();
    page.line(format!("### {}", row.id));
    page.blank();
    page.line(format!("**{}**", escape(row.title.get(lang))));
    page.blank();
    let place = match row.enforcement {
        Enforcement::Admission => lang.str("à l'admission", "at admission"),
        Enforcement::Audit => lang.str("après coup", "afterwards"),
    };
    page.line(format!(
        "{} · {} · {} · {place} · {} · {}",
        row.severity,
        row.level,
        row.scope,
        row.requirements.join(", "),
        row.reads.join(", ")
    ));
    page.blank();
    page.line(escape(row.remediation.get(lang)));
    page.blank();
    // Four backquotes: a snippet may have three of its own.
    page.line("````");
    for line in row.snippet.trim_end().lines() {
        page.line(line);
    }
    page.line("````");
    page.blank();
    page.line(format!(
        "{} {}",
        lang.str("*Ce que prouve une réussite :*", "*What a pass proves:*"),
        escape(row.boundary.get(lang))
    ));
    if row.parameters.is_empty() {
        return;
    }
    page.blank();
    for parameter in &row.parameters {
        let bounds = parameter.bounds.map(|b| format!(" ({}–{})", b.min, b.max)).unwrap_or_default();
        page.line(format!(
            "- `{}` = `{}`{bounds}, {}, {}: {}",
            parameter.name,
            parameter.default,
            parameter.source,
            parameter.writer,
            escape(parameter.about.get(lang))
        ));
    }
}
