use super::*;
use crate::layout::Kind;
use crate::manifest::Expired;
use crate::signed::Signed as _;
use crate::{Hold, Manifest};

#[tokio::test]
async fn what_expired_is_no_finding_and_what_was_removed_is() {
    let mut bench = Bench::filled(2).await;
    bench.now = in_days(200);
    bench.seal("platform", 5).await;
    let gone = bench.writer.expire(bench.now, &[]).await.unwrap();
    assert_eq!(gone.len(), 6);
    bench.head().await;
    let report = bench.verify().await;
    assert_eq!(report.findings, []);
    assert_eq!((report.partitions[0].segments, report.partitions[0].expired), (3, 2));
    assert_eq!(report.partitions[0].records, 5);

    // The same without the note.
    remove(&bench.store, "platform/000000000001.expired.json").await;
    let report = bench.verify().await;
    assert_eq!(
        named(&report),
        [
            (What::IndexMissing, "platform/000000000001.idx"),
            (What::SegmentMissing, "platform/000000000001.seg")
        ]
    );
    assert_eq!((report.findings[1].first_seq, report.findings[1].last_seq), (Some(1), Some(5)));
}

#[tokio::test]
async fn nothing_goes_before_its_time_or_under_a_hold() {
    let mut bench = Bench::filled(1).await;
    assert_eq!(bench.writer.expire(in_days(183), &[]).await.unwrap(), []);
    let hold = |partition: Option<&str>, since| Hold {
        name: "case 7".to_owned(),
        partition: partition.map(|text| text.parse().unwrap()),
        since,
    };
    let now = in_days(400);
    assert_eq!(bench.writer.expire(now, &[hold(None, in_days(1))]).await.unwrap(), []);
    // One that is not in force yet holds nothing; one of a tenant holds that tenant's.
    let holds = [hold(None, in_days(500)), hold(Some("tenant.acme"), now)];
    let gone = bench.writer.expire(now, &holds).await.unwrap();
    let gone: Vec<String> = gone.iter().map(|expired| expired.partition.to_string()).collect();
    assert_eq!(gone, ["platform", "tenant.zeta"]);
    bench.now = now;
    assert_eq!(bench.verify().await.findings, []);
    let gone = bench.writer.expire(now, &[]).await.unwrap();
    assert_eq!(gone.len(), 1);
    assert_eq!(bench.writer.expire(now, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn an_expiry_that_was_cut_short_is_finished_with_the_note_that_is_there() {
    let mut bench = Bench::filled(1).await;
    let before = contents(&bench.store).await;
    bench.now = in_days(200);
    let gone = bench.writer.expire(bench.now, &[]).await.unwrap();
    // Noted, and neither deleted.
    for (path, bytes) in before.iter().filter(|(path, _)| path.starts_with("platform/")) {
        put(&bench.store, path, bytes.clone()).await;
    }
    let report = bench.verify().await;
    assert!(report.is_intact());
    assert_eq!(report.notes.len(), 1);
    assert_eq!(report.notes[0].what, Aside::NotYetDeleted);
    let again = bench.writer.expire(in_days(201), &[]).await.unwrap();
    assert_eq!(again, gone[..1]);
    assert!(bench.verify().await.notes.is_empty());
}

async fn forge(bench: &Bench, change: impl FnOnce(&mut Expired)) {
    let bytes = get(&bench.store, "platform/000000000001.json").await;
    let manifest = Manifest::from_bytes(&bytes).unwrap();
    let mut expired = Expired {
        format: crate::manifest::EXPIRED.to_owned(),
        partition: manifest.partition.clone(),
        number: 1,
        manifest: manifest.hash(),
        first_seq: manifest.first_seq,
        last_seq: manifest.last_seq,
        retain_until: manifest.retain_until,
        at: bench.now,
        bytes: manifest.stored_bytes(),
        seal: manifest.seal.clone(),
    };
    change(&mut expired);
    expired.sign(bench.writer.keys().pair()).unwrap();
    let path = crate::layout::object(&platform(), 1, Kind::Tombstone);
    put(&bench.store, path.as_ref(), expired.to_bytes().unwrap()).await;
    remove(&bench.store, "platform/000000000001.seg").await;
    remove(&bench.store, "platform/000000000001.idx").await;
}

#[tokio::test]
async fn a_note_signed_before_its_time_is_named() {
    let bench = Bench::filled(1).await;
    forge(&bench, |_| {}).await;
    let report = bench.verify().await;
    assert!(named(&report).contains(&(What::ExpiredEarly, "platform/000000000001.expired.json")));
    assert!(named(&report).contains(&(What::SegmentMissing, "platform/000000000001.seg")));
    // Nor does it help to sign a later moment, or an earlier end.
    forge(&bench, |expired| expired.at = in_days(300)).await;
    assert!(
        named(&bench.verify().await).contains(&(What::ExpiredEarly, "platform/000000000001.expired.json"))
    );
    forge(&bench, |expired| expired.retain_until = bench.now).await;
    assert!(
        named(&bench.verify().await)
            .contains(&(What::TombstoneChanged, "platform/000000000001.expired.json"))
    );
}
