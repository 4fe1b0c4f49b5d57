//! What scans say of the images that run in a namespace, as its policies' status has it.

use super::{Answer, count_of};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use snc_api::v1alpha1::{ImageNumbers, ScanCounts, SncPolicyStatus};
use snc_catalogue::Assessed;
use snc_catalogue::images::ImageTally;
use snc_core::condition::{kind, reason};
use snc_images::report::Counts;

fn tally<'a>(assessed: Option<&'a Assessed>, namespace: &str) -> Option<&'a ImageTally> {
    assessed?.images.get(namespace)
}

pub(super) fn numbers(assessed: Option<&Assessed>, namespace: &str) -> Option<ImageNumbers> {
    let tally = tally(assessed, namespace)?;
    let counts = |counts: Counts| {
        let Counts { critical, high, medium, low, unknown } = counts;
        ScanCounts { critical, high, medium, low, unknown }
    };
    Some(ImageNumbers {
        running: count_of(tally.running),
        in_time: count_of(tally.in_time),
        overdue: count_of(tally.overdue),
        unknown: count_of(tally.unknown),
        unscanned: count_of(tally.unscanned),
        signed: count_of(tally.signed),
        unsigned: count_of(tally.unsigned),
        unverified: count_of(tally.unverified),
        open: counts(tally.open),
        past: counts(tally.past),
        next_deadline: tally.next.map(Time),
    })
}

/// `ImagesVerified`: every image that runs was scanned lately by the platform, nothing in it is past its deadline, and
/// where keys are declared one of them signed it.
pub(super) fn verified(assessed: Option<&Assessed>, namespace: &str) -> Answer {
    if assessed.is_none() {
        return Answer::unknown(
            reason::NOT_ASSESSED,
            "les images n'ont pas encore été évaluées",
            "the images have not been evaluated yet",
        );
    }
    let Some(tally) = tally(assessed, namespace) else {
        return Answer::unknown(
            reason::NO_IMAGE_RUNS,
            "aucune image ne tourne dans le namespace",
            "no image runs in the namespace",
        );
    };
    let ImageTally { running, overdue, unknown, unscanned, signed, unsigned, unverified, .. } = tally;
    let fr = format!(
        "sur {running} image(s) : {overdue} en retard, {unknown} inconnue(s), dont {unscanned} jamais analysée(s)"
    );
    let en = format!(
        "of {running} image(s): {overdue} overdue, {unknown} unknown, {unscanned} of which never scanned"
    );
    // Where no key is declared nothing is said of signatures, and the answer says that.
    let judged = signed + unsigned + unverified > 0;
    let (fr, en) = if judged {
        (
            format!(
                "{fr} ; {signed} signée(s), {unsigned} sans signature valable, {unverified} non vérifiée(s)"
            ),
            format!(
                "{en}; {signed} signed, {unsigned} without a signature that counts, {unverified} not verified"
            ),
        )
    } else {
        (fr, en)
    };
    if *overdue > 0 {
        return Answer::no(reason::IMAGES_OVERDUE, fr, en);
    }
    if *unsigned > 0 {
        return Answer::no(reason::IMAGES_UNSIGNED, fr, en);
    }
    if *unknown > 0 || *unverified > 0 {
        return Answer::unknown(reason::IMAGES_UNKNOWN, fr, en);
    }
    let (of_signatures_fr, of_signatures_en) = if judged {
        ("toutes signées par une clé déclarée", "all signed by a declared key")
    } else {
        (
            "les signatures ne sont pas jugées, faute de clé déclarée",
            "signatures are not judged, since no key is declared",
        )
    };
    Answer::yes(
        reason::IMAGES_IN_TIME,
        format!("{running} image(s), analysées par la plateforme, sans délai dépassé ; {of_signatures_fr}"),
        format!("{running} image(s), scanned by the platform, none past a deadline; {of_signatures_en}"),
    )
}

/// What is worth an Event: that a deadline passed or something unsigned runs, and that it is mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageNotice {
    pub warning: bool,
    pub reason: &'static str,
    pub note: String,
}

pub fn image_notice(before: Option<&SncPolicyStatus>, after: &SncPolicyStatus) -> Option<ImageNotice> {
    let of = |status: &SncPolicyStatus| {
        let found = status.conditions.iter().find(|one| one.type_ == kind::IMAGES_VERIFIED);
        found.map(|one| (one.status == "False", one.reason.clone(), one.message.clone()))
    };
    let was = before.and_then(of).filter(|(bad, ..)| *bad).map(|(_, reason, _)| reason);
    let (is, why, note) = of(after)?;
    let reason = match (is, why.as_str()) {
        (false, _) => reason::IMAGES_MENDED,
        (true, reason::IMAGES_UNSIGNED) => reason::IMAGES_UNSIGNED,
        (true, _) => reason::IMAGES_OVERDUE,
    };
    (was != is.then_some(why)).then_some(ImageNotice { warning: is, reason, note })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

    fn status(of: &str, reason: &str) -> SncPolicyStatus {
        let condition = Condition {
            type_: kind::IMAGES_VERIFIED.to_owned(),
            status: of.to_owned(),
            reason: reason.to_owned(),
            message: String::new(),
            observed_generation: None,
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
        };
        SncPolicyStatus { conditions: vec![condition], ..SncPolicyStatus::default() }
    }

    #[test]
    fn a_deadline_that_passes_is_told_once_and_so_is_its_end() {
        let (overdue, unknown) = (status("False", "ImagesOverdue"), status("Unknown", "ImagesUnknown"));
        let notice = image_notice(None, &overdue).expect("told");
        assert!(notice.warning && notice.reason == "ImagesOverdue");
        assert_eq!(image_notice(Some(&overdue), &overdue), None);
        assert_eq!(image_notice(None, &unknown), None);
        assert_eq!(image_notice(Some(&overdue), &unknown).map(|notice| notice.warning), Some(false));
        let unsigned = status("False", "ImagesUnsigned");
        assert_eq!(
            image_notice(Some(&overdue), &unsigned).map(|notice| notice.reason),
            Some("ImagesUnsigned")
        );
    }
}
