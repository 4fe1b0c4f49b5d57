//! The list of gaps: bounded, and no open one is ever dropped from it.

use super::gap::{AuditGap, Cause, Numbers};
use crate::journal::{ServerName, Source};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// More open ones are drawn together.
const OPEN: usize = 500;
/// Of those that are closed, the last ones.
const CLOSED: usize = 500;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Ledger {
    gaps: Vec<AuditGap>,
    /// How many there were.
    last: u64,
    opened: Vec<(Source, Cause, u64)>,
    #[serde(skip)]
    revision: u64,
}

impl Ledger {
    pub(super) fn gaps(&self) -> &[AuditGap] {
        &self.gaps
    }

    /// Another one after each change.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// Something else changed that must not be forgotten.
    pub(super) fn touch(&mut self) {
        self.revision += 1;
    }

    pub(super) fn open(
        &mut self,
        server: &ServerName,
        source: Source,
        cause: Cause,
        (from, to): (Timestamp, Option<Timestamp>),
        now: Timestamp,
    ) -> u64 {
        self.revision += 1;
        // One after the other without an event in between: one gap.
        let same = |gap: &&mut AuditGap| {
            (&gap.server, gap.source, gap.cause, gap.closed) == (server, source, cause, None)
                && gap.to.is_some_and(|end| from <= end && gap.from <= from)
        };
        if let Some(gap) = self.gaps.iter_mut().rev().find(same) {
            gap.to = to.map(|to| gap.to.map_or(to, |end| end.max(to)));
            return gap.id;
        }
        self.last += 1;
        match self.opened.iter_mut().find(|(of, why, _)| (*of, *why) == (source, cause)) {
            Some((.., many)) => *many += 1,
            None => self.opened.push((source, cause, 1)),
        }
        let (id, server) = (self.last, server.clone());
        tracing::warn!(%server, source = source.as_str(), %cause, %from, "events may be missing");
        // A clock that was set back must not make a gap that ends before it begins.
        let to = to.map(|to| to.max(from));
        self.gaps.push(AuditGap { id, server, source, cause, from, to, opened: now, closed: None });
        self.bound();
        id
    }

    pub(super) fn end(&mut self, id: u64, to: Timestamp) {
        if let Some(gap) = self.gaps.iter_mut().find(|gap| gap.id == id && gap.to.is_none()) {
            gap.to = Some(to.max(gap.from));
            self.revision += 1;
        }
    }

    /// Closes the gaps of a server's webhook of which that can be said.
    pub(super) fn close(
        &mut self,
        server: &ServerName,
        now: Timestamp,
        covered: impl Fn(Timestamp, Timestamp) -> bool,
    ) {
        let open = |gap: &&mut AuditGap| {
            gap.closed.is_none() && gap.source == Source::Webhook && gap.server == *server
        };
        for gap in self.gaps.iter_mut().filter(open) {
            if gap.to.is_some_and(|to| covered(gap.from, to)) {
                gap.closed = Some(now);
                self.revision += 1;
                tracing::info!(%server, id = gap.id, "the log file had everything of it");
            }
        }
        self.bound();
    }

    /// Whether anything of that is open.
    pub(super) fn is_open(&self, server: &ServerName, source: Source) -> bool {
        self.gaps.iter().any(|gap| gap.closed.is_none() && gap.server == *server && gap.source == source)
    }

    fn bound(&mut self) {
        let closed = self.gaps.iter().filter(|gap| gap.closed.is_some()).count();
        let mut surplus = closed.saturating_sub(CLOSED);
        self.gaps.retain(|gap| {
            let drop = gap.closed.is_some() && surplus > 0;
            surplus -= usize::from(drop);
            !drop
        });
        let mut open = self.gaps.len() - closed.min(CLOSED);
        while open > OPEN && self.draw_together() {
            open -= 1;
        }
    }

    /// Makes one of the two oldest that are of the same kind; that one says no less than both.
    fn draw_together(&mut self) -> bool {
        let kind = |gap: &AuditGap| (gap.server.clone(), gap.source, gap.cause);
        let mut pair = None;
        'search: for (first, one) in self.gaps.iter().enumerate().filter(|(_, gap)| gap.closed.is_none()) {
            for (second, other) in self.gaps.iter().enumerate().skip(first + 1) {
                if other.closed.is_none() && other.to.is_some() && kind(one) == kind(other) {
                    pair = Some((first, second));
                    break 'search;
                }
            }
        }
        let Some((first, second)) = pair else { return false };
        let other = self.gaps.remove(second);
        if let Some(one) = self.gaps.get_mut(first) {
            one.from = one.from.min(other.from);
            one.to = one.to.zip(other.to).map(|(one, other)| one.max(other));
        }
        true
    }

    pub(super) fn numbers(&self) -> Numbers {
        let mut numbers = Numbers { total: self.last, ..Numbers::default() };
        for gap in self.gaps.iter().filter(|gap| gap.closed.is_none()) {
            *numbers.open.entry((gap.source, gap.cause)).or_default() += 1;
        }
        numbers.opened = self.opened.iter().map(|(source, cause, many)| ((*source, *cause), *many)).collect();
        numbers
    }
}
