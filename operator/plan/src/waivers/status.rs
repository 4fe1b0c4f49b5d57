//! What is said of an exception, and when somebody is told.

use super::{Approval, SOON, Standing, State, longest};
use crate::status::{Answer, Context, count, first};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use snc_api::v1alpha1::{SncException, SncExceptionStatus};
use snc_core::condition::{kind, reason};
use snc_core::lang::Lang;
use std::collections::BTreeSet;

const TOLD: usize = 5;

/// Without the approval, which is a person's to write. `matched` are the pairs that fail and are waived; none where the
/// controls have not looked since it is in force.
pub fn exception_status(
    exception: &SncException,
    standing: &Standing,
    matched: Option<&BTreeSet<(String, String)>>,
    lang: Lang,
    now: Timestamp,
) -> SncExceptionStatus {
    let before = exception.status.as_ref();
    let previous = before.map(|status| status.conditions.as_slice()).unwrap_or_default();
    let context = Context { lang, generation: exception.metadata.generation, now };
    let matched = matched.filter(|_| standing.is_in_force());
    let hits = matched.map(|matched| standing.pairs.intersection(matched).count());
    let approved = matches!(standing.approval, Approval::By(_));
    let since = before.and_then(|status| status.approved_at.clone()).unwrap_or(Time(now));
    let answers = [
        (kind::APPROVED, approval(&standing.approval, &exception.spec.requested_by)),
        (kind::ACTIVE, activity(standing)),
        (kind::MATCHING, matching(standing, matched)),
    ];
    SncExceptionStatus {
        approved_by: None,
        approved_at: approved.then_some(since),
        until: standing.until.map(Time),
        pairs: Some(count(standing.pairs.len())),
        hits: hits.map(count),
        observed_generation: context.generation,
        conditions: answers
            .into_iter()
            .map(|(kind, answer)| answer.condition(kind, previous, &context))
            .collect(),
    }
}

/// Whether there is nothing to write.
pub fn same(before: Option<&SncExceptionStatus>, fresh: &SncExceptionStatus) -> bool {
    before.is_some_and(|before| SncExceptionStatus { approved_by: None, ..before.clone() } == *fresh)
}

fn approval(approval: &Approval, requester: &str) -> Answer {
    match approval {
        Approval::Awaited => Answer::no(
            reason::AWAITING_APPROVAL,
            format!(
                "demandé par {requester} ; une autre personne approuve en écrivant son nom dans status.approvedBy"
            ),
            format!(
                "asked for by {requester}; another person approves by writing their name into status.approvedBy"
            ),
        ),
        Approval::By(by) => Answer::yes(
            reason::APPROVED,
            format!("demandé par {requester}, approuvé par {by}"),
            format!("asked for by {requester}, approved by {by}"),
        ),
        Approval::Refused(by) => Answer::no(
            reason::APPROVAL_REFUSED,
            format!(
                "status.approvedBy : reçu {by:?} ; accepté : une personne autre que {requester:?}, pas un ServiceAccount. Supprimez l'objet et recréez-le"
            ),
            format!(
                "status.approvedBy: got {by:?}; accepted: another person than {requester:?}, no ServiceAccount. Delete the object and create it again"
            ),
        ),
    }
}

