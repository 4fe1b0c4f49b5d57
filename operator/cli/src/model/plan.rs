//! What the operator would change now, step by step in its own order.

use super::live::{Live, merged};
use super::{NotThere, Selection};
use crate::words;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use snc_api::v1alpha1::{Adoption, SncTenant};
use snc_core::lang::Lang;
use snc_core::names::{LABEL_ISOLATED, LABEL_PREFIX, LABEL_TENANT, MANAGER, MANAGER_POD_SECURITY};
use snc_index::{Index, NamespaceFacts};
use snc_plan::governance::{Governance, govern};
use snc_plan::namespace::{Orphan, Report, Steps, plan_governed};
use snc_plan::objects::Desired;
use snc_plan::status::tenant_view;
use snc_plan::{ClusterFacts, NamespacePlan, Settings, plan_namespace};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanReport {
    pub context: String,
    pub generated_at: Timestamp,
    /// Steps over all namespaces.
    pub pending: usize,
    pub namespaces: Vec<NamespaceChanges>,
    /// Objects that did not deserialize; what they said before stays in force.
    pub unreadable: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Situation {
    Governed,
    /// Nothing is applied; the steps are those of `adoption: Enforce`.
    Observed,
    Conflict,
    Protected,
    Released,
    Terminating,
    NotGoverned,
    ToCreate,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceChanges {
    pub namespace: String,
    pub tenant: Option<String>,
    pub situation: Situation,
    pub steps: Vec<Step>,
    /// What is declared and will not be applied, and what stays in force.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelChange {
    pub key: String,
    pub old: Option<String>,
    pub new: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Step {
    CreateNamespace {
        labels: Vec<LabelChange>,
    },
    SetLabels {
        labels: Vec<LabelChange>,
        /// Only once the policies applied before were read back.
        after_read_back: bool,
    },
    Apply {
        kind: &'static str,
        name: String,
        live: Option<Value>,
        desired: Value,
    },
    Delete {
        kind: &'static str,
        name: String,
        live: Option<Value>,
    },
}

/// Everything that the plan is made from.
pub struct Facts<'a> {
    pub context: String,
    pub now: Timestamp,
    pub settings: &'a Settings,
    pub index: Index,
    pub live: Live,
}

/// The gate is taken as proven: what is asked is what will happen, not whether it may begin.
pub fn cluster_facts() -> ClusterFacts {
    ClusterFacts { gate_proven: true, ..ClusterFacts::default() }
}

/// A namespace with what is decided of it.
pub struct Decided {
    pub plan: NamespacePlan,
    pub tenant: Option<String>,
}

pub fn build(mut facts: Facts<'_>, selection: &Selection) -> Result<PlanReport, NotThere> {
    let decided = decide(&mut facts.index, facts.settings, selection, facts.now)?;
    let lang = facts.settings.lang;
    let mut namespaces: Vec<NamespaceChanges> =
        decided.into_iter().map(|decided| changes(&facts.index, &facts.live, decided, lang)).collect();
    namespaces.extend(to_create(&facts, selection));
    namespaces.sort_by(|a, b| a.namespace.cmp(&b.namespace));
    let unreadable = facts.index.unreadable().map(words::unreadable).collect();
    Ok(PlanReport {
        context: facts.context,
        generated_at: facts.now,
        pending: namespaces.iter().map(|n| n.steps.len()).sum(),
        namespaces,
        unreadable,
    })
}

/// The plans of the selected namespaces; those that are observed as if adoption were `Enforce`.
pub fn decide(
    index: &mut Index,
    settings: &Settings,
    selection: &Selection,
    now: Timestamp,
) -> Result<Vec<Decided>, NotThere> {
    let names = select(index, settings, selection)?;
    let cluster = cluster_facts();
    let mut decided: Vec<Decided> = Vec::new();
    let mut observed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in names {
        let plan = plan_namespace(index, settings, &cluster, &name, now);
        if let Governance::Observed { tenant } = &plan.governance {
            observed.entry(tenant.clone()).or_default().push(name);
        } else {
            let tenant = plan.governance.tenant().map(ToOwned::to_owned);
            decided.push(Decided { plan, tenant });
        }
    }
    for (tenant, names) in observed {
        let Some(declared) = index.tenant(&tenant).cloned() else { continue };
        // Promotion takes all the namespaces of the tenant at once, and they share its quota.
        if let Ok(live) = &declared {
            index.apply_tenant(&tenant, Ok(enforced(live)));
        }
        for name in names {
            let Some(facts) = index.namespace(&name).cloned() else { continue };
            let (steps, report) = plan_governed(index, settings, &cluster, &facts, &tenant, now);
            let governance = Governance::Observed { tenant: tenant.clone() };
            let plan = NamespacePlan {
                namespace: name,
                uid: Some(facts.uid),
                governance,
                steps,
                report: Some(report),
                denied: Vec::new(),
            };
            decided.push(Decided { plan, tenant: Some(tenant.clone()) });
        }
        index.apply_tenant(&tenant, declared);
    }
    decided.sort_by(|a, b| a.plan.namespace.cmp(&b.plan.namespace));
    Ok(decided)
}

fn enforced(tenant: &SncTenant) -> Arc<SncTenant> {
    let mut tenant = tenant.clone();
    tenant.spec.adoption = Adoption::Enforce;
    Arc::new(tenant)
}

fn select(index: &Index, settings: &Settings, selection: &Selection) -> Result<Vec<String>, NotThere> {
    let concerned = |namespace: &&NamespaceFacts| match govern(index, settings, &namespace.name) {
        Governance::None => false,
        // The operator's own canary carries a label too; only a claim is worth a word.
        Governance::Protected => !index.claimants(&namespace.name).is_empty(),
        _ => true,
    };
    let governed = || index.namespaces().filter(concerned).map(|n| n.name.clone());
    match selection {
        Selection::All => Ok(governed().collect()),
        Selection::Namespace(name) => {
            let claimed =
                index.tenants().any(|(_, t)| t.as_ref().is_ok_and(|t| t.spec.namespaces.contains(name)));
            if index.namespace(name).is_none() && !claimed {
                return Err(NotThere { selection: selection.clone(), known: governed().collect() });
            }
            Ok(index.namespace(name).map(|n| n.name.clone()).into_iter().collect())
        }
        Selection::Tenant(tenant) => {
            let holds = |n: &&NamespaceFacts| {
                n.label(LABEL_TENANT) == Some(tenant)
                    || index.claimants(&n.name).contains(tenant.as_str())
                    || govern(index, settings, &n.name).tenant() == Some(tenant)
            };
            let names: Vec<String> = index.namespaces().filter(holds).map(|n| n.name.clone()).collect();
            if index.tenant(tenant).is_none() && names.is_empty() {
                let known = index.tenants().map(|(name, _)| name.to_owned()).collect();
                return Err(NotThere { selection: selection.clone(), known });
            }
            Ok(names)
        }
    }
}

fn to_create(facts: &Facts<'_>, selection: &Selection) -> Vec<NamespaceChanges> {
    let mut all = Vec::new();
    for (name, tenant) in facts.index.tenants() {
        let Ok(tenant) = tenant else { continue };
        let view = tenant_view(&facts.index, facts.settings, &cluster_facts(), tenant, facts.now);
        for namespace in view.create {
            let wanted = match selection {
                Selection::All => true,
                Selection::Namespace(wanted) => *wanted == namespace,
                Selection::Tenant(wanted) => wanted == name,
            };
            if wanted {
                let label = LabelChange { key: LABEL_TENANT.into(), old: None, new: Some(name.to_owned()) };
                all.push(NamespaceChanges {
                    namespace,
                    tenant: Some(name.to_owned()),
                    situation: Situation::ToCreate,
                    steps: vec![Step::CreateNamespace { labels: vec![label] }],
                    notes: Vec::new(),
                });
            }
        }
    }
    all
}

fn changes(index: &Index, live: &Live, decided: Decided, lang: Lang) -> NamespaceChanges {
    let Decided { plan, tenant } = decided;
    let NamespacePlan { namespace, governance, steps, report, .. } = plan;
    let mut notes = match &governance {
        Governance::Conflict { claimants, observed } => vec![words::conflict(lang, claimants, *observed)],
        _ => Vec::new(),
    };
    notes.extend(report.iter().flat_map(|report| report_notes(report, lang)));
    let steps = match index.namespace(&namespace) {
        Some(facts) => ordered(facts, live, steps),
        None => Vec::new(),
    };
    NamespaceChanges { namespace, tenant, situation: situation(&governance), steps, notes }
}

const fn situation(governance: &Governance) -> Situation {
    match governance {
        Governance::None => Situation::NotGoverned,
        Governance::Protected => Situation::Protected,
        Governance::Released { .. } => Situation::Released,
        Governance::Observed { .. } => Situation::Observed,
        Governance::Conflict { .. } => Situation::Conflict,
        Governance::Governed { .. } => Situation::Governed,
        Governance::Terminating { .. } => Situation::Terminating,
    }
}

fn ordered(facts: &NamespaceFacts, live: &Live, steps: Steps) -> Vec<Step> {
    let Steps { drop_isolated, labels, pod_security, objects, isolate, rights, orphans, release } = steps;
    let namespace = facts.name.as_str();
    let set = |labels, after_read_back| Step::SetLabels { labels, after_read_back };
    let isolated = |new: Option<&str>| LabelChange {
        key: LABEL_ISOLATED.to_owned(),
        old: facts.label(LABEL_ISOLATED).map(ToOwned::to_owned),
        new: new.map(ToOwned::to_owned),
    };
    let mut all = Vec::new();
    if drop_isolated {
        all.push(set(vec![isolated(None)], false));
    }
    for (manager, desired) in [(MANAGER, labels), (MANAGER_POD_SECURITY, pod_security)] {
        all.extend(desired.map(|desired| set(label_changes(facts, manager, &desired), false)));
    }
    let apply = |desired: &Desired| {
        let key = desired.key();
        let live = live.get(namespace, &key);
        Step::Apply {
            kind: key.kind.as_str(),
            name: key.name,
            live: live.cloned(),
            desired: merged(live, desired),
        }
    };
    all.extend(objects.iter().map(apply));
    all.extend(isolate.map(|(value, _)| set(vec![isolated(Some(value))], true)));
    all.extend(rights.iter().map(apply));
    let delete = |Orphan { key, .. }: Orphan| Step::Delete {
        kind: key.kind.as_str(),
        live: live.get(namespace, &key).cloned(),
        name: key.name,
    };
    all.extend(orphans.into_iter().map(delete));
    if release {
        let ours = facts.labels.iter().filter(|(key, _)| key.starts_with(LABEL_PREFIX));
        let gone = |(key, old): (&String, &String)| LabelChange {
            key: key.clone(),
            old: Some(old.clone()),
            new: None,
        };
        let labels: Vec<LabelChange> = ours.map(gone).collect();
        if !labels.is_empty() {
            all.push(set(labels, false));
        }
    }
    all
}

fn label_changes(
    facts: &NamespaceFacts,
    manager: &str,
    desired: &BTreeMap<String, String>,
) -> Vec<LabelChange> {
    let given_up = facts.owned.get(manager).into_iter().flatten().filter(|key| !desired.contains_key(*key));
    let keys: BTreeSet<&String> = desired.keys().chain(given_up).collect();
    keys.into_iter()
        .map(|key| LabelChange {
            key: key.clone(),
            old: facts.label(key).map(ToOwned::to_owned),
            new: desired.get(key).cloned(),
        })
        .filter(|change| change.old != change.new)
        .collect()
}

fn report_notes(report: &Report, lang: Lang) -> Vec<String> {
    let effective = &report.effective;
    let mut notes: Vec<String> = Vec::new();
    for retained in &effective.retained {
        notes.push(words::retained(lang, &retained.object, retained.error.as_deref()));
    }
    for conflict in &effective.conflicts {
        let sources: Vec<&str> = conflict.sources.iter().map(String::as_str).collect();
        notes.push(words::baseline_conflict(lang, &conflict.field, &sources.join(", ")));
    }
    let of_fields =
        effective.refusals.iter().flat_map(|(object, list)| list.iter().map(move |r| (object, r)));
    let of_flows = report.flows.iter().flat_map(|(object, f)| f.refusals.iter().map(move |r| (object, r)));
    for (object, refusal) in of_fields.chain(of_flows) {
        let object = if object.contains('/') { object.clone() } else { format!("SncPolicy/{object}") };
        notes.push(words::refused(lang, &object, &refusal.message(lang)));
    }
    for excess in &report.share.excess {
        let (asked, granted) = (excess.asked.to_string(), excess.granted.to_string());
        notes.push(words::excess(lang, &excess.resource, &asked, &granted));
    }
    if !report.left_out.is_empty() {
        notes.push(words::left_out(lang, &report.left_out.join(", ")));
    }
    notes
}
