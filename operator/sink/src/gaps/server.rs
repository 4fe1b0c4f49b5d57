//! What is known of one API server's two ways.

use super::gap::Cause;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Requests that were not taken and have not come again.
const OUTSTANDING: usize = 256;
const OUTAGES: usize = 32;
/// How often an API server tries a request, the first time included (webhook.DefaultRetryBackoff): each may meet another
/// outage, however short they are.
const ATTEMPTS: usize = 5;

/// Nothing was taken between these times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outage {
    /// When something was last taken before.
    pub(super) after: Timestamp,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) cause: Cause,
}

/// Nothing is taken now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trouble {
    pub(super) after: Timestamp,
    pub(super) since: Timestamp,
    pub(super) cause: Cause,
    /// That is open because of it.
    pub(super) gap: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refused {
    /// By which it is known again.
    pub(super) bytes: u64,
    pub(super) after: Timestamp,
    pub(super) first: Timestamp,
    pub(super) cause: Cause,
}

/// Without a break, as times of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Covered {
    pub(super) since: Timestamp,
    pub(super) through: Timestamp,
}

impl Covered {
    /// Times may be off, and lines out of order, by the margin: what it says of its own ends is worth nothing.
    pub(super) fn holds(&self, from: Timestamp, to: Timestamp, margin: Duration) -> bool {
        from.duration_since(self.since).as_nanos() >= signed(margin)
            && self.through.duration_since(to).as_nanos() >= signed(margin)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Server {
    /// Since when it is known that there is such a server.
    pub(super) known: Option<Timestamp>,
    /// When something of its webhook was last taken.
    pub(super) committed: Option<Timestamp>,
    /// Until when everything that came was taken, as far as was written down.
    pub(super) fine: Option<Timestamp>,
    pub(super) trouble: Option<Trouble>,
    pub(super) outages: Vec<Outage>,
    pub(super) outstanding: Vec<Refused>,
    pub(super) covered: Option<Covered>,
    /// When something of its file was last taken.
    pub(super) read: Option<Timestamp>,
}

impl Server {
    /// The process was not there from `fine` on. What was outstanding then may never come again.
    pub(super) fn down(&mut self, now: Timestamp) {
        let (Some(fine), None) = (self.fine, self.trouble) else { return };
        let first = self.outstanding.iter().map(|refused| (refused.first, refused.after)).min();
        self.outstanding.clear();
        let (since, after) = first.unwrap_or((fine, self.committed.unwrap_or(fine)));
        let since = since.min(fine);
        // The API server may try again from now on; whether that was in time is told by how long it was.
        let (after, to, cause) = (after.min(since), now.max(since), Cause::Down);
        self.outages.push(Outage { after, from: since, to, cause });
        self.outages.drain(..self.outages.len().saturating_sub(OUTAGES));
    }

    /// When something was last taken, or could have been.
    pub(super) fn after(&self, now: Timestamp) -> Timestamp {
        self.committed.or(self.fine).or(self.known).unwrap_or(now).min(now)
    }

    pub(super) fn trouble(&mut self, cause: Cause, now: Timestamp) {
        let after = self.after(now);
        let trouble = self.trouble.get_or_insert(Trouble { after, since: now, cause, gap: None });
        if cause == Cause::DiskFull {
            trouble.cause = cause;
        }
    }

    /// Gives one that has to be given up, where there are too many to wait for.
    pub(super) fn outstand(&mut self, bytes: u64, cause: Cause, now: Timestamp) -> Option<Refused> {
        let after = self.after(now);
        // Tried again and again, it is one.
        if !self.outstanding.iter().any(|refused| refused.bytes == bytes) {
            self.outstanding.push(Refused { bytes, after, first: now, cause });
        }
        (self.outstanding.len() > OUTSTANDING).then(|| self.outstanding.remove(0))
    }

    pub(super) fn came(&mut self, bytes: u64) {
        self.outstanding.retain(|refused| refused.bytes != bytes);
    }

    /// What ended: an outage like others.
    pub(super) fn over(&mut self, now: Timestamp) -> Option<Trouble> {
        let trouble = self.trouble.take()?;
        if trouble.gap.is_none() {
            self.outages.push(Outage {
                after: trouble.after,
                from: trouble.since,
                to: now.max(trouble.since),
                cause: trouble.cause,
            });
            self.outages.drain(..self.outages.len().saturating_sub(OUTAGES));
        }
        Some(trouble)
    }

    /// From when on nothing may have got through, and why, if the latest outages together are longer than what is tried
    /// again, or as many as it is tried: one request may have met each of them.
    pub(super) fn too_long(&mut self, patience: Duration, now: Timestamp) -> Option<(Timestamp, Cause)> {
        let recent = now.duration_since(Timestamp::UNIX_EPOCH).as_nanos() - 2 * signed(patience);
        self.outages.retain(|outage| outage.to.as_nanosecond() >= recent);
        let trouble = self.trouble.filter(|trouble| trouble.gap.is_none());
        let current = trouble.map_or(0, |trouble| now.duration_since(trouble.since).as_nanos());
        let lasted = |outage: &Outage| outage.to.duration_since(outage.from).as_nanos();
        let total: i128 = self.outages.iter().map(lasted).sum::<i128>() + current;
        let times = self.outages.len() + usize::from(trouble.is_some());
        if total <= signed(patience) && times < ATTEMPTS {
            return None;
        }
        let all = self.outages.iter().map(|outage| (outage.after, lasted(outage), outage.cause));
        let all = all.chain(trouble.map(|trouble| (trouble.after, current, trouble.cause)));
        let after = all.clone().map(|(after, ..)| after).min()?;
        let (.., cause) = all.max_by_key(|(_, lasted, _)| *lasted)?;
        self.outages.clear();
        Some((after, cause))
    }

    /// Requests that were not taken for so long that the API server has given them up.
    pub(super) fn given_up(&mut self, patience: Duration, now: Timestamp) -> Vec<Refused> {
        let late = |refused: &mut Refused| now.duration_since(refused.first).as_nanos() > signed(patience);
        self.outstanding.extract_if(.., late).collect()
    }

    /// It is fine as long as nothing is missing.
    pub(super) fn alive(&mut self, now: Timestamp) {
        if self.committed.is_none() && self.fine.is_none() {
            return;
        }
        let since = self.outstanding.iter().map(|refused| refused.first);
        let trouble = self.trouble.map(|trouble| trouble.since);
        self.fine = self.fine.max(since.chain(trouble).min().or(Some(now)));
    }
}

pub(super) fn signed(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}
