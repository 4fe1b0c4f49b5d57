//! Whether a request gives any reason to judge it, in match conditions.
//!
//! For each list of expressions of a policy (validations, their messages, annotations) the API server converts the object
//! anew, and evaluates the messages of what passes too. A policy whose conditions do not match costs one conversion
//! (docs/adr/0014). Conditions know no variables: they are bound by macros.

use super::named;
use super::shape::Shape;
use k8s_openapi::api::admissionregistration::v1::MatchCondition;
use snc_catalogue::VARIABLES;
use std::collections::BTreeSet;

pub(super) fn conditions<'a>(shape: &Shape, rules: impl Iterator<Item = &'a str>) -> Vec<MatchCondition> {
    let condition = |name: &str, expression: String| MatchCondition { name: name.to_owned(), expression };
    let passes: Vec<String> = rules.map(|rule| format!("({rule})")).collect();
    vec![
        condition(
            "what-is-judged-changes",
            format!("request.operation != \"UPDATE\" || !{}", bound(&shape.same())),
        ),
        // Waivers, levels and who is let past are left to the validations: what passes here passes there.
        condition("a-rule-fails", format!("!{}", bound(&passes.join(" && ")))),
    ]
}

/// The expression with each variable that it uses, bound once: `[value].all(name, …)`.
fn bound(expression: &str) -> String {
    let known: Vec<(String, String)> = VARIABLES
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .chain(Shape::before())
        .collect();
    let mut used: BTreeSet<String> = named(expression).collect();
    let inner = format!("({})", local(expression));
    // Each comes after what it uses.
    known.iter().rev().fold(inner, |inner, (name, value)| {
        if !used.contains(name) {
            return inner;
        }
        used.extend(named(value));
        format!("[{}].all({}, {inner})", local(value), local(&format!("variables.{name}")))
    })
}

fn local(expression: &str) -> String {
    expression.replace("variables.", "the_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_bound_once_and_before_they_are_used() {
        let made = bound("variables.allContainers.all(c, c.name != '') && variables.initContainers == []");
        let order: Vec<usize> = ["podSpec", "containers", "initContainers", "allContainers"]
            .map(|name| made.find(&format!(".all(the_{name}, ")).unwrap())
            .to_vec();
        assert!(order.is_sorted() && !made.contains("variables."), "{made}");
        assert_eq!(made.matches(".all(the_podSpec, ").count(), 1);
        assert!(!made.contains("the_podSpecBefore") && !made.contains("the_located"), "{made}");
    }
}
