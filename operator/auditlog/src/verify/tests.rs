mod attacks;
mod damage;
mod expired;
mod rotation;

use super::*;
use crate::kit::*;
use crate::{Keys, What};

#[tokio::test]
async fn a_log_that_nobody_touched_is_intact_and_says_that_its_end_is_not_proven() {
    let bench = Bench::filled(3).await;
    let report = bench.verify().await;
    assert_eq!(report.findings, []);
    assert!(report.is_intact() && report.notes.is_empty());
    assert_eq!(report.tail, Tail::NotProven);
    assert_eq!(report.root, Root::Trusted { key: bench.writer.keys().current().clone() });
    assert_eq!((report.heads, report.partitions.len()), (3, 3));
    let platform = &report.partitions[0];
    assert_eq!((platform.segments, platform.records, platform.expired), (3, 15, 0));
    assert_eq!((platform.first_at, platform.last_at), (Some(at(1)), Some(at(35))));
}

#[tokio::test]
async fn an_anchor_proves_the_end_up_to_its_head() {
    let mut bench = Bench::filled(3).await;
    let head = bench.writer.last_head().unwrap().clone();
    bench.seal("platform", 5).await;
    bench.head().await;
    let report = bench.verify_with(&[&head]).await;
    assert_eq!(report.findings, []);
    assert_eq!(report.tail, Tail::Proven { head: 3, at: head.at, anchor: "receiver".to_owned() });
}

#[tokio::test]
async fn nothing_is_no_log_and_nothing_is_wrong_with_it() {
    let check = Check { anchors: Vec::new(), trusted: None, now: at(0) };
    let report = verify(&memory(), &check).await.unwrap();
    assert_eq!((report.total, &report.tail, &report.root), (1, &Tail::NotProven, &Root::NotProven));
    assert_eq!(report.findings[0].what, What::KeyMissing);
}

#[tokio::test]
async fn whoever_trusts_another_key_does_not_trust_this_log() {
    let bench = Bench::filled(1).await;
    let dir = tempfile::tempdir().unwrap();
    let other = Keys::open(dir.path(), crate::Algorithm::Es256, at(0)).unwrap();
    let trusted = other.current().clone();
    let check = Check { trusted: Some(trusted.clone()), ..bench.check(Vec::new()) };
    let report = verify(&bench.store, &check).await.unwrap();
    assert_eq!(report.root, Root::NotTrusted { key: trusted });
    let what: Vec<What> = report.findings.iter().map(|finding| finding.what).collect();
    assert!(what.contains(&What::NotTrusted) && what.contains(&What::SignerUnknown), "{what:?}");
}

#[tokio::test]
async fn a_report_is_read_back() {
    let bench = Bench::filled(1).await;
    remove(&bench.store, "platform/000000000001.seg").await;
    let report = bench.verify().await;
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    assert!(
        json.contains(r#""what":"segmentMissing""#) && json.contains(r#""tail":{"state":"notProven"}"#),
        "{json}"
    );
}
