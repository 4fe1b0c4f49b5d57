use super::{Alarm, MANY, State};
use crate::attribution::Partition;
use crate::detect::{Raised, Severity};
use crate::who;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use snc_core::text::{Refusal, clip};
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

/// Source: product.
pub const MOST: usize = 10_000;
/// Of one rule, one user and one partition. Source: product.
const MOST_NAMESPACES: usize = 64;
/// Requests that are remembered, so that none counts twice. Source: product.
const MOST_REQUESTS: usize = 8_192;
const DECISION: std::ops::RangeInclusive<usize> = 3..=512;

type Key = (String, String, Partition, Option<String>);

/// What did not fit in, while every alarm that is held was open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overflow {
    pub count: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
}

/// What became of what was raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    Opened(u64),
    /// One more occurrence.
    Counted(u64),
    /// Of a request that was counted before.
    Known,
    /// There is no place left: see [`Alarms::overflow`].
    Overflowed,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    #[serde(default)]
    next: u64,
    #[serde(default)]
    alarms: Vec<Alarm>,
    #[serde(default)]
    requests: VecDeque<(String, u64)>,
    #[serde(default)]
    overflow: Overflow,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Alarms {
    next: u64,
    by_id: BTreeMap<u64, Alarm>,
    open: BTreeMap<Key, u64>,
    /// Acknowledged ones, the first to go first.
    done: BTreeSet<(Timestamp, u64)>,
    requests: VecDeque<(String, u64)>,
    seen: HashSet<(String, u64)>,
    overflow: Overflow,
}

impl From<Kept> for Alarms {
    fn from(kept: Kept) -> Self {
        let Kept { next, alarms, requests, overflow } = kept;
        let mut all =
            Self { next, overflow, seen: requests.iter().cloned().collect(), requests, ..Self::default() };
        for alarm in alarms {
            match &alarm.state {
                State::Open => drop(all.open.insert(key(&alarm), alarm.id)),
                State::Acknowledged { at, .. } => drop(all.done.insert((*at, alarm.id))),
            }
            all.next = all.next.max(alarm.id.saturating_add(1));
            all.by_id.insert(alarm.id, alarm);
        }
        all
    }
}

impl From<Alarms> for Kept {
    fn from(all: Alarms) -> Self {
        let Alarms { next, by_id, requests, overflow, .. } = all;
        Self { next, alarms: by_id.into_values().collect(), requests, overflow }
    }
}

fn key(alarm: &Alarm) -> Key {
    (alarm.rule.clone(), alarm.user.clone(), alarm.partition.clone(), alarm.namespace.clone())
}

impl Alarms {
    pub fn add(&mut self, raised: &Raised, now: Timestamp) -> Added {
        if !self.remember((raised.rule.clone(), raised.request)) {
            return Added::Known;
        }
        let namespace = self.place(raised);
        let key = (raised.rule.clone(), raised.user.clone(), raised.partition.clone(), namespace);
        if let Some(id) = self.open.get(&key)
            && let Some(alarm) = self.by_id.get_mut(id)
        {
            alarm.add(raised, now);
            return Added::Counted(*id);
        }
        if self.by_id.len() >= MOST {
            let Some((_, oldest)) = self.done.pop_first() else {
                let Overflow { count, first, last, severity } = &mut self.overflow;
                *count = count.saturating_add(1);
                first.get_or_insert(now);
                *last = Some(now);
                *severity = (*severity).max(Some(raised.severity));
                return Added::Overflowed;
            };
            self.by_id.remove(&oldest);
        }
        let id = self.next.max(1);
        self.next = id.saturating_add(1);
        self.by_id.insert(id, Alarm::open(id, raised, key.3.as_deref(), now));
        self.open.insert(key, id);
        Added::Opened(id)
    }

