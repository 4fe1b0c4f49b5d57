use std::collections::{BTreeMap, BTreeSet};

/// Many to many, written from one side and read from the other.
#[derive(Debug, Default)]
pub struct Relation {
    forward: BTreeMap<String, BTreeSet<String>>,
    backward: BTreeMap<String, BTreeSet<String>>,
}

impl Relation {
    /// Replaces everything that `from` was related to.
    pub fn set(&mut self, from: &str, to: BTreeSet<String>) {
        let before = self.forward.remove(from).unwrap_or_default();
        for gone in before.difference(&to) {
            if let Some(back) = self.backward.get_mut(gone) {
                back.remove(from);
                if back.is_empty() {
                    self.backward.remove(gone);
                }
            }
        }
        for new in to.difference(&before) {
            self.backward.entry(new.clone()).or_default().insert(from.to_owned());
        }
        if !to.is_empty() {
            self.forward.insert(from.to_owned(), to);
        }
    }

    /// Everything that something is related to.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.backward.keys().map(String::as_str)
    }

    pub fn to(&self, to: &str) -> impl Iterator<Item = &str> {
        self.backward.get(to).into_iter().flatten().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_replaced_is_no_longer_related() {
        let set = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<_>>();
        let mut relation = Relation::default();
        relation.set("a", set(&["x", "y"]));
        relation.set("b", set(&["y"]));
        assert_eq!(relation.to("y").collect::<Vec<_>>(), ["a", "b"]);
        relation.set("a", set(&["z"]));
        assert_eq!(relation.to("x").count() + relation.to("y").count(), 1);
        assert_eq!(relation.to("z").collect::<Vec<_>>(), ["a"]);
        relation.set("a", set(&[]));
        assert!(relation.to("z").next().is_none() && relation.forward.len() == 1);
    }
}
