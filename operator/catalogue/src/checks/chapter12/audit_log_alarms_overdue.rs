//! ```yaml
//! id: audit-log-alarms-overdue
//! category: logging
//! requirements: [12.9.c]
//! level: Essentiel
//! severity: high
//! scope: platform
//! title:
//!   fr: Alarmes de sécurité non acquittées dans la journée
//!   en: Security alarms not acknowledged within a day
//! reads: [secnumcloud.dev/SncAuditLog]
//! parameters:
//!   - name: hours
//!     default: 24
//!     bounds: {min: 1, max: 24}
//!     stronger: lower
//!     source: referential
//!     writer: platform
//!     about:
//!       fr: Heures pour acquitter une alarme.
//!       en: Hours to acknowledge an alarm.
//! remediation:
//!   fr: Lire chaque alarme, décider et l'acquitter en écrivant ce qui a été décidé.
//!   en: Read each alarm, decide and acknowledge it, writing what was decided.
//!   snippet: |
//!     kubectl snc alarms --overdue
//!     kubectl snc alarms acknowledge <id> --decision "…"
//! boundary:
//!   fr: Prouve qu'aucune alarme levée par les règles de détection du produit n'attend au-delà du délai ; ne juge ni ce qui a été décidé, ni les alarmes d'autres outils.
//!   en: Proves that no alarm raised by the product's rules of detection waits beyond the limit; judges neither what was decided, nor the alarms of other tools.
//! ```

use crate::audit_log::judged;
use crate::checks::World;
use jiff::SignedDuration;
use snc_core::audit::unsaid;
use snc_core::facts::AuditLog;
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let hours = world.settings.integer("hours");
    judged(world, |log| {
        let Some(alarms) = &log.status.alarms else { return unsaid("alarms") };
        match alarms.overdue {
            Some(0) => of_the_oldest(world, log, hours),
            Some(overdue @ 1..) => Outcome::fail(
                format!("{overdue} alarme(s) ouverte(s) depuis plus de {hours} h"),
                format!("{overdue} alarm(s) open for more than {hours} h"),
            )
            .at("status.alarms.overdue"),
            _ => unsaid("alarms.overdue"),
        }
    })
}

/// It gets older after it was counted. Of a sink that is silent, it may be acknowledged by now.
fn of_the_oldest(world: &World<'_>, log: &AuditLog, hours: i64) -> Outcome {
    let oldest = log.status.alarms.as_ref().and_then(|alarms| alarms.oldest_open);
    let limit = SignedDuration::from_hours(hours);
    let Some(oldest) = oldest.filter(|oldest| world.now.duration_since(*oldest) > limit) else {
        return Outcome::pass();
    };
    log.stale(world.now).unwrap_or_else(|| {
        Outcome::fail(
            format!("une alarme est ouverte depuis plus de {hours} h ({oldest})"),
            format!("an alarm has been open for more than {hours} h ({oldest})"),
        )
        .at("status.alarms.oldestOpen")
    })
}
