//! Which namespace was whose, and when: an event that arrives late is its tenant's of then.

use super::TenantName;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use snc_core::names::{OPERATOR_NAMESPACE, is_protected_namespace};
use std::collections::{BTreeMap, BTreeSet};

/// Source: product. Longer than any retention that is not asked for by name.
const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);
/// Source: product. Namespaces come and go at the will of tenants; what is remembered of them must not grow with it.
const MOST_ENDED: usize = 200_000;
/// An API server answers within a minute. `creationTimestamp` is in whole seconds, and later than the request.
const ANSWERED: SignedDuration = SignedDuration::from_secs(60);

/// Of a namespace at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known<'a> {
    Tenant(&'a TenantName),
    /// Known, and nobody's.
    Platform,
    No,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Period {
    uid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<TenantName>,
    from: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Owners {
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    users: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    groups: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gone: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    /// By name, in the order of their beginnings.
    #[serde(default)]
    namespaces: BTreeMap<String, Vec<Period>>,
    #[serde(default)]
    tenants: BTreeMap<TenantName, Owners>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Directory {
    kept: Kept,
    users: BTreeMap<String, BTreeSet<TenantName>>,
    groups: BTreeMap<String, BTreeSet<TenantName>>,
}

impl From<Kept> for Directory {
    fn from(kept: Kept) -> Self {
        let mut directory = Self { kept, ..Self::default() };
        directory.list_owners();
        directory
    }
}

impl From<Directory> for Kept {
    fn from(directory: Directory) -> Self {
        directory.kept
    }
}

impl Directory {
    /// The namespace of that name and UID is the tenant's since then. Telling it again changes nothing; telling of another
    /// tenant or of another UID ends what was before.
    pub fn governed(&mut self, name: &str, uid: &str, tenant: &TenantName, from: Timestamp) {
        self.begin(name, uid, Some(tenant), from);
    }

    /// It is there since then, and no tenant's.
    pub fn ungoverned(&mut self, name: &str, uid: &str, from: Timestamp) {
        self.begin(name, uid, None, from);
    }

    /// It is gone since then.
    pub fn released(&mut self, name: &str, uid: &str, at: Timestamp) {
        let periods = self.kept.namespaces.get_mut(name).into_iter().flatten();
        for period in periods.filter(|period| period.uid == uid && period.until.is_none()) {
            period.until = Some(at.max(period.from));
        }
    }

    /// Since when the namespace of that name and UID is, or was last, whose it is; as far as that was told.
    pub fn last(&self, name: &str, uid: &str) -> Option<(Timestamp, Option<&TenantName>)> {
        let period = self.kept.namespaces.get(name)?.iter().rev().find(|period| period.uid == uid)?;
        Some((period.from, period.tenant.as_ref()))
    }

    fn begin(&mut self, name: &str, uid: &str, tenant: Option<&TenantName>, from: Timestamp) {
        let periods = self.kept.namespaces.entry(name.to_owned()).or_default();
        let same = |period: &&mut Period| period.uid == uid && period.tenant.as_ref() == tenant;
        if let Some(period) = periods.iter_mut().filter(same).find(|period| period.until.is_none()) {
            period.from = period.from.min(from);
            periods.sort_by_key(|period| period.from);
            return;
        }
        // What is told again after it ended: a list that is older than what was watched since.
        if periods.iter().any(|period| {
            period.uid == uid
                && period.tenant.as_ref() == tenant
                && period.from == from
                && period.until.is_some()
        }) {
            return;
        }
        for period in periods.iter_mut().filter(|period| period.until.is_none()) {
            period.until = Some(from.max(period.from));
        }
        periods.push(Period { uid: uid.to_owned(), tenant: tenant.cloned(), from, until: None });
        periods.sort_by_key(|period| period.from);
    }

    /// All the owners of a tenant, which makes the tenant known even if they are none.
    pub fn owners<U: Into<String>, G: Into<String>>(
        &mut self,
        tenant: &TenantName,
        users: impl IntoIterator<Item = U>,
        groups: impl IntoIterator<Item = G>,
    ) {
        // `system:authenticated` as an owner would make every user's acts that tenant's to read.
        let theirs = |name: &String| !name.is_empty() && !name.starts_with("system:");
        let owners = Owners {
            users: users.into_iter().map(Into::into).filter(theirs).collect(),
            groups: groups.into_iter().map(Into::into).filter(theirs).collect(),
            gone: None,
        };
        if self.kept.tenants.get(tenant) != Some(&owners) {
            self.kept.tenants.insert(tenant.clone(), owners);
            self.list_owners();
        }
    }

    /// The tenant is no more. Its name stays known: events of its end are still to come.
    pub fn dissolved(&mut self, tenant: &TenantName, at: Timestamp) {
        if let Some(owners) = self.kept.tenants.get_mut(tenant).filter(|owners| owners.gone.is_none()) {
            *owners = Owners { gone: Some(at), ..Owners::default() };
            self.list_owners();
        }
    }

    fn list_owners(&mut self) {
        (self.users, self.groups) = (BTreeMap::new(), BTreeMap::new());
        for (tenant, owners) in &self.kept.tenants {
            for user in &owners.users {
                self.users.entry(user.clone()).or_default().insert(tenant.clone());
            }
            for group in &owners.groups {
                self.groups.entry(group.clone()).or_default().insert(tenant.clone());
            }
        }
    }

    /// Whose a namespace of that name was. With `made`, of the one that this very request made.
    pub fn namespace(&self, name: &str, at: Timestamp, made: bool) -> Known<'_> {
        let periods = self.kept.namespaces.get(name).map(Vec::as_slice).unwrap_or_default();
        let holds = |period: &&Period| period.from <= at && period.until.is_none_or(|until| at < until);
        let began = |period: &&Period| {
            let late = period.from.duration_since(at);
            made && late.is_positive() && late <= ANSWERED
        };
        // The latest that holds: of two that overlap the end of the first was learned late.
        match periods.iter().find(began).or_else(|| periods.iter().rev().find(holds)) {
            Some(Period { tenant: Some(tenant), .. }) => Known::Tenant(tenant),
            Some(_) => Known::Platform,
            // No tenant can ever have claimed these.
            None if is_protected_namespace(name, OPERATOR_NAMESPACE, OPERATOR_NAMESPACE) => Known::Platform,
            None => Known::No,
        }
    }

    /// A tenant by that name, of now or of before.
    pub fn tenant(&self, name: &str) -> Option<&TenantName> {
        self.kept.tenants.get_key_value(name).map(|(tenant, _)| tenant)
    }

    /// The one tenant that these own; None if they own several.
    pub fn owned<'g>(&self, user: &str, groups: impl IntoIterator<Item = &'g str>) -> Option<&TenantName> {
        let by_group = groups.into_iter().filter_map(|group| self.groups.get(group));
        let mut owned = self.users.get(user).into_iter().chain(by_group).flatten();
        let first = owned.next()?;
        owned.all(|other| other == first).then_some(first)
    }

    /// Names of the namespaces that are a tenant's now.
    pub fn namespaces_of<'a>(&'a self, tenant: &'a TenantName) -> impl Iterator<Item = &'a str> {
        self.kept.namespaces.iter().filter_map(move |(name, periods)| {
            let now = periods.iter().rev().find(|period| period.until.is_none())?;
            (now.tenant.as_ref() == Some(tenant)).then_some(name.as_str())
        })
    }

    /// Forgets what ended longer ago than anything is kept for by default; and of more than can be held the oldest.
    /// Says how much it forgot.
    pub fn prune(&mut self, now: Timestamp) -> usize {
        let mut ends: Vec<Timestamp> =
            self.kept.namespaces.values().flatten().filter_map(|period| period.until).collect();
        let before = ends.len();
        ends.sort_unstable();
        let too_old = now.checked_sub(KEPT).unwrap_or(Timestamp::MIN);
        let crowded = ends.len().checked_sub(MOST_ENDED + 1).and_then(|at| ends.get(at)).copied();
        let limit = crowded.map_or(too_old, |crowded| crowded.max(too_old));
        self.kept.namespaces.retain(|_, periods| {
            periods.retain(|period| period.until.is_none_or(|until| until > limit));
            !periods.is_empty()
        });
        self.kept.tenants.retain(|_, owners| owners.gone.is_none_or(|gone| gone > too_old));
        before - self.kept.namespaces.values().flatten().filter(|period| period.until.is_some()).count()
    }
}

#[cfg(test)]
impl Directory {
    /// One that was there for a second.
    pub(super) fn kept_push(&mut self, name: &str, second: i64, tenant: &TenantName) {
        let at = |second| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let (uid, tenant) = (second.to_string(), Some(tenant.clone()));
        let period = Period { uid, tenant, from: at(second), until: Some(at(second + 1)) };
        self.kept.namespaces.entry(name.to_owned()).or_default().push(period);
    }
}
