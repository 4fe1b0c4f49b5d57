//! Plans against an API server that others write to at the same time, with watches that lag and a process that
//! dies between any two writes. What must hold holds after every single write, and peace brings rest.

use crate::support::{self, Action, Cluster, Ns, STREAMS, actions, body, deny, unreadable};
use proptest::prelude::*;
use serde_json::{Value, json};
use snc_core::names::{
    DEFAULT_DENY, LABEL_ISOLATED, LABEL_MANAGED_BY, LABEL_PREFIX, LABEL_TENANT, MANAGED_BY,
    MANAGER_POD_SECURITY, RECORD, RECORD_KEY,
};
use snc_index::{Key, ManagedKind, ObjectKey};
use snc_plan::NamespacePlan;
use snc_plan::governance::Governance;
use snc_plan::objects;
use snc_plan::status::{baseline_status, policy_status, tenant_view};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const NAMESPACES: [&str; 3] = ["a", "b", "c"];

fn baseline(menu: u8) -> Value {
    match menu % 9 {
        0 => json!({}),
        1 | 2 => json!({"modes": {"isolation": "Enforce"}}),
        3 => json!({
            "level": "Standard", "modes": {"isolation": "Enforce", "podSecurity": "Enforce", "quota": "Enforce"},
            "quota": {"requests.cpu": 4, "pods": 10},
        }),
        4 => json!({"modes": {"isolation": "Warn"}, "network": {"dns": {"namespace": "kube-system"}}}),
        5 => json!({"network": {"dns": {"namespace": "dns", "ports": [{"protocol": "UDP", "port": 5353}]}}}),
        6 => json!({"network": {"allowedCIDRs": ["10.0.0.0/8"], "sharedServices": [{
            "name": "db", "direction": "Egress", "namespace": "platform", "ports": [{"port": 5432}], "justification": "data",
        }]}}),
        7 => json!({"network": {"allowedCIDRs": ["192.168.0.0/16"], "deniedCIDRs": ["192.168.7.0/24"]}}),
        _ => {
            json!({"tenantSelector": {"matchLabels": {"tier": "gold"}}, "modes": {"isolation": "Enforce", "quota": "Enforce"}})
        }
    }
}

fn policy(menu: u8) -> Value {
    let flow = |name: &str, peer: Value| json!({"name": name, "justification": "needed", "direction": "Egress", "peers": [peer], "ports": [{"port": 443}]});
    match menu % 8 {
        0 => json!({}),
        1 => {
            json!({"modes": {"isolation": "Enforce"}, "network": {"flows": [flow("pods", json!({"pods": {}}))]}})
        }
        2 => json!({"network": {"flows": [
            flow("peer", json!({"namespaces": {"names": ["a", "b"]}})),
            flow("out", json!({"cidr": {"block": "10.1.0.0/16"}})),
        ]}}),
        3 => json!({"level": "Avance", "quota": {"requests.cpu": 6}, "modes": {"quota": "Enforce"}}),
        4 => {
            json!({"network": {"flows": [flow("pods", json!({"pods": {}})), flow("bad", json!({"cidr": {"block": "10.1.0.0/99"}}))]}})
        }
        5 => json!({"modes": {"isolation": "Audit", "podSecurity": "Warn", "quota": "Audit"}}),
        6 => json!({"network": {"flows": [
            flow("db", json!({"sharedService": {"name": "db"}})),
            flow("lan", json!({"cidr": {"block": "192.168.0.0/16"}})),
        ]}}),
        _ => json!({"environment": "Production", "quota": {"pods": 3, "requests.memory": "1Gi"}}),
    }
}

fn tenant(which: bool, menu: u8) -> (Value, Value) {
    let claim = if which { json!(["a", "b"]) } else { json!(["c"]) };
    let labels = if menu & 1 == 0 { json!({"tier": "gold"}) } else { json!({}) };
    let mut spec = json!({
        "level": if menu & 2 == 0 { "Essentiel" } else { "Standard" },
        "namespaces": claim,
        "adoption": if menu & 4 == 0 { "Enforce" } else { "Observe" },
        "owners": [{"kind": "User", "name": if menu & 1 == 0 { "alice" } else { "bob" }}],
    });
    if menu & 8 != 0 {
        spec["quota"] = json!({"requests.cpu": 8, "pods": 12});
    }
    if !which && menu & 16 != 0 {
        spec["namespacePrefixes"] = json!(["b"]);
    }
    if menu & 0x60 == 0x60 {
        spec["release"] = json!(["a"]);
    }
    (spec, labels)
}

