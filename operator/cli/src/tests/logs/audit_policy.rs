use super::{LANGS, assert_tame};
use crate::model::logs::flags::FlagsReport;
use crate::model::logs::policy::{Code, PolicyCheck, PolicyDiff};
use crate::render::logs::{flags as flags_of, policy as render};
use crate::render::{Screen, json as out};
use snc_audit::flags::{Distribution, Outputs};
use snc_audit::policy::{Wishes, diff, generate, judge, parse};
use snc_core::lang::Lang;

/// As many have it: copied from somewhere.
const COPIED: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    users: [\"system:kube-proxy\"]
  - level: None
    verbs: [get, list, watch]
  - level: RequestResponse
    resources: [{group: \"\", resources: [secrets]}]
    verb: [create]
  - level: Metadata
";

#[test]
fn a_copied_policy_is_judged_by_what_its_rules_swallow() {
    let parsed = parse(COPIED).unwrap();
    let report = PolicyCheck::new(
        "policy.yaml".to_owned(),
        parsed.policy.rules.len(),
        &judge(&parsed.policy),
        &parsed.ignored,
    );
    assert!(report.missing.iter().any(|line| line.event == "secret-reads" && line.rule == Some(1)));
    assert!(report.missing.iter().any(|line| line.event == "secret-writes" && line.problem == Code::TooHigh));
    assert_eq!(report.ignored.len(), 1);
    for (lang, tag) in LANGS {
        let (table, markdown) =
            (render::check(&report, lang, Screen::default()), render::check_markdown(&report, lang));
        assert_tame(&table);
        insta::assert_snapshot!(format!("logs_policy_check_{tag}"), table);
        insta::assert_snapshot!(format!("logs_policy_check_md_{tag}"), markdown);
    }
    insta::assert_snapshot!("logs_policy_check_json", out::json(&report).unwrap());
}

#[test]
fn what_differs_from_the_generated_policy_is_told() {
    let generated = generate(&Wishes::default());
    let parsed = parse(COPIED).unwrap();
    let report =
        PolicyDiff::new("policy.yaml".to_owned(), &diff(&generated.policy, &parsed.policy), &parsed.ignored);
    assert!(!report.same && report.weaker > 0);
    for (lang, tag) in LANGS {
        let table = render::diff(&report, lang, Screen::default());
        assert_tame(&table);
        insta::assert_snapshot!(format!("logs_policy_diff_{tag}"), table);
    }
    let same = PolicyDiff::new("p".to_owned(), &diff(&generated.policy, &generated.policy), &[]);
    assert!(same.same);
    assert_eq!(render::diff(&same, Lang::En, Screen::default()), "p: the same policy.\n");
    assert!(render::diff_markdown(&same, Lang::Fr).ends_with("p : la même politique.\n"));
}

#[test]
fn the_generated_policy_holds() {
    let generated = generate(&Wishes::default());
    let report =
        PolicyCheck::new("p".to_owned(), generated.policy.rules.len(), &judge(&generated.policy), &[]);
    assert!(report.complete);
    assert!(render::check(&report, Lang::En, Screen::default()).contains("no mandatory event is missing"));
}

#[test]
fn flags_of_each_distribution_in_both_languages() {
    for distribution in Distribution::ALL {
        let report = FlagsReport::new(&[*distribution], Outputs { file: true, webhook: true });
        for (lang, _) in LANGS {
            let (table, markdown) =
                (flags_of::table(&report, lang, Screen::default()), flags_of::markdown(&report, lang));
            assert_tame(&table);
            let of = &report.distributions[0];
            for flag in &of.flags {
                assert!(table.contains(&format!("--{}={}", flag.name, flag.value)), "{table}");
            }
            for file in &of.files {
                for line in file.text.lines() {
                    assert!(table.contains(line.trim_end()) && markdown.contains(line), "{line}");
                }
            }
            assert!(of.notes.iter().all(|note| table.contains(note.get(lang))), "{table}");
        }
    }
    let both = FlagsReport::new(&[Distribution::K3s], Outputs { file: true, webhook: true });
    for (lang, tag) in LANGS {
        insta::assert_snapshot!(format!("logs_flags_{tag}"), flags_of::table(&both, lang, Screen::default()));
    }
}
