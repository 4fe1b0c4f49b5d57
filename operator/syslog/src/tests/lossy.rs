//! Receivers that cut connections in the middle of messages.

use super::forwarding::Running;
use super::receiver::{Receiver, STALLS};
use super::{Journal, SETTLE, eventually, settings, target};
use crate::{Forwarder, Settings};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

fn bodies(count: usize, size: usize) -> impl Iterator<Item = String> {
    (1..=count).map(move |n| format!("{{\"n\":{n},\"text\":\"{}\"}}", "é".repeat(n * 37 % size)))
}

#[tokio::test]
async fn connections_cut_in_the_middle_of_a_message_lose_nothing() {
    // Each a little further into the first messages, so that counts, headers and texts are all cut somewhere.
    let receiver = Receiver::with(|number| (number < 60).then_some(1 + number * 13)).await;
    let (place, journal) = (TempDir::new().unwrap(), Arc::new(Journal::with(bodies(40, 200))));
    let running = Running::start(&receiver, &journal, &place);
    eventually("settled", || running.now().through == 40).await;
    receiver.seen.assert_in_order(40);
    let progress = running.now();
    assert!(progress.repeated > 0 && progress.failures >= 60, "{progress:?}");
    running.stop().await;
}

#[tokio::test]
async fn a_connection_that_ends_before_it_has_settled_delivers_nothing() {
    let mut receiver = Receiver::start().await;
    let (place, journal) = (TempDir::new().unwrap(), Arc::new(Journal::with(bodies(5, 50))));
    let running = Running::start(&receiver, &journal, &place);
    eventually("read", || receiver.seen.highest() == 5).await;
    receiver.stop().await;
    tokio::time::sleep(SETTLE * 2).await;
    assert_eq!(running.now().through, 0);
    receiver.again().await;
    eventually("settled", || running.now().through == 5).await;
    assert_eq!(receiver.seen.positions(), [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]);
    running.stop().await;
}

/// What a kernel took and nobody acknowledged is not delivered, however long the connection seems to stand.
#[tokio::test]
async fn a_receiver_that_reads_nothing_is_left_and_gets_everything_again() {
    let receiver = Receiver::with(|number| (number < 2).then_some(STALLS)).await;
    // More than the kernels on both sides hold.
    let (place, journal) = (TempDir::new().unwrap(), Arc::new(Journal::with(bodies(3000, 8000))));
    let settings = Settings { settle: Duration::from_secs(2), batch: 64 << 10, ..settings(&place) };
    let running = Running::of(Forwarder::new(target(&receiver), settings, journal).unwrap());
    eventually("left twice", || running.now().failures == 2).await;
    assert_eq!(running.now().through, 0);
    eventually("settled", || running.now().through == 3000).await;
    receiver.seen.assert_in_order(3000);
    running.stop().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Wherever receivers cut and whenever the forwarder is killed: each at least once, in order.
    #[test]
    fn at_least_once_in_order(
        cuts in proptest::collection::vec(1_usize..20_000, 0..8),
        kills in proptest::collection::vec(0_u64..300, 0..4),
        count in 1_usize..120,
        size in 1_usize..3000,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let receiver = Receiver::with(move |number| cuts.get(number).copied()).await;
            let (place, journal) = (TempDir::new().unwrap(), Arc::new(Journal::with(bodies(count, size))));
            for kill in kills {
                let running = Running::start(&receiver, &journal, &place);
                tokio::time::sleep(Duration::from_millis(kill)).await;
                running.kill().await;
            }
            let running = Running::start(&receiver, &journal, &place);
            let last = count as u64;
            eventually("settled", || running.now().through == last).await;
            receiver.seen.assert_in_order(last);
            running.stop().await;
        });
    }
}
