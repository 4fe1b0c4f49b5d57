//! ```yaml
//! id: volume-released-lingers
//! category: storage
//! requirements: [11.9.a, 19.4.a]
//! level: Standard
//! severity: medium
//! scope: any
//! title:
//!   fr: Volume libéré qui garde ses données
//!   en: Released volume that keeps its data
//! reads: [core/PersistentVolume]
//! parameters:
//!   - name: graceHours
//!     default: 24
//!     bounds: {min: 1, max: 2160}
//!     stronger: lower
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Délai avant purge d'un volume libéré, en heures.
//!       en: Time before a released volume is purged, in hours.
//! remediation:
//!   fr: Effacer la donnée sur le stockage selon la procédure, puis supprimer l'objet.
//!   en: Erase the data on storage under the procedure, then delete the object.
//!   snippet: |
//!     kubectl patch pv NAME -p '{"spec": {"persistentVolumeReclaimPolicy": "Delete"}}'
//! boundary:
//!   fr: Prouve qu'aucun volume libéré ne dépasse le délai ; ne prouve pas que le stockage a réécrit ou rendu illisible l'espace rendu.
//!   en: Proves that no released volume is past its time; does not prove that storage rewrote the space or made it unreadable.
//! ```

use crate::checks::World;
use jiff::Timestamp;
use serde_json::Value;
use snc_core::facts::PersistentVolume;
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let volumes = world.snapshot.volumes.iter();
    volumes.map(|(subject, volume)| (subject.clone(), judge(world, volume))).collect()
}

fn judge(world: &World<'_>, volume: &PersistentVolume) -> Outcome {
    let status = |field: &str| volume.status.get(field).and_then(Value::as_str);
    let Some(phase) = status("phase") else { return Outcome::not_applicable() };
    if !matches!(phase, "Released" | "Failed") {
        return Outcome::pass();
    }
    let Some(since) = status("lastPhaseTransitionTime").and_then(|time| time.parse::<Timestamp>().ok())
    else {
        return Outcome::unknown(
            format!("status.phase = {phase}, depuis un moment que l'objet ne dit pas"),
            format!("status.phase = {phase}, since a time that the object does not tell"),
        )
        .at("status.phase");
    };
    let grace = world.settings.integer("graceHours").saturating_mul(3600);
    if world.now.as_second().saturating_sub(since.as_second()) <= grace {
        return Outcome::pass();
    }
    Outcome::fail(
        format!(
            "le volume garde les données de son ancien détenteur : status.phase = {phase} depuis le {since}"
        ),
        format!("the volume keeps its former holder's data: status.phase = {phase} since {since}"),
    )
    .at("status.phase")
}
