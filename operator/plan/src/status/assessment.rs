use super::{Answer, Context, count};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use snc_api::v1alpha1::{ControlCode, RequirementCode, RequirementCounts, SncAssessmentStatus, Transition};
use snc_catalogue::{Catalogue, Counts, RequirementState, Tally};
use snc_core::condition::{kind, reason};
use snc_core::lang::Lang;
use snc_core::verdict::Verdict;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// As the schema has it.
const CONTROLS: usize = 512;
const TRANSITIONS: usize = 50;
/// Of the whole status as JSON (law 7).
const MAX_BYTES: usize = 100 * 1024;
/// For what is around the controls: their total, the flag, and times that are filled in last.
const MARGIN: usize = 1024;

/// What is known of the requirements of one scope, and whether it is reported to other tools. Equal input gives equal output, and with nothing new the status is the
/// previous one to the letter.
pub fn assessment_status(
    previous: Option<&SncAssessmentStatus>,
    tally: &Tally,
    catalogue: &Catalogue,
    reports: Option<(Answer, Lang)>,
    now: Timestamp,
) -> SncAssessmentStatus {
    // As the API server keeps times: a fraction of a second would make the status differ from itself for ever.
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let found = tally.states(catalogue);
    let mut counts = RequirementCounts::default();
    for (_, state) in &found {
        *counted(&mut counts, *state) += 1;
    }
    let code = |(id, state): &(&str, RequirementState)| RequirementCode {
        id: (*id).to_owned(),
        state: state.as_str().to_owned(),
    };
    let states: Vec<RequirementCode> = found.iter().map(code).collect();
    let changes = changes(previous, &states, now);
    let transitions_total = previous.map_or(0, |p| p.transitions_total).saturating_add(count(changes.len()));
    let known = previous.into_iter().flat_map(|p| p.transitions.iter().cloned());
    let conditions = previous.map(|p| p.conditions.as_slice()).unwrap_or_default();
    // Codes and counts: the sentence is made where it is shown.
    let ready = Answer::yes(reason::ASSESSED, "", "");
    let context = |lang| Context { lang, generation: None, now };
    // What is not known yet since the start leaves what was said: a start writes nothing that is not new.
    let written = || conditions.iter().find(|one| one.type_ == kind::REPORTS_WRITTEN).cloned();
    let reports = reports.map(|(answer, lang)| match written() {
        Some(written) if answer.reason == reason::PENDING => written,
        _ => answer.condition(kind::REPORTS_WRITTEN, conditions, &context(lang)),
    });
    let ready = ready.condition(kind::READY, conditions, &context(Lang::En));
    let numbers = tally.numbers;
    let mut fresh = SncAssessmentStatus {
        level: Some(tally.level),
        changed_at: previous.and_then(|p| p.changed_at.clone()),
        proven: numbers.proven.into(),
        disproved: numbers.disproved.into(),
        unknown: numbers.unknown.into(),
        score: numbers.score().map(Into::into),
        requirements: Some(counts),
        states,
        controls: Vec::new(),
        controls_total: 0,
        truncated: false,
        transitions: changes.into_iter().chain(known).take(TRANSITIONS).collect(),
        transitions_total,
        conditions: [ready].into_iter().chain(reports).collect(),
    };
    let room = MAX_BYTES.saturating_sub(bytes(&fresh) + MARGIN);
    let all = controls(tally, catalogue);
    fresh.controls_total = count(all.len());
    fresh.controls = fitting(all, room);
    fresh.truncated = count(fresh.controls.len()) < fresh.controls_total;
    if previous != Some(&fresh) || fresh.changed_at.is_none() {
        fresh.changed_at = Some(Time(now));
    }
    fresh
}

fn counted(counts: &mut RequirementCounts, state: RequirementState) -> &mut i64 {
    match state {
        RequirementState::Compliant => &mut counts.compliant,
        RequirementState::ProvenInCluster => &mut counts.proven_in_cluster,
        RequirementState::AwaitingAttestation => &mut counts.awaiting_attestation,
        RequirementState::NonCompliant => &mut counts.non_compliant,
        RequirementState::Unknown => &mut counts.unknown,
        RequirementState::NotApplicable => &mut counts.not_applicable,
    }
}

/// In the order of the referential. A requirement of which nothing was said before did not change.
fn changes(
    previous: Option<&SncAssessmentStatus>,
    states: &[RequirementCode],
    now: Timestamp,
) -> Vec<Transition> {
    let before: BTreeMap<&str, &str> = previous
        .into_iter()
        .flat_map(|p| p.states.iter().map(|code| (code.id.as_str(), code.state.as_str())))
        .collect();
    let changed = |code: &RequirementCode| {
        let from = *before.get(code.id.as_str())?;
        (from != code.state).then(|| Transition {
            at: Time(now),
            requirement: code.id.clone(),
            from: from.to_owned(),
            to: code.state.clone(),
        })
    };
    states.iter().filter_map(changed).collect()
}

/// With what they rank by: the worst first, the gravest of them first.
type Ranked = (Reverse<Verdict>, Reverse<snc_core::control::Severity>, ControlCode);

fn controls(tally: &Tally, catalogue: &Catalogue) -> Vec<Ranked> {
    let counts = tally.counts.iter().copied().chain(std::iter::repeat(Counts::default()));
    catalogue
        .controls()
        .zip(&tally.worst)
        .zip(counts)
        .filter(|((control, _), _)| control.applies_at(tally.level))
        .map(|((control, verdict), counts)| {
            let code = ControlCode {
                id: control.id.clone(),
                verdict: verdict.to_string(),
                pass: counts.pass.into(),
                fail: counts.fail.into(),
                unknown: counts.unknown.into(),
                exempt: counts.exempt.into(),
            };
            (Reverse(*verdict), Reverse(control.severity), code)
        })
        .collect()
}

/// By id where all fit; else as many as fit, the worst first.
fn fitting(mut all: Vec<Ranked>, room: usize) -> Vec<ControlCode> {
    let total = all.len();
    all.sort_by(|a, b| (a.0, a.1, &a.2.id).cmp(&(b.0, b.1, &b.2.id)));
    let mut left = room;
    let mut kept: Vec<ControlCode> = all
        .into_iter()
        .map(|(.., code)| code)
        .take(CONTROLS)
        .map_while(|code| {
            left = left.checked_sub(bytes(&code) + 1)?;
            Some(code)
        })
        .collect();
    if kept.len() == total {
        kept.sort_by(|a, b| a.id.cmp(&b.id));
    }
    kept
}

fn bytes(value: &impl serde::Serialize) -> usize {
    serde_json::to_string(value).map_or(MAX_BYTES, |text| text.len())
}
