//! A work queue of distinct keys: a key is handled by one worker at a time, and once more if it changed meanwhile.

use snc_index::Key;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_secs(60);

#[derive(Default)]
struct State {
    /// In the order of arrival: sorted, the last names of the alphabet would wait as long as the first ones change.
    ready: VecDeque<Key>,
    queued: BTreeSet<Key>,
    running: BTreeSet<Key>,
    again: BTreeSet<Key>,
    later: BTreeSet<(Instant, Key)>,
    failures: HashMap<Key, u32>,
    closed: bool,
}

impl State {
    /// Once only, and not while it is being handled.
    fn enqueue(&mut self, key: Key) {
        if self.running.contains(&key) {
            self.again.insert(key);
        } else if self.queued.insert(key.clone()) {
            self.ready.push_back(key);
        }
    }
}

enum Next {
    Key(Key),
    Wait(Option<Instant>),
    End,
}

#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

impl Queue {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn add(&self, keys: impl IntoIterator<Item = Key>) {
        let mut any = false;
        self.with(|state| {
            for key in keys {
                any = true;
                state.enqueue(key);
            }
        });
        if any {
            self.changed.notify_waiters();
            self.changed.notify_one();
        }
    }

    /// At the given time, or earlier if something changes.
    pub fn add_after(&self, key: Key, delay: Duration) {
        self.with(|state| state.later.insert((Instant::now() + delay, key)));
        self.changed.notify_one();
    }

    /// Nothing more is handed out; what is being handled goes on.
    pub fn close(&self) {
        self.with(|state| state.closed = true);
        self.changed.notify_waiters();
        self.changed.notify_one();
    }

    /// Keys that wait for a worker, and keys that wait for their time.
    pub fn depth(&self) -> (usize, usize) {
        self.with(|state| (state.ready.len(), state.later.len()))
    }

    /// Nothing once the queue is closed.
    pub async fn next(&self) -> Option<Key> {
        loop {
            let notified = self.changed.notified();
            let next = self.with(|state| {
                if state.closed {
                    return Next::End;
                }
                let now = Instant::now();
                while state.later.first().is_some_and(|(at, _)| *at <= now) {
                    let Some((_, key)) = state.later.pop_first() else { break };
                    state.enqueue(key);
                }
                let Some(key) = state.ready.pop_front() else {
                    return Next::Wait(state.later.first().map(|(at, _)| *at));
                };
                state.queued.remove(&key);
                state.running.insert(key.clone());
                Next::Key(key)
            });
            match next {
                Next::Key(key) => {
                    // Another worker may be asleep while more is ready.
                    self.changed.notify_one();
                    return Some(key);
                }
                Next::Wait(Some(at)) => {
                    let _ = tokio::time::timeout_at(at, notified).await;
                }
                Next::Wait(None) => notified.await,
                Next::End => {
                    self.changed.notify_one();
                    return None;
                }
            }
        }
    }

    /// Ends the handling of a key; a failure brings it back after a growing delay.
    pub fn done(&self, key: Key, outcome: &Outcome) {
        let delay = self.with(|state| {
            state.running.remove(&key);
            if state.again.remove(&key) {
                state.enqueue(key.clone());
            }
            match outcome {
                Outcome::Done => {
                    state.failures.remove(&key);
                    None
                }
                Outcome::Later(delay) => {
                    state.failures.remove(&key);
                    Some(*delay)
                }
                Outcome::Failed => {
                    let failures = state.failures.entry(key.clone()).or_default();
                    *failures += 1;
                    Some((FIRST_RETRY * 2u32.saturating_pow((*failures - 1).min(10))).min(LAST_RETRY))
                }
            }
        });
        self.changed.notify_one();
        if let Some(delay) = delay {
            self.add_after(key, delay);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Later(Duration),
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::Namespace(name.to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_handled_once_at_a_time_and_again_if_it_changed() {
        let queue = Queue::default();
        queue.add([key("a"), key("a")]);
        let a = queue.next().await.unwrap();
        queue.add([key("a")]);
        assert!(tokio::time::timeout(Duration::from_secs(1), queue.next()).await.is_err(), "still running");
        queue.done(a, &Outcome::Done);
        let a = queue.next().await.unwrap();
        queue.done(a, &Outcome::Done);
        assert!(tokio::time::timeout(Duration::from_secs(1), queue.next()).await.is_err(), "nothing changed");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_those_who_came_later() {
        let queue = Queue::default();
        queue.add([key("zebra")]);
        queue.add([key("ant"), key("bee")]);
        queue.add([key("zebra")]);
        let mut order = Vec::new();
        for _ in 0..3 {
            let next = queue.next().await.unwrap();
            queue.add([key("ant")]);
            queue.done(next.clone(), &Outcome::Done);
            order.push(next);
        }
        assert_eq!(order, [key("zebra"), key("ant"), key("bee")]);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_come_back_ever_later_and_do_not_block_others() {
        let queue = Queue::default();
        queue.add([key("bad")]);
        let mut waits = Vec::new();
        for _ in 0..10 {
            let started = Instant::now();
            let bad = queue.next().await.unwrap();
            waits.push(started.elapsed());
            queue.done(bad, &Outcome::Failed);
            queue.add([key("good")]);
            assert_eq!(queue.next().await.unwrap(), key("good"));
            queue.done(key("good"), &Outcome::Done);
        }
        assert!(waits.windows(2).all(|w| w[0] <= w[1]), "{waits:?}");
        assert!(
            waits[9] >= Duration::from_secs(30) && waits[9] <= LAST_RETRY + Duration::from_secs(1),
            "{waits:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_queue_lets_what_runs_end_and_hands_out_nothing_more() {
        let queue = std::sync::Arc::new(Queue::default());
        queue.add([key("a"), key("b")]);
        let a = queue.next().await.unwrap();
        let b = queue.next().await.unwrap();
        let idle: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move { queue.next().await })
            })
            .collect();
        tokio::task::yield_now().await;
        queue.add([key("c")]);
        queue.close();
        for worker in idle {
            let next = tokio::time::timeout(Duration::from_secs(1), worker).await.unwrap().unwrap();
            assert!(next.is_none() || next == Some(key("c")), "taken before the close, or nothing: {next:?}");
        }
        queue.done(a, &Outcome::Failed);
        queue.done(b, &Outcome::Done);
        assert_eq!(queue.next().await, None);
    }
}