    /// False if it was there already.
    fn remember(&mut self, request: (String, u64)) -> bool {
        if !self.seen.insert(request.clone()) {
            return false;
        }
        self.requests.push_back(request);
        if self.requests.len() > MOST_REQUESTS
            && let Some(oldest) = self.requests.pop_front()
        {
            self.seen.remove(&oldest);
        }
        true
    }

    /// The namespace by which it is told apart from others.
    fn place(&self, raised: &Raised) -> Option<String> {
        let from = (raised.rule.clone(), raised.user.clone(), raised.partition.clone(), None);
        let theirs = |(key, _): &(&Key, &u64)| (&key.0, &key.1, &key.2) == (&from.0, &from.1, &from.2);
        let held: Vec<&Option<String>> = self
            .open
            .range(&from..)
            .take_while(theirs)
            .map(|(key, _)| &key.3)
            .take(MOST_NAMESPACES + 2)
            .collect();
        if held.contains(&&raised.namespace) || held.len() < MOST_NAMESPACES {
            raised.namespace.clone()
        } else {
            Some(MANY.to_owned())
        }
    }

    /// By whom and why is part of the evidence, so that both have to be told; and one is asked once.
    pub fn acknowledge(
        &mut self,
        id: u64,
        by: &str,
        decision: &str,
        now: Timestamp,
    ) -> Result<&Alarm, Refusal> {
        let decision = answer(by, decision)?;
        let Some(alarm) = self.by_id.get_mut(&id) else {
            let (fr, en) = ("le numéro d'une alarme", "the number of an alarm");
            return Err(Refusal::new("id", id.to_string(), fr, en));
        };
        if let State::Acknowledged { by, at, .. } = &alarm.state {
            let (fr, en) = (
                format!("une alarme ouverte ; celle-ci est acquittée par {by} le {at}"),
                format!("an open alarm; this one was acknowledged by {by} at {at}"),
            );
            return Err(Refusal::new("id", id.to_string(), fr, en));
        }
        alarm.state = State::Acknowledged { by: clip(by, 253), at: now, decision: decision.to_owned() };
        self.open.remove(&key(alarm));
        self.done.insert((now, id));
        Ok(alarm)
    }

    /// In the order in which they were raised.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Alarm> {
        self.by_id.values()
    }

    pub fn get(&self, id: u64) -> Option<&Alarm> {
        self.by_id.get(&id)
    }

    pub fn open(&self) -> impl Iterator<Item = &Alarm> {
        self.iter().filter(|alarm| alarm.is_open())
    }

    pub fn overdue(&self, now: Timestamp) -> impl Iterator<Item = &Alarm> {
        self.iter().filter(move |alarm| alarm.is_overdue(now))
    }

    pub fn oldest_open(&self) -> Option<Timestamp> {
        self.open().map(|alarm| alarm.first.min(alarm.opened)).min()
    }

    /// Occurrences that have no alarm. Whoever reads alarms has to be told.
    pub const fn overflow(&self) -> &Overflow {
        &self.overflow
    }

    /// What did not fit in was looked for in the log. Whoever writes down who answers for what writes this down too.
    pub fn acknowledge_overflow(&mut self, by: &str, decision: &str) -> Result<Overflow, Refusal> {
        answer(by, decision)?;
        Ok(std::mem::take(&mut self.overflow))
    }
}

/// By a person, and with something decided, which is returned.
fn answer<'d>(by: &str, decision: &'d str) -> Result<&'d str, Refusal> {
    let decision = decision.trim();
    if !DECISION.contains(&decision.chars().count()) {
        let (fr, en) = ("de 3 à 512 caractères : ce qui est décidé", "3 to 512 characters: what is decided");
        return Err(Refusal::new("decision", decision, fr, en));
    }
    if !who::is_person(by) {
        let (fr, en) = (
            "une personne, ni ServiceAccount ni composant",
            "a person, neither a ServiceAccount nor a component",
        );
        return Err(Refusal::new("user", by, fr, en));
    }
    Ok(decision)
}
