use super::*;
use crate::anchor::{Anchor, AnchorLine};
use crate::finding::Aside;
use crate::kit::*;
use crate::verify::{Check, Report, Root, Tail};
use crate::{Algorithm, NewRecord, What, publish};
use futures::TryStreamExt as _;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn asked(partition: &str) -> Export {
    let partition = partition.parse().unwrap();
    Export { partition, from: None, since: None, until: None, format: Format::Jsonl, now: in_days(1) }
}

async fn tar(bench: &Bench, export: &Export) -> Vec<u8> {
    let pieces: Vec<Bytes> = super::export(&bench.store, export).await.unwrap().try_collect().await.unwrap();
    pieces.concat()
}

/// A place for an export, as a tar and unpacked.
struct Kept {
    dir: tempfile::TempDir,
}

impl Kept {
    fn new(bytes: &[u8]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.tar"), bytes).unwrap();
        let kept = Self { dir };
        tar::Archive::new(bytes).unpack(kept.folder()).unwrap();
        kept
    }

    fn tar(&self) -> PathBuf {
        self.dir.path().join("a.tar")
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("a")
    }

    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        fn walk(dir: &Path, below: &str, files: &mut BTreeMap<String, Vec<u8>>) {
            for entry in std::fs::read_dir(dir).unwrap() {
                let entry = entry.unwrap();
                let name = format!("{below}{}", entry.file_name().into_string().unwrap());
                if entry.file_type().unwrap().is_dir() {
                    walk(&entry.path(), &format!("{name}/"), files);
                } else {
                    files.insert(name, std::fs::read(entry.path()).unwrap());
                }
            }
        }
        let mut files = BTreeMap::new();
        walk(&self.folder(), "", &mut files);
        files
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder().join(name)).unwrap()
    }
}

fn check(bench: &Bench) -> Check {
    Check { anchors: Vec::new(), trusted: Some(bench.writer.keys().current().clone()), now: bench.now }
}

fn verified(path: &Path, bench: &Bench) -> Report {
    verify_export(path, &check(bench)).unwrap()
}

#[tokio::test]
async fn an_export_is_verified_as_a_tar_and_as_a_directory() {
    let bench = Bench::filled(3).await;
    for format in [Format::Jsonl, Format::Csv] {
        let kept = Kept::new(&tar(&bench, &Export { format, ..asked("tenant.acme") }).await);
        for path in [kept.tar(), kept.folder()] {
            let report = verified(&path, &bench);
            assert_eq!((report.findings, report.notes), (Vec::new(), Vec::new()));
            assert_eq!((report.heads, &report.tail), (1, &Tail::NotProven));
            assert!(matches!(report.root, Root::Trusted { .. }));
            let partition = &report.partitions[0];
            assert_eq!((partition.segments, partition.records, partition.expired), (3, 15, 0));
        }
        let key = format!("keys/{}.json", bench.writer.keys().current());
        let mut names = vec![
            ABOUT.to_owned(),
            HEAD.to_owned(),
            key,
            MANIFESTS.to_owned(),
            format.file().to_owned(),
            segment_file(1),
            segment_file(2),
            segment_file(3),
        ];
        names.sort();
        assert_eq!(kept.files().into_keys().collect::<Vec<_>>(), names);
    }
}

