//! What an assessment holds, and how large it gets.

use jiff::Timestamp;
use proptest::prelude::*;
use snc_api::v1alpha1::SncAssessmentStatus;
use snc_catalogue::{Catalogue, Counts, Numbers, RequirementState, Tally, controls, requirements};
use snc_core::control::Control;
use snc_core::tier::Level;
use snc_core::verdict::Verdict;
use snc_plan::status::assessment_status;
use std::sync::LazyLock;

static BUILT_IN: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::on_demand().unwrap());

/// More controls than there can be, with ids as long as they can be, on every requirement.
static CROWDED: LazyLock<Catalogue> = LazyLock::new(|| {
    let simple = controls().iter().find(|control| control.id == "pod-host-network").unwrap();
    let ids: Vec<String> = requirements().map(|one| one.id.clone()).collect();
    Catalogue::of((0..600).map(|i| Control {
        id: format!("custom-{i:0>56}"),
        requirements: vec![ids[i % ids.len()].clone()],
        level: Level::Essentiel,
        ..simple.clone()
    }))
    .unwrap()
});

fn at(second: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + second * 1000 + 250).unwrap()
}

fn tally(worst: Vec<Verdict>, count: u32) -> Tally {
    let counts = Counts { pass: count, fail: count, unknown: count, exempt: count };
    Tally {
        level: Level::Avance,
        numbers: Numbers::of(worst.iter().copied()),
        counts: vec![counts; worst.len()],
        worst,
    }
}

fn uniform(verdict: Verdict) -> Tally {
    tally(vec![verdict; BUILT_IN.controls().count()], 1)
}

fn of(previous: Option<&SncAssessmentStatus>, tally: &Tally, second: i64) -> SncAssessmentStatus {
    assessment_status(previous, tally, &BUILT_IN, None, at(second))
}

fn size(status: &SncAssessmentStatus) -> usize {
    serde_json::to_string(status).unwrap().len()
}

#[test]
fn the_first_one_says_everything_and_changed_nothing() {
    let status = of(None, &uniform(Verdict::Pass), 0);
    let total = i64::try_from(BUILT_IN.controls().count()).unwrap();
    assert_eq!((status.proven, status.disproved, status.unknown, status.score), (total, 0, 0, Some(100)));
    assert_eq!((status.controls_total, status.truncated), (total, false));
    let ids: Vec<&str> = status.controls.iter().map(|one| one.id.as_str()).collect();
    assert!(ids.is_sorted(), "by id");
    let listed: Vec<&str> = status.states.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(listed, requirements().map(|one| one.id.as_str()).collect::<Vec<_>>());
    let counts = status.requirements.unwrap();
    assert_eq!(counts.proven_in_cluster + counts.awaiting_attestation, 287);
    assert!(status.transitions.is_empty() && status.transitions_total == 0);
    assert_eq!(status.conditions[0].type_, "Ready");
    assert!(size(&status) < 50 * 1024, "{}", size(&status));
}

#[test]
fn nothing_new_is_nothing_to_write() {
    let before = of(None, &uniform(Verdict::Unknown), 0);
    let stored: SncAssessmentStatus = serde_json::from_str(&serde_json::to_string(&before).unwrap()).unwrap();
    assert_eq!(of(Some(&stored), &uniform(Verdict::Unknown), 900), before);
}

#[test]
fn changes_are_told_newest_first_and_counted() {
    let good = uniform(Verdict::Pass);
    let bad = uniform(Verdict::Fail);
    let first = of(None, &good, 0);
    let second = of(Some(&first), &bad, 60);
    let changed = second.transitions_total;
    assert!(changed > 50, "{changed}");
    assert_eq!(second.transitions.len(), 50);
    assert_ne!(second.changed_at, first.changed_at);
    assert_eq!(second.transitions[0].to, "NonCompliant");
    let third = of(Some(&second), &good, 120);
    assert_eq!(third.transitions_total, 2 * changed);
    assert!(third.transitions.iter().all(|one| one.at == third.changed_at.clone().unwrap()));
    assert_eq!(third.transitions[0].from, "NonCompliant");
    assert_eq!(third.states, first.states);
    // A count is content, too.
    let more = tally(good.worst.clone(), 7);
    let fourth = of(Some(&third), &more, 180);
    assert_ne!(fourth.changed_at, third.changed_at);
    assert_eq!(fourth.transitions, third.transitions);
}

#[test]
fn controls_above_the_level_are_not_listed() {
    let mut low = uniform(Verdict::NotApplicable);
    low.level = Level::Essentiel;
    let status = of(None, &low, 0);
    assert!(status.controls_total > 0 && status.controls_total < i64::try_from(low.worst.len()).unwrap());
    assert_eq!(status.score, None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_too_large_and_never_compliant(
        verdicts in proptest::collection::vec(proptest::sample::select(Verdict::ALL), 600),
        then in proptest::collection::vec(proptest::sample::select(Verdict::ALL), 600),
        count in prop_oneof![Just(0), Just(u32::MAX)],
    ) {
        let first = assessment_status(None, &tally(verdicts.clone(), count), &CROWDED, None, at(0));
        let status = assessment_status(Some(&first), &tally(then.clone(), count), &CROWDED, None, at(1));
        for (status, given) in [(&first, &verdicts), (&status, &then)] {
            prop_assert!(size(status) <= 100 * 1024, "{}", size(status));
            prop_assert_eq!(status.controls_total, 600);
            prop_assert!(status.truncated && status.controls.len() <= 512);
            // What was left out is no worse than what is there.
            let rank = |verdict: &str| Verdict::ALL.iter().position(|one| one.as_str() == verdict).unwrap();
            let ranks: Vec<usize> = status.controls.iter().map(|one| rank(&one.verdict)).collect();
            prop_assert!(ranks.iter().rev().is_sorted());
            let mut all: Vec<usize> = given.iter().map(|verdict| rank(verdict.as_str())).collect();
            all.sort_unstable_by_key(|rank| std::cmp::Reverse(*rank));
            prop_assert_eq!(&ranks[..], &all[..ranks.len()]);
            let compliant = RequirementState::Compliant.as_str();
            prop_assert!(status.states.iter().all(|one| one.state != compliant));
            prop_assert_eq!(status.requirements.unwrap().compliant, 0);
        }
        let again = assessment_status(Some(&status), &tally(then, count), &CROWDED, None, at(60));
        prop_assert_eq!(again, status, "nothing new");
    }
}
