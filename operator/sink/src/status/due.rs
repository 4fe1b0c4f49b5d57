//! When a status is written. What people have to act on goes at once; counters wait.

use super::{ProbeStatus, RetentionStatus, SourceKind, SourceState, Status, StoreKind};
use std::time::{Duration, Instant};

/// Between writes that say nothing new of what matters.
pub const CALM: Duration = Duration::from_secs(300);
/// Between any two writes: gaps and alarms may come by the hundred.
pub const LEAST: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Something that matters is other than it was.
    Now,
    /// It was said long ago, or never.
    Calm,
    /// In so long, if nothing happens before.
    Wait(Duration),
}

/// What matters of a status: the rest is counters and times.
#[derive(Debug, PartialEq, Eq)]
struct Matters<'a> {
    generation: i64,
    sources: Vec<(&'a str, SourceKind, SourceState)>,
    gaps: &'a super::GapsStatus,
    store: (StoreKind, bool),
    key: Option<&'a str>,
    probe: Option<bool>,
    alarms: &'a super::AlarmsStatus,
    policy: &'a super::PolicyStatus,
    retention: &'a RetentionStatus,
    conditions: Vec<(&'a str, &'a str, &'a str)>,
}

fn matters(status: &Status) -> Matters<'_> {
    Matters {
        generation: status.observed_generation,
        sources: status.sources.iter().map(|one| (one.server.as_str(), one.kind, one.state)).collect(),
        gaps: &status.gaps,
        store: (status.store.kind, status.store.locked),
        key: status.seal.as_ref().map(|seal| seal.key_id.as_str()),
        probe: status.probe.as_ref().map(|ProbeStatus { arrived, .. }| *arrived),
        alarms: &status.alarms,
        policy: &status.policy,
        retention: &status.retention,
        conditions: status
            .conditions
            .iter()
            .map(|one| (one.r#type.as_str(), one.status.as_str(), one.reason.as_str()))
            .collect(),
    }
}

/// What was written last, and when.
#[derive(Debug, Default)]
pub struct Due {
    written: Option<(Status, Instant)>,
}

impl Due {
    pub fn turn(&self, status: &Status, now: Instant) -> Turn {
        let Some((before, at)) = &self.written else { return Turn::Calm };
        let since = now.saturating_duration_since(*at);
        let (after, turn) =
            if matters(before) == matters(status) { (CALM, Turn::Calm) } else { (LEAST, Turn::Now) };
        match after.checked_sub(since) {
            Some(rest) if !rest.is_zero() => Turn::Wait(rest),
            _ if before == status => Turn::Wait(CALM),
            _ => turn,
        }
    }

    pub fn written(&mut self, status: Status, now: Instant) {
        self.written = Some((status, now));
    }

    pub fn last(&self) -> Option<&Status> {
        self.written.as_ref().map(|(status, _)| status)
    }
}
