//! ```yaml
//! id: audit-log-clock
//! category: logging
//! requirements: [12.8.a]
//! level: Essentiel
//! severity: medium
//! scope: platform
//! title:
//!   fr: Horloges du serveur d'API et du journal d'audit en désaccord
//!   en: Clocks of the API server and of the audit log apart
//! reads: [secnumcloud.dev/SncAuditLog]
//! parameters:
//!   - name: maxSkewMilliseconds
//!     default: 2000
//!     bounds: {min: 1, max: 60000}
//!     stronger: lower
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Écart accepté, en millisecondes, dans un sens ou dans l'autre.
//!       en: Difference that is accepted, in milliseconds, one way or the other.
//! remediation:
//!   fr: Réparer le service de temps des nœuds nommés par les sondes, plan de contrôle et nœud de snc-audit-sink.
//!   en: Repair the time service of the nodes that probes go between, control plane and node of snc-audit-sink.
//!   snippet: |
//!     chronyc tracking
//! boundary:
//!   fr: Prouve que les deux horloges s'accordaient à la dernière sonde, au temps de son trajet près ; ne prouve pas qu'elles sont justes, ni rien des autres nœuds.
//!   en: Proves that the two clocks agreed at the last probe, give or take its time on the way; does not prove that they are right, nor anything of other nodes.
//! ```

use crate::audit_log::judged;
use crate::checks::World;
use snc_core::audit::unsaid;
use snc_core::verdict::{Outcome, Subject};

const PATH: &str = "status.probe.skewMilliseconds";

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let most = world.settings.integer("maxSkewMilliseconds").unsigned_abs();
    judged(world, |log| match log.status.probe.as_ref().and_then(|probe| probe.skew_milliseconds) {
        None => unsaid("probe.skewMilliseconds"),
        Some(skew) if skew.unsigned_abs() > most => Outcome::fail(
            format!("écart d'horloge de {skew} ms entre le serveur d'API et snc-audit-sink, {most} au plus"),
            format!("clocks of the API server and of snc-audit-sink are {skew} ms apart, at most {most}"),
        )
        .at(PATH),
        Some(_) => Outcome::pass(),
    })
}
