//! `AuditLogged`: the log of the whole cluster misses nothing, and the records of the tenant are kept for as long as is asked.

use super::super::Answer;
use crate::audit::{Days, State};
use crate::namespace::Report;
use snc_core::condition::reason;
use snc_core::names::AUDIT_LOG;

pub(super) fn audit_logged(report: &Report) -> Answer {
    let known = &report.audit;
    if let State::Broken(reason, why) = &known.state {
        return Answer::no(reason, why.fr.clone(), why.en.clone());
    }
    let asked = known.days(&report.effective);
    let kept = known.kept(&report.effective.tenant);
    if let (Some(Days { days, from, .. }), Some(kept)) = (&asked, kept)
        && kept < *days
    {
        let from = from.join(", ");
        return Answer::no(
            reason::AUDIT_RETENTION_SHORT,
            format!("les enregistrements du tenant sont gardés {kept} jours, {days} demandés par {from}"),
            format!("the records of the tenant are kept for {kept} days, {days} are asked for by {from}"),
        );
    }
    match &known.state {
        State::Absent => Answer::unknown(
            reason::AUDIT_LOG_ABSENT,
            format!("aucun SncAuditLog {AUDIT_LOG} : rien ne prouve que le journal d'audit est tenu"),
            format!("no SncAuditLog {AUDIT_LOG}: nothing proves that the audit log is kept"),
        ),
        State::Unread(why) => Answer::unknown(
            reason::AUDIT_LOG_UNREADABLE,
            format!("le SncAuditLog {AUDIT_LOG} n'est pas connu : {}", why.fr),
            format!("the SncAuditLog {AUDIT_LOG} is not known: {}", why.en),
        ),
        State::Stale(why) => Answer::unknown(reason::AUDIT_LOG_STALE, why.fr.clone(), why.en.clone()),
        State::Unproven(why) => Answer::unknown(reason::AUDIT_NOT_PROVEN, why.fr.clone(), why.en.clone()),
        State::Broken(..) | State::Whole => {
            let kept = kept.unwrap_or_default();
            Answer::yes(
                reason::AUDIT_COMPLETE,
                format!(
                    "une sonde est revenue par le journal d'audit dans le délai, aucun trou n'est ouvert, la politique d'audit est complète ; enregistrements gardés {kept} jours. Prouve le journal du cluster, non chaque événement de ce namespace"
                ),
                format!(
                    "a probe came back through the audit log in time, no gap is open, the audit policy is complete; records are kept for {kept} days. Proves the log of the cluster, not each event of this namespace"
                ),
            )
        }
    }
}
