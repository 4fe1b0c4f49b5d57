//! `AdmissionEnforced`: by what the canary tenant was answered, never by the presence of a policy.

use super::super::{Answer, first};
use crate::canary::Tried;
use crate::namespace::Report;
use snc_core::condition::reason;
use snc_core::tier::Mode;

const NAMED: usize = 5;

pub(super) fn admission_enforced(report: &Report) -> Answer {
    let Some(Tried { refused, allowed, unproven }) = &report.admission else {
        return Answer::unknown(
            reason::NOT_TRIED,
            "le tenant témoin n'a encore rien tenté",
            "the canary tenant has not tried anything yet",
        );
    };
    let named = |ids: &[String]| first(&ids.iter().map(String::as_str).collect::<Vec<_>>(), NAMED);
    if !allowed.is_empty() {
        let ids = named(allowed);
        return Answer::no(
            reason::CANARY_ALLOWED,
            format!("le tenant témoin a été laissé passer : {ids}"),
            format!("the canary tenant was let through: {ids}"),
        );
    }
    if !unproven.is_empty() || *refused == 0 {
        let ids = named(unproven);
        return Answer::unknown(
            reason::CANARY_INCONCLUSIVE,
            format!("autre chose que la garde attendue a répondu au tenant témoin : {ids}"),
            format!("something else than the guard that should answered the canary tenant: {ids}"),
        );
    }
    let constraints = &report.effective.constraints;
    let modes = [("podSecurity", constraints.pod_security()), ("workloads", constraints.workloads())];
    let weaker: Vec<String> = modes
        .iter()
        .filter(|(_, mode)| *mode != Mode::Enforce)
        .map(|(field, mode)| format!("modes.{field}={mode}"))
        .collect();
    if !weaker.is_empty() {
        let weaker = weaker.join(", ");
        return Answer::no(
            reason::NOT_ENFORCED,
            format!("ce que les contrôles critiques refuseraient est admis ici : {weaker}"),
            format!("what the critical controls would refuse is admitted here: {weaker}"),
        );
    }
    Answer::yes(
        reason::CANARY_REFUSED,
        format!("{refused} requêtes interdites du tenant témoin, toutes refusées par la garde attendue"),
        format!("{refused} forbidden requests of the canary tenant, each refused by the guard that should"),
    )
}
