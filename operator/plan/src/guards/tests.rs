use super::{CONTROLS, Guard, Identity, exceptions};
use k8s_openapi::api::admissionregistration::v1::{MatchResources, Validation};
use snc_core::lang::Lang;
use snc_core::names;
use std::collections::BTreeSet;

const BOTH: [Lang; 2] = [Lang::Fr, Lang::En];

fn identity() -> Identity {
    Identity::new("snc-system", "snc-controller")
}

fn name(guard: &Guard) -> &str {
    guard.policy.metadata.name.as_deref().unwrap()
}

fn validations(guard: &Guard) -> &[Validation] {
    guard.policy.spec.as_ref().unwrap().validations.as_deref().unwrap()
}

fn match_constraints(guard: &Guard) -> &MatchResources {
    guard.policy.spec.as_ref().unwrap().match_constraints.as_ref().unwrap()
}

/// Without the policies of controls.
fn guards(identity: &Identity, lang: Lang) -> Vec<Guard> {
    let of_controls =
        |guard: &Guard| guard.policy.metadata.labels.as_ref().unwrap()[names::LABEL_COMPONENT] == CONTROLS;
    super::guards(identity, lang).into_iter().filter(|guard| !of_controls(guard)).collect()
}

fn find(guard: &str) -> Guard {
    guards(&identity(), Lang::En).into_iter().find(|g| name(g) == guard).unwrap()
}

#[test]
fn every_guard_is_there_once_with_its_binding() {
    let guards = guards(&identity(), Lang::Fr);
    let found: Vec<_> = guards.iter().map(name).collect();
    assert_eq!(
        found,
        [
            names::GUARD_GATE,
            names::GUARD_NOTICE,
            names::GUARD_NAMESPACE,
            names::GUARD_MANAGED,
            names::GUARD_RESERVED,
            names::GUARD_RATCHET,
            names::GUARD_EXCEPTION,
            names::GUARD_STATUS,
            names::GUARD_WEBHOOK,
            names::GUARD_BINDING,
            names::GUARD_CANARY,
        ]
    );
    for guard in &guards {
        let [binding] = guard.bindings.as_slice() else { panic!("one binding") };
        assert_eq!(binding.metadata, guard.policy.metadata);
        let binding = binding.spec.as_ref().unwrap();
        assert_eq!(binding.policy_name.as_deref(), Some(name(guard)));
        let labels = guard.policy.metadata.labels.as_ref().unwrap();
        assert_eq!(labels[names::LABEL_MANAGED_BY], names::MANAGED_BY);
        assert_eq!(labels[names::LABEL_COMPONENT], "guard");
    }
}

#[test]
fn same_input_same_bytes() {
    for lang in BOTH {
        let bytes = || {
            guards(&identity(), lang)
                .iter()
                .flat_map(|g| {
                    [serde_json::to_string(&g.policy).unwrap(), serde_json::to_string(&g.bindings).unwrap()]
                })
                .collect::<String>()
        };
        assert_eq!(bytes(), bytes());
    }
}

#[test]
fn every_message_begins_with_the_guards_short_name() {
    for lang in BOTH {
        for guard in guards(&identity(), lang) {
            let short = format!("{}: ", name(&guard).strip_suffix(".secnumcloud.dev").unwrap());
            for validation in validations(&guard) {
                let message = validation.message.as_deref().unwrap();
                assert!(message.starts_with(&short), "{message}");
                assert!(!message.contains(['\n', '{', '}']), "{message}");
                let expression = validation.message_expression.as_deref().unwrap();
                assert!(expression.starts_with(&format!("\"{short}")), "{expression}");
                assert!(!expression.contains('\n'), "{expression}");
                // A placeholder that nothing fills would be shown as it is.
                assert!(!expression.contains('{') && !expression.contains('}'), "{expression}");
            }
        }
    }
}

#[test]
fn french_and_english_differ_in_texts_only() {
    let [fr, en] = BOTH.map(|lang| guards(&identity(), lang));
    for (fr, en) in fr.iter().zip(&en) {
        assert_eq!(fr.bindings, en.bindings);
        let (mut fr, mut en) = (fr.policy.spec.clone().unwrap(), en.policy.spec.clone().unwrap());
        for (fr, en) in
            fr.validations.as_mut().unwrap().iter_mut().zip(en.validations.as_mut().unwrap().iter_mut())
        {
            assert_ne!(fr.message.take(), en.message.take());
            assert_ne!(fr.message_expression.take(), en.message_expression.take());
        }
        assert_eq!(fr, en);
    }
}

