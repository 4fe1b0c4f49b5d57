//! Who a namespace belongs to, and whether we act in it.

use crate::objects::conflict_deny;
use crate::settings::Settings;
use snc_api::v1alpha1::Adoption;
use snc_core::names::{DEFAULT_DENY, LABEL_TENANT, RECORD};
use snc_index::{Index, ManagedKind, ObjectKey, Record};
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Governance {
    /// Nobody's, or not there.
    None,
    /// Claimed or labelled, but reserved to the cluster.
    Protected,
    /// The platform lets it go: what is ours is removed.
    Released {
        tenant: String,
    },
    /// Claimed with pods in it, and adoption is `Observe`.
    Observed {
        tenant: String,
    },
    /// Claimed by several, with no label to decide.
    Conflict {
        claimants: Vec<String>,
        observed: bool,
    },
    Governed {
        tenant: String,
    },
    /// A governed namespace on its way out.
    Terminating {
        tenant: String,
    },
}

impl Governance {
    pub fn tenant(&self) -> Option<&str> {
        match self {
            Self::Released { tenant }
            | Self::Observed { tenant }
            | Self::Governed { tenant }
            | Self::Terminating { tenant } => Some(tenant),
            Self::None | Self::Protected | Self::Conflict { .. } => None,
        }
    }
}

/// The record of this very namespace, if it holds one that can be read and must be ours. A ConfigMap that somebody
/// wrote before we came is not: we write ours before the first `isolated` label, and from then on the guards keep
/// both. That somebody takes the label away does not make us forget.
pub fn record<'a>(index: &'a Index, namespace: &str) -> Option<&'a Arc<Record>> {
    let facts = index.namespace(namespace).filter(|facts| facts.seen_isolated)?;
    let key = ObjectKey::new(ManagedKind::ConfigMap, RECORD);
    index.object(namespace, &key).filter(|object| object.ours)?;
    index.record(namespace)?.as_ref().ok().filter(|record| record.uid == facts.uid)
}

/// Whether our default-deny of a governed namespace is there. It alone says that the namespace was isolated when the
/// labels and the record are lost, and is never taken away but by a release.
pub fn has_isolation(index: &Index, namespace: &str) -> bool {
    let Some(facts) = index.namespace(namespace) else { return false };
    let key = ObjectKey::new(ManagedKind::NetworkPolicy, DEFAULT_DENY);
    // One that is older belongs to an earlier namespace of this name, whose end has not reached us yet.
    index.object(namespace, &key).is_some_and(|deny| {
        deny.ours
            && deny.created >= facts.created
            && deny.fingerprint != conflict_deny(namespace).fingerprint()
    })
}

pub fn govern(index: &Index, settings: &Settings, name: &str) -> Governance {
    let Some(namespace) = index.namespace(name) else { return Governance::None };
    let label = namespace.label(LABEL_TENANT);
    let mut claimants = index.claimants(name);
    if settings.protects(name) {
        let concerned = label.is_some() || !claimants.is_empty();
        return if concerned { Governance::Protected } else { Governance::None };
    }
    // The label decides; failing that our own record, for a label that somebody took away.
    let holder = label.or_else(|| record(index, name).map(|r| r.tenant.as_str()));
    if namespace.deleting {
        // Before any release: its pods are still going, and what is ours goes with it.
        return holder
            .map_or(Governance::None, |tenant| Governance::Terminating { tenant: tenant.to_owned() });
    }
    if let Some(tenant) = releasing(index, name, holder, &claimants) {
        return Governance::Released { tenant };
    }
    if let Some(tenant) = holder {
        return Governance::Governed { tenant: tenant.to_owned() };
    }
    claimants.retain(|tenant| !lets_go(index, tenant, name));
    // What was isolated once is not merely observed because its label and its record were taken.
    let isolated = namespace.seen_isolated || has_isolation(index, name);
    let runs_freely = index.pods(name).is_some() && !isolated;
    let observes = |tenant: &str| {
        let spec = index.tenant(tenant).and_then(|t| t.as_ref().ok()).map(|t| t.spec.adoption);
        runs_freely && spec.unwrap_or_default() == Adoption::Observe
    };
    let mut names = claimants.iter();
    match (names.next(), names.next()) {
        (None, _) => Governance::None,
        (Some(&tenant), None) if observes(tenant) => Governance::Observed { tenant: tenant.to_owned() },
        (Some(&tenant), None) => Governance::Governed { tenant: tenant.to_owned() },
        _ => Governance::Conflict {
            observed: claimants.iter().any(|t| observes(t)),
            claimants: claimants.into_iter().map(ToOwned::to_owned).collect(),
        },
    }
}

fn lets_go(index: &Index, tenant: &str, name: &str) -> bool {
    let spec = index.tenant(tenant).and_then(|t| t.as_ref().ok());
    spec.is_some_and(|t| t.spec.release.iter().any(|r| r == name))
}

fn releasing(index: &Index, name: &str, holder: Option<&str>, claimants: &BTreeSet<&str>) -> Option<String> {
    let lets_go = |tenant: &str| lets_go(index, tenant, name);
    if let Some(tenant) = holder {
        return lets_go(tenant).then(|| tenant.to_owned());
    }
    // Not held any more (our labels and record are gone): what is left of ours is still to be removed.
    let only_claimed_by_releasers = claimants.iter().all(|c| lets_go(c));
    let mut releasing = index.tenants().map(|(tenant, _)| tenant).filter(|t| lets_go(t));
    releasing.next().filter(|_| only_claimed_by_releasers).map(ToOwned::to_owned)
}

/// Namespaces that count for a tenant: held, or claimed by it alone and not merely observed.
pub fn governed_by<'a>(index: &'a Index, settings: &Settings, tenant: &str) -> Vec<&'a str> {
    index
        .namespaces()
        .filter(
            |n| matches!(govern(index, settings, &n.name), Governance::Governed { tenant: t } if t == tenant),
        )
        .map(|n| n.name.as_str())
        .collect()
}

/// Whether a namespace may be named as a peer by this tenant: it holds it, or claims it alone.
pub fn is_own(index: &Index, settings: &Settings, tenant: &str, namespace: &str) -> bool {
    if settings.protects(namespace) {
        return false;
    }
    match index.namespace(namespace).and_then(|n| n.label(LABEL_TENANT)) {
        Some(holder) => holder == tenant,
        None => index.claimants(namespace).iter().eq([&tenant]),
    }
}