#[derive(Debug, Clone)]
enum Op {
    CreateNamespace(u8),
    DeleteNamespace(u8),
    FinishDeletion(u8),
    Pod(u8, u8),
    DeletePod(u8, u8),
    Tenant(bool, u8),
    DropTenant(bool),
    UnreadableTenant(bool),
    Baseline(u8, u8),
    DropBaseline(u8),
    UnreadableBaseline(u8),
    Policy(u8, u8, u8),
    DropPolicy(u8, u8),
    UnreadablePolicy(u8, u8),
    DeleteOurs(u8, u8),
    ChangeOurs(u8, u8),
    StripOurs(u8, u8),
    AddForeign(u8),
    DropLabel(u8, u8),
    ChangeLabel(u8, u8),
    Gate(bool),
    Lag(bool),
    Deliver(u8),
    DeliverAll,
    Crash,
    /// The operator plans one namespace if it has nothing at hand, else makes its next write.
    Operate(u8),
    /// A whole plan without disturbance.
    Round(u8),
}

fn op() -> impl Strategy<Value = Op> {
    let n = || 0u8..3;
    prop_oneof![
        3 => n().prop_map(Op::CreateNamespace),
        1 => n().prop_map(Op::DeleteNamespace),
        2 => n().prop_map(Op::FinishDeletion),
        2 => (n(), 0u8..3).prop_map(|(a, b)| Op::Pod(a, b)),
        1 => (n(), 0u8..3).prop_map(|(a, b)| Op::DeletePod(a, b)),
        3 => (any::<bool>(), any::<u8>()).prop_map(|(a, b)| Op::Tenant(a, b)),
        1 => any::<bool>().prop_map(Op::DropTenant),
        1 => any::<bool>().prop_map(Op::UnreadableTenant),
        4 => (0u8..2, any::<u8>()).prop_map(|(a, b)| Op::Baseline(a, b)),
        1 => (0u8..2).prop_map(Op::DropBaseline),
        1 => (0u8..2).prop_map(Op::UnreadableBaseline),
        4 => (n(), 0u8..2, any::<u8>()).prop_map(|(a, b, c)| Op::Policy(a, b, c)),
        2 => (n(), 0u8..2).prop_map(|(a, b)| Op::DropPolicy(a, b)),
        1 => (n(), 0u8..2).prop_map(|(a, b)| Op::UnreadablePolicy(a, b)),
        2 => (n(), any::<u8>()).prop_map(|(a, b)| Op::DeleteOurs(a, b)),
        2 => (n(), any::<u8>()).prop_map(|(a, b)| Op::ChangeOurs(a, b)),
        1 => (n(), any::<u8>()).prop_map(|(a, b)| Op::StripOurs(a, b)),
        1 => n().prop_map(Op::AddForeign),
        2 => (n(), any::<u8>()).prop_map(|(a, b)| Op::DropLabel(a, b)),
        1 => (n(), any::<u8>()).prop_map(|(a, b)| Op::ChangeLabel(a, b)),
        1 => any::<bool>().prop_map(Op::Gate),
        1 => any::<bool>().prop_map(Op::Lag),
        4 => (0u8..11).prop_map(Op::Deliver),
        2 => Just(Op::DeliverAll),
        1 => Just(Op::Crash),
        40 => n().prop_map(Op::Operate),
        6 => n().prop_map(Op::Round),
    ]
}

struct Sim {
    cluster: Cluster,
    at_hand: Option<(NamespacePlan, Vec<Action>)>,
    /// UIDs whose label `isolated` was true at any moment.
    isolated: BTreeSet<String>,
}

type State = (BTreeMap<String, Ns>, BTreeMap<(String, ObjectKey), Value>);

fn start() -> Sim {
    let mut cluster = Cluster::default();
    let (spec, labels) = tenant(true, 0);
    cluster.tenant_with_labels("t0", &spec, &labels);
    cluster.baseline("b0", &baseline(1));
    cluster.namespace("a");
    cluster.policy("a", "p0", &policy(1));
    Sim { cluster, at_hand: None, isolated: BTreeSet::new() }
}

