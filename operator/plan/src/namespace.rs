//! Everything that one namespace should have, and the steps from what it has.

use crate::audit::{self, Known};
use crate::canary::Tried;
use crate::effective::{Effective, effective};
use crate::governance::{Governance, govern, has_isolation, is_own, record};
use crate::network::{self, Network};
use crate::objects::{self, Desired};
use crate::probe::Probed;
use crate::quota::{Share, share};
use crate::settings::{ClusterFacts, Settings};
use crate::validate::{self, FlowContext, ResolvedFlows};
use jiff::Timestamp;
use snc_core::names::{
    DEFAULT_DENY, LABEL_ISOLATED, LABEL_PREFIX, LABEL_TENANT, MANAGER, MANAGER_POD_SECURITY,
};
use snc_core::tier::Mode;
use snc_index::{Gap, Index, ManagedKind, NamespaceFacts, ObjectKey, Record};
use std::collections::{BTreeMap, BTreeSet};

type Labels = BTreeMap<String, String>;

/// What to do, in this order. Each part is empty when the namespace already is as it should be.
#[derive(Debug, Default)]
pub struct Steps {
    /// The namespace is on its way out: no pod may slip into a new one of the same name.
    pub drop_isolated: bool,
    pub labels: Option<Labels>,
    pub pod_security: Option<Labels>,
    /// Default-deny first.
    pub objects: Vec<Desired>,
    /// Value of the label `isolated` to set once these policies were read back.
    pub isolate: Option<(&'static str, Vec<(ObjectKey, String)>)>,
    pub rights: Vec<Desired>,
    pub orphans: Vec<Orphan>,
    pub release: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    pub key: ObjectKey,
    pub uid: String,
    pub version: u64,
}

impl Steps {
    pub fn is_empty(&self) -> bool {
        let Self { drop_isolated, labels, pod_security, objects, isolate, rights, orphans, release } = self;
        !drop_isolated
            && !release
            && labels.is_none()
            && pod_security.is_none()
            && isolate.is_none()
            && objects.is_empty()
            && rights.is_empty()
            && orphans.is_empty()
    }
}

/// Names and counts only: what a step writes is not for the log.
impl std::fmt::Display for Steps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        let named = |what: &str, keys: &mut dyn Iterator<Item = String>| {
            let keys: Vec<String> = keys.collect();
            (!keys.is_empty()).then(|| format!("{what} {}", keys.join(" ")))
        };
        parts.extend(self.drop_isolated.then(|| "drop isolated".to_owned()));
        parts.extend(self.labels.as_ref().map(|l| format!("labels ({})", l.len())));
        parts.extend(self.pod_security.as_ref().map(|l| format!("pod security ({})", l.len())));
        parts.extend(named("apply", &mut self.objects.iter().map(|o| o.key().to_string())));
        parts.extend(self.isolate.as_ref().map(|(value, _)| format!("isolate {value}")));
        parts.extend(named("apply", &mut self.rights.iter().map(|o| o.key().to_string())));
        parts.extend(named("delete", &mut self.orphans.iter().map(|o| o.key.to_string())));
        parts.extend(self.release.then(|| "release".to_owned()));
        f.write_str(&parts.join(", "))
    }
}

/// What was decided of a governed namespace, for its status.
#[derive(Debug)]
pub struct Report {
    pub effective: Effective,
    pub flows: BTreeMap<String, ResolvedFlows>,
    pub share: Share,
    pub network: Network,
    pub desired: Vec<ObjectKey>,
    pub gate_pending: bool,
    pub admission: Option<Tried>,
    pub probed: Probed,
    pub audit: Known,
    pub enforced: bool,
    pub gap: Option<Gap>,
    pub left_out: Vec<String>,
}

#[derive(Debug)]
pub struct NamespacePlan {
    pub namespace: String,
    pub uid: Option<String>,
    pub governance: Governance,
    pub steps: Steps,
    pub report: Option<Report>,
    /// Kinds that cannot be read: who governs the namespace is not known either.
    pub denied: Vec<String>,
}

