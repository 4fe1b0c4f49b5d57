//! Who can switch enforcement off, by RBAC: policies and their bindings are never seen by an admission policy, so rights
//! are what protects them.

mod ways;

pub use ways::Way;

use serde::Serialize;
use snc_catalogue::rbac::{Grant, grants, holder, is_everything};
use snc_core::lang::Lang;
use snc_core::snapshot::Snapshot;
use snc_plan::guards::Identity;
use std::collections::{BTreeMap, BTreeSet};
use ways::{Ask, Place, asks};

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WhoReport {
    pub context: String,
    pub summary: Summary,
    pub holders: Vec<Holder>,
    /// What RBAC does not show.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    pub holders: usize,
    /// Parts of Kubernetes under their own bindings, and the operator itself.
    pub built_in: usize,
    /// Neither built in nor expected.
    pub others: usize,
}

/// Somebody, or everybody in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// `User:name`, `Group:name` or `ServiceAccount:namespace/name`.
    #[serde(rename = "holder")]
    pub name: String,
    pub built_in: bool,
    pub expected: bool,
    pub can: Vec<Can>,
}

impl Holder {
    pub const fn is_other(&self) -> bool {
        !self.built_in && !self.expected
    }
}

/// One way, through one binding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Can {
    pub way: Way,
    /// `ClusterRoleBinding/name` or `RoleBinding/namespace/name`.
    pub binding: String,
    /// `ClusterRole/name` or `Role/name`.
    pub role: String,
    /// `verb group/resource`.
    pub rights: Vec<String>,
}

/// `expected` are holders of whom it is known.
pub fn build(
    context: String,
    snapshot: &Snapshot,
    identity: &Identity,
    expected: &BTreeSet<String>,
    lang: Lang,
) -> WhoReport {
    let asks = asks(identity);
    let operator = format!("ServiceAccount:{}/{}", identity.namespace, identity.service_account);
    let mut found: BTreeMap<String, (bool, Vec<Can>)> = BTreeMap::new();
    for grant in grants(snapshot) {
        let can = cans(&grant, &asks, &identity.namespace);
        if can.is_empty() {
            continue;
        }
        for subject in &grant.fact.subjects {
            let name = holder(subject, &grant.binding.namespace);
            let built_in = name == operator || is_built_in(&grant, &name);
            // Whoever has one right that is not built in is somebody to know of.
            let held = found.entry(name).or_insert((true, Vec::new()));
            held.0 &= built_in;
            held.1.extend(can.iter().cloned());
        }
    }
    let holder = |(name, (built_in, mut can)): (String, (bool, Vec<Can>))| {
        can.sort();
        can.dedup();
        let expected = expected.contains(&name);
        Holder { name, built_in, expected, can }
    };
    let mut holders: Vec<Holder> = found.into_iter().map(holder).collect();
    holders.sort_by(|a, b| (a.built_in, a.expected, &a.name).cmp(&(b.built_in, b.expected, &b.name)));
    let count = |matches: &dyn Fn(&Holder) -> bool| holders.iter().filter(|one| matches(one)).count();
    let summary = Summary {
        holders: holders.len(),
        built_in: count(&|one| one.built_in),
        others: count(&Holder::is_other),
    };
    WhoReport { context, summary, holders, notes: notes(lang) }
}

fn notes(lang: Lang) -> Vec<String> {
    [
        (
            "Qui est membre d'un groupe, RBAC ne le dit pas.",
            "Who is in a group is not told by RBAC.",
        ),
        (
            "Hors de RBAC : un certificat du groupe system:masters, etcd, les fichiers et options du plan de contrôle, un autre autorisateur que RBAC.",
            "Beyond RBAC: a certificate of the group system:masters, etcd, the files and flags of the control plane, an authorizer other than RBAC.",
        ),
    ]
    .map(|(fr, en)| lang.str(fr, en).to_owned())
    .to_vec()
}

/// What one binding lets its subjects do, by way.
fn cans(grant: &Grant<'_>, asks: &[Ask], operator_namespace: &str) -> Vec<Can> {
    let namespace = grant.binding.namespace.as_str();
    if !grant.is_cluster_wide() && namespace != operator_namespace {
        return Vec::new();
    }
    let binding = match namespace {
        "" => format!("{}/{}", grant.binding.kind, grant.binding.name),
        namespace => format!("{}/{namespace}/{}", grant.binding.kind, grant.binding.name),
    };
    let role = format!("{}/{}", grant.fact.role_ref.kind, grant.fact.role_ref.name);
    let can =
        |way: Way, rights: Vec<String>| Can { way, binding: binding.clone(), role: role.clone(), rights };
    if grant.is_cluster_wide() && grant.rules().iter().any(is_everything) {
        return vec![can(Way::Everything, vec!["* */*".to_owned()])];
    }
    let mut by_way: BTreeMap<Way, BTreeSet<String>> = BTreeMap::new();
    for ask in asks.iter().filter(|ask| grant.is_cluster_wide() || ask.place == Place::OperatorNamespace) {
        for verb in ask.verbs {
            let allowed = grant.rules().iter().any(|rule| {
                rule.allows(verb, ask.group, ask.resource) && ask.is_named(verb, &rule.resource_names)
            });
            if allowed {
                by_way.entry(ask.way).or_default().insert(ask.told(verb));
            }
        }
    }
    by_way.into_iter().map(|(way, rights)| can(way, rights.into_iter().collect())).collect()
}

/// A part of Kubernetes, through the binding that the API server makes for it.
fn is_built_in(grant: &Grant<'_>, holder: &str) -> bool {
    let name = grant.binding.name.as_str();
    let parts = ["User:system:kube-", "ServiceAccount:kube-system/"];
    name.starts_with("system:")
        && name == grant.fact.role_ref.name
        && grant.is_cluster_wide()
        && parts.iter().any(|start| holder.starts_with(start))
}
