use super::baselines::baselines;
use super::conditions::{NO_STATUS, Reading, STALE, status_of};
use super::problems::{findings, note, problems, unreadable};
use super::{
    Flows, NamespaceStatus, Operator, PolicyStatus, Problem, State, StatusReport, Summary, TenantStatus,
};
use crate::model::{NotThere, Selection, Tri};
use jiff::Timestamp;
use snc_api::v1alpha1::{NamespaceState, SncBaseline, SncPolicy, SncTenant, TenantNamespace};
use snc_core::condition::{kind, reason};
use snc_core::lang::Lang;
use snc_core::names::{LABEL_FLOOR_ISOLATION, LABEL_FLOOR_LEVEL, LABEL_TENANT};
use snc_index::{Declared, NamespaceFacts};
use snc_plan::Settings;
use std::collections::{BTreeMap, BTreeSet};

/// What could be read; `None` is what could not.
#[derive(Debug)]
pub struct Facts {
    pub context: String,
    pub now: Timestamp,
    pub lang: Lang,
    pub operator: Operator,
    pub tenants: Option<Vec<(String, Declared<SncTenant>)>>,
    pub baselines: Option<Vec<(String, Declared<SncBaseline>)>>,
    pub namespaces: Option<Vec<NamespaceFacts>>,
    pub policies: Vec<(String, String, Declared<SncPolicy>)>,
    /// Where the operator lives: its own namespaces are nobody's.
    pub settings: Settings,
    /// Whether what was read answers the question; known where it was read.
    pub complete: bool,
}

type Key = (String, Option<String>);

struct Builder<'a> {
    facts: &'a Facts,
    lang: Lang,
    rows: BTreeMap<Key, NamespaceStatus>,
    tenants: Vec<TenantStatus>,
}

pub fn build(facts: &Facts, selection: &Selection) -> Result<StatusReport, NotThere> {
    let mut builder = Builder { facts, lang: facts.lang, rows: BTreeMap::new(), tenants: Vec::new() };
    for (name, tenant) in facts.tenants.iter().flatten() {
        builder.tenant(name, tenant);
    }
    for namespace in facts.namespaces.iter().flatten() {
        builder.labelled(namespace);
    }
    for (namespace, name, policy) in &facts.policies {
        builder.policy(namespace, name, policy);
    }
    builder.select(selection)?;
    Ok(builder.finish(selection))
}

