use super::*;
use crate::guards::build::CONTROLS;
use snc_core::names::{LABEL_COMPONENT, MANAGED_BY};

const BOTH: [Lang; 2] = [Lang::Fr, Lang::En];

fn all(lang: Lang) -> Vec<Guard> {
    policies(&Identity::new("snc-system", "snc-controller"), lang)
}

fn spec(guard: &Guard) -> &ValidatingAdmissionPolicySpec {
    guard.policy.spec.as_ref().unwrap()
}

fn name(guard: &Guard) -> &str {
    guard.policy.metadata.name.as_deref().unwrap()
}

/// A rule that is called critical and is in no policy would hold only while the webhook does.
#[test]
fn every_critical_control_of_one_object_is_in_both_halves_of_one_policy() {
    let critical: Vec<&Control> = snc_catalogue::controls()
        .iter()
        .filter(|control| control.critical && control.is_admission())
        .collect();
    assert!(critical.len() >= 16, "{}", critical.len());
    for control in critical {
        let start = format!("{}: ", control.id);
        let holding: Vec<_> = all(Lang::Fr)
            .into_iter()
            .filter(|guard| {
                let validations = spec(guard).validations.as_ref().unwrap();
                validations.iter().any(|v| v.message.as_ref().unwrap().starts_with(&start))
            })
            .map(|guard| spec(&guard).failure_policy.clone().unwrap())
            .collect();
        assert_eq!(holding, ["Fail", "Ignore"], "{}", control.id);
    }
}

#[test]
fn names_are_those_that_the_operator_may_write() {
    let policies = all(Lang::Fr);
    assert!(policies.len() > 4);
    for guard in &policies {
        assert!(POLICIES.contains(&name(guard)), "{}", name(guard));
        assert_eq!(guard.policy.metadata.labels.as_ref().unwrap()[LABEL_COMPONENT], CONTROLS);
        for binding in &guard.bindings {
            let own = binding.metadata.name.as_deref().unwrap();
            assert!(BINDINGS.contains(&own), "{own}");
            assert_eq!(binding.spec.as_ref().unwrap().policy_name.as_deref(), Some(name(guard)));
        }
    }
    assert!(POLICIES.iter().chain(BINDINGS).all(|name| name.ends_with(GROUP)), "{MANAGED_BY}");
}

/// The failure policy is that of all bindings: only a policy that is for Enforce alone may refuse what it cannot judge.
#[test]
fn only_enforce_ever_refuses() {
    for guard in all(Lang::Fr) {
        let selector = spec(&guard).match_constraints.as_ref().unwrap().namespace_selector.as_ref().unwrap();
        let requirements = selector.match_expressions.as_ref().unwrap();
        let modes = requirements[1].values.clone().unwrap();
        assert_eq!(
            (requirements[0].key.as_str(), requirements[0].operator.as_str()),
            (LABEL_TENANT, "Exists")
        );
        let enforce = modes == ["Enforce"];
        assert_eq!(spec(&guard).failure_policy.as_deref(), Some(if enforce { "Fail" } else { "Ignore" }));
        for binding in &guard.bindings {
            let binding = binding.spec.as_ref().unwrap();
            let denies = binding.validation_actions.as_ref().unwrap().contains(&"Deny".to_owned());
            assert_eq!(denies, enforce, "{}", name(&guard));
            let param = binding.param_ref.as_ref().unwrap();
            assert_eq!(
                param.parameter_not_found_action.as_deref(),
                Some(if enforce { "Deny" } else { "Allow" })
            );
        }
        let bound: Vec<_> =
            guard.bindings.iter().map(|b| b.spec.as_ref().unwrap().match_resources.clone()).collect();
        assert_eq!(bound.iter().all(Option::is_none), enforce);
    }
}

/// The API server compiles every variable of a policy, whether a validation uses it or not.
#[test]
fn variables_are_those_that_are_used_in_an_order_that_compiles() {
    for guard in all(Lang::En) {
        let variables = spec(&guard).variables.as_ref().unwrap();
        let mut known = BTreeSet::new();
        for variable in variables {
            for used in named(&variable.expression) {
                assert!(known.contains(&used), "{}: {} uses {used}", name(&guard), variable.name);
            }
            assert!(known.insert(variable.name.clone()), "{} twice", variable.name);
        }
        let mut used = BTreeSet::new();
        let conditions = spec(&guard).match_conditions.as_ref().unwrap();
        assert!(conditions.iter().all(|condition| !condition.expression.contains("variables.")));
        for validation in spec(&guard).validations.as_ref().unwrap() {
            for text in
                [Some(&validation.expression), validation.message_expression.as_ref()].into_iter().flatten()
            {
                used.extend(named(text));
            }
        }
        used.extend(variables.iter().flat_map(|variable| named(&variable.expression)));
        assert_eq!(used, known, "{}", name(&guard));
    }
}

