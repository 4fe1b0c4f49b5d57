//! Policies of others, judged.

use super::*;
use crate::event::Level;
use rstest::rstest;

/// What is missing, as (kind, rule, problem).
fn missing(text: &str) -> Vec<(&'static str, Option<usize>, Problem)> {
    judge(&policy(text)).into_iter().map(|missing| (missing.kind.id, missing.rule, missing.problem)).collect()
}

#[test]
fn everything_at_metadata_is_complete() {
    assert_eq!(missing("rules: [{level: Metadata}]"), []);
    assert_eq!(missing("omitStages: [RequestReceived]\nrules: [{level: Metadata}]"), []);
}

#[test]
fn nothing_at_all_is_missing_everything() {
    let all: Vec<&str> = missing("rules: [{level: None}]").iter().map(|(kind, ..)| *kind).collect();
    assert_eq!(all, MANDATORY.iter().map(|kind| kind.id).collect::<Vec<_>>());
    // No rule is as good as one that says None.
    let none = missing("rules: [{level: Metadata, users: [alice]}]");
    assert_eq!(none.len(), MANDATORY.len());
    assert!(none.iter().all(|(_, rule, problem)| rule.is_none() && *problem == Problem::TooLow(Level::None)));
}

#[test]
fn bodies_of_secrets_are_found_whoever_they_are_for() {
    let found = missing("rules: [{level: Request}]");
    let kinds: Vec<&str> = found.iter().map(|(kind, ..)| *kind).collect();
    assert_eq!(kinds, ["token-reviews", "tokens", "secret-writes", "secret-reads", "configuration-reads"]);
    let narrow =
        "rules:\n- {level: RequestResponse, namespaces: [shop], users: [alice]}\n- {level: Metadata}";
    let found = missing(narrow);
    assert!(
        found.contains(&("secret-reads", Some(0), Problem::TooHigh(Level::RequestResponse))),
        "{found:?}"
    );
    // A rule before it that keeps secrets keeps them.
    let kept = "rules:\n- {level: Metadata, resources: [{group: '', resources: [secrets, configmaps, serviceaccounts/token]}, {group: authentication.k8s.io}]}\n- {level: RequestResponse}";
    assert_eq!(missing(kept), []);
    let forgotten = kept.replace("serviceaccounts/token", "serviceaccounts");
    assert_eq!(missing(&forgotten), [("tokens", Some(1), Problem::TooHigh(Level::RequestResponse))]);
}

/// Each of these swallows exactly what is said, by rule 0, before a rule that keeps everything.
#[rstest]
#[case("users: [alice]", &["token-reviews", "everything-else", "rights"])]
#[case("userGroups: ['system:masters']", &["access", "everything-else", "secret-reads"])]
#[case("userGroups: ['system:serviceaccounts:ci']", &["access", "everything-else"])]
#[case("users: ['system:kube-controller-manager'], verbs: [get, list, watch]", &["secret-reads"])]
#[case("users: ['system:apiserver']", &["controls", "rights", "partition"])]
#[case("userGroups: ['system:nodes'], resources: [{group: '', resources: ['serviceaccounts/token']}]", &["tokens"])]
#[case("resources: [{group: '', resources: ['pods/*']}]", &["access", "everything-else"])]
#[case("resources: [{group: '', resources: ['*/exec']}]", &["access", "everything-else"])]
#[case("resources: [{group: '', resources: ['nodes/proxy']}]", &["access", "everything-else"])]
#[case("resources: [{group: rbac.authorization.k8s.io}], namespaces: [shop]", &["rights", "everything-else"])]
#[case("resources: [{group: '', resources: [namespaces], resourceNames: [snc-system]}]", &["partition", "everything-else"])]
#[case("resources: [{group: '', resources: [configmaps], resourceNames: [aws-auth]}]", &["configuration-reads", "secret-writes"])]
#[case("namespaces: [kube-system]", &["access", "rights", "secret-reads", "everything-else"])]
#[case("verbs: [list]", &["secret-reads", "everything-else"])]
#[case("nonResourceURLs: ['/api*']", &["refused-credentials"])]
#[case("nonResourceURLs: ['/metrics']", &["refused-credentials", "everything-else"])]
fn a_rule_that_comes_first_swallows(#[case] rule: &str, #[case] kinds: &[&str]) {
    let found = missing(&format!("rules:\n- {{level: None, {rule}}}\n- {{level: Metadata}}"));
    assert!(
        found.iter().all(|(_, rule, problem)| *rule == Some(0) && *problem == Problem::TooLow(Level::None)),
        "{found:?}"
    );
    for kind in kinds {
        assert!(found.iter().any(|(found, ..)| found == kind), "{kind}: {found:?}");
    }
}

/// And these do not: what they leave out is nothing that has to be there.
#[rstest]
#[case(
    "users: ['system:kube-scheduler'], verbs: [get, list, watch], resources: [{group: '', resources: [pods, nodes]}]"
)]
#[case("userGroups: ['system:nodes'], verbs: [patch], resources: [{group: '', resources: ['nodes/status']}]")]
#[case(
    "userGroups: ['system:serviceaccounts'], verbs: [update], resources: [{group: coordination.k8s.io, resources: [leases]}]"
)]
#[case("userGroups: ['system:authenticated'], verbs: [get], nonResourceURLs: ['/healthz*', '/version']")]
fn a_rule_on_noise_swallows_nothing(#[case] rule: &str) {
    assert_eq!(missing(&format!("rules:\n- {{level: None, {rule}}}\n- {{level: Metadata}}")), []);
}

