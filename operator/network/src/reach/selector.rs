//! Label selectors as the API machinery evaluates them, over interned strings.

use super::tri::Tri;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use std::collections::{BTreeMap, HashMap};

/// A value that no selector names: all of these behave the same.
const OTHER_VALUE: u32 = u32::MAX;

/// Labels that some selector can tell apart, by key.
pub type Labels = Vec<(u32, u32)>;

#[derive(Debug, Default)]
pub struct Interner(HashMap<String, u32>);

impl Interner {
    fn id(&mut self, text: &str) -> u32 {
        if let Some(&id) = self.0.get(text) {
            return id;
        }
        let id = u32::try_from(self.0.len()).unwrap_or(OTHER_VALUE);
        self.0.insert(text.to_owned(), id);
        id
    }

    /// Compile every selector before: what none of them names is left out.
    pub fn labels(&self, labels: &BTreeMap<String, String>) -> Labels {
        let mut known: Labels = labels
            .iter()
            .filter_map(|(key, value)| {
                Some((*self.0.get(key)?, self.0.get(value).copied().unwrap_or(OTHER_VALUE)))
            })
            .collect();
        known.sort_unstable();
        known
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Requirement {
    In(u32, Vec<u32>),
    NotIn(u32, Vec<u32>),
    Exists(u32),
    DoesNotExist(u32),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selector {
    requirements: Vec<Requirement>,
    valid: bool,
}

impl Selector {
    pub fn compile(selector: &LabelSelector, interner: &mut Interner) -> Self {
        let mut compiled = Self { requirements: Vec::new(), valid: true };
        for (key, value) in selector.match_labels.iter().flatten() {
            compiled.valid &= valid_key(key) && valid_value(value);
            compiled.requirements.push(Requirement::In(interner.id(key), vec![interner.id(value)]));
        }
        for requirement in selector.match_expressions.iter().flatten() {
            let key = interner.id(&requirement.key);
            let texts = requirement.values.as_deref().unwrap_or_default();
            let values: Vec<u32> = texts.iter().map(|value| interner.id(value)).collect();
            compiled.valid &= valid_key(&requirement.key) && texts.iter().all(|value| valid_value(value));
            let requirement = match (requirement.operator.as_str(), values.is_empty()) {
                ("In", false) => Requirement::In(key, values),
                ("NotIn", false) => Requirement::NotIn(key, values),
                ("Exists", true) => Requirement::Exists(key),
                ("DoesNotExist", true) => Requirement::DoesNotExist(key),
                _ => {
                    compiled.valid = false;
                    continue;
                }
            };
            compiled.requirements.push(requirement);
        }
        compiled
    }

    pub const fn valid(&self) -> bool {
        self.valid
    }

    pub const fn selects_all(&self) -> bool {
        self.valid && self.requirements.is_empty()
    }

    /// An invalid selector may select anything, since nobody knows what its reader makes of it.
    pub fn matches(&self, labels: &Labels) -> Tri {
        if !self.valid {
            return Tri::Maybe;
        }
        let value =
            |key: u32| labels.binary_search_by_key(&key, |label| label.0).ok().map(|index| labels[index].1);
        Tri::from(self.requirements.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => value(*key).is_some_and(|value| values.contains(&value)),
            Requirement::NotIn(key, values) => value(*key).is_none_or(|value| !values.contains(&value)),
            Requirement::Exists(key) => value(*key).is_some(),
            Requirement::DoesNotExist(key) => value(*key).is_none(),
        }))
    }
}

fn valid_name(text: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

fn valid_key(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => {
            let part = |part: &str| valid_name(part) && !part.contains(['_', '.']);
            prefix.len() <= 253 && prefix.split('.').all(part) && valid_name(name)
        }
        None => valid_name(key),
    }
}

fn valid_value(value: &str) -> bool {
    value.is_empty() || valid_name(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn matches(selector: Value, labels: Value) -> Tri {
        let mut interner = Interner::default();
        let selector = Selector::compile(&serde_json::from_value(selector).unwrap(), &mut interner);
        selector.matches(&interner.labels(&serde_json::from_value(labels).unwrap()))
    }

    fn expression(operator: &str, values: Value) -> Value {
        json!({"matchExpressions": [{"key": "app", "operator": operator, "values": values}]})
    }

    #[rstest]
    #[case("In", json!(["a", "b"]), json!({"app": "b"}), Tri::Yes)]
    #[case("In", json!(["a"]), json!({"app": "c"}), Tri::No)]
    #[case("In", json!(["a"]), json!({}), Tri::No)]
    #[case("NotIn", json!(["a"]), json!({"app": "a"}), Tri::No)]
    #[case("NotIn", json!(["a"]), json!({"app": "c"}), Tri::Yes)]
    #[case("NotIn", json!(["a"]), json!({"other": "a"}), Tri::Yes)]
    #[case("Exists", json!([]), json!({"app": ""}), Tri::Yes)]
    #[case("Exists", json!([]), json!({}), Tri::No)]
    #[case("DoesNotExist", json!([]), json!({}), Tri::Yes)]
    #[case("DoesNotExist", json!([]), json!({"app": "x"}), Tri::No)]
    fn expressions_follow_the_api_machinery(
        #[case] operator: &str,
        #[case] values: Value,
        #[case] labels: Value,
        #[case] expected: Tri,
    ) {
        assert_eq!(matches(expression(operator, values), labels), expected);
    }

    #[rstest]
    #[case("in", json!(["a"]))]
    #[case("Gt", json!(["1"]))]
    #[case("", json!([]))]
    #[case("In", json!([]))]
    #[case("NotIn", json!([]))]
    #[case("Exists", json!(["a"]))]
    #[case("DoesNotExist", json!(["a"]))]
    #[case("In", json!(["not a value"]))]
    fn an_invalid_expression_is_never_decided(#[case] operator: &str, #[case] values: Value) {
        assert_eq!(matches(expression(operator, values.clone()), json!({"app": "a"})), Tri::Maybe);
        assert_eq!(matches(expression(operator, values), json!({})), Tri::Maybe);
    }

    #[test]
    fn labels_and_expressions_must_all_hold_and_an_empty_selector_selects_all() {
        let both =
            json!({"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "Exists"}]});
        assert_eq!(matches(both.clone(), json!({"a": "1", "b": "2"})), Tri::Yes);
        assert_eq!(matches(both.clone(), json!({"a": "1"})), Tri::No);
        assert_eq!(matches(both, json!({"b": "1"})), Tri::No);
        assert_eq!(matches(json!({}), json!({})), Tri::Yes);
        assert_eq!(matches(json!({"matchLabels": {"a b": "1"}}), json!({})), Tri::Maybe);
    }
}
