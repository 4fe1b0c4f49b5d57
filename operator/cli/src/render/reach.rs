//! Connections as tables, as Markdown and as pictures.

pub mod dot;
pub mod explain;
pub mod svg;

use super::markdown::escape;
use super::table::columns;
use super::{Page, Screen};
use crate::model::reach::diff::DiffReport;
use crate::model::reach::{Connection, End, Possible, ReachReport};
use snc_core::lang::Lang;
use snc_network::reach::PortSet;

/// The reader's words for a set of ports.
pub fn ports(ports: &PortSet, lang: Lang) -> String {
    ports.text().get(lang).to_owned()
}

pub fn table(report: &ReachReport, lang: Lang, screen: Screen) -> String {
    let mut page = Page::default();
    if report.connections.is_empty() {
        page.line(lang.str("Aucune connexion ouverte.", "No open connection."));
    } else {
        page.block(&grid(&report.connections, lang, screen));
    }
    possible(&mut page, &report.unknown, lang);
    page.blank();
    let (workloads, connections, unknown) =
        (report.workloads.len(), report.connections.len(), report.unknown.len());
    page.line(lang.pick(
        || format!("{workloads} charge(s), {connections} connexion(s) ouverte(s), {unknown} inconnue(s)."),
        || format!("{workloads} workload(s), {connections} open connection(s), {unknown} unknown."),
    ));
    page.finish()
}

fn grid(connections: &[Connection], lang: Lang, screen: Screen) -> String {
    let heads = [lang.str("DE", "FROM"), lang.str("VERS", "TO"), "PORTS"];
    let row = |c: &Connection| vec![c.from.to_string(), c.to.to_string(), ports(&c.ports, lang)];
    columns(&heads, &connections.iter().map(row).collect::<Vec<_>>(), screen.width)
}

fn possible(page: &mut Page, unknown: &[Possible], lang: Lang) {
    if unknown.is_empty() {
        return;
    }
    page.blank();
    page.line(lang.str("Impossible à décider :", "Cannot be decided:"));
    for item in unknown {
        page.line(format!("  {}", possible_line(item, lang)));
    }
}

pub fn possible_line(item: &Possible, lang: Lang) -> String {
    let end = |end: &Option<End>| end.as_ref().map_or_else(|| "*".to_owned(), ToString::to_string);
    let reasons = item.reasons.join(lang.str(" ; ", "; "));
    if item.from.is_none() && item.to.is_none() {
        return reasons;
    }
    let ports =
        if item.ports.is_empty() { String::new() } else { format!(" ({})", ports(&item.ports, lang)) };
    let pair = format!("{} -> {}{ports}", end(&item.from), end(&item.to));
    lang.pick(|| format!("{pair} : {reasons}"), || format!("{pair}: {reasons}"))
}

pub fn diff_table(report: &DiffReport, lang: Lang, screen: Screen) -> String {
    let mut page = Page::default();
    for (title, connections) in titles(report, lang) {
        page.line(format!("{title} ({})", connections.len()));
        if !connections.is_empty() {
            page.block(&grid(connections, lang, screen));
        }
        page.blank();
    }
    possible(&mut page, &report.unknown, lang);
    page.finish().trim_end().to_owned() + "\n"
}

fn titles(report: &DiffReport, lang: Lang) -> [(&'static str, &[Connection]); 2] {
    [
        (lang.str("Connexions ouvertes", "Connections opened"), &report.opened),
        (lang.str("Connexions fermées", "Connections closed"), &report.closed),
    ]
}

pub fn diff_markdown(report: &DiffReport, lang: Lang) -> String {
    let mut page = Page::default();
    for (title, connections) in titles(report, lang) {
        page.line(format!("## {title} ({})", connections.len()));
        page.blank();
        if connections.is_empty() {
            continue;
        }
        page.line(lang.str("| De | Vers | Ports |", "| From | To | Ports |"));
        page.line("| --- | --- | --- |");
        for c in connections {
            let cells =
                [c.from.to_string(), c.to.to_string(), ports(&c.ports, lang)].map(|cell| escape(&cell));
            page.line(format!("| {} |", cells.join(" | ")));
        }
        page.blank();
    }
    if !report.unknown.is_empty() {
        page.line(lang.str("## Impossible à décider", "## Cannot be decided"));
        page.blank();
        for item in &report.unknown {
            page.line(format!("- {}", escape(&possible_line(item, lang))));
        }
    }
    page.finish().trim_end().to_owned() + "\n"
}