impl Builder<'_> {
    fn tenant(&mut self, name: &str, tenant: &Declared<SncTenant>) {
        let lang = self.lang;
        let subject = format!("SncTenant/{name}");
        let tenant = match tenant {
            Ok(tenant) => tenant,
            Err(error) => {
                let problems = vec![unreadable(lang, &subject, &error.error)];
                let name = name.to_owned();
                self.tenants.push(TenantStatus {
                    name,
                    level: None,
                    adoption: None,
                    conditions: vec![],
                    problems,
                });
                return;
            }
        };
        let status = tenant.status.as_ref();
        let reading = Reading {
            lang,
            generation: tenant.metadata.generation,
            observed: status.and_then(|s| s.observed_generation),
            conditions: status.map(|s| s.conditions.as_slice()).unwrap_or_default(),
            present: status.is_some(),
        };
        let conditions = reading.views(&[kind::READY, kind::NAMESPACES_CLAIMED, kind::QUOTA_FITS]);
        self.tenants.push(TenantStatus {
            name: name.to_owned(),
            level: Some(tenant.spec.level.to_string()),
            adoption: Some(format!("{:?}", tenant.spec.adoption)),
            problems: problems(&subject, &conditions),
            conditions,
        });
        let listed = status.map(|s| s.namespaces.items.as_slice()).unwrap_or_default();
        let disbelief = reading.disbelief();
        for item in listed {
            self.item(name, item, disbelief.as_ref());
        }
        if disbelief.is_some() {
            // What it claims is known all the same, and that nothing is known of it.
            let claims = |n: &&NamespaceFacts| {
                tenant.spec.namespace_prefixes.iter().any(|p| n.name.starts_with(p.as_str()))
            };
            for namespace in self.facts.namespaces.iter().flatten().filter(claims) {
                self.row(&namespace.name, Some(name));
            }
        }
        let truncated = status.is_some_and(|s| s.namespaces.truncated);
        for claimed in &tenant.spec.namespaces {
            if listed.iter().any(|item| item.name == *claimed) || tenant.spec.release.contains(claimed) {
                continue;
            }
            let absent =
                self.facts.namespaces.as_ref().is_some_and(|all| !all.iter().any(|n| n.name == *claimed));
            let believed = disbelief.is_none() && !truncated;
            let row = self.row(claimed, Some(name));
            row.state = if absent || believed { State::Absent } else { State::Unknown };
            if row.state == State::Absent {
                let text = if tenant.spec.create_namespaces {
                    lang.str(
                        "à créer, l'opérateur ne l'a pas encore fait",
                        "to be created, the operator has not done it yet",
                    )
                } else {
                    lang.str("revendiqué par son nom, n'existe pas", "claimed by its name, does not exist")
                };
                row.problems.push(note(claimed, "Absent", text, tenant.spec.create_namespaces));
            }
        }
    }

    fn item(&mut self, tenant: &str, item: &TenantNamespace, disbelief: Option<&(&'static str, String)>) {
        let lang = self.lang;
        let live = self.facts.namespaces.as_ref().map(|all| all.iter().find(|n| n.name == item.name));
        let changed = match live {
            Some(None) => Some(lang.str("le namespace n'existe plus", "the namespace is gone")),
            Some(Some(live)) if live.uid != item.uid => {
                Some(lang.str("le namespace a été recréé depuis", "the namespace was re-created since"))
            }
            _ => None,
        };
        let row = self.row(&item.name, Some(tenant));
        if let Some((reason, message)) = disbelief {
            row.problems.push(note(&item.name, reason, message, true));
            return;
        }
        if let Some(text) = changed {
            row.problems.push(note(&item.name, STALE, text, true));
            return;
        }
        row.state = state(item.state);
        if let Some(why) = item.reason.as_deref().filter(|r| *r != reason::ADOPTED_WITH_GAP) {
            row.problems.push(note(&item.name, why, item.message.as_deref().unwrap_or_default(), true));
        }
        if let Some(gap) = &item.adopted_with_gap {
            let (from, to) = (gap.from.0, gap.to.0);
            let text = lang.pick(
                || format!("des pods ont tourné sans isolation du {from} au {to}"),
                || format!("pods ran without isolation from {from} to {to}"),
            );
            row.problems.push(note(&item.name, reason::ADOPTED_WITH_GAP, &text, false));
        }
    }

    /// A namespace that carries a tenant's label is that tenant's, whatever became of the tenant.
    fn labelled(&mut self, namespace: &NamespaceFacts) {
        let Some(tenant) = namespace.label(LABEL_TENANT) else { return };
        if self.facts.settings.protects(&namespace.name) {
            return;
        }
        let text = |key| namespace.label(key).map(ToOwned::to_owned);
        let (level, isolation) = (text(LABEL_FLOOR_LEVEL), text(LABEL_FLOOR_ISOLATION));
        let lang = self.lang;
        let missing =
            self.facts.tenants.as_ref().is_some_and(|all| !all.iter().any(|(name, _)| name == tenant));
        let row = self.row(&namespace.name, Some(tenant));
        row.level = level;
        row.isolation = isolation;
        if missing {
            let text = lang.pick(
                || format!("le SncTenant {tenant} n'existe plus ; ce qui était en vigueur le reste"),
                || format!("SncTenant {tenant} is gone; what was in force stays in force"),
            );
            row.problems.push(note(&namespace.name, "TenantMissing", &text, true));
        }
    }

    fn policy(&mut self, namespace: &str, name: &str, policy: &Declared<SncPolicy>) {
        let lang = self.lang;
        let subject = format!("SncPolicy/{name}");
        let (view, tenant, found, believed) = match policy {
            Ok(policy) => {
                let status = policy.status.as_ref();
                let reading = Reading {
                    lang,
                    generation: policy.metadata.generation,
                    observed: status.and_then(|s| s.observed_generation),
                    conditions: status.map(|s| s.conditions.as_slice()).unwrap_or_default(),
                    present: status.is_some(),
                };
                let conditions =
                    reading.views(&[kind::READY, kind::NETWORK_POLICY_EFFECTIVE, kind::NETWORK_ISOLATED]);
                let disbelief = reading.disbelief();
                let believed = status.filter(|_| disbelief.is_none());
                let mut found = problems(&subject, &conditions);
                let listed = believed.map(|s| findings(lang, &subject, s)).unwrap_or_default();
                // What a condition says already at length is not said again.
                let said = |f: &Problem| {
                    found.iter().any(|p| p.reason == f.reason && p.message.contains(&f.message))
                };
                let listed: Vec<Problem> = listed.into_iter().filter(|f| !said(f)).collect();
                found.extend(listed);
                let view = PolicyStatus {
                    name: name.to_owned(),
                    stale: disbelief.is_some_and(|(reason, _)| reason == STALE),
                    level: believed.and_then(|s| s.level).map(|l| l.to_string()),
                    isolation: believed.and_then(|s| s.isolation).map(|m| m.to_string()),
                    ready: status_of(&conditions, kind::READY),
                    network_policy_effective: status_of(&conditions, kind::NETWORK_POLICY_EFFECTIVE),
                    network_isolated: status_of(&conditions, kind::NETWORK_ISOLATED),
                    flows: believed.and_then(|s| s.flows.as_ref()).map(|f| Flows {
                        declared: f.declared,
                        applied: f.applied,
                        refused: f.refused,
                    }),
                    conditions,
                };
                let tenant = believed.and_then(|s| s.tenant.clone());
                (view, tenant, found, believed.is_some())
            }
            Err(error) => (silent(name), None, vec![unreadable(lang, &subject, &error.error)], false),
        };
        let rows: Vec<Key> = self.rows.keys().filter(|(n, _)| n == namespace).cloned().collect();
        let mut keys: Vec<Key> =
            rows.iter().filter(|(_, t)| tenant.is_none() || *t == tenant).cloned().collect();
        if keys.is_empty() {
            keys.push((namespace.to_owned(), tenant));
        }
        for (namespace, tenant) in keys {
            let row = self.row(&namespace, tenant.as_deref());
            if believed && row.state == State::Unknown && !row.problems.iter().any(|p| p.reason == STALE) {
                row.state = derived(&view);
            }
            row.policies.push(view.clone());
            let gap = |p: &Problem| p.reason == reason::ADOPTED_WITH_GAP;
            let told = row.problems.iter().any(gap);
            row.problems.extend(found.iter().filter(|p| !(told && gap(p))).cloned());
        }
    }

    fn row(&mut self, namespace: &str, tenant: Option<&str>) -> &mut NamespaceStatus {
        let key = (namespace.to_owned(), tenant.map(ToOwned::to_owned));
        self.rows.entry(key).or_insert_with(|| NamespaceStatus {
            tenant: tenant.map(ToOwned::to_owned),
            namespace: namespace.to_owned(),
            state: State::Unknown,
            level: None,
            isolation: None,
            satisfied: false,
            policies: Vec::new(),
            problems: Vec::new(),
        })
    }

    fn select(&mut self, selection: &Selection) -> Result<(), NotThere> {
        let not_there = |known: BTreeSet<String>| NotThere {
            selection: selection.clone(),
            known: known.into_iter().collect(),
        };
        match selection {
            Selection::All => {}
            Selection::Tenant(wanted) => {
                let known: BTreeSet<String> = self
                    .tenants
                    .iter()
                    .map(|t| t.name.clone())
                    .chain(self.rows.values().filter_map(|r| r.tenant.clone()))
                    .collect();
                if self.facts.tenants.is_some() && !known.contains(wanted) {
                    return Err(not_there(known));
                }
                self.rows.retain(|_, row| row.tenant.as_ref() == Some(wanted));
                self.tenants.retain(|t| t.name == *wanted);
            }
            Selection::Namespace(wanted) => {
                let known = self.rows.keys().map(|(namespace, _)| namespace.clone()).collect();
                self.rows.retain(|(namespace, _), _| namespace == wanted);
                if self.rows.is_empty() {
                    self.ungoverned(wanted).ok_or_else(|| not_there(known))?;
                }
                let held: BTreeSet<String> = self.rows.values().filter_map(|r| r.tenant.clone()).collect();
                self.tenants.retain(|t| held.contains(&t.name));
                for tenant in &mut self.tenants {
                    // The tenant's other namespaces are not what was asked about.
                    tenant
                        .problems
                        .retain(|p| [NO_STATUS, STALE, reason::UNREADABLE].contains(&p.reason.as_str()));
                }
            }
        }
        Ok(())
    }

    /// `None`: the namespace is not there. When nobody can tell, nothing is said and the question stays open.
    fn ungoverned(&mut self, name: &str) -> Option<()> {
        let Some(namespaces) = &self.facts.namespaces else { return Some(()) };
        if !namespaces.iter().any(|n| n.name == name) {
            return None;
        }
        let lang = self.lang;
        if self.facts.tenants.is_none() {
            return Some(());
        }
        let row = self.row(name, None);
        row.state = State::NotGoverned;
        let text =
            lang.str("aucun SncTenant ne revendique ce namespace", "no SncTenant claims this namespace");
        row.problems.push(note(name, reason::NOT_GOVERNED, text, true));
        Some(())
    }

    fn finish(self, selection: &Selection) -> StatusReport {
        let (facts, lang) = (self.facts, self.lang);
        let mut namespaces: Vec<NamespaceStatus> = self.rows.into_values().collect();
        namespaces.sort_by(|a, b| (&a.tenant, &a.namespace).cmp(&(&b.tenant, &b.namespace)));
        for row in &mut namespaces {
            close(row, lang, facts);
        }
        let satisfied = namespaces.iter().filter(|n| n.satisfied).count();
        let summary =
            Summary { namespaces: namespaces.len(), satisfied, not_satisfied: namespaces.len() - satisfied };
        // Nothing was found of what was asked about, and it could not be looked up.
        let nothing = *selection != Selection::All && namespaces.is_empty() && self.tenants.is_empty();
        StatusReport {
            context: facts.context.clone(),
            generated_at: facts.now,
            complete: facts.complete && !nothing,
            operator: facts.operator.clone(),
            summary,
            baselines: baselines(facts, selection),
            tenants: self.tenants,
            namespaces,
        }
    }
}

