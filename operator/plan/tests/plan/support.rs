//! An API server in memory: enough of it to run plans against. Server-side apply keeps what others added, no-op
//! writes make no event, deletes carry preconditions, nothing is created in a namespace on its way out, and every
//! watch can lag behind on its own.

use jiff::{Timestamp, ToSpan};
use k8s_openapi::api::core::v1::{ConfigMap, LimitRange, Namespace, ResourceQuota, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::RoleBinding;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use snc_api::v1alpha1::{SncBaseline, SncPolicy, SncTenant};
use snc_core::lang::Lang;
use snc_core::names::{
    DEFAULT_DENY, LABEL_ISOLATED, LABEL_MANAGED_BY, LABEL_PREFIX, LABEL_TENANT, MANAGED_BY, MANAGER,
    MANAGER_ISOLATION, MANAGER_POD_SECURITY, RECORD, RECORD_KEY,
};
use snc_index::{Declared, Index, Key, ManagedKind, ObjectKey, Observed, PodLite, Record, Unreadable};
use snc_plan::guards::Identity;
use snc_plan::namespace::Orphan;
use snc_plan::objects::Desired;
use snc_plan::{ClusterFacts, NamespacePlan, Settings, plan_namespace};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

pub const START: &str = "2026-11-22T10:00:00Z";
pub const FOREIGNER: &str = "kubectl";

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

pub fn settings(lang: Lang) -> Settings {
    let identity = Identity::new("snc-system", "snc-controller");
    Settings { lang, identity, canary_namespace: "snc-canary".into() }
}

pub fn deny() -> ObjectKey {
    ObjectKey::new(ManagedKind::NetworkPolicy, DEFAULT_DENY)
}

pub fn record_key() -> ObjectKey {
    ObjectKey::new(ManagedKind::ConfigMap, RECORD)
}

#[derive(Debug, Clone, PartialEq)]
pub struct Ns {
    pub uid: String,
    pub created: Timestamp,
    pub deleting: bool,
    /// Value and owner of each label.
    pub labels: BTreeMap<String, (String, String)>,
}

impl Ns {
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(|(value, _)| value.as_str())
    }

    fn apply(&mut self, manager: &str, desired: &BTreeMap<String, String>) {
        self.labels.retain(|key, (_, owner)| owner != manager || desired.contains_key(key));
        for (key, value) in desired {
            self.labels.insert(key.clone(), (value.clone(), manager.to_owned()));
        }
    }
}

#[derive(Debug, Clone)]
pub enum Event {
    Namespace(Box<Namespace>),
    NamespaceGone(Box<Namespace>),
    Pod(PodLite),
    PodGone(PodLite),
    Object(String, ObjectKey, Value),
    ObjectGone(String, ObjectKey),
    Tenant(String, Option<Declared<SncTenant>>),
    Baseline(String, Option<Declared<SncBaseline>>),
    Policy(String, String, Option<Declared<SncPolicy>>),
}

impl Event {
    /// Each kind has its own watch, and watches are not ordered among themselves.
    fn stream(&self) -> usize {
        match self {
            Self::Namespace(_) | Self::NamespaceGone(_) => 0,
            Self::Pod(_) | Self::PodGone(_) => 1,
            Self::Tenant(..) => 2,
            Self::Baseline(..) => 3,
            Self::Policy(..) => 4,
            Self::Object(_, key, _) | Self::ObjectGone(_, key) => 5 + key.kind as usize,
        }
    }
}

pub const STREAMS: usize = 11;