fn pick<T: Clone>(list: &[T], n: u8) -> Option<T> {
    (!list.is_empty()).then(|| list[usize::from(n) % list.len()].clone())
}

impl Sim {
    fn ours(&self, namespace: &str) -> Vec<ObjectKey> {
        let mine = |key: &ObjectKey, object: &Value| {
            object["metadata"]["labels"][LABEL_MANAGED_BY] == MANAGED_BY
                || key.kind == ManagedKind::ServiceAccount
        };
        let all = self.cluster.objects.iter();
        all.filter(|((ns, key), o)| ns == namespace && mine(key, o))
            .map(|((_, key), _)| key.clone())
            .collect()
    }

    fn operate(&mut self, namespace: &str) {
        let (plan, mut rest) = self.at_hand.take().unwrap_or_else(|| {
            let plan = self.cluster.plan(namespace);
            let rest = actions(&plan);
            (plan, rest)
        });
        if rest.is_empty() {
            return;
        }
        let action = rest.remove(0);
        if self.write(&plan, &action).is_ok() {
            self.at_hand = Some((plan, rest));
        }
    }

    fn round(&mut self, namespace: &str) {
        self.at_hand = None;
        loop {
            self.operate(namespace);
            if self.at_hand.as_ref().is_none_or(|(_, rest)| rest.is_empty()) {
                break;
            }
        }
        self.at_hand = None;
    }

    /// One write, and everything that must hold of it.
    fn write(&mut self, plan: &NamespacePlan, action: &Action) -> Result<(), String> {
        let namespace = plan.namespace.as_str();
        let before: State = (self.cluster.namespaces.clone(), self.cluster.objects.clone());
        let uid = plan.uid.clone().unwrap();
        let result = self.cluster.execute(namespace, &uid, action);
        let after = &self.cluster;
        let released = matches!(plan.governance, Governance::Released { .. });

        for (id, object) in &before.1 {
            let (ns, key) = id;
            let same = after.objects.get(id) == Some(object);
            assert!(same || ns == namespace, "{action:?} for {namespace} touched {ns}/{key}");
            let labelled = object["metadata"]["labels"][LABEL_MANAGED_BY] == MANAGED_BY;
            let reserved = key.name.starts_with("snc-");
            let ours = labelled || reserved || key.kind == ManagedKind::ServiceAccount;
            assert!(same || ours, "{action:?} touched the foreign {ns}/{key}");
            // A ServiceAccount is never ours to remove.
            assert!(
                after.objects.contains_key(id) || key.kind != ManagedKind::ServiceAccount,
                "{action:?} removed {key}"
            );
        }
        for (id, object) in &after.objects {
            assert!(
                id.0 == namespace || before.1.get(id) == Some(object),
                "{action:?} for {namespace} wrote {id:?}"
            );
        }
        for (name, ns) in &before.0 {
            let now = &after.namespaces[name];
            assert!(
                now == ns || name == namespace,
                "{action:?} for {namespace} touched the namespace {name}"
            );
            assert!(now == ns || now.uid == uid, "{action:?} of {uid} labelled {}", now.uid);
            for (key, label) in &ns.labels {
                let ours = key.starts_with(LABEL_PREFIX) || key.starts_with("pod-security.kubernetes.io/");
                assert!(ours || now.labels.get(key) == Some(label), "{action:?} changed the label {key}");
            }
        }

        // Law 6: no write of ours takes the default-deny from a namespace that was isolated.
        let id = (namespace.to_owned(), deny());
        let wanted = body(&objects::default_deny(namespace));
        let closed = |object: Option<&Value>| object.is_some_and(|o| o["spec"] == wanted["spec"]);
        let live_uid = after.namespaces.get(namespace).map(|ns| ns.uid.clone()).unwrap_or_default();
        if self.isolated.contains(&live_uid) && !released {
            assert!(
                after.objects.contains_key(&id) || !before.1.contains_key(&id),
                "{action:?} removed {DEFAULT_DENY}"
            );
            assert!(
                closed(after.objects.get(&id)) || !closed(before.1.get(&id)),
                "{action:?} opened {DEFAULT_DENY}"
            );
        }
        let isolated = |ns: Option<&Ns>| ns.is_some_and(|ns| ns.label(LABEL_ISOLATED) == Some("true"));
        if isolated(after.namespaces.get(namespace)) && !isolated(before.0.get(namespace)) {
            assert!(
                closed(after.objects.get(&id)),
                "{action:?} called {namespace} isolated, without {DEFAULT_DENY}"
            );
        }
        // Rights come after isolation, and only by that step.
        let key = ObjectKey::new(ManagedKind::RoleBinding, "snc-owners");
        if !before.1.contains_key(&(namespace.to_owned(), key.clone()))
            && after.has(namespace, &key)
            && live_uid == uid
        {
            assert!(matches!(action, Action::Rights(_)), "{action:?} gave rights");
        }
        self.note();
        result
    }

