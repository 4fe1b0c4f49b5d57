//! Which level and which parameters the controls go by.

use crate::effective::{Effective, join_baselines};
use crate::governance::record;
use snc_api::v1alpha1::SncBaselineSpec;
use snc_catalogue::Profile;
use snc_core::parameters::Parameters;
use snc_core::tier::Level;
use snc_index::Index;
use std::collections::BTreeMap;

/// Of a namespace: what is in force there.
pub fn profile(effective: &Effective) -> Profile {
    Profile { level: effective.constraints.level(), parameters: tailored(&effective.constraints.parameters) }
}

/// Of what belongs to no tenant. `SecNumCloud` has one level, and only the highest tier covers it; parameters are those
/// of the baselines that are meant for every tenant.
pub fn cluster_profile(index: &Index) -> Profile {
    let mut live = BTreeMap::new();
    let mut unreadable = Vec::new();
    for (name, baseline) in index.baselines() {
        match baseline {
            Ok(baseline) if is_for_all(&baseline.spec) => {
                live.insert(name.to_owned(), baseline.spec.clone());
            }
            Ok(_) => {}
            Err(_) => unreadable.push(name),
        }
    }
    let parameters = join_baselines(&live, &mut BTreeMap::new()).parameters;
    // As in the namespaces: what can be read no more, or is gone with nothing in its place, stays in force.
    let nothing_left = live.is_empty();
    let retained = index.namespaces().filter_map(|ns| record(index, &ns.name)).map(|record| {
        let kept = record
            .baselines
            .iter()
            .filter(|(name, spec)| is_for_all(spec) && (nothing_left || unreadable.contains(&name.as_str())));
        let kept = kept.map(|(name, spec)| (name.clone(), spec.clone())).collect();
        join_baselines(&kept, &mut BTreeMap::new()).parameters
    });
    let joined = retained.fold(parameters, snc_core::lattice::Join::join);
    Profile { level: Level::Avance, parameters: tailored(&joined) }
}

/// Whether it speaks for every tenant, and so for what belongs to none.
pub fn is_for_all(spec: &SncBaselineSpec) -> bool {
    spec.tenant_selector.as_ref().is_none_or(|selector| {
        selector.match_labels.as_ref().is_none_or(BTreeMap::is_empty)
            && selector.match_expressions.as_ref().is_none_or(Vec::is_empty)
    })
}

/// The values in force, by control, then by name.
pub fn tailored(parameters: &Parameters) -> BTreeMap<String, serde_json::Map<String, serde_json::Value>> {
    let mut by_control: BTreeMap<String, serde_json::Map<_, _>> = BTreeMap::new();
    for (key, one) in parameters.iter() {
        let values = by_control.entry(key.control.clone()).or_default();
        values.insert(key.name.clone(), one.value().to_json());
    }
    by_control
}
