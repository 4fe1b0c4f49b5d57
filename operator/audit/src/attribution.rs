//! Whose an event is: exactly one partition of the log. A tenant reads its own and nothing else (12.6.d), so that what is
//! not surely a tenant's is the platform's.

mod directory;
mod tenant;

pub use directory::{Directory, Known};
pub use tenant::{NotATenant, TenantName};

use crate::event::{Event, Outcome};
use crate::who;
use serde::{Deserialize, Serialize};
use snc_core::names::GROUP;
use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Partition {
    Platform,
    Tenant(TenantName),
}

const PLATFORM: &str = "platform";
const TENANT: &str = "tenant.";

impl Partition {
    pub const fn tenant(&self) -> Option<&TenantName> {
        match self {
            Self::Platform => None,
            Self::Tenant(tenant) => Some(tenant),
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.pad(PLATFORM),
            Self::Tenant(tenant) => f.pad(&format!("{TENANT}{tenant}")),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a partition: {0:?} (platform, tenant.<name>)")]
pub struct NotAPartition(String);

impl FromStr for Partition {
    type Err = NotAPartition;

    fn from_str(text: &str) -> Result<Self, NotAPartition> {
        if text == PLATFORM {
            return Ok(Self::Platform);
        }
        let tenant = text.strip_prefix(TENANT).and_then(|name| name.parse().ok());
        tenant.map(Self::Tenant).ok_or_else(|| NotAPartition(snc_core::text::clip(text, 120)))
    }
}

impl TryFrom<String> for Partition {
    type Error = NotAPartition;

    fn try_from(text: String) -> Result<Self, NotAPartition> {
        text.parse()
    }
}

impl From<Partition> for String {
    fn from(partition: Partition) -> Self {
        partition.to_string()
    }
}

/// Why an event is where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// The object is in a namespace that was the tenant's at that time.
    ObjectNamespace,
    /// The object is that namespace itself.
    Namespace,
    /// The object is the `SncTenant` itself.
    Tenant,
    /// Done by a `ServiceAccount` of a namespace of the tenant.
    ServiceAccount,
    /// Done by an owner of this tenant and of no other.
    Owner,
    /// Nothing in it is a tenant's.
    Platform,
    /// Nobody told of this namespace at that time. With the platform, and counted: it may have been a tenant's.
    NamespaceUnknown,
}

impl Reason {
    pub const ALL: &'static [Self] = &[
        Self::ObjectNamespace,
        Self::Namespace,
        Self::Tenant,
        Self::ServiceAccount,
        Self::Owner,
        Self::Platform,
        Self::NamespaceUnknown,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ObjectNamespace => "ObjectNamespace",
            Self::Namespace => "Namespace",
            Self::Tenant => "Tenant",
            Self::ServiceAccount => "ServiceAccount",
            Self::Owner => "Owner",
            Self::Platform => "Platform",
            Self::NamespaceUnknown => "NamespaceUnknown",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Directory {
    pub fn attribute(&self, event: &Event<'_>) -> (Partition, Reason) {
        let at = event.time();
        let mut otherwise = Reason::Platform;
        if let Some(object) = &event.object_ref {
            let (group, resource, name) = (&*object.api_group, &*object.resource, &*object.name);
            let itself = group.is_empty() && resource == "namespaces";
            let namespace = if itself { name } else { &*object.namespace };
            if !namespace.is_empty() {
                let made = itself && &*event.verb == "create" && event.outcome() == Outcome::Allowed;
                match at.map_or(Known::No, |at| self.namespace(namespace, at, made)) {
                    Known::Tenant(tenant) if itself => return (of(tenant), Reason::Namespace),
                    Known::Tenant(tenant) => return (of(tenant), Reason::ObjectNamespace),
                    Known::Platform => {}
                    Known::No => otherwise = Reason::NamespaceUnknown,
                }
            }
            if group == GROUP
                && resource == "snctenants"
                && let Some(tenant) = self.tenant(name)
            {
                return (of(tenant), Reason::Tenant);
            }
        }
        let actor = event.actor();
        if let Some((namespace, _)) = who::service_account(&actor.username) {
            if let Some(Known::Tenant(tenant)) = at.map(|at| self.namespace(namespace, at, false)) {
                return (of(tenant), Reason::ServiceAccount);
            }
        } else if let Some(tenant) = self.owned(&actor.username, actor.groups.iter().map(|group| &**group)) {
            return (of(tenant), Reason::Owner);
        }
        (Partition::Platform, otherwise)
    }
}

fn of(tenant: &TenantName) -> Partition {
    Partition::Tenant(tenant.clone())
}

#[cfg(test)]
mod tests;