fn activity(standing: &Standing) -> Answer {
    let until = standing.until.map(|until| until.to_string()).unwrap_or_default();
    let cut = standing.cut.map(|severity| (severity, longest(severity)));
    let (cut_fr, cut_en) = match cut {
        Some((severity, days)) => (
            format!(" ; spec.expiresOn est au-delà des {days} jours qu'un contrôle {severity} permet"),
            format!(
                "; spec.expiresOn is beyond the {days} days that a control of severity {severity} allows"
            ),
        ),
        None => (String::new(), String::new()),
    };
    let days = SOON.as_hours() / 24;
    match &standing.state {
        State::InForce => Answer::yes(
            reason::IN_FORCE,
            format!("en vigueur jusqu'au {until}{cut_fr}"),
            format!("in force until {until}{cut_en}"),
        ),
        State::Soon => Answer::yes(
            reason::EXPIRES_SOON,
            format!("en vigueur jusqu'au {until}, moins de {days} jours{cut_fr}"),
            format!("in force until {until}, less than {days} days{cut_en}"),
        ),
        State::Expired => Answer::no(
            reason::EXPIRED,
            format!("finie depuis le {until}, plus rien n'est exempté{cut_fr}"),
            format!("ended at {until}, nothing is waived any more{cut_en}"),
        ),
        State::NotApproved => Answer::no(
            reason::NOT_APPROVED,
            "rien n'est exempté sans approbation",
            "nothing is waived without an approval",
        ),
        State::Withdrawn => Answer::no(
            reason::NOT_IN_FORCE,
            "en cours de suppression, plus rien n'est exempté",
            "being deleted, nothing is waived any more",
        ),
        State::Changed => Answer::no(
            reason::SPEC_CHANGED,
            "spec n'est plus ce qui a été créé : rien n'est exempté. Créez un autre SncException",
            "spec is no longer what was created: nothing is waived. Create another SncException",
        ),
        State::UnknownControls(ids) => Answer::no(
            reason::UNKNOWN_CONTROL,
            format!(
                "spec.controls : reçu {} ; accepté : un id de `kubectl snc controls`. Rien n'est exempté",
                first(ids, TOLD)
            ),
            format!(
                "spec.controls: got {}; accepted: an id of `kubectl snc controls`. Nothing is waived",
                first(ids, TOLD)
            ),
        ),
        State::Limit => Answer::no(
            reason::WAIVER_LIMIT,
            format!(
                "les exceptions plus anciennes remplissent les {} Kio que l'opérateur publie : celle-ci n'est pas en vigueur",
                super::MAX_BYTES / 1024
            ),
            format!(
                "older exceptions fill the {} KiB that the operator publishes: this one is not in force",
                super::MAX_BYTES / 1024
            ),
        ),
    }
}

fn matching(standing: &Standing, matched: Option<&BTreeSet<(String, String)>>) -> Answer {
    if !standing.is_in_force() {
        return Answer::unknown(reason::NOT_IN_FORCE, "pas en vigueur", "not in force");
    }
    let Some(matched) = matched else {
        return Answer::unknown(
            reason::NOT_ASSESSED,
            "les contrôles n'ont pas encore été évalués avec elle",
            "the controls were not assessed with it yet",
        );
    };
    let idle: Vec<String> =
        standing.pairs.difference(matched).map(|(control, key)| format!("{control} {key}")).collect();
    let (all, hits) = (standing.pairs.len(), standing.pairs.len() - idle.len());
    let list = first(&idle, TOLD);
    match hits {
        0 => Answer::no(
            reason::MATCHES_NOTHING,
            format!("rien de ce qu'elle exempte n'échoue : {list}. Supprimez-la si elle ne sert plus"),
            format!("nothing that it waives fails: {list}. Delete it if it serves no more"),
        ),
        hits if hits == all => Answer::yes(
            reason::MATCHES,
            format!("les {all} paires échouent et sont exemptées"),
            format!("all {all} pairs fail and are waived"),
        ),
        hits => Answer::yes(
            reason::MATCHES_IN_PART,
            format!("{hits} paires sur {all} échouent et sont exemptées ; sans effet : {list}"),
            format!("{hits} of {all} pairs fail and are waived; without effect: {list}"),
        ),
    }
}

/// Something to tell people of once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub warning: bool,
    pub reason: &'static str,
    pub note: String,
}

/// What is worth an event between one status and the next.
pub fn notices(before: Option<&SncExceptionStatus>, after: &SncExceptionStatus) -> Vec<Notice> {
    let of = |kind: &str, status: &SncExceptionStatus| {
        status.conditions.iter().find(|condition| condition.type_ == kind).cloned()
    };
    let fresh = |kind: &str| -> Option<Condition> {
        let now = of(kind, after)?;
        let was = before.and_then(|before| of(kind, before));
        was.is_none_or(|was| was.reason != now.reason).then_some(now)
    };
    let told = |kind: &str, warning: bool, reasons: &[&'static str]| {
        let condition = fresh(kind)?;
        let reason = reasons.iter().find(|reason| **reason == condition.reason)?;
        Some(Notice { warning, reason, note: condition.message })
    };
    let warnings = [
        reason::EXPIRES_SOON,
        reason::EXPIRED,
        reason::UNKNOWN_CONTROL,
        reason::SPEC_CHANGED,
        reason::WAIVER_LIMIT,
    ];
    [
        told(kind::APPROVED, false, &[reason::APPROVED]),
        told(kind::APPROVED, true, &[reason::APPROVAL_REFUSED]),
        told(kind::ACTIVE, true, &warnings),
        told(kind::MATCHING, true, &[reason::MATCHES_NOTHING]),
    ]
    .into_iter()
    .flatten()
    .collect()
}
