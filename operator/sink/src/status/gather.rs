//! Facts of all parts, bounded and in an order that does not depend on chance; and what follows from them.

use super::{
    AlarmsStatus, Condition, ForwardingStatus, GapItem, GapsStatus, ITEMS, PolicyStatus, ProbeStatus,
    RecordsStatus, RetentionStatus, SealStatus, SourceStatus, Status, StoreStatus, TenantDays,
};
use crate::wishes::Wishes;
use jiff::{SignedDuration, Timestamp};
use snc_core::lang::Lang;
use snc_core::text::{Text, clip};

/// As the schema has them.
const SOURCES: usize = 128;
const TENANTS: usize = 1000;
const WORD: usize = 256;
/// Heads are signed every hour at least, also where nothing came: where one is older, nothing is sealed any more.
const HEAD_OLD: SignedDuration = SignedDuration::from_hours(2);
/// How often a status is written at least, where anything is new.
const CALM_SECONDS: u32 = 300;

/// What is anchored, and how late that may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchoring {
    /// Heads are anchored somewhere at all.
    pub wanted: bool,
    /// Since when a head waits.
    pub waits_since: Option<Timestamp>,
    pub late_after: SignedDuration,
}

#[derive(Debug, Clone)]
pub struct Facts {
    pub wishes: Wishes,
    pub sources: Vec<SourceStatus>,
    pub gaps: Vec<GapItem>,
    /// Ever opened, also those that are no longer remembered.
    pub gaps_total: u64,
    pub store: StoreStatus,
    pub seal: Option<SealStatus>,
    pub anchoring: Anchoring,
    /// What was found changed or missing in the store.
    pub damage: usize,
    pub probe: Option<ProbeStatus>,
    pub alarms: AlarmsStatus,
    pub policy: PolicyStatus,
    pub records: RecordsStatus,
    pub forwarding: Option<ForwardingStatus>,
}

pub fn gather(before: Option<&Status>, facts: Facts, lang: Lang, now: Timestamp) -> Status {
    let conditions = [complete(&facts, now), proven(&facts, now)];
    let Facts {
        wishes, mut sources, gaps, gaps_total, store, seal, probe, alarms, mut policy, records, ..
    } = facts;
    sources.sort();
    sources.truncate(SOURCES);
    policy.missing.sort();
    policy.missing.dedup();
    policy.missing.truncate(ITEMS);
    for word in &mut policy.missing {
        *word = clip(word, WORD);
    }
    let generation = wishes.generation;
    let conditions =
        conditions.into_iter().map(|said| condition(before, said, generation, lang, now)).collect();
    Status {
        observed_generation: generation,
        sources,
        gaps: gaps_status(gaps, gaps_total),
        store,
        seal,
        probe,
        alarms,
        policy,
        retention: retention(&wishes),
        records,
        forwarding: facts.forwarding,
        conditions,
    }
}

fn retention(wishes: &Wishes) -> RetentionStatus {
    let longer = wishes.tenants.iter().filter(|(_, days)| **days > wishes.days);
    let tenants = longer.map(|(name, days)| TenantDays { name: name.clone(), days: *days }).take(TENANTS);
    RetentionStatus { days: wishes.days, maximum_days: wishes.maximum_days, tenants: tenants.collect() }
}

/// Open ones first, the latest first.
fn gaps_status(mut items: Vec<GapItem>, total: u64) -> GapsStatus {
    let open = items.iter().filter(|gap| gap.closed.is_none()).count() as u64;
    items.sort_by(|a, b| (a.closed.is_some(), b.from, a).cmp(&(b.closed.is_some(), a.from, b)));
    let truncated = total > ITEMS as u64 || items.len() > ITEMS;
    items.truncate(ITEMS);
    GapsStatus { open, total, truncated, items }
}

struct Said {
    kind: &'static str,
    /// None: unknown.
    holds: Option<bool>,
    reason: &'static str,
    message: Text,
}