/// What can only be said when everything was gathered.
fn close(row: &mut NamespaceStatus, lang: Lang, facts: &Facts) {
    if let Some(first) = row.policies.iter().find(|p| p.level.is_some()) {
        row.level.clone_from(&first.level);
        row.isolation.clone_from(&first.isolation);
    }
    let quiet = match row.state {
        State::Terminating => true,
        State::Absent => !row.problems.iter().any(|p| p.counts),
        _ => false,
    };
    if row.policies.is_empty()
        && matches!(row.state, State::Isolated | State::NotEnforced | State::Unknown | State::Pending)
    {
        let text = lang.str(
            "aucune SncPolicy ne rapporte NetworkPolicyEffective ni NetworkIsolated",
            "no SncPolicy reports NetworkPolicyEffective or NetworkIsolated",
        );
        row.problems.push(note(&row.namespace, "NoPolicy", text, true));
    }
    let all_true = |p: &PolicyStatus| {
        [p.ready, p.network_policy_effective, p.network_isolated].iter().all(|t| *t == Tri::True)
    };
    row.satisfied = quiet
        || (row.state == State::Isolated && !row.policies.is_empty() && row.policies.iter().all(all_true));
    if row.state == State::Unknown && facts.tenants.is_some() && !row.problems.iter().any(|p| p.counts) {
        let text = lang
            .str("l'opérateur ne dit rien de ce namespace", "the operator says nothing of this namespace");
        row.problems.push(note(&row.namespace, NO_STATUS, text, true));
    }
}

