//! Scans of images, by the images that they are of.

use snc_core::facts::{ImageLedger, ImageScan, VulnerabilityReport};
use snc_core::image::{Digest, Scan};
use snc_core::snapshot::{Fact, Snapshot};
use snc_core::verdict::Subject;
use snc_images::ledger::Place;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

#[derive(Default)]
pub struct Images {
    snapshot: Snapshot,
    by_digest: HashMap<Digest, BTreeSet<Subject>>,
    /// Of reports that name no digest.
    by_name: HashMap<String, BTreeSet<Subject>>,
}

/// What is known of some images.
#[derive(Default)]
pub struct About<'a> {
    pub scans: Vec<(&'a Subject, &'a ImageScan)>,
    pub reports: Vec<(&'a Subject, &'a VulnerabilityReport)>,
    pub ledgers: Vec<(&'a Subject, &'a ImageLedger)>,
}

impl Images {
    pub fn apply(&mut self, subject: &Subject, fact: Fact) {
        self.forget(subject);
        self.snapshot.accept(subject, fact);
        let Self { snapshot, by_digest, by_name } = self;
        let Some(scan) = scan(snapshot, subject) else { return };
        for digest in &scan.digests {
            by_digest.entry(digest.clone()).or_default().insert(subject.clone());
        }
        if scan.digests.is_empty() && !scan.image.is_empty() {
            by_name.entry(scan.image.clone()).or_default().insert(subject.clone());
        }
    }

    pub fn delete(&mut self, subject: &Subject) {
        self.forget(subject);
        self.snapshot.remove(subject);
    }

    /// A new list of a kind, `group/Kind`.
    pub fn reset(&mut self, kind: &str, all: Vec<(Subject, Fact)>) {
        let Snapshot { image_scans, vulnerability_reports, image_ledgers, .. } = &self.snapshot;
        let scans = image_scans.iter().map(|(subject, _)| subject);
        let reports = vulnerability_reports.iter().map(|(subject, _)| subject);
        let ledgers = image_ledgers.iter().map(|(subject, _)| subject);
        let unreadable = self.snapshot.unreadable().map(|(subject, _)| subject);
        let held = scans.chain(reports).chain(ledgers).chain(unreadable);
        let gone: Vec<Subject> = held.filter(|subject| subject.kind_key() == kind).cloned().collect();
        for subject in &gone {
            self.delete(subject);
        }
        for (subject, fact) in all {
            self.apply(&subject, fact);
        }
    }

    fn forget(&mut self, subject: &Subject) {
        let Self { snapshot, by_digest, by_name } = self;
        let Some(scan) = scan(snapshot, subject) else { return };
        for digest in &scan.digests {
            take(by_digest, digest, subject);
        }
        take(by_name, &scan.image, subject);
    }

    /// The scans of images with these digests and names, and the objects that say when what is in them was first seen.
    /// `home` is the operator's namespace.
    pub fn about<'i>(
        &self,
        home: &str,
        digests: impl IntoIterator<Item = &'i Digest> + Clone,
        names: impl IntoIterator<Item = &'i String>,
    ) -> About<'_> {
        let exact = digests.clone().into_iter().filter_map(|digest| self.by_digest.get(digest));
        let tagged = names.into_iter().filter_map(|name| self.by_name.get(name));
        let subjects: BTreeSet<&Subject> = exact.chain(tagged).flatten().collect();
        let Snapshot { image_scans, vulnerability_reports, image_ledgers, .. } = &self.snapshot;
        let (mut about, mut ledgers) = (About::default(), BTreeSet::new());
        for subject in subjects {
            about.scans.extend(image_scans.get(subject).map(|scan| (subject, scan)));
            about.reports.extend(vulnerability_reports.get(subject).map(|report| (subject, report)));
            let place = Place::of(home, &subject.namespace);
            for digest in scan(&self.snapshot, subject).map_or(&[][..], |scan| &scan.digests) {
                ledgers.insert(place.object(digest));
            }
            ledgers.extend(digests.clone().into_iter().map(|digest| place.object(digest)));
        }
        let keys =
            ledgers.into_iter().map(|name| Subject::new(LEDGER_VERSION, "SncImageLedger", home, &name));
        about.ledgers.extend(keys.filter_map(|subject| image_ledgers.get_with(&subject)));
        about
    }
}

/// The version in which the operator writes them.
const LEDGER_VERSION: &str = "secnumcloud.dev/v1alpha1";

fn scan<'s>(snapshot: &'s Snapshot, subject: &Subject) -> Option<&'s Scan> {
    let of_report = || snapshot.vulnerability_reports.get(subject).map(|VulnerabilityReport(scan)| scan);
    snapshot.image_scans.get(subject).map(|ImageScan(scan)| scan).or_else(of_report)
}

fn take<K: Hash + Eq>(all: &mut HashMap<K, BTreeSet<Subject>>, key: &K, subject: &Subject) {
    if let Some(held) = all.get_mut(key) {
        held.remove(subject);
        if held.is_empty() {
            all.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const KIND: &str = "secnumcloud.dev/SncImageScan";

    fn digest(of: char) -> Digest {
        Digest::parse(&format!("sha256:{}", of.to_string().repeat(64))).unwrap()
    }

    fn object(name: &str, digests: &[char]) -> (Subject, Fact) {
        let subject = Subject::new("secnumcloud.dev/v1alpha1", "SncImageScan", "snc-system", name);
        let manifests: Vec<Digest> = digests.iter().map(|of| digest(*of)).collect();
        let spec = json!({"digests": {"manifests": manifests}, "scanner": {"name": "x"}, "nature": "scan", "vulnerabilities": []});
        let fact = Fact::of(&subject, &json!({"spec": spec}));
        (subject, fact)
    }

    fn found(images: &Images, of: char) -> Vec<String> {
        images
            .about("snc-system", &[digest(of)], &[])
            .scans
            .iter()
            .map(|(subject, _)| subject.name.clone())
            .collect()
    }

    #[test]
    fn a_scan_is_found_by_each_of_its_digests_as_long_as_it_has_it() {
        let mut images = Images::default();
        let (subject, fact) = object("a", &['a', 'b']);
        images.apply(&subject, fact);
        let (other, fact) = object("b", &['b']);
        images.apply(&other, fact);
        assert_eq!(found(&images, 'a'), ["a"]);
        assert_eq!(found(&images, 'b'), ["a", "b"]);
        let (_, fact) = object("a", &['c']);
        images.apply(&subject, fact);
        assert_eq!(found(&images, 'a'), Vec::<String>::new());
        assert_eq!(found(&images, 'c'), ["a"]);
        images.delete(&subject);
        assert_eq!(found(&images, 'c'), Vec::<String>::new());
        images.reset(KIND, vec![object("d", &['a'])]);
        assert_eq!((found(&images, 'b'), found(&images, 'a')), (vec![], vec!["d".to_owned()]));
        assert_eq!(images.by_digest.len(), 1);
    }

    #[test]
    fn what_cannot_be_understood_is_not_found_and_takes_the_place_of_what_was() {
        let mut images = Images::default();
        let (subject, fact) = object("a", &['a']);
        images.apply(&subject, fact);
        images.apply(&subject, Fact::of(&subject, &json!({"spec": 7})));
        assert_eq!(found(&images, 'a'), Vec::<String>::new());
    }
}
