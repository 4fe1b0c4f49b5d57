//! Who claims which namespace name, found without asking every tenant.

use snc_api::v1alpha1::SncTenantSpec;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub struct Claims {
    names: BTreeMap<String, BTreeSet<String>>,
    prefixes: BTreeMap<String, BTreeSet<String>>,
}

impl Claims {
    pub fn add(&mut self, tenant: &str, spec: &SncTenantSpec) {
        for (map, claimed) in
            [(&mut self.names, &spec.namespaces), (&mut self.prefixes, &spec.namespace_prefixes)]
        {
            for claim in claimed {
                map.entry(claim.clone()).or_default().insert(tenant.to_owned());
            }
        }
    }

    pub fn remove(&mut self, tenant: &str) {
        for map in [&mut self.names, &mut self.prefixes] {
            map.retain(|_, tenants| {
                tenants.remove(tenant);
                !tenants.is_empty()
            });
        }
    }

    /// Tenants that claim a name, or may, that this one claims too, whether or not there is such a namespace.
    pub fn rivals(&self, spec: &SncTenantSpec) -> BTreeSet<&str> {
        let mut rivals: BTreeSet<&str> = spec.namespaces.iter().flat_map(|name| self.of(name)).collect();
        for prefix in &spec.namespace_prefixes {
            // Shorter prefixes of it, and whatever is longer.
            rivals.extend(self.of(prefix));
            for map in [&self.names, &self.prefixes] {
                let longer = map.range(prefix.clone()..).take_while(|(claim, _)| claim.starts_with(prefix));
                rivals.extend(longer.flat_map(|(_, tenants)| tenants).map(String::as_str));
            }
        }
        rivals
    }

    pub fn of(&self, namespace: &str) -> BTreeSet<&str> {
        let ends = namespace.char_indices().map(|(i, c)| i + c.len_utf8());
        let by_prefix = std::iter::once(0).chain(ends).filter_map(|end| self.prefixes.get(&namespace[..end]));
        self.names.get(namespace).into_iter().chain(by_prefix).flatten().map(String::as_str).collect()
    }
}