fn silent(name: &str) -> PolicyStatus {
    PolicyStatus {
        name: name.to_owned(),
        stale: false,
        level: None,
        isolation: None,
        ready: Tri::Unknown,
        network_policy_effective: Tri::Unknown,
        network_isolated: Tri::Unknown,
        flows: None,
        conditions: Vec::new(),
    }
}

const fn state(state: NamespaceState) -> State {
    match state {
        NamespaceState::Isolated => State::Isolated,
        NamespaceState::NotEnforced => State::NotEnforced,
        NamespaceState::Pending => State::Pending,
        NamespaceState::Observed => State::Observed,
        NamespaceState::Conflict => State::Conflict,
        NamespaceState::Protected => State::Protected,
        NamespaceState::Terminating => State::Terminating,
    }
}

/// For a reader who sees policies only: where the namespace is, from the reasons that they give.
fn derived(policy: &PolicyStatus) -> State {
    let reasons: Vec<&str> = policy.conditions.iter().map(|c| c.reason.as_str()).collect();
    let says = |reason: &str| reasons.contains(&reason);
    if policy.network_policy_effective == Tri::True {
        State::Isolated
    } else if says(reason::NAMESPACE_CONFLICT) {
        State::Conflict
    } else if says(reason::OBSERVED) {
        State::Observed
    } else if says(reason::NAMESPACE_PROTECTED) {
        State::Protected
    } else if says(reason::NOT_GOVERNED) {
        State::NotGoverned
    } else if says(reason::NOT_ENFORCED) {
        State::NotEnforced
    } else if says(reason::PENDING) || says(reason::GATE_NOT_PROVEN) {
        State::Pending
    } else {
        State::Unknown
    }
}