/// One write of the operator.
#[derive(Debug, Clone)]
pub enum Action {
    DropIsolated,
    Labels(BTreeMap<String, String>),
    PodSecurity(BTreeMap<String, String>),
    Object(Desired),
    Isolate(&'static str, Vec<(ObjectKey, String)>),
    Rights(Desired),
    Orphan(Orphan),
    Release,
}

pub fn actions(plan: &NamespacePlan) -> Vec<Action> {
    let steps = &plan.steps;
    let mut all = Vec::new();
    all.extend(steps.drop_isolated.then_some(Action::DropIsolated));
    all.extend(steps.labels.clone().map(Action::Labels));
    all.extend(steps.pod_security.clone().map(Action::PodSecurity));
    all.extend(steps.objects.iter().cloned().map(Action::Object));
    all.extend(steps.isolate.clone().map(|(value, read_back)| Action::Isolate(value, read_back)));
    all.extend(steps.rights.iter().cloned().map(Action::Rights));
    if steps.release {
        // Rights first, then the labels: nothing is called isolated that is not.
        let (rights, others): (Vec<_>, Vec<_>) =
            steps.orphans.iter().cloned().partition(|o| o.key.kind == ManagedKind::RoleBinding);
        all.extend(rights.into_iter().map(Action::Orphan));
        all.push(Action::Release);
        all.extend(others.into_iter().map(Action::Orphan));
    } else {
        all.extend(steps.orphans.iter().cloned().map(Action::Orphan));
    }
    all
}

pub struct Cluster {
    pub index: Index,
    pub settings: Settings,
    pub facts: ClusterFacts,
    pub now: Timestamp,
    pub namespaces: BTreeMap<String, Ns>,
    pub objects: BTreeMap<(String, ObjectKey), Value>,
    pub pods: BTreeMap<(String, String), PodLite>,
    pub tenants: BTreeMap<String, Declared<SncTenant>>,
    pub baselines: BTreeMap<String, Declared<SncBaseline>>,
    pub policies: BTreeMap<(String, String), Declared<SncPolicy>>,
    /// Events are delivered only when asked for.
    pub lagging: bool,
    applied: BTreeMap<(String, ObjectKey), Value>,
    streams: Vec<VecDeque<Event>>,
    version: u64,
}

impl Default for Cluster {
    fn default() -> Self {
        Self::new(Lang::En)
    }
}

impl Cluster {
    pub fn new(lang: Lang) -> Self {
        Self {
            index: Index::default(),
            settings: settings(lang),
            facts: ClusterFacts { gate_proven: true, ..ClusterFacts::default() },
            now: at(START),
            namespaces: BTreeMap::new(),
            objects: BTreeMap::new(),
            pods: BTreeMap::new(),
            tenants: BTreeMap::new(),
            baselines: BTreeMap::new(),
            policies: BTreeMap::new(),
            lagging: false,
            applied: BTreeMap::new(),
            streams: vec![VecDeque::new(); STREAMS],
            version: 100,
        }
    }

    pub fn tick(&mut self, seconds: i64) {
        self.now = self.now.checked_add(seconds.seconds()).unwrap();
    }

