//! What somebody does to the store without a key, or a disk by itself.

use super::*;
use proptest::prelude::*;
use proptest::sample::Index;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A log with everything that one can have: packs are tried apart, for they need many segments.
async fn rich() -> Bench {
    let mut bench = Bench::filled(2).await;
    bench.now = in_days(200);
    bench.writer.rotate(crate::Algorithm::Ed25519, bench.now).await.unwrap();
    bench.writer.expire(bench.now, &[]).await.unwrap();
    bench.seal("platform", 5).await;
    bench.seal("tenant.acme", 3).await;
    bench.head().await;
    bench
}

#[test]
fn any_byte_that_changes_is_named() {
    let runtime = runtime();
    let bench = runtime.block_on(rich());
    let contents = runtime.block_on(contents(&bench.store));
    assert!(runtime.block_on(bench.verify()).is_intact());
    let paths: Vec<&String> = contents.keys().collect();
    proptest!(ProptestConfig::with_cases(400), |(path: Index, place: Index, change in 1_u8..)| {
        let path = path.get(&paths).as_str();
        let mut bytes = contents[path].clone();
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        let report = runtime.block_on(async {
            put(&bench.store, path, bytes).await;
            let report = bench.verify().await;
            put(&bench.store, path, contents[path].clone()).await;
            report
        });
        let named = report.findings.iter().any(|finding| finding.object == path);
        prop_assert!(named, "{path} at {place}: {:?}", report.findings);
    });
    assert!(runtime.block_on(bench.verify()).is_intact());
}

#[test]
fn anything_that_is_cut_off_emptied_or_removed_is_named() {
    let runtime = runtime();
    let bench = runtime.block_on(rich());
    let contents = runtime.block_on(contents(&bench.store));
    for (path, bytes) in &contents {
        for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            let report = runtime.block_on(async {
                put(&bench.store, path, bytes[..cut].to_vec()).await;
                bench.verify().await
            });
            assert!(report.findings.iter().any(|finding| finding.object == *path), "{path} cut to {cut}");
        }
        let report = runtime.block_on(async {
            remove(&bench.store, path).await;
            let report = bench.verify().await;
            put(&bench.store, path, bytes.clone()).await;
            report
        });
        // Of the last head nobody knows but an anchor; a note that a time was over is missed by its segment.
        let known = path.ends_with("expired.json") || path == "heads/000000000004.json";
        let named = report.findings.iter().any(|finding| finding.object == *path);
        assert!(named || known, "{path} removed: {:?}", report.findings);
        assert!(!report.is_intact() || path == "heads/000000000004.json", "{path}");
    }
}

#[tokio::test]
async fn a_changed_record_is_named_by_its_number() {
    let mut bench = Bench::new().await;
    bench.seal("platform", 9).await;
    let path = "platform/000000000001.seg";
    let segment = get(&bench.store, path).await;
    let text = zstd::bulk::decompress(&segment, 1 << 20).unwrap();
    let text = String::from_utf8(text).unwrap();
    let changed = text.replace("pod-4\"", "pod-x\"");
    assert_ne!(changed, text);
    put(&bench.store, path, zstd::bulk::compress(changed.as_bytes(), 3).unwrap()).await;
    let report = bench.verify().await;
    let named: Vec<_> =
        report.findings.iter().map(|finding| (finding.what, finding.first_seq, finding.last_seq)).collect();
    assert!(named.contains(&(What::SegmentChanged, Some(1), Some(9))), "{named:?}");
    assert!(named.contains(&(What::RecordChanged, Some(4), Some(4))), "{named:?}");
    assert_eq!(named.len(), 2, "{named:?}");
}

/// Each line as it was, in another order or not at all.
async fn rearranged(arrange: impl Fn(&mut Vec<&str>)) -> Vec<(What, u64, u64)> {
    let mut bench = Bench::new().await;
    bench.seal("platform", 9).await;
    let path = "platform/000000000001.seg";
    let text = zstd::bulk::decompress(&get(&bench.store, path).await, 1 << 20).unwrap();
    let text = String::from_utf8(text).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    arrange(&mut lines);
    let changed = lines.join("\n") + "\n";
    put(&bench.store, path, zstd::bulk::compress(changed.as_bytes(), 3).unwrap()).await;
    let report = bench.verify().await;
    let of = |finding: &Finding| Some((finding.what, finding.first_seq?, finding.last_seq?));
    let mut named: Vec<_> = report.findings.iter().filter_map(of).collect();
    named.retain(|(what, ..)| *what != What::SegmentChanged);
    assert!(report.findings.iter().any(|finding| finding.what == What::SegmentChanged));
    named
}

#[tokio::test]
async fn removed_records_are_named() {
    let named = rearranged(|lines| drop(lines.drain(2..5))).await;
    assert_eq!(named, [(What::RecordRemoved, 3, 5)]);
    let named = rearranged(|lines| lines.truncate(8)).await;
    assert_eq!(named, [(What::RecordRemoved, 9, 9)]);
    let named = rearranged(|lines| drop(lines.drain(..1))).await;
    assert_eq!(named, [(What::RecordRemoved, 1, 1)]);
}

#[tokio::test]
async fn records_in_another_order_are_named() {
    let named = rearranged(|lines| lines.swap(3, 4)).await;
    assert_eq!(named, [(What::RecordMoved, 4, 4)]);
    let named = rearranged(|lines| lines.insert(3, lines[0])).await;
    assert_eq!(named, [(What::RecordAdded, 1, 1)]);
    let named = rearranged(|lines| lines[6] = "{}").await;
    assert_eq!(named, [(What::RecordsUnreadable, 7, 7)]);
}

