//! Retention only grows. What was promised of an event when it was sealed is not taken back by a write to an object.

use super::{DAYS, PROBE_LIMIT_SECONDS, PROBE_SECONDS, Wishes};
use serde::{Deserialize, Serialize};
use snc_core::text::Refusal;
use std::ops::RangeInclusive;

/// As it is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Held {
    pub wishes: Wishes,
    /// Whether any were ever read.
    #[serde(default)]
    pub read: bool,
}

/// What holds after `asked` was read, and what of it does not.
pub fn ratchet(held: &Held, asked: &Wishes) -> (Held, Vec<Refusal>) {
    let mut refusals = Vec::new();
    let before = &held.wishes;
    let days = days("spec.retention.days", before.days, asked.days, &mut refusals);
    let maximum = maximum(before, asked, days, &mut refusals);
    let mut tenants = before.tenants.clone();
    for (tenant, given) in &asked.tenants {
        let path = format!("spec.retention.tenants[{tenant}].days");
        let floor = before.tenants.get(tenant).copied().unwrap_or(*DAYS.start());
        let given = match maximum.map(|maximum| maximum.max(floor)) {
            Some(most) if *given > most => {
                refusals.push(Refusal::new(
                    &path,
                    given.to_string(),
                    format!("au plus spec.retention.maximumDays, soit ici {most}"),
                    format!("at most spec.retention.maximumDays, here {most}"),
                ));
                most
            }
            _ => *given,
        };
        tenants.insert(tenant.clone(), self::days(&path, floor, given, &mut refusals));
    }
    for (tenant, held) in before.tenants.iter().filter(|(tenant, _)| !asked.tenants.contains_key(*tenant)) {
        // Of a tenant that is gone, or that no longer asks: either way its events were promised that long.
        if *held > days {
            tracing::debug!(tenant, days = held, "retention that is no longer asked for stays");
        }
    }
    let wishes = Wishes {
        generation: asked.generation,
        days,
        maximum_days: maximum,
        tenants,
        holds: asked.holds.clone(),
        probe_seconds: within(
            "spec.probeSeconds",
            &PROBE_SECONDS,
            before.probe_seconds,
            asked.probe_seconds,
            &mut refusals,
        ),
        probe_limit_seconds: within(
            "spec.probeLimitSeconds",
            &PROBE_LIMIT_SECONDS,
            before.probe_limit_seconds,
            asked.probe_limit_seconds,
            &mut refusals,
        ),
    };
    (Held { wishes, read: true }, refusals)
}

fn days(path: &str, held: u32, given: u32, refusals: &mut Vec<Refusal>) -> u32 {
    let given = within(path, &DAYS, held, given, refusals);
    if given < held {
        refusals.push(Refusal::new(
            path,
            given.to_string(),
            format!("au moins {held}, déjà en vigueur : une durée de conservation ne baisse pas"),
            format!("at least {held}, which is in force: a retention is not lowered"),
        ));
    }
    given.max(held)
}

/// The maximum says how much more may be asked for from now on; it takes nothing back.
fn maximum(before: &Wishes, asked: &Wishes, days: u32, refusals: &mut Vec<Refusal>) -> Option<u32> {
    let given = asked.maximum_days?;
    if DAYS.contains(&given) && given >= days {
        return Some(given);
    }
    refusals.push(Refusal::new(
        "spec.retention.maximumDays",
        given.to_string(),
        format!("{} à {}, et au moins la durée en vigueur, {days}", DAYS.start(), DAYS.end()),
        format!("{} to {}, and at least the retention in force, {days}", DAYS.start(), DAYS.end()),
    ));
    before.maximum_days.map(|held| held.max(days))
}

fn within(
    path: &str,
    range: &RangeInclusive<u32>,
    held: u32,
    given: u32,
    refusals: &mut Vec<Refusal>,
) -> u32 {
    if range.contains(&given) {
        return given;
    }
    let (least, most) = (range.start(), range.end());
    refusals.push(Refusal::new(
        path,
        given.to_string(),
        format!("{least} à {most}"),
        format!("{least} to {most}"),
    ));
    held
}
