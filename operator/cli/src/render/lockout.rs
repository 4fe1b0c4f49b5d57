use super::table::columns;
use super::{Page, Screen};
use crate::model::lockout::{Check, LockoutReport};
use crate::model::preflight::State;
use snc_core::lang::Lang;

pub fn table(report: &LockoutReport, lang: Lang, screen: Screen) -> String {
    let heads = match lang {
        Lang::Fr => ["VÉRIFICATION", "REQUÊTE", "WEBHOOKS MUETS", "PAR"],
        Lang::En => ["CHECK", "REQUEST", "WEBHOOKS SILENT", "BY"],
    };
    let row = |check: &Check| {
        let seen = if check.seen.is_empty() { "-" } else { &check.seen };
        vec![
            check.name.to_owned(),
            check.request.clone(),
            word(check.state, lang).to_owned(),
            seen.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = report.checks.iter().map(row).collect();
    let mut page = Page { colors: screen.colors, ..Page::default() };
    page.block(&columns(&heads, &rows, screen.width));
    page.blank();
    if !report.emergency.is_empty() {
        page.line(lang.str("En urgence, en une ligne :", "In an emergency, in one line:"));
        for command in &report.emergency {
            page.line(format!("  {command}"));
        }
        page.blank();
    }
    if let Some(command) = &report.tenants {
        page.line(lang.str(
            "Pour rouvrir les namespaces des tenants tant que notre webhook ne répond pas :",
            "To open the namespaces of tenants while our webhook does not answer:",
        ));
        page.line(format!("  {command}"));
        page.blank();
    }
    for note in &report.notes {
        page.line(note);
    }
    page.finish()
}

const fn word(state: State, lang: Lang) -> &'static str {
    match state {
        State::Ok => lang.str("passe", "passes"),
        State::Missing => lang.str("refusée", "refused"),
        State::Unknown => lang.str("inconnu", "unknown"),
    }
}