    fn next_version(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    fn emit(&mut self, event: Event) {
        self.streams[event.stream()].push_back(event);
        if !self.lagging {
            self.deliver_all();
        }
    }

    /// Delivers the oldest event of one watch; what it made dirty.
    pub fn deliver(&mut self, stream: usize) -> Option<BTreeSet<Key>> {
        let event = self.streams[stream % STREAMS].pop_front()?;
        let index = &mut self.index;
        Some(match event {
            Event::Namespace(ns) => index.apply_namespace(&*ns),
            Event::NamespaceGone(ns) => index.delete_namespace(&*ns),
            Event::Pod(pod) => index.apply_pod(&pod),
            Event::PodGone(pod) => index.delete_pod(&pod),
            Event::Tenant(name, Some(tenant)) => index.apply_tenant(&name, tenant),
            Event::Tenant(name, None) => index.delete_tenant(&name),
            Event::Baseline(name, Some(baseline)) => index.apply_baseline(&name, baseline),
            Event::Baseline(name, None) => index.delete_baseline(&name),
            Event::Policy(ns, name, Some(policy)) => index.apply_policy(&ns, &name, policy),
            Event::Policy(ns, name, None) => index.delete_policy(&ns, &name),
            Event::Object(ns, key, object) if key.kind == ManagedKind::ConfigMap => {
                let dirty = index.apply_record(&read(object));
                assert!(index.object(&ns, &key).is_some());
                dirty
            }
            Event::Object(_, key, object) if key.kind == ManagedKind::NetworkPolicy => {
                index.apply_network_policy(&read(object))
            }
            Event::Object(ns, key, object) => {
                let observed = observed(key.kind, &object);
                index.apply_object(&ns, key, observed)
            }
            Event::ObjectGone(ns, key) if key.kind == ManagedKind::NetworkPolicy => {
                let uid = index.object(&ns, &key).map(|o| o.uid.clone());
                index.delete_network_policy(&read(json!({
                    "metadata": {"name": key.name, "namespace": ns, "uid": uid},
                })))
            }
            Event::ObjectGone(ns, key) => index.delete_object(&ns, &key, None),
        })
    }

    pub fn deliver_all(&mut self) {
        for stream in 0..STREAMS {
            while self.deliver(stream).is_some() {}
        }
    }

    /// A new process: everything is listed anew.
    pub fn restart(&mut self) {
        self.streams.iter_mut().for_each(VecDeque::clear);
        let mut index = Index::default();
        let namespaces: Vec<Namespace> =
            self.namespaces.iter().map(|(name, ns)| namespace_object(name, ns)).collect();
        index.reset_namespaces(&namespaces);
        index.reset_pods(&self.pods.values().cloned().collect::<Vec<_>>());
        index.reset_tenants(self.tenants.clone().into_iter().collect());
        index.reset_baselines(self.baselines.clone().into_iter().collect());
        index.reset_policies(
            self.policies.iter().map(|((ns, name), p)| (ns.clone(), name.clone(), p.clone())).collect(),
        );
        let policies: Vec<NetworkPolicy> = of_kind(&self.objects, ManagedKind::NetworkPolicy)
            .map(|(_, _, object)| read(object.clone()))
            .collect();
        index.reset_network_policies(&policies);
        for (_, _, record) in of_kind(&self.objects, ManagedKind::ConfigMap) {
            index.apply_record(&read(record.clone()));
        }
        for kind in [
            ManagedKind::ResourceQuota,
            ManagedKind::LimitRange,
            ManagedKind::RoleBinding,
            ManagedKind::ServiceAccount,
        ] {
            let listed = of_kind(&self.objects, kind)
                .map(|(ns, key, object)| (ns.clone(), key.clone(), observed(kind, object)));
            index.reset_objects(kind, listed.collect());
        }
        self.index = index;
    }

    // What people do.

    pub fn namespace(&mut self, name: &str) {
        self.labelled_namespace(name, &[]);
    }

    pub fn labelled_namespace(&mut self, name: &str, labels: &[(&str, &str)]) {
        let uid = format!("uid-{}", self.next_version());
        let labels = labels
            .iter()
            .chain(&[("kubernetes.io/metadata.name", name)])
            .map(|(k, v)| ((*k).to_owned(), ((*v).to_owned(), FOREIGNER.to_owned())))
            .collect();
        let created = seconds(self.now);
        self.namespaces.insert(name.to_owned(), Ns { uid, created, deleting: false, labels });
        self.emit_namespace(name);
        // The controller manager does this.
        let account = json!({"metadata": {"name": "default", "namespace": name}});
        self.foreign_create(name, ObjectKey::new(ManagedKind::ServiceAccount, "default"), account);
    }

    fn emit_namespace(&mut self, name: &str) {
        let object = namespace_object(name, &self.namespaces[name]);
        self.emit(Event::Namespace(Box::new(object)));
    }

    pub fn set_label(&mut self, name: &str, key: &str, value: Option<&str>) {
        let ns = self.namespaces.get_mut(name).unwrap();
        let before = ns.clone();
        match value {
            Some(value) if ns.label(key) == Some(value) => {}
            Some(value) => {
                ns.labels.insert(key.to_owned(), (value.to_owned(), FOREIGNER.to_owned()));
            }
            None => {
                ns.labels.remove(key);
            }
        }
        if *ns != before {
            self.emit_namespace(name);
        }
    }

    pub fn start_deletion(&mut self, name: &str) {
        if let Some(ns) = self.namespaces.get_mut(name) {
            ns.deleting = true;
            self.emit_namespace(name);
        }
    }

    /// Pods go first, then the rest, then the namespace.
    pub fn finish_deletion(&mut self, name: &str) {
        let Some(ns) = self.namespaces.get(name).filter(|ns| ns.deleting).cloned() else { return };
        let pods: Vec<_> = self.pods.keys().filter(|(n, _)| n == name).cloned().collect();
        for (_, pod) in pods {
            self.delete_pod(name, &pod);
        }
        let objects: Vec<_> = self.objects.keys().filter(|(n, _)| n == name).cloned().collect();
        for (_, key) in objects {
            self.foreign_delete(name, &key);
        }
        let policies: Vec<_> = self.policies.keys().filter(|(n, _)| n == name).cloned().collect();
        for (_, policy) in policies {
            self.delete_policy(name, &policy);
        }
        self.namespaces.remove(name);
        self.emit(Event::NamespaceGone(Box::new(namespace_object(name, &ns))));
    }

    /// Refused by the gate where the namespace has a tenant and is not isolated.
    pub fn pod(&mut self, namespace: &str, name: &str, host_network: bool) -> bool {
        self.pod_as(namespace, name, &json!({}), &json!({"hostNetwork": host_network}))
    }

    pub fn pod_as(&mut self, namespace: &str, name: &str, labels: &Value, spec: &Value) -> bool {
        let gated = |ns: &Ns| ns.label(LABEL_TENANT).is_some() && ns.label(LABEL_ISOLATED).is_none();
        match self.namespaces.get(namespace) {
            Some(ns) if !ns.deleting && !gated(ns) => {}
            _ => return false,
        }
        let key = (namespace.to_owned(), name.to_owned());
        if self.pods.contains_key(&key) {
            return false;
        }
        let version = self.next_version();
        let pod: PodLite = read(json!({
            "metadata": {
                "name": name, "namespace": namespace, "resourceVersion": version.to_string(),
                "creationTimestamp": seconds(self.now).to_string(), "labels": labels,
            },
            "spec": spec,
        }));
        self.pods.insert(key, pod.clone());
        self.emit(Event::Pod(pod));
        true
    }

    pub fn delete_pod(&mut self, namespace: &str, name: &str) {
        if let Some(pod) = self.pods.remove(&(namespace.to_owned(), name.to_owned())) {
            self.emit(Event::PodGone(pod));
        }
    }

    pub fn tenant(&mut self, name: &str, spec: &Value) {
        self.tenant_with_labels(name, spec, &json!({}));
    }

    pub fn tenant_with_labels(&mut self, name: &str, spec: &Value, labels: &Value) {
        let generation = self.next_version();
        let tenant: SncTenant = read(json!({
            "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncTenant",
            "metadata": {"name": name, "generation": generation, "labels": labels}, "spec": spec,
        }));
        self.set_tenant(name, Some(Ok(Arc::new(tenant))));
    }

    pub fn set_tenant(&mut self, name: &str, tenant: Option<Declared<SncTenant>>) {
        match &tenant {
            Some(tenant) => self.tenants.insert(name.to_owned(), tenant.clone()),
            None => self.tenants.remove(name),
        };
        self.emit(Event::Tenant(name.to_owned(), tenant));
    }

    pub fn baseline(&mut self, name: &str, spec: &Value) {
        let generation = self.next_version();
        let baseline: SncBaseline = read(json!({
            "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncBaseline",
            "metadata": {"name": name, "generation": generation}, "spec": spec,
        }));
        self.set_baseline(name, Some(Ok(Arc::new(baseline))));
    }

    pub fn set_baseline(&mut self, name: &str, baseline: Option<Declared<SncBaseline>>) {
        match &baseline {
            Some(baseline) => self.baselines.insert(name.to_owned(), baseline.clone()),
            None => self.baselines.remove(name),
        };
        self.emit(Event::Baseline(name.to_owned(), baseline));
    }

    pub fn policy(&mut self, namespace: &str, name: &str, spec: &Value) {
        let generation = self.next_version();
        let policy: SncPolicy = read(json!({
            "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncPolicy",
            "metadata": {"name": name, "namespace": namespace, "uid": name, "generation": generation}, "spec": spec,
        }));
        self.set_policy(namespace, name, Ok(Arc::new(policy)));
    }

    pub fn set_policy(&mut self, namespace: &str, name: &str, policy: Declared<SncPolicy>) {
        self.policies.insert((namespace.to_owned(), name.to_owned()), policy.clone());
        self.emit(Event::Policy(namespace.to_owned(), name.to_owned(), Some(policy)));
    }

    pub fn delete_policy(&mut self, namespace: &str, name: &str) {
        if self.policies.remove(&(namespace.to_owned(), name.to_owned())).is_some() {
            self.emit(Event::Policy(namespace.to_owned(), name.to_owned(), None));
        }
    }

    /// As the index holds it.
    pub fn sncp(&self, namespace: &str, name: &str) -> SncPolicy {
        SncPolicy::clone(self.policies[&(namespace.to_owned(), name.to_owned())].as_ref().unwrap())
    }

    pub fn snct(&self, name: &str) -> SncTenant {
        SncTenant::clone(self.tenants[name].as_ref().unwrap())
    }

    pub fn sncb(&self, name: &str) -> SncBaseline {
        SncBaseline::clone(self.baselines[name].as_ref().unwrap())
    }

    pub fn foreign_create(&mut self, namespace: &str, key: ObjectKey, mut object: Value) {
        let version = self.next_version();
        object["metadata"]["uid"] = format!("uid-{version}").into();
        object["metadata"]["resourceVersion"] = version.to_string().into();
        object["metadata"]["creationTimestamp"] = seconds(self.now).to_string().into();
        self.applied.remove(&(namespace.to_owned(), key.clone()));
        self.objects.insert((namespace.to_owned(), key.clone()), object.clone());
        self.emit(Event::Object(namespace.to_owned(), key, object));
    }

    pub fn foreign_network_policy(&mut self, namespace: &str, name: &str) {
        let open = json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]});
        self.foreign_spec(namespace, name, &open);
    }

    pub fn foreign_spec(&mut self, namespace: &str, name: &str, spec: &Value) {
        let object = json!({"metadata": {"name": name, "namespace": namespace}, "spec": spec});
        self.foreign_create(namespace, ObjectKey::new(ManagedKind::NetworkPolicy, name), object);
    }

    pub fn foreign_edit(&mut self, namespace: &str, key: &ObjectKey, edit: impl FnOnce(&mut Value)) {
        let version = self.next_version();
        let Some(object) = self.objects.get_mut(&(namespace.to_owned(), key.clone())) else { return };
        edit(object);
        object["metadata"]["resourceVersion"] = version.to_string().into();
        let object = object.clone();
        self.emit(Event::Object(namespace.to_owned(), key.clone(), object));
    }

    pub fn foreign_delete(&mut self, namespace: &str, key: &ObjectKey) {
        let id = (namespace.to_owned(), key.clone());
        self.applied.remove(&id);
        if self.objects.remove(&id).is_some() {
            self.emit(Event::ObjectGone(namespace.to_owned(), key.clone()));
        }
    }

    // What the operator does.

    pub fn plan(&self, namespace: &str) -> NamespacePlan {
        plan_namespace(&self.index, &self.settings, &self.facts, namespace, self.now)
    }

    fn server_side_apply(&mut self, namespace: &str, desired: &Desired) -> Result<(), String> {
        let key = desired.key();
        let id = (namespace.to_owned(), key.clone());
        let body = body(desired);
        assert_eq!(body["metadata"]["namespace"], namespace, "an object of another namespace");
        let live = self.objects.get(&id).cloned();
        let terminating = self.namespaces.get(namespace).is_none_or(|ns| ns.deleting);
        if live.is_none() && terminating {
            return Err("namespace is being terminated".into());
        }
        let mut object = live.clone().unwrap_or_else(|| json!({"metadata": {}}));
        if let Some(before) = self.applied.get(&id) {
            give_up(&mut object, before, &body);
        }
        merge(&mut object, &body);
        self.applied.insert(id.clone(), body);
        if Some(&object) == live.as_ref() {
            return Ok(());
        }
        let version = self.next_version();
        if live.is_none() {
            object["metadata"]["uid"] = format!("uid-{version}").into();
            object["metadata"]["creationTimestamp"] = seconds(self.now).to_string().into();
        }
        object["metadata"]["resourceVersion"] = version.to_string().into();
        self.objects.insert(id, object.clone());
        self.emit(Event::Object(namespace.to_owned(), key, object));
        Ok(())
    }

    pub fn has(&self, namespace: &str, key: &ObjectKey) -> bool {
        self.objects.contains_key(&(namespace.to_owned(), key.clone()))
    }

    pub fn object(&self, namespace: &str, kind: ManagedKind, name: &str) -> Option<&Value> {
        self.objects.get(&(namespace.to_owned(), ObjectKey::new(kind, name)))
    }

    /// Names of the objects that carry our label.
    pub fn ours(&self, namespace: &str) -> Vec<String> {
        let mine = |object: &Value| object["metadata"]["labels"][LABEL_MANAGED_BY] == MANAGED_BY;
        self.objects
            .iter()
            .filter(|((ns, _), o)| ns == namespace && mine(o))
            .map(|((_, key), _)| key.to_string())
            .collect()
    }

    fn write_labels(
        &mut self,
        namespace: &str,
        uid: &str,
        write: impl FnOnce(&mut Ns) -> Result<(), String>,
    ) -> Result<(), String> {
        let ns = self.namespaces.get_mut(namespace).filter(|ns| ns.uid == uid).ok_or("another UID")?;
        let before = ns.clone();
        write(ns)?;
        if *ns != before {
            self.emit_namespace(namespace);
        }
        Ok(())
    }

    /// One write of the operator; refused where the API server would refuse it.
    pub fn execute(&mut self, namespace: &str, uid: &str, action: &Action) -> Result<(), String> {
        match action {
            Action::DropIsolated => self.write_labels(namespace, uid, |ns| {
                ns.apply(MANAGER_ISOLATION, &BTreeMap::new());
                Ok(())
            }),
            Action::Labels(labels) => self.write_labels(namespace, uid, |ns| {
                ns.apply(MANAGER, labels);
                Ok(())
            }),
            Action::PodSecurity(labels) => self
                .write_labels(namespace, uid, |ns| {
                    let held = |(key, value): (&String, &String)| {
                        ns.labels
                            .get(key)
                            .is_some_and(|(v, owner)| v != value && owner != MANAGER_POD_SECURITY)
                    };
                    if labels.iter().any(held) {
                        return Err("conflict".into());
                    }
                    ns.apply(MANAGER_POD_SECURITY, labels);
                    Ok(())
                })
                // Reported as LabelConflict; the rest goes on.
                .or_else(|error| if error == "conflict" { Ok(()) } else { Err(error) }),
            Action::Object(desired) | Action::Rights(desired) => self.server_side_apply(namespace, desired),
            Action::Isolate(value, read_back) => {
                for (key, fingerprint) in read_back {
                    let live = self.objects.get(&(namespace.to_owned(), key.clone()));
                    let live = live.map(|object| observed(key.kind, object).fingerprint);
                    if live.as_ref() != Some(fingerprint) {
                        return Err(format!("{key} was not read back"));
                    }
                }
                let labels = BTreeMap::from([(LABEL_ISOLATED.to_owned(), (*value).to_owned())]);
                self.write_labels(namespace, uid, |ns| {
                    ns.apply(MANAGER_ISOLATION, &labels);
                    Ok(())
                })
            }
            Action::Orphan(orphan) => {
                let live = self.objects.get(&(namespace.to_owned(), orphan.key.clone()));
                let Some(live) = live else { return Ok(()) };
                if live["metadata"]["uid"] != orphan.uid
                    || live["metadata"]["resourceVersion"].as_str()
                        != Some(orphan.version.to_string().as_str())
                {
                    return Err("precondition".into());
                }
                self.foreign_delete(namespace, &orphan.key);
                Ok(())
            }
            Action::Release => self.write_labels(namespace, uid, |ns| {
                ns.labels.retain(|key, _| !key.starts_with(LABEL_PREFIX));
                Ok(())
            }),
        }
    }

    /// Plans and applies until nothing is left to do; how many rounds that took.
    pub fn settle(&mut self, namespace: &str) -> usize {
        for round in 0..10 {
            let plan = self.plan(namespace);
            if plan.steps.is_empty() {
                return round;
            }
            for action in actions(&plan) {
                self.execute(namespace, plan.uid.as_deref().unwrap(), &action).unwrap();
            }
            self.tick(1);
        }
        panic!("{namespace} does not settle: {:#?}", self.plan(namespace).steps);
    }

    pub fn record(&self, namespace: &str) -> Option<Record> {
        let map = self.object(namespace, ManagedKind::ConfigMap, RECORD)?;
        serde_json::from_str(map["data"][RECORD_KEY].as_str()?).ok()
    }
}

