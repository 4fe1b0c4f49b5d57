use crate::claims::Claims;
use crate::facts::{
    Declared, ManagedKind, NamespaceFacts, NetworkPolicyFacts, ObjectKey, Observed, RecordFacts, Unreadable,
};
use crate::pods::{PodFacts, PodLite, PodSummary, Pods};
use crate::record::{Record, RecordError};
use k8s_openapi::api::networking::v1::NetworkPolicySpec;
use snc_api::v1alpha1::{SncBaseline, SncPolicy, SncTenant};
use snc_core::names::RECORD;
use snc_core::quota::Shares;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What has to be looked at again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    Namespace(String),
    Tenant(String),
    Baseline(String),
}

type Dirty = BTreeSet<Key>;

mod dirty;
mod quota;
mod relation;
mod seen;

use dirty::asks_quota;
use relation::Relation;
use seen::Seen;

#[derive(Debug, Default)]
pub struct Index {
    claims: Claims,
    /// Tenants that claim a namespace, or hold it by its label or by our record.
    ties: Relation,
    /// Namespaces that flows of a namespace name, and the reverse.
    naming: Relation,
    quota: quota::Memo,
    seen: Seen,
    baselines: BTreeMap<String, Declared<SncBaseline>>,
    tenants: BTreeMap<String, Declared<SncTenant>>,
    policies: BTreeMap<String, BTreeMap<String, Declared<SncPolicy>>>,
    namespaces: BTreeMap<String, NamespaceFacts>,
    pods: Pods,
    /// Policies that are not ours, as they are: they add to what ours let through.
    foreign: BTreeMap<String, BTreeMap<String, Arc<NetworkPolicySpec>>>,
    managed: BTreeMap<String, BTreeMap<ObjectKey, Observed>>,
    records: BTreeMap<String, Result<Arc<Record>, RecordError>>,
}

impl Index {
    pub fn baselines(&self) -> impl Iterator<Item = (&str, &Declared<SncBaseline>)> {
        self.baselines.iter().map(|(name, b)| (name.as_str(), b))
    }

    pub fn baseline(&self, name: &str) -> Option<&Declared<SncBaseline>> {
        self.baselines.get(name)
    }

    pub fn tenants(&self) -> impl Iterator<Item = (&str, &Declared<SncTenant>)> {
        self.tenants.iter().map(|(name, t)| (name.as_str(), t))
    }

    pub fn tenant(&self, name: &str) -> Option<&Declared<SncTenant>> {
        self.tenants.get(name)
    }

    pub fn policies(&self, namespace: &str) -> impl Iterator<Item = (&str, &Declared<SncPolicy>)> {
        self.policies.get(namespace).into_iter().flatten().map(|(name, p)| (name.as_str(), p))
    }

    pub fn namespaces(&self) -> impl Iterator<Item = &NamespaceFacts> {
        self.namespaces.values()
    }

    pub fn namespace(&self, name: &str) -> Option<&NamespaceFacts> {
        self.namespaces.get(name)
    }

    /// `None` where there is no pod.
    pub fn pods(&self, namespace: &str) -> Option<&PodSummary> {
        self.pods.summary(namespace)
    }

    /// Namespace, name and facts of every pod.
    pub fn all_pods(&self) -> impl Iterator<Item = (&str, &str, &PodFacts)> {
        self.pods.all()
    }

    pub fn managed(&self, namespace: &str) -> impl Iterator<Item = (&ObjectKey, &Observed)> {
        self.managed.get(namespace).into_iter().flatten()
    }

    pub fn object(&self, namespace: &str, key: &ObjectKey) -> Option<&Observed> {
        self.managed.get(namespace)?.get(key)
    }

    pub fn record(&self, namespace: &str) -> Option<&Result<Arc<Record>, RecordError>> {
        self.records.get(namespace)
    }

    /// Shares of a tenant's total, computed once for each state of what decides them.
    pub fn shares(&self, tenant: &str, compute: impl FnOnce() -> Shares) -> Arc<Shares> {
        self.quota.get(tenant, compute)
    }

