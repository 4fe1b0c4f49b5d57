use super::{Answer, Context, first};
use crate::effective::{join_baselines, matching_baselines};
use crate::settings::Settings;
use crate::validate;
use jiff::Timestamp;
use snc_api::v1alpha1::{SncBaseline, SncBaselineStatus};
use snc_core::condition::{kind, reason};
use snc_index::Index;
use std::collections::BTreeMap;

pub fn baseline_status(
    index: &Index,
    settings: &Settings,
    baseline: &SncBaseline,
    now: Timestamp,
) -> SncBaselineStatus {
    let name = baseline.metadata.name.as_deref().unwrap_or_default();
    let previous = baseline.status.as_ref().map(|s| s.conditions.as_slice()).unwrap_or_default();
    let context = Context { lang: settings.lang, generation: baseline.metadata.generation, now };
    let mut tenants = 0;
    let mut conflicts = Vec::new();
    for (tenant, _) in index.tenants() {
        let (matching, _) = matching_baselines(index, tenant);
        if !matching.contains_key(name) {
            continue;
        }
        tenants += 1;
        for conflict in join_baselines(&matching, &mut BTreeMap::new()).conflicts() {
            if conflict.sources.contains(&format!("SncBaseline/{name}")) {
                let sources = conflict.sources.into_iter().collect::<Vec<_>>().join(", ");
                conflicts.push(format!("{tenant}: spec.{} ({sources})", conflict.field));
            }
        }
    }
    let mut refusals = Vec::new();
    validate::baseline(name, &baseline.spec, &mut refusals);
    let answer = if !conflicts.is_empty() {
        let list = first(&conflicts, 4);
        Answer::no(
            reason::BASELINE_CONFLICT,
            format!("rien en commun avec les autres SncBaseline du tenant : {list}"),
            format!("nothing in common with the tenant's other SncBaselines: {list}"),
        )
    } else if !refusals.is_empty() {
        let text = |lang| {
            let list: Vec<String> = refusals.iter().map(|r| r.message(lang)).collect();
            first(&list, 4)
        };
        Answer::no(reason::FIELDS_REFUSED, text(snc_core::lang::Lang::Fr), text(snc_core::lang::Lang::En))
    } else {
        Answer::yes(
            reason::AGREES,
            "cohérent avec les autres SncBaseline",
            "consistent with the other SncBaselines",
        )
    };
    SncBaselineStatus {
        observed_generation: context.generation,
        tenants,
        conditions: vec![answer.condition(kind::CONSISTENT, previous, &context)],
    }
}
