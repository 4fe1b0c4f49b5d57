use super::fixtures::{LANGS, assert_tame, plan_facts, settings};
use crate::commands::plan_outcome;
use crate::model::Selection;
use crate::model::plan::{PlanReport, Situation, Step, build};
use crate::render::{Screen, diff, json, yaml};
use snc_core::lang::Lang;
use snc_core::names::{DEFAULT_DENY, LABEL_ISOLATED};

fn report(lang: Lang, selection: &Selection) -> PlanReport {
    build(plan_facts(&settings(lang)), selection).unwrap()
}

#[test]
fn the_plan_in_every_form() {
    for (lang, name) in LANGS {
        let report = report(lang, &Selection::All);
        let text = diff::plan(&report, lang, Screen::default()).unwrap();
        assert_tame(&text);
        insta::assert_snapshot!(format!("plan_diff_{name}"), text);
        assert_tame(&json::json(&report).unwrap());
    }
    let one = report(Lang::En, &Selection::Namespace("atelier-old".into()));
    insta::assert_snapshot!("plan_json", json::json(&one).unwrap());
    insta::assert_snapshot!("plan_yaml", yaml::yaml(&one).unwrap());
}

#[test]
fn steps_come_in_the_operators_order() {
    let report = report(Lang::En, &Selection::Namespace("boutique-web".into()));
    let steps = &report.namespaces[0].steps;
    let position = |wanted: &dyn Fn(&Step) -> bool| steps.iter().position(wanted).unwrap();
    let deny = position(&|s| matches!(s, Step::Apply { name, .. } if name == DEFAULT_DENY));
    let isolated =
        position(&|s| matches!(s, Step::SetLabels { labels, .. } if labels[0].key == LABEL_ISOLATED));
    let rights = position(&|s| matches!(s, Step::Apply { kind, .. } if *kind == "RoleBinding"));
    assert!(matches!(steps[0], Step::SetLabels { .. }));
    assert!(0 < deny && deny < isolated && isolated < rights);
}

#[test]
fn an_observed_namespace_shows_what_promotion_would_do_with_its_share_of_the_quota() {
    let settings = settings(Lang::En);
    let mut facts = plan_facts(&settings);
    let spec =
        serde_json::json!({"level": "Avance", "namespacePrefixes": ["atelier-"], "quota": {"pods": "7"}});
    facts.index.apply_tenant("atelier", super::fixtures::tenant("atelier", &spec, &serde_json::Value::Null));
    let report = build(facts, &Selection::Tenant("atelier".into())).unwrap();
    let namespace = &report.namespaces[0];
    assert_eq!(namespace.situation, Situation::Observed);
    let quota = namespace.steps.iter().find_map(|step| match step {
        Step::Apply { kind: "ResourceQuota", desired, .. } => Some(desired["spec"]["hard"]["pods"].clone()),
        _ => None,
    });
    assert_eq!(quota, Some("7".into()));
}

#[test]
fn codes_of_the_plan() {
    let code = |selection: &Selection| plan_outcome(&report(Lang::En, selection), Lang::En).code();
    assert_eq!(code(&Selection::All), 1);
    assert_eq!(code(&Selection::Namespace("boutique-new".into())), 1, "to be created");
    assert_eq!(code(&Selection::Namespace("default".into())), 0);
    let text =
        diff::plan(&report(Lang::En, &Selection::Namespace("default".into())), Lang::En, Screen::default())
            .unwrap();
    assert_eq!(text, "# namespace default: no tenant claims it\nno change\n");
}

#[test]
fn colours_are_ours_alone_and_only_where_wanted() {
    let report = report(Lang::En, &Selection::All);
    let screen = Screen { width: None, colors: true };
    let text = diff::plan(&report, Lang::En, screen).unwrap();
    assert!(text.contains("\u{1b}[32m+"));
    let rest = ["\u{1b}[1m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[36m", "\u{1b}[0m"]
        .iter()
        .fold(text, |t, c| t.replace(c, ""));
    assert_tame(&rest);
}
