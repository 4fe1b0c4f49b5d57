//! When an authority or a leaf is replaced, so that at no moment anything is served that is not trusted.
//!
//! Authorities overlap: a new one is trusted before it signs, and an old one as long as a server may still serve what it
//! signed. Leaves and authorities are replaced apart.

use super::pair::{self, Facts, Pair};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// No server serves an old leaf after that: mounted Secrets follow within minutes.
const SERVED_FOR: SignedDuration = SignedDuration::from_hours(24);
/// A third of a life is left when a successor is made.
const AUTHORITY_LEFT: SignedDuration = SignedDuration::from_hours(24 * 365 / 3);
const LEAF_LEFT: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Authorities that are trusted, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    pub authorities: Vec<Authority>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    pub certificate: String,
    /// None where somebody else signs by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    pub since: Timestamp,
    /// Since when nothing new is signed by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(pub String);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Authority {
    pub fn new(pair: Pair, now: Timestamp) -> Self {
        Self { certificate: pair.certificate, key: Some(Key(pair.key)), since: now, retired: None }
    }

    fn facts(&self) -> Option<Facts> {
        pair::read(&self.certificate).ok()
    }

    pub fn pair(&self) -> Option<Pair> {
        Some(Pair { certificate: self.certificate.clone(), key: self.key.clone()?.0 })
    }

    fn signs(&self, now: Timestamp) -> bool {
        let matches = |facts: &Facts| self.key.as_ref().is_some_and(|key| facts.belongs(&key.0));
        self.retired.is_none() && self.facts().is_some_and(|facts| facts.holds(now) && matches(&facts))
    }
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Rest,
    /// Add an authority that signs nothing yet.
    Succeed,
    /// Sign a leaf by the authority of that place; the ones before it retire.
    Sign(usize),
    /// Take these away.
    Forget(Vec<usize>),
}

impl Step {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Succeed => "new authority",
            Self::Sign(_) => "new leaf",
            Self::Forget(_) => "old authority forgotten",
        }
    }
}

/// `leaf`: what is served now, certificate and key. `overlap`: after that a new authority is trusted everywhere.
pub fn step(
    state: &State,
    leaf: Option<&Pair>,
    names: &[String],
    overlap: SignedDuration,
    now: Timestamp,
) -> Step {
    let all = &state.authorities;
    let served = leaf.and_then(|leaf| pair::read(&leaf.certificate).ok());
    let signs: Vec<usize> = (0..all.len()).filter(|at| all[*at].signs(now)).collect();
    let Some(newest) = signs.last().copied() else { return Step::Succeed };
    let trusted = signs.iter().copied().rfind(|at| now.duration_since(all[*at].since) >= overlap);
    let good = leaf.zip(served.as_ref()).is_some_and(|(leaf, served)| {
        let by = all.iter().filter_map(Authority::facts).any(|by| by.holds(now) && served.signed_by(&by));
        by && served.holds(now) && served.belongs(&leaf.key) && served.names == names
    });
    if !good {
        return Step::Sign(trusted.unwrap_or(signs[0]));
    }
    // What is good is served on until its successor can be trusted.
    let replaced = trusted.filter(|signer| {
        let (Some(served), Some(by)) = (&served, all[*signer].facts()) else { return true };
        let due = served.ends.duration_since(now) < LEAF_LEFT;
        // A leaf ends with its authority: near that end another would be no better.
        !served.signed_by(&by) || (due && by.ends.duration_since(now) > LEAF_LEFT)
    });
    if let Some(signer) = replaced {
        return Step::Sign(signer);
    }
    if all[newest].facts().is_none_or(|facts| facts.ends.duration_since(now) < AUTHORITY_LEFT) {
        return Step::Succeed;
    }
    let gone = |authority: &Authority| {
        let over = |since: Timestamp| now.duration_since(since) >= SERVED_FOR;
        authority.retired.is_some_and(over) || authority.facts().is_none_or(|facts| facts.ends <= now)
    };
    let gone: Vec<usize> = (0..all.len()).filter(|at| gone(&all[*at])).collect();
    if gone.is_empty() { Step::Rest } else { Step::Forget(gone) }
}

impl State {
    /// After a leaf was signed by that one.
    pub fn retire_before(&mut self, signer: usize, now: Timestamp) {
        for authority in &mut self.authorities[..signer] {
            authority.retired.get_or_insert(now);
        }
    }

    pub fn forget(&mut self, gone: &[usize]) {
        let mut at = 0;
        self.authorities.retain(|_| {
            at += 1;
            !gone.contains(&(at - 1))
        });
    }

    /// Authorities that are trusted where leaves are served and that are not known here: the state was lost, or
    /// somebody else signs. Without their keys they only stay trusted for a while.
    pub fn adopt(&mut self, bundle: &str, now: Timestamp) {
        for certificate in pair::apart(bundle) {
            let Ok(facts) = pair::read(&certificate) else { continue };
            let known = self.authorities.iter().filter_map(Authority::facts).any(|known| known.is(&facts));
            if !known && facts.holds(now) {
                let lost = Authority { certificate, key: None, since: now, retired: Some(now) };
                self.authorities.insert(0, lost);
            }
        }
    }

    /// Somebody else signs: the authorities of what is served, and for a while those before.
    pub fn follow(&mut self, bundle: &str, now: Timestamp) {
        let current: Vec<Facts> =
            pair::apart(bundle).iter().filter_map(|certificate| pair::read(certificate).ok()).collect();
        if current.is_empty() {
            return;
        }
        self.adopt(bundle, now);
        for authority in &mut self.authorities {
            let facts = authority.facts();
            if facts.is_some_and(|facts| current.iter().any(|one| one.is(&facts))) {
                authority.retired = None;
            } else {
                authority.retired.get_or_insert(now);
            }
        }
        self.authorities.retain(|authority| {
            authority.retired.is_none_or(|since| now.duration_since(since) < SERVED_FOR)
                && authority.facts().is_some_and(|facts| facts.ends > now)
        });
    }

    /// What is published to the API server.
    pub fn bundle(&self) -> String {
        self.authorities.iter().map(|authority| authority.certificate.as_str()).collect()
    }

    /// When the authority ends that signs.
    pub fn ends(&self, now: Timestamp) -> Option<Timestamp> {
        let current = self.authorities.iter().rev().find(|authority| authority.retired.is_none());
        current.and_then(Authority::facts).filter(|facts| facts.begins <= now).map(|facts| facts.ends)
    }
}

#[cfg(test)]
mod tests;
