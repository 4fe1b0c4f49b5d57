//! What the controls say of a namespace and of a tenant, as their statuses have it.

use super::{Answer, count, first};
use snc_api::v1alpha1::{ControlFinding, ControlFindings, ControlNumbers};
use snc_catalogue::{Assessed, Catalogue, Numbers, Tally};
use snc_core::condition::reason;
use snc_core::control::Control;
use snc_core::lang::Lang;
use snc_core::text::clip;
use snc_core::tier::Level;
use snc_core::verdict::Verdict;
use std::cmp::Reverse;

const SHOWN: usize = 20;
const NAMED: usize = 5;

pub(super) fn numbers(numbers: Numbers) -> ControlNumbers {
    ControlNumbers {
        proven: numbers.proven.into(),
        disproved: numbers.disproved.into(),
        unknown: numbers.unknown.into(),
        score: numbers.score().map(Into::into),
    }
}

/// What was found out about one namespace, if it was by the level that is asked for now.
pub(super) fn tally<'a>(
    assessed: Option<&'a Assessed>,
    namespace: &str,
    level: Option<Level>,
) -> Option<&'a Tally> {
    let tally = assessed?.namespaces.get(namespace)?;
    level.is_none_or(|level| tally.level == level).then_some(&**tally)
}

/// `ControlsSatisfied`: whether every control that applies passes. `unread` are objects that may ask for more.
pub(super) fn satisfied(
    assessed: Option<&Assessed>,
    namespace: &str,
    level: Option<Level>,
    unread: &[String],
) -> Answer {
    let not_assessed = Answer::unknown(
        reason::NOT_ASSESSED,
        "les contrôles n'ont pas encore été évalués",
        "the controls have not been evaluated yet",
    );
    let Some(assessed) = assessed else { return not_assessed };
    let nothing = Answer::unknown(
        reason::NOTHING_APPLIES,
        "aucun contrôle ne s'applique à ce que contient le namespace",
        "no control applies to what is in the namespace",
    );
    if !assessed.namespaces.contains_key(namespace) {
        return nothing;
    }
    let Some(tally) = tally(Some(assessed), namespace, level) else { return not_assessed };
    let Numbers { proven, disproved, unknown } = tally.numbers;
    let all = u64::from(proven) + u64::from(disproved) + u64::from(unknown);
    if disproved > 0 {
        let ids = ids(&assessed.catalogue, tally, Verdict::Fail);
        return Answer::no(
            reason::CONTROLS_FAIL,
            format!(
                "sur {all} contrôles : {disproved} en échec, {unknown} sans conclusion ; en échec : {ids}"
            ),
            format!("of {all} controls: {disproved} fail, {unknown} cannot conclude; failing: {ids}"),
        );
    }
    if unknown > 0 {
        let ids = ids(&assessed.catalogue, tally, Verdict::Unknown);
        return Answer::unknown(
            reason::CONTROLS_UNKNOWN,
            format!("sur {all} contrôles : {unknown} sans conclusion, aucun en échec : {ids}"),
            format!("of {all} controls: {unknown} cannot conclude, none fails: {ids}"),
        );
    }
    if proven == 0 {
        return nothing;
    }
    if !unread.is_empty() {
        let list = first(unread, NAMED);
        return Answer::unknown(
            reason::UNREADABLE,
            format!(
                "un niveau ou des paramètres plus stricts peuvent être demandés par ce qui n'a jamais été lu : {list}"
            ),
            format!("a higher level or stricter parameters may be asked for by what was never read: {list}"),
        );
    }
    Answer::yes(
        reason::CONTROLS_PASS,
        format!("{all} contrôles, tous passés ; chacun ne prouve que ce que dit son périmètre"),
        format!("{all} controls, all passed; each proves what its boundary says and no more"),
    )
}

/// The gravest first. What is not known may be known of none of them by name: a waiver counts as unknown, too.
fn ids(catalogue: &Catalogue, tally: &Tally, verdict: Verdict) -> String {
    let counts =
        |found: Verdict| found == verdict || (verdict == Verdict::Unknown && found == Verdict::Exempt);
    let mut found: Vec<&Control> = catalogue
        .controls()
        .zip(&tally.worst)
        .filter(|(control, worst)| control.applies_at(tally.level) && counts(**worst))
        .map(|(control, _)| control)
        .collect();
    found.sort_by_key(|control| (Reverse(control.severity), control.id.as_str()));
    let ids: Vec<&str> = found.iter().map(|control| control.id.as_str()).collect();
    first(&ids, NAMED)
}

/// The worst of what was found in a namespace.
pub(super) fn findings(assessed: &Assessed, namespace: &str, lang: Lang) -> ControlFindings {
    let Some(found) = assessed.findings.get(namespace) else { return ControlFindings::default() };
    let controls: Vec<&Control> = assessed.catalogue.controls().collect();
    let items: Vec<ControlFinding> = found
        .worst
        .iter()
        .filter_map(|finding| {
            let control = controls.get(finding.control)?;
            Some(ControlFinding {
                control: control.id.clone(),
                severity: control.severity,
                verdict: finding.outcome.verdict.to_string(),
                object: clip(&format!("{}/{}", finding.subject.kind, finding.subject.name), 512),
                message: clip(finding.outcome.message.get(lang), 1024),
            })
        })
        .take(SHOWN)
        .collect();
    let total = i64::from(found.fail) + i64::from(found.unknown);
    ControlFindings { total, truncated: total > count(items.len()), items }
}
