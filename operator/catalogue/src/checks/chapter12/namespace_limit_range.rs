//! ```yaml
//! id: namespace-limit-range
//! category: namespaces
//! requirements: [12.7.b, 17.4.a, 9.7.a]
//! level: Standard
//! severity: medium
//! scope: tenant
//! title:
//!   fr: Conteneurs sans demandes ni limites par défaut
//!   en: Containers without default requests and limits
//! reads: [core/Namespace, core/LimitRange]
//! judges: [core/Namespace]
//! parameters:
//!   - name: defaults
//!     default: [requests.cpu, requests.memory, limits.memory, limits.ephemeral-storage]
//!     stronger: more
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Valeurs par défaut qu'un conteneur reçoit quand il ne dit rien.
//!       en: Defaults that a container gets where it says nothing.
//! remediation:
//!   fr: Donner des valeurs par défaut aux conteneurs, stockage éphémère compris.
//!   en: Give containers defaults, ephemeral storage included.
//!   snippet: |
//!     apiVersion: v1
//!     kind: LimitRange
//!     metadata: {name: limits, namespace: shop}
//!     spec:
//!       limits:
//!         - type: Container
//!           default: {memory: 512Mi, ephemeral-storage: 1Gi}
//!           defaultRequest: {cpu: 100m, memory: 128Mi}
//! boundary:
//!   fr: Prouve que les nouveaux conteneurs reçoivent ces valeurs ; ne borne pas ce qu'un conteneur demande lui-même, et ne change rien aux pods déjà créés.
//!   en: Proves that new containers get these values; does not bound what a container asks for itself, and changes nothing for pods that exist.
//! ```

use crate::checks::World;
use serde_json::Value;
use snc_core::facts::Limits;
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let wanted = world.settings.strings("defaults");
    let judge = |(subject, _): (&Subject, _)| {
        if world.snapshot.tenant(&subject.name).is_none() {
            return (subject.clone(), Outcome::not_applicable());
        }
        let given = |resource: &&str| {
            world.snapshot.limits.within(&subject.name).any(|(_, limits)| gives(limits, resource))
        };
        let missing: Vec<&str> = wanted.iter().copied().filter(|resource| !given(resource)).collect();
        let outcome = if missing.is_empty() {
            Outcome::pass()
        } else {
            let missing = missing.join(", ");
            Outcome::fail(
                format!("aucun LimitRange ne donne par défaut aux conteneurs : {missing}"),
                format!("no LimitRange gives containers a default for: {missing}"),
            )
        };
        (subject.clone(), outcome)
    };
    world.snapshot.namespaces.iter().map(judge).collect()
}

/// A default that is not written is the maximum; a default request is the default, else the minimum.
fn gives(limits: &Limits, wanted: &str) -> bool {
    let (fields, resource): (&[&str], &str) = match wanted.split_once('.') {
        Some(("requests", resource)) => (&["defaultRequest", "default", "max", "min"], resource),
        Some(("limits", resource)) => (&["default", "max"], resource),
        _ => return false,
    };
    let of_containers = limits
        .spec
        .limits
        .iter()
        .filter(|limit| limit.get("type").and_then(Value::as_str) == Some("Container"));
    of_containers
        .flat_map(|limit| fields.iter().filter_map(|field| limit.get(*field)))
        .any(|values| values.get(resource).is_some_and(|value| !value.is_null()))
}
