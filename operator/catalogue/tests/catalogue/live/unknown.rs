//! Law 1: what is not known never helps, wherever it is looked at.

use super::afresh::{CATALOGUE, now};
use super::objects::OBJECTS;
use super::same::{Both, Governing, KINDS, governing, tenancy};
use proptest::prelude::*;
use snc_catalogue::{Assessed, Tally};
use snc_core::snapshot::Availability;
use snc_core::text::Text;
use snc_core::verdict::Verdict;

/// Nothing is better than it was, verdict by verdict and score by score.
fn worse(before: &Assessed, after: &Assessed) -> Result<(), String> {
    let tallies = |of: &Assessed| -> Vec<(String, Tally)> {
        let named =
            of.tenants.iter().chain(&of.namespaces).map(|(name, tally)| (name.clone(), (**tally).clone()));
        named.chain([("cluster".to_owned(), of.cluster.clone())]).collect()
    };
    for ((name, before), (again, after)) in tallies(before).into_iter().zip(tallies(after)) {
        assert_eq!(name, again);
        for ((control, before), after) in CATALOGUE.controls().zip(&before.worst).zip(&after.worst) {
            if !(*after == Verdict::Unknown || after >= before || *before == Verdict::NotApplicable) {
                return Err(format!("{name}: {}: {before}, then {after}", control.id));
            }
        }
        if after.score().unwrap_or(0) > before.score().unwrap_or(100) {
            return Err(format!("{name}: {:?}, then {:?}", before.score(), after.score()));
        }
    }
    Ok(())
}

fn picked(objects: &[prop::sample::Index]) -> Both {
    let mut both = Both::new();
    for index in objects {
        both.apply(&index.get(&OBJECTS).1);
    }
    both
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_kind_that_cannot_be_read_raises_no_score(
        objects in prop::collection::vec(any::<prop::sample::Index>(), 1..60),
        unread in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let mut both = picked(&objects);
        let before = both.live.conclude(now());
        for kind in &unread {
            let kind: &String = kind.get(&KINDS);
            both.set(kind, Availability::NotRead(Text::new("refusé", "refused")));
        }
        let after = both.live.conclude(now());
        prop_assert_eq!(worse(&before, &after), Ok(()));
    }

    /// Until it was weighed again, what rests on former parameters is not better than either.
    #[test]
    fn what_was_judged_by_former_parameters_is_not_known(
        objects in prop::collection::vec(any::<prop::sample::Index>(), 1..60),
        how in governing(),
    ) {
        let mut both = picked(&objects);
        both.live.conclude(now());
        both.tenancy = tenancy(&how);
        let again = both.live.govern(both.tenancy.clone());
        let former = both.live.former();
        prop_assert!(former.is_subset(&again), "{:?}, {:?}", former, again);
        let between = both.live.conclude(now());
        for kind in &again {
            both.list_again(kind);
        }
        prop_assert_eq!(both.difference(), None);
        let after = both.live.conclude(now());
        for ((control, between), after) in
            CATALOGUE.controls().zip(&between.cluster.worst).zip(&after.cluster.worst)
        {
            let known = control.rule.is_none() || between == after;
            prop_assert!(
                known || *between >= Verdict::Unknown,
                "{}: {} before it was weighed again, then {}", control.id, between, after
            );
        }
    }
}

/// Weighed by what was in force, taken when it no longer is.
#[test]
fn what_is_on_its_way_when_parameters_change_is_not_known() {
    let with = |tailored: bool| {
        let mut how = tenancy(&Governing::plain());
        if tailored {
            let control = CATALOGUE.controls().find(|control| control.id == "image-registry-allowed");
            let control = control.or_else(|| {
                CATALOGUE
                    .controls()
                    .find(|c| c.rule.is_some() && !c.parameters.is_empty() && c.reads == ["pods"])
            });
            let control = control.unwrap();
            let value = serde_json::json!(["other.test/"]);
            how.cluster
                .parameters
                .entry(control.id.clone())
                .or_default()
                .insert(control.parameters[0].name.clone(), value);
        }
        how
    };
    let mut both = Both::new();
    both.live.govern(with(false));
    let weigher = both.live.weigher();
    let (_, body) =
        OBJECTS.iter().find(|(subject, _)| subject.kind == "Pod" && subject.name == "bare").unwrap();
    let mut body = body.clone();
    body["metadata"]["namespace"] = serde_json::json!("elsewhere");
    let held = weigher.weigh(snc_catalogue::Object::new(body.clone()).unwrap());
    let again = both.live.govern(with(true));
    assert!(again.contains("core/Pod"), "{again:?}");
    both.live.apply(held);
    let said = both.live.conclude(now());
    let told = said.findings["elsewhere"]
        .worst
        .iter()
        .any(|one| one.outcome.message.en.contains("former parameters"));
    assert!(told);
    assert_eq!(both.live.former(), ["core/Pod".to_owned()].into());
    both.live.apply(weigher.weigh(snc_catalogue::Object::new(body).unwrap()));
    assert!(both.live.former().is_empty(), "the weigher judges by what is in force");
}

/// Nobody writes that nothing is written any more.
#[test]
fn an_audit_log_that_falls_silent_is_not_known_at_that_minute() {
    let log = serde_json::json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncAuditLog", "metadata": {"name": "cluster"},
        "spec": {}, "status": {
            "probe": {"at": "2026-11-22T11:50:00Z", "arrived": true, "delayMilliseconds": 5},
            "policy": {"complete": true},
        },
    });
    let of = |assessed: &Assessed, id: &str| {
        let at = CATALOGUE.controls().position(|control| control.id == id).unwrap();
        assessed.cluster.worst[at]
    };
    let mut both = Both::new();
    both.set("secnumcloud.dev/SncAuditLog", Availability::Held);
    let none = both.live.conclude(now());
    assert_eq!((of(&none, "audit-log-policy"), both.live.turns()), (Verdict::Unknown, None));
    both.apply(&log);
    let fresh = both.live.conclude(now());
    assert_eq!(of(&fresh, "audit-log-policy"), Verdict::Pass);
    assert_eq!(of(&fresh, "audit-log-stale"), Verdict::Pass);
    let turns = both.live.turns().unwrap();
    assert_eq!(turns.to_string(), "2026-11-22T12:05:00.001Z");
    let silent = both.live.conclude(turns);
    assert_eq!(of(&silent, "audit-log-policy"), Verdict::Unknown);
    assert_eq!(of(&silent, "audit-log-stale"), Verdict::Fail);
    assert_eq!(both.live.turns(), None);
}
