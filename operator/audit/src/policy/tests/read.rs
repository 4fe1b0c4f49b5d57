//! Files of policies.

use super::*;
use crate::event::{Level, Stage};
use rstest::rstest;

const HEAD: &str = "apiVersion: audit.k8s.io/v1\nkind: Policy\n";

#[test]
fn a_file_of_kubernetes_documentation() {
    let text = r#"
# Log all requests at the Metadata level.
apiVersion: audit.k8s.io/v1
kind: Policy
metadata: {name: example}
omitStages:
  - "RequestReceived"
rules:
  - level: RequestResponse
    resources:
    - group: ""
      resources: ["pods"]
  - level: None
    users: ["system:kube-proxy"]
    verbs: ["watch"]
    resources:
    - resources: ["endpoints", "services"]
  - level: Metadata
    omitStages: [ResponseStarted]
    omitManagedFields: true
    nonResourceURLs: ["/api*", "/version"]
  - level: Metadata
    namespaces: ["", "kube-system"]
    userGroups: null
"#;
    let Parsed { policy, ignored } = parse(text).unwrap();
    assert_eq!(ignored, []);
    assert_eq!(policy.omit_stages, [Stage::RequestReceived]);
    assert_eq!(policy.rules[1].resources[0].group, "");
    assert_eq!(policy.rules[2].omit_managed_fields, Some(true));
    assert_eq!(policy.rules[3].namespaces, ["", "kube-system"]);
    assert_eq!(
        policy.rules.iter().map(|rule| rule.level).collect::<Vec<_>>(),
        [Level::RequestResponse, Level::None, Level::Metadata, Level::Metadata]
    );
}

#[rstest]
#[case("rules: []", "rules", "[]")]
#[case("{}", "rules", "[]")]
#[case("rules: all", "rules", "all")]
#[case("rules: [none]", "rules[0]", "none")]
#[case("rules: [{}]", "rules[0].level", "null")]
#[case("rules: [{level: metadata}]", "rules[0].level", "metadata")]
#[case("rules: [{level: Metadata}, {level: 3}]", "rules[1].level", "3")]
#[case("rules: [{level: None, users: alice}]", "rules[0].users", "alice")]
#[case("rules: [{level: None, verbs: [get, 1]}]", "rules[0].verbs[1]", "1")]
#[case("rules: [{level: None, omitStages: [Later]}]", "rules[0].omitStages[0]", "Later")]
#[case("omitStages: [requestReceived]\nrules: [{level: None}]", "omitStages[0]", "requestReceived")]
#[case("rules: [{level: None, omitManagedFields: 'yes'}]", "rules[0].omitManagedFields", "yes")]
#[case("rules: [{level: None, resources: [pods]}]", "rules[0].resources[0]", "pods")]
#[case(
    "rules: [{level: None, resources: [{group: rbac.authorization.k8s.io/v1}]}]",
    "rules[0].resources[0].group",
    "rbac.authorization.k8s.io/v1"
)]
#[case("rules: [{level: None, resources: [{group: Apps}]}]", "rules[0].resources[0].group", "Apps")]
#[case(
    "rules: [{level: None, resources: [{group: '', resourceNames: [x]}]}]",
    "rules[0].resources[0].resourceNames",
    "x"
)]
#[case("rules: [{level: None, nonResourceURLs: [healthz]}]", "rules[0].nonResourceURLs[0]", "healthz")]
#[case("rules: [{level: None, nonResourceURLs: ['/ok', '/a*/b']}]", "rules[0].nonResourceURLs[1]", "/a*/b")]
#[case(
    "rules: [{level: None, nonResourceURLs: ['/ok'], namespaces: [x]}]",
    "rules[0].nonResourceURLs",
    "/ok"
)]
#[case("metadata: x\nrules: [{level: None}]", "metadata", "x")]
fn what_is_wrong_is_told_by_its_field(#[case] text: &str, #[case] path: &str, #[case] given: &str) {
    let text = if text == "{}" { HEAD.to_owned() } else { format!("{HEAD}{text}") };
    let wrong = parse(&text).unwrap_err();
    let told: Vec<(&str, &str)> =
        wrong.iter().map(|wrong| (wrong.path.as_str(), wrong.given.as_str())).collect();
    assert_eq!(told, [(path, given)]);
    assert!(!wrong[0].accepted.fr.is_empty() && !wrong[0].accepted.en.is_empty());
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let wrong = parse("apiVersion: v1\nkind: Pod\nrules: [{level: x, users: y}]").unwrap_err();
    let paths: Vec<&str> = wrong.iter().map(|wrong| wrong.path.as_str()).collect();
    assert_eq!(paths, ["apiVersion", "kind", "rules[0].level", "rules[0].users"]);
}

#[rstest]
#[case("")]
#[case("[]")]
#[case("- a\n- b")]
#[case("rules: [")]
#[case("text")]
fn what_is_no_policy_is_refused(#[case] text: &str) {
    assert!(!parse(text).unwrap_err().is_empty(), "{text}");
}

#[test]
fn a_field_that_the_api_server_skips_is_told() {
    let text = format!(
        "{HEAD}rules:\n- {{level: None, namespace: [shop], resources: [{{groups: apps}}]}}\nextra: 1"
    );
    let Parsed { policy, ignored } = parse(&text).unwrap();
    let paths: Vec<&str> = ignored.iter().map(|ignored| ignored.path.as_str()).collect();
    assert_eq!(paths, ["rules[0].resources[0].groups", "rules[0].namespace", "extra"]);
    // And the rule is what is left of it: about everything in the core group.
    assert_eq!(policy.rules[0].namespaces.len(), 0);
    assert!(!judge(&policy).is_empty());
}

#[test]
fn a_file_without_end_is_not_read() {
    let text = format!("{HEAD}rules: [{{level: None}}]\n#{}", " ".repeat(5 << 20));
    assert_eq!(parse(&text).unwrap_err()[0].path, "(file)");
}

proptest! {
    #[test]
    fn whatever_is_read_has_an_answer(text in "(?s)(apiVersion: audit.k8s.io/v1\nkind: Policy\n)?.{0,80}") {
        if let Ok(parsed) = parse(&text) {
            judge(&parsed.policy);
        }
    }
}
