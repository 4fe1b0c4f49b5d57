use super::*;
use crate::kit::*;
use proptest::prelude::*;

fn sealed(day: i64, bytes: u64, kept: i64) -> Manifest {
    let stored = |bytes| crate::Stored { sha256: crate::Digest::of(b""), bytes };
    let chain = crate::record::genesis(&platform());
    let key = "0".repeat(32).parse().unwrap();
    Manifest {
        format: String::new(),
        partition: platform(),
        number: 1,
        first_seq: 1,
        last_seq: 10,
        count: 10,
        first_at: in_days(day),
        last_at: in_days(day),
        previous: None,
        chain_before: chain,
        chain_after: chain,
        segment: stored(bytes),
        index: stored(0),
        raw_bytes: 0,
        sealed_at: in_days(day),
        retain_until: in_days(day + kept),
        seal: crate::Seal {
            key_id: key,
            algorithm: crate::Algorithm::Es256,
            signature: crate::sign::Signature::none(),
        },
    }
}

/// A log that gets as much every day, and is so old.
fn steady(days: i64, bytes: u64, kept: i64) -> Inventory {
    let mut inventory = Inventory::default();
    for day in 0..days {
        inventory.add(&sealed(day, bytes, kept));
    }
    inventory
}

#[test]
fn as_much_comes_as_came_last_week() {
    let inventory = steady(30, 700, 184);
    let forecast = inventory.forecast(in_days(30) - SignedDuration::from_secs(1), Some(7_000));
    assert_eq!((forecast.bytes, forecast.bytes_per_day), (21_000, 700));
    assert_eq!(forecast.days_until_full, Some(10));
    let steady = forecast.steady_bytes.unwrap();
    assert!((184 * 700..=186 * 700).contains(&steady), "{steady}");
}

#[test]
fn a_log_of_which_as_much_goes_as_comes_is_never_full() {
    // The oldest ones are gone.
    let mut inventory = Inventory::default();
    for day in 216..400 {
        inventory.add(&sealed(day, 700, 184));
    }
    let now = in_days(400) - SignedDuration::from_secs(1);
    assert_eq!(inventory.forecast(now, Some(2_000)).days_until_full, None);
    assert_eq!(inventory.forecast(now, Some(100)).days_until_full, Some(0));
    assert_eq!(inventory.forecast(now, None).days_until_full, None);
}

#[test]
fn a_log_that_was_begun_an_hour_ago_is_reckoned_up() {
    let mut inventory = Inventory::default();
    inventory.add(&sealed(0, 100, 184));
    let forecast = inventory.forecast(at(3600), Some(24_000));
    assert_eq!((forecast.bytes_per_day, forecast.days_until_full), (2_400, Some(10)));
    assert_eq!(Inventory::default().forecast(at(0), Some(1)).days_until_full, None);
}

proptest! {
    #[test]
    fn more_room_is_never_full_sooner(days in 1_i64..300, bytes in 1_u64..1000, kept in 1_i64..400, free in 0_u64..100_000, more in 0_u64..100_000) {
        let inventory = steady(days, bytes, kept);
        let now = in_days(days);
        let soon = inventory.forecast(now, Some(free)).days_until_full.unwrap_or(u32::MAX);
        let late = inventory.forecast(now, Some(free + more)).days_until_full.unwrap_or(u32::MAX);
        prop_assert!(soon <= late);
    }
}

#[tokio::test]
async fn it_is_the_same_read_or_counted_along() {
    let mut bench = Bench::new().await;
    let mut counted = Inventory::default();
    for day in 0..140 {
        bench.now = in_days(day);
        counted.add(&bench.seal("platform", 3).await);
        counted.add(&bench.seal("tenant.acme", 1).await);
    }
    assert_eq!(Inventory::read(&bench.store).await.unwrap(), counted);
    assert_eq!((counted.segments(), counted.records()), (280, 560));
    let objects = contents(&bench.store).await;
    let of = |ending: &str| {
        objects
            .iter()
            .filter(|(path, _)| path.ends_with(ending))
            .map(|(_, bytes)| bytes.len() as u64)
            .sum::<u64>()
    };
    assert_eq!(counted.bytes(), of(".seg") + of(".idx"));
    for expired in bench.writer.expire(in_days(200), &[]).await.unwrap() {
        counted.remove(&expired);
    }
    let read = Inventory::read(&bench.store).await.unwrap();
    assert_eq!(
        (read.bytes(), read.records(), read.segments()),
        (counted.bytes(), counted.records(), counted.segments())
    );
    assert!(read.segments() < 280 && read.segments() > 0);
}
