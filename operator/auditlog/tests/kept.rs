//! A log is read for years after it was written, by versions that did not write it. The one in `tests/kept/1` was written
//! by the first; nothing that changes here may change what is said about it.
#![allow(clippy::unwrap_used)]

use futures::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use snc_auditlog::{
    Algorithm, Anchor, AnchorLine, Check, Export, Format, Keys, NewRecord, Options, Partition, Query, Report,
    Root, Source, Store, Tail, Writer, export, open, query, verify, verify_export,
};
use std::path::{Path, PathBuf};

const TRUSTED: &str = include_str!("kept/1.trusted");
const ANCHOR: &str = include_str!("kept/1.anchor");

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + day * 86_400).unwrap()
}

fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kept/1")
}

fn store(dir: &Path) -> Store {
    open(dir.to_str().unwrap(), &Options::default()).unwrap().store
}

fn acme() -> Partition {
    "tenant.acme".parse().unwrap()
}

fn check() -> Check {
    let anchor = Anchor::Lines { name: "receiver".to_owned(), lines: AnchorLine::find_in(ANCHOR) };
    Check { anchors: vec![anchor], trusted: Some(TRUSTED.trim().parse().unwrap()), now: at(300) }
}

fn proven(report: &Report) {
    assert_eq!((&report.findings, &report.notes), (&Vec::new(), &Vec::new()));
    assert!(matches!(report.tail, Tail::Proven { head: 4, .. }), "{:?}", report.tail);
    assert!(matches!(report.root, Root::Trusted { .. }));
    assert_eq!(report.keys.len(), 2);
}

#[tokio::test]
async fn what_the_first_version_wrote_is_proven() {
    let report = verify(&store(&kept()), &check()).await.unwrap();
    proven(&report);
    let read: Vec<_> = report
        .partitions
        .iter()
        .map(|one| (one.partition.to_string(), one.segments, one.expired, one.records))
        .collect();
    let expected = [("platform".to_owned(), 2, 1, 3), ("tenant.acme".to_owned(), 3, 1, 7)];
    assert_eq!(read, expected);
}

#[tokio::test]
async fn what_the_first_version_wrote_is_found() {
    let store = store(&kept());
    let all = query(&store, &Query::of(acme())).await.unwrap();
    assert_eq!((all.records.len(), all.expired, all.findings), (7, 1, Vec::new()));
    let asked =
        Query {
            user: Some("léa".to_owned()), resource: Some("deployments".to_owned()), ..Query::of(acme())
        };
    let found = query(&store, &asked).await.unwrap();
    let seqs: Vec<u64> = found.records.iter().map(|record| record.seq).collect();
    assert_eq!(seqs, [5, 9]);
    assert_eq!(found.records[0].event, event(5));
}

#[tokio::test]
async fn what_the_first_version_wrote_is_exported() {
    let asked = Export {
        partition: acme(),
        from: None,
        since: None,
        until: None,
        format: Format::Jsonl,
        now: at(300),
    };
    let pieces: Vec<_> = export(&store(&kept()), &asked).await.unwrap().try_collect().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("acme.tar");
    std::fs::write(&path, pieces.concat()).unwrap();
    proven(&verify_export(&path, &check()).unwrap());
}

fn event(n: u64) -> String {
    let resource = ["pods", "deployments", "secrets", "configmaps"][usize::try_from(n % 4).unwrap()];
    let user = ["alice", "léa", "système\\t😀"][usize::try_from(n * n % 4 % 3).unwrap()];
    format!(
        r#"{{"auditID":"{n}","stage":"ResponseComplete","verb":"get","user":{{"username":"{user}"}},"objectRef":{{"resource":"{resource}","apiGroup":"{group}","namespace":"ns","name":"n{n}"}},"responseStatus":{{"code":200}},"stageTimestamp":"{time}"}}"#,
        group = if n % 4 == 1 { "apps" } else { "" },
        time = at(0) + SignedDuration::from_mins(i64::try_from(n).unwrap()),
    )
}

/// Only for another format, under another number: `SNC_KEPT=directory cargo test -p snc-auditlog --test kept -- --ignored`
#[tokio::test]
#[ignore = "writes a log anew that is kept for good"]
async fn write() {
    let dir = PathBuf::from(std::env::var("SNC_KEPT").unwrap());
    let keys = tempfile::tempdir().unwrap();
    let keys = Keys::open(keys.path(), Algorithm::Es256, at(0)).unwrap();
    let trusted = keys.current().to_string();
    let mut writer = Writer::open(store(&dir.join("1")), keys).await.unwrap();
    let records = |from: u64, to: u64| {
        let new = |n| NewRecord {
            position: n,
            received: at(0),
            source: [Source::Webhook, Source::File, Source::Sink][usize::try_from(n % 3).unwrap()],
            server: "api-1".to_owned(),
            why: "ObjectNamespace".to_owned(),
            raw: event(n),
        };
        (from..=to).map(new).collect::<Vec<_>>()
    };
    writer.seal(&acme(), records(1, 4), at(184), at(0)).await.unwrap();
    writer.seal(&Partition::Platform, records(1, 3), at(184), at(0)).await.unwrap();
    writer.head(at(1)).await.unwrap();
    writer.seal(&acme(), records(5, 8), at(400), at(2)).await.unwrap();
    writer.rotate(Algorithm::Ed25519, at(3)).await.unwrap();
    writer.head(at(3)).await.unwrap();
    writer.expire(at(185), &[]).await.unwrap();
    writer.seal(&acme(), records(9, 11), at(400), at(186)).await.unwrap();
    writer.seal(&Partition::Platform, records(4, 6), at(400), at(186)).await.unwrap();
    let head = writer.head(at(187)).await.unwrap();
    std::fs::write(dir.join("1.trusted"), format!("{trusted}\n")).unwrap();
    std::fs::write(dir.join("1.anchor"), format!("{}\n", AnchorLine::of(&head))).unwrap();
}
