//! Law 1 over the whole catalogue: what is not known never helps.

use crate::support;
use proptest::prelude::*;
use serde_json::Value;
use snc_catalogue::{Catalogue, Judge, Numbers, Object, Profile, Uniform};
use snc_core::snapshot::Availability;
use snc_core::text::Text;
use snc_core::tier::Level;
use snc_core::verdict::Verdict;
use std::collections::BTreeSet;
use std::sync::LazyLock;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::built_in().unwrap());
static KINDS: LazyLock<Vec<String>> = LazyLock::new(|| CATALOGUE.reads().into_iter().collect());
/// Every object of every fixture.
static OBJECTS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    support::every()
        .flat_map(|(_, fixture)| fixture.cases.into_iter().flat_map(|case| case.objects()))
        .collect()
});

fn worst(objects: &[&Value], unread: &BTreeSet<&String>) -> Vec<Verdict> {
    let profile = Uniform(Profile::new(Level::Avance));
    let mut judge = Judge::new(&CATALOGUE, &profile);
    for kind in KINDS.iter() {
        let availability = if unread.contains(kind) {
            Availability::NotRead(Text::new("refusé", "refused"))
        } else {
            Availability::Held
        };
        judge.set(kind, availability);
    }
    for object in objects {
        let object = Object::new((*object).clone()).unwrap();
        if !unread.contains(&object.subject.kind_key()) {
            judge.see(&object);
        }
    }
    let evaluation = judge.conclude("2026-11-22T12:00:00Z".parse().unwrap());
    evaluation.worst(CATALOGUE.controls().count(), |_| true)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn a_kind_that_cannot_be_read_never_raises_the_score(
        picked in prop::collection::vec(any::<prop::sample::Index>(), 1..60),
        unread in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let objects: Vec<&Value> = picked.iter().map(|index| index.get(&OBJECTS)).collect();
        let unread: BTreeSet<&String> = unread.iter().map(|index| index.get(&KINDS)).collect();
        let before = worst(&objects, &BTreeSet::new());
        let after = worst(&objects, &unread);
        for ((control, before), after) in CATALOGUE.controls().zip(&before).zip(&after) {
            // What was found may no longer be seen, but then nothing is proven by it either.
            prop_assert!(
                *after == Verdict::Unknown || after >= before || *before == Verdict::NotApplicable,
                "{}: {before} with everything, {after} without {unread:?}", control.id
            );
        }
        let score = |verdicts: &[Verdict]| Numbers::of(verdicts.iter().copied()).score();
        prop_assert!(score(&after).unwrap_or(0) <= score(&before).unwrap_or(100), "without {unread:?}");
    }

    /// One object more can prove nothing that was disproved.
    #[test]
    fn an_object_more_never_mends_a_failure_of_another(
        picked in prop::collection::vec(any::<prop::sample::Index>(), 1..30),
    ) {
        let objects: Vec<&Value> = picked.iter().map(|index| index.get(&OBJECTS)).collect();
        let single = |verdicts: Vec<Verdict>| -> Vec<Verdict> {
            let rules = CATALOGUE.controls().zip(verdicts).filter(|(control, _)| control.rule.is_some());
            rules.map(|(_, verdict)| verdict).collect()
        };
        let fewer = single(worst(&objects[1..], &BTreeSet::new()));
        let more = single(worst(&objects, &BTreeSet::new()));
        for (fewer, more) in fewer.iter().zip(&more) {
            prop_assert!(more >= fewer || *fewer == Verdict::NotApplicable);
        }
    }
}