pub fn plan_namespace(
    index: &Index,
    settings: &Settings,
    cluster: &ClusterFacts,
    name: &str,
    now: Timestamp,
) -> NamespacePlan {
    let governance = govern(index, settings, name);
    let facts = index.namespace(name);
    let mut plan = NamespacePlan {
        namespace: name.to_owned(),
        uid: facts.map(|f| f.uid.clone()),
        governance,
        steps: Steps::default(),
        report: None,
        denied: cluster.denied.clone(),
    };
    let Some(facts) = facts else { return plan };
    match &plan.governance {
        Governance::None => {
            // What a conflict left behind in a namespace that was never anybody's.
            let untouched = !facts.deleting && !facts.labels.keys().any(|k| k.starts_with(LABEL_PREFIX));
            if untouched && !settings.protects(name) && !has_isolation(index, name) {
                plan.steps.orphans = orphans(index, name, &BTreeSet::new());
            }
        }
        Governance::Protected | Governance::Observed { .. } | Governance::Conflict { observed: true, .. } => {
        }
        Governance::Terminating { .. } => plan.steps.drop_isolated = facts.label(LABEL_ISOLATED).is_some(),
        Governance::Released { .. } => {
            plan.steps.orphans = orphans(index, name, &BTreeSet::new());
            plan.steps.release =
                facts.labels.keys().any(|k| k.starts_with(LABEL_PREFIX)) || !plan.steps.orphans.is_empty();
        }
        Governance::Conflict { observed: false, .. } => {
            let isolated = has_isolation(index, name);
            let deny = if isolated { objects::default_deny(name) } else { objects::conflict_deny(name) };
            plan.steps.objects = differing(index, name, vec![deny]);
        }
        Governance::Governed { tenant } => {
            let tenant = tenant.clone();
            let (steps, report) = plan_governed(index, settings, cluster, facts, &tenant, now);
            plan.steps = steps;
            plan.report = Some(report);
        }
    }
    plan
}

/// The plan of a namespace as if it were governed by this tenant; for an observed one, what would be done.
pub fn plan_governed(
    index: &Index,
    settings: &Settings,
    cluster: &ClusterFacts,
    facts: &NamespaceFacts,
    tenant: &str,
    now: Timestamp,
) -> (Steps, Report) {
    let name = facts.name.as_str();
    let mut effective = effective(index, name, tenant);
    audit::refuse_more(&mut effective, &cluster.audit);
    let previous = record(index, name).map(AsRef::as_ref);
    let isolated = facts.label(LABEL_ISOLATED) == Some("true");
    // Once isolated, a namespace stays so until it is released.
    let enforced = effective.constraints.isolation() == Mode::Enforce
        || isolated
        || has_isolation(index, name)
        || previous.is_some_and(|r| r.isolated_at.is_some());
    let flows = resolve_flows(index, settings, name, &effective);
    let share = share(index, settings, name, &effective);

    let mut policies = Vec::new();
    if enforced {
        policies.push(objects::default_deny(name));
        policies.push(objects::dns(name, &effective.constraints));
        policies.extend(flows.values().flat_map(|r| &r.flows).flat_map(|flow| objects::flow(name, flow)));
    }
    let record = next_record(index, facts, &effective, previous, enforced, now);
    let gap = record.gap.clone();
    let record = objects::record(name, record);
    let left_out = left_out(&record);
    let mut others = vec![record, objects::default_account(name)];
    if effective.constraints.quota_mode() == Mode::Enforce {
        others.extend(objects::resource_quota(name, &share));
        others.extend(objects::limit_range(name, &effective.constraints, &share));
    }
    let rights: Vec<Desired> =
        effective.tenant_spec.iter().filter_map(|spec| objects::owners(name, &spec.owners)).collect();

    let read_back = policies.iter().map(|p| (p.key(), p.fingerprint())).collect::<Vec<_>>();
    let network = network::judge(&network::Question {
        index,
        settings,
        cluster,
        namespace: name,
        effective: &effective,
        flows: &flows,
        planned: &read_back,
        enforced,
    });
    let desired: BTreeSet<ObjectKey> =
        policies.iter().chain(&others).chain(&rights).map(Desired::key).collect();
    // What is isolated does not lean on the gate, and its repair does not wait for it.
    let gate_pending = facts.label(LABEL_TENANT) != Some(tenant) && !cluster.gate_proven && !isolated;

    let mut steps = Steps::default();
    if !gate_pending {
        let labels = objects::labels(&effective);
        steps.labels = facts.labels_differ(MANAGER, &labels).then_some(labels);
        let pod_security = objects::pod_security_labels(&effective.constraints);
        steps.pod_security = facts.labels_differ(MANAGER_POD_SECURITY, &pod_security).then_some(pod_security);
        policies.extend(others);
        steps.objects = differing(index, name, policies);
        let value = match (enforced, effective.constraints.isolation()) {
            (true, _) => "true",
            (false, Mode::Warn) => "warn",
            (false, _) => "audit",
        };
        // Where the mode asked for may be in something that was never readable, the gate stays shut.
        let unknown = !enforced && !effective.never_read.is_empty() && facts.label(LABEL_ISOLATED).is_none();
        if facts.label(LABEL_ISOLATED) != Some(value) && !unknown {
            steps.isolate = Some((value, read_back));
        }
        steps.rights = differing(index, name, rights);
        steps.orphans = orphans(index, name, &desired);
        if effective.retained.iter().any(|r| r.error.is_some()) {
            // What an unreadable object asks for is not known, so nothing of it is taken away.
            steps.orphans.clear();
        }
    }
    let desired = desired.into_iter().collect();
    let (admission, probed, audit) =
        (cluster.admission.clone(), cluster.probed.clone(), cluster.audit.clone());
    let report = Report {
        effective,
        flows,
        share,
        network,
        desired,
        gate_pending,
        admission,
        probed,
        audit,
        enforced,
        gap,
        left_out,
    };
    (steps, report)
}

