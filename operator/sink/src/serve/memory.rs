//! Answers that hold for some seconds. Only ever a yes: a no is asked again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// More than anybody has at once in so short a time; beyond it all is asked again.
const MOST: usize = 4096;

pub(super) struct Memory<K, V> {
    lasts: Duration,
    held: Mutex<HashMap<K, (V, Instant)>>,
}

impl<K: Hash + Eq, V: Clone> Memory<K, V> {
    pub(super) fn new(lasts: Duration) -> Self {
        Self { lasts, held: Mutex::default() }
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(key).filter(|(_, at)| at.elapsed() < self.lasts).map(|(value, _)| value.clone())
    }

    /// `at` is when it was asked: the answer is no younger than that.
    pub(super) fn put(&self, key: K, value: V, at: Instant) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MOST {
            held.retain(|_, (_, at)| at.elapsed() < self.lasts);
        }
        if held.len() >= MOST {
            held.clear();
        }
        held.insert(key, (value, at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_ends_and_is_bounded() {
        let memory = Memory::new(Duration::from_secs(5));
        let now = Instant::now();
        memory.put(1, "fresh", now);
        memory.put(2, "old", now.checked_sub(Duration::from_secs(5)).unwrap());
        assert_eq!((memory.get(&1), memory.get(&2), memory.get(&3)), (Some("fresh"), None, None));
        for key in 0..20_000 {
            memory.put(key, "many", now);
        }
        assert!(memory.held.lock().unwrap().len() <= MOST);
    }
}