fn complete(facts: &Facts, now: Timestamp) -> Said {
    let period = facts.wishes.probe_seconds.max(CALM_SECONDS).saturating_mul(3);
    let old = |probe: &ProbeStatus| now.duration_since(probe.at).as_secs() > i64::from(period);
    let open = facts.gaps.iter().filter(|gap| gap.closed.is_none()).count();
    let (holds, reason, message) = match &facts.probe {
        _ if open > 0 => (
            Some(false),
            "GapsOpen",
            Text::new(
                format!("{open} période(s) dont il manque des événements"),
                format!("{open} stretch(es) of time of which events are missing"),
            ),
        ),
        Some(probe) if !probe.arrived => (
            Some(false),
            "ProbeMissed",
            Text::new(
                "le dernier appel témoin n'est pas revenu à temps",
                "the last marked call did not come back in time",
            ),
        ),
        Some(probe) if old(probe) => (
            None,
            "ProbeOld",
            Text::new(
                "aucun appel témoin n'a pu être fait depuis longtemps",
                "no marked call could be made for long",
            ),
        ),
        None => (
            None,
            "NotProbed",
            Text::new("aucun appel témoin n'a encore été fait", "no marked call was made yet"),
        ),
        Some(_) => (
            Some(true),
            "NoGapOpen",
            Text::new(
                "aucune période manquante ; le dernier appel témoin est revenu",
                "no stretch is missing; the last marked call came back",
            ),
        ),
    };
    Said { kind: "Complete", holds, reason, message }
}

fn proven(facts: &Facts, now: Timestamp) -> Said {
    let Anchoring { wanted, waits_since, late_after } = &facts.anchoring;
    let late = waits_since.is_some_and(|since| now.duration_since(since) > *late_after);
    let anchored = facts.seal.as_ref().is_some_and(|seal| seal.anchored_at.is_some());
    let old = facts.seal.as_ref().is_some_and(|seal| now.duration_since(seal.at) > HEAD_OLD);
    let (holds, reason, message) = if facts.damage > 0 {
        let found = facts.damage;
        (
            Some(false),
            "Damaged",
            Text::new(
                format!("{found} constat(s) sur le journal scellé : kubectl snc logs verify"),
                format!("{found} finding(s) on the sealed log: kubectl snc logs verify"),
            ),
        )
    } else if !wanted {
        (
            Some(false),
            "NotAnchored",
            Text::new(
                "la fin du journal n'est pas prouvée : aucune ancre hors du stockage",
                "the tail is not proven: there is no anchor outside of the store",
            ),
        )
    } else if facts.seal.is_none() || (!anchored && !late) {
        (None, "NoHead", Text::new("rien n'est encore ancré", "nothing is anchored yet"))
    } else if late {
        (
            Some(false),
            "AnchorLate",
            Text::new(
                "le dernier sceau n'a pas pu être ancré à temps",
                "the last head could not be anchored in time",
            ),
        )
    } else if old {
        (
            Some(false),
            "HeadOld",
            Text::new(
                "rien n'est plus scellé : le dernier sceau est trop vieux",
                "nothing is sealed any more: the last head is too old",
            ),
        )
    } else {
        (
            Some(true),
            "Anchored",
            Text::new(
                "scellé, et le dernier sceau est ancré hors du stockage",
                "sealed, and the last head is anchored outside of the store",
            ),
        )
    };
    Said { kind: "Proven", holds, reason, message }
}

fn condition(before: Option<&Status>, said: Said, generation: i64, lang: Lang, now: Timestamp) -> Condition {
    let status = match said.holds {
        Some(true) => "True",
        Some(false) => "False",
        None => "Unknown",
    };
    let former = before.and_then(|before| before.conditions.iter().find(|one| one.r#type == said.kind));
    let since =
        former.filter(|former| former.status == status).map_or(now, |former| former.last_transition_time);
    Condition {
        r#type: said.kind.to_owned(),
        status: status.to_owned(),
        reason: said.reason.to_owned(),
        message: said.message.get(lang).to_owned(),
        last_transition_time: since,
        observed_generation: generation,
    }
}
