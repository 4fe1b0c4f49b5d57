//! A year of an image: findings come, are mended, come back, are excused; at every step what is said is what a model says
//! that knows nothing of scans, ledgers and durations, and counts hours.

use crate::ledger::{Ledgers, Place};
use crate::library::{Image, Library, Writer};
use crate::verdict::{Judgement, Looked, Rules};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use snc_core::facts::ImageLedger;
use snc_core::image::{Digest, Finding, Name, Scan, Severity};
use std::collections::BTreeMap;

const SEVERITIES: [Severity; 5] =
    [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Unknown];
const MAX_AGE: i64 = 30 * 24;

/// What the scanner says of vulnerability number so and so.
#[derive(Debug, Clone, Copy)]
struct Found {
    number: usize,
    severity: usize,
    excused: bool,
}

#[derive(Debug, Clone)]
struct Step {
    hours: i64,
    /// None: nobody scans, time goes by.
    report: Option<Vec<Found>>,
    /// The operator is not running, and writes nothing down.
    asleep: bool,
}

/// In hours since the beginning.
#[derive(Default)]
struct Model {
    now: i64,
    first: BTreeMap<usize, i64>,
    report: Vec<Found>,
    scanned: Option<i64>,
}

#[derive(Debug, PartialEq, Eq)]
struct Told {
    open: usize,
    overdue: [u64; 5],
    unanalysed: u64,
    fresh: bool,
    seen: bool,
}

impl Model {
    fn told(&self) -> Told {
        let mut told =
            Told { open: 0, overdue: [0; 5], unanalysed: 0, fresh: false, seen: self.scanned.is_some() };
        for found in self.report.iter().filter(|found| !found.excused) {
            let age = self.now - self.first.get(&found.number).copied().unwrap_or(self.now);
            let limit = [72, 7 * 24, 30 * 24, 90 * 24, 72][found.severity];
            told.open += 1;
            told.overdue[found.severity] += u64::from(age >= limit);
            told.unanalysed += u64::from([0, 4].contains(&found.severity) && (24..limit).contains(&age));
        }
        told.fresh = self.scanned.is_some_and(|at| self.now - at <= MAX_AGE);
        told
    }
}

/// The product.
struct Real {
    begin: Timestamp,
    digest: Digest,
    ledgers: BTreeMap<String, ImageLedger>,
    scan: Option<Scan>,
}

impl Real {
    fn ledgers(&self) -> Ledgers<'_> {
        Ledgers::of(self.ledgers.iter().map(|(name, ledger)| (name.as_str(), ledger)))
    }

    fn at(&self, hour: i64) -> Timestamp {
        self.begin + SignedDuration::from_hours(hour)
    }

    fn write_down(&mut self, hour: i64) {
        let news = self.ledgers().news(self.scan.iter().map(|scan| (Place::Platform, scan)), self.at(hour));
        let now = self.at(hour);
        for (name, news) in news {
            news.write(self.ledgers.entry(name).or_default(), now);
        }
    }

    fn judge(&self, hour: i64) -> Judgement {
        let scans = self.scan.iter().map(|scan| ("snc-system", Writer::Platform, scan));
        let library = Library::new("snc-system", scans, self.ledgers());
        let image = Image { digests: [self.digest.clone()].into(), name: String::new() };
        library.judge("shop", &image, &Rules::default(), SignedDuration::from_hours(MAX_AGE), self.at(hour))
    }

    fn told(&self, hour: i64) -> Told {
        let judgement = self.judge(hour);
        let mut overdue = judgement.open.overdue;
        Told {
            open: judgement.due.len(),
            overdue: SEVERITIES.map(|severity| *overdue.at(severity)),
            unanalysed: judgement.open.unanalysed,
            fresh: matches!(judgement.looked, Looked::Lately(_)),
            seen: judgement.looked != Looked::Never,
        }
    }
}

fn scan(digest: &Digest, report: &[Found], at: Timestamp) -> Scan {
    let finding = |found: &Found| Finding {
        name: Name::new(&format!("CVE-{}", found.number), "curl", "1"),
        severity: SEVERITIES[found.severity],
        cvss: None,
        source: "".into(),
        fixed: false,
        settled: found.excused,
        analysed: found.excused,
    };
    Scan {
        digests: vec![digest.clone()],
        scanned_at: Some(at),
        findings: report.iter().map(finding).collect(),
        ..Scan::default()
    }
}

fn step() -> impl Strategy<Value = Step> {
    let found = (0..6_usize, 0..5_usize, prop::bool::weighted(0.2))
        .prop_map(|(number, severity, excused)| Found { number, severity, excused });
    let report = prop::collection::vec(found, 0..5).prop_map(|mut all| {
        all.sort_by_key(|found| found.number);
        all.dedup_by_key(|found| found.number);
        all
    });
    let hours = prop_oneof![1..6_i64, 20..100_i64, 300..900_i64];
    (hours, prop::option::weighted(0.6, report), prop::bool::weighted(0.1))
        .prop_map(|(hours, report, asleep)| Step { hours, report, asleep })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_year_goes_by(steps in prop::collection::vec(step(), 1..60)) {
        let mut real = Real {
            begin: "2026-01-01T00:00:00Z".parse().expect("time"),
            digest: Digest::parse(&format!("sha256:{}", "ab".repeat(32))).expect("digest"),
            ledgers: BTreeMap::new(),
            scan: None,
        };
        let mut model = Model::default();
        for step in steps {
            model.now += step.hours;
            if model.now > 366 * 24 {
                break;
            }
            if let Some(report) = step.report {
                real.scan = Some(scan(&real.digest, &report, real.at(model.now)));
                model.scanned = Some(model.now);
                model.report = report;
            }
            if !step.asleep {
                real.write_down(model.now);
                for found in &model.report {
                    model.first.entry(found.number).or_insert(model.now);
                }
            }
            prop_assert_eq!(real.told(model.now), model.told(), "hour {}", model.now);
            // And at the moment that it says itself, a second before which nothing is otherwise.
            let judgement = real.judge(model.now);
            if let Some(next) = judgement.next {
                prop_assert!(next > real.at(model.now));
            }
        }
    }
}
