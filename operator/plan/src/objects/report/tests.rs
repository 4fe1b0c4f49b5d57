use super::*;
use proptest::prelude::*;
use snc_catalogue::{Assessed, Catalogue, Finding, Findings, Numbers, Tally, Waived};
use snc_core::lang::Lang;
use snc_core::tier::Level;
use snc_core::verdict::{Outcome, Subject, Verdict};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

static CATALOGUE: LazyLock<Arc<Catalogue>> =
    LazyLock::new(|| Arc::new(Catalogue::on_demand().unwrap_or_else(|error| panic!("{error}"))));

fn controls() -> usize {
    CATALOGUE.controls().count()
}

fn tally(worst: Vec<Verdict>) -> Tally {
    let numbers = Numbers::of(worst.iter().copied());
    Tally { level: Level::Avance, worst, counts: Vec::new(), numbers }
}

fn finding(control: usize, name: &str, verdict: Verdict, message: &str) -> Finding {
    let subject = Subject::new("v1", "Pod", "shop", name);
    let mut outcome = Outcome::fail(message, message).at("spec.x");
    outcome.verdict = verdict;
    Finding { control, subject, outcome: Arc::new(outcome) }
}

fn assessed(worst: Vec<Verdict>, found: Vec<Finding>) -> Assessed {
    let count =
        |verdict| u32::try_from(found.iter().filter(|f| f.outcome.verdict == verdict).count()).unwrap();
    let findings =
        Findings { fail: count(Verdict::Fail), unknown: count(Verdict::Unknown), worst: found.into() };
    Assessed {
        images: std::sync::Arc::default(),
        catalogue: CATALOGUE.clone(),
        cluster: tally(vec![Verdict::Unknown; controls()]),
        tenants: BTreeMap::new(),
        namespaces: [("shop".to_owned(), Arc::new(tally(worst)))].into(),
        findings: [("shop".to_owned(), Arc::new(findings))].into(),
        waived: Waived::default(),
    }
}

fn of_shop(assessed: &Assessed, format: Format) -> Value {
    Reports::new(assessed, format, Lang::En).of("shop").unwrap().body
}

fn annotation(body: &Value, key: &str) -> String {
    body["metadata"]["annotations"][key].as_str().unwrap().to_owned()
}

#[test]
fn a_report_of_each_kind() {
    let mut worst = vec![Verdict::Pass; controls()];
    (worst[0], worst[1], worst[2]) = (Verdict::Fail, Verdict::Unknown, Verdict::Exempt);
    let mut whole = finding(1, "", Verdict::Unknown, "pods cannot be read");
    whole.subject = Subject::whole();
    let found = vec![whole, finding(0, "web", Verdict::Fail, "is open")];
    let assessed = assessed(worst, found);
    for (format, name) in [(Format::OpenReports, "report"), (Format::PolicyReports, "policy_report")] {
        let body = of_shop(&assessed, format);
        insta::assert_json_snapshot!(name, body);
        let cluster = Reports::new(&assessed, format, Lang::Fr).of("").unwrap();
        assert_eq!(cluster.body["kind"], format.kind(false));
        assert!(cluster.body["metadata"]["namespace"].is_null(), "{}", cluster.body);
        assert_eq!(cluster.body["summary"]["error"], controls());
    }
}

#[test]
fn nothing_that_is_not_proven_passes() {
    let shop = |assessed: &Assessed| of_shop(assessed, Format::OpenReports)["summary"].clone();
    let all = vec![Verdict::Pass; controls()];
    let mut doubted = assessed(all.clone(), Vec::new());
    let one = Arc::make_mut(doubted.namespaces.get_mut("shop").unwrap());
    one.numbers.proven -= 3;
    let summary = shop(&doubted);
    assert_eq!((summary["pass"].as_u64(), summary["error"].as_u64()), (Some(controls() as u64 - 3), Some(3)));
    let contradicted = assessed(all, vec![finding(0, "web", Verdict::Fail, "x")]);
    assert_eq!(shop(&contradicted)["fail"], 1);
    let short = assessed(vec![Verdict::Pass], Vec::new());
    assert_eq!(shop(&short)["error"], controls() - 1, "verdicts that are missing");
    let none = assessed(vec![Verdict::NotApplicable; controls()], Vec::new());
    assert!(Reports::new(&none, Format::OpenReports, Lang::En).of("shop").is_none(), "nothing to say");
    assert!(Reports::new(&none, Format::OpenReports, Lang::En).of("elsewhere").is_none());
}