    /// Every namespace, tenant and baseline.
    pub fn all_keys(&self) -> Dirty {
        let namespaces = self.namespaces.keys().cloned().map(Key::Namespace);
        let tenants = self.tenants.keys().cloned().map(Key::Tenant);
        let baselines = self.baselines.keys().cloned().map(Key::Baseline);
        namespaces.chain(tenants).chain(baselines).collect()
    }

    pub fn apply_namespace(&mut self, namespace: impl Into<NamespaceFacts>) -> Dirty {
        let facts = namespace.into();
        self.seen.namespace(facts.version);
        self.put_namespace(facts)
    }

    fn put_namespace(&mut self, mut facts: NamespaceFacts) -> Dirty {
        let name = facts.name.clone();
        let known = self.namespaces.get(&name);
        if known.is_some_and(|n| n.uid == facts.uid && n.version > facts.version) {
            return Dirty::new();
        }
        facts.seen_isolated |= known.is_some_and(|n| n.uid == facts.uid && n.seen_isolated);
        let alike =
            known.map(|old| (old.says_as_much(&facts), old.stands_alike(&facts), old.labels == facts.labels));
        match alike {
            Some((true, ..)) => {
                self.namespaces.insert(name, facts);
                Dirty::new()
            }
            Some((_, true, same_labels)) => {
                self.namespaces.insert(name.clone(), facts);
                let mut dirty = self.around_contents(&name);
                if !same_labels {
                    dirty.extend(self.selecting());
                }
                dirty
            }
            _ => {
                let mut dirty = self.around_standing(&name);
                let uid = facts.uid.clone();
                let old = self.namespaces.insert(name.clone(), facts);
                if old.is_some_and(|old| old.uid != uid) {
                    // What is known of the earlier namespace of this name says nothing of this one.
                    self.forget_contents(&name);
                }
                self.tie(&name);
                dirty.extend(self.around_standing(&name));
                dirty.extend(self.selecting());
                dirty
            }
        }
    }

    /// What the API server answered to a write of ours, unless the watch has gone past it.
    pub fn learn_namespace(&mut self, namespace: impl Into<NamespaceFacts>) -> Dirty {
        let facts = namespace.into();
        if self.seen.namespace_is_news(facts.version) { self.put_namespace(facts) } else { Dirty::new() }
    }

    pub fn delete_namespace(&mut self, namespace: impl Into<NamespaceFacts>) -> Dirty {
        let NamespaceFacts { name, uid, version, .. } = namespace.into();
        self.seen.namespace(version);
        if self.namespaces.get(&name).is_some_and(|known| known.uid == uid) {
            return self.remove_namespace(&name);
        }
        self.around_standing(&name)
    }

    fn remove_namespace(&mut self, name: &str) -> Dirty {
        let mut dirty = self.around_standing(name);
        self.namespaces.remove(name);
        self.tie(name);
        dirty.extend(self.selecting());
        dirty
    }

    pub fn reset_namespaces(
        &mut self,
        namespaces: impl IntoIterator<Item = impl Into<NamespaceFacts>>,
    ) -> Dirty {
        let mut dirty = Dirty::new();
        let namespaces: Vec<NamespaceFacts> = namespaces.into_iter().map(Into::into).collect();
        let present: BTreeSet<&String> = namespaces.iter().map(|n| &n.name).collect();
        let gone: Vec<String> = self.namespaces.keys().filter(|n| !present.contains(n)).cloned().collect();
        for name in gone {
            dirty.extend(self.remove_namespace(&name));
        }
        for namespace in namespaces {
            dirty.extend(self.apply_namespace(namespace));
        }
        dirty
    }

    pub fn apply_pod(&mut self, pod: &PodLite) -> Dirty {
        self.pods
            .apply(pod)
            .map(|(namespace, changed)| self.around_pods(&namespace, changed))
            .unwrap_or_default()
    }

    pub fn delete_pod(&mut self, pod: &PodLite) -> Dirty {
        self.pods
            .delete(pod)
            .map(|(namespace, changed)| self.around_pods(&namespace, changed))
            .unwrap_or_default()
    }

    pub fn reset_pods(&mut self, pods: &[PodLite]) -> Dirty {
        let touched = self.pods.reset(pods);
        touched.into_iter().flat_map(|(namespace, changed)| self.around_pods(&namespace, changed)).collect()
    }

