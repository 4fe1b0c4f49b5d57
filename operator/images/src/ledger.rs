//! When each vulnerability was first seen in each image, over many objects: so few that they are read at once, so many that
//! none of them grows too large.

use jiff::{SignedDuration, Timestamp};
use snc_core::facts::{ImageLedger, SeenImage};
use snc_core::image::{Digest, Name, Scan};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Objects of the ledger are named so. Behind it stand, of the platform's scans, the first two digits of the digests, and
/// of a namespace's, its name.
pub const PREFIX: &str = "snc-first-seen-";

/// What one object may hold, in bytes of its JSON.
pub const ROOM: usize = 900_000;

/// An image without a scan for so long is forgotten.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(400 * 24);
/// How exactly it is known when a scan of an image was last there.
const EXACTLY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Whose scans an object is about. What a tenant makes up fills an object of its own, and no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place<'a> {
    Platform,
    Namespace(&'a str),
}

impl<'a> Place<'a> {
    /// `home` is the platform's namespace.
    pub fn of(home: &str, namespace: &'a str) -> Self {
        if namespace == home { Self::Platform } else { Self::Namespace(namespace) }
    }

    /// The object that holds a digest.
    pub fn object(self, digest: &Digest) -> String {
        match self {
            Self::Platform => format!("{PREFIX}{}", digest.hex().get(..2).unwrap_or("00")),
            // A namespace of two letters is none of the platform's.
            Self::Namespace(name) => format!("{PREFIX}of-{name}"),
        }
    }
}

/// All of them together, if they are known.
#[derive(Default)]
pub struct Ledgers<'a>(Option<HashMap<&'a str, &'a ImageLedger>>);

impl<'a> Ledgers<'a> {
    /// Each with its name.
    pub fn of(all: impl IntoIterator<Item = (&'a str, &'a ImageLedger)>) -> Self {
        Self(Some(all.into_iter().collect()))
    }

