//! All scans that are known, by the images that they are of.

use crate::ledger::{Ledgers, Place};
use crate::verdict::{Judgement, Rules, judge};
use jiff::{SignedDuration, Timestamp};
use snc_core::image::{Digest, Reference, Scan, Trust, digest_of_running};
use std::collections::{BTreeSet, HashMap};

/// An image that runs, or is to run.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Image {
    /// Every digest under which it is known. Empty where it is named by a tag alone.
    pub digests: BTreeSet<Digest>,
    /// `registry/repository:tag`; empty where that cannot be read.
    pub name: String,
}

impl Image {
    /// As a pod names it and, once it runs, as its runtime does.
    pub fn of(named: &str, running: Option<&str>) -> Self {
        let reference = Reference::parse(named);
        let name = reference
            .as_ref()
            .filter(|image| image.digest.is_none())
            .map(Reference::tagged)
            .unwrap_or_default();
        let of_name = reference.and_then(|image| image.digest);
        Self { digests: of_name.into_iter().chain(running.and_then(digest_of_running)).collect(), name }
    }
}

/// Who wrote a scan, as far as it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// The platform: it counts everywhere.
    Platform,
    /// Whoever may write in that namespace: it counts there.
    Namespace,
    /// The same, and a key that the platform names vouches for it.
    Signed,
}

struct Shelved<'a> {
    namespace: &'a str,
    writer: Writer,
    scan: &'a Scan,
}

#[derive(Default)]
pub struct Library<'a> {
    all: Vec<Shelved<'a>>,
    by_digest: HashMap<&'a Digest, Vec<usize>>,
    by_name: HashMap<&'a str, Vec<usize>>,
    ledgers: Ledgers<'a>,
    home: &'a str,
}

impl<'a> Library<'a> {
    /// `home` is the platform's namespace.
    pub fn new(
        home: &'a str,
        scans: impl IntoIterator<Item = (&'a str, Writer, &'a Scan)>,
        ledgers: Ledgers<'a>,
    ) -> Self {
        let mut library = Self { ledgers, home, ..Self::default() };
        for (namespace, writer, scan) in scans {
            let at = library.all.len();
            for digest in &scan.digests {
                library.by_digest.entry(digest).or_default().push(at);
            }
            if scan.digests.is_empty() && !scan.image.is_empty() {
                library.by_name.entry(&scan.image).or_default().push(at);
            }
            library.all.push(Shelved { namespace, writer, scan });
        }
        library
    }

    /// Those that count for an image in a namespace, each once. What only names an image may mean another by now: it
    /// proves nothing, and what it found stands all the same.
    fn scans(&self, namespace: &str, image: &Image) -> Vec<(&Shelved<'a>, Trust)> {
        let exact = image.digests.iter().filter_map(|digest| self.by_digest.get(digest)).flatten();
        let exact: BTreeSet<usize> = exact.copied().collect();
        let named = self.by_name.get(image.name.as_str()).into_iter().flatten().map(|at| (*at, Trust::Weak));
        let all = exact.into_iter().map(|at| (at, Trust::Full)).chain(named);
        let counts = |(at, trust): (usize, Trust)| {
            let shelved = self.all.get(at)?;
            match shelved.writer {
                Writer::Platform => Some((shelved, trust)),
                // Statements of a tenant settle nothing, whoever signs them.
                Writer::Signed if !shelved.scan.statements => {
                    (shelved.namespace == namespace).then_some((shelved, trust))
                }
                Writer::Namespace | Writer::Signed => {
                    (shelved.namespace == namespace).then_some((shelved, Trust::Weak))
                }
            }
        };
        all.filter_map(counts).collect()
    }

