//! What holds in one namespace: live objects where they can be read, else what was last in force (law 10).

use crate::governance::record;
use crate::validate;
use kube::core::{Selector, SelectorExt};
use snc_api::v1alpha1::{SncBaselineSpec, SncPolicySpec, SncTenantSpec};
use snc_core::policy::{Conflict, Constraints};
use snc_core::text::Refusal;
use snc_index::{Index, Record};
use std::collections::BTreeMap;

/// Something that is gone or cannot be read, and whose last known content stays in force.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Retained {
    pub object: String,
    pub error: Option<String>,
}

#[derive(Debug)]
pub struct Effective {
    pub tenant: String,
    pub tenant_spec: Option<SncTenantSpec>,
    pub baselines: BTreeMap<String, SncBaselineSpec>,
    pub policies: BTreeMap<String, SncPolicySpec>,
    /// Baselines and tenant only: what the ratchet compares with.
    pub floors: Constraints,
    pub constraints: Constraints,
    pub conflicts: Vec<Conflict>,
    pub retained: Vec<Retained>,
    /// Objects that cannot be read and of which no earlier version is known.
    pub never_read: Vec<String>,
    /// By policy; of the baselines under their own key.
    pub refusals: BTreeMap<String, Vec<Refusal>>,
}

/// The matching baselines of a tenant that can be read, and those that cannot.
pub fn matching_baselines(index: &Index, tenant: &str) -> (BTreeMap<String, SncBaselineSpec>, Vec<Retained>) {
    let Some(Ok(tenant)) = index.tenant(tenant) else { return Default::default() };
    let labels = tenant.metadata.labels.clone().unwrap_or_default();
    let mut matching = BTreeMap::new();
    let mut unreadable = Vec::new();
    for (name, baseline) in index.baselines() {
        match baseline {
            Ok(baseline) => {
                let selector = baseline.spec.tenant_selector.clone().unwrap_or_default();
                match Selector::try_from(selector) {
                    Ok(selector) if selector.matches(&labels) => {
                        matching.insert(name.to_owned(), baseline.spec.clone());
                    }
                    Ok(_) => {}
                    Err(error) => unreadable.push(Retained {
                        object: format!("SncBaseline/{name}"),
                        error: Some(format!("spec.tenantSelector: {error}")),
                    }),
                }
            }
            Err(error) => unreadable
                .push(Retained { object: format!("SncBaseline/{name}"), error: Some(error.error.clone()) }),
        }
    }
    (matching, unreadable)
}

pub fn effective(index: &Index, namespace: &str, tenant: &str) -> Effective {
    let record = record(index, namespace).map(AsRef::as_ref);
    let mut retained = Vec::new();
    let mut never_read = Vec::new();
    let tenant_spec = match index.tenant(tenant) {
        Some(Ok(live)) => Some(live.spec.clone()),
        other => {
            let error = other.and_then(|t| t.as_ref().err()).map(|e| e.error.clone());
            let object = format!("SncTenant/{tenant}");
            let known = record.filter(|r| r.tenant == tenant).and_then(|r| r.tenant_spec.clone());
            // Not there at all is not known either: its watch may be behind that of the namespaces.
            never_read.extend(known.is_none().then(|| object.clone()));
            retained.push(Retained { object, error });
            known
        }
    };
    let policies = policies(index, namespace, record, &mut retained, &mut never_read);
    let (mut baselines, unreadable) = matching_baselines(index, tenant);
    let known = record.map(|r| r.baselines.clone()).unwrap_or_default();
    for object in unreadable {
        let name = object.object.trim_start_matches("SncBaseline/").to_owned();
        if let Some(spec) = known.get(&name) {
            baselines.insert(name, spec.clone());
        } else {
            never_read.push(object.object.clone());
        }
        retained.push(object);
    }
    if baselines.is_empty() && !known.is_empty() {
        // Without the tenant nobody knows which baselines are meant for it; then it alone is missing.
        let gone = known.keys().filter(|_| matches!(index.tenant(tenant), Some(Ok(_))));
        retained.extend(gone.map(|name| Retained { object: format!("SncBaseline/{name}"), error: None }));
        baselines.clone_from(&known);
    }
    let mut refusals = BTreeMap::new();
    let conflicts = join_baselines(&baselines, &mut BTreeMap::new()).conflicts();
    if !conflicts.is_empty()
        && !known.is_empty()
        && join_baselines(&known, &mut BTreeMap::new()).conflicts().is_empty()
    {
        baselines = known;
    }
    let of_baselines = join_baselines(&baselines, &mut refusals);
    let of_tenant = tenant_spec.as_ref().map(|spec| validate::tenant(tenant, spec)).unwrap_or_default();
    let floors = Constraints::all([of_baselines, of_tenant]);
    let mut all = vec![floors.clone()];
    for (name, spec) in &policies {
        let mut found = Vec::new();
        all.push(validate::policy(name, spec, &floors, &mut found));
        if !found.is_empty() {
            refusals.entry(name.clone()).or_insert_with(Vec::new).extend(found);
        }
    }
    let constraints = Constraints::all(all);
    retained.sort();
    retained.dedup();
    Effective {
        tenant: tenant.to_owned(),
        tenant_spec,
        baselines,
        policies,
        floors,
        constraints,
        conflicts,
        retained,
        never_read,
        refusals,
    }
}

fn policies(
    index: &Index,
    namespace: &str,
    record: Option<&Record>,
    retained: &mut Vec<Retained>,
    never_read: &mut Vec<String>,
) -> BTreeMap<String, SncPolicySpec> {
    let known = record.map(|r| &r.policies);
    let mut policies = BTreeMap::new();
    let mut any = false;
    for (name, policy) in index.policies(namespace) {
        any = true;
        match policy {
            Ok(policy) => {
                policies.insert(name.to_owned(), policy.spec.clone());
            }
            Err(error) => {
                retained
                    .push(Retained { object: format!("SncPolicy/{name}"), error: Some(error.error.clone()) });
                if let Some(spec) = known.and_then(|k| k.get(name)) {
                    policies.insert(name.to_owned(), spec.clone());
                } else {
                    never_read.push(format!("SncPolicy/{name}"));
                }
            }
        }
    }
    if !any && let Some(known) = known {
        retained
            .extend(known.keys().map(|name| Retained { object: format!("SncPolicy/{name}"), error: None }));
        policies.clone_from(known);
    }
    policies
}

pub fn join_baselines(
    baselines: &BTreeMap<String, SncBaselineSpec>,
    refusals: &mut BTreeMap<String, Vec<Refusal>>,
) -> Constraints {
    Constraints::all(baselines.iter().map(|(name, spec)| {
        let mut found = Vec::new();
        let constraints = validate::baseline(name, spec, &mut found);
        if !found.is_empty() {
            refusals.insert(format!("SncBaseline/{name}"), found);
        }
        constraints
    }))
}

impl Effective {
    pub fn record_of(&self, uid: &str, previous: Option<&Record>) -> Record {
        Record {
            uid: uid.to_owned(),
            tenant: self.tenant.clone(),
            tenant_spec: self.tenant_spec.clone(),
            baselines: self.baselines.clone(),
            policies: self.policies.clone(),
            isolated_at: previous.and_then(|r| r.isolated_at),
            gap: previous.and_then(|r| r.gap.clone()),
            left_out: Vec::new(),
        }
    }
}
