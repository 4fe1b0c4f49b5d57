//! What somebody does who has the store and the key of today.

use super::*;
use crate::access;
use crate::merkle::Leaf;
use crate::record::Record;
use crate::segment::{Place, SegmentBuilder};
use crate::signed::Signed as _;
use crate::{AnchorLine, Head, Keys, Manifest, NewRecord, publish};
use std::collections::BTreeMap;

type Segments = Vec<Vec<NewRecord>>;

async fn read_segments(bench: &Bench, partition: &str) -> (Vec<Manifest>, Segments) {
    let (mut manifests, mut segments) = (Vec::new(), Segments::new());
    for number in 1.. {
        let path = object_store::path::Path::from(format!("{partition}/{number:012}.json"));
        let Some(bytes) = access::read(&bench.store, &path).await.unwrap() else { break };
        let manifest = Manifest::from_bytes(&bytes).unwrap();
        let segment = get(&bench.store, &format!("{partition}/{number:012}.seg")).await;
        let text = zstd::bulk::decompress(&segment, 1 << 20).unwrap();
        let lines = String::from_utf8(text).unwrap();
        let records = lines.lines().map(|line| Record::parse(line).unwrap()).map(|record| NewRecord {
            position: record.seq,
            received: record.at,
            source: record.source,
            server: record.server,
            why: record.why,
            raw: record.event,
        });
        segments.push(records.collect());
        manifests.push(manifest);
    }
    (manifests, segments)
}

/// Writes the segments of a partition anew from one of them on, chained and signed as if nothing had been.
async fn forge(
    bench: &Bench,
    partition: &str,
    from: usize,
    to: usize,
    change: impl FnOnce(&mut Segments),
) -> Vec<Manifest> {
    let keys = Keys::load(bench.keys.path()).unwrap();
    let (old, mut segments) = read_segments(bench, partition).await;
    change(&mut segments);
    let name = partition.parse::<Partition>().unwrap();
    let mut place = match from {
        0 => Place::first(&name),
        _ => Place::after(&old[from - 1], 0),
    };
    let mut new = old.clone();
    for at in from..to {
        let mut builder = SegmentBuilder::new(name.clone(), place).unwrap();
        for record in &segments[at] {
            builder.push(record).unwrap();
        }
        let sealed = builder.finish(old[at].retain_until, old[at].sealed_at, &keys).unwrap().unwrap();
        let number = at + 1;
        put(&bench.store, &format!("{partition}/{number:012}.seg"), sealed.segment.to_vec()).await;
        put(&bench.store, &format!("{partition}/{number:012}.idx"), sealed.index.to_vec()).await;
        put(&bench.store, &format!("{partition}/{number:012}.json"), sealed.manifest.to_bytes().unwrap())
            .await;
        place = Place { through: 0, ..Place::after(&sealed.manifest, 0) };
        new[at] = sealed.manifest;
    }
    new
}

/// And the heads.
async fn forge_heads(bench: &Bench, partition: &str, manifests: &[Manifest]) {
    let keys = Keys::load(bench.keys.path()).unwrap();
    let mut before = None;
    for number in 1..=bench.writer.last_head().unwrap().number {
        let path = format!("heads/{number:012}.json");
        let head = Head::from_bytes(&get(&bench.store, &path).await).unwrap();
        let leaves = head.leaves.into_iter().map(|leaf| {
            if leaf.partition.to_string() != partition {
                return leaf;
            }
            let at = usize::try_from(leaf.number).unwrap() - 1;
            Leaf { manifest: manifests[at].hash(), ..leaf }
        });
        let forged = Head::new(before, leaves.collect(), head.at, &keys).unwrap();
        put(&bench.store, &path, forged.to_bytes().unwrap()).await;
        before = Some((forged.number, forged.hash()));
    }
}

fn swap(segments: &mut Segments) {
    // Which of the two was first, and nothing else.
    let records = &mut segments[1];
    let (one, other) = (records[1].raw.clone(), records[2].raw.clone());
    (records[1].raw, records[2].raw) = (other, one);
}

#[tokio::test]
async fn reordered_records_in_a_signed_segment_contradict_what_comes_after() {
    let bench = Bench::filled(3).await;
    forge(&bench, "tenant.acme", 1, 2, swap).await;
    let report = bench.verify().await;
    let named = named(&report);
    assert!(named.contains(&(What::ManifestOutOfChain, "tenant.acme/000000000003.json")), "{named:?}");
    assert!(named.contains(&(What::HeadContradicts, "tenant.acme/000000000002.json")), "{named:?}");
    let contradiction = report.findings.iter().find(|finding| finding.what == What::HeadContradicts).unwrap();
    assert_eq!(contradiction.by.as_deref(), Some("heads/000000000002.json"));
    assert_eq!((contradiction.first_seq, contradiction.last_seq), (Some(6), Some(10)));
}

