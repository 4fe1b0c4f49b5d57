mod fragile;

use super::*;
use crate::access;
use crate::kit::*;
use crate::{Error, Keys, Source, What};
use fragile::Fragile;
use object_store::memory::InMemory;
use std::sync::Arc;

fn records(from: u64, to: u64) -> Vec<NewRecord> {
    (from..=to).map(record).collect()
}

fn opened(dir: &std::path::Path) -> Keys {
    Keys::open(dir, Algorithm::Es256, at(0)).unwrap()
}

async fn positions(store: &Store) -> Vec<u64> {
    let mut found = Vec::new();
    let all = contents(store).await;
    for (path, bytes) in &all {
        // Only what a manifest speaks of.
        let manifest = path.strip_suffix(".seg").map(|path| format!("{path}.json"));
        if manifest.is_some_and(|manifest| all.contains_key(&manifest)) {
            let text = String::from_utf8(zstd::bulk::decompress(bytes, 1 << 20).unwrap()).unwrap();
            found.extend(text.lines().map(|line| {
                let event: serde_json::Value = serde_json::from_str(line).unwrap();
                event["event"]["auditID"].as_str().unwrap()[3..].parse::<u64>().unwrap()
            }));
        }
    }
    found
}

/// Every write of: keys, three segments, two heads.
#[tokio::test]
async fn wherever_it_breaks_down_nothing_is_lost_nothing_is_there_twice_and_nothing_is_trusted_by_halves() {
    for done in [false, true] {
        for writes in 0..13 {
            let (inner, dir) = (Arc::new(InMemory::new()), tempfile::tempdir().unwrap());
            let fragile: Store = Fragile::breaking_after(&inner, writes, done);
            // As far as it goes, then the process is gone.
            let _ = async {
                let mut writer = Writer::open(fragile, opened(dir.path())).await?;
                writer.seal(&platform(), records(1, 5), in_days(300), at(10)).await?;
                writer.head(at(11)).await?;
                writer.seal(&platform(), records(6, 9), in_days(300), at(20)).await?;
                writer.seal(&partition("tenant.acme"), records(10, 12), in_days(300), at(30)).await?;
                writer.head(at(31)).await
            }
            .await;
            // Another one comes, with more in its journal than the one before had, from the first it knows of.
            let store: Store = inner;
            let mut writer = Writer::open(store.clone(), opened(dir.path())).await.unwrap();
            assert_eq!(writer.found(), []);
            writer.seal(&platform(), records(1, 9), in_days(300), at(40)).await.unwrap();
            writer.seal(&partition("tenant.acme"), records(10, 14), in_days(300), at(40)).await.unwrap();
            writer.head(at(41)).await.unwrap();
            let check = crate::Check { anchors: Vec::new(), trusted: None, now: at(50) };
            let report = crate::verify(&store, &check).await.unwrap();
            assert_eq!(report.findings, [], "{writes} {done}");
            let mut found = positions(&store).await;
            found.sort_unstable();
            assert_eq!(found, (1..=14).collect::<Vec<_>>(), "{writes} {done}");
        }
    }
}