    pub fn judge(
        &self,
        namespace: &str,
        image: &Image,
        rules: &Rules,
        max_age: SignedDuration,
        now: Timestamp,
    ) -> Judgement {
        let scans = self.scans(namespace, image);
        let of_scan = |(shelved, _): &(&Shelved<'a>, Trust)| {
            let place = Place::of(self.home, shelved.namespace);
            let digests = image.digests.iter().cloned().chain(shelved.scan.digests.iter().cloned());
            digests.map(|digest| (place, digest)).collect::<Vec<_>>()
        };
        let known: BTreeSet<(Place<'_>, Digest)> = scans.iter().flat_map(of_scan).collect();
        let known: Vec<(Place<'_>, &Digest)> = known.iter().map(|(place, digest)| (*place, digest)).collect();
        let first = |name: &_| self.ledgers.first(&known, name);
        let told = scans.iter().map(|(shelved, trust)| (shelved.scan, *trust));
        let mut judgement = judge(told, first, rules, max_age, now);
        // What is not written down may be old.
        judgement.truncated |= self.ledgers.is_full(&known);
        judgement
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Looked;

    const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn scan(digest: &str, image: &str) -> Scan {
        Scan {
            digests: Digest::parse(digest).into_iter().collect(),
            image: image.to_owned(),
            scanned_at: Some(Timestamp::UNIX_EPOCH),
            ..Scan::default()
        }
    }

    fn looked(scans: &[(&str, Writer, Scan)], namespace: &str, image: &Image) -> Looked {
        let library = Library::new(
            "snc-system",
            scans.iter().map(|(namespace, writer, scan)| (*namespace, *writer, scan)),
            Ledgers::default(),
        );
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1);
        library.judge(namespace, image, &Rules::default(), SignedDuration::from_hours(2), now).looked
    }

    #[test]
    fn a_scan_counts_where_it_may() {
        let image = Image::of(&format!("r.example/app@{A}"), None);
        let at = Timestamp::UNIX_EPOCH;
        let platform = ("snc-system", Writer::Platform, scan(A, ""));
        let own = ("shop", Writer::Namespace, scan(A, ""));
        let other = ("bank", Writer::Namespace, scan(A, ""));
        let signed = |namespace| (namespace, Writer::Signed, scan(A, ""));
        assert_eq!(looked(&[signed("shop")], "shop", &image), Looked::Lately(at));
        assert_eq!(looked(&[signed("bank")], "shop", &image), Looked::Never, "in its own namespace only");
        let named = ("shop", Writer::Signed, scan("", "docker.io/library/nginx:1"));
        assert_eq!(looked(&[named], "shop", &Image::of("nginx:1", None)), Looked::Weakly(at));
        assert_eq!(looked(&[platform], "shop", &image), Looked::Lately(at));
        assert_eq!(looked(&[own], "shop", &image), Looked::Weakly(at));
        assert_eq!(looked(&[other], "shop", &image), Looked::Never);
        assert_eq!(looked(&[("snc-system", Writer::Platform, scan(B, ""))], "shop", &image), Looked::Never);
    }

    #[test]
    fn a_name_alone_is_weak_whoever_writes_it() {
        let named = ("snc-system", Writer::Platform, scan("", "docker.io/library/nginx:1"));
        let image = Image::of("nginx:1", Some(&format!("docker.io/library/nginx@{A}")));
        assert_eq!(
            looked(std::slice::from_ref(&named), "shop", &image),
            Looked::Weakly(Timestamp::UNIX_EPOCH)
        );
        assert_eq!(looked(&[named], "shop", &Image::of("nginx:2", None)), Looked::Never);
    }

    #[test]
    fn an_image_is_known_by_what_runs_and_by_what_was_asked_for() {
        let image =
            Image::of(&format!("r.example/app:1@{A}"), Some(&format!("docker-pullable://r.example/app@{B}")));
        assert_eq!(image.digests.iter().map(Digest::as_str).collect::<Vec<_>>(), [A, B]);
        assert_eq!(image.name, "", "what is pinned is not its tag");
        assert_eq!(Image::of("Not An Image", Some("junk")), Image::default());
    }
}