    fn note(&mut self) {
        let isolated = |ns: &&Ns| ns.label(LABEL_ISOLATED) == Some("true");
        let uids: Vec<_> =
            self.cluster.namespaces.values().filter(isolated).map(|ns| ns.uid.clone()).collect();
        self.isolated.extend(uids);
    }

    fn change_ours(&mut self, namespace: &str, n: u8) {
        let Some(key) = pick(&self.ours(namespace), n) else { return };
        self.cluster.foreign_edit(namespace, &key, |object| match key.kind {
            ManagedKind::NetworkPolicy => {
                let policy_types = object["spec"]["policyTypes"].clone();
                let rules = if policy_types[0] == "Ingress" { "ingress" } else { "egress" };
                object["spec"][rules] = json!([{}]);
            }
            ManagedKind::ResourceQuota => object["spec"]["hard"] = json!({}),
            ManagedKind::LimitRange => object["spec"]["limits"] = json!([]),
            ManagedKind::RoleBinding => object["subjects"] = json!([{"kind": "User", "name": "mallory"}]),
            ManagedKind::ConfigMap if n & 128 == 0 => object["data"]["more"] = json!("mine"),
            ManagedKind::ConfigMap => object["data"][RECORD_KEY] = json!("{"),
            ManagedKind::ServiceAccount => object["automountServiceAccountToken"] = json!(true),
        });
    }

    #[allow(clippy::too_many_lines)]
    fn run(&mut self, op: &Op) {
        self.cluster.now = self.cluster.now.checked_add(jiff::SignedDuration::from_millis(700)).unwrap();
        let name = |n: u8| NAMESPACES[usize::from(n) % 3];
        let tenant_name = |which: bool| if which { "t0" } else { "t1" };
        let baseline_name = |n: u8| if n == 0 { "b0" } else { "b1" };
        let policy_name = |n: u8| if n == 0 { "p0" } else { "p1" };
        let cluster = &mut self.cluster;
        match *op {
            Op::CreateNamespace(n) => {
                if !cluster.namespaces.contains_key(name(n)) {
                    cluster.namespace(name(n));
                }
            }
            Op::DeleteNamespace(n) => cluster.start_deletion(name(n)),
            Op::FinishDeletion(n) => cluster.finish_deletion(name(n)),
            Op::Pod(n, pod) => {
                cluster.pod(name(n), &format!("pod-{pod}"), pod == 2);
            }
            Op::DeletePod(n, pod) => cluster.delete_pod(name(n), &format!("pod-{pod}")),
            Op::Tenant(which, menu) => {
                let (spec, labels) = tenant(which, menu);
                cluster.tenant_with_labels(tenant_name(which), &spec, &labels);
            }
            Op::DropTenant(which) => cluster.set_tenant(tenant_name(which), None),
            Op::UnreadableTenant(which) => {
                cluster.set_tenant(tenant_name(which), Some(unreadable(tenant_name(which))));
            }
            Op::Baseline(n, menu) => cluster.baseline(baseline_name(n), &baseline(menu)),
            Op::DropBaseline(n) => cluster.set_baseline(baseline_name(n), None),
            Op::UnreadableBaseline(n) => {
                cluster.set_baseline(baseline_name(n), Some(unreadable(baseline_name(n))));
            }
            Op::Policy(n, p, menu) => {
                if cluster.namespaces.get(name(n)).is_some_and(|ns| !ns.deleting) {
                    cluster.policy(name(n), policy_name(p), &policy(menu));
                }
            }
            Op::DropPolicy(n, p) => cluster.delete_policy(name(n), policy_name(p)),
            Op::UnreadablePolicy(n, p) => {
                if cluster.policies.contains_key(&(name(n).to_owned(), policy_name(p).to_owned())) {
                    cluster.set_policy(name(n), policy_name(p), unreadable(policy_name(p)));
                }
            }
            Op::DeleteOurs(n, which) => {
                if let Some(key) = pick(&self.ours(name(n)), which) {
                    self.cluster.foreign_delete(name(n), &key);
                }
            }
            Op::ChangeOurs(n, which) => self.change_ours(name(n), which),
            Op::StripOurs(n, which) => {
                if let Some(key) = pick(&self.ours(name(n)), which) {
                    self.cluster
                        .foreign_edit(name(n), &key, |object| object["metadata"]["labels"] = json!({}));
                }
            }
            Op::AddForeign(n) => {
                if cluster.namespaces.contains_key(name(n)) {
                    cluster.foreign_network_policy(name(n), "theirs");
                }
            }
            Op::DropLabel(n, which) => {
                let Some(ns) = cluster.namespaces.get(name(n)) else { return };
                let keys: Vec<String> =
                    ns.labels.keys().filter(|k| *k != "kubernetes.io/metadata.name").cloned().collect();
                if let Some(key) = pick(&keys, which) {
                    cluster.set_label(name(n), &key, None);
                }
            }
            Op::ChangeLabel(n, which) => {
                let Some(ns) = cluster.namespaces.get(name(n)) else { return };
                let fixed = ["kubernetes.io/metadata.name", LABEL_TENANT, LABEL_ISOLATED];
                let keys: Vec<String> =
                    ns.labels.keys().filter(|k| !fixed.contains(&k.as_str())).cloned().collect();
                if let Some(key) = pick(&keys, which) {
                    cluster.set_label(name(n), &key, Some("privileged"));
                }
            }
            Op::Gate(proven) => cluster.facts.gate_proven = proven,
            Op::Lag(lagging) => {
                cluster.lagging = lagging;
                if !lagging {
                    cluster.deliver_all();
                }
            }
            Op::Deliver(stream) => {
                cluster.deliver(usize::from(stream) % STREAMS);
            }
            Op::DeliverAll => cluster.deliver_all(),
            Op::Crash => {
                self.at_hand = None;
                self.cluster.restart();
            }
            Op::Operate(n) => self.operate(name(n)),
            Op::Round(n) => self.round(name(n)),
        }
        self.note();
    }