#[test]
fn a_lower_level_skips_what_it_does_not_ask_for() {
    let mut basic = assessed(vec![Verdict::Pass; controls()], Vec::new());
    Arc::make_mut(basic.namespaces.get_mut("shop").unwrap()).level = Level::Essentiel;
    let summary = of_shop(&basic, Format::OpenReports)["summary"].clone();
    let asked = CATALOGUE.controls().filter(|control| control.applies_at(Level::Essentiel)).count();
    assert_eq!(summary["pass"], asked);
    assert_eq!(summary["skip"], controls() - asked);
}

#[test]
fn only_what_we_say_makes_another_report() {
    let body = of_shop(&assessed(vec![Verdict::Pass; controls()], Vec::new()), Format::OpenReports);
    let mut stored = body.clone();
    stored["metadata"]["resourceVersion"] = json!("7");
    stored["metadata"]["labels"]["team"] = json!("theirs");
    stored["metadata"]["managedFields"] = json!([{"manager": "x"}]);
    assert_eq!(fingerprint(&stored), fingerprint(&body));
    for (pointer, value) in [
        ("/summary/pass", json!(1000)),
        ("/metadata/labels/app.kubernetes.io~1managed-by", json!("me")),
        ("/metadata/annotations/secnumcloud.dev~1total", json!("0 ")),
        ("/results", json!([{"policy": "p"}])),
        ("/scope/name", json!("bank")),
    ] {
        let mut edited = body.clone();
        *edited.pointer_mut(pointer).unwrap() = value;
        assert_ne!(fingerprint(&edited), fingerprint(&body), "{pointer}");
    }
}

fn any_finding() -> impl Strategy<Value = Finding> {
    let text = || prop_oneof!["[a-z]{0,8}", "\\PC{0,40}", "[é\"\\\\\u{1}]{500,3000}"];
    let fail = any::<bool>();
    (0..controls() + 2, text(), text(), text(), fail).prop_map(|(control, name, message, path, fail)| {
        let verdict = if fail { Verdict::Fail } else { Verdict::Unknown };
        let mut found = finding(control, &name, verdict, &message);
        found.outcome = Arc::new(Outcome::clone(&found.outcome).at(path));
        found
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_report_is_bounded_ordered_and_honest(
        found in proptest::collection::vec(any_finding(), 0..700),
        worst in proptest::collection::vec(proptest::sample::select(Verdict::ALL), controls()),
        turn in any::<prop::sample::Index>(),
    ) {
        let assessed_once = assessed(worst.clone(), found.clone());
        for format in Format::ALL {
            let Some(report) = Reports::new(&assessed_once, format, Lang::Fr).of("shop") else { continue };
            let body = &report.body;
            prop_assert!(body.to_string().len() <= MAX_BYTES, "{}", body.to_string().len());
            let results = body["results"].as_array().unwrap();
            prop_assert!(results.len() <= MOST);
            prop_assert_eq!(annotation(body, ANNOTATION_TOTAL), found.len().to_string());
            let truncated = (results.len() < found.len()).to_string();
            prop_assert_eq!(annotation(body, ANNOTATION_TRUNCATED), truncated);
            let first_error = results.iter().position(|r| r["result"] == "error").unwrap_or(results.len());
            prop_assert!(results[first_error..].iter().all(|r| r["result"] == "error"), "failures come first");
            let summary = &body["summary"];
            let count = |name: &str| usize::try_from(summary[name].as_u64().unwrap()).unwrap();
            let all = ["pass", "fail", "warn", "error", "skip"].map(count);
            prop_assert_eq!(all.iter().sum::<usize>(), controls());
            let passed = worst.iter().filter(|verdict| **verdict == Verdict::Pass).count();
            prop_assert!(count("pass") <= passed);

            if found.len() <= MOST && !found.is_empty() {
                let mut turned = found.clone();
                turned.rotate_left(turn.index(found.len()));
                let again = assessed(worst.clone(), turned);
                let again = Reports::new(&again, format, Lang::Fr).of("shop").unwrap();
                prop_assert_eq!(again.fingerprint(), report.fingerprint());
                prop_assert_eq!(&again.body, body);
            }
        }
    }
}