#[test]
fn a_message_names_the_control_and_says_how_to_see_them_all() {
    for lang in BOTH {
        for guard in all(lang) {
            for validation in spec(&guard).validations.as_ref().unwrap() {
                let (message, said) =
                    (validation.message.as_ref().unwrap(), validation.message_expression.as_ref().unwrap());
                let id = message.split(':').next().unwrap();
                assert!(snc_catalogue::controls().iter().any(|control| control.id == id), "{message}");
                assert!(said.starts_with(&format!("\"{id}: \" + ")), "{said}");
                for text in [message, said] {
                    assert!(text.contains(&format!("kubectl snc explain {id}")), "{text}");
                    assert!(text.contains("kubectl snc scan -f ") && !text.contains('\n'), "{text}");
                }
            }
        }
    }
}

/// What passes the condition is judged by nothing else, so it has to be all of the rules.
#[test]
fn a_policy_is_passed_over_only_where_each_of_its_rules_passes() {
    for guard in all(Lang::En) {
        let [changes, fails] = spec(&guard).match_conditions.as_deref().unwrap() else { panic!("two") };
        assert!(changes.expression.starts_with("request.operation != \"UPDATE\" || !"), "{}", name(&guard));
        let validations = spec(&guard).validations.as_ref().unwrap();
        for (_, control, rendered) in decided() {
            let id = format!("{}: ", control.id);
            let own = validations.iter().any(|v| v.message.as_ref().unwrap().starts_with(&id));
            let rule = format!("({})", rendered.validation.replace("variables.", "the_"));
            assert!(!own || fails.expression.contains(&rule), "{}: {}", name(&guard), control.id);
        }
        let rules = validations.len();
        assert!(fails.expression.matches(") && (").count() + 1 >= rules, "{}", fails.expression);
    }
}

/// What an update must leave alone not to be judged is all that the rules read.
#[test]
fn what_is_compared_is_what_rules_read() {
    for (shape, control, rendered) in decided() {
        let parts: &[&str] = match shape.name {
            "pods" => &[],
            "ingresses" => &["spec", "metadata.?annotations"],
            "rolebindings" => &["roleRef", "subjects"],
            _ => &["spec"],
        };
        for rest in rendered.validation.split("object.").skip(1) {
            let rest = rest.trim_start_matches('?');
            assert!(parts.iter().any(|part| rest.starts_with(part)), "{}: object.{rest}", control.id);
        }
        assert!(!rendered.validation.contains("variables.params"), "{}", control.id);
    }
}

#[test]
fn a_control_of_a_higher_level_is_not_asked_below_it() {
    assert_eq!(unasked(Level::Essentiel), "");
    assert_eq!(unasked(Level::Standard), "variables.level == \"Essentiel\" || ");
    assert_eq!(
        unasked(Level::Avance),
        "variables.level == \"Essentiel\" || variables.level == \"Standard\" || "
    );
}

#[test]
fn the_bypass_group_passes_every_validation_and_is_written_down() {
    let group = "l'équipe \"de secours\" \\ 1";
    let identity =
        Identity { bypass_group: Some(group.to_owned()), ..Identity::new("snc-system", "snc-controller") };
    let made = policies(&identity, Lang::Fr);
    for guard in &made {
        let spec = spec(guard);
        for validation in spec.validations.as_ref().unwrap() {
            assert!(validation.expression.starts_with("variables.bypass || "), "{}", validation.expression);
        }
        assert_eq!(spec.audit_annotations.as_ref().unwrap()[0].key, BYPASS);
    }
    let policies: Vec<_> = made.into_iter().map(|guard| guard.policy).collect();
    assert_eq!(crate::guards::bypass_group(&policies).as_deref(), Some(group));
    let without: Vec<_> = all(Lang::Fr).into_iter().map(|guard| guard.policy).collect();
    assert_eq!(crate::guards::bypass_group(&without), None);
    assert!(!serde_json::to_string(&without).unwrap().contains("bypass"));
}

/// Isolation is what nobody is let past.
#[test]
fn no_other_guard_knows_the_bypass_group() {
    let plain = Identity::new("snc-system", "snc-controller");
    let identity = Identity { bypass_group: Some("secours".to_owned()), ..plain.clone() };
    let others =
        |identity| crate::guards::guards(identity, Lang::Fr).into_iter().take(crate::guards::GUARDS.len());
    assert!(others(&identity).eq(others(&plain)));
}
