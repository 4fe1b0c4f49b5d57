use super::*;
use futures::FutureExt as _;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

fn hash(nth: u64) -> Hash {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&nth.to_be_bytes());
    Hash(bytes)
}

fn at(nth: u64) -> Timestamp {
    Timestamp::from_second(i64::try_from(nth).unwrap()).unwrap()
}

fn asked(nth: u64) -> Asked<'static> {
    Asked { hash: hash(nth), stage: Some(at(nth)), id: None }
}

/// What is stored, and how often.
#[derive(Default)]
struct Store {
    held: Mutex<BTreeMap<Hash, u32>>,
    asked: AtomicU64,
    silent: AtomicBool,
}

impl Store {
    fn put(&self, hash: Hash) {
        *self.held.lock().unwrap().entry(hash).or_default() += 1;
    }
}

impl Past for Store {
    fn holds<'a>(&'a self, asked: &'a [Older]) -> BoxFuture<'a, Result<Vec<bool>, Unknown>> {
        self.asked.fetch_add(asked.len() as u64, Ordering::SeqCst);
        if self.silent.load(Ordering::SeqCst) {
            return futures::future::ready(Err(Unknown("silent".to_owned()))).boxed();
        }
        let held = self.held.lock().unwrap();
        let answer = asked.iter().map(|older| held.contains_key(&older.hash)).collect();
        async move {
            tokio::task::yield_now().await;
            Ok(answer)
        }
        .boxed()
    }
}

fn seen(entries: usize, store: &Arc<Store>) -> Arc<Seen> {
    let seen = Seen::new(Options { entries });
    seen.begin(None, vec![store.clone()]);
    Arc::new(seen)
}

async fn store(seen: &Arc<Seen>, source: Source, events: &[u64]) -> usize {
    let asked: Vec<_> = events.iter().copied().map(asked).collect();
    let claim = seen.claim(source, &asked, true).await.unwrap();
    let mine = claim.mine().len();
    claim.stored(&asked);
    mine
}

#[tokio::test]
async fn each_is_stored_once_and_the_other_source_confirms_it() {
    let seen = seen(100, &Arc::default());
    assert_eq!(store(&seen, Source::Webhook, &[1, 2, 3, 2]).await, 3);
    assert_eq!(store(&seen, Source::File, &[1, 2, 4]).await, 1);
    assert_eq!(store(&seen, Source::File, &[1, 4]).await, 0);
    let numbers = seen.numbers();
    assert_eq!((numbers.confirmed, numbers.repeated, numbers.remembered), (2, 3, 4));
}

#[tokio::test]
async fn what_somebody_else_stores_is_waited_for_and_taken_over_where_that_fails() {
    let seen = seen(100, &Arc::default());
    let events = [asked(1), asked(2)];
    for stored in [false, true] {
        let first = seen.claim(Source::Webhook, &events, true).await.unwrap();
        assert_eq!(first.mine().collect::<Vec<_>>(), [0, 1]);
        let mut second =
            seen.claim(Source::File, &[asked(2), asked(30 + u64::from(stored))], true).await.unwrap();
        assert_eq!(second.mine().collect::<Vec<_>>(), [1]);
        let mut others = second.others();
        let (nth, waiting) = others.pop().unwrap();
        assert_eq!((nth, others.len()), (0, 0));
        let waiting = waiting.outcome();
        tokio::pin!(waiting);
        assert!(waiting.as_mut().now_or_never().is_none());
        if stored {
            first.stored(&events);
        } else {
            drop(first);
        }
        let expected = if stored { Outcome::Stored } else { Outcome::Failed };
        assert_eq!(waiting.await, expected);
    }
}

#[tokio::test]
async fn only_what_may_have_been_forgotten_is_asked_about() {
    let held = Arc::new(Store::default());
    let seen = seen(4, &held);
    for nth in 1..=20 {
        assert_eq!(store(&seen, Source::Webhook, &[nth]).await, 1);
        held.put(hash(nth));
    }
    assert_eq!(held.asked.load(Ordering::SeqCst), 0, "each was later than all that were forgotten");
    assert_eq!(store(&seen, Source::File, &(1..=20).collect::<Vec<_>>()).await, 0);
    let asked = held.asked.load(Ordering::SeqCst);
    assert!((12..=16).contains(&asked), "{asked}");
    assert_eq!(seen.numbers().old, asked);
}

