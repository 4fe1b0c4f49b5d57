//! Label selectors.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use std::collections::BTreeMap;

pub type Labels = BTreeMap<String, String>;

/// An empty selector selects everything; an operator that is not known selects nothing.
pub fn selects(selector: &LabelSelector, labels: &Labels) -> bool {
    let equal = selector.match_labels.iter().flatten().all(|(key, value)| labels.get(key) == Some(value));
    equal
        && selector.match_expressions.iter().flatten().all(|expression| {
            let found = labels.get(&expression.key);
            let listed = |value: &String| expression.values.iter().flatten().any(|one| one == value);
            match expression.operator.as_str() {
                "In" => found.is_some_and(listed),
                "NotIn" => !found.is_some_and(listed),
                "Exists" => found.is_some(),
                "DoesNotExist" => found.is_none(),
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn judge(selector: Value, labels: Value) -> bool {
        let selector: LabelSelector = serde_json::from_value(selector).unwrap();
        let labels: Labels = serde_json::from_value(labels).unwrap();
        selects(&selector, &labels)
    }

    #[test]
    fn each_operator_with_the_key_there_and_not_there() {
        let with = |operator: &str, labels: Value| {
            let expression = json!({ "key": "app", "operator": operator, "values": ["a", "b"] });
            judge(json!({ "matchExpressions": [expression] }), labels)
        };
        for (operator, listed, other, absent) in [
            ("In", true, false, false),
            ("NotIn", false, true, true),
            ("Exists", true, true, false),
            ("DoesNotExist", false, false, true),
            ("Near", false, false, false),
        ] {
            assert_eq!(with(operator, json!({ "app": "b" })), listed, "{operator}");
            assert_eq!(with(operator, json!({ "app": "c" })), other, "{operator}");
            assert_eq!(with(operator, json!({ "tier": "b" })), absent, "{operator}");
        }
    }

    #[test]
    fn everything_in_a_selector_must_hold() {
        assert!(judge(json!({}), json!({})));
        let both = json!({
            "matchLabels": { "app": "a" },
            "matchExpressions": [{ "key": "tier", "operator": "Exists" }],
        });
        assert!(judge(both.clone(), json!({ "app": "a", "tier": "x" })));
        assert!(!judge(both.clone(), json!({ "app": "a" })));
        assert!(!judge(both, json!({ "tier": "x" })));
    }
}
