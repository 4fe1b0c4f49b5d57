//! ```yaml
//! id: volume-of-two-tenants
//! category: storage
//! requirements: [9.7.a, 10.1.a]
//! level: Essentiel
//! severity: critical
//! scope: any
//! title:
//!   fr: Volume partagé entre tenants
//!   en: Volume shared between tenants
//! reads: [core/PersistentVolume, core/Namespace]
//! judges: [core/PersistentVolume]
//! remediation:
//!   fr: Donner à chaque tenant son propre volume, puis supprimer l'objet en trop sans effacer la donnée de l'autre.
//!   en: Give every tenant a volume of its own, then delete the object in excess without erasing the other's data.
//!   snippet: |
//!     kubectl get pv -o custom-columns='NAME:.metadata.name,CLAIM:.spec.claimRef.namespace,HANDLE:.spec.csi.volumeHandle'
//! boundary:
//!   fr: Prouve qu'aucun autre volume connu ne mène au même espace de stockage ; ne dit pas ce qu'un stockage partage en dessous, ni ce qui est monté hors du cluster.
//!   en: Proves that no other known volume leads to the same piece of storage; does not say what storage shares underneath, nor what is mounted outside the cluster.
//! ```

use crate::checks::World;
use serde_json::Value;
use snc_core::facts::PersistentVolume;
use snc_core::verdict::{Outcome, Subject};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let mut holders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let volumes = || world.snapshot.volumes.iter().map(|(subject, volume)| (subject, volume, place(volume)));
    for (_, volume, place) in volumes() {
        if let Some(place) = place {
            holders.entry(place).or_default().insert(holder(world, volume));
        }
    }
    let judged = |(subject, volume, place): (&Subject, &PersistentVolume, Option<String>)| {
        let Some(place) = place else { return (subject.clone(), Outcome::not_applicable()) };
        let own = holder(world, volume);
        let others = holders.get(&place).into_iter().flatten().filter(|other| **other != own);
        let others: Vec<&str> = others.map(String::as_str).collect();
        let outcome = if others.is_empty() {
            Outcome::pass()
        } else {
            let others = others.join(", ");
            Outcome::fail(
                format!("un autre volume mène au même espace de stockage : {place} ({own} ; {others})"),
                format!("another volume leads to the same piece of storage: {place} ({own}; {others})"),
            )
            .at("spec")
        };
        (subject.clone(), outcome)
    };
    volumes().map(judged).collect()
}

/// The tenant, else the namespace, else nobody yet: whoever claims it next.
fn holder(world: &World<'_>, volume: &PersistentVolume) -> String {
    let claim = volume.spec.get("claimRef").and_then(|claim| claim.get("namespace")).and_then(Value::as_str);
    claim.map_or("-", |namespace| world.snapshot.tenant(namespace).unwrap_or(namespace)).to_owned()
}

/// Where the data are, for sources that the network shares.
fn place(volume: &PersistentVolume) -> Option<String> {
    let text = |source: &str, field: &str| {
        volume
            .spec
            .get(source)
            .and_then(|source| source.get(field))
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let csi = || Some(format!("{} {}", text("csi", "driver")?, text("csi", "volumeHandle")?));
    let nfs =
        || Some(format!("nfs {}:{}", text("nfs", "server")?, text("nfs", "path")?.trim_end_matches('/')));
    csi().or_else(nfs)
}