#[tokio::test]
async fn a_block_that_cannot_be_read_takes_only_its_own_records() {
    let mut bench = Bench::new().await;
    let long = "x".repeat(40_000);
    let records: Vec<_> =
        (1..=20).map(|n| raw(n, format!(r#"{{"verb":"get","long":"{long}{n}"}}"#))).collect();
    bench.writer.seal(&platform(), records, in_days(300), at(1)).await.unwrap();
    let path = "platform/000000000001.seg";
    let mut segment = get(&bench.store, path).await;
    segment[2] ^= 0xff;
    put(&bench.store, path, segment).await;
    let report = bench.verify().await;
    let unreadable: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.what == What::RecordsUnreadable)
        .map(|finding| (finding.first_seq.unwrap(), finding.last_seq.unwrap()))
        .collect();
    assert_eq!(unreadable.len(), 1);
    let (first, last) = unreadable[0];
    assert!(first == 1 && (5..15).contains(&last), "{last}");
}

#[tokio::test]
async fn segments_that_change_places_are_named() {
    let bench = Bench::filled(3).await;
    for kind in ["seg", "idx", "json"] {
        let [one, two] = [1, 2].map(|n| format!("tenant.acme/{n:012}.{kind}"));
        let [first, second] = [get(&bench.store, &one).await, get(&bench.store, &two).await];
        put(&bench.store, &one, second.clone()).await;
        put(&bench.store, &two, first.clone()).await;
        let report = bench.verify().await;
        for path in [&one, &two] {
            assert!(report.findings.iter().any(|finding| finding.object == **path), "{path}");
        }
        put(&bench.store, &one, first).await;
        put(&bench.store, &two, second).await;
    }
    // The whole of one, under the name of another partition.
    for kind in ["seg", "idx", "json"] {
        let bytes = get(&bench.store, &format!("tenant.acme/000000000001.{kind}")).await;
        put(&bench.store, &format!("tenant.zeta/000000000001.{kind}"), bytes).await;
    }
    let report = bench.verify().await;
    assert!(named(&report).contains(&(What::ManifestChanged, "tenant.zeta/000000000001.json")));
}

#[tokio::test]
async fn a_segment_that_was_removed_whole_is_named() {
    let bench = Bench::filled(4).await;
    for kind in ["seg", "idx", "json"] {
        remove(&bench.store, &format!("platform/000000000002.{kind}")).await;
    }
    let report = bench.verify().await;
    assert_eq!(named(&report), [(What::ManifestMissing, "platform/000000000002.json")]);
    assert_eq!(report.findings[0].by.as_deref(), Some("heads/000000000002.json"));
    assert_eq!(report.findings[0].number, Some(2));
}

#[tokio::test]
async fn what_nothing_refers_to_is_noted_and_not_counted() {
    let bench = Bench::filled(1).await;
    for path in ["platform/000000000002.seg", "platform/000000000002.idx"] {
        put(&bench.store, path, b"half".to_vec()).await;
    }
    for path in [
        "readme",
        "elsewhere/file",
        "platform/file",
        "heads/file",
        "keys/file",
        "platform/packs/000000000128.pack",
    ] {
        put(&bench.store, path, b"x".to_vec()).await;
    }
    let report = bench.verify().await;
    assert_eq!(report.findings, []);
    let notes: Vec<_> = report.notes.iter().map(|note| (note.object.as_str(), note.what)).collect();
    assert_eq!(
        notes,
        [
            ("elsewhere", Aside::Foreign),
            ("heads/file", Aside::Foreign),
            ("keys/file", Aside::Foreign),
            ("platform/000000000002.idx", Aside::Unfinished),
            ("platform/000000000002.seg", Aside::Unfinished),
            ("platform/file", Aside::Foreign),
            ("platform/packs/000000000128.pack", Aside::Foreign),
            ("readme", Aside::Foreign),
        ]
    );
}

#[tokio::test]
async fn a_manifest_of_a_number_far_away_does_no_harm() {
    let bench = Bench::filled(1).await;
    put(&bench.store, "platform/999999999999.json", b"{}".to_vec()).await;
    let report = bench.verify().await;
    assert!(report.total > 10_000 && report.findings.len() == 10_000 && report.is_truncated());
}

#[tokio::test]
async fn packs_are_looked_at_as_well() {
    let mut bench = Bench::new().await;
    for _ in 0..130 {
        bench.seal("platform", 1).await;
    }
    let path = "platform/packs/000000000128.pack";
    let pack = get(&bench.store, path).await;
    assert!(bench.verify().await.is_intact());
    for place in [0, pack.len() / 2, pack.len() - 1] {
        let mut changed = pack.clone();
        changed[place] ^= 1;
        put(&bench.store, path, changed).await;
        assert_eq!(named(&bench.verify().await), [(What::PackChanged, path)]);
    }
    put(&bench.store, path, pack).await;
    // It remembers manifests that are gone.
    for number in 101..=130 {
        for kind in ["seg", "idx", "json"] {
            remove(&bench.store, &format!("platform/{number:012}.{kind}")).await;
        }
    }
    let report = bench.verify().await;
    let expected: Vec<_> = (101..=128).map(|number| format!("platform/{number:012}.json")).collect();
    let found: Vec<_> = report.findings.iter().map(|finding| finding.object.clone()).collect();
    assert_eq!(found, expected);
    assert!(report.findings.iter().all(|finding| finding.what == What::ManifestMissing));
}
