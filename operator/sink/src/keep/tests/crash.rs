//! A process that ends anywhere, and starts again.

use super::rig::{Rig, sealing};
use crate::bench::event;
use rstest::rstest;
use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn events(from: u64, many: u64) -> Vec<String> {
    let namespace = |nth: u64| ["shop", "default", "cart"][usize::try_from(nth % 3).unwrap()];
    (from..from + many).map(|nth| event(nth, "get", namespace(nth), "alice")).collect()
}

/// After so many writes to the store it is gone, and the process is killed in the middle of what it does. Then everything
/// is decided otherwise than before, if it is decided anew.
#[rstest]
#[tokio::test]
async fn nothing_is_lost_or_twice_wherever_it_ends(
    #[values(0, 1, 2, 3, 4, 5, 6, 7, 8)] writes: i64,
    #[values(false, true)] lost_answer: bool,
) {
    let mut rig = Rig::new();
    rig.people("bleu", "shop");
    for round in 0..3 {
        rig.store.lost_answer.store(lost_answer, Ordering::SeqCst);
        let running = rig.run(sealing()).await;
        rig.store.after(writes);
        rig.send(events(round * 30, 30)).await;
        let failed = rig.store.failed.load(Ordering::SeqCst);
        let fails = async {
            while rig.store.failed.load(Ordering::SeqCst) == failed {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        // Where it has less to write than that, it simply went on.
        let _ = tokio::time::timeout(Duration::from_millis(1500), fails).await;
        running.kill().await;
        rig.store.mend();
        rig = rig.reborn();
        let tenant = ["vert", "bleu", "rouge"][usize::try_from(round).unwrap()];
        rig.people(tenant, ["cart", "default", "shop"][usize::try_from(round).unwrap()]);
    }
    let running = rig.run(sealing()).await;
    rig.until_sealed().await;
    running.stop().await;
    let stored = rig.stored().await;
    assert_eq!(stored.len(), 90);
    rig.assert_whole(&stored);
    rig.verify().await;
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[tokio::test]
async fn a_new_data_directory_is_not_taken_for_what_is_sealed() {
    let rig = Rig::new();
    let running = rig.run(sealing()).await;
    rig.send(events(0, 60)).await;
    rig.until_sealed().await;
    running.stop().await;

    let place = rig.place.path().to_owned();
    let keys = place.join("keys");
    copy(&place.join("data/keys"), &keys);
    fs::remove_dir_all(place.join("data")).unwrap();
    copy(&keys, &place.join("data/keys"));
    let rig = rig.reborn();
    let running = rig.run(sealing()).await;
    rig.send(events(60, 20)).await;
    rig.until_sealed().await;
    running.stop().await;
    let stored = rig.stored().await;
    assert_eq!(stored.len(), 80);
    rig.assert_whole(&stored);
}

#[tokio::test]
async fn a_data_directory_from_before_stores_nothing_twice_and_loses_nothing_new() {
    let rig = Rig::new();
    let running = rig.run(super::super::Sealing { age: Duration::from_secs(3600), ..sealing() }).await;
    rig.send(events(0, 20)).await;
    running.kill().await;
    let place = rig.place.path().to_owned();
    copy(&place.join("data"), &place.join("before"));

    let rig = rig.reborn();
    let running = rig.run(sealing()).await;
    rig.send(events(20, 20)).await;
    rig.until_sealed().await;
    running.stop().await;

    fs::remove_dir_all(place.join("data")).unwrap();
    fs::rename(place.join("before"), place.join("data")).unwrap();
    let rig = rig.reborn();
    let running = rig.run(sealing()).await;
    rig.send(events(40, 20)).await;
    rig.until_sealed().await;
    running.stop().await;
    let stored = rig.stored().await;
    assert_eq!(stored.len(), 60);
    rig.assert_whole(&stored);
}
