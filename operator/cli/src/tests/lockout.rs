use super::fixtures::{LANGS, assert_tame, settings};
use crate::commands::lockout_outcome;
use crate::model::lockout::{Hook, HookRule, Input, LockoutReport, build, tried};
use crate::model::preflight::{State, Trial};
use crate::render::{Screen, json, lockout as render};
use serde_json::{Value, json};
use snc_core::lang::Lang;
use std::collections::BTreeMap;

fn hook(name: &str, resources: &[&str], namespaces: Value) -> Hook {
    let owned = |list: &[&str]| list.iter().map(|item| (*item).to_owned()).collect();
    Hook {
        configuration: format!("{name}-configuration"),
        name: name.to_owned(),
        fails_closed: true,
        rules: vec![HookRule {
            groups: owned(&["*"]),
            resources: owned(resources),
            operations: owned(&["*"]),
            scope: "*".to_owned(),
        }],
        namespaces: serde_json::from_value(namespaces).unwrap(),
        ..Hook::default()
    }
}

fn input(hooks: Vec<Hook>, lang: Lang) -> Input {
    let settings = settings(lang);
    let labels = |name: &str| BTreeMap::from([("kubernetes.io/metadata.name".to_owned(), name.to_owned())]);
    let names = ["kube-system", "kube-node-lease", "snc-system"];
    let accepted = tried(&settings).into_iter().map(|probe| (probe, Trial::Accepted));
    Input {
        context: "essai".into(),
        hooks: Ok(hooks),
        namespaces: Ok(names.map(|name| (name.to_owned(), labels(name))).into()),
        trials: accepted.collect(),
        settings,
    }
}

fn shut(report: &LockoutReport) -> Vec<&str> {
    report.of(State::Missing).map(|check| check.request.as_str()).collect()
}

fn tenants() -> Value {
    json!({"matchExpressions": [{"key": "secnumcloud.dev/tenant", "operator": "Exists"}]})
}

#[test]
fn a_webhook_that_selects_tenants_by_inclusion_shuts_nothing_out() {
    let report = build(&input(vec![hook("ours", &["*/*"], tenants())], Lang::En));
    // What is in no namespace is beyond every namespace selector.
    assert!(shut(&report).iter().all(|request| request.contains("nodes") || request.contains("certificate")));
    let mut ours = hook("ours", &["*/*"], tenants());
    ours.rules[0].scope = "Namespaced".to_owned();
    let report = build(&input(vec![ours], Lang::En));
    assert_eq!((shut(&report).len(), lockout_outcome(&report, Lang::En).code()), (0, 0));
    assert!(report.checks.len() > 20 && report.emergency.is_empty());
}

#[test]
fn a_webhook_on_everything_locks_the_cluster_out_unless_it_lets_pass() {
    let mut all = hook("all", &["*/*"], json!({}));
    let report = build(&input(vec![all.clone()], Lang::En));
    assert_eq!(shut(&report).len(), report.checks.len());
    assert_eq!(report.emergency, ["kubectl delete validatingwebhookconfiguration all-configuration"]);
    assert_eq!(lockout_outcome(&report, Lang::En).code(), 1);
    all.fails_closed = false;
    assert!(shut(&build(&input(vec![all], Lang::En))).is_empty());
}

#[test]
fn our_own_is_removed_in_the_name_of_the_operator_to_whom_its_guard_leaves_it() {
    let line = "kubectl delete validatingwebhookconfiguration snc-webhook.secnumcloud.dev \
                --as=system:serviceaccount:snc-system:snc-controller";
    let mut ours = hook("ours", &["pods"], tenants());
    ours.configuration = "snc-webhook.secnumcloud.dev".to_owned();
    let report = build(&input(vec![ours.clone()], Lang::En));
    assert_eq!((report.tenants.as_deref(), report.emergency.len()), (Some(line), 0));
    // Somebody changed it so that it shuts everything.
    let all = hook("ours", &["*/*"], json!({}));
    let report = build(&input(vec![Hook { configuration: ours.configuration.clone(), ..all }], Lang::En));
    assert_eq!(report.emergency, [line]);
    ours.fails_closed = false;
    assert_eq!(build(&input(vec![ours], Lang::En)).tenants, None);
}

#[test]
fn rules_are_matched_as_the_api_server_does() {
    let requests = |resources: &[&str]| -> Vec<String> {
        let report = build(&input(vec![hook("one", resources, json!({}))], Lang::En));
        shut(&report).into_iter().map(str::to_owned).collect()
    };
    assert!(requests(&["*"]).iter().all(|request| !request.contains('/') || request.contains("-n ")));
    assert!(!requests(&["*"]).iter().any(|request| request.contains("pods/")), "no subresource");
    assert_eq!(requests(&["nodes/status"]), ["UPDATE nodes/status"]);
    assert!(requests(&["*/status"]).contains(&"UPDATE pods/status -n kube-system".to_owned()));
    assert!(requests(&["pods/*"]).contains(&"CREATE pods/binding -n snc-system".to_owned()));
    assert!(requests(&["widgets"]).is_empty());
}

#[test]
fn what_depends_on_the_object_is_unknown_and_nothing_read_is_not_fine() {
    let mut some = hook("some", &["pods"], json!({}));
    some.objects = serde_json::from_value(json!({"matchLabels": {"app": "x"}})).unwrap();
    let report = build(&input(vec![some], Lang::En));
    assert!(shut(&report).is_empty() && report.of(State::Unknown).count() == 4);
    assert_eq!(lockout_outcome(&report, Lang::En).code(), 3);
    let trouble = crate::cluster::Trouble {
        kind: crate::cluster::Kind::Refused,
        what: "webhooks".into(),
        detail: "no".into(),
    };
    let blind = Input { hooks: Err(trouble), ..input(Vec::new(), Lang::En) };
    assert!(build(&blind).checks.iter().all(|check| check.state == State::Unknown));
}

#[test]
fn a_policy_that_refuses_is_named_and_a_missing_right_is_not_taken_for_one() {
    let mut input = input(Vec::new(), Lang::En);
    let probes = tried(&input.settings);
    let refused = "ValidatingAdmissionPolicy 'x' with binding 'x' denied request: no";
    input.trials.insert(probes[0].clone(), Trial::Refused(refused.to_owned()));
    let forbidden = "namespaces is forbidden: User \"mallory\" cannot create";
    input.trials.insert(probes[1].clone(), Trial::Refused(forbidden.to_owned()));
    let report = build(&input);
    assert_eq!((report.of(State::Missing).count(), report.of(State::Unknown).count()), (1, 1));
    assert!(report.of(State::Missing).all(|check| check.seen == refused));
}

#[test]
fn lockout_in_every_form() {
    for (lang, name) in LANGS {
        let mut mutating = hook("etiquettes\u{1b}[2J", &["pods"], json!({}));
        mutating.mutating = true;
        let mut own = hook("own", &["pods"], tenants());
        own.configuration = "snc-webhook.secnumcloud.dev".to_owned();
        let report = build(&input(vec![hook("ours", &["*/*"], tenants()), mutating, own], lang));
        let text = render::table(&report, lang, Screen::default());
        assert_tame(&text);
        insta::assert_snapshot!(format!("lockout_table_{name}"), text);
        let text = json::json(&report).unwrap();
        assert_tame(&text);
        insta::assert_snapshot!(format!("lockout_json_{name}"), text);
    }
}
