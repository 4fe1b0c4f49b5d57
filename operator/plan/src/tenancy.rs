//! Which namespace is judged as whose, and by which level and parameters.

use crate::effective::effective;
use crate::governance::{Governance, govern};
use crate::profile::{cluster_profile, profile};
use crate::settings::Settings;
use snc_catalogue::{Governed, Tenancy};
use snc_core::names::SYSTEM_NAMESPACES;
use snc_core::snapshot::Home;
use snc_index::Index;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub struct Standing {
    pub tenancy: Tenancy,
    /// The namespaces of each tenant that we act in.
    pub governed: BTreeMap<String, BTreeSet<String>>,
}

pub fn standing(index: &Index, settings: &Settings) -> Standing {
    let tenant_canary = settings.tenant_canary();
    let ours = [&settings.identity.namespace, &settings.canary_namespace, &tenant_canary].map(String::as_str);
    let platform = SYSTEM_NAMESPACES.into_iter().chain(ours).map(str::to_owned).collect();
    let mut judged = BTreeMap::new();
    let mut governed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for namespace in index.namespaces() {
        let name = &namespace.name;
        let governance = govern(index, settings, name);
        // What is observed is the tenant's all the same: nothing is applied there, and nothing is overlooked.
        let (Governance::Governed { tenant }
        | Governance::Observed { tenant }
        | Governance::Terminating { tenant }) = &governance
        else {
            continue;
        };
        let profile = Arc::new(profile(&effective(index, name, tenant)));
        judged.insert(name.clone(), Governed { tenant: tenant.clone(), profile });
        if matches!(governance, Governance::Governed { .. }) {
            governed.entry(tenant.clone()).or_default().insert(name.clone());
        }
    }
    // One that cannot be read is judged by what its namespaces still have.
    let levels = index.tenants().filter_map(|(name, tenant)| Some((name, tenant.as_ref().ok()?.spec.level)));
    let tenants = levels.map(|(name, level)| (name.to_owned(), level)).collect();
    let home = Home(settings.identity.namespace.clone());
    let tenancy = Tenancy { cluster: cluster_profile(index), home, platform, governed: judged, tenants };
    Standing { tenancy, governed }
}