#[tokio::test]
async fn reordered_records_in_the_last_segment_contradict_the_head() {
    let bench = Bench::filled(2).await;
    forge(&bench, "tenant.acme", 1, 2, swap).await;
    let report = bench.verify().await;
    assert_eq!(named(&report), [(What::HeadContradicts, "tenant.acme/000000000002.json")]);
}

#[tokio::test]
async fn all_signed_anew_is_seen_against_an_anchor_and_only_there() {
    let bench = Bench::filled(3).await;
    let anchored = bench.writer.last_head().unwrap().clone();
    let elsewhere = memory();
    publish(&elsewhere, &anchored).await.unwrap();
    let manifests = forge(&bench, "tenant.acme", 1, 3, swap).await;
    forge_heads(&bench, "tenant.acme", &manifests).await;

    // Nothing in the store says so, and the report does not say that it is proven.
    let report = bench.verify().await;
    assert!(report.is_intact());
    assert_eq!(report.tail, Tail::NotProven);

    let report = bench.verify_with(&[&anchored]).await;
    assert_eq!(named(&report), [(What::AnchorContradicts, "heads/000000000003.json")]);
    assert_eq!((&report.tail, report.findings[0].by.as_deref()), (&Tail::NotProven, Some("receiver")));

    // An anchor that has the leaves tells which partition it is.
    let anchor = Anchor::Store { name: "vault".to_owned(), store: elsewhere };
    let report = verify(&bench.store, &bench.check(vec![anchor])).await.unwrap();
    assert_eq!(
        named(&report),
        [
            (What::AnchorContradicts, "heads/000000000003.json"),
            (What::HeadContradicts, "tenant.acme/000000000003.json")
        ]
    );
    assert!(report.findings.iter().all(|finding| finding.by.as_deref() == Some("vault")));
}

#[tokio::test]
async fn old_segments_signed_with_the_key_of_today_are_named() {
    let mut bench = Bench::filled(2).await;
    bench.now = at(500);
    bench.writer.rotate(crate::Algorithm::Ed25519, bench.now).await.unwrap();
    bench.seal("tenant.acme", 5).await;
    bench.head().await;
    let manifests = forge(&bench, "tenant.acme", 1, 3, swap).await;
    forge_heads(&bench, "tenant.acme", &manifests).await;
    let report = bench.verify().await;
    let outside: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.what == What::SignedOutsideValidity)
        .map(|finding| finding.object.as_str())
        .collect();
    assert_eq!(
        outside,
        ["heads/000000000001.json", "heads/000000000002.json", "tenant.acme/000000000002.json"]
    );
}

#[tokio::test]
async fn a_cut_tail_is_not_proven_without_an_anchor_and_named_with_one() {
    let mut bench = Bench::filled(2).await;
    let before = contents(&bench.store).await;
    bench.seal("platform", 5).await;
    let anchored = bench.head().await;
    let elsewhere = memory();
    publish(&elsewhere, &anchored).await.unwrap();

    // Only the segment: the head still knows.
    for kind in ["seg", "idx", "json"] {
        remove(&bench.store, &format!("platform/000000000003.{kind}")).await;
    }
    let report = bench.verify().await;
    assert_eq!(named(&report), [(What::ManifestMissing, "platform/000000000003.json")]);

    // All of it: what is left is the older store.
    restore(&bench.store, &before).await;
    let report = bench.verify().await;
    assert!(report.is_intact());
    assert_eq!(report.tail, Tail::NotProven);

    let report = bench.verify_with(&[&anchored]).await;
    assert_eq!(named(&report), [(What::RolledBack, "heads/000000000003.json")]);
    let anchor = Anchor::Store { name: "vault".to_owned(), store: elsewhere };
    let report = verify(&bench.store, &bench.check(vec![anchor])).await.unwrap();
    assert_eq!(
        named(&report),
        [
            (What::RolledBack, "heads/000000000003.json"),
            (What::ManifestMissing, "platform/000000000003.json")
        ]
    );
}

#[tokio::test]
async fn an_older_store_that_went_on_in_another_way_is_named() {
    let mut bench = Bench::filled(2).await;
    let before = contents(&bench.store).await;
    bench.seal("platform", 5).await;
    let anchored = bench.head().await;
    restore(&bench.store, &before).await;
    bench.again().await;
    bench.seal("platform", 4).await;
    bench.head().await;
    assert!(bench.verify().await.is_intact());
    let report = bench.verify_with(&[&anchored]).await;
    assert_eq!(named(&report), [(What::AnchorContradicts, "heads/000000000003.json")]);
    assert_eq!(report.tail, Tail::NotProven);
}

