use super::*;
use crate::kit::*;
use crate::{Algorithm, Check, Head, Keys, Writer, publish, verify};
use rstest::rstest;

#[rstest]
#[case("")]
#[case("relative/dir")]
#[case("http://127.0.0.1/x")]
#[case("gs://bucket")]
#[case("file://host/dir")]
fn other_places_are_refused(#[case] location: &str) {
    let Err(Error::Refused(refusal)) = open(location, &Options::default()) else { panic!("{location}") };
    assert_eq!(refusal.path, "store");
}

#[tokio::test]
async fn a_directory_is_for_its_owner_and_holds_a_log() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("a/log");
    let opened = open(&format!("file://{}", place.display()), &Options::default()).unwrap();
    assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!((opened.kind, opened.lock("heads/000000000001.json").await), (Kind::Volume, Lock::NotLocked));
    let mut bench = Bench::on(opened.store.clone()).await;
    for _ in 0..130 {
        bench.seal("platform", 2).await;
    }
    bench.seal("tenant.acme", 2).await;
    bench.head().await;
    bench.now = in_days(200);
    bench.writer.expire(bench.now, &[]).await.unwrap();
    bench.again().await;
    assert_eq!(bench.writer.found(), []);
    bench.seal("platform", 2).await;
    bench.head().await;
    let report = bench.verify().await;
    assert_eq!((report.findings, report.notes), (Vec::new(), Vec::new()));
    assert!(place.join("platform/packs/000000000128.pack").is_file());
}

#[tokio::test]
async fn two_writers_of_a_directory_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(dir.path().to_str().unwrap(), &Options::default()).unwrap();
    let mut bench = Bench::on(opened.store.clone()).await;
    let mut other = Writer::open(opened.store.clone(), Keys::load(bench.keys.path()).unwrap()).await.unwrap();
    bench.seal("platform", 2).await;
    let error = other.seal(&platform(), [record(9)], in_days(300), at(9)).await.unwrap_err();
    assert!(matches!(error, Error::Contended { .. }), "{error}");
}

#[tokio::test]
async fn what_was_not_finished_is_swept_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(dir.path().to_str().unwrap(), &Options::default()).unwrap();
    let bench = Bench::on(opened.store.clone()).await;
    let before = contents(&bench.store).await;
    fs::create_dir_all(dir.path().join("platform/packs")).unwrap();
    for name in ["platform/000000000001.seg#1", "platform/packs/x#12", "heads.json#1"] {
        fs::write(dir.path().join(name), "half").unwrap();
    }
    for name in ["a#", "#1", "a#b", "a#1.txt"] {
        fs::write(dir.path().join(name), "other").unwrap();
    }
    assert_eq!(opened.sweep().unwrap(), 3);
    assert_eq!(opened.sweep().unwrap(), 0);
    for name in ["a#", "#1", "a#b", "a#1.txt"] {
        fs::remove_file(dir.path().join(name)).unwrap();
    }
    assert_eq!(contents(&bench.store).await, before);
}

/// Against a real server: `SNC_TEST_S3=http://127.0.0.1:PORT`, with any credentials in the environment, and two buckets:
/// `audit`, and `locked` with object lock and a default retention.
#[tokio::test]
#[ignore = "needs a server that speaks S3"]
async fn a_bucket_holds_a_log_and_says_what_it_locks() {
    let endpoint = std::env::var("SNC_TEST_S3").unwrap();
    let options = Options { endpoint: Some(endpoint), ..Options::default() };
    let plain = open("s3://audit/some/prefix", &options).unwrap();
    let locked = open("s3://locked", &options).unwrap();
    assert_eq!(plain.kind, Kind::S3);

    let mut bench = Bench::on(plain.store.clone()).await;
    for _ in 0..130 {
        bench.seal("platform", 2).await;
    }
    bench.seal("tenant.acme", 2).await;
    let head: Head = bench.head().await;
    publish(&locked.store, &head).await.unwrap();
    publish(&locked.store, &head).await.unwrap();
    let path = format!("heads/{:012}.json", head.number);
    assert_eq!(plain.lock(&path).await, Lock::NotLocked);
    let lock = locked.lock(&path).await;
    assert!(matches!(lock, Lock::Locked { mode: LockMode::Compliance, .. }), "{lock:?}");
    assert_eq!(locked.lock("heads/none.json").await, Lock::Unknown);

    let anchor = crate::Anchor::Opened { name: "locked".to_owned(), opened: locked.clone() };
    let proven = async |bench: &Bench| {
        let report = verify(&plain.store, &bench.check(vec![anchor.clone()])).await.unwrap();
        assert_eq!(report.findings, []);
        assert!(matches!(report.tail, crate::Tail::Proven { .. }));
    };
    proven(&bench).await;
    // Whoever has the keys of the bucket can hide what was put there, and put something else: it is there all the same.
    remove(&locked.store, &path).await;
    proven(&bench).await;
    put(&locked.store, &path, b"{}".to_vec()).await;
    proven(&bench).await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("acme.tar");
    let asked = crate::Export {
        partition: partition("tenant.acme"),
        from: None,
        since: None,
        until: None,
        format: crate::Format::Csv,
        now: bench.now,
    };
    let pieces: Vec<bytes::Bytes> =
        crate::export(&plain.store, &asked).await.unwrap().try_collect().await.unwrap();
    fs::write(&file, pieces.concat()).unwrap();
    let report = crate::verify_export(&file, &bench.check(vec![anchor.clone()])).unwrap();
    assert_eq!(report.findings, []);
    assert!(matches!(report.tail, crate::Tail::Proven { .. }));
    // Of many, all are found.
    for number in 100..1200 {
        put(&locked.store, &format!("heads/{number:012}.json"), b"{}".to_vec()).await;
    }
    assert_eq!(locked.heads().await.unwrap().len(), 1101);

    bench.again().await;
    let mut other = Writer::open(plain.store.clone(), Keys::load(bench.keys.path()).unwrap()).await.unwrap();
    bench.seal("platform", 1).await;
    let error = other.seal(&platform(), [record(9999)], in_days(300), at(9)).await.unwrap_err();
    assert!(matches!(error, Error::Contended { .. }), "{error}");
    bench.now = in_days(200);
    assert_eq!(bench.writer.expire(bench.now, &[]).await.unwrap().len(), 132);
    let page = crate::query(&plain.store, &crate::Query::of(partition("tenant.acme"))).await.unwrap();
    assert_eq!((page.records.len(), page.expired), (0, 1));

    // A whole log in a bucket that locks.
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::open(dir.path(), Algorithm::Es256, at(0)).unwrap();
    let other = open("s3://locked/whole", &options).unwrap();
    let mut writer = Writer::open(other.store.clone(), keys).await.unwrap();
    writer.seal(&platform(), [record(1)], in_days(300), at(9)).await.unwrap();
    writer.head(at(10)).await.unwrap();
    let check = Check { anchors: Vec::new(), trusted: None, now: at(11) };
    assert!(verify(&other.store, &check).await.unwrap().is_intact());
}