#[tokio::test]
async fn not_knowing_is_a_no_to_a_file_and_a_risk_with_a_webhook() {
    let held = Arc::new(Store::default());
    let seen = seen(2, &held);
    for nth in 1..=9 {
        store(&seen, Source::Webhook, &[nth]).await;
    }
    held.silent.store(true, Ordering::SeqCst);
    assert!(seen.claim(Source::File, &[asked(1), asked(50)], true).await.is_err());
    let claim = seen.claim(Source::Webhook, &[asked(1), asked(50)], false).await.unwrap();
    assert_eq!((claim.mine().len(), claim.unproven()), (2, 1));
    drop(claim);
    held.silent.store(false, Ordering::SeqCst);
    assert_eq!(store(&seen, Source::File, &[50]).await, 1, "what was not taken can be taken");
}

#[tokio::test]
async fn before_the_store_is_open_nothing_is_taken_for_new_that_may_be_old() {
    let seen = Arc::new(Seen::new(Options { entries: 1 }));
    for nth in 1..=3 {
        store(&seen, Source::Webhook, &[nth]).await;
    }
    assert!(seen.claim(Source::File, &[asked(1)], true).await.is_err());
}

#[tokio::test]
async fn another_event_under_the_same_identity_is_told_and_stored() {
    let seen = seen(100, &Arc::default());
    let of = |nth, id| Asked { id: Some(id), ..asked(nth) };
    let events = [of(1, ("a", "ResponseComplete")), of(2, ("a", "RequestReceived")), of(3, ("b", "Panic"))];
    let claim = seen.claim(Source::Webhook, &events, true).await.unwrap();
    assert_eq!(claim.stored(&events), []);
    let again = [of(1, ("a", "ResponseComplete")), of(4, ("b", "Panic")), of(5, ("b", "Panic"))];
    let claim = seen.claim(Source::File, &again, true).await.unwrap();
    assert_eq!(claim.mine().len(), 2);
    let reused = claim.stored(&again);
    assert_eq!(reused.iter().map(|reused| reused.hash).collect::<Vec<_>>(), [hash(4), hash(5)]);
    assert_eq!((reused[0].audit_id.as_str(), reused[0].stage.as_str()), ("b", "Panic"));
    // Both at once: whichever is stored second.
    let (one, two) = ([of(6, ("c", "Panic"))], [of(7, ("c", "Panic"))]);
    let first = seen.claim(Source::Webhook, &one, true).await.unwrap();
    let second = seen.claim(Source::File, &two, true).await.unwrap();
    assert_eq!((second.stored(&two).len(), first.stored(&one).len()), (0, 1));
}

#[test]
fn equal_prints_are_equal_things() {
    let prints = Prints::default();
    assert_eq!(prints.hash(&hash(1)), prints.hash(&hash(1)));
    assert_ne!(prints.hash(&hash(1)), prints.hash(&hash(2)));
    assert_ne!(prints.id("ab", "c"), prints.id("a", "bc"));
    assert_ne!(prints.hash(&hash(1)), Prints::default().hash(&hash(1)), "nobody outside knows them");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Several bring the same events at once, storing fails now and then, and little is remembered.
    #[test]
    fn every_event_is_stored_exactly_once(
        requests in proptest::collection::vec(proptest::collection::vec(0_u64..40, 1..12), 1..12),
        failures in proptest::collection::vec(any::<bool>(), 0..12),
        entries in 1_usize..12,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let held = Arc::new(Store::default());
            let seen = seen(entries, &held);
            let failures = Arc::new(Mutex::new(failures));
            let bring = |request: Vec<u64>| {
                let (seen, held, failures) = (seen.clone(), held.clone(), failures.clone());
                tokio::spawn(async move {
                    let mut left = request;
                    while !left.is_empty() {
                        let asked: Vec<_> = left.iter().copied().map(asked).collect();
                        let mut claim = seen.claim(Source::Webhook, &asked, true).await.unwrap();
                        tokio::task::yield_now().await;
                        if failures.lock().unwrap().pop() == Some(true) {
                            continue;
                        }
                        claim.mine().for_each(|nth| held.put(hash(left[nth])));
                        let others = claim.others();
                        claim.stored(&asked);
                        let mut failed = Vec::new();
                        for (nth, other) in others {
                            if other.outcome().await != Outcome::Stored {
                                failed.push(left[nth]);
                            }
                        }
                        left = failed;
                    }
                })
            };
            let all: Vec<u64> = requests.iter().flatten().copied().collect();
            let tasks: Vec<_> = requests.into_iter().map(bring).collect();
            for task in tasks {
                tokio::time::timeout(Duration::from_secs(10), task).await.unwrap().unwrap();
            }
            let held = held.held.lock().unwrap();
            for nth in all {
                assert_eq!(held.get(&hash(nth)), Some(&1), "{nth}");
            }
        });
    }
}
