use super::table::columns;
use super::{Page, Screen};
use crate::model::preflight::{Check, PreflightReport};
use crate::words;
use snc_core::lang::Lang;

pub fn table(report: &PreflightReport, lang: Lang, screen: Screen) -> String {
    let heads = [lang.str("VÉRIFICATION", "CHECK"), lang.str("ÉTAT", "STATE"), lang.str("VU", "SEEN")];
    let row = |check: &Check| {
        vec![check.name.to_owned(), words::check(lang, check.state).to_owned(), check.seen.clone()]
    };
    let rows: Vec<Vec<String>> = report.checks.iter().map(row).collect();
    let mut page = Page::default();
    page.block(&columns(&heads, &rows, screen.width));
    for check in &report.checks {
        let Some(to_do) = check.to_do else { continue };
        page.blank();
        page.line(format!("{} ({})", check.name, words::check(lang, check.state)));
        page.line(format!("  {}{}", lang.str("coût : ", "cost: "), check.costs));
        page.line(format!("  {}{to_do}", lang.str("à faire : ", "to do: ")));
    }
    page.blank();
    page.line(summary(report, lang));
    page.finish()
}

fn summary(report: &PreflightReport, lang: Lang) -> String {
    let s = &report.summary;
    let (ok, missing, unknown) = (s.ok, s.missing, s.unknown);
    lang.pick(
        || format!("{ok} ok, {missing} manque(nt), {unknown} inconnu(s)."),
        || format!("{ok} ok, {missing} missing, {unknown} unknown."),
    )
}
