use super::*;
use crate::report::Counts;
use proptest::prelude::*;
use rstest::rstest;

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

fn finding(id: &str, severity: Severity) -> Finding {
    Finding {
        name: Name::new(id, "libssl3", "3.0.1"),
        severity,
        cvss: None,
        source: "nvd".into(),
        fixed: true,
        settled: false,
        analysed: false,
    }
}

type Told = (Scan, Trust);

fn scan(scanned_at: &str, findings: Vec<Finding>) -> Told {
    (Scan { scanned_at: Some(at(scanned_at)), findings, ..Scan::default() }, Trust::Full)
}

fn by(scans: &[Told]) -> impl Iterator<Item = (&Scan, Trust)> {
    scans.iter().map(|(scan, trust)| (scan, *trust))
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn judged(scans: &[Told], first: &str, now: &str) -> Judgement {
    judge(by(scans), |_| Some(at(first)), &Rules::default(), DAY, at(now))
}

#[rstest]
#[case(Severity::Critical, 72)]
#[case(Severity::High, 7 * 24)]
#[case(Severity::Medium, 30 * 24)]
#[case(Severity::Low, 90 * 24)]
#[case(Severity::Unknown, 72)]
fn a_deadline_falls_when_it_says(#[case] severity: Severity, #[case] hours: i64) {
    let first = at("2026-01-01T00:00:00Z");
    let due = first + SignedDuration::from_hours(hours);
    let scans = [scan("2026-01-01T00:00:00Z", vec![finding("CVE-1", severity)])];
    let judge = |now| judge(by(&scans), |_| Some(first), &Rules::default(), DAY, now);
    let before = judge(due - SignedDuration::from_secs(1));
    assert!(!before.is_overdue());
    assert_eq!((before.next, before.open.late), (Some(due), 1));
    let after = judge(due);
    assert!(after.is_overdue());
    assert_eq!((after.due[0].at, after.open.late), (due, 0));
    assert_eq!(after.due[0].name, "CVE-1 libssl3 3.0.1");
}

#[test]
fn what_one_scan_found_stands_whatever_the_others_say() {
    let found = scan("2026-01-01T00:00:00Z", vec![finding("CVE-1", Severity::Critical)]);
    let none = scan("2026-01-05T00:00:00Z", vec![]);
    let settled = Finding { settled: true, analysed: true, ..finding("CVE-1", Severity::Critical) };
    let excused = scan("2026-01-05T00:00:00Z", vec![settled]);
    let judgement = judged(&[found, none, excused.clone()], "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z");
    assert!(judgement.is_overdue());
    assert_eq!(judgement.looked, Looked::Lately(at("2026-01-05T00:00:00Z")));
    let alone = judged(&[excused], "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z");
    assert_eq!((alone.is_overdue(), alone.open.settled), (false, 1));
}

#[rstest]
#[case(Trust::Full, "libssl3", false)]
#[case(Trust::Full, "", false)]
#[case(Trust::Full, "zlib", true)]
#[case(Trust::Weak, "libssl3", true)]
fn the_platform_s_statements_settle_what_anybody_found(
    #[case] trust: Trust,
    #[case] package: &str,
    #[case] overdue: bool,
) {
    let found = scan("2026-01-05T00:00:00Z", vec![finding("CVE-1", Severity::Critical)]);
    let said = Finding {
        name: Name::new("CVE-1", package, ""),
        settled: true,
        analysed: true,
        ..finding("CVE-1", Severity::Unknown)
    };
    let vex = (Scan { statements: true, ..scan("2026-01-05T00:00:00Z", vec![said.clone()]).0 }, trust);
    let judgement = judged(&[found.clone(), vex.clone()], "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z");
    assert_eq!(judgement.is_overdue(), overdue);
    let mut against = vex;
    against.0.findings.push(Finding { settled: false, ..said });
    let judgement = judged(&[found, against.clone()], "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z");
    assert!(judgement.is_overdue(), "of two statements the one that excuses less holds");
    let alone = judged(&[against], "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z");
    assert_eq!((alone.looked, alone.open.all.total()), (Looked::Never, 0), "statements are no scan");
}

#[test]
fn an_image_was_looked_at_lately_or_was_not() {
    let now = "2026-01-05T00:00:00Z";
    let looked = |scans: &[Told]| judged(scans, now, now).looked;
    let lately = scan("2026-01-04T00:00:00Z", vec![]);
    let stale = scan("2026-01-03T23:59:59Z", vec![]);
    let undated = (Scan { scanned_at: None, ..lately.0.clone() }, Trust::Full);
    let to_come = scan("2026-02-05T00:00:00Z", vec![]);
    let weak = (lately.0.clone(), Trust::Weak);
    assert_eq!(looked(&[]), Looked::Never);
    assert_eq!(looked(std::slice::from_ref(&undated)), Looked::Undated);
    assert_eq!(looked(&[to_come]), Looked::Undated, "a date that is still to come proves nothing");
    assert_eq!(looked(&[undated, stale.clone()]), Looked::Stale(at("2026-01-03T23:59:59Z")));
    assert_eq!(looked(&[stale.clone(), weak.clone()]), Looked::Weakly(at("2026-01-04T00:00:00Z")));
    assert_eq!(looked(&[weak, lately.clone(), stale]), Looked::Lately(at("2026-01-04T00:00:00Z")));
    let judgement = judged(&[lately], now, now);
    assert!(!judgement.is_uncertain());
    assert_eq!(judgement.next, Some(at("2026-01-05T00:00:01Z")), "when the scan is too old");
}

#[test]
fn what_is_not_known_is_never_certain() {
    let now = "2026-01-05T00:00:00Z";
    let truncated = (Scan { truncated: true, ..scan(now, vec![]).0 }, Trust::Full);
    assert!(judged(&[truncated], now, now).is_uncertain());
    let unrated = scan(now, vec![finding("CVE-1", Severity::Unknown)]);
    assert!(judged(&[unrated], now, now).is_uncertain());
    let weak = (scan(now, vec![]).0, Trust::Weak);
    assert!(judged(&[weak], now, now).is_uncertain());
}

#[rstest]
#[case(Severity::Low, Some(9.8), &[], (Severity::Critical, Because::Cvss(9.8_f32.into())))]
#[case(Severity::Low, Some(9.8), &["nvd"], (Severity::Low, Because::Vendor))]
#[case(Severity::Critical, Some(4.0), &[], (Severity::Critical, Because::Word))]
#[case(Severity::High, None, &[], (Severity::High, Because::Word))]
#[case(Severity::Unknown, Some(7.0), &["nvd"], (Severity::High, Because::Cvss(7.0)))]
#[case(Severity::Unknown, None, &["nvd"], (Severity::Unknown, Because::Unrated))]
fn severity_has_a_reason(
    #[case] word: Severity,
    #[case] cvss: Option<f32>,
    #[case] vendors: &[&str],
    #[case] expected: (Severity, Because),
) {
    let vendors = vendors.iter().map(ToString::to_string).collect();
    assert_eq!(rate(&Finding { cvss, ..finding("CVE-1", word) }, &vendors), expected);
}

#[test]
fn a_critical_one_has_to_be_analysed_sooner_than_mended() {
    let open = finding("CVE-1", Severity::Critical);
    let scans = [scan("2026-01-02T00:00:00Z", vec![open.clone()])];
    let judgement = judged(&scans, "2026-01-01T00:00:00Z", "2026-01-01T23:59:59Z");
    assert_eq!((judgement.open.unanalysed, judgement.next), (0, Some(at("2026-01-02T00:00:00Z"))));
    assert_eq!(judged(&scans, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z").open.unanalysed, 1);
    let analysed = [scan("2026-01-02T00:00:00Z", vec![Finding { analysed: true, ..open }])];
    assert_eq!(judged(&analysed, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z").open.unanalysed, 0);
}

#[test]
fn names_hold_together() {
    let name = Name::new("CVE-1", "org.apache:log4j core", "");
    assert_eq!(
        (name.key(), name.id(), name.package()),
        ("CVE-1 org.apache/log4jcore", "CVE-1", "org.apache/log4jcore")
    );
    assert_eq!(name.to_string(), "CVE-1 org.apache/log4jcore");
    assert_eq!(Name::new("CVE-1", "", "").package(), "");
}

fn any_scan() -> impl Strategy<Value = Told> {
    let severity = prop::sample::select(Severity::ALL.to_vec());
    let found =
        (0..4_u8, severity, any::<[bool; 3]>()).prop_map(|(id, severity, [fixed, settled, analysed])| {
            Finding { fixed, settled, analysed, ..finding(&format!("CVE-{id}"), severity) }
        });
    let list = prop::collection::vec(found, 0..5);
    (prop::option::of(0..96_i64), any::<[bool; 3]>(), list).prop_map(
        |(hours, [truncated, weak, statements], findings)| {
            let first = at("2026-01-01T00:00:00Z");
            let scanned_at = hours.map(|hours| first + SignedDuration::from_hours(hours));
            let trust = if weak { Trust::Weak } else { Trust::Full };
            (Scan { scanned_at, truncated, statements, findings, ..Scan::default() }, trust)
        },
    )
}

proptest! {
    /// One more scan takes no finding away, and a tenant's never puts a deadline off.
    #[test]
    fn more_scans_never_hide_anything(scans in prop::collection::vec(any_scan(), 0..4), more in any_scan(), hours in 0..200_i64) {
        let now = at("2026-01-01T00:00:00Z") + SignedDuration::from_hours(hours);
        let judge = |scans: &[Told]| judge(by(scans), |_| Some(at("2026-01-01T00:00:00Z")), &Rules::default(), DAY, now);
        let before = judge(&scans);
        let more = (Scan { statements: false, ..more.0 }, more.1);
        let after = judge(&[scans, vec![more.clone()]].concat());
        prop_assert!(after.open.all.total() >= before.open.all.total());
        prop_assert!(more.1 == Trust::Full || after.open.overdue.total() >= before.open.overdue.total());
        prop_assert!(after.looked >= before.looked);
        prop_assert!(after.truncated >= before.truncated);
    }

    /// Nothing is otherwise before it says so, and the order of scans is none of its business.
    #[test]
    fn nothing_changes_before_it_says_so(scans in prop::collection::vec(any_scan(), 0..4), hours in 0..200_i64, later in 0..100_i64) {
        let first = at("2026-01-01T00:00:00Z");
        let now = first + SignedDuration::from_hours(hours);
        let judge = |scans: &[Told], now| judge(by(scans), |_| Some(first), &Rules::default(), DAY, now);
        let said = judge(&scans, now);
        let backwards: Vec<Told> = scans.iter().rev().cloned().collect();
        prop_assert_eq!(&judge(&backwards, now), &said);
        let then = now + SignedDuration::from_hours(later);
        // What was told of a time to come is not known to be old.
        let dated = scans.iter().all(|(scan, _)| scan.scanned_at.is_none_or(|at| at <= now));
        if dated && said.next.is_none_or(|next| then < next) {
            let after = judge(&scans, then);
            prop_assert_eq!((after.is_overdue(), after.is_uncertain(), after.looked, after.open.unanalysed), (said.is_overdue(), said.is_uncertain(), said.looked, said.open.unanalysed));
        }
        prop_assert_eq!(said.is_overdue(), said.open.overdue != Counts::default());
        prop_assert!(said.due.len() as u64 == said.open.all.total() && said.due.is_sorted());
    }
}
