use super::table::columns;
use super::{Page, Screen};
use crate::cluster::Written;
use crate::model::image::{DueLine, ImageLine, Imported, ScanLine, State};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use snc_core::image::Digest;
use snc_core::lang::Lang;
use snc_core::text::clip;
use snc_images::report::{Counts, Report};

const NONE: &str = "-";

fn page(screen: Screen) -> Page {
    Page { colors: screen.colors, ..Page::default() }
}

fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| NONE.to_owned(), |at| at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M").to_string())
}

fn or_none(text: &str) -> String {
    if text.is_empty() { NONE.to_owned() } else { text.to_owned() }
}

fn short(digests: &[Digest]) -> String {
    digests.first().map_or_else(|| NONE.to_owned(), |digest| clip(digest.as_str(), 20))
}

fn cells(counts: &Counts) -> [String; 5] {
    [counts.critical, counts.high, counts.medium, counts.low, counts.unknown].map(|count| count.to_string())
}

/// What reports hold, before anything is done with them.
pub fn reports(reports: &[(String, Report)], lang: Lang, screen: Screen) -> String {
    let mut page = page(screen);
    let row = |(file, report): &(String, Report)| {
        let mut row = vec![
            file.clone(),
            report.format.as_str().to_owned(),
            or_none(&report.artifact.name),
            short(&report.artifact.digests),
            time(report.scanned_at),
        ];
        row.extend(cells(&report.counts));
        row
    };
    let rows: Vec<Vec<String>> = reports.iter().map(row).collect();
    let heads = match lang {
        Lang::Fr => [
            "FICHIER",
            "FORMAT",
            "IMAGE",
            "EMPREINTE",
            "ANALYSÉE",
            "CRITIQUE",
            "HAUTE",
            "MOYENNE",
            "BASSE",
            "SANS NOTE",
        ],
        Lang::En => {
            ["FILE", "FORMAT", "IMAGE", "DIGEST", "SCANNED", "CRITICAL", "HIGH", "MEDIUM", "LOW", "UNRATED"]
        }
    };
    page.block(&columns(&heads, &rows, screen.width));
    page.finish()
}

pub fn imported(all: &[Imported], lang: Lang, screen: Screen) -> String {
    let mut page = page(screen);
    for one in all {
        let word = match one.written {
            Written::Created => lang.str("créé", "created"),
            Written::Replaced => lang.str("remplacé", "replaced"),
            Written::Unchanged => lang.str("inchangé", "unchanged"),
        };
        let total = one.counts.total();
        let Imported { namespace, name, .. } = one;
        page.line(lang.pick(
            || format!("sncimagescan/{name} {word} dans {namespace} : {total} vulnérabilité(s)"),
            || format!("sncimagescan/{name} {word} in {namespace}: {total} vulnerabilities"),
        ));
        for lack in &one.lacks {
            page.line(format!("  {}", lacking(lack, lang)));
        }
        if one.truncated {
            page.line(lang.str(
                "  tout n'y tient pas : rien n'est prouvé par ce qui manque à la liste",
                "  not everything fits: nothing is proven by what is not in the list",
            ));
        }
    }
    page.finish()
}

pub fn lacking(what: &str, lang: Lang) -> &'static str {
    match what {
        "scannedAt" => lang.str(
            "le rapport ne dit pas quand : l'analyse n'est jamais récente (--scanned-at)",
            "the report does not say when: the scan is never recent (--scanned-at)",
        ),
        "database" => lang.str(
            "le rapport ne dit pas l'âge de la base de vulnérabilités (--database-updated-at)",
            "the report does not say how old the database of vulnerabilities was (--database-updated-at)",
        ),
        _ => lang.str(
            "hors du namespace de l'opérateur : ce rapport accuse, et ne prouve rien",
            "outside the operator's namespace: this report accuses, and proves nothing",
        ),
    }
}

