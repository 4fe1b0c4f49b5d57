//! ```yaml
//! id: audit-log-retention
//! category: logging
//! requirements: [12.6.c]
//! level: Essentiel
//! severity: high
//! scope: platform
//! title:
//!   fr: Journal d'audit gardé trop peu de temps
//!   en: Audit log kept for too short a time
//! reads: [secnumcloud.dev/SncAuditLog]
//! parameters:
//!   - name: days
//!     default: 184
//!     bounds: {min: 184, max: 3650}
//!     stronger: higher
//!     source: referential
//!     writer: platform
//!     about:
//!       fr: Jours de conservation au moins ; six mois en font 184.
//!       en: Days of retention at least; six months are 184.
//! remediation:
//!   fr: Relever la rétention et dimensionner le stockage en conséquence ; status.store.forecastDays dit où il en est.
//!   en: Raise the retention and size the store for it; status.store.forecastDays says where it stands.
//!   snippet: |
//!     kubectl patch sncauditlog cluster --type=merge -p '{"spec": {"retention": {"days": 365}}}'
//! boundary:
//!   fr: Prouve la durée que snc-audit-sink applique ; ne prouve pas que des événements aussi anciens existent, ni qu'un stockage sans verrou d'objets les garde contre qui le gère.
//!   en: Proves the time that snc-audit-sink goes by; does not prove that events so old exist, nor that a store without object lock keeps them from whoever runs it.
//! ```

use crate::audit_log::judged;
use crate::checks::World;
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let least = u32::try_from(world.settings.integer("days")).unwrap_or(u32::MAX);
    judged(world, |log| log.retention(least))
}
