use super::table::columns;
use super::{Page, Screen};
use crate::model::flows::FlowsReport;
use crate::words;
use snc_core::lang::Lang;
use snc_plan::matrix::Row;

const NONE: &str = "-";

pub fn heads(lang: Lang) -> [&'static str; 13] {
    match lang {
        Lang::Fr => [
            "TENANT",
            "NAMESPACE",
            "FLUX",
            "SENS",
            "PODS",
            "PAIRS",
            "PORTS",
            "NATURE",
            "JUSTIFICATION",
            "RESPONSABLE",
            "REVU LE",
            "MESURE COMPENSATOIRE",
            "ÉTAT",
        ],
        Lang::En => [
            "TENANT",
            "NAMESPACE",
            "FLOW",
            "DIRECTION",
            "PODS",
            "PEERS",
            "PORTS",
            "NATURE",
            "JUSTIFICATION",
            "OWNER",
            "REVIEWED",
            "COMPENSATING MEASURE",
            "STATE",
        ],
    }
}

/// One row in the reader's words, in the order of the heads.
pub fn cells(row: &Row, lang: Lang) -> [String; 13] {
    let or_none = |text: Option<&str>| text.filter(|t| !t.is_empty()).unwrap_or(NONE).to_owned();
    let list = |items: &[String]| if items.is_empty() { NONE.to_owned() } else { items.join(", ") };
    let reviewed = match (&row.reviewed_on, row.review_overdue) {
        (Some(date), true) => format!("{date} ({})", lang.str("en retard", "overdue")),
        (date, _) => or_none(date.as_deref()),
    };
    [
        row.tenant.clone(),
        row.namespace.clone(),
        format!("{}/{}", row.policy, row.flow),
        words::direction(lang, &row.direction).to_owned(),
        row.pods.clone(),
        list(&row.peers),
        list(&row.ports),
        row.nature.as_deref().map_or(NONE, |n| words::nature(lang, n)).to_owned(),
        row.justification.clone(),
        or_none(row.owner.as_deref()),
        reviewed,
        or_none(row.compensating_measure.as_deref()),
        words::flow_state(lang, row.state).to_owned(),
    ]
}

pub fn table(report: &FlowsReport, lang: Lang, screen: Screen) -> String {
    let mut page = Page::default();
    if report.flows.is_empty() {
        page.line(lang.str("Aucun flux déclaré.", "No declared flow."));
    } else {
        page.block(&grid(report, lang, screen));
    }
    for row in report.flows.iter().filter(|row| !row.refusals.is_empty()) {
        page.blank();
        page.line(format!("{} {}/{}", row.namespace, row.policy, row.flow));
        for refusal in &row.refusals {
            page.line(format!("  {refusal}"));
        }
    }
    for note in report.notes.iter().chain([&summary(report, lang)]) {
        page.blank();
        page.line(note);
    }
    page.finish()
}

/// Columns that say nothing leave their room to the others.
fn grid(report: &FlowsReport, lang: Lang, screen: Screen) -> String {
    const OPTIONAL: [usize; 4] = [7, 9, 10, 11];
    let rows: Vec<Vec<String>> = report.flows.iter().map(|row| cells(row, lang).to_vec()).collect();
    let spoken = |i: &usize| !OPTIONAL.contains(i) || rows.iter().any(|row| row[*i] != NONE);
    let shown: Vec<usize> = (0..heads(lang).len()).filter(spoken).collect();
    let heads: Vec<&str> = shown.iter().map(|i| heads(lang)[*i]).collect();
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| shown.iter().map(|i| row[*i].clone()).collect()).collect();
    columns(&heads, &rows, screen.width)
}

pub fn summary(report: &FlowsReport, lang: Lang) -> String {
    let s = &report.summary;
    let (all, refused, partly, overdue) = (s.flows, s.refused, s.partly, s.review_overdue);
    lang.pick(
        || format!("{all} flux : {refused} refusé(s), {partly} refusé(s) en partie, {overdue} à revoir depuis plus de douze mois."),
        || format!("{all} flow(s): {refused} refused, {partly} refused in part, {overdue} not reviewed for more than twelve months."),
    )
}
