//! What an `SncAuditLog` proves of the audit log: for the controls, and for the condition `AuditLogged`.
//!
//! What it disproves it disproves however old it is, as nothing was mended that nobody reported. What it proves it proves
//! while it is fresh.

use crate::facts::{AuditGap, AuditLog, AuditProbe, AuditRetention, AuditSource, TenantDays};
use crate::text::clip;
use crate::verdict::{Outcome, Verdict};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// Six months (referential), as days.
pub const RETENTION_DAYS: u32 = 184;
pub const PROBE_SECONDS: u32 = 300;
pub const PROBE_LIMIT_SECONDS: u32 = 60;
/// The status is written no less often than this, and not much more often where nothing happens.
const STATUS_SECONDS: u32 = 300;
/// Probes in a row that may be missing from the status.
const MISSED: u32 = 3;
/// Clocks of nodes may differ by so much.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// So many are named.
const NAMED: usize = 3;
/// Characters of what others wrote.
const SHOWN: usize = 120;

/// How old the last word of the sink is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Freshness {
    /// It never made a probe.
    Never,
    Stale,
    /// From a time that is not yet.
    Ahead,
    Fresh,
}

impl AuditLog {
    /// How long a status is believed.
    pub fn lasts(&self) -> SignedDuration {
        let period = self.spec.probe_seconds.max(STATUS_SECONDS);
        SignedDuration::from_secs(i64::from(period.saturating_mul(MISSED)))
    }

    pub fn freshness(&self, now: Timestamp) -> Freshness {
        let Some(at) = self.status.probe.as_ref().and_then(|probe| probe.at) else { return Freshness::Never };
        let age = now.duration_since(at);
        if age > self.lasts() {
            Freshness::Stale
        } else if age < -SKEW {
            Freshness::Ahead
        } else {
            Freshness::Fresh
        }
    }

    /// When it will be another, if nothing is written until then.
    pub fn turns(&self, now: Timestamp) -> Option<Timestamp> {
        let at = self.status.probe.as_ref()?.at?;
        match self.freshness(now) {
            // The last instant is still fresh.
            Freshness::Fresh => at.checked_add(self.lasts() + SignedDuration::from_millis(1)).ok(),
            Freshness::Ahead => at.checked_sub(SKEW).ok(),
            Freshness::Never | Freshness::Stale => None,
        }
    }

    /// Of what is not fresh nothing passes.
    pub fn weighed(&self, outcome: Outcome, now: Timestamp) -> Outcome {
        if outcome.verdict == Verdict::Pass { self.stale(now).unwrap_or(outcome) } else { outcome }
    }

    /// Why it proves nothing, where that is its age.
    pub fn stale(&self, now: Timestamp) -> Option<Outcome> {
        let minutes = self.lasts().as_mins();
        let said = match self.freshness(now) {
            Freshness::Fresh => return None,
            Freshness::Never => Outcome::unknown(
                "snc-audit-sink n'a encore rendu compte d'aucune sonde",
                "snc-audit-sink has reported no probe yet",
            ),
            Freshness::Stale => Outcome::unknown(
                format!("plus de nouvelles de snc-audit-sink depuis plus de {minutes} min"),
                format!("nothing was heard from snc-audit-sink for more than {minutes} min"),
            ),
            Freshness::Ahead => Outcome::unknown(
                "la dernière sonde est d'une heure à venir : les horloges ne s'accordent pas",
                "the last probe is of a time to come: the clocks do not agree",
            ),
        };
        Some(said.at("status.probe.at"))
    }

    /// No stretch of time is missing, and every API server is heard.
    pub fn gap(&self) -> Outcome {
        let Some(gaps) = &self.status.gaps else { return unsaid("gaps") };
        let listed: Vec<&AuditGap> = gaps.items.iter().filter(|gap| gap.closed.is_none()).collect();
        let listed_open = i64::try_from(listed.len()).unwrap_or(i64::MAX);
        let open = gaps.open.unwrap_or(-1).max(listed_open);
        if open > 0 {
            let named: Vec<String> = listed.iter().take(NAMED).map(|gap| told(gap)).collect();
            let more = if open > i64::try_from(named.len()).unwrap_or_default() { ", …" } else { "" };
            let named = named.join(", ");
            return Outcome::fail(
                format!("événements manquants, trou(s) ouvert(s) : {open} ({named}{more})"),
                format!("events are missing, open gap(s): {open} ({named}{more})"),
            )
            .at("status.gaps");
        }
        if gaps.open != Some(0) {
            return unsaid("gaps.open");
        }
        self.heard()
    }

    fn heard(&self) -> Outcome {
        let sources = &self.status.sources;
        if sources.is_empty() {
            return unsaid("sources");
        }
        let servers: BTreeSet<&str> = sources.iter().map(|source| source.server.as_str()).collect();
        let receiving =
            |server: &&str| sources.iter().any(|one| one.server == *server && one.state == "Receiving");
        let silent: Vec<&str> = servers.iter().filter(|server| !receiving(server)).copied().collect();
        if silent.is_empty() {
            return Outcome::pass();
        }
        let named = clip(&first(&silent), SHOWN);
        Outcome::unknown(
            format!("rien ne vient plus de ces serveurs d'API : {named}"),
            format!("nothing comes from these API servers any more: {named}"),
        )
        .at("status.sources")
    }

