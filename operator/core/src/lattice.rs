//! Join-semilattices with provenance (law 4: tenants only strengthen).
//!
//! Each type's `Default` is the neutral element; `join` is commutative, associative and idempotent, and never
//! weaker than either side. Provenance takes part in the laws: equal contributions unite their sources.

use crate::cidr;
use crate::quantity::Amount;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Who contributed a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Source {
    Product,
    Baseline(String),
    Tenant(String),
    Policy(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Product => f.write_str("product"),
            Self::Baseline(name) => write!(f, "SncBaseline/{name}"),
            Self::Tenant(name) => write!(f, "SncTenant/{name}"),
            Self::Policy(name) => write!(f, "SncPolicy/{name}"),
        }
    }
}

pub type Sources = BTreeSet<Source>;

pub trait Join: Default {
    #[must_use]
    fn join(self, other: Self) -> Self;
}

/// The greatest contributed value wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Most<T>(Option<(T, Sources)>);

impl<T> Default for Most<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Copy> Most<T> {
    pub fn of(value: Option<T>, source: &Source) -> Self {
        Self(value.map(|v| (v, Sources::from([source.clone()]))))
    }

    pub fn value(&self) -> Option<T> {
        self.0.as_ref().map(|(value, _)| *value)
    }

    pub fn sources(&self) -> Option<&Sources> {
        self.0.as_ref().map(|(_, sources)| sources)
    }
}

impl<T: Ord> Join for Most<T> {
    fn join(self, other: Self) -> Self {
        use std::cmp::Ordering;
        Self(match (self.0, other.0) {
            (Some((a, mut from_a)), Some((b, from_b))) => Some(match a.cmp(&b) {
                Ordering::Greater => (a, from_a),
                Ordering::Less => (b, from_b),
                Ordering::Equal => {
                    from_a.extend(from_b);
                    (a, from_a)
                }
            }),
            (a, b) => a.or(b),
        })
    }
}

/// For each resource, the least contributed amount wins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Least(BTreeMap<String, (Amount, Sources)>);

impl Least {
    pub fn of(amounts: impl IntoIterator<Item = (String, Amount)>, source: &Source) -> Self {
        Self(amounts.into_iter().map(|(k, v)| (k, (v, Sources::from([source.clone()])))).collect())
    }

    pub fn get(&self, resource: &str) -> Option<Amount> {
        self.0.get(resource).map(|(amount, _)| *amount)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, Amount, &Sources)> {
        self.0.iter().map(|(resource, (amount, sources))| (resource.as_str(), *amount, sources))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Join for Least {
    fn join(mut self, other: Self) -> Self {
        for (resource, (amount, sources)) in other.0 {
            match self.0.entry(resource) {
                std::collections::btree_map::Entry::Vacant(slot) => {
                    slot.insert((amount, sources));
                }
                std::collections::btree_map::Entry::Occupied(mut slot) => {
                    let (held, from) = slot.get_mut();
                    if amount < *held {
                        *slot.get_mut() = (amount, sources);
                    } else if amount == *held {
                        from.extend(sources);
                    }
                }
            }
        }
        self
    }
}

/// An allow-list: absent means unconstrained, several mean what all of them allow.
///
/// Entries are keyed by their whole content, so two definitions under one name are two entries and neither
/// survives a join with the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Allow<T>(Option<Listed<BTreeMap<String, T>>>);

#[derive(Debug, Clone, PartialEq)]
struct Listed<L> {
    list: L,
    sources: Sources,
    /// False once a contributor listed nothing on purpose: then an empty result is no conflict.
    all_non_empty: bool,
}

impl<T> Default for Allow<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Serialize> Allow<T> {
    pub fn of(entries: Option<Vec<T>>, source: &Source) -> Self {
        Self(entries.map(|entries| Listed {
            all_non_empty: !entries.is_empty(),
            list: entries.into_iter().map(|e| (serde_json::to_string(&e).unwrap_or_default(), e)).collect(),
            sources: Sources::from([source.clone()]),
        }))
    }
}

impl<T> Allow<T> {
    pub fn is_constrained(&self) -> bool {
        self.0.is_some()
    }

    pub fn entries(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flat_map(|listed| listed.list.values())
    }

    pub fn sources(&self) -> Option<&Sources> {
        self.0.as_ref().map(|listed| &listed.sources)
    }

    /// Non-empty lists that have nothing in common.
    pub fn conflict(&self) -> Option<&Sources> {
        let listed = self.0.as_ref()?;
        (listed.all_non_empty && listed.list.is_empty()).then_some(&listed.sources)
    }
}

impl<T> Join for Allow<T> {
    fn join(self, other: Self) -> Self {
        let (a, b) = match (self.0, other.0) {
            (Some(a), Some(b)) => (a, b),
            (a, b) => return Self(a.or(b)),
        };
        let mut sources = a.sources;
        sources.extend(b.sources);
        let list = a.list.into_iter().filter(|(key, _)| b.list.contains_key(key)).collect();
        Self(Some(Listed { list, sources, all_non_empty: a.all_non_empty && b.all_non_empty }))
    }
}

/// An allow-list of addresses: intersection of the sets of addresses, not of their spellings.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AllowBlocks(Option<Listed<Vec<IpNet>>>);

impl AllowBlocks {
    pub fn of(blocks: Option<Vec<IpNet>>, source: &Source) -> Self {
        Self(blocks.map(|blocks| Listed {
            all_non_empty: !blocks.is_empty(),
            list: cidr::canonical(blocks),
            sources: Sources::from([source.clone()]),
        }))
    }

    pub fn blocks(&self) -> Option<&[IpNet]> {
        self.0.as_ref().map(|listed| listed.list.as_slice())
    }

    pub fn sources(&self) -> Option<&Sources> {
        self.0.as_ref().map(|listed| &listed.sources)
    }

    pub fn allows(&self, block: &IpNet) -> bool {
        self.blocks().is_none_or(|blocks| blocks.iter().any(|allowed| cidr::within(block, allowed)))
    }

    pub fn conflict(&self) -> Option<&Sources> {
        let listed = self.0.as_ref()?;
        (listed.all_non_empty && listed.list.is_empty()).then_some(&listed.sources)
    }
}

impl Join for AllowBlocks {
    fn join(self, other: Self) -> Self {
        let (a, b) = match (self.0, other.0) {
            (Some(a), Some(b)) => (a, b),
            (a, b) => return Self(a.or(b)),
        };
        let mut sources = a.sources;
        sources.extend(b.sources);
        let all_non_empty = a.all_non_empty && b.all_non_empty;
        Self(Some(Listed { list: cidr::intersection(&a.list, &b.list), sources, all_non_empty }))
    }
}

/// A deny-list of addresses: union.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DenyBlocks {
    blocks: Vec<IpNet>,
    sources: Sources,
}

impl DenyBlocks {
    pub fn of(blocks: Vec<IpNet>, source: &Source) -> Self {
        let sources = if blocks.is_empty() { Sources::new() } else { Sources::from([source.clone()]) };
        Self { blocks: cidr::canonical(blocks), sources }
    }

    pub fn blocks(&self) -> &[IpNet] {
        &self.blocks
    }

    pub const fn sources(&self) -> &Sources {
        &self.sources
    }
}

impl Join for DenyBlocks {
    fn join(mut self, other: Self) -> Self {
        self.sources.extend(other.sources);
        Self { blocks: cidr::union(&self.blocks, &other.blocks), sources: self.sources }
    }
}

#[cfg(test)]
mod tests;