    pub fn apply_baseline(&mut self, name: &str, baseline: Declared<SncBaseline>) -> Dirty {
        if let (Some(Ok(old)), Ok(new)) = (self.baselines.get(name), &baseline)
            && old.spec == new.spec
            && old.metadata.generation == new.metadata.generation
        {
            self.baselines.insert(name.to_owned(), baseline);
            return Dirty::from([Key::Baseline(name.to_owned())]);
        }
        self.baselines.insert(name.to_owned(), baseline);
        self.quota.forget();
        self.all_keys()
    }

    pub fn delete_baseline(&mut self, name: &str) -> Dirty {
        self.baselines.remove(name);
        self.quota.forget();
        self.all_keys()
    }

    pub fn reset_baselines(&mut self, baselines: Vec<(String, Declared<SncBaseline>)>) -> Dirty {
        self.baselines = baselines.into_iter().collect();
        self.quota.forget();
        self.all_keys()
    }

    pub fn apply_tenant(&mut self, name: &str, tenant: Declared<SncTenant>) -> Dirty {
        let status_only = matches!(
            (self.tenants.get(name), &tenant),
            (Some(Ok(old)), Ok(new)) if old.spec == new.spec
                && old.metadata.generation == new.metadata.generation
                && old.metadata.labels == new.metadata.labels
        );
        if status_only {
            self.tenants.insert(name.to_owned(), tenant);
            return Dirty::from([Key::Tenant(name.to_owned())]);
        }
        // Two tenants can claim one namespace: whoever claimed before and whoever claims now are concerned.
        let mut dirty = self.around_claims(name);
        self.claims.remove(name);
        if let Ok(tenant) = &tenant {
            self.claims.add(name, &tenant.spec);
        }
        self.tenants.insert(name.to_owned(), tenant);
        self.tie_all();
        dirty.extend(self.around_claims(name));
        dirty
    }

    pub fn delete_tenant(&mut self, name: &str) -> Dirty {
        let mut dirty = self.around_claims(name);
        self.claims.remove(name);
        self.tenants.remove(name);
        self.tie_all();
        dirty.extend(self.around_claims(name));
        dirty
    }

    pub fn reset_tenants(&mut self, tenants: Vec<(String, Declared<SncTenant>)>) -> Dirty {
        self.tenants = tenants.into_iter().collect();
        self.claims = Claims::default();
        for (name, tenant) in &self.tenants {
            if let Ok(tenant) = tenant {
                self.claims.add(name, &tenant.spec);
            }
        }
        self.tie_all();
        self.quota.forget();
        self.all_keys()
    }

    pub fn apply_policy(&mut self, namespace: &str, name: &str, policy: Declared<SncPolicy>) -> Dirty {
        let of_namespace = self.policies.entry(namespace.to_owned()).or_default();
        let old = of_namespace.get(name);
        let status_only = matches!(
            (old, &policy),
            (Some(Ok(old)), Ok(new)) if old.spec == new.spec
                && old.metadata.generation == new.metadata.generation
                && old.metadata.uid == new.metadata.uid
        );
        let demands = asks_quota(old) || asks_quota(Some(&policy));
        of_namespace.insert(name.to_owned(), policy);
        if status_only {
            return Dirty::from([Key::Namespace(namespace.to_owned())]);
        }
        self.rename(namespace);
        self.around_policy(namespace, demands)
    }

    pub fn delete_policy(&mut self, namespace: &str, name: &str) -> Dirty {
        let removed = self.policies.get_mut(namespace).and_then(|policies| policies.remove(name));
        self.rename(namespace);
        self.around_policy(namespace, asks_quota(removed.as_ref()))
    }

    pub fn reset_policies(&mut self, policies: Vec<(String, String, Declared<SncPolicy>)>) -> Dirty {
        let before: Vec<String> = std::mem::take(&mut self.policies).into_keys().collect();
        for (namespace, name, policy) in policies {
            self.policies.entry(namespace).or_default().insert(name, policy);
        }
        let touched: BTreeSet<String> = before.into_iter().chain(self.policies.keys().cloned()).collect();
        for namespace in touched {
            self.rename(&namespace);
        }
        self.quota.forget();
        self.all_keys()
    }

