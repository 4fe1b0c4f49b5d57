//! Several sources, failures in between, and restarts: each event once.

use super::rig::{all, cp, event, line, parts};
use crate::intake::{Intake, Items};
use crate::journal::faulty::Faulty;
use crate::metrics::Metrics;
use proptest::prelude::*;
use snc_audit::canonical;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tempfile::TempDir;

fn start(place: &Path, disk: &Faulty) -> Arc<Intake> {
    // So little is remembered that the journal is asked all the time.
    let (journal, seen, gaps) = parts(place, disk, 5);
    let metrics = Arc::new(Metrics::complete().unwrap());
    Arc::new(Intake::new(journal, seen, gaps, metrics, Box::new(|_, _| {})))
}

fn items(texts: impl Iterator<Item = String>) -> Items {
    let (mut buffer, mut at) = (String::new(), Vec::new());
    for text in texts {
        let start = buffer.len();
        buffer.push_str(&text);
        at.push(start..buffer.len());
    }
    Items::new(buffer.into(), at)
}

fn heal(disk: &Faulty) {
    disk.room(-1);
    disk.0.syncs.store(0, Ordering::SeqCst);
}

#[derive(Debug, Clone)]
enum Step {
    /// From the webhook or the file, so many from that one on.
    Bring(bool, u64, u64),
    Full(i64),
    Syncs(u64),
    Room,
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (any::<bool>(), 0_u64..60, 1_u64..20).prop_map(|(file, from, many)| Step::Bring(file, from, many)),
        1 => (0_i64..3000).prop_map(Step::Full),
        1 => (1_u64..3).prop_map(Step::Syncs),
        2 => Just(Step::Room),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_was_said_yes_to_is_there_once_and_nothing_is_there_twice(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let (place, disk) = (TempDir::new().unwrap(), Faulty::new());
            let mut intake = start(place.path(), &disk);
            let (mut yes, mut under_way) = (Vec::new(), Vec::new());
            for step in steps {
                match step {
                    Step::Bring(file, from, many) => {
                        let intake = intake.clone();
                        under_way.push(tokio::spawn(async move {
                            let range = from..from + many;
                            let taken = if file {
                                intake.file(cp(1), items(range.clone().map(line)), vec![]).await
                            } else {
                                intake.webhook(cp(1), items(range.clone().map(event))).await
                            };
                            taken.is_ok().then_some(range)
                        }));
                        // Some at once, some one after the other.
                        if under_way.len() > 3 {
                            for brought in under_way.drain(..) {
                                yes.extend(brought.await.unwrap());
                            }
                        }
                    }
                    Step::Full(room) => disk.room(room),
                    Step::Syncs(many) => disk.0.syncs.store(many, Ordering::SeqCst),
                    Step::Room => disk.room(-1),
                    Step::Restart => {
                        heal(&disk);
                        for brought in under_way.drain(..) {
                            yes.extend(brought.await.unwrap());
                        }
                        drop(intake);
                        intake = start(place.path(), &disk);
                    }
                }
            }
            for brought in under_way.drain(..) {
                yes.extend(brought.await.unwrap());
            }
            drop(intake);
            heal(&disk);
            let (journal, ..) = parts(place.path(), &disk, 5);
            let mut there: BTreeMap<canonical::Hash, u32> = BTreeMap::new();
            for entry in all(&journal).await {
                *there.entry(entry.hash).or_default() += 1;
            }
            for nth in yes.into_iter().flatten() {
                assert!(there.contains_key(&canonical::hash(&event(nth)).unwrap()), "{nth} is lost");
            }
            assert!(there.values().all(|times| *times == 1), "{there:?}");
        });
    }
}
