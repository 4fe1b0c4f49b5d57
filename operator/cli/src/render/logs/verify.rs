use super::{markdown_table, or_none, time};
use crate::model::logs::verify::VerifyReport;
use crate::render::table::columns;
use crate::render::{Page, Screen, clean, markdown};
use jiff::Timestamp;
use snc_auditlog::{KeyReport, PartitionReport, Root, Tail};
use snc_core::lang::Lang;

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";

pub fn table(report: &VerifyReport, lang: Lang, screen: Screen) -> String {
    let mut page = Page { colors: screen.colors, ..Page::default() };
    page.line(title(report, lang));
    page.blank();
    page.block(&columns(&partition_heads(lang), &partitions(&report.report.partitions), screen.width));
    page.blank();
    page.block(&columns(&key_heads(lang), &keys(&report.report.keys), screen.width));
    if !report.report.findings.is_empty() {
        page.blank();
        page.line(lang.str("CONSTATS", "FINDINGS"));
        for finding in &report.report.findings {
            page.colored(RED, format!("  {}", finding.text().get(lang)));
        }
        if let Some(others) = others(report) {
            page.colored(RED, format!("  {}", more(others, lang)));
        }
    }
    if !report.report.notes.is_empty() {
        page.blank();
        page.line(lang.str("À NOTER", "NOTES"));
        for note in &report.report.notes {
            page.line(format!("  {}", note.text().get(lang)));
        }
    }
    page.blank();
    page.colored(if report.report.is_intact() { GREEN } else { RED }, verdict(report, lang));
    let Verdicts { tail, root } = verdicts(report, lang);
    page.colored(if matches!(report.report.tail, Tail::Proven { .. }) { GREEN } else { YELLOW }, tail);
    page.colored(
        match report.report.root {
            Root::Trusted { .. } => GREEN,
            Root::NotProven => YELLOW,
            Root::NotTrusted { .. } => RED,
        },
        root,
    );
    page.finish()
}

/// A document to hand over.
pub fn document(report: &VerifyReport, lang: Lang) -> String {
    let mut page = Page::default();
    page.line(lang.str("# Vérification du journal d'audit", "# Verification of the audit log"));
    page.blank();
    page.line(markdown::escape(&title(report, lang)));
    page.blank();
    page.line(format!("- {}", markdown::escape(&verdict(report, lang))));
    let Verdicts { tail, root } = verdicts(report, lang);
    page.line(format!("- {}", markdown::escape(&tail)));
    page.line(format!("- {}", markdown::escape(&root)));
    page.blank();
    page.block(&markdown_table(&partition_heads(lang), &partitions(&report.report.partitions)));
    page.blank();
    page.block(&markdown_table(&key_heads(lang), &keys(&report.report.keys)));
    let mut list = |head: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            page.blank();
            page.line(format!("## {head}"));
            page.blank();
            for line in lines {
                page.line(format!("- {}", markdown::escape(&line)));
            }
        }
    };
    let findings = report.report.findings.iter().map(|finding| finding.text().get(lang).to_owned());
    let findings = findings.chain(others(report).map(|others| more(others, lang))).collect();
    list(lang.str("Constats", "Findings"), findings);
    let notes = report.report.notes.iter().map(|note| note.text().get(lang).to_owned()).collect();
    list(lang.str("À noter", "Notes"), notes);
    page.finish()
}

struct Verdicts {
    tail: String,
    root: String,
}

fn verdicts(report: &VerifyReport, lang: Lang) -> Verdicts {
    let capital = |text: &str| {
        let mut chars = text.chars();
        let first: String = chars.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
        format!("{first}{}.", chars.as_str())
    };
    Verdicts {
        tail: capital(report.report.tail.text().get(lang)),
        root: capital(report.report.root.text().get(lang)),
    }
}

fn title(report: &VerifyReport, lang: Lang) -> String {
    let (kept, at) = (clean::line(&report.kept), time(Some(report.report.at)));
    let of = match &report.partition {
        Some(partition) => format!(", {partition}"),
        None => String::new(),
    };
    lang.pick(|| format!("{kept}{of}, lu le {at} (UTC)"), || format!("{kept}{of}, read {at} (UTC)"))
}

fn verdict(report: &VerifyReport, lang: Lang) -> String {
    let report = &report.report;
    let sum = |count: &dyn Fn(&PartitionReport) -> u64| report.partitions.iter().map(count).sum::<u64>();
    let (records, segments, heads, total) =
        (sum(&|one| one.records), sum(&|one| one.segments), report.heads, report.total);
    if report.is_intact() {
        return lang.pick(
            || format!("Intact : {records} enregistrement(s) dans {segments} segment(s), {heads} relevé(s), rien de changé, retiré ni déplacé."),
            || format!("Intact: {records} record(s) in {segments} segment(s), {heads} head(s), nothing changed, removed or moved."),
        );
    }
    lang.pick(
        || format!("PAS INTACT : {total} constat(s) sur {records} enregistrement(s) lus dans {segments} segment(s)."),
        || format!("NOT INTACT: {total} finding(s) on {records} record(s) read in {segments} segment(s)."),
    )
}

fn others(report: &VerifyReport) -> Option<u64> {
    let listed = report.report.findings.len() as u64;
    report.report.total.checked_sub(listed).filter(|others| *others > 0)
}

fn more(others: u64, lang: Lang) -> String {
    lang.pick(|| format!("et {others} autre(s)"), || format!("and {others} other(s)"))
}

const fn partition_heads(lang: Lang) -> [&'static str; 6] {
    match lang {
        Lang::Fr => ["PARTITION", "SEGMENTS", "ENREGISTREMENTS", "ÉCHUS", "DE (UTC)", "À (UTC)"],
        Lang::En => ["PARTITION", "SEGMENTS", "RECORDS", "EXPIRED", "FROM (UTC)", "TO (UTC)"],
    }
}

fn partitions(all: &[PartitionReport]) -> Vec<Vec<String>> {
    let row = |one: &PartitionReport| {
        vec![
            one.partition.to_string(),
            one.segments.to_string(),
            one.records.to_string(),
            one.expired.to_string(),
            time(one.first_at),
            time(one.last_at),
        ]
    };
    all.iter().map(row).collect()
}

const fn key_heads(lang: Lang) -> [&'static str; 4] {
    match lang {
        Lang::Fr => ["CLÉ", "ALGORITHME", "DE (UTC)", "À (UTC)"],
        Lang::En => ["KEY", "ALGORITHM", "FROM (UTC)", "TO (UTC)"],
    }
}

fn keys(all: &[KeyReport]) -> Vec<Vec<String>> {
    let algorithm = |key: &KeyReport| serde_json::to_value(key.algorithm).unwrap_or_default();
    let row = |key: &KeyReport| {
        vec![
            key.id.to_string(),
            or_none(algorithm(key).as_str().unwrap_or_default()),
            time(Some::<Timestamp>(key.from)),
            time(key.until),
        ]
    };
    all.iter().map(row).collect()
}