    pub fn apply_object(&mut self, namespace: &str, key: ObjectKey, object: Observed) -> Dirty {
        self.seen.object(key.kind, object.version);
        self.put_object(namespace, key, object)
    }

    /// What the API server answered to a write of ours. If the watch has gone past that version, it knows better: the
    /// object may have been deleted since.
    pub fn learn_object(&mut self, namespace: &str, key: ObjectKey, object: Observed) -> Dirty {
        if !self.seen.is_news(key.kind, object.version) {
            return Dirty::new();
        }
        if key.kind == ManagedKind::NetworkPolicy && object.ours {
            self.forget_foreign(namespace, &key.name);
        }
        self.put_object(namespace, key, object)
    }

    fn put_object(&mut self, namespace: &str, key: ObjectKey, mut object: Observed) -> Dirty {
        if let Some(known) = self.object(namespace, &key).filter(|known| known.uid == object.uid) {
            if known.version > object.version {
                return Dirty::new();
            }
            object.first_version = known.first_version;
        }
        let old = self.managed.entry(namespace.to_owned()).or_default().insert(key.clone(), object);
        // A new version with the same content changes nothing that is decided here.
        let same = |a: &Observed, b: &Observed| {
            (&a.uid, &a.fingerprint, a.ours, a.deleting) == (&b.uid, &b.fingerprint, b.ours, b.deleting)
        };
        match (old, self.object(namespace, &key)) {
            (Some(old), Some(new)) if same(&old, new) => Dirty::new(),
            _ => self.around_object(namespace, &key),
        }
    }

    pub fn apply_network_policy(&mut self, policy: impl Into<NetworkPolicyFacts>) -> Dirty {
        let NetworkPolicyFacts { namespace, name, observed, foreign } = policy.into();
        match foreign {
            Some(spec) => {
                self.foreign.entry(namespace.clone()).or_default().insert(name.clone(), spec);
            }
            None => self.forget_foreign(&namespace, &name),
        }
        let key = ObjectKey::new(ManagedKind::NetworkPolicy, name);
        let mut dirty = self.apply_object(&namespace, key, observed);
        if !dirty.is_empty() {
            dirty.extend(self.named_by(&namespace));
        }
        dirty
    }

    pub fn delete_network_policy(&mut self, policy: impl Into<NetworkPolicyFacts>) -> Dirty {
        let NetworkPolicyFacts { namespace, name, observed, .. } = policy.into();
        self.forget_foreign(&namespace, &name);
        let key = ObjectKey::new(ManagedKind::NetworkPolicy, name);
        let mut dirty = self.delete_object(&namespace, &key, Some(&observed));
        dirty.extend(self.named_by(&namespace));
        dirty
    }

    pub fn reset_network_policies(
        &mut self,
        policies: impl IntoIterator<Item = impl Into<NetworkPolicyFacts>>,
    ) -> Dirty {
        let mut touched: BTreeSet<String> = std::mem::take(&mut self.foreign).into_keys().collect();
        let mut objects = Vec::new();
        for policy in policies {
            let NetworkPolicyFacts { namespace, name, observed, foreign } = policy.into();
            if let Some(spec) = foreign {
                self.foreign.entry(namespace.clone()).or_default().insert(name.clone(), spec);
            }
            touched.insert(namespace.clone());
            objects.push((namespace, ObjectKey::new(ManagedKind::NetworkPolicy, name), observed));
        }
        let mut dirty = self.reset_objects(ManagedKind::NetworkPolicy, objects);
        for namespace in touched {
            dirty.extend(self.named_by(&namespace));
        }
        dirty
    }

    fn forget_foreign(&mut self, namespace: &str, name: &str) {
        if let Some(of_namespace) = self.foreign.get_mut(namespace) {
            of_namespace.remove(name);
            if of_namespace.is_empty() {
                self.foreign.remove(namespace);
            }
        }
    }

    /// Name and content of the policies in a namespace that are not ours.
    pub fn foreign(&self, namespace: &str) -> impl Iterator<Item = (&str, &NetworkPolicySpec)> {
        self.foreign.get(namespace).into_iter().flatten().map(|(name, spec)| (name.as_str(), spec.as_ref()))
    }

