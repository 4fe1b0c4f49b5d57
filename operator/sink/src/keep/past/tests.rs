use super::*;
use anyhow::bail;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn hash(nth: u8) -> Hash {
    Hash([nth; 32])
}

fn older(nth: u8, second: i64) -> Older {
    Older { hash: hash(nth), stage: at(second) }
}

/// A log, and how often it was asked.
#[derive(Default)]
struct Fake {
    events: Mutex<Vec<(Partition, Timestamp, Hash)>>,
    asked: Mutex<usize>,
    down: Mutex<bool>,
}

impl Fake {
    fn put(&self, partition: &str, nth: u8, second: i64) {
        self.events.lock().unwrap().push((partition.parse().unwrap(), at(second), hash(nth)));
    }
}

impl Log for Fake {
    fn partitions(&self) -> BoxFuture<'_, anyhow::Result<Vec<Partition>>> {
        Box::pin(async move { Ok(self.events.lock().unwrap().iter().map(|(of, ..)| of.clone()).collect()) })
    }

    fn hashes<'a>(
        &'a self,
        partition: &'a Partition,
        from: Timestamp,
        before: Timestamp,
    ) -> BoxFuture<'a, anyhow::Result<Vec<Hash>>> {
        Box::pin(async move {
            if *self.down.lock().unwrap() {
                bail!("out of reach");
            }
            *self.asked.lock().unwrap() += 1;
            let events = self.events.lock().unwrap();
            let these = events.iter().filter(|(of, at, _)| of == partition && (from..before).contains(at));
            Ok(these.map(|(.., hash)| *hash).collect())
        })
    }
}

#[tokio::test]
async fn what_is_stored_is_found_wherever_it_is_and_read_once() {
    let fake = Arc::new(Fake::default());
    fake.put("platform", 1, 0);
    fake.put("tenant.bleu", 2, 59);
    fake.put("tenant.bleu", 3, 60);
    let stored = Stored::new(fake.clone());
    let asked = [older(1, 0), older(2, 59), older(3, 60), older(3, 0), older(9, 0)];
    for _ in 0..3 {
        assert_eq!(stored.holds(&asked).await.unwrap(), [true, true, true, false, false]);
        assert_eq!(*fake.asked.lock().unwrap(), 4, "two partitions, two stretches");
    }
}

#[tokio::test]
async fn what_was_sealed_since_is_found_in_old_and_new_partitions() {
    let fake = Arc::new(Fake::default());
    fake.put("platform", 1, 0);
    let stored = Stored::new(fake.clone());
    let asked = [older(1, 0), older(2, 10), older(3, 10)];
    assert_eq!(stored.holds(&asked).await.unwrap(), [true, false, false]);
    fake.put("platform", 2, 10);
    stored.added(&Partition::Platform, at(10), at(10));
    fake.put("tenant.bleu", 3, 10);
    stored.added(&"tenant.bleu".parse().unwrap(), at(10), at(10));
    assert_eq!(stored.holds(&asked).await.unwrap(), [true, true, true]);
}

#[tokio::test(start_paused = true)]
async fn out_of_reach_is_neither_yes_nor_no() {
    let fake = Arc::new(Fake::default());
    fake.put("platform", 1, 0);
    *fake.down.lock().unwrap() = true;
    let stored = Stored::new(fake.clone());
    assert!(stored.holds(&[older(1, 0)]).await.is_err());
    *fake.down.lock().unwrap() = false;
    assert_eq!(stored.holds(&[older(1, 0)]).await.unwrap(), [true]);
    assert!(Stored::new(Arc::new(Later::default())).holds(&[older(1, 0)]).await.is_err());
}
