//! The one `SncAuditLog`, as the controls on it see it.

use crate::checks::World;
use jiff::Timestamp;
use snc_core::facts::AuditLog;
use snc_core::names::AUDIT_LOG;
use snc_core::snapshot::Snapshot;
use snc_core::verdict::{Outcome, Subject};

pub(crate) const KIND: &str = "secnumcloud.dev/SncAuditLog";

/// What is said of it. Where there is none, nobody knows of any log; and of one that nobody speaks for any more, nothing
/// passes.
pub(crate) fn judged(world: &World<'_>, judge: impl Fn(&AuditLog) -> Outcome) -> Vec<(Subject, Outcome)> {
    said(world, |log| log.weighed(judge(log), world.now))
}

/// As `judged`, its age aside.
pub(crate) fn said(world: &World<'_>, judge: impl Fn(&AuditLog) -> Outcome) -> Vec<(Subject, Outcome)> {
    if let Some((subject, log)) = held(world.snapshot) {
        return vec![(subject.clone(), judge(log))];
    }
    // What is there and cannot be understood is said to be so already.
    if world.snapshot.unreadable().any(|(subject, _)| is_it(subject)) {
        return Vec::new();
    }
    let none = Outcome::unknown(
        format!("aucun SncAuditLog {AUDIT_LOG} : rien n'est su du journal d'audit"),
        format!("no SncAuditLog {AUDIT_LOG}: nothing is known of the audit log"),
    );
    vec![(Subject::whole(), none)]
}

/// When something else may be said of it, though nothing was written.
pub(crate) fn turns(snapshot: &Snapshot, now: Timestamp) -> Option<Timestamp> {
    held(snapshot)?.1.turns(now)
}

fn held(snapshot: &Snapshot) -> Option<(&Subject, &AuditLog)> {
    snapshot.audit_logs.iter().find(|(subject, _)| is_it(subject))
}

/// The API server takes no other name.
fn is_it(subject: &Subject) -> bool {
    subject.kind_key() == KIND && subject.name == AUDIT_LOG
}
