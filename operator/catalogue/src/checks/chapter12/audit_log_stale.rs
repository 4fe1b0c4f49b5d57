//! ```yaml
//! id: audit-log-stale
//! category: logging
//! requirements: [12.6.b]
//! level: Essentiel
//! severity: high
//! scope: platform
//! title:
//!   fr: Plus de nouvelles du journal d'audit
//!   en: Nothing heard from the audit log any more
//! reads: [secnumcloud.dev/SncAuditLog]
//! remediation:
//!   fr: Rétablir snc-audit-sink ; ce qui a été manqué pendant ce temps, le fichier du serveur d'API le rend.
//!   en: Restore snc-audit-sink; what was missed meanwhile, the API server's file gives back.
//!   snippet: |
//!     kubectl get pods -n snc-system
//!     kubectl logs -n snc-system statefulset/snc-audit-sink
//! boundary:
//!   fr: Prouve que snc-audit-sink a rendu compte d'une sonde il y a moins de trois périodes, et d'un quart d'heure au moins ; ce que la sonde a donné, d'autres contrôles le jugent.
//!   en: Proves that snc-audit-sink reported a probe less than three periods ago, and no less than a quarter of an hour; what came of it other controls judge.
//! ```

use crate::audit_log::said;
use crate::checks::World;
use snc_core::audit::Freshness;
use snc_core::verdict::{Outcome, Subject, Verdict};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    said(world, |log| {
        let Some(why) = log.stale(world.now) else { return Outcome::pass() };
        // The platform asked for a probe that nobody makes any more.
        let stale = log.freshness(world.now) == Freshness::Stale;
        Outcome { verdict: if stale { Verdict::Fail } else { Verdict::Unknown }, ..why }
    })
}