    fn ledger(&self, place: Place<'_>, digest: &Digest) -> Option<&'a ImageLedger> {
        self.0.as_ref()?.get(place.object(digest).as_str()).copied()
    }

    /// The earliest, under whichever of its digests an image was known, wherever.
    pub fn first(&self, known: &[(Place<'_>, &Digest)], name: &Name) -> Option<Timestamp> {
        let of = |(place, digest): &(Place<'_>, &Digest)| {
            self.ledger(*place, digest)?.images.get(*digest)?.first.get(name.key()).copied()
        };
        known.iter().filter_map(of).min()
    }

    /// What is missing is not known to be new.
    pub fn is_full(&self, known: &[(Place<'_>, &Digest)]) -> bool {
        self.0.is_none()
            || known
                .iter()
                .any(|(place, digest)| self.ledger(*place, digest).is_some_and(|ledger| ledger.full))
    }

    /// What these scans tell that is not written yet, by object.
    pub fn news<'s>(
        &self,
        scans: impl IntoIterator<Item = (Place<'s>, &'s Scan)>,
        now: Timestamp,
    ) -> BTreeMap<String, News> {
        let mut news: BTreeMap<String, News> = BTreeMap::new();
        for (place, scan) in scans.into_iter().filter(|(_, scan)| !scan.statements) {
            for digest in &scan.digests {
                let ledger = self.ledger(place, digest);
                let held = ledger.and_then(|ledger| ledger.images.get(digest));
                let fresh = held.is_some_and(|held| now.duration_since(held.seen) < EXACTLY);
                let new = scan.findings.iter().map(|finding| finding.name.key());
                let new = new.filter(|key| held.is_none_or(|held| !held.first.contains_key(*key)));
                let new: BTreeSet<Box<str>> = new.map(Into::into).collect();
                // For what finds no room it is looked again once something goes.
                let hopeless = ledger.is_some_and(|ledger| ledger.full && !is_loose(ledger, now));
                if !(hopeless || fresh && new.is_empty()) {
                    let object = news.entry(place.object(digest)).or_default();
                    object.0.entry(digest.clone()).or_default().extend(new);
                }
            }
        }
        news
    }
}

/// Whether something of it can be let go of.
fn is_loose(ledger: &ImageLedger, now: Timestamp) -> bool {
    ledger.images.values().any(|image| now.duration_since(image.seen) >= FORGOTTEN)
}

/// What an object of the ledger does not hold yet: images that are there, and what is new in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News(BTreeMap<Digest, BTreeSet<Box<str>>>);

impl News {
    /// Writes it down. A date that is there stays; what nobody scans any more is let go of.
    pub fn write(&self, ledger: &mut ImageLedger, now: Timestamp) {
        ledger.images.retain(|_, image| now.duration_since(image.seen) < FORGOTTEN);
        let mut room = ROOM.saturating_sub(size(ledger));
        ledger.full = false;
        for (digest, new) in &self.0 {
            let image = match ledger.images.get_mut(digest) {
                Some(image) => image,
                None if room < 256 => {
                    ledger.full = true;
                    continue;
                }
                None => {
                    room -= 256;
                    ledger
                        .images
                        .entry(digest.clone())
                        .or_insert(SeenImage { seen: now, first: BTreeMap::new() })
                }
            };
            image.seen = now;
            for key in new {
                let needs = entry(key);
                if image.first.contains_key(key) {
                    continue;
                }
                if room < needs {
                    ledger.full = true;
                    continue;
                }
                room -= needs;
                image.first.insert(key.clone(), now);
            }
        }
    }
}

/// Of its JSON, no less than it is.
fn size(ledger: &ImageLedger) -> usize {
    let of = |image: &SeenImage| 256 + image.first.keys().map(|key| entry(key)).sum::<usize>();
    ledger.images.values().map(of).sum()
}

/// A key may be written with escapes, and a date takes no more than thirty characters.
fn entry(key: &str) -> usize {
    key.chars()
        .map(|c| if c.is_control() || matches!(c, '"' | '\\') { 6 } else { c.len_utf8() })
        .sum::<usize>()
        + 40
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use snc_core::image::{Finding, Severity};

    fn digest(of: &str) -> Digest {
        Digest::parse(&format!("sha256:{}", of.repeat(32))).expect("digest")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    fn scan(digests: &[&str], ids: &[&str]) -> Scan {
        let finding = |id: &&str| Finding {
            name: Name::new(id, "curl", "1"),
            severity: Severity::High,
            cvss: None,
            source: "".into(),
            fixed: false,
            settled: false,
            analysed: false,
        };
        Scan {
            digests: digests.iter().map(|of| digest(of)).collect(),
            findings: ids.iter().map(finding).collect(),
            ..Scan::default()
        }
    }

    /// As the operator does it.
    fn keep(all: &mut BTreeMap<String, ImageLedger>, scans: &[Scan], now: &str) -> usize {
        let ledgers = Ledgers::of(all.iter().map(|(name, ledger)| (name.as_str(), ledger)));
        let news = ledgers.news(scans.iter().map(|scan| (Place::Platform, scan)), at(now));
        let written = news.len();
        for (name, news) in news {
            news.write(all.entry(name).or_default(), at(now));
        }
        written
    }

    fn first(all: &BTreeMap<String, ImageLedger>, digests: &[&str], id: &str) -> Option<Timestamp> {
        let ledgers = Ledgers::of(all.iter().map(|(name, ledger)| (name.as_str(), ledger)));
        let digests: Vec<Digest> = digests.iter().map(|of| digest(of)).collect();
        let known: Vec<_> = digests.iter().map(|digest| (Place::Platform, digest)).collect();
        ledgers.first(&known, &Name::new(id, "curl", "2"))
    }

    #[test]
    fn a_report_made_again_does_not_set_the_clock_back() {
        let mut all = BTreeMap::new();
        assert_eq!(keep(&mut all, &[scan(&["ab", "cd"], &["CVE-1"])], "2026-01-01T00:00:00Z"), 2);
        assert_eq!(
            keep(&mut all, &[scan(&["ab", "cd"], &["CVE-1"])], "2026-01-02T00:00:00Z"),
            0,
            "nothing new"
        );
        keep(&mut all, &[scan(&["ab"], &["CVE-1", "CVE-2"])], "2026-01-03T00:00:00Z");
        // Gone from the report for a time, and back.
        keep(&mut all, &[scan(&["ab"], &[])], "2026-02-01T00:00:00Z");
        keep(&mut all, &[scan(&["ab"], &["CVE-1"])], "2026-03-01T00:00:00Z");
        assert_eq!(first(&all, &["ab"], "CVE-1"), Some(at("2026-01-01T00:00:00Z")));
        assert_eq!(first(&all, &["ab"], "CVE-2"), Some(at("2026-01-03T00:00:00Z")));
        assert_eq!(
            first(&all, &["ef", "cd"], "CVE-1"),
            Some(at("2026-01-01T00:00:00Z")),
            "under its other digest"
        );
        assert_eq!(first(&all, &["ef"], "CVE-1"), None);
    }

    #[test]
    fn what_nobody_scans_any_more_is_forgotten_and_no_sooner() {
        let mut all = BTreeMap::new();
        keep(&mut all, &[scan(&["ab"], &["CVE-1"])], "2026-01-01T00:00:00Z");
        let other = Scan {
            digests: vec![Digest::parse(&format!("sha256:ab{}", "0".repeat(62))).expect("digest")],
            ..scan(&[], &["CVE-9"])
        };
        keep(&mut all, std::slice::from_ref(&other), "2027-02-04T00:00:00Z");
        assert!(first(&all, &["ab"], "CVE-1").is_some());
        keep(&mut all, &[Scan { findings: scan(&[], &["CVE-8"]).findings, ..other }], "2027-02-06T00:00:00Z");
        assert!(first(&all, &["ab"], "CVE-1").is_none());
    }

    #[test]
    fn what_a_tenant_makes_up_stays_with_it() {
        let ledgers = Ledgers::of([]);
        let scan = scan(&["ab", "cd"], &["CVE-1"]);
        let places = [Place::Platform, Place::Namespace("shop"), Place::Namespace("ab")];
        let news = ledgers.news(places.map(|place| (place, &scan)), at("2026-01-01T00:00:00Z"));
        let names: Vec<&str> = news.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["snc-first-seen-ab", "snc-first-seen-cd", "snc-first-seen-of-ab", "snc-first-seen-of-shop"]
        );
    }

    #[test]
    fn statements_are_nothing_seen() {
        let mut all = BTreeMap::new();
        let vex = Scan { statements: true, ..scan(&["ab"], &["CVE-1"]) };
        assert_eq!(keep(&mut all, &[vex], "2026-01-01T00:00:00Z"), 0);
    }

    #[test]
    fn an_object_that_is_full_says_so() {
        let mut ledger = ImageLedger::default();
        let ids: BTreeSet<Box<str>> =
            (0..20_000).map(|n| format!("CVE-{n:06} {}", "é\"".repeat(20)).into()).collect();
        News(BTreeMap::from([(digest("ab"), ids.clone())])).write(&mut ledger, at("2026-01-01T00:00:00Z"));
        assert!(ledger.full);
        let held = &ledger.images[&digest("ab")];
        assert!(!held.first.is_empty() && held.first.len() < ids.len());
        let text = serde_json::to_string(&held).expect("json");
        assert!(text.len() <= ROOM, "{}", text.len());
    }

    proptest! {
        #[test]
        fn a_date_once_written_only_goes_with_its_image(days in prop::collection::vec((0..30_i64, 0..3_usize, prop::collection::btree_set(0..4_u8, 0..4)), 1..20)) {
            let mut all = BTreeMap::new();
            let mut now = at("2026-01-01T00:00:00Z");
            let mut expected: BTreeMap<(usize, u8), Timestamp> = BTreeMap::new();
            for (days, image, ids) in days {
                now += SignedDuration::from_hours(24 * days);
                let names: Vec<String> = ids.iter().map(|id| format!("CVE-{id}")).collect();
                let of = ["ab", "cd", "ef"][image];
                keep(&mut all, &[scan(&[of], &names.iter().map(String::as_str).collect::<Vec<_>>())], &now.to_string());
                for id in ids {
                    expected.entry((image, id)).or_insert(now);
                }
                for ((image, id), at) in &expected {
                    // Less than four hundred days in all.
                    if now.duration_since("2026-01-01T00:00:00Z".parse().expect("time")) < FORGOTTEN {
                        prop_assert_eq!(first(&all, &[["ab", "cd", "ef"][*image]], &format!("CVE-{id}")), Some(*at));
                    }
                }
            }
        }
    }
}
