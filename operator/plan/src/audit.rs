//! What is known of the cluster's audit log: for every namespace the same, but for how long its records are kept.

use crate::effective::Effective;
use jiff::Timestamp;
use snc_core::audit::Freshness;
use snc_core::condition::reason;
use snc_core::facts::{AskedRetention, AuditLog, AuditRetention, TenantDays};
use snc_core::lattice::Source;
use snc_core::names::AUDIT_LOG;
use snc_core::text::{Refusal, Text};
use snc_core::verdict::{Outcome, Verdict};
use std::sync::Arc;

/// It holds no time that passes, since every namespace is looked at again with each other one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    pub state: State,
    /// None where there is no `SncAuditLog`, or none that can be read.
    pub retention: Option<Arc<Retention>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum State {
    #[default]
    Absent,
    /// It may hide a disproof.
    Unread(Text),
    /// Nobody speaks for it any more, or not yet.
    Stale(Text),
    /// What is not said.
    Unproven(Text),
    /// By a reason of `snc_core::condition::reason`.
    Broken(&'static str, Text),
    Whole,
}

impl State {
    /// A word for metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Unread(_) => "unread",
            Self::Stale(_) => "stale",
            Self::Unproven(_) => "unproven",
            Self::Broken(..) => "broken",
            Self::Whole => "whole",
        }
    }

    pub const WORDS: [&str; 6] = ["absent", "unread", "stale", "unproven", "broken", "whole"];
}

/// For how long records are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    pub asked: AskedRetention,
    /// What the sink says that it does; none where it says nothing.
    pub kept: Option<AuditRetention>,
}

/// Days, and by whose word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Days {
    pub days: u32,
    pub from: Vec<String>,
    /// More was asked for than the platform keeps.
    pub capped: bool,
}

/// What is known of a log that can be read. What it disproves comes first, however old it is.
pub fn judge(log: &AuditLog, now: Timestamp) -> Known {
    let AuditLog { spec, status, .. } = log;
    let retention = Retention { asked: spec.retention.clone(), kept: status.retention.clone() };
    Known { state: state(log, now), retention: Some(Arc::new(retention)) }
}

fn state(log: &AuditLog, now: Timestamp) -> State {
    let said = [
        (reason::AUDIT_GAP_OPEN, log.gap()),
        (reason::AUDIT_STORE_REFUSES, log.store()),
        (reason::AUDIT_PROBE_MISSED, log.probe()),
        (reason::AUDIT_POLICY_INCOMPLETE, log.policy()),
        (reason::AUDIT_RETENTION_SHORT, log.retention(snc_core::audit::RETENTION_DAYS)),
    ];
    let first = |verdict| said.iter().find(|(_, outcome)| outcome.verdict == verdict);
    if let Some((reason, Outcome { message, .. })) = first(Verdict::Fail) {
        return State::Broken(reason, message.clone());
    }
    if log.freshness(now) != Freshness::Fresh {
        let why = log.stale(now).map(|outcome| outcome.message);
        return State::Stale(why.unwrap_or_else(|| Text::new("", "")));
    }
    match said.into_iter().find(|(_, outcome)| outcome.verdict != Verdict::Pass) {
        Some((_, outcome)) => State::Unproven(outcome.message),
        None => State::Whole,
    }
}

impl Known {
    pub fn unread(why: Text) -> Self {
        Self { state: State::Unread(why), retention: None }
    }

    /// How long the records of the tenant of a namespace have to be kept, as far as its own policies and the platform say.
    /// None where nobody says anything.
    pub fn days(&self, effective: &Effective) -> Option<Days> {
        let constraint = &effective.constraints.audit_retention;
        let asked = constraint.value().map(|days| (days, names(constraint.sources())));
        match &self.retention {
            Some(retention) => Some(days(&retention.asked, &effective.tenant, asked)),
            None => asked.map(|(days, from)| Days { days, from, capped: false }),
        }
    }

    /// Days that they are kept, by the word of the sink.
    pub fn kept(&self, tenant: &str) -> Option<u32> {
        self.retention.as_ref()?.kept.as_ref()?.of(tenant)
    }
}

fn names<'a>(sources: impl IntoIterator<Item = impl IntoIterator<Item = &'a Source>>) -> Vec<String> {
    sources.into_iter().flatten().map(ToString::to_string).collect()
}

/// The most that anybody asks for a tenant's records, but no more than the platform keeps.
pub fn days(retention: &AskedRetention, tenant: &str, asked: Option<(u32, Vec<String>)>) -> Days {
    let of_tenant =
        retention.tenants.iter().filter(|one| one.name == tenant).map(|TenantDays { days, .. }| *days);
    let platform = of_tenant.fold(retention.days, u32::max);
    let own = || vec![format!("SncAuditLog/{AUDIT_LOG}")];
    let (days, from) = match asked {
        Some((days, from)) if days > platform => (days, from),
        Some((days, mut from)) if days == platform => {
            from.extend(own());
            from.sort();
            (days, from)
        }
        _ => (platform, own()),
    };
    // What the platform itself asks for is not above what it allows, or was written before that was.
    let most = retention.maximum_days.map(|most| most.max(platform));
    match most.filter(|most| *most < days) {
        Some(most) => Days { days: most, from: own(), capped: true },
        None => Days { days, from, capped: false },
    }
}

/// A policy that wants its records kept for longer than the platform keeps any: not applied, and told.
pub(crate) fn refuse_more(effective: &mut Effective, known: &Known) {
    let Some(retention) = &known.retention else { return };
    let floor = days(&retention.asked, &effective.tenant, None).days;
    let Some(most) = retention.asked.maximum_days.map(|most| most.max(floor)) else { return };
    let above = effective.policies.iter().filter_map(|(name, spec)| {
        let given = spec.audit.map(|audit| audit.retention_days).filter(|given| *given > most)?;
        let refusal = Refusal::new(
            "spec.audit.retentionDays",
            given.to_string(),
            format!("{most} au plus (spec.retention.maximumDays du SncAuditLog)"),
            format!("at most {most} (spec.retention.maximumDays of the SncAuditLog)"),
        );
        Some((name.clone(), refusal))
    });
    let above: Vec<(String, Refusal)> = above.collect();
    for (name, refusal) in above {
        effective.refusals.entry(name).or_default().push(refusal);
    }
}

#[cfg(test)]
mod tests;
