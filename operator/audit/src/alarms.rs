//! What was raised and who has answered for it. Alarms are to be acknowledged once a day at least (12.9.c); one that
//! nobody answered for is never dropped.

mod list;

pub use list::{Added, Alarms, Overflow};

use crate::attribution::Partition;
use crate::detect::{Raised, Record, Rule, Rules, Severity};
use crate::event::Outcome;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use snc_core::lang::Lang;

/// Source: guide, for 12.9.c.
pub const ANSWER_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// Source: product.
pub const MOST_RECORDS: usize = 5;

/// In place of a namespace: many, of which the rest are not told apart. Names of namespaces are a client's choice, and
/// there must not be an alarm for each that somebody thinks of.
pub const MANY: &str = "*";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alarm {
    pub id: u64,
    pub rule: String,
    /// The worst of its occurrences.
    pub severity: Severity,
    pub user: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting_as: Option<String>,
    pub partition: Partition,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Of the last occurrence.
    pub verb: String,
    pub object: String,
    pub outcome: Outcome,
    pub count: u64,
    /// Of these, attempts that were refused.
    pub refused: u64,
    /// When it was raised, by the sink's clock.
    pub opened: Timestamp,
    /// Occurrences, by the API server's.
    pub first: Timestamp,
    pub last: Timestamp,
    /// The first and the latest.
    pub records: Vec<Record>,
    pub state: State,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all_fields = "camelCase")]
pub enum State {
    Open,
    Acknowledged { by: String, at: Timestamp, decision: String },
}

impl Alarm {
    fn open(id: u64, raised: &Raised, namespace: Option<&str>, now: Timestamp) -> Self {
        let at = raised.at.unwrap_or(now);
        let mut alarm = Self {
            id,
            rule: raised.rule.clone(),
            severity: raised.severity,
            user: raised.user.clone(),
            acting_as: None,
            partition: raised.partition.clone(),
            namespace: namespace.map(str::to_owned),
            verb: String::new(),
            object: String::new(),
            outcome: raised.outcome,
            count: 0,
            refused: 0,
            opened: now,
            first: at,
            last: at,
            records: Vec::new(),
            state: State::Open,
        };
        alarm.add(raised, now);
        alarm
    }

    fn add(&mut self, raised: &Raised, now: Timestamp) {
        let at = raised.at.unwrap_or(now);
        self.count = self.count.saturating_add(1);
        self.refused = self.refused.saturating_add(u64::from(raised.outcome == Outcome::Refused));
        self.severity = self.severity.max(raised.severity);
        self.first = self.first.min(at);
        if at >= self.last || self.count == 1 {
            self.last = at;
            self.acting_as.clone_from(&raised.acting_as);
            self.verb.clone_from(&raised.verb);
            self.object.clone_from(&raised.object);
            self.outcome = raised.outcome;
        }
        if self.records.len() == MOST_RECORDS {
            self.records.remove(1);
        }
        self.records.push(raised.record.clone());
    }

    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Open for longer than it may be. An event of yesterday that was found today is late as well.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.is_open() && now.duration_since(self.first.min(self.opened)) > ANSWER_WITHIN
    }

    /// The rule that raised it; None if this build has it no more.
    pub fn rule(&self) -> Option<&'static Rule> {
        Rules::all().ok()?.get(&self.rule)
    }

    pub fn title(&self, lang: Lang) -> String {
        self.rule().map_or_else(|| self.rule.clone(), |rule| rule.title.get(lang).to_owned())
    }

    pub fn message(&self, lang: Lang) -> String {
        let filling = crate::detect::Filling {
            user: &self.user,
            acting_as: self.acting_as.as_deref(),
            verb: &self.verb,
            object: &self.object,
            namespace: self.namespace.as_deref(),
            outcome: self.outcome,
        };
        let one = self.rule().map(|rule| rule.message(&filling, lang)).unwrap_or_default();
        let (more, refused) = (self.count - 1, self.refused);
        match (more, lang) {
            (0, _) => one,
            (_, Lang::Fr) => format!(
                "{one} ; {more} autre(s) fois depuis {}, dont {refused} refusée(s) en tout",
                self.first
            ),
            (_, Lang::En) => {
                format!("{one}; {more} other time(s) since {}, {refused} refused in all", self.first)
            }
        }
    }
}

#[cfg(test)]
mod tests;