#[test]
fn what_the_api_server_would_default_is_spelled_out() {
    for guard in guards(&identity(), Lang::Fr) {
        let matches = match_constraints(&guard);
        assert_eq!(matches.match_policy.as_deref(), Some("Equivalent"));
        assert!(matches.namespace_selector.is_some() && matches.object_selector.is_some());
        for rule in matches.resource_rules.as_ref().unwrap() {
            assert_eq!(rule.scope.as_deref(), Some("*"));
        }
        assert!(guard.policy.spec.as_ref().unwrap().failure_policy.is_some());
    }
}

#[test]
fn the_namespace_guard_has_no_selector() {
    let guard = find(names::GUARD_NAMESPACE);
    let matches = match_constraints(&guard);
    for selector in [&matches.namespace_selector, &matches.object_selector] {
        let selector = selector.as_ref().unwrap();
        assert!(selector.match_labels.is_none() && selector.match_expressions.is_none());
    }
    assert!(guard.bindings[0].spec.clone().unwrap().match_resources.is_none());
}

#[test]
fn what_asks_about_pods_selects_namespaces_and_only_by_inclusion() {
    for guard in guards(&identity(), Lang::Fr) {
        let selector = match_constraints(&guard).namespace_selector.as_ref().unwrap();
        let expressions = selector.match_expressions.as_deref().unwrap_or_default();
        let by_label = match name(&guard) {
            names::GUARD_GATE | names::GUARD_NOTICE => Some(names::LABEL_ISOLATED),
            names::GUARD_BINDING => Some(names::LABEL_ISOLATION),
            _ => None,
        };
        assert_eq!(expressions.len(), if by_label.is_some() { 2 } else { 0 }, "{}", name(&guard));
        if let [tenant, other] = expressions {
            assert_eq!((tenant.key.as_str(), tenant.operator.as_str()), (names::LABEL_TENANT, "Exists"));
            assert_eq!(Some(other.key.as_str()), by_label);
        }
        let labels = selector.match_labels.clone().unwrap_or_default();
        let canary = name(&guard) == names::GUARD_CANARY;
        assert_eq!(labels.get(names::LABEL_CANARY).map(String::as_str), canary.then_some("true"));
        assert_eq!(labels.len(), usize::from(canary));
    }
}

#[test]
fn the_operator_is_its_service_account_in_its_namespace() {
    let elsewhere = Identity::new("ailleurs", "autre");
    assert_eq!(elsewhere.username(), "system:serviceaccount:ailleurs:autre");
    let text: String =
        guards(&elsewhere, Lang::Fr).iter().map(|g| serde_json::to_string(&g.policy).unwrap()).collect();
    assert!(text.contains("system:serviceaccount:ailleurs:autre"));
    assert!(!text.contains("snc-system") && !text.contains("snc-controller"));
}

#[test]
fn a_notice_never_refuses() {
    let guard = find(names::GUARD_NOTICE);
    assert_eq!(guard.policy.spec.unwrap().failure_policy.as_deref(), Some("Ignore"));
    assert_eq!(
        guard.bindings[0].spec.clone().unwrap().validation_actions.unwrap(),
        ["Warn".to_owned(), "Audit".to_owned()]
    );
}

/// The guard's copy of the protected names says what core says.
#[test]
fn reserved_names_spare_the_protected_namespaces() {
    let guard = find(names::GUARD_RESERVED);
    let variables = guard.policy.spec.unwrap().variables.unwrap();
    let protected = &variables.iter().find(|v| v.name == "protected").unwrap().expression;
    for quoted in [
        "\"default\"",
        "\"openshift\"",
        "\"snc-system\"",
        "startsWith(\"kube-\")",
        "startsWith(\"openshift-\")",
    ] {
        assert!(protected.contains(quoted), "{quoted} in {protected}");
    }
    for example in ["default", "openshift", "snc-system", "kube-x", "openshift-x"] {
        assert!(names::is_protected_namespace(example, "snc-system", "snc-canary"), "{example}");
    }
}

/// A field of the status that the guard does not know would be anybody's.
#[test]
fn of_an_exceptions_status_all_but_the_approval_is_the_operators() {
    let crd = snc_api::all_crds().into_iter().find(|crd| crd.spec.names.kind == "SncException").unwrap();
    let schema = crd.spec.versions[0].schema.as_ref().unwrap().open_api_v3_schema.clone().unwrap();
    let status = schema.properties.unwrap().remove("status").unwrap();
    let fields: BTreeSet<String> = status.properties.unwrap().into_keys().collect();
    let known =
        exceptions::OPERATORS.iter().chain([&exceptions::APPROVAL]).map(|f| (*f).to_owned()).collect();
    assert_eq!(fields, known);
}
