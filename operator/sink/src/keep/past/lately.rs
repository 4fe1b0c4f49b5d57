//! What was used lately, up to a weight.

use std::collections::HashMap;
use std::hash::Hash;

struct Held<V> {
    value: V,
    weight: usize,
    used: u64,
}

pub struct Lately<K, V> {
    held: HashMap<K, Held<V>>,
    most: usize,
    weight: usize,
    turn: u64,
}

impl<K, V> Default for Lately<K, V> {
    fn default() -> Self {
        Self { held: HashMap::new(), most: 0, weight: 0, turn: 0 }
    }
}

impl<K: Hash + Eq + Clone, V> Lately<K, V> {
    pub fn new(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    pub fn get(&mut self, key: &K) -> Option<&V> {
        self.turn += 1;
        let held = self.held.get_mut(key)?;
        held.used = self.turn;
        Some(&held.value)
    }

    /// It stays even if it alone weighs more than there is room for, until the next one comes.
    pub fn put(&mut self, key: K, value: V, weight: usize) {
        self.forget(|held| *held == key);
        while !self.held.is_empty() && self.weight + weight > self.most {
            let oldest = self.held.iter().min_by_key(|(_, held)| held.used).map(|(key, _)| key.clone());
            self.forget(|held| Some(held) == oldest.as_ref());
        }
        self.turn += 1;
        self.weight += weight;
        self.held.insert(key, Held { value, weight, used: self.turn });
    }

    pub fn forget(&mut self, which: impl Fn(&K) -> bool) {
        let mut gone = 0;
        self.held.retain(|key, held| {
            let goes = which(key);
            gone += if goes { held.weight } else { 0 };
            !goes
        });
        self.weight -= gone;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_goes_first_and_the_weight_is_bounded() {
        let mut lately = Lately::new(10);
        for key in 0..5 {
            lately.put(key, key, 2);
        }
        assert_eq!(lately.get(&0), Some(&0));
        lately.put(5, 5, 3);
        let there: Vec<i32> = (0..5).filter(|key| lately.get(key).is_some()).collect();
        assert_eq!(there, [0, 3, 4]);
        lately.put(6, 6, 100);
        assert_eq!((lately.weight, lately.get(&6)), (100, Some(&6)));
        assert_eq!(lately.get(&0), None);
        lately.put(6, 7, 1);
        assert_eq!((lately.weight, lately.get(&6)), (1, Some(&7)));
    }
}