#[tokio::test]
async fn nothing_in_it_names_another_tenant() {
    let mut bench = Bench::new().await;
    // All that the others do is in their own partitions only.
    for partition in ["platform", "tenant.acme", "tenant.secret-customer", "tenant.zeta"] {
        let marked = |n| raw(n, format!(r#"{{"auditID":"i","stage":"Panic","marker":"only-{partition}"}}"#));
        let records: Vec<NewRecord> = (1..50).map(marked).collect();
        bench.writer.seal(&partition.parse().unwrap(), records, in_days(300), at(9)).await.unwrap();
    }
    bench.head().await;
    for format in [Format::Jsonl, Format::Csv] {
        let bytes = tar(&bench, &Export { format, ..asked("tenant.acme") }).await;
        let kept = Kept::new(&bytes);
        assert!(verified(&kept.tar(), &bench).is_intact());
        let mut plain = bytes;
        for (name, content) in kept.files() {
            if name.starts_with("segments/") {
                for block in frames(&content) {
                    plain.extend(zstd::bulk::decompress(&content[block.unwrap()], 1 << 20).unwrap());
                }
            }
        }
        let plain = String::from_utf8_lossy(&plain);
        assert!(plain.contains("only-tenant.acme"));
        for other in ["secret-customer", "zeta", "only-platform", "\"platform\"", "\"through\""] {
            assert!(!plain.contains(other), "{other}");
        }
    }
}

#[tokio::test]
async fn a_part_of_the_time_is_proven_to_be_all_of_that_time() {
    let bench = Bench::filled(6).await;
    let export = Export { since: Some(at(20)), until: Some(at(52)), ..asked("tenant.acme") };
    let bytes = tar(&bench, &export).await;
    let kept = Kept::new(&bytes);
    let report = verified(&kept.tar(), &bench);
    assert_eq!(report.findings, []);
    // Segments are whole: 21 to 25, 36 to 40, 51 to 55. The list is not.
    let partition = &report.partitions[0];
    assert_eq!((partition.segments, partition.records), (3, 11));
    assert_eq!(kept.text(MANIFESTS).lines().count(), 6);
    let seqs: Vec<u64> =
        kept.text("records.jsonl").lines().map(|line| Record::parse(line).unwrap().seq).collect();
    assert_eq!(seqs, (6..=16).collect::<Vec<_>>());

    // Somebody takes a segment away, and all that speaks of it.
    let files = kept.files();
    std::fs::remove_file(kept.folder().join(segment_file(3))).unwrap();
    let text = kept.text("records.jsonl");
    let left = text
        .split_inclusive('\n')
        .filter(|line| !(11..=15).contains(&Record::parse(line.trim_end()).unwrap().seq));
    let shorter: String = left.collect();
    std::fs::write(kept.folder().join("records.jsonl"), shorter).unwrap();
    let about = kept.text(ABOUT).replace("\"count\":11", "\"count\":6");
    std::fs::write(kept.folder().join(ABOUT), about).unwrap();
    let report = verified(&kept.folder(), &bench);
    assert_eq!(named(&report), [(What::SegmentMissing, segment_file(3).as_str())]);
    assert_eq!((report.findings[0].first_seq, report.findings[0].last_seq), (Some(11), Some(15)));
    // The manifests as well.
    let manifests: Vec<&str> = std::str::from_utf8(&files[MANIFESTS]).unwrap().lines().collect();
    let without: String = [0, 1, 3, 4, 5].map(|at| format!("{}\n", manifests[at])).concat();
    std::fs::write(kept.folder().join(MANIFESTS), without).unwrap();
    assert_eq!(named(&verified(&kept.folder(), &bench)), [(What::ManifestMissing, MANIFESTS)]);
    // The end.
    std::fs::write(kept.folder().join(MANIFESTS), format!("{}\n{}\n", manifests[0], manifests[1])).unwrap();
    let report = verified(&kept.folder(), &bench);
    let missing: Vec<_> = report
        .findings
        .iter()
        .filter(|f| f.what == What::ManifestMissing)
        .map(|f| f.number.unwrap())
        .collect();
    assert_eq!(missing, [3, 4, 5, 6]);
}

#[test]
fn any_byte_that_changes_is_named() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (bench, bytes) = runtime.block_on(async {
        let mut bench = Bench::filled(1).await;
        bench.now = at(500);
        bench.writer.rotate(Algorithm::Ed25519, bench.now).await.unwrap();
        bench.seal("tenant.acme", 4).await;
        bench.head().await;
        let export = Export { since: Some(at(8)), ..asked("tenant.acme") };
        let bytes = tar(&bench, &export).await;
        (bench, bytes)
    });
    let kept = Kept::new(&bytes);
    assert!(verified(&kept.folder(), &bench).is_intact());
    let files = kept.files();
    let names: Vec<&String> = files.keys().collect();
    proptest!(ProptestConfig::with_cases(300), |(name: Index, place: Index, change in 1_u8..)| {
        let name = name.get(&names).as_str();
        let mut changed = files[name].clone();
        let place = place.index(changed.len());
        changed[place] ^= change;
        std::fs::write(kept.folder().join(name), changed).unwrap();
        let report = verified(&kept.folder(), &bench);
        std::fs::write(kept.folder().join(name), &files[name]).unwrap();
        // When it was made is nobody's concern.
        let about = || { let at = String::from_utf8_lossy(&files[ABOUT]).find("\"made\"").unwrap(); (at + 8..at + 28).contains(&place) };
        prop_assert!(!report.is_intact() || name == ABOUT && about(), "{name} at {place}");
    });
    for name in names {
        std::fs::remove_file(kept.folder().join(name)).unwrap();
        let report = verified(&kept.folder(), &bench);
        // Without the head there is still a note that says so.
        let said = !report.is_intact() || report.notes.iter().any(|note| note.what == Aside::NoHead);
        assert!(said, "{name}");
        std::fs::write(kept.folder().join(name), &files[name]).unwrap();
    }
    // The tar itself: whatever it is, nobody falls over it.
    proptest!(ProptestConfig::with_cases(300), |(place: Index, change in 1_u8..)| {
        let mut changed = bytes.clone();
        let place = place.index(changed.len());
        changed[place] ^= change;
        std::fs::write(kept.tar(), &changed).unwrap();
        let _ = verified(&kept.tar(), &bench);
        std::fs::write(kept.tar(), &bytes[..place]).unwrap();
        let report = verified(&kept.tar(), &bench);
        prop_assert!(!report.is_intact() || place + 1024 >= bytes.len(), "cut at {place}");
    });
}

#[tokio::test]
async fn files_that_are_no_part_of_it_are_named() {
    let bench = Bench::filled(2).await;
    let kept = Kept::new(&tar(&bench, &asked("tenant.acme")).await);
    std::fs::write(kept.folder().join("extra"), "x").unwrap();
    std::fs::write(kept.folder().join("segments/000000000009.seg"), "x").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", kept.folder().join("segments/link")).unwrap();
    let report = verified(&kept.folder(), &bench);
    assert_eq!(
        named(&report),
        [
            (What::FileUnexpected, "extra"),
            (What::FileUnexpected, "segments/000000000009.seg"),
            (What::FileUnexpected, "segments/link")
        ]
    );
    // A name that is there twice: which of the two would be believed?
    let mut twice = std::fs::read(kept.tar()).unwrap();
    let first = twice[..512 + kept.files()[HEAD].len().next_multiple_of(512)].to_vec();
    twice.splice(0..0, first);
    std::fs::write(kept.tar(), twice).unwrap();
    assert_eq!(named(&verified(&kept.tar(), &bench)), [(What::FileUnexpected, HEAD)]);
}

#[tokio::test]
async fn an_anchor_holds_for_an_export_as_well() {
    let bench = Bench::filled(2).await;
    let head = bench.writer.last_head().unwrap().clone();
    let kept = Kept::new(&tar(&bench, &asked("tenant.acme")).await);
    let vault = memory();
    publish(&vault, &head).await.unwrap();
    let own = AnchorLine::of(&head);
    let lines = |lines: Vec<AnchorLine>| Anchor::Lines { name: "receiver".to_owned(), lines };
    let store = Anchor::Store { name: "vault".to_owned(), store: vault };
    for anchor in [lines(vec![own]), store.clone()] {
        let name = anchor.name().to_owned();
        let report = verify_export(&kept.tar(), &Check { anchors: vec![anchor], ..check(&bench) }).unwrap();
        assert_eq!((report.total, report.tail), (0, Tail::Proven { head: 2, at: head.at, anchor: name }));
    }
    let other = AnchorLine { hash: crate::Digest::of(b"x"), ..own };
    let anchors = vec![lines(vec![other]), store];
    let report = verify_export(&kept.tar(), &Check { anchors, ..check(&bench) }).unwrap();
    assert_eq!(named(&report), [(What::AnchorContradicts, HEAD)]);
    assert_eq!(report.tail, Tail::NotProven);
}

#[tokio::test]
async fn what_expired_is_said_and_what_was_removed_is_missed() {
    let mut bench = Bench::filled(2).await;
    bench.now = in_days(200);
    bench.seal("tenant.acme", 3).await;
    bench.writer.expire(bench.now, &[]).await.unwrap();
    bench.head().await;
    let kept = Kept::new(&tar(&bench, &asked("tenant.acme")).await);
    let report = verified(&kept.tar(), &bench);
    assert_eq!(report.findings, []);
    let partition = &report.partitions[0];
    assert_eq!((partition.segments, partition.expired, partition.records), (3, 2, 3));

    remove(&bench.store, "tenant.acme/000000000003.seg").await;
    let kept = Kept::new(&tar(&bench, &asked("tenant.acme")).await);
    assert_eq!(named(&verified(&kept.tar(), &bench)), [(What::SegmentMissing, segment_file(3).as_str())]);
}

#[tokio::test]
async fn what_was_changed_in_the_store_is_seen_in_the_export() {
    let bench = Bench::filled(3).await;
    let intact = contents(&bench.store).await;
    let path = "tenant.acme/000000000002.seg";
    let mut bytes = intact[path].clone();
    bytes[30] ^= 1;
    put(&bench.store, path, bytes).await;
    let kept = Kept::new(&tar(&bench, &asked("tenant.acme")).await);
    let report = verified(&kept.tar(), &bench);
    assert!(named(&report).contains(&(What::SegmentChanged, segment_file(2).as_str())));
    assert_eq!(report.partitions[0].records, 10);
    restore(&bench.store, &intact).await;
    put(&bench.store, "tenant.acme/000000000002.json", b"{}".to_vec()).await;
    let kept = Kept::new(&tar(&bench, &asked("tenant.acme")).await);
    assert!(named(&verified(&kept.tar(), &bench)).contains(&(What::ManifestMissing, MANIFESTS)));
}

#[tokio::test]
async fn a_partition_without_a_segment_or_without_a_head_is_exported() {
    let mut bench = Bench::filled(1).await;
    let kept = Kept::new(&tar(&bench, &asked("tenant.none")).await);
    let report = verified(&kept.tar(), &bench);
    assert_eq!((report.total, report.partitions[0].segments), (0, 0));
    bench.seal("tenant.new", 2).await;
    let kept = Kept::new(&tar(&bench, &asked("tenant.new")).await);
    let report = verified(&kept.tar(), &bench);
    assert_eq!((report.total, report.partitions[0].records), (0, 2));
    assert_eq!(report.notes[0].what, Aside::NoHead);
}

#[tokio::test]
async fn what_is_no_export_is_none() {
    let bench = Bench::filled(1).await;
    let dir = tempfile::tempdir().unwrap();
    assert!(verified(dir.path(), &bench).findings.iter().any(|finding| finding.what == What::FileMissing));
    let file = dir.path().join("x.tar");
    std::fs::write(&file, vec![7; 3000]).unwrap();
    assert!(verified(&file, &bench).findings.iter().any(|finding| finding.what == What::FileUnreadable));
    assert!(matches!(verify_export(&dir.path().join("none"), &check(&bench)), Err(Error::Io { .. })));
}

#[tokio::test]
async fn many_segments_are_exported_from_their_packs() {
    let mut bench = Bench::new().await;
    for _ in 0..270 {
        bench.seal("tenant.acme", 1).await;
    }
    bench.head().await;
    let export = Export { since: Some(at(100)), until: Some(at(103)), ..asked("tenant.acme") };
    let kept = Kept::new(&tar(&bench, &export).await);
    let report = verified(&kept.tar(), &bench);
    assert_eq!((report.total, report.partitions[0].records, report.partitions[0].segments), (0, 3, 3));
    assert_eq!(kept.text(MANIFESTS).lines().count(), 270);
}

#[tokio::test]
async fn it_begins_before_the_segments_are_read_and_breaks_off_if_one_goes_meanwhile() {
    let bench = Bench::filled(3).await;
    let mut pieces = super::export(&bench.store, &asked("tenant.acme")).await.unwrap();
    assert!(pieces.try_next().await.unwrap().is_some());
    remove(&bench.store, "tenant.acme/000000000003.seg").await;
    // It had not been looked at yet: it is missed by whoever verifies.
    let rest: Vec<Bytes> = pieces.try_collect().await.unwrap();
    assert!(rest.len() > 10);

    let bench = Bench::filled(3).await;
    let mut pieces = super::export(&bench.store, &asked("tenant.acme")).await.unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("segments/000000000003.seg") {
        seen.extend_from_slice(&pieces.try_next().await.unwrap().unwrap());
    }
    remove(&bench.store, "tenant.acme/000000000003.seg").await;
    let rest: Result<Vec<Bytes>, Error> = pieces.try_collect().await;
    assert!(rest.unwrap_err().to_string().contains("tenant.acme/000000000003.seg"));
}