/// The same without a restart: the store comes back.
#[tokio::test]
async fn a_write_that_failed_is_finished_before_anything_else() {
    for done in [false, true] {
        for writes in 1..8 {
            let (inner, dir) = (Arc::new(InMemory::new()), tempfile::tempdir().unwrap());
            let fragile = Fragile::breaking_after(&inner, writes, done);
            let mut writer = Writer::open(fragile.clone(), opened(dir.path())).await.unwrap();
            let mut told = Vec::new();
            let mut failed = false;
            for (first, last) in [(1, 5), (1, 9), (1, 12)] {
                if let Ok(sealed) = writer.seal(&platform(), records(first, last), in_days(300), at(10)).await
                {
                    told.extend(sealed);
                } else {
                    failed = true;
                    fragile.mend();
                }
                if writer.head(at(11)).await.is_err() {
                    fragile.mend();
                }
            }
            told.extend(writer.seal(&platform(), records(1, 12), in_days(300), at(20)).await.unwrap());
            writer.head(at(21)).await.unwrap();
            assert!(failed || writes > 3);
            let store: Store = inner;
            let check = crate::Check { anchors: Vec::new(), trusted: None, now: at(50) };
            assert_eq!(crate::verify(&store, &check).await.unwrap().findings, [], "{writes} {done}");
            let mut found = positions(&store).await;
            found.sort_unstable();
            assert_eq!(found, (1..=12).collect::<Vec<_>>(), "{writes} {done}");
            // Each segment was told about, once.
            let numbers: Vec<u64> = told.iter().map(|manifest| manifest.number).collect();
            assert_eq!(numbers, (1..=told.len() as u64).collect::<Vec<_>>());
            assert_eq!(told.last().unwrap().last_seq, 12);
        }
    }
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was() {
    let mut bench = Bench::filled(2).await;
    let through = bench.writer.through(&platform());
    let head = bench.writer.last_head().cloned();
    bench.again().await;
    assert_eq!(bench.writer.found(), []);
    assert_eq!((bench.writer.through(&platform()), through), (Some(20), Some(20)));
    assert_eq!(bench.writer.through(&partition("tenant.new")), Some(0));
    assert_eq!(bench.writer.last_head().cloned(), head);
    let manifest = bench.seal("platform", 1).await;
    assert_eq!((manifest.number, manifest.first_seq), (3, 11));
    assert_eq!(bench.head().await.number, 3);
    assert_eq!(bench.verify().await.findings, []);
}

#[tokio::test]
async fn packs_are_made_on_the_way_and_at_the_start() {
    let mut bench = Bench::new().await;
    for round in 0..260 {
        if round == 100 || round == 128 {
            bench.again().await;
        }
        bench.seal("platform", 1).await;
    }
    let packs = ["platform/packs/000000000128.pack", "platform/packs/000000000256.pack"];
    let made = [get(&bench.store, packs[0]).await, get(&bench.store, packs[1]).await];
    for lost in [0, 1, 2] {
        for pack in packs.iter().skip(lost) {
            remove(&bench.store, pack).await;
        }
        bench.again().await;
        assert_eq!([get(&bench.store, packs[0]).await, get(&bench.store, packs[1]).await], made);
        assert_eq!(bench.writer.through(&platform()), Some(260));
    }
    bench.seal("platform", 1).await;
    assert_eq!(bench.verify().await.findings, []);
}

#[tokio::test]
async fn a_clock_that_was_set_back_takes_nothing_from_the_time_for_which_it_is_kept() {
    let mut bench = Bench::new().await;
    let before = bench.seal("platform", 1).await;
    bench.now = at(-400 * 86_400);
    let after = bench.seal("platform", 1).await;
    assert_eq!((after.sealed_at, after.retain_until), (before.sealed_at, before.retain_until));
    // Of a partition that is new, the last head knows.
    bench.now = at(100);
    let head = bench.head().await;
    bench.now = at(-400 * 86_400);
    let new = bench.seal("tenant.acme", 1).await;
    assert!(new.retain_until.duration_since(head.at) >= jiff::SignedDuration::from_hours(184 * 24));
}

#[tokio::test]
async fn two_writers_are_told_apart() {
    let mut bench = Bench::filled(1).await;
    let keys = Keys::load(bench.keys.path()).unwrap();
    let mut other = Writer::open(bench.store.clone(), keys).await.unwrap();
    bench.seal("platform", 2).await;
    let before = contents(&bench.store).await;
    let error = other.seal(&platform(), [record(100)], in_days(300), at(900)).await.unwrap_err();
    assert!(matches!(error, Error::Contended { .. }), "{error}");
    let head = bench.head().await;
    let error = other.head(at(900)).await.unwrap_err();
    assert!(matches!(error, Error::Contended { .. }), "{error}");
    assert_eq!(get(&bench.store, "platform/000000000002.json").await, before["platform/000000000002.json"]);
    assert_eq!(bench.writer.last_head(), Some(&head));
}

#[tokio::test]
async fn a_segment_begun_twice_is_committed_once() {
    let mut bench = Bench::new().await;
    let mut one = bench.writer.begin(&platform()).await.unwrap();
    let mut other = bench.writer.begin(&platform()).await.unwrap();
    one.push(&record(1)).unwrap();
    other.push(&record(1)).unwrap();
    assert_eq!(bench.writer.commit(one, in_days(300), at(1)).await.unwrap().len(), 1);
    let error = bench.writer.commit(other, in_days(300), at(1)).await.unwrap_err();
    assert!(matches!(error, Error::Stale { number: 1, .. }), "{error}");
}

#[tokio::test]
async fn nothing_new_is_no_segment() {
    let mut bench = Bench::new().await;
    bench.seal("platform", 3).await;
    let again = bench.writer.seal(&platform(), records(1, 3), in_days(300), at(99)).await.unwrap();
    assert_eq!(again, []);
    let none = bench.writer.seal(&partition("tenant.acme"), [], in_days(300), at(99)).await.unwrap();
    assert_eq!(none, []);
    assert_eq!(bench.writer.partitions().count(), 1);
}

#[tokio::test]
async fn what_is_no_event_is_refused_by_its_position_and_leaves_the_segment_as_it_was() {
    let mut bench = Bench::new().await;
    let mut builder = bench.writer.begin(&platform()).await.unwrap();
    builder.push(&record(1)).unwrap();
    for text in ["", "no", "{}\n{}", "{\"a\":1}\r", "{},\"event\":{}", "[1]"] {
        let error = builder.push(&raw(2, text.to_owned())).unwrap_err();
        assert!(error.text().fr.contains("record[position=2].raw"), "{error}");
    }
    builder.push(&raw(3, "{}".to_owned())).unwrap();
    builder.push(&raw(4, "{\"é\u{2028}\":\"\\ud83d\\ude00 ,\\\"event\\\":\"}".to_owned())).unwrap();
    assert_eq!(builder.records(), 3);
    bench.writer.commit(builder, in_days(300), at(5)).await.unwrap();
    assert_eq!(bench.verify().await.findings, []);
}

#[tokio::test]
async fn any_text_that_json_can_hold_is_kept() {
    let mut bench = Bench::new().await;
    let mut position = 0;
    let mut texts = Vec::new();
    for text in ["\u{0}", "\n", "\"},\"event\":{\"", "日本語", "\u{202e}", "\\", "😀"] {
        position += 1;
        let event = serde_json::json!({"verb": text, "user": {"username": text}}).to_string();
        texts.push(NewRecord { server: text.to_owned(), why: text.to_owned(), ..raw(position, event) });
    }
    bench.writer.seal(&partition("tenant.acme"), texts, in_days(300), at(5)).await.unwrap();
    let report = bench.verify().await;
    assert_eq!((report.total, report.partitions[0].records), (0, 7));
}

#[tokio::test]
async fn what_is_damaged_is_told_when_it_is_opened() {
    let mut bench = Bench::filled(2).await;
    let intact = contents(&bench.store).await;
    let found = |bench: &Bench| -> Vec<(What, String)> {
        bench.writer.found().iter().map(|finding| (finding.what, finding.object.clone())).collect()
    };

    remove(&bench.store, "platform/000000000002.idx").await;
    put(&bench.store, "tenant.acme/000000000002.idx", b"snc-idx1".to_vec()).await;
    bench.again().await;
    assert_eq!(
        found(&bench),
        [
            (What::IndexMissing, "platform/000000000002.idx".to_owned()),
            (What::IndexChanged, "tenant.acme/000000000002.idx".to_owned())
        ]
    );
    // Where nobody knows how far it went, nothing is passed over.
    assert_eq!(bench.writer.through(&platform()), None);
    assert_eq!(bench.writer.through(&partition("tenant.zeta")), Some(30));
    bench.seal("platform", 1).await;
    assert_eq!(bench.writer.through(&platform()), Some(31));

    restore(&bench.store, &intact).await;
    put(&bench.store, "platform/000000000002.json", b"{}".to_vec()).await;
    put(&bench.store, "heads/000000000002.json", b"{}".to_vec()).await;
    let key = format!("keys/{}.json", bench.writer.keys().current());
    let mut bytes = get(&bench.store, &key).await;
    bytes[20] ^= 1;
    put(&bench.store, &key, bytes).await;
    bench.again().await;
    assert_eq!(
        found(&bench),
        [
            (What::KeyChanged, key),
            (What::ManifestChanged, "platform/000000000002.json".to_owned()),
            (What::HeadChanged, "heads/000000000002.json".to_owned())
        ]
    );
    // One partition cannot go on; the others can.
    let error = bench.writer.begin(&platform()).await.unwrap_err();
    assert!(matches!(error, Error::Damaged(_)), "{error}");
    bench.seal("tenant.acme", 1).await;
    assert_eq!(bench.head().await.number, 3);

    restore(&bench.store, &intact).await;
    remove(&bench.store, "tenant.zeta/000000000002.json").await;
    bench.again().await;
    assert_eq!(found(&bench), [(What::ManifestMissing, "tenant.zeta/000000000002.json".to_owned())]);
}

#[tokio::test]
async fn the_log_of_others_is_not_written_to() {
    let bench = Bench::filled(1).await;
    let before = contents(&bench.store).await;
    let dir = tempfile::tempdir().unwrap();
    let error = Writer::open(bench.store.clone(), opened(dir.path())).await.unwrap_err();
    let Error::Damaged(finding) = error else { panic!("{error}") };
    assert_eq!(finding.what, What::NotTrusted);
    assert_eq!(contents(&bench.store).await, before);
}

#[tokio::test]
async fn a_last_segment_that_expired_is_no_damage() {
    let mut bench = Bench::filled(1).await;
    bench.now = in_days(200);
    bench.writer.expire(bench.now, &[]).await.unwrap();
    bench.again().await;
    assert_eq!(bench.writer.found(), []);
    assert_eq!(bench.writer.through(&platform()), Some(0));
    let manifest = bench.seal("platform", 2).await;
    assert_eq!((manifest.number, manifest.first_seq), (2, 6));
    assert_eq!(bench.verify().await.findings, []);
}

#[tokio::test]
async fn blocks_are_as_large_as_they_should_be_and_sources_are_kept() {
    let mut bench = Bench::new().await;
    let long = "x".repeat(1000);
    let records = (1..=1000).map(|n| raw(n, format!(r#"{{"verb":"get","n":"{long}{n}"}}"#)));
    let sealed = bench.writer.seal(&platform(), records, in_days(300), at(5)).await.unwrap();
    let path = layout::object(&platform(), 1, Kind::Index);
    let bytes = access::read_at_most(&bench.store, &path, 1 << 30).await.unwrap().unwrap();
    let blocks = crate::index::Index::read(bytes).unwrap().blocks().unwrap();
    assert_eq!(blocks.len(), 5);
    let raw: u64 = blocks.iter().map(|block| u64::from(block.raw_bytes)).sum();
    assert_eq!((raw, sealed[0].count), (sealed[0].raw_bytes, 1000));
    assert!(blocks[..4].iter().all(|block| (256 << 10..258 << 10).contains(&block.raw_bytes)));
    assert_eq!([record(1).source, record(2).source], [Source::Webhook, Source::File]);
}

#[tokio::test]
async fn a_server_that_knows_no_conditions_holds_a_log_as_well() {
    let store: Store = Fragile::simple(&Arc::new(InMemory::new()));
    let mut bench = Bench::on(store.clone()).await;
    let keys = Keys::load(bench.keys.path()).unwrap();
    let mut other = Writer::open(store, keys).await.unwrap();
    bench.seal("platform", 2).await;
    bench.head().await;
    let error = other.seal(&platform(), [record(100)], in_days(300), at(900)).await.unwrap_err();
    assert!(matches!(error, Error::Contended { .. }), "{error}");
}
