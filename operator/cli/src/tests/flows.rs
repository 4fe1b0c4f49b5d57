use super::fixtures::{LANGS, assert_tame, index, now, settings};
use crate::commands::flows_outcome;
use crate::model::Selection;
use crate::model::flows::{FlowsReport, build, declared};
use crate::render::{Screen, flows as table, json, markdown, yaml};
use snc_core::lang::Lang;
use snc_index::Unreadable;

fn report(lang: Lang, selection: &Selection) -> FlowsReport {
    build("essai | 1".into(), &mut index(), &settings(lang), selection, now()).unwrap()
}

#[test]
fn the_matrix_in_every_form() {
    for (lang, name) in LANGS {
        let report = report(lang, &Selection::All);
        let forms = [
            ("table", table::table(&report, lang, Screen::default())),
            ("md", markdown::flows(&report, lang)),
            ("json", json::json(&report).unwrap()),
            ("yaml", yaml::yaml(&report).unwrap()),
        ];
        for (form, text) in forms {
            assert_tame(&text);
            insta::assert_snapshot!(format!("flows_{form}_{name}"), text);
        }
    }
}

#[test]
fn every_markdown_row_has_the_cells_of_its_head() {
    let text = markdown::flows(&report(Lang::En, &Selection::All), Lang::En);
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 2 * 2 + 4, "two heads and four flows: {text}");
    for row in rows {
        let cells = row.replace("\\\\", "").replace("\\|", "").matches('|').count();
        assert_eq!(cells, 13, "{row}");
    }
    assert!(!text.contains("<img"), "{text}");
}

#[test]
fn refused_and_overdue_flows_are_findings() {
    let all = report(Lang::En, &Selection::All);
    assert_eq!((all.summary.flows, all.summary.refused, all.summary.review_overdue), (4, 1, 1));
    let outcome = flows_outcome(&all, Vec::new(), Lang::En);
    assert_eq!(outcome.code(), 1);
    assert!(outcome.reasons[0].contains("boutique-web web/volé"), "{:?}", outcome.reasons);
    let observed = report(Lang::En, &Selection::Tenant("atelier".into()));
    assert_eq!(observed.flows[0].state, "declared", "nothing is applied where the operator observes");
    assert_eq!(flows_outcome(&observed, Vec::new(), Lang::En).code(), 0);
    let none = report(Lang::Fr, &Selection::Namespace("default".into()));
    assert_eq!(flows_outcome(&none, Vec::new(), Lang::Fr).code(), 0);
    assert!(table::table(&none, Lang::Fr, Screen::default()).starts_with("Aucun flux"));
}

#[test]
fn what_is_planned_is_not_called_applied() {
    let report = report(Lang::En, &Selection::Namespace("boutique-web".into()));
    let states: Vec<&str> = report.flows.iter().map(|f| f.state).collect();
    assert_eq!(states, ["pending", "refused", "pending"]);
}

#[test]
fn an_unreadable_object_leaves_the_answer_open() {
    let mut index = index();
    let unreadable = Unreadable {
        name: "x".into(),
        namespace: Some("atelier-old".into()),
        generation: None,
        error: "\u{1b}bad".into(),
    };
    index.apply_policy("atelier-old", "x", Err(unreadable));
    let selection = Selection::Tenant("atelier".into());
    let report = build("c".into(), &mut index, &settings(Lang::En), &selection, now()).unwrap();
    assert_eq!(flows_outcome(&report, Vec::new(), Lang::En).code(), 3);
    assert_tame(&table::table(&report, Lang::En, Screen::default()));
}

#[test]
fn without_the_platforms_rights_states_are_unknown() {
    let report = declared("c".into(), &index(), &settings(Lang::En), now());
    assert!(report.flows.iter().all(|f| f.state == "unknown" && f.refusals.is_empty()));
    assert_eq!(report.flows.len(), 4);
    assert!(!report.complete);
}

#[test]
fn names_that_are_not_there_are_refused_with_those_that_are() {
    let of = |selection| build("c".into(), &mut index(), &settings(Lang::En), &selection, now()).unwrap_err();
    assert_eq!(of(Selection::Tenant("x".into())).known, ["atelier", "boutique"]);
    assert_eq!(of(Selection::Namespace("x".into())).known, ["atelier-old", "boutique-web"]);
}