pub fn unreadable<K>(name: &str) -> Declared<K> {
    Err(Unreadable {
        name: name.to_owned(),
        namespace: None,
        generation: Some(9),
        error: "spec.level: unknown variant `Maximal`".into(),
    })
}

fn seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap()
}

pub fn namespace_object(name: &str, ns: &Ns) -> Namespace {
    let mut owners: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for (key, (_, owner)) in &ns.labels {
        owners.entry(owner).or_default().insert(format!("f:{key}"), json!({}));
    }
    let fields: Vec<Value> = owners
        .into_iter()
        .map(|(owner, keys)| {
            let operation = if owner == FOREIGNER { "Update" } else { "Apply" };
            json!({
                "manager": owner, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:metadata": {"f:labels": keys}},
            })
        })
        .collect();
    let labels: BTreeMap<_, _> = ns.labels.iter().map(|(k, (v, _))| (k, v)).collect();
    let mut object = json!({
        "metadata": {
            "name": name, "uid": ns.uid, "labels": labels, "managedFields": fields,
            "creationTimestamp": ns.created.to_string(),
        },
    });
    if ns.deleting {
        object["metadata"]["deletionTimestamp"] = ns.created.to_string().into();
    }
    read(object)
}

pub fn body(desired: &Desired) -> Value {
    match desired {
        Desired::NetworkPolicy(o) => serde_json::to_value(o),
        Desired::ResourceQuota(o) => serde_json::to_value(o),
        Desired::LimitRange(o) => serde_json::to_value(o),
        Desired::RoleBinding(o) => serde_json::to_value(o),
        Desired::ConfigMap(o) => serde_json::to_value(o),
        Desired::ServiceAccount(o) => serde_json::to_value(o),
    }
    .unwrap()
}