    /// Only what somebody else holds against us may remain to be done.
    fn rest(plan: &NamespacePlan, ns: &Ns) -> Vec<Action> {
        let conflict = ns.labels.iter().any(|(key, (_, owner))| {
            key.starts_with("pod-security.kubernetes.io/") && owner != MANAGER_POD_SECURITY
        });
        let mut rest = actions(plan);
        rest.retain(|action| !(conflict && matches!(action, Action::PodSecurity(_))));
        rest
    }

    fn converge(&mut self) {
        self.at_hand = None;
        self.cluster.lagging = false;
        self.cluster.deliver_all();
        self.cluster.facts.gate_proven = true;
        for round in 0.. {
            let mut quiet = true;
            for name in NAMESPACES {
                let Some(ns) = self.cluster.namespaces.get(name) else { continue };
                let rest = Self::rest(&self.cluster.plan(name), ns);
                assert!(rest.is_empty() || round < 6, "{name} does not come to rest: {rest:#?}");
                quiet &= rest.is_empty();
                self.cluster.tick(61);
                self.round(name);
            }
            if quiet {
                break;
            }
        }
    }

    fn check_end(&mut self) {
        for name in NAMESPACES {
            let Some(ns) = self.cluster.namespaces.get(name).cloned() else { continue };
            let plan = self.cluster.plan(name);
            if let (Governance::Governed { tenant }, Some(report)) = (&plan.governance, &plan.report) {
                assert_eq!(ns.label(LABEL_TENANT), Some(tenant.as_str()));
                let has_deny = self.cluster.has(name, &deny());
                assert_eq!(ns.label(LABEL_ISOLATED) == Some("true"), report.enforced);
                assert!(!report.enforced || has_deny);
                let record = self.cluster.record(name).unwrap();
                assert_eq!(record.uid, ns.uid);
                if let Some(gap) = record.gap {
                    assert!(gap.from <= gap.to, "{gap:?}");
                }
                let known: BTreeSet<String> = report.desired.iter().map(ToString::to_string).collect();
                let unreadable = report.effective.retained.iter().any(|r| r.error.is_some());
                for ours in self.cluster.ours(name) {
                    assert!(unreadable || known.contains(&ours), "{ours} is left over in {name}");
                }
            }
            if let Governance::Released { .. } = plan.governance {
                assert!(self.cluster.ours(name).is_empty());
                assert!(!ns.labels.keys().any(|key| key.starts_with(LABEL_PREFIX)));
            }
        }
        // A new process sees the same and has as little to do.
        let live: Vec<_> = NAMESPACES.iter().map(|n| format!("{:?}", self.cluster.plan(n).steps)).collect();
        self.cluster.restart();
        let again: Vec<_> = NAMESPACES.iter().map(|n| format!("{:?}", self.cluster.plan(n).steps)).collect();
        assert_eq!(live, again);
    }
}

