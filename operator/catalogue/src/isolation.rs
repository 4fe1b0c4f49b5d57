//! Whether network policies hold every pod of a namespace.

use crate::checks::World;
use crate::cluster::{inhabited, namespace};
use serde_json::Value;
use snc_core::facts::NetworkPolicy;
use snc_core::verdict::{Outcome, Subject};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Ingress,
    Egress,
}

impl Direction {
    /// As the API server takes what is not written.
    pub(crate) fn is_of(self, policy: &NetworkPolicy) -> bool {
        let types = &policy.spec.policy_types;
        match self {
            Self::Ingress => types.is_empty() || types.iter().any(|kind| kind == "Ingress"),
            Self::Egress if types.is_empty() => !policy.spec.egress.is_empty(),
            Self::Egress => types.iter().any(|kind| kind == "Egress"),
        }
    }

    pub(crate) fn rules(self, policy: &NetworkPolicy) -> &[Value] {
        match self {
            Self::Ingress => &policy.spec.ingress,
            Self::Egress => &policy.spec.egress,
        }
    }

    pub(crate) const fn peers(self) -> &'static str {
        match self {
            Self::Ingress => "from",
            Self::Egress => "to",
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

/// Says of each namespace whether a policy holds all of its pods in this direction.
pub(crate) fn default_deny(world: &World<'_>, direction: Direction) -> Vec<(Subject, Outcome)> {
    let exempt = world.settings.strings("exempt");
    let judge = |name: &str| {
        let holds = |(_, policy): (&Subject, &NetworkPolicy)| {
            policy.spec.pod_selector.is_empty()
                && direction.is_of(policy)
                && direction.rules(policy).iter().all(|rule| names_peers(rule, direction))
        };
        if exempt.contains(&name) {
            return Outcome::not_applicable();
        }
        if world.snapshot.network_policies.within(name).any(holds) {
            return Outcome::pass();
        }
        let (fr, en) = match direction {
            Direction::Ingress => ("toute entrée", "ingress"),
            Direction::Egress => ("toute sortie", "egress"),
        };
        Outcome::fail(
            format!(
                "aucune NetworkPolicy n'interdit par défaut {fr} à tous les pods de ce namespace : {name}"
            ),
            format!("no NetworkPolicy denies {en} by default for all pods of this namespace: {name}"),
        )
    };
    inhabited(world.snapshot).into_iter().map(|name| (namespace(name), judge(name))).collect()
}

fn names_peers(rule: &Value, direction: Direction) -> bool {
    rule.get(direction.peers())
        .and_then(Value::as_array)
        .is_some_and(|peers| !peers.is_empty() && !peers.iter().any(is_everyone))
}

/// Every namespace, or every address.
fn is_everyone(peer: &Value) -> bool {
    let chosen = |selector: &Value, by: &str| match selector.get(by) {
        Some(Value::Object(labels)) => !labels.is_empty(),
        Some(Value::Array(expressions)) => !expressions.is_empty(),
        _ => false,
    };
    let any_namespace =
        |selector: &Value| !chosen(selector, "matchLabels") && !chosen(selector, "matchExpressions");
    let any_address = |block: &str| block.ends_with("/0");
    peer.get("namespaceSelector").is_some_and(any_namespace)
        || peer.pointer("/ipBlock/cidr").and_then(Value::as_str).is_some_and(any_address)
}
