use super::*;
use crate::Algorithm;

#[tokio::test]
async fn what_a_retired_key_signed_stays_provable_from_any_key() {
    let mut bench = Bench::filled(1).await;
    let first = bench.writer.keys().current().clone();
    let mut all = vec![first];
    for (day, algorithm) in [(1, Algorithm::Ed25519), (2, Algorithm::Es256), (3, Algorithm::Ed25519)] {
        bench.now = in_days(day);
        all.push(bench.writer.rotate(algorithm, bench.now).await.unwrap());
        bench.seal("platform", 5).await;
        bench.again().await;
        bench.seal("tenant.acme", 5).await;
        bench.head().await;
    }
    for trusted in all.iter().map(Some).chain([None]) {
        let check = Check { trusted: trusted.cloned(), ..bench.check(Vec::new()) };
        let report = verify(&bench.store, &check).await.unwrap();
        assert_eq!(report.findings, []);
        let ids: Vec<_> = report.keys.iter().map(|key| key.id.clone()).collect();
        assert_eq!(ids, all);
        assert_eq!(report.keys[0].until, Some(report.keys[1].from));
    }
}

#[tokio::test]
async fn a_rotation_at_the_same_moment_or_with_the_clock_set_back_is_no_finding() {
    let mut bench = Bench::filled(1).await;
    for now in [bench.now, at(0), at(-1000)] {
        bench.writer.rotate(Algorithm::Es256, now).await.unwrap();
        let records = bench.next(3);
        bench.writer.seal(&platform(), records, in_days(300), now).await.unwrap();
        bench.writer.head(now).await.unwrap();
    }
    assert_eq!(bench.verify().await.findings, []);
}

#[tokio::test]
async fn a_retired_key_that_somebody_kept_is_named() {
    let mut bench = Bench::filled(1).await;
    let stolen = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(bench.keys.path()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, stolen.path().join(path.file_name().unwrap())).unwrap();
    }
    bench.now = at(500);
    bench.writer.rotate(Algorithm::Es256, bench.now).await.unwrap();
    let trusted = bench.writer.keys().current().clone();
    // The thief goes on in the name of the old key.
    let keys = Keys::load(stolen.path()).unwrap();
    let mut thief = crate::Writer::open(bench.store.clone(), keys).await.unwrap();
    assert!(thief.found().iter().any(|finding| finding.what == What::KeyNotInChain));
    thief.seal(&platform(), [record(100)], in_days(300), at(600)).await.unwrap();
    let check = Check { anchors: Vec::new(), trusted: Some(trusted), now: at(700) };
    let report = verify(&bench.store, &check).await.unwrap();
    assert_eq!(named(&report), [(What::SignedOutsideValidity, "platform/000000000002.json")]);
}