/// A few cases in seconds; `SIMULATION_CASES` asks for more.
fn config(cases: u32) -> ProptestConfig {
    let cases = std::env::var("SIMULATION_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(cases);
    ProptestConfig { cases, max_shrink_iters: 4000, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(96))]

    #[test]
    fn no_write_of_ours_opens_a_gap_and_peace_brings_rest(ops in prop::collection::vec(op(), 1..120)) {
        let mut sim = start();
        for op in &ops {
            sim.run(op);
        }
        sim.converge();
        sim.check_end();
    }
}

/// What anybody could see of the decisions on each key.
fn views(cluster: &Cluster) -> BTreeMap<Key, String> {
    let mut all = BTreeMap::new();
    for name in NAMESPACES {
        let mut plan = cluster.plan(name);
        // A newer version of what is removed is looked up again when its deletion is refused.
        plan.steps.orphans.iter_mut().for_each(|orphan| orphan.version = 0);
        let mut text = format!("{plan:?}");
        for (_, policy) in cluster.index.policies(name) {
            if let Ok(policy) = policy {
                let status = policy_status(policy, &plan, &[], None, cluster.settings.lang, cluster.now);
                write!(text, "{status:?}").unwrap();
            }
        }
        all.insert(Key::Namespace(name.to_owned()), text);
    }
    for (name, tenant) in cluster.index.tenants() {
        if let Ok(tenant) = tenant {
            let view = tenant_view(&cluster.index, &cluster.settings, &cluster.facts, tenant, cluster.now);
            all.insert(Key::Tenant(name.to_owned()), format!("{view:?}"));
        }
    }
    for (name, baseline) in cluster.index.baselines() {
        if let Ok(baseline) = baseline {
            let status = baseline_status(&cluster.index, &cluster.settings, baseline, cluster.now);
            all.insert(Key::Baseline(name.to_owned()), format!("{status:?}"));
        }
    }
    all
}

proptest! {
    #![proptest_config(config(16))]

    /// No event changes a decision without its key being looked at again: nothing is stuck until something else
    /// happens.
    #[test]
    fn whatever_an_event_changes_is_dirty(ops in prop::collection::vec(op(), 1..60)) {
        let mut sim = start();
        sim.cluster.lagging = true;
        for op in &ops {
            if matches!(op, Op::Gate(_) | Op::Crash | Op::Lag(_) | Op::Deliver(_) | Op::DeliverAll) {
                continue;
            }
            sim.run(op);
            sim.cluster.now = support::at(support::START);
            for stream in 0..STREAMS {
                loop {
                    let before = views(&sim.cluster);
                    let Some(dirty) = sim.cluster.deliver(stream) else { break };
                    let after = views(&sim.cluster);
                    for (key, view) in &after {
                        prop_assert!(
                            before.get(key) == Some(view) || dirty.contains(key),
                            "{op:?}: {key:?} changed unseen ({dirty:?})\nfrom {:?}\nto   {view}", before.get(key)
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn the_record_of_the_end_is_the_start_of_the_next_process() {
    let mut sim = start();
    sim.round("a");
    sim.round("a");
    let key = ObjectKey::new(ManagedKind::ConfigMap, RECORD);
    let before = sim.cluster.objects[&("a".to_owned(), key.clone())].clone();
    sim.cluster.restart();
    sim.cluster.tick(3600);
    sim.round("a");
    assert_eq!(before, sim.cluster.objects[&("a".to_owned(), key)]);
}
