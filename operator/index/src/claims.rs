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

    pub fn of(&self, namespace: &str) -> BTreeSet<&str> {
        let ends = namespace.char_indices().map(|(i, c)| i + c.len_utf8());
        let by_prefix = std::iter::once(0).chain(ends).filter_map(|end| self.prefixes.get(&namespace[..end]));
        self.names.get(namespace).into_iter().chain(by_prefix).flatten().map(String::as_str).collect()
    }
}
