//! What a change makes worth another look.

use super::{Dirty, Index, Key};
use crate::facts::{Declared, ManagedKind, ObjectKey};
use crate::pods::Changed;
use snc_api::v1alpha1::{SncPolicy, SncPolicySpec};
use snc_core::names::{DEFAULT_DENY, LABEL_TENANT, RECORD};
use std::collections::BTreeSet;

impl Index {
    /// Who the namespace belongs to, or whether it counts, may have changed.
    pub(super) fn around_standing(&mut self, namespace: &str) -> Dirty {
        self.around_policy(namespace, true)
    }

    /// The namespace, whoever names it in a flow, its tenants; and, where the tenant's total is one sum, all that share it.
    pub(super) fn around_policy(&mut self, namespace: &str, demands: bool) -> Dirty {
        let mut dirty = Dirty::from([Key::Namespace(namespace.to_owned())]);
        dirty.extend(self.named_by(namespace));
        for tenant in self.tenants_of(namespace) {
            if demands {
                self.quota.forget_tenant(&tenant);
                if self.has_total(&tenant) {
                    dirty.extend(self.tied_to(&tenant));
                }
            }
            dirty.insert(Key::Tenant(tenant));
        }
        dirty
    }

    pub(super) fn around_object(&mut self, namespace: &str, key: &ObjectKey) -> Dirty {
        if key.name == DEFAULT_DENY {
            return self.around_contents(namespace);
        }
        if key.kind == ManagedKind::ConfigMap && key.name == RECORD {
            // Whether it is believed rests on its label, too.
            return self.around_record(namespace);
        }
        Dirty::from([Key::Namespace(namespace.to_owned())])
    }

    /// Contents that decide what is said of the namespace's tenants, and, as long as no label does, who holds it.
    pub(super) fn around_contents(&mut self, namespace: &str) -> Dirty {
        if self.namespaces.get(namespace).is_none_or(|n| n.label(LABEL_TENANT).is_none()) {
            return self.around_standing(namespace);
        }
        let tenants = self.tenants_of(namespace).into_iter().map(Key::Tenant);
        tenants.chain([Key::Namespace(namespace.to_owned())]).collect()
    }

    pub(super) fn around_pods(&mut self, namespace: &str, changed: Changed) -> Dirty {
        let mut dirty = match changed {
            Changed::Nothing => return Dirty::new(),
            Changed::Content => Dirty::from([Key::Namespace(namespace.to_owned())]),
            // Whether there is a pod decides whether a namespace is taken over or observed.
            Changed::Presence => self.around_contents(namespace),
        };
        dirty.extend(self.named_by(namespace));
        dirty
    }

    /// The tenant, every other one that claims the same names, and what it lets go.
    pub(super) fn around_claims(&mut self, name: &str) -> Dirty {
        let spec = self.tenants.get(name).and_then(|t| t.as_ref().ok()).cloned();
        let mut rivals: BTreeSet<String> = BTreeSet::new();
        let mut naming: Vec<Key> = Vec::new();
        let mut released: Vec<String> = Vec::new();
        if let Some(tenant) = spec {
            rivals.extend(self.claims.rivals(&tenant.spec).into_iter().map(ToOwned::to_owned));
            // Whose flows name a namespace that this tenant claims, be it there or not.
            let claimed = self.naming.targets().filter(|target| self.claims.of(target).contains(name));
            naming.extend(claimed.flat_map(|target| self.named_by(target)));
            released.clone_from(&tenant.spec.release);
        }
        let mut dirty = self.around_tenant(name);
        for rival in &rivals {
            dirty.extend(self.around_tenant(rival));
        }
        for namespace in &released {
            dirty.extend(self.around_standing(namespace));
        }
        dirty.extend(naming);
        dirty
    }

    fn around_tenant(&mut self, name: &str) -> Dirty {
        self.quota.forget_tenant(name);
        let mut dirty: Dirty = self.tied_to(name).collect();
        dirty.extend(self.baselines.keys().cloned().map(Key::Baseline));
        dirty.insert(Key::Tenant(name.to_owned()));
        dirty
    }

    fn tied_to(&self, tenant: &str) -> impl Iterator<Item = Key> {
        self.ties.to(tenant).map(|namespace| Key::Namespace(namespace.to_owned()))
    }

    pub(super) fn named_by(&self, namespace: &str) -> impl Iterator<Item = Key> + use<> {
        let naming: Vec<Key> = self.naming.to(namespace).map(|n| Key::Namespace(n.to_owned())).collect();
        naming.into_iter()
    }

    /// Namespaces where somebody else's policies may select others by their labels.
    pub(super) fn selecting(&self) -> impl Iterator<Item = Key> {
        self.foreign.keys().cloned().map(Key::Namespace)
    }

    /// Also of a namespace that is not there.
    fn tenants_of(&self, namespace: &str) -> Vec<String> {
        let labelled = self.namespaces.get(namespace).and_then(|n| n.label(LABEL_TENANT));
        let recorded = self.records.get(namespace).and_then(|r| r.as_ref().ok()).map(|r| r.tenant.as_str());
        let all: BTreeSet<&str> =
            self.claimants(namespace).into_iter().chain(labelled).chain(recorded).collect();
        all.into_iter().map(ToOwned::to_owned).collect()
    }

    fn has_total(&self, tenant: &str) -> bool {
        // One that cannot be read may have one in its last version.
        !matches!(self.tenants.get(tenant), Some(Ok(tenant)) if tenant.spec.quota.is_empty())
    }

    pub(super) fn tie(&mut self, namespace: &str) {
        let known = self.namespaces.contains_key(namespace);
        let tenants = if known { self.tenants_of(namespace) } else { Vec::new() };
        self.ties.set(namespace, tenants.into_iter().collect());
    }

    /// What a namespace retains of its policies has changed.
    pub(super) fn around_record(&mut self, namespace: &str) -> Dirty {
        for tenant in self.tenants_of(namespace) {
            self.quota.forget_tenant(&tenant);
        }
        self.tie(namespace);
        self.rename(namespace);
        self.around_contents(namespace)
    }

    pub(super) fn tie_all(&mut self) {
        let all: Vec<String> = self.namespaces.keys().cloned().collect();
        for namespace in all {
            self.tie(&namespace);
        }
    }

    /// Which namespaces the flows of this one name: those of its policies, and those of the policies it retains.
    pub(super) fn rename(&mut self, namespace: &str) {
        let live =
            self.policies.get(namespace).into_iter().flat_map(|p| p.values()).filter_map(|p| p.as_ref().ok());
        let retained = self.records.get(namespace).and_then(|r| r.as_ref().ok());
        let specs = live.map(|p| &p.spec).chain(retained.into_iter().flat_map(|r| r.policies.values()));
        let named = specs.flat_map(named).filter(|name| name != namespace).collect();
        self.naming.set(namespace, named);
    }
}

fn named(spec: &SncPolicySpec) -> impl Iterator<Item = String> {
    let flows = spec.network.iter().flat_map(|n| &n.flows);
    flows.flat_map(|f| &f.peers).filter_map(|p| p.namespaces.as_ref()).flat_map(|n| n.names.iter().cloned())
}

/// Whether a policy has a say in how the tenant's total is divided.
pub(super) fn asks_quota(policy: Option<&Declared<SncPolicy>>) -> bool {
    policy.is_some_and(|p| p.as_ref().map_or(true, |p| !p.spec.quota.is_empty()))
}