pub fn scans(all: &[ScanLine], lang: Lang, screen: Screen) -> String {
    let mut page = page(screen);
    if all.is_empty() {
        page.line(lang.str("Aucune analyse d'image.", "No scan of an image."));
        return page.finish();
    }
    let row = |line: &ScanLine| {
        let scanner = if line.statements { format!("{} (VEX)", line.scanner) } else { line.scanner.clone() };
        vec![
            line.namespace.clone(),
            or_none(&line.image),
            short(&line.digests),
            scanner,
            time(line.scanned_at),
            if line.truncated { format!("{}+", line.findings) } else { line.findings.to_string() },
            (if line.platform {
                lang.str("plateforme", "platform")
            } else {
                lang.str("namespace", "namespace")
            })
            .to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    let heads = match lang {
        Lang::Fr => {
            ["NAMESPACE", "IMAGE", "EMPREINTE", "ANALYSEUR", "ANALYSÉE", "VULNÉRABILITÉS", "PAROLE DE"]
        }
        Lang::En => ["NAMESPACE", "IMAGE", "DIGEST", "SCANNER", "SCANNED", "FINDINGS", "WORD OF"],
    };
    page.block(&columns(&heads, &rows, screen.width));
    page.finish()
}

const fn state(state: State, lang: Lang) -> &'static str {
    match state {
        State::Pass => lang.str("à jour", "in time"),
        State::Unknown => lang.str("inconnu", "unknown"),
        State::Fail => lang.str("en retard", "overdue"),
    }
}

fn looked(line: &ImageLine, lang: Lang) -> String {
    let at = time(line.scanned_at);
    match line.looked {
        "never" => lang.str("jamais", "never").to_owned(),
        "undated" => lang.str("sans date", "undated").to_owned(),
        "stale" => format!("{at} ({})", lang.str("trop ancienne", "too old")),
        "untrusted" => format!("{at} ({})", lang.str("ne prouve rien", "proves nothing")),
        _ => at,
    }
}

pub fn verdicts(all: &[ImageLine], lang: Lang, screen: Screen) -> String {
    let mut page = page(screen);
    if all.is_empty() {
        page.line(lang.str("Aucune image ne tourne.", "No image runs."));
        return page.finish();
    }
    let row = |line: &ImageLine| {
        vec![
            or_none(&line.namespace),
            or_none(&line.image),
            short(&line.digests),
            if line.workload.is_empty() {
                NONE.to_owned()
            } else {
                format!("{} ({})", line.workload, line.pods)
            },
            looked(line, lang),
            line.open.total().to_string(),
            (line.overdue.total() + line.unanalysed).to_string(),
            time(line.next),
            state(line.state, lang).to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    let heads = match lang {
        Lang::Fr => [
            "NAMESPACE",
            "IMAGE",
            "EMPREINTE",
            "CHARGE (PODS)",
            "ANALYSÉE",
            "OUVERTES",
            "EN RETARD",
            "PROCHAINE ÉCHÉANCE",
            "VERDICT",
        ],
        Lang::En => [
            "NAMESPACE",
            "IMAGE",
            "DIGEST",
            "WORKLOAD (PODS)",
            "SCANNED",
            "OPEN",
            "OVERDUE",
            "NEXT DEADLINE",
            "VERDICT",
        ],
    };
    page.block(&columns(&heads, &rows, screen.width));
    page.blank();
    let count = |wanted: State| all.iter().filter(|line| line.state == wanted).count();
    let (good, unknown, bad) = (count(State::Pass), count(State::Unknown), count(State::Fail));
    page.line(lang.pick(
        || format!("{} image(s) : {good} à jour, {bad} en retard, {unknown} inconnue(s).", all.len()),
        || format!("{} image(s): {good} in time, {bad} overdue, {unknown} unknown.", all.len()),
    ));
    page.finish()
}

pub fn shown(line: &ImageLine, scans_of: &[ScanLine], lang: Lang, screen: Screen) -> String {
    let mut page = page(screen);
    page.line(format!("{} {}", or_none(&line.image), line.digests.first().map_or("", Digest::as_str)));
    page.line(format!(
        "{}{} {}",
        lang.str("Verdict", "Verdict"),
        lang.str(" :", ":"),
        state(line.state, lang)
    ));
    page.line(format!("{}{} {}", lang.str("Analysée", "Scanned"), lang.str(" :", ":"), looked(line, lang)));
    if line.settled > 0 {
        let settled = line.settled;
        page.line(lang.pick(
            || format!("Sans objet, avec leur motif : {settled}"),
            || format!("Settled, with their reason: {settled}"),
        ));
    }
    page.blank();
    page.block(&scans(scans_of, lang, screen));
    if !line.vulnerabilities.is_empty() {
        page.blank();
        let row = |due: &DueLine| {
            vec![
                due.vulnerability.clone(),
                due.severity.to_string(),
                time(Some(due.first_seen)),
                time(Some(due.due)),
                (if due.overdue { lang.str("en retard", "overdue") } else { lang.str("ouverte", "open") })
                    .to_owned(),
                (if due.fixed { lang.str("oui", "yes") } else { lang.str("non", "no") }).to_owned(),
            ]
        };
        let rows: Vec<Vec<String>> = line.vulnerabilities.iter().map(row).collect();
        let heads = match lang {
            Lang::Fr => ["VULNÉRABILITÉ", "GRAVITÉ", "VUE LE", "ÉCHÉANCE", "ÉTAT", "CORRECTIF"],
            Lang::En => ["VULNERABILITY", "SEVERITY", "FIRST SEEN", "DUE", "STATE", "FIX"],
        };
        page.block(&columns(&heads, &rows, screen.width));
    }
    page.finish()
}
