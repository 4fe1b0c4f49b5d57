use super::table::columns;
use super::{Page, Screen};
use crate::model::exceptions::{Code, ExceptionsReport, Line};
use snc_core::lang::Lang;

const NONE: &str = "-";

pub fn table(report: &ExceptionsReport, lang: Lang, screen: Screen) -> String {
    let mut page = Page { colors: screen.colors, ..Page::default() };
    if report.exceptions.is_empty() {
        page.line(lang.str("Aucune exception.", "No exception."));
        return page.finish();
    }
    let rows: Vec<Vec<String>> = report.exceptions.iter().map(|line| cells(line, lang)).collect();
    page.block(&columns(&heads(lang), &rows, screen.width));
    page.blank();
    let s = &report.summary;
    let (all, in_force, attention) = (s.exceptions, s.in_force, s.attention);
    page.line(lang.pick(
        || format!("{all} exception(s), {in_force} en vigueur, {attention} à revoir."),
        || format!("{all} exception(s), {in_force} in force, {attention} to look at."),
    ));
    page.finish()
}

const fn heads(lang: Lang) -> [&'static str; 8] {
    match lang {
        Lang::Fr => [
            "EXCEPTION",
            "ÉTAT",
            "CONTRÔLES",
            "OBJETS",
            "DEMANDÉE PAR",
            "APPROUVÉE PAR",
            "FINIT DANS",
            "EXEMPTÉS",
        ],
        Lang::En => {
            ["EXCEPTION", "STATE", "CONTROLS", "OBJECTS", "REQUESTED BY", "APPROVED BY", "ENDS IN", "HITS"]
        }
    }
}

fn cells(line: &Line, lang: Lang) -> Vec<String> {
    let or_none = |text: &str| if text.is_empty() { NONE.to_owned() } else { text.to_owned() };
    let mut state = word(line.state, lang).to_owned();
    if let Some(note) = &line.note {
        state = format!("{state} ({note})");
    }
    if line.matches_nothing {
        state = format!("{state}, {}", lang.str("sans effet", "without effect"));
    }
    let hits = line.hits.map_or_else(|| NONE.to_owned(), |hits| format!("{hits}/{}", line.pairs));
    vec![
        line.name.clone(),
        state,
        or_none(&line.controls.join(", ")),
        or_none(&line.subjects.join(", ")),
        or_none(&line.requested_by),
        or_none(line.approved_by.as_deref().unwrap_or_default()),
        line.seconds_left.map_or_else(|| NONE.to_owned(), |seconds| left(seconds, lang)),
        hits,
    ]
}

pub const fn word(state: Code, lang: Lang) -> &'static str {
    match state {
        Code::Unreadable => lang.str("illisible", "unreadable"),
        Code::UnknownControl => lang.str("contrôle inconnu", "unknown control"),
        Code::SpecChanged => lang.str("spec modifié", "spec changed"),
        Code::ApprovalRefused => lang.str("approbation non valable", "approval not valid"),
        Code::Limit => lang.str("hors limite", "over the limit"),
        Code::ExpiresSoon => lang.str("finit bientôt", "expires soon"),
        Code::InForce => lang.str("en vigueur", "in force"),
        Code::AwaitingApproval => lang.str("à approuver", "awaiting approval"),
        Code::Withdrawn => lang.str("en suppression", "being deleted"),
        Code::Expired => lang.str("expirée", "expired"),
    }
}

/// In the largest unit that says something.
fn left(seconds: i64, lang: Lang) -> String {
    let day = lang.str("j", "d");
    match seconds {
        ..=0 => lang.str("finie", "ended").to_owned(),
        1..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} {day}", seconds / 86_400),
    }
}
