//! What the platform and its tenants ask of the log, put together. What of it holds, the sink decides.

use snc_api::v1alpha1::{SncAuditLog, SncPolicy};
use snc_controllers::Change;
use snc_sink::wishes::{LegalHold, Wishes};
use std::collections::BTreeMap;

/// What a policy asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Days {
    Unreadable,
    None,
    Of(u32),
}

/// Namespace, name, and the days that it asks for.
pub type Asked = (String, String, Days);

pub fn asked(namespace: String, name: String, policy: Option<&SncPolicy>) -> Asked {
    let days = match policy.map(|policy| policy.spec.audit) {
        None => Days::Unreadable,
        Some(None) => Days::None,
        Some(Some(audit)) => Days::Of(audit.retention_days),
    };
    (namespace, name, days)
}

#[derive(Debug, Default)]
pub struct Declared {
    /// Of the one object, as long as it was there once.
    log: Option<Wishes>,
    /// By namespace and name, those that ask for something.
    policies: BTreeMap<(String, String), u32>,
}

impl Declared {
    /// `None`: it cannot be read, and what it said last stays.
    pub fn log(&mut self, log: Option<&SncAuditLog>) {
        if let Some(log) = log {
            self.log = Some(read(log));
        }
    }

    pub fn policies(&mut self, change: Change<Asked>) {
        match change {
            Change::Apply((namespace, name, days)) => self.policy((namespace, name), days),
            Change::Delete((namespace, name, _)) => drop(self.policies.remove(&(namespace, name))),
            Change::Reset(all) => {
                let mut before = std::mem::take(&mut self.policies);
                for (namespace, name, days) in all {
                    let key = (namespace, name);
                    if let Some(days) = before.remove(&key) {
                        self.policies.insert(key.clone(), days);
                    }
                    self.policy(key, days);
                }
            }
        }
    }

    fn policy(&mut self, key: (String, String), days: Days) {
        match days {
            Days::Of(days) => drop(self.policies.insert(key, days)),
            Days::None => drop(self.policies.remove(&key)),
            Days::Unreadable => {}
        }
    }

    /// `tenant_of` says whose a namespace is now. Nothing while the object is not there: what held before holds on, legal
    /// holds above all.
    pub fn wishes<'t>(&self, tenant_of: impl Fn(&str) -> Option<&'t str>) -> Option<Wishes> {
        let mut wishes = self.log.clone()?;
        for ((namespace, _), days) in &self.policies {
            if let Some(tenant) = tenant_of(namespace) {
                let most = wishes.tenants.entry(tenant.to_owned()).or_insert(*days);
                *most = (*most).max(*days);
            }
        }
        Some(wishes)
    }
}

fn read(log: &SncAuditLog) -> Wishes {
    let spec = &log.spec;
    let hold = |hold: &snc_api::v1alpha1::LegalHold| LegalHold {
        name: hold.name.clone(),
        tenant: hold.tenant.clone(),
        reason: hold.reason.clone(),
        since: hold.since,
    };
    Wishes {
        generation: log.metadata.generation.unwrap_or_default(),
        days: spec.retention.days,
        maximum_days: spec.retention.maximum_days,
        tenants: spec.retention.tenants.iter().map(|tenant| (tenant.name.clone(), tenant.days)).collect(),
        holds: spec.legal_holds.iter().map(hold).collect(),
        probe_seconds: spec.probe_seconds,
        probe_limit_seconds: spec.probe_limit_seconds,
    }
}

#[cfg(test)]
mod tests;
