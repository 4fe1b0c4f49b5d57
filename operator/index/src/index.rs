use crate::facts::{
    Declared, ManagedKind, NamespaceFacts, ObjectKey, Observed, PodFacts, PodLite, PodSummary, Unreadable,
};
use crate::record::{Record, RecordError};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::ResourceExt;
use snc_api::v1alpha1::{SncBaseline, SncPolicy, SncTenant, SncTenantSpec};
use snc_core::names::{DEFAULT_DENY, LABEL_TENANT, RECORD};
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

#[derive(Debug, Default)]
pub struct Index {
    baselines: BTreeMap<String, Declared<SncBaseline>>,
    tenants: BTreeMap<String, Declared<SncTenant>>,
    policies: BTreeMap<String, BTreeMap<String, Declared<SncPolicy>>>,
    namespaces: BTreeMap<String, NamespaceFacts>,
    pods: BTreeMap<String, (BTreeMap<String, PodFacts>, PodSummary)>,
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

    pub fn pods(&self, namespace: &str) -> PodSummary {
        self.pods.get(namespace).map(|(_, summary)| summary.clone()).unwrap_or_default()
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

    /// Every namespace, tenant and baseline.
    pub fn all_keys(&self) -> Dirty {
        let namespaces = self.namespaces.keys().cloned().map(Key::Namespace);
        let tenants = self.tenants.keys().cloned().map(Key::Tenant);
        let baselines = self.baselines.keys().cloned().map(Key::Baseline);
        namespaces.chain(tenants).chain(baselines).collect()
    }

    pub fn apply_namespace(&mut self, namespace: &Namespace) -> Dirty {
        let mut facts = NamespaceFacts::of(namespace);
        let name = facts.name.clone();
        facts.seen_isolated |=
            self.namespaces.get(&name).is_some_and(|n| n.uid == facts.uid && n.seen_isolated);
        let mut dirty = self.around_namespace(&name);
        if let Some(old) = self.namespaces.insert(name.clone(), facts) {
            if self.namespaces.get(&name) == Some(&old) {
                return Dirty::new();
            }
            if Some(&old.uid) != self.namespaces.get(&name).map(|n| &n.uid) {
                // What is known of the earlier namespace of this name says nothing of this one.
                self.forget_contents(&name);
            }
        }
        dirty.extend(self.around_namespace(&name));
        dirty
    }

    pub fn delete_namespace(&mut self, namespace: &Namespace) -> Dirty {
        let name = namespace.name_any();
        let dirty = self.around_namespace(&name);
        if self.namespaces.get(&name).is_some_and(|n| Some(&n.uid) == namespace.metadata.uid.as_ref()) {
            self.namespaces.remove(&name);
        }
        dirty
    }

    pub fn reset_namespaces(&mut self, namespaces: &[Namespace]) -> Dirty {
        let mut dirty = Dirty::new();
        let present: BTreeSet<String> = namespaces.iter().map(ResourceExt::name_any).collect();
        let gone: Vec<String> = self.namespaces.keys().filter(|n| !present.contains(*n)).cloned().collect();
        for name in gone {
            dirty.extend(self.around_namespace(&name));
            self.namespaces.remove(&name);
        }
        for namespace in namespaces {
            dirty.extend(self.apply_namespace(namespace));
        }
        dirty
    }

    pub fn apply_pod(&mut self, pod: &PodLite) -> Dirty {
        let (Some(namespace), Some(name)) = (&pod.metadata.namespace, &pod.metadata.name) else {
            return Dirty::new();
        };
        let (pods, _) = self.pods.entry(namespace.clone()).or_default();
        let facts = PodFacts::of(pod);
        match pods.get(name) {
            // Later versions of the same pod say nothing new.
            Some(seen) if seen.created == facts.created && seen.host_network == facts.host_network => {
                return Dirty::new();
            }
            _ => pods.insert(name.clone(), facts),
        };
        self.summarize_pods(&namespace.clone())
    }

    pub fn delete_pod(&mut self, pod: &PodLite) -> Dirty {
        let (Some(namespace), Some(name)) = (&pod.metadata.namespace, &pod.metadata.name) else {
            return Dirty::new();
        };
        if let Some((pods, _)) = self.pods.get_mut(namespace) {
            pods.remove(name);
        }
        self.summarize_pods(&namespace.clone())
    }

    pub fn reset_pods(&mut self, pods: &[PodLite]) -> Dirty {
        let mut fresh: BTreeMap<String, BTreeMap<String, PodFacts>> = BTreeMap::new();
        for pod in pods {
            if let (Some(namespace), Some(name)) = (&pod.metadata.namespace, &pod.metadata.name) {
                let known = self.pods.get(namespace).and_then(|(known, _)| known.get(name));
                let facts = PodFacts::of(pod);
                let facts = known.filter(|k| k.created == facts.created).cloned().unwrap_or(facts);
                fresh.entry(namespace.clone()).or_default().insert(name.clone(), facts);
            }
        }
        let touched: BTreeSet<String> = self.pods.keys().chain(fresh.keys()).cloned().collect();
        let mut dirty = Dirty::new();
        for namespace in touched {
            let pods = fresh.remove(&namespace).unwrap_or_default();
            self.pods.entry(namespace.clone()).or_default().0 = pods;
            dirty.extend(self.summarize_pods(&namespace));
        }
        dirty
    }

    fn summarize_pods(&mut self, namespace: &str) -> Dirty {
        let Some((pods, summary)) = self.pods.get_mut(namespace) else { return Dirty::new() };
        let fresh = PodSummary::of(pods);
        let changed = *summary != fresh;
        // The first pod and the last decide whether a namespace is taken over or observed.
        let flipped = summary.any != fresh.any;
        *summary = fresh;
        if self.pods.get(namespace).is_some_and(|(pods, _)| pods.is_empty()) {
            self.pods.remove(namespace);
        }
        match (flipped, changed) {
            (true, _) => self.around_contents(namespace),
            (false, true) => Dirty::from([Key::Namespace(namespace.to_owned())]),
            (false, false) => Dirty::new(),
        }
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
        self.all_keys()
    }

    pub fn delete_baseline(&mut self, name: &str) -> Dirty {
        self.baselines.remove(name);
        self.all_keys()
    }

    pub fn reset_baselines(&mut self, baselines: Vec<(String, Declared<SncBaseline>)>) -> Dirty {
        self.baselines = baselines.into_iter().collect();
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
        self.tenants.insert(name.to_owned(), tenant);
        dirty.extend(self.around_claims(name));
        dirty
    }

    pub fn delete_tenant(&mut self, name: &str) -> Dirty {
        let mut dirty = self.around_claims(name);
        self.tenants.remove(name);
        dirty.extend(self.around_claims(name));
        dirty
    }

    pub fn reset_tenants(&mut self, tenants: Vec<(String, Declared<SncTenant>)>) -> Dirty {
        self.tenants = tenants.into_iter().collect();
        self.all_keys()
    }

    pub fn apply_policy(&mut self, namespace: &str, name: &str, policy: Declared<SncPolicy>) -> Dirty {
        let of_namespace = self.policies.entry(namespace.to_owned()).or_default();
        let status_only = matches!(
            (of_namespace.get(name), &policy),
            (Some(Ok(old)), Ok(new)) if old.spec == new.spec
                && old.metadata.generation == new.metadata.generation
                && old.metadata.uid == new.metadata.uid
        );
        of_namespace.insert(name.to_owned(), policy);
        if status_only {
            Dirty::from([Key::Namespace(namespace.to_owned())])
        } else {
            self.around_namespace(namespace)
        }
    }

    pub fn delete_policy(&mut self, namespace: &str, name: &str) -> Dirty {
        if let Some(policies) = self.policies.get_mut(namespace) {
            policies.remove(name);
        }
        self.around_namespace(namespace)
    }

    pub fn reset_policies(&mut self, policies: Vec<(String, String, Declared<SncPolicy>)>) -> Dirty {
        self.policies.clear();
        for (namespace, name, policy) in policies {
            self.policies.entry(namespace).or_default().insert(name, policy);
        }
        self.all_keys()
    }

    pub fn apply_object(&mut self, namespace: &str, key: ObjectKey, mut object: Observed) -> Dirty {
        if let Some(known) = self.object(namespace, &key).filter(|known| known.uid == object.uid) {
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

    fn around_object(&self, namespace: &str, key: &ObjectKey) -> Dirty {
        if key.name == DEFAULT_DENY {
            return self.around_contents(namespace);
        }
        Dirty::from([Key::Namespace(namespace.to_owned())])
    }

    /// Contents that decide what is said of the namespace's tenants, and, as long as no label does, who holds it.
    fn around_contents(&self, namespace: &str) -> Dirty {
        if self.namespaces.get(namespace).is_none_or(|n| n.label(LABEL_TENANT).is_none()) {
            return self.around_namespace(namespace);
        }
        let tenants = self.concerned(namespace).into_iter().map(|tenant| Key::Tenant(tenant.to_owned()));
        tenants.chain([Key::Namespace(namespace.to_owned())]).collect()
    }

    pub fn delete_object(&mut self, namespace: &str, key: &ObjectKey) -> Dirty {
        if let Some(objects) = self.managed.get_mut(namespace) {
            objects.remove(key);
            if objects.is_empty() {
                self.managed.remove(namespace);
            }
        }
        let mut dirty = self.around_object(namespace, key);
        if key.kind == ManagedKind::ConfigMap && key.name == RECORD {
            dirty.extend(self.around_contents(namespace));
            self.records.remove(namespace);
            dirty.extend(self.around_contents(namespace));
        }
        dirty
    }

    pub fn reset_objects(&mut self, kind: ManagedKind, objects: Vec<(String, ObjectKey, Observed)>) -> Dirty {
        let mut dirty: Dirty = Dirty::new();
        self.managed.retain(|namespace, held| {
            let before = held.len();
            held.retain(|key, _| key.kind != kind);
            if held.len() != before {
                dirty.insert(Key::Namespace(namespace.clone()));
            }
            !held.is_empty()
        });
        if kind == ManagedKind::ConfigMap {
            self.records.clear();
        }
        for (namespace, key, object) in objects {
            dirty.extend(self.apply_object(&namespace, key, object));
        }
        dirty
    }

    pub fn apply_record(&mut self, map: &ConfigMap) -> Dirty {
        let Some(namespace) = map.namespace() else { return Dirty::new() };
        let fresh = Record::read(map).map(Arc::new);
        let mut dirty = Dirty::new();
        if self.records.get(&namespace) != Some(&fresh) {
            dirty.extend(self.around_contents(&namespace));
            self.records.insert(namespace.clone(), fresh);
            dirty.extend(self.around_contents(&namespace));
        }
        let key = ObjectKey::new(ManagedKind::ConfigMap, map.name_any());
        dirty.extend(self.apply_object(&namespace, key, Observed::from(map)));
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

    /// The namespace, the tenants concerned with it and, since a tenant's quota is one sum, their namespaces.
    fn around_namespace(&self, name: &str) -> Dirty {
        let mut dirty = Dirty::from([Key::Namespace(name.to_owned())]);
        for tenant in self.concerned(name) {
            dirty.extend(self.around_tenant(tenant));
        }
        dirty
    }

    /// Tenants that claim the namespace, or hold it by its label or by our record.
    fn concerned(&self, namespace: &str) -> BTreeSet<&str> {
        let labelled = self.namespaces.get(namespace).and_then(|n| n.label(LABEL_TENANT));
        let recorded = self.records.get(namespace).and_then(|r| r.as_ref().ok()).map(|r| r.tenant.as_str());
        self.claimants(namespace).into_iter().chain(labelled).chain(recorded).collect()
    }

    /// The tenant, every other one that claims the same names, and what it lets go.
    fn around_claims(&self, name: &str) -> Dirty {
        let mut dirty = self.around_tenant(name);
        let Some(Ok(tenant)) = self.tenants.get(name) else { return dirty };
        for (rival, spec) in &self.tenants {
            if rival != name && spec.as_ref().is_ok_and(|spec| overlap(&spec.spec, &tenant.spec)) {
                dirty.extend(self.around_tenant(rival));
            }
        }
        for released in &tenant.spec.release {
            dirty.extend(self.around_namespace(released));
        }
        dirty
    }

    fn around_tenant(&self, name: &str) -> Dirty {
        let claims = |namespace: &NamespaceFacts| self.concerned(&namespace.name).contains(name);
        let released = self.tenants.get(name).and_then(|t| t.as_ref().ok()).map(|t| t.spec.release.clone());
        let mut dirty: Dirty =
            self.namespaces.values().filter(|n| claims(n)).map(|n| Key::Namespace(n.name.clone())).collect();
        dirty.extend(released.into_iter().flatten().map(Key::Namespace));
        dirty.extend(self.baselines.keys().cloned().map(Key::Baseline));
        dirty.insert(Key::Tenant(name.to_owned()));
        dirty
    }

    /// Tenants whose spec claims the name, whether or not such a namespace exists.
    pub fn claimants(&self, namespace: &str) -> BTreeSet<&str> {
        self.tenants
            .iter()
            .filter_map(|(name, tenant)| Some((name.as_str(), tenant.as_ref().ok()?)))
            .filter(|(_, tenant)| claims(&tenant.spec.namespaces, &tenant.spec.namespace_prefixes, namespace))
            .map(|(name, _)| name)
            .collect()
    }

    /// Objects that could not be read, in a fixed order.
    pub fn unreadable(&self) -> impl Iterator<Item = &Unreadable> {
        let baselines = self.baselines.values().filter_map(|b| b.as_ref().err());
        let tenants = self.tenants.values().filter_map(|t| t.as_ref().err());
        let policies = self.policies.values().flat_map(BTreeMap::values).filter_map(|p| p.as_ref().err());
        baselines.chain(tenants).chain(policies)
    }
}

fn overlap(a: &SncTenantSpec, b: &SncTenantSpec) -> bool {
    let named = |a: &SncTenantSpec, b: &SncTenantSpec| {
        a.namespaces.iter().any(|name| claims(&b.namespaces, &b.namespace_prefixes, name))
    };
    let within = |p: &String| {
        b.namespace_prefixes.iter().any(|q| p.starts_with(q.as_str()) || q.starts_with(p.as_str()))
    };
    named(a, b) || named(b, a) || a.namespace_prefixes.iter().any(within)
}

pub fn claims(names: &[String], prefixes: &[String], namespace: &str) -> bool {
    names.iter().any(|n| n == namespace) || prefixes.iter().any(|p| namespace.starts_with(p.as_str()))
}

#[cfg(test)]
mod tests;