    /// `gone` is the object as it was last; another one of the same name that we know of already stays.
    pub fn delete_object(&mut self, namespace: &str, key: &ObjectKey, gone: Option<&Observed>) -> Dirty {
        if let Some(gone) = gone {
            self.seen.object(key.kind, gone.version);
            if self.object(namespace, key).is_some_and(|known| known.uid != gone.uid) {
                return Dirty::new();
            }
        }
        if let Some(objects) = self.managed.get_mut(namespace) {
            objects.remove(key);
            if objects.is_empty() {
                self.managed.remove(namespace);
            }
        }
        let mut dirty = self.around_object(namespace, key);
        if key.kind == ManagedKind::ConfigMap && key.name == RECORD {
            self.records.remove(namespace);
            dirty.extend(self.around_record(namespace));
        }
        dirty
    }

    pub fn reset_objects(&mut self, kind: ManagedKind, objects: Vec<(String, ObjectKey, Observed)>) -> Dirty {
        let mut dirty: Dirty = Dirty::new();
        let mut first_versions: BTreeMap<String, u64> = BTreeMap::new();
        self.managed.retain(|namespace, held| {
            let before = held.len();
            held.retain(|key, object| {
                if key.kind == kind {
                    first_versions.insert(std::mem::take(&mut object.uid), object.first_version);
                }
                key.kind != kind
            });
            if held.len() != before {
                dirty.insert(Key::Namespace(namespace.clone()));
            }
            !held.is_empty()
        });
        if kind == ManagedKind::ConfigMap {
            for namespace in std::mem::take(&mut self.records).into_keys() {
                dirty.extend(self.around_record(&namespace));
            }
        }
        for (namespace, key, mut object) in objects {
            // How it came is not told by a list: it may be far older than this version of it.
            object.first_version = first_versions.get(&object.uid).copied().unwrap_or_default();
            dirty.extend(self.apply_object(&namespace, key, object));
        }
        dirty
    }

    pub fn apply_record(&mut self, map: impl Into<RecordFacts>) -> Dirty {
        let RecordFacts { namespace, name, observed, record: fresh } = map.into();
        let mut dirty = Dirty::new();
        if self.records.get(&namespace) != Some(&fresh) {
            dirty.extend(self.around_record(&namespace));
            self.records.insert(namespace.clone(), fresh);
            dirty.extend(self.around_record(&namespace));
        }
        let key = ObjectKey::new(ManagedKind::ConfigMap, name);
        dirty.extend(self.apply_object(&namespace, key, observed));
        dirty
    }

    pub fn delete_record(&mut self, map: impl Into<RecordFacts>) -> Dirty {
        let RecordFacts { namespace, name, observed, .. } = map.into();
        self.delete_object(&namespace, &ObjectKey::new(ManagedKind::ConfigMap, name), Some(&observed))
    }

    pub fn reset_records(&mut self, maps: impl IntoIterator<Item = impl Into<RecordFacts>>) -> Dirty {
        let mut dirty = self.reset_objects(ManagedKind::ConfigMap, Vec::new());
        for map in maps {
            dirty.extend(self.apply_record(map));
        }
        dirty
    }

    /// Watches are not ordered among themselves: what already speaks of the new namespace stays.
    fn forget_contents(&mut self, namespace: &str) {
        let uid = self.namespaces.get(namespace).map(|n| n.uid.as_str());
        let of_this =
            |r: &Result<Arc<Record>, RecordError>| r.as_ref().is_ok_and(|r| Some(r.uid.as_str()) == uid);
        if !self.records.get(namespace).is_some_and(of_this) {
            self.records.remove(namespace);
        }
    }

    /// Tenants whose spec claims the name, whether or not such a namespace exists.
    pub fn claimants(&self, namespace: &str) -> BTreeSet<&str> {
        self.claims.of(namespace)
    }

    /// Objects that could not be read, in a fixed order.
    pub fn unreadable(&self) -> impl Iterator<Item = &Unreadable> {
        let baselines = self.baselines.values().filter_map(|b| b.as_ref().err());
        let tenants = self.tenants.values().filter_map(|t| t.as_ref().err());
        let policies = self.policies.values().flat_map(BTreeMap::values).filter_map(|p| p.as_ref().err());
        baselines.chain(tenants).chain(policies)
    }
}

#[cfg(test)]
mod tests;