type Objects = BTreeMap<(String, ObjectKey), Value>;

fn of_kind(objects: &Objects, kind: ManagedKind) -> impl Iterator<Item = (&String, &ObjectKey, &Value)> {
    objects.iter().filter(move |((_, key), _)| key.kind == kind).map(|((ns, key), object)| (ns, key, object))
}

fn observed(kind: ManagedKind, object: &Value) -> Observed {
    let object = object.clone();
    match kind {
        ManagedKind::NetworkPolicy => Observed::from(&read::<NetworkPolicy>(object)),
        ManagedKind::ResourceQuota => Observed::from(&read::<ResourceQuota>(object)),
        ManagedKind::LimitRange => Observed::from(&read::<LimitRange>(object)),
        ManagedKind::RoleBinding => Observed::from(&read::<RoleBinding>(object)),
        ManagedKind::ConfigMap => Observed::from(&read::<ConfigMap>(object)),
        ManagedKind::ServiceAccount => Observed::from(&read::<ServiceAccount>(object)),
    }
}

/// Lists and selectors of the kinds at hand are atomic, maps are merged.
fn merge(live: &mut Value, new: &Value) {
    let (Value::Object(live), Value::Object(new)) = (&mut *live, new) else {
        *live = new.clone();
        return;
    };
    for (key, value) in new {
        if key == "podSelector" || key == "roleRef" {
            live.insert(key.clone(), value.clone());
        } else {
            merge(live.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// What we applied before and state no longer goes away.
fn give_up(live: &mut Value, before: &Value, new: &Value) {
    let (Value::Object(live), Value::Object(before)) = (live, before) else { return };
    for (key, value) in before {
        match new.get(key) {
            None => {
                live.remove(key);
            }
            Some(new) => {
                if let Some(live) = live.get_mut(key) {
                    give_up(live, value, new);
                }
            }
        }
    }
}
