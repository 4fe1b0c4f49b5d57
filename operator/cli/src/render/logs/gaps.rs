use super::{csv_line, markdown_table, or_none, time};
use crate::model::logs::gaps::{Gap, GapsReport};
use crate::render::table::columns;
use crate::render::{Page, Screen};
use snc_core::lang::Lang;

const HEADS: [&str; 6] = ["server", "source", "cause", "from", "to", "closed"];

pub fn table(report: &GapsReport, lang: Lang, screen: Screen) -> String {
    let mut page = Page { colors: screen.colors, ..Page::default() };
    if report.gaps.is_empty() {
        page.line(none(lang));
        return page.finish();
    }
    page.block(&columns(&heads(lang), &rows(report, lang), screen.width));
    page.blank();
    page.line(summary(report, lang));
    page.finish()
}

pub fn markdown(report: &GapsReport, lang: Lang) -> String {
    let mut page = Page::default();
    page.line(lang.str("# Trous du journal d'audit", "# Gaps of the audit log"));
    page.blank();
    if report.gaps.is_empty() {
        page.line(none(lang));
    } else {
        page.line(summary(report, lang));
        page.blank();
        page.block(&markdown_table(&heads(lang), &rows(report, lang)));
    }
    page.finish()
}

pub fn csv(report: &GapsReport) -> String {
    let mut text = csv_line(HEADS);
    for gap in &report.gaps {
        let at = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        let text_of = |text: &Option<String>| text.clone().unwrap_or_default();
        let (server, source) = (text_of(&gap.server), text_of(&gap.source));
        let cells = [server, source, gap.cause.clone(), gap.from.to_string(), at(gap.to), at(gap.closed)];
        text.push_str(&csv_line(cells));
    }
    text
}

const fn none(lang: Lang) -> &'static str {
    lang.str("Aucun trou connu.", "No gap is known.")
}

fn summary(report: &GapsReport, lang: Lang) -> String {
    let (total, open) = (report.total, report.open);
    lang.pick(
        || format!("{total} trou(s), dont {open} ouvert(s)."),
        || format!("{total} gap(s), {open} of them open."),
    )
}

const fn heads(lang: Lang) -> [&'static str; 6] {
    match lang {
        Lang::Fr => ["SERVEUR", "SOURCE", "CAUSE", "DE (UTC)", "À (UTC)", "ÉTAT"],
        Lang::En => ["SERVER", "SOURCE", "CAUSE", "FROM (UTC)", "TO (UTC)", "STATE"],
    }
}

fn rows(report: &GapsReport, lang: Lang) -> Vec<Vec<String>> {
    report.gaps.iter().map(|gap| cells(gap, lang)).collect()
}

pub fn cells(gap: &Gap, lang: Lang) -> Vec<String> {
    let to = if gap.to.is_none() && gap.is_open() {
        lang.str("en cours", "going on").to_owned()
    } else {
        time(gap.to)
    };
    let state = match gap.closed {
        None => lang.str("ouvert", "open").to_owned(),
        Some(at) => {
            let at = time(Some(at));
            lang.pick(|| format!("comblé le {at}"), || format!("filled {at}"))
        }
    };
    vec![
        or_none(gap.server.as_deref().unwrap_or_default()),
        or_none(source(gap.source.as_deref().unwrap_or_default(), lang)),
        cause(&gap.cause, lang).to_owned(),
        time(Some(gap.from)),
        to,
        state,
    ]
}

pub fn source(word: &str, lang: Lang) -> &str {
    match word {
        "Webhook" | "webhook" => "webhook",
        "File" | "file" => lang.str("fichier", "file"),
        "Sink" | "sink" => lang.str("puits", "sink"),
        other => other,
    }
}

pub fn cause(word: &str, lang: Lang) -> &str {
    match word {
        "Down" => lang.str("puits injoignable", "sink not reachable"),
        "DiskFull" => lang.str("disque plein", "disk full"),
        "Refused" => lang.str("envoi refusé", "delivery refused"),
        "Rotated" => lang.str("fichier tourné avant lecture", "file rotated before it was read"),
        "Truncated" => lang.str("fichier tronqué", "file truncated"),
        "Unreadable" => lang.str("ligne illisible", "line cannot be read"),
        "ProbeMissed" => lang.str("sonde non revenue", "probe did not come back"),
        other => other,
    }
}