pub(crate) fn resolve_flows(
    index: &Index,
    settings: &Settings,
    namespace: &str,
    effective: &Effective,
) -> BTreeMap<String, ResolvedFlows> {
    let is_own_namespace =
        |other: &str| other == namespace || is_own(index, settings, &effective.tenant, other);
    let context = FlowContext {
        tenant: &effective.tenant,
        constraints: &effective.constraints,
        is_own_namespace: &is_own_namespace,
    };
    effective
        .policies
        .iter()
        .map(|(policy, spec)| (policy.clone(), validate::flows(policy, spec, &context)))
        .collect()
}

fn differing(index: &Index, namespace: &str, desired: Vec<Desired>) -> Vec<Desired> {
    let differs = |d: &Desired| {
        index.object(namespace, &d.key()).is_none_or(|o| o.deleting || o.fingerprint != d.fingerprint())
    };
    desired.into_iter().filter(differs).collect()
}

/// Objects that carry our label and are not wanted (any more); the default-deny last.
fn orphans(index: &Index, namespace: &str, desired: &BTreeSet<ObjectKey>) -> Vec<Orphan> {
    let mut orphans: Vec<Orphan> = index
        .managed(namespace)
        // Accounts are the cluster's and the tenant's, whatever label they carry.
        .filter(|(key, _)| key.kind != ManagedKind::ServiceAccount)
        .filter(|(key, object)| object.ours && !object.deleting && !desired.contains(*key))
        .map(|(key, object)| Orphan { key: key.clone(), uid: object.uid.clone(), version: object.version })
        .collect();
    orphans
        .sort_by_key(|o| (o.key.name == DEFAULT_DENY, o.key.kind != ManagedKind::RoleBinding, o.key.clone()));
    orphans
}

fn next_record(
    index: &Index,
    facts: &NamespaceFacts,
    effective: &Effective,
    previous: Option<&Record>,
    enforced: bool,
    now: Timestamp,
) -> Record {
    let mut record = effective.record_of(&facts.uid, previous);
    if !enforced {
        return record;
    }
    let before = record.isolated_at;
    let isolated_at = *record.isolated_at.get_or_insert(now);
    if let Some(from) = unisolated_since(index, &facts.name)
        // A pod that came after isolation is older than a default-deny that was put back: no adoption.
        && before.is_none_or(|before| from <= before)
        && record.gap.as_ref().is_none_or(|gap| from < gap.from)
    {
        record.gap = Some(Gap { from, to: isolated_at.max(from) });
    }
    record
}

/// Creation of the oldest pod that was there before the default-deny.
fn unisolated_since(index: &Index, namespace: &str) -> Option<Timestamp> {
    let (created, version) = index.pods(namespace)?.oldest?;
    let key = ObjectKey::new(ManagedKind::NetworkPolicy, DEFAULT_DENY);
    let precedes = match index.object(namespace, &key) {
        None => true,
        // Timestamps are whole seconds; within one, resource versions decide.
        Some(deny) => (created, version) < (deny.created, deny.first_version),
    };
    precedes.then_some(created)
}

fn left_out(record: &Desired) -> Vec<String> {
    let Desired::ConfigMap(map) = record else { return Vec::new() };
    Record::read(map).map(|r| r.left_out).unwrap_or_default()
}