#[test]
fn a_rule_that_is_never_first_swallows_nothing() {
    assert_eq!(missing("rules:\n- {level: Metadata}\n- {level: None}\n- {level: RequestResponse}"), []);
}

#[rstest]
// Refused authentications have no other stage.
#[case("omitStages: [ResponseStarted]", "refused-credentials", "ResponseStarted")]
#[case("omitStages: [ResponseStarted]", "access", "ResponseStarted")]
#[case("omitStages: [ResponseComplete]", "rights", "ResponseComplete")]
#[case("omitStages: [Panic]", "everything-else", "Panic")]
fn a_stage_that_is_omitted_is_an_event_that_is_lost(
    #[case] field: &str,
    #[case] kind: &str,
    #[case] stage: &str,
) {
    for text in
        [format!("{field}\nrules: [{{level: Metadata}}]"), format!("rules: [{{level: Metadata, {field}}}]")]
    {
        let found = missing(&text);
        let lost = found.iter().any(|(found, _, problem)| {
            *found == kind && matches!(problem, Problem::Omitted(omitted) if omitted.as_str() == stage)
        });
        assert!(lost, "{found:?}");
    }
}

#[test]
fn who_swallows_what_is_said_in_both_languages() {
    let found = judge(&policy("rules:\n- {level: None, users: [alice]}\n- {level: Metadata}"));
    let rights = found.iter().find(|missing| missing.kind.id == "rights").unwrap().message();
    assert_eq!(
        rights.en,
        "rights given, changed, taken away (12.6.b, 9.3.a): level None, at least Metadata is needed; rules[0] comes first, \
         for example on: create clusterrolebindings.rbac.authorization.k8s.io (alice)"
    );
    assert!(rights.fr.contains("niveau None, il faut au moins Metadata ; rules[0] l'emporte"));
}

#[test]
fn a_policy_that_is_too_big_to_try_is_not_said_to_be_complete() {
    let many = |prefix: &str| (0..800).map(|at| format!("{prefix}{at}")).collect::<Vec<_>>().join(", ");
    let text = format!(
        "rules:\n- {{level: None, resources: [{{group: '', resources: [secrets], resourceNames: [{}]}}], namespaces: [{}], users: ['nobody:at-all'], userGroups: [x]}}\n- {{level: Metadata}}",
        many("n"),
        many("s"),
    );
    // Nobody of that name is in the group, or everybody may be: either way something is said.
    assert_ne!(missing(&text), []);
}

/// No request has a namespace where there are none, or a name before there is one.
fn can_be(attributes: &Attributes<'_>) -> bool {
    let Target::Resource { resource, subresource, namespace, name, .. } = attributes.target else {
        return false;
    };
    let cluster = matches!(
        resource,
        "nodes"
            | "tokenreviews"
            | "certificatesigningrequests"
            | "validatingwebhookconfigurations"
            | "clusterrolebindings"
    );
    let made = attributes.verb == "create" && subresource.is_empty();
    let all = attributes.verb == "deletecollection";
    let listed = matches!(attributes.verb, "list" | "watch");
    let named = if made || all { name.is_empty() } else { listed || !name.is_empty() };
    let placed = match resource {
        "namespaces" => namespace == if made || all || listed { "" } else { name },
        _ if cluster => namespace.is_empty(),
        _ => listed || !namespace.is_empty(),
    };
    named && placed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// What is said to be complete records every mandatory request; what swallows one is said so.
    #[test]
    fn judging_and_deciding_agree(
        levels in prop::collection::vec(0_usize..4, 1..4),
        users in prop::collection::vec(prop::option::of(word(USERS)), 3),
        verbs in prop::collection::vec(prop::option::of(word(VERBS)), 3),
        objects in prop::collection::vec(prop::option::of(0..OBJECTS.len()), 3),
        places in prop::collection::vec(prop::option::of(word(&["shop", "kube-system"])), 3),
        asked in prop::collection::vec(asked(), 60),
    ) {
        let mut rules: Vec<Rule> = levels.iter().enumerate().map(|(at, level)| {
            let mut rule = Rule::at(Level::ALL[*level]);
            rule.users = users[at].iter().cloned().collect();
            rule.verbs = verbs[at].iter().cloned().collect();
            if let Some(object) = objects[at] {
                let (group, resource, subresource) = OBJECTS[object];
                let path = if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") };
                rule.resources = vec![Resources { group: group.to_owned(), resources: vec![path], resource_names: Vec::new() }];
            }
            rule.namespaces = places[at].iter().cloned().collect();
            rule
        }).collect();
        rules.push(Rule::at(Level::Metadata));
        let policy = AuditPolicy { rules, ..AuditPolicy::default() };
        let missing = judge(&policy);
        for asked in asked {
            asked.with(|attributes| {
                if !can_be(attributes) { return Ok(()); }
                let decision = decide(&policy, attributes);
                for kind in MANDATORY.iter().filter(|kind| kind.covers(attributes)) {
                    if decision.level < kind.least || decision.level > kind.most {
                        let told = missing.iter().any(|m| m.kind.id == kind.id && m.rule == decision.rule);
                        prop_assert!(told, "{} {attributes:?} {decision:?} {missing:?} {policy:?}", kind.id);
                    }
                }
                Ok(())
            })?;
        }
        // And what is said is so.
        for missing in &missing {
            prop_assert!(matches!(missing.problem, Problem::TooLow(_) | Problem::TooHigh(_)));
            prop_assert_eq!(missing.rule.map(|at| policy.rules[at].level), match missing.problem {
                Problem::TooLow(level) | Problem::TooHigh(level) => Some(level),
                _ => None,
            });
        }
    }
}
