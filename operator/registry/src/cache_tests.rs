use super::*;
use rstest::rstest;
use snc_images::signature::{Refused, computed};

const LIFETIMES: Lifetimes = Lifetimes {
    verified: Duration::from_secs(3600),
    unconfirmed: Duration::from_secs(86_400),
    refused: Duration::from_secs(60),
    unknown: Duration::from_secs(10),
};

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn digest(of: usize) -> Digest {
    computed("sha256", of.to_string().as_bytes()).unwrap()
}

fn verified(at: i64, unconfirmed: Option<Unknown>) -> Verdict {
    Verdict::Verified { key: "release".to_owned(), digest: digest(0), at: time(at), unconfirmed }
}

const fn unknown(why: Unknown) -> Verdict {
    Verdict::Unknown { why }
}

fn found(entry: &mut Entry, verdict: Verdict, at: i64) -> Verdict {
    entry.found(verdict, &digest(0), time(at), &LIFETIMES)
}

#[rstest]
#[case(verified(0, None), 3600)]
#[case(Verdict::NotSigned, 60)]
#[case(Verdict::BadSignature { why: Refused::NoKeyMatches }, 60)]
#[case(unknown(Unknown::NoImage), 10)]
fn each_verdict_is_given_again_for_its_time(#[case] verdict: Verdict, #[case] seconds: i64) {
    let mut entry = Entry::default();
    assert_eq!(found(&mut entry, verdict.clone(), 0), verdict);
    for (at, expected) in [(0, true), (seconds - 1, true), (seconds, false), (-1, false)] {
        let expected = expected.then(|| verdict.clone());
        assert_eq!(entry.fresh(time(at), &LIFETIMES), expected, "at {at}");
    }
}

#[rstest]
#[case(Unknown::Unreachable)]
#[case(Unknown::TimedOut)]
#[case(Unknown::Status(503))]
#[case(Unknown::Status(429))]
fn a_good_verdict_outlives_a_silent_registry_for_a_day(#[case] why: Unknown) {
    let mut entry = Entry::default();
    found(&mut entry, verified(0, None), 0);
    for at in [3600, 50_000, 86_399] {
        assert_eq!(found(&mut entry, unknown(why), at), verified(0, Some(why)));
        assert_eq!(entry.fresh(time(at + 9), &LIFETIMES), Some(verified(0, Some(why))));
        assert_eq!(entry.fresh(time(at + 10), &LIFETIMES), None);
    }
    assert_eq!(found(&mut entry, unknown(why), 86_400), unknown(why));
    // It does not come back to life.
    assert_eq!(found(&mut entry, unknown(why), 50_000), unknown(why));
}

#[rstest]
#[case(Unknown::WrongDigest)]
#[case(Unknown::AccessDenied)]
#[case(Unknown::Untrusted)]
#[case(Unknown::RedirectElsewhere)]
#[case(Unknown::Malformed)]
#[case(Unknown::NoImage)]
#[case(Unknown::Status(400))]
fn a_registry_that_answers_wrongly_is_not_covered_for(#[case] why: Unknown) {
    let mut entry = Entry::default();
    found(&mut entry, verified(0, None), 0);
    assert_eq!(found(&mut entry, unknown(why), 4000), unknown(why));
    assert_eq!(
        found(&mut entry, unknown(Unknown::Unreachable), 4010),
        verified(0, Some(Unknown::Unreachable))
    );
}

#[test]
fn a_signature_that_is_gone_is_not_remembered() {
    let mut entry = Entry::default();
    found(&mut entry, verified(0, None), 0);
    assert_eq!(found(&mut entry, Verdict::NotSigned, 4000), Verdict::NotSigned);
    assert_eq!(found(&mut entry, unknown(Unknown::Unreachable), 4100), unknown(Unknown::Unreachable));
}

#[test]
fn what_was_never_good_does_not_become_it() {
    let mut entry = Entry::default();
    for (at, verdict) in
        [(0, unknown(Unknown::Unreachable)), (20, Verdict::NotSigned), (90, unknown(Unknown::TimedOut))]
    {
        assert_eq!(found(&mut entry, verdict.clone(), at), verdict);
    }
}

#[test]
fn nobody_was_asked_when_too_many_asked() {
    let mut entry = Entry::default();
    found(&mut entry, unknown(Unknown::Busy), 0);
    assert_eq!(entry.fresh(time(0), &LIFETIMES), None);
}

fn asked(number: usize) -> Asked {
    Asked { image: "r.example/app".to_owned(), digest: digest(number), keys: digest(0) }
}

#[test]
fn repository_digest_and_keys_make_the_difference() {
    let cache = Cache::new(100);
    let slot = cache.slot(&asked(1));
    assert!(Arc::ptr_eq(&slot, &cache.slot(&asked(1))));
    for other in [
        asked(2),
        Asked { image: "r.example/other".to_owned(), ..asked(1) },
        Asked { keys: digest(9), ..asked(1) },
    ] {
        assert!(!Arc::ptr_eq(&slot, &cache.slot(&other)));
    }
}

#[test]
fn the_cache_is_bounded_and_good_verdicts_stay_longest() {
    let cache = Cache::new(64);
    for number in 0..40 {
        let slot = cache.slot(&asked(number));
        found(&mut slot.try_lock().unwrap(), verified(0, None), 0);
    }
    for number in 1000..6000 {
        let slot = cache.slot(&asked(number));
        found(&mut slot.try_lock().unwrap(), unknown(Unknown::NoImage), 0);
        assert!(cache.len() <= 64);
    }
    for number in 0..40 {
        let fresh = cache.slot(&asked(number)).try_lock().unwrap().fresh(time(1), &LIFETIMES);
        assert_eq!(fresh, Some(verified(0, None)), "{number}");
    }
}

#[test]
fn good_verdicts_push_each_other_out_oldest_first() {
    let cache = Cache::new(16);
    for number in 0..40 {
        let slot = cache.slot(&asked(number));
        found(&mut slot.try_lock().unwrap(), verified(0, None), 0);
        assert!(cache.len() <= 16);
    }
    assert!(cache.slot(&asked(39)).try_lock().unwrap().fresh(time(1), &LIFETIMES).is_some());
    assert!(cache.slot(&asked(0)).try_lock().unwrap().fresh(time(1), &LIFETIMES).is_none());
}
