mod crash;
mod rig;
mod time;

use crate::bench::event;
use rig::{Rig, sealing};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn everything_is_sealed_once_in_the_partition_it_belongs_to() {
    let rig = Rig::new();
    rig.people("bleu", "shop");
    let running = rig.run(sealing()).await;
    for part in 0..6 {
        let events = (0..40).map(|nth| {
            let nth = part * 40 + nth;
            event(
                nth,
                "get",
                ["shop", "kube-system", "elsewhere"][usize::try_from(nth % 3).unwrap()],
                "alice",
            )
        });
        rig.send(events.collect()).await;
    }
    rig.until_sealed().await;
    running.stop().await;

    let stored = rig.stored().await;
    rig.assert_whole(&stored);
    let tenant: BTreeSet<&str> =
        stored.iter().filter(|one| one.partition == "tenant.bleu").map(|one| one.why.as_str()).collect();
    assert_eq!(tenant, BTreeSet::from(["ObjectNamespace"]));
    let platform: BTreeSet<&str> =
        stored.iter().filter(|one| one.partition == "platform").map(|one| one.why.as_str()).collect();
    assert_eq!(platform, BTreeSet::from(["NamespaceUnknown", "Platform"]));
    assert_eq!(rig.stock.counts().tenants, 80);
    assert_eq!((rig.stock.counts().platform, rig.stock.counts().unattributed), (160, 80));
    // What is sealed is let go, but for the file that is being written.
    assert!(rig.bench.journal.numbers().files <= 1, "{:?}", rig.bench.journal.numbers());
    assert!(rig.stock.head().is_some());
    assert!(rig.stock.sealed_through().is_some());
    rig.verify().await;
}

#[tokio::test]
async fn a_stop_seals_what_is_acknowledged() {
    let rig = Rig::new();
    let slow =
        super::Sealing { age: Duration::from_secs(3600), settle: Duration::from_millis(300), ..sealing() };
    let running = rig.run(slow).await;
    rig.send((0..10).map(|nth| event(nth, "get", "shop", "alice")).collect()).await;
    running.stop().await;
    let stored = rig.stored().await;
    assert_eq!(stored.len(), 10);
    rig.assert_whole(&stored);
}

#[tokio::test]
async fn a_store_that_fails_for_a_while_loses_nothing() {
    let rig = Rig::new();
    rig.people("bleu", "shop");
    let running = rig.run(sealing()).await;
    rig.store.after(0);
    for part in 0..5 {
        let both = |nth: u64| {
            event(part * 20 + nth, "get", if nth.is_multiple_of(2) { "shop" } else { "default" }, "alice")
        };
        rig.send((0..20).map(both).collect()).await;
    }
    while rig.store.failed.load(Ordering::SeqCst) < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(rig.bench.metrics.seal_failures.get() > 0);
    assert!(rig.stored_now().await.is_empty());
    rig.store.mend();
    rig.until_sealed().await;
    running.stop().await;
    let stored = rig.stored().await;
    assert_eq!(stored.len(), 100);
    rig.assert_whole(&stored);
    rig.verify().await;
}

#[tokio::test]
async fn nothing_is_decided_before_it_is_known_whose_it_is() {
    let rig = Rig::new();
    let running = rig.run(super::Sealing { patience: Duration::from_secs(3600), ..sealing() }).await;
    rig.send(vec![event(1, "get", "shop", "alice")]).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(rig.stored_now().await.is_empty(), "the directory is not synced");
    rig.people("bleu", "shop");
    rig.until_sealed().await;
    running.stop().await;
    assert_eq!(rig.stored().await[0].partition, "tenant.bleu");
}

#[tokio::test]
async fn a_damaged_partition_stops_nobody_else_and_loses_nothing() {
    let rig = Rig::new();
    rig.people("bleu", "shop");
    let running = rig.run(sealing()).await;
    rig.send((0..6).map(|nth| event(nth, "get", "shop", "alice")).collect()).await;
    rig.until_sealed().await;
    running.stop().await;
    let manifest = rig.place.path().join("store/tenant.bleu/000000000001.json");
    std::fs::write(&manifest, "{}").unwrap();

    let running = rig.run(sealing()).await;
    rig.send((6..12).map(|nth| event(nth, "get", "shop", "alice")).collect()).await;
    rig.send((12..14).map(|nth| event(nth, "get", "default", "alice")).collect()).await;
    rig.until_sealed().await;
    running.stop().await;
    let stored = rig.stored_now().await;
    let diverted = stored.iter().filter(|one| one.why == "PartitionDamaged").count();
    assert_eq!((stored.iter().filter(|one| one.partition == "platform").count(), diverted), (8, 6));
    assert!(rig.stock.damage() > 0);
}

#[tokio::test]
async fn it_does_not_begin_while_it_is_asked_to_stop() {
    let rig = Rig::new();
    let keeper = rig.keeper(sealing()).await.unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    assert_eq!(keeper.run(stop).await, "keep");
    assert!(rig.stock.head().is_some(), "a last head all the same");
}
