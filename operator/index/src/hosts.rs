//! Which namespace publishes under which name.

use std::collections::{BTreeMap, BTreeSet};

/// What publishes: its kind, its namespace and its name.
pub type Publisher = (&'static str, String, String);

/// Names as they are written in objects that publish: in small letters, `*.` before those that stand for many.
#[derive(Debug, Default)]
pub struct Hosts {
    of: BTreeMap<Publisher, BTreeSet<String>>,
    /// With the last label first, so that what is below a name comes after it.
    by_name: BTreeMap<String, BTreeSet<Publisher>>,
}

impl Hosts {
    pub fn apply(&mut self, publisher: Publisher, names: impl IntoIterator<Item = String>) {
        self.delete(&publisher);
        let names: BTreeSet<String> =
            names.into_iter().map(|name| name.to_ascii_lowercase()).filter(|name| !name.is_empty()).collect();
        for name in &names {
            self.by_name.entry(backwards(name)).or_default().insert(publisher.clone());
        }
        if !names.is_empty() {
            self.of.insert(publisher, names);
        }
    }

    pub fn delete(&mut self, publisher: &Publisher) {
        for name in self.of.remove(publisher).unwrap_or_default() {
            let key = backwards(&name);
            if let Some(held) = self.by_name.get_mut(&key) {
                held.remove(publisher);
                if held.is_empty() {
                    self.by_name.remove(&key);
                }
            }
        }
    }

    /// A new list of one kind.
    pub fn reset(&mut self, kind: &str, all: Vec<(Publisher, Vec<String>)>) {
        let gone: Vec<Publisher> = self.of.keys().filter(|(held, ..)| *held == kind).cloned().collect();
        for publisher in &gone {
            self.delete(publisher);
        }
        for (publisher, names) in all {
            self.apply(publisher, names);
        }
    }

    /// Namespaces that publish under this name, under one that stands for it, or, where it stands for many itself,
    /// under one of those.
    pub fn claimants(&self, name: &str) -> BTreeSet<&str> {
        let name = name.to_ascii_lowercase();
        let mut keys = vec![backwards(&name)];
        let mut rest = name.strip_prefix("*.").unwrap_or(&name);
        while let Some((_, above)) = rest.split_once('.') {
            keys.push(backwards(&format!("*.{above}")));
            rest = above;
        }
        let mut found: BTreeSet<&str> = BTreeSet::new();
        let exact = keys.iter().filter_map(|key| self.by_name.get(key));
        let below = name.strip_prefix("*.").map(|domain| format!("{}.", backwards(domain)));
        let within = below.iter().flat_map(|below| {
            self.by_name.range(below.clone()..).take_while(|(key, _)| key.starts_with(below.as_str()))
        });
        for publishers in exact.chain(within.map(|(_, publishers)| publishers)) {
            found.extend(publishers.iter().map(|(_, namespace, _)| namespace.as_str()));
        }
        found
    }
}

fn backwards(name: &str) -> String {
    name.rsplit('.').collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(namespace: &str, name: &str) -> Publisher {
        ("Ingress", namespace.to_owned(), name.to_owned())
    }

    #[test]
    fn a_name_is_claimed_by_its_own_by_what_stands_for_it_and_by_what_it_stands_for() {
        let mut hosts = Hosts::default();
        for (namespace, name) in
            [("a", "www.shop.example"), ("b", "*.bank.example"), ("c", "x.y.shop.example")]
        {
            hosts.apply(of(namespace, "i"), [name.to_owned()]);
        }
        let claimants = |name: &str| hosts.claimants(name).into_iter().collect::<Vec<_>>();
        assert_eq!(claimants("WWW.shop.example"), ["a"]);
        assert_eq!(claimants("online.bank.example"), ["b"]);
        assert_eq!(claimants("deep.online.bank.example"), ["b"]);
        assert_eq!(claimants("*.online.bank.example"), ["b"]);
        assert_eq!(claimants("*.shop.example"), ["a", "c"]);
        assert_eq!(claimants("bank.example"), [""; 0]);
        assert_eq!(claimants("*.workshop.example"), [""; 0]);
    }

    #[test]
    fn what_publishes_no_more_claims_no_more() {
        let mut hosts = Hosts::default();
        hosts.apply(of("a", "i"), ["one.example".to_owned(), "two.example".to_owned()]);
        hosts.apply(of("a", "i"), ["two.example".to_owned()]);
        assert!(hosts.claimants("one.example").is_empty());
        hosts.reset("HTTPRoute", Vec::new());
        assert_eq!(hosts.claimants("two.example").len(), 1);
        hosts.reset("Ingress", vec![(of("b", "j"), vec!["three.example".to_owned()])]);
        assert!(hosts.claimants("two.example").is_empty());
        hosts.delete(&of("b", "j"));
        assert!(hosts.claimants("three.example").is_empty() && hosts.by_name.is_empty());
    }
}
