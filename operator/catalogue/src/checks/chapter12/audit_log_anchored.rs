//! ```yaml
//! id: audit-log-anchored
//! category: logging
//! requirements: [12.7.a]
//! level: Standard
//! severity: high
//! scope: platform
//! title:
//!   fr: Journal d'audit sans ancre récente hors de son stockage
//!   en: Audit log without a recent anchor outside of its store
//! reads: [secnumcloud.dev/SncAuditLog]
//! parameters:
//!   - name: maxAgeHours
//!     default: 24
//!     bounds: {min: 1, max: 168}
//!     stronger: lower
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Âge de l'ancre, en heures, à partir duquel la fin du journal n'est plus prouvée.
//!       en: Age of the anchor, in hours, from which the end of the log is not proven any more.
//! remediation:
//!   fr: Faire écrire les têtes du journal dans un autre stockage à verrou d'objets, ou à un récepteur syslog que les gestionnaires du stockage ne tiennent pas.
//!   en: Have the heads of the log written to another store with object lock, or to a syslog receiver that the keepers of the store do not hold.
//!   snippet: |
//!     kubectl get sncauditlog cluster -o jsonpath='{.status.seal}'
//!     kubectl snc logs verify s3://journaux/cluster-1 --anchor s3://ancres/cluster-1
//! boundary:
//!   fr: Prouve qu'une tête du journal a été écrite ailleurs il y a peu, d'après snc-audit-sink ; qu'elle s'accorde avec ce qui est gardé, `kubectl snc logs verify` le dit.
//!   en: Proves that a head of the log was written elsewhere lately, by the word of snc-audit-sink; that it agrees with what is kept, `kubectl snc logs verify` tells.
//! ```

use crate::audit_log::judged;
use crate::checks::World;
use jiff::SignedDuration;
use snc_core::audit::unsaid;
use snc_core::verdict::{Outcome, Subject};

const PATH: &str = "status.seal.anchoredAt";

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let hours = world.settings.integer("maxAgeHours");
    judged(world, |log| {
        // Without a head there is nothing to anchor.
        let Some(seal) = log.status.seal.as_ref().filter(|seal| seal.at.is_some()) else {
            return unsaid("seal");
        };
        let Some(anchored) = seal.anchored_at else {
            return Outcome::fail(
                "aucune tête n'est ancrée hors du stockage : la fin du journal n'est pas prouvée",
                "no head is anchored outside of the store: the end of the log is not proven",
            )
            .at(PATH);
        };
        if world.now.duration_since(anchored) > SignedDuration::from_hours(hours) {
            // Of a sink that is silent, there may be another by now.
            let old = || {
                Outcome::fail(
                format!("la dernière ancre a plus de {hours} h ({anchored}) : la fin du journal n'est pas prouvée"),
                format!("the last anchor is older than {hours} h ({anchored}): the end of the log is not proven"),
            )
            .at(PATH)
            };
            return log.stale(world.now).unwrap_or_else(old);
        }
        Outcome::pass()
    })
}
