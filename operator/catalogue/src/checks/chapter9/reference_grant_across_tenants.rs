//! ```yaml
//! id: reference-grant-across-tenants
//! category: network
//! requirements: [9.7.a]
//! level: Essentiel
//! severity: high
//! scope: tenant
//! title:
//!   fr: Ressources prêtées à un autre tenant
//!   en: Resources lent to another tenant
//! reads: [gateway.networking.k8s.io/ReferenceGrant, core/Namespace]
//! judges: [gateway.networking.k8s.io/ReferenceGrant]
//! whenAbsent: NotApplicable
//! remediation:
//!   fr: Ne prêter qu'aux namespaces du même tenant ou à ceux de la plateforme.
//!   en: Lend only to namespaces of the same tenant or of the platform.
//!   snippet: |
//!     spec:
//!       from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: edge}]
//!       to: [{group: "", kind: Secret, name: shop-tls}]
//! boundary:
//!   fr: Prouve que l'emprunteur n'est pas un autre tenant ; ne dit pas si ce qui est prêté est limité au nécessaire.
//!   en: Proves that the borrower is not another tenant; does not say whether what is lent is limited to what is needed.
//! ```

use crate::checks::World;
use serde_json::Value;
use snc_core::snapshot::Stock;
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let grants = world.snapshot.dynamic.get("gateway.networking.k8s.io/ReferenceGrant");
    grants
        .into_iter()
        .flat_map(Stock::iter)
        .map(|(subject, grant)| (subject.clone(), judge(world, subject, grant)))
        .collect()
}

fn judge(world: &World<'_>, subject: &Subject, grant: &Value) -> Outcome {
    let Some(own) = world.snapshot.tenant(&subject.namespace) else { return Outcome::not_applicable() };
    let borrowers = grant.pointer("/spec/from").and_then(Value::as_array);
    let (mut others, mut strangers) = (Vec::new(), Vec::new());
    for (at, from) in borrowers.into_iter().flatten().enumerate() {
        let name = from.get("namespace").and_then(Value::as_str).unwrap_or_default();
        match world.snapshot.tenant(name) {
            Some(tenant) if tenant != own => others.push((at, name)),
            None if world.snapshot.labels_of(name).is_none() => strangers.push((at, name)),
            _ => {}
        }
    }
    let (found, outcome): (_, fn(String, String) -> Outcome) =
        if others.is_empty() { (strangers, Outcome::unknown) } else { (others, Outcome::fail) };
    if found.is_empty() {
        return Outcome::pass();
    }
    let told: Vec<String> =
        found.iter().map(|(at, name)| format!("spec.from[{at}].namespace = {name}")).collect();
    let told = told.join(", ");
    let said = outcome(
        format!("prêt à un namespace d'un autre tenant, ou inconnu : {told}"),
        format!("lent to a namespace of another tenant, or unknown: {told}"),
    );
    found.iter().fold(said, |said, (at, _)| said.at(format!("spec.from[{at}].namespace")))
}
