use super::*;
use proptest::prelude::*;
use tempfile::TempDir;

fn asked(days: u32) -> Wishes {
    Wishes { days, ..Wishes::default() }
}

fn tenants(all: &[(&str, u32)]) -> BTreeMap<String, u32> {
    all.iter().map(|(name, days)| ((*name).to_owned(), *days)).collect()
}

fn held(wishes: Wishes) -> Held {
    Held { wishes, read: true }
}

fn paths(refusals: &[Refusal]) -> Vec<&str> {
    refusals.iter().map(|refusal| refusal.path.as_str()).collect()
}

#[test]
fn a_lower_retention_is_refused_and_says_what_holds() {
    let held = held(Wishes { tenants: tenants(&[("bleu", 400)]), ..asked(365) });
    let lower = Wishes { generation: 7, tenants: tenants(&[("bleu", 399)]), ..asked(200) };
    let (next, refusals) = ratchet(&held, &lower);
    assert_eq!((next.wishes.days, next.wishes.tenants["bleu"], next.wishes.generation), (365, 400, 7));
    assert_eq!(paths(&refusals), ["spec.retention.days", "spec.retention.tenants[bleu].days"]);
    assert_eq!(refusals[0].given, "200");
    assert!(refusals[0].accepted.en.contains("365") && refusals[0].accepted.fr.contains("365"));
}

#[test]
fn what_a_tenant_no_longer_asks_for_stays() {
    let held = held(Wishes { tenants: tenants(&[("bleu", 400)]), ..asked(184) });
    let (next, refusals) = ratchet(&held, &asked(184));
    assert!(refusals.is_empty());
    assert_eq!(next.wishes.days_of(Some("bleu")), 400);
    assert_eq!(next.wishes.days_of(Some("vert")), 184);
}

#[test]
fn the_maximum_caps_what_is_new_and_takes_nothing_back() {
    let held = held(Wishes { tenants: tenants(&[("bleu", 1000)]), ..asked(184) });
    let all = tenants(&[("bleu", 1200), ("vert", 1200), ("rouge", 300)]);
    let (next, refusals) = ratchet(&held, &Wishes { maximum_days: Some(400), tenants: all, ..asked(184) });
    assert_eq!(next.wishes.tenants, tenants(&[("bleu", 1000), ("vert", 400), ("rouge", 300)]));
    assert_eq!(paths(&refusals), ["spec.retention.tenants[bleu].days", "spec.retention.tenants[vert].days"]);
    let (after, refusals) =
        ratchet(&next, &Wishes { maximum_days: Some(184), days: 365, ..next.wishes.clone() });
    assert_eq!(after.wishes.maximum_days, Some(400));
    assert_eq!(paths(&refusals), ["spec.retention.maximumDays"]);
}

#[test]
fn what_is_out_of_bounds_leaves_what_was() {
    let wild = Wishes { probe_seconds: 1, probe_limit_seconds: 10_000, ..asked(1) };
    let (next, refusals) = ratchet(&Held::default(), &wild);
    assert_eq!(next.wishes, Wishes::default());
    assert_eq!(paths(&refusals), ["spec.retention.days", "spec.probeSeconds", "spec.probeLimitSeconds"]);
}

#[test]
fn what_holds_is_there_after_a_restart_and_is_the_floor_then() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("wishes.json");
    let kept = Kept::open(file.clone()).unwrap();
    assert!(!kept.is_known());
    let hold = LegalHold {
        name: "affaire-12".into(),
        tenant: Some("bleu".into()),
        reason: "réquisition".into(),
        since: Timestamp::UNIX_EPOCH,
    };
    kept.take(&Wishes { holds: vec![hold.clone()], ..asked(400) }).unwrap();
    drop(kept);
    let kept = Kept::open(file).unwrap();
    assert!(!kept.is_known(), "others may have been declared meanwhile");
    assert_eq!((kept.now().days, kept.now().holds), (400, vec![hold]));
    assert_eq!(kept.take(&asked(184)).unwrap().len(), 1);
    assert!(kept.is_known());
    assert_eq!(kept.take(&asked(184)).unwrap(), [], "what was said once is not said again");
    assert_eq!((kept.now().days, kept.now().holds), (400, vec![]));
    assert_eq!(kept.refused().len(), 1);
}

#[test]
fn a_state_that_cannot_be_read_is_not_the_least_there_is() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("wishes.json");
    std::fs::write(&file, "{}").unwrap();
    assert!(Kept::open(file).is_err());
}

prop_compose! {
    fn any_wishes()(
        days in 0_u32..5000,
        maximum_days in proptest::option::of(0_u32..5000),
        all in proptest::collection::btree_map("[a-c]", 0_u32..5000, 0..3),
        probe_seconds in 0_u32..5000,
        probe_limit_seconds in 0_u32..800,
    ) -> Wishes {
        Wishes { generation: 1, days, maximum_days, tenants: all, holds: vec![], probe_seconds, probe_limit_seconds }
    }
}

proptest! {
    #[test]
    fn nothing_that_holds_ever_gets_shorter(all in proptest::collection::vec(any_wishes(), 1..12)) {
        let mut held = Held::default();
        for asked in all {
            let (next, refusals) = ratchet(&held, &asked);
            for tenant in [None, Some("a"), Some("b"), Some("c")] {
                let (before, now) = (held.wishes.days_of(tenant), next.wishes.days_of(tenant));
                prop_assert!(now >= before, "{tenant:?}: {before} -> {now}");
                prop_assert!(DAYS.contains(&now));
            }
            prop_assert!(next.wishes.maximum_days.is_none_or(|most| most >= next.wishes.days));
            // What was refused once is refused again, and changes nothing.
            let (again, refused_again) = ratchet(&next, &asked);
            prop_assert_eq!(&again, &next);
            prop_assert!(refusals.is_empty() || !refused_again.is_empty());
            held = next;
        }
    }
}
