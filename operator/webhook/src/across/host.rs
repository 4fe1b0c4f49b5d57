//! Names that somebody else publishes under.

use super::{Others, Written};
use serde_json::Value;
use snc_core::text::clip;
use snc_core::verdict::Outcome;
use std::collections::BTreeSet;

pub fn judge(written: &Written<'_>, others: &Others<'_>) -> Outcome {
    let is_ingress = written.object["kind"] == "Ingress";
    let before: BTreeSet<String> = names(is_ingress, written.before).into_iter().collect();
    let fresh: BTreeSet<String> =
        names(is_ingress, written.object).into_iter().filter(|name| !before.contains(name)).collect();
    let mut contested = Vec::new();
    for name in &fresh {
        let rivals: BTreeSet<&str> = others
            .hosts
            .claimants(name)
            .into_iter()
            .filter(|namespace| *namespace != written.namespace)
            .map(|namespace| others.tenant(namespace).unwrap_or("-"))
            .filter(|tenant| *tenant != written.tenant)
            .collect();
        if !rivals.is_empty() {
            let rivals: Vec<&str> = rivals.into_iter().take(3).collect();
            contested.push(format!("{} ({})", clip(name, 100), rivals.join(", ")));
        }
    }
    if contested.is_empty() {
        return Outcome::pass();
    }
    let contested = contested.join(", ");
    Outcome::fail(
        format!("noms déjà réclamés par un autre tenant ou par la plateforme : {contested}"),
        format!("names already claimed by another tenant or by the platform: {contested}"),
    )
    .at(if is_ingress { "spec.rules" } else { "spec.hostnames" })
}

/// Of an Ingress those of its rules and of its certificates: a controller may serve either.
pub fn names(is_ingress: bool, object: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut all: Vec<Value> = Vec::new();
    if is_ingress {
        all.extend(list(&object["spec"]["rules"]).into_iter().map(|rule| rule["host"].clone()));
        all.extend(list(&object["spec"]["tls"]).iter().flat_map(|tls| list(&tls["hosts"])));
    } else {
        all.extend(list(&object["spec"]["hostnames"]));
    }
    let texts = all.iter().filter_map(Value::as_str).filter(|name| !name.is_empty());
    texts.map(str::to_ascii_lowercase).collect()
}