#[tokio::test]
async fn an_anchor_that_holds_two_hashes_of_one_head_is_believed_in_neither() {
    let bench = Bench::filled(1).await;
    let head = bench.writer.last_head().unwrap();
    let own = AnchorLine::of(head);
    let other = AnchorLine { hash: crate::Digest::of(b"other"), ..own };
    let anchor = Anchor::Lines { name: "receiver".to_owned(), lines: vec![own, other] };
    let report = verify(&bench.store, &bench.check(vec![anchor])).await.unwrap();
    assert_eq!(named(&report), [(What::AnchorContradicts, "heads/000000000001.json")]);
    assert_eq!(report.tail, Tail::NotProven);
}

#[tokio::test]
async fn what_anybody_puts_into_an_anchor_proves_nothing() {
    let bench = Bench::filled(1).await;
    let elsewhere = memory();
    let stranger = Bench::filled(2).await;
    publish(&elsewhere, stranger.writer.last_head().unwrap()).await.unwrap();
    put(&elsewhere, "heads/000000000001.json", b"{}".to_vec()).await;
    let anchor = Anchor::Store { name: "vault".to_owned(), store: elsewhere };
    let report = verify(&bench.store, &bench.check(vec![anchor])).await.unwrap();
    assert_eq!(
        named(&report),
        [
            (What::AnchorUnreadable, "vault/heads/000000000001.json"),
            (What::AnchorUnreadable, "vault/heads/000000000002.json")
        ]
    );
    assert_eq!(report.tail, Tail::NotProven);
}

/// Queries would pass over a record that is there.
#[tokio::test]
async fn an_index_that_hides_a_record_is_named_though_it_is_signed() {
    let bench = Bench::filled(1).await;
    let keys = Keys::load(bench.keys.path()).unwrap();
    let (manifests, segments) = read_segments(&bench, "tenant.acme").await;
    let mut builder =
        SegmentBuilder::new(partition("tenant.acme"), Place::first(&partition("tenant.acme"))).unwrap();
    for record in &segments[0] {
        builder.push(&NewRecord { raw: record.raw.replace("user-1", "user-9"), ..record.clone() }).unwrap();
    }
    let lying = builder.finish(manifests[0].retain_until, manifests[0].sealed_at, &keys).unwrap().unwrap();
    let mut forged = manifests[0].clone();
    forged.index = lying.manifest.index;
    forged.sign(keys.pair()).unwrap();
    put(&bench.store, "tenant.acme/000000000001.idx", lying.index.to_vec()).await;
    put(&bench.store, "tenant.acme/000000000001.json", forged.to_bytes().unwrap()).await;
    forge_heads(&bench, "tenant.acme", &[forged]).await;
    assert_eq!(named(&bench.verify().await), [(What::IndexUntrue, "tenant.acme/000000000001.idx")]);
}

#[tokio::test]
async fn figures_that_are_signed_and_false_are_named() {
    let bench = Bench::filled(1).await;
    let keys = Keys::load(bench.keys.path()).unwrap();
    let (manifests, _) = read_segments(&bench, "tenant.acme").await;
    let mut forged = manifests[0].clone();
    (forged.last_seq, forged.count) = (forged.last_seq + 1, forged.count + 1);
    forged.sign(keys.pair()).unwrap();
    put(&bench.store, "tenant.acme/000000000001.json", forged.to_bytes().unwrap()).await;
    forge_heads(&bench, "tenant.acme", &[forged]).await;
    let report = bench.verify().await;
    let named = named(&report);
    assert!(named.contains(&(What::ManifestUntrue, "tenant.acme/000000000001.json")), "{named:?}");
    assert!(named.contains(&(What::RecordRemoved, "tenant.acme/000000000001.seg")), "{named:?}");
}

#[tokio::test]
async fn heads_without_a_partition_or_in_another_order_are_named() {
    let bench = Bench::filled(3).await;
    let keys = Keys::load(bench.keys.path()).unwrap();
    let heads: BTreeMap<u64, Head> = {
        let mut heads = BTreeMap::new();
        for number in 1..=3 {
            let bytes = get(&bench.store, &format!("heads/{number:012}.json")).await;
            heads.insert(number, Head::from_bytes(&bytes).unwrap());
        }
        heads
    };
    let second = heads[&2].clone();
    let leaves = second.leaves[1..].to_vec();
    let forged = Head::new(Some((1, heads[&1].hash())), leaves, second.at, &keys).unwrap();
    put(&bench.store, "heads/000000000002.json", forged.to_bytes().unwrap()).await;
    let report = bench.verify().await;
    assert_eq!(
        named(&report),
        [(What::HeadWentBack, "heads/000000000002.json"), (What::HeadOutOfChain, "heads/000000000003.json")]
    );
}