    /// What comes is taken.
    pub fn store(&self) -> Outcome {
        let refusing = |source: &&AuditSource| source.state == "Refusing";
        let named = |source: &AuditSource| format!("{} ({})", source.server, source.kind);
        let refused: Vec<String> = self.status.sources.iter().filter(refusing).map(named).collect();
        if !refused.is_empty() {
            let refused: Vec<&str> = refused.iter().map(String::as_str).collect();
            let refused = clip(&first(&refused), SHOWN);
            return Outcome::fail(
                format!("ce qui vient n'est plus acquitté, faute de pouvoir l'écrire : {refused}"),
                format!("what comes is not acknowledged, since it cannot be written: {refused}"),
            )
            .at("status.sources");
        }
        match &self.status.store {
            None => unsaid("store"),
            Some(store) if store.free.is_some_and(|free| free <= 0) => {
                Outcome::fail("le stockage est plein", "the store is full").at("status.store.free")
            }
            Some(_) => Outcome::pass(),
        }
    }

    /// A marked call came back, in time.
    pub fn probe(&self) -> Outcome {
        let Some(probe) = &self.status.probe else { return unsaid("probe") };
        let limit = self.spec.probe_limit_seconds;
        let missed = |at: &str| {
            Outcome::fail(
                format!("la dernière sonde n'est pas revenue par le journal en {limit} s"),
                format!("the last probe did not come back through the log within {limit} s"),
            )
            .at(at)
        };
        match probe {
            AuditProbe { arrived: Some(false), .. } => missed("status.probe.arrived"),
            AuditProbe { arrived: Some(true), delay_milliseconds: Some(delay), .. }
                if *delay > i64::from(limit) * 1000 =>
            {
                missed("status.probe.delayMilliseconds")
            }
            AuditProbe { arrived: Some(true), delay_milliseconds: Some(0..), .. } => Outcome::pass(),
            AuditProbe { arrived: Some(true), .. } => unsaid("probe.delayMilliseconds"),
            AuditProbe { arrived: None, .. } => unsaid("probe.arrived"),
        }
    }

    /// Nothing that has to be logged is left out by the policy of the API servers.
    pub fn policy(&self) -> Outcome {
        let Some(policy) = &self.status.policy else { return unsaid("policy") };
        if !policy.missing.is_empty() {
            let missing: Vec<&str> = policy.missing.iter().map(String::as_str).collect();
            let missing = clip(&first(&missing), SHOWN * 2);
            return Outcome::fail(
                format!("la politique d'audit en vigueur laisse de côté : {missing}"),
                format!("the audit policy in force leaves out: {missing}"),
            )
            .at("status.policy.missing");
        }
        // Who says that it is not whole says what is missing.
        if policy.complete == Some(true) { Outcome::pass() } else { unsaid("policy.complete") }
    }

    /// Every record is kept for as long as the platform says, and no less than so many days.
    pub fn retention(&self, least: u32) -> Outcome {
        let asked = self.spec.retention.days;
        if asked < least {
            return short(asked, least).at("spec.retention.days");
        }
        let Some(kept) = self.status.retention.as_ref().and_then(|retention| retention.days) else {
            return unsaid("retention.days");
        };
        if kept < least {
            return short(kept, least).at("status.retention.days");
        }
        // A sink that has not seen it yet is about to.
        let seen =
            self.metadata.generation.is_none() || self.status.observed_generation >= self.metadata.generation;
        match (kept < asked, seen) {
            (false, _) => Outcome::pass(),
            (true, true) => short(kept, asked).at("status.retention.days"),
            (true, false) => Outcome::unknown(
                format!("{asked} jours demandés, dont snc-audit-sink n'a pas encore pris acte ({kept})"),
                format!("{asked} days asked for, which snc-audit-sink has not taken note of yet ({kept})"),
            )
            .at("status.retention.days"),
        }
    }
}

impl AuditRetention {
    /// Days that the records of a tenant are kept.
    pub fn of(&self, tenant: &str) -> Option<u32> {
        Some(self.days?.max(days_of(&self.tenants, tenant).unwrap_or_default()))
    }
}

pub(crate) fn days_of(tenants: &[TenantDays], tenant: &str) -> Option<u32> {
    tenants.iter().filter(|one| one.name == tenant).map(|one| one.days).max()
}

fn short(kept: u32, asked: u32) -> Outcome {
    Outcome::fail(
        format!("les enregistrements sont gardés {kept} jours, {asked} demandés"),
        format!("records are kept for {kept} days, {asked} are asked for"),
    )
}

fn told(gap: &AuditGap) -> String {
    let since = gap.from.map(|from| format!(" {from}")).unwrap_or_default();
    format!("{} {} {}{since}", clip(&gap.server, SHOWN), gap.source, gap.cause)
}

fn first(all: &[&str]) -> String {
    let more = if all.len() > NAMED { format!(", … ({})", all.len()) } else { String::new() };
    format!("{}{more}", all.iter().take(NAMED).copied().collect::<Vec<_>>().join(", "))
}

/// What the sink does not say is not known.
pub fn unsaid(field: &str) -> Outcome {
    Outcome::unknown(
        format!("snc-audit-sink n'en dit rien (status.{field})"),
        format!("snc-audit-sink says nothing of it (status.{field})"),
    )
    .at(format!("status.{field}"))
}

#[cfg(test)]
mod tests;
