//! The state of the requirements, for people and for spreadsheets.

use super::markdown::escape;
use super::scan::csv::quoted;
use super::table::columns;
use super::{Page, Screen};
use crate::model::Tri;
use crate::model::assessment::{AssessmentReport, RequirementStatus};
use crate::words;
use snc_api::v1alpha1::AssessmentScope;
use snc_catalogue::RequirementState;
use snc_core::lang::Lang;
use std::fmt::Write as _;

const NONE: &str = "-";
const CSV_HEADS: &str =
    "requirement,section,sectionTitle,state,stateText,strength,automation,failing,unknown,summary";

pub fn table(report: &AssessmentReport, screen: Screen, lang: Lang) -> String {
    let mut page = Page { colors: screen.colors, ..Page::default() };
    let rows: Vec<Vec<String>> = report.requirements.iter().map(|line| cells(line, lang).to_vec()).collect();
    if rows.is_empty() {
        page.line(lang.str("Aucune exigence dans cet état.", "No requirement is in that state."));
    } else {
        page.block(&columns(&heads(lang), &rows, screen.width));
    }
    page.blank();
    for line in summary(report, lang) {
        page.line(line);
    }
    page.finish()
}

pub fn markdown(report: &AssessmentReport, lang: Lang) -> String {
    let mut page = Page::default();
    page.line(
        lang.str("# État des exigences SecNumCloud 3.2", "# State of the SecNumCloud 3.2 requirements"),
    );
    for line in summary(report, lang) {
        page.blank();
        page.line(escape(&line));
    }
    page.blank();
    page.line(format!("| {} |", heads(lang).join(" | ")));
    page.line("| --- | --- | --- | --- | --- |");
    for line in &report.requirements {
        page.line(format!("| {} |", cells(line, lang).map(|cell| escape(&cell)).join(" | ")));
    }
    page.finish()
}

/// States in both forms: the code for formulas, the words for readers.
pub fn csv(report: &AssessmentReport, lang: Lang) -> String {
    let mut text = format!("{CSV_HEADS}\r\n");
    for line in &report.requirements {
        let strength = match line.strength {
            snc_core::requirement::Strength::Must => "must",
            snc_core::requirement::Strength::Should => "should",
        };
        let cells = [
            line.id.as_str(),
            &line.section,
            line.section_title.get(lang),
            line.state.as_str(),
            words::requirement(lang, line.state),
            strength,
            line.automation.as_str(),
            &line.failing.join(" "),
            &line.unknown.join(" "),
            line.summary.get(lang),
        ];
        let _ = write!(text, "{}\r\n", cells.map(quoted).join(","));
    }
    text
}

const fn heads(lang: Lang) -> [&'static str; 5] {
    match lang {
        Lang::Fr => ["EXIGENCE", "ÉTAT", "ÉCHOUENT", "INCONNUS", "SECTION"],
        Lang::En => ["REQUIREMENT", "STATE", "FAILING", "UNKNOWN", "SECTION"],
    }
}

fn cells(line: &RequirementStatus, lang: Lang) -> [String; 5] {
    let list = |ids: &[String]| if ids.is_empty() { NONE.to_owned() } else { ids.join(", ") };
    [
        line.id.clone(),
        words::requirement(lang, line.state).to_owned(),
        list(&line.failing),
        list(&line.unknown),
        format!("{} {}", line.section, line.section_title.get(lang)),
    ]
}

/// The three numbers are never apart.
fn summary(report: &AssessmentReport, lang: Lang) -> Vec<String> {
    let source = &report.assessment;
    let who = match (source.scope, &source.tenant) {
        (AssessmentScope::Tenant, Some(tenant)) => format!("tenant {tenant}"),
        (AssessmentScope::Tenant, None) => "tenant ?".to_owned(),
        (AssessmentScope::Cluster, _) => lang.str("tout le cluster", "the whole cluster").to_owned(),
    };
    let level = source.level.map_or(NONE, |level| level.as_str());
    let changed = source.changed_at.map_or_else(|| NONE.to_owned(), |time| time.to_string());
    let (object, context) = (format!("{}/{}", source.namespace, source.name), &report.context);
    let numbers = report.numbers;
    let score = report.score.map_or_else(|| NONE.to_owned(), |score| format!("{score} %"));
    let worst_first = RequirementState::ALL.iter().rev();
    let states: Vec<String> = worst_first
        .map(|state| {
            let count = report.states.get(state.as_str()).copied().unwrap_or_default();
            format!("{count} {}", words::requirement(lang, *state))
        })
        .collect();
    let states = states.join(", ");
    let mut lines = vec![
        lang.pick(
            || format!("Évaluation : {who}, niveau {level} ({context}, {object}) ; dernier changement : {changed}"),
            || format!("Assessment: {who}, level {level} ({context}, {object}); last change: {changed}"),
        ),
        lang.pick(
            || format!(
                "Contrôles : {} prouvés, {} réfutés, {} inconnus ; score {score}",
                numbers.proven, numbers.disproved, numbers.unknown
            ),
            || format!(
                "Controls: {} proven, {} disproved, {} unknown; score {score}",
                numbers.proven, numbers.disproved, numbers.unknown
            ),
        ),
        lang.pick(|| format!("Exigences : {states}"), || format!("Requirements: {states}")),
    ];
    for condition in report.conditions.iter().filter(|condition| condition.status != Tri::True) {
        lines.push(format!(
            "{} {}, {}: {}",
            condition.kind,
            words::tri(lang, condition.status),
            condition.reason,
            condition.message
        ));
    }
    lines
}
