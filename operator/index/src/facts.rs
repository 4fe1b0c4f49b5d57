use crate::fingerprint;
use crate::record::{Record, RecordError};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, LimitRange, Namespace, ResourceQuota, ServiceAccount};
use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicySpec};
use k8s_openapi::api::rbac::v1::RoleBinding;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use snc_core::names::{
    LABEL_ISOLATED, LABEL_MANAGED_BY, LABEL_TENANT, MANAGED_BY, MANAGER, MANAGER_POD_SECURITY,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An object of ours as it could be read.
pub type Declared<K> = Result<Arc<K>, Unreadable>;

/// An object that did not deserialize. It is never skipped: what it said before stays in force, and its state
/// is reported (law 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub name: String,
    pub namespace: Option<String>,
    pub generation: Option<i64>,
    pub error: String,
}

impl Unreadable {
    pub fn new(meta: &ObjectMeta, error: &str) -> Self {
        Self {
            name: meta.name.clone().unwrap_or_default(),
            namespace: meta.namespace.clone(),
            generation: meta.generation,
            error: snc_core::text::clip(error, 300),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceFacts {
    pub name: String,
    pub uid: String,
    pub version: u64,
    pub created: Timestamp,
    pub deleting: bool,
    pub labels: BTreeMap<String, String>,
    /// Label keys that our field managers own, by manager.
    pub owned: BTreeMap<String, BTreeSet<String>>,
    /// Whether this UID carries the label `isolated`, or carried it since this process began to watch.
    pub seen_isolated: bool,
}

impl From<&Namespace> for NamespaceFacts {
    fn from(namespace: &Namespace) -> Self {
        let meta = &namespace.metadata;
        Self {
            name: meta.name.clone().unwrap_or_default(),
            uid: meta.uid.clone().unwrap_or_default(),
            version: version(meta),
            created: timestamp(meta.creation_timestamp.as_ref()),
            deleting: meta.deletion_timestamp.is_some(),
            labels: meta.labels.clone().unwrap_or_default(),
            owned: owned_labels(meta),
            seen_isolated: meta.labels.as_ref().is_some_and(|l| l.contains_key(LABEL_ISOLATED)),
        }
    }
}

impl NamespaceFacts {
    /// Whether applying these labels as this manager would change anything: a value to set, or a key to give up.
    pub fn labels_differ(&self, manager: &str, desired: &BTreeMap<String, String>) -> bool {
        desired.iter().any(|(key, value)| self.label(key) != Some(value))
            || self.owned.get(manager).is_some_and(|owned| owned.iter().any(|key| !desired.contains_key(key)))
    }

    /// Equal but for the version.
    pub(crate) fn says_as_much(&self, other: &Self) -> bool {
        let Self { labels, owned, .. } = self;
        self.stands_alike(other) && (labels, owned) == (&other.labels, &other.owned)
    }

    /// Equal in what other namespaces of the tenant depend on.
    pub(crate) fn stands_alike(&self, other: &Self) -> bool {
        let Self { name, uid, created, deleting, seen_isolated, .. } = self;
        (name, uid, created, deleting, seen_isolated, self.label(LABEL_TENANT))
            == (
                &other.name,
                &other.uid,
                &other.created,
                &other.deleting,
                &other.seen_isolated,
                other.label(LABEL_TENANT),
            )
    }

    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }
}

fn owned_labels(meta: &ObjectMeta) -> BTreeMap<String, BTreeSet<String>> {
    let ours = |manager: &&str| [MANAGER, MANAGER_POD_SECURITY].contains(manager);
    meta.managed_fields
        .iter()
        .flatten()
        // What was set by other means than apply is not given up by applying without it.
        .filter(|entry| entry.operation.as_deref() == Some("Apply"))
        .filter_map(|entry| {
            let manager = entry.manager.as_deref().filter(ours)?;
            let labels = entry.fields_v1.as_ref()?.0.get("f:metadata")?.get("f:labels")?.as_object()?;
            let keys = labels.keys().filter_map(|key| key.strip_prefix("f:")).map(ToOwned::to_owned);
            Some((manager.to_owned(), keys.collect()))
        })
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ManagedKind {
    NetworkPolicy,
    ResourceQuota,
    LimitRange,
    RoleBinding,
    ConfigMap,
    ServiceAccount,
}

impl ManagedKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NetworkPolicy => "NetworkPolicy",
            Self::ResourceQuota => "ResourceQuota",
            Self::LimitRange => "LimitRange",
            Self::RoleBinding => "RoleBinding",
            Self::ConfigMap => "ConfigMap",
            Self::ServiceAccount => "ServiceAccount",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    pub kind: ManagedKind,
    pub name: String,
}

impl ObjectKey {
    pub fn new(kind: ManagedKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl std::fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.name)
    }
}

/// An object of a kind that we manage, ours or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    pub uid: String,
    pub version: u64,
    /// Resource version when the object was first seen; 0 if a list brought it, which does not tell.
    pub first_version: u64,
    pub created: Timestamp,
    pub deleting: bool,
    /// Carries our label.
    pub ours: bool,
    pub fingerprint: String,
}

impl Observed {
    fn new(meta: &ObjectMeta, fingerprint: String) -> Self {
        let label = meta.labels.as_ref().and_then(|l| l.get(LABEL_MANAGED_BY));
        Self {
            uid: meta.uid.clone().unwrap_or_default(),
            version: version(meta),
            first_version: version(meta),
            created: timestamp(meta.creation_timestamp.as_ref()),
            deleting: meta.deletion_timestamp.is_some(),
            ours: label.is_some_and(|v| v == MANAGED_BY),
            fingerprint,
        }
    }
}

macro_rules! observed {
    ($($kind:ident => $fingerprint:path),+ $(,)?) => {
        $(impl From<&$kind> for Observed {
            fn from(object: &$kind) -> Self {
                Self::new(&object.metadata, $fingerprint(object))
            }
        })+
    };
}

observed! {
    NetworkPolicy => fingerprint::network_policy,
    ResourceQuota => fingerprint::resource_quota,
    LimitRange => fingerprint::limit_range,
    RoleBinding => fingerprint::role_binding,
    ConfigMap => fingerprint::config_map,
    ServiceAccount => fingerprint::service_account,
}

/// A `NetworkPolicy`. Of ours the fingerprint tells enough.
#[derive(Debug, Clone)]
pub struct NetworkPolicyFacts {
    pub namespace: String,
    pub name: String,
    pub(crate) observed: Observed,
    /// The content of one that is not ours.
    pub(crate) foreign: Option<Arc<NetworkPolicySpec>>,
}

impl From<&NetworkPolicy> for NetworkPolicyFacts {
    fn from(policy: &NetworkPolicy) -> Self {
        let observed = Observed::from(policy);
        Self {
            namespace: policy.metadata.namespace.clone().unwrap_or_default(),
            name: policy.metadata.name.clone().unwrap_or_default(),
            foreign: (!observed.ours).then(|| Arc::new(policy.spec.clone().unwrap_or_default())),
            observed,
        }
    }
}

/// The ConfigMap that keeps what was last in force in a namespace, read.
#[derive(Debug, Clone)]
pub struct RecordFacts {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) observed: Observed,
    pub(crate) record: Result<Arc<Record>, RecordError>,
}

impl From<&ConfigMap> for RecordFacts {
    fn from(map: &ConfigMap) -> Self {
        Self {
            namespace: map.metadata.namespace.clone().unwrap_or_default(),
            name: map.metadata.name.clone().unwrap_or_default(),
            observed: Observed::from(map),
            // Lists that were parsed have room to grow; a copy has not.
            record: Record::read(map).map(|record| Arc::new(record.clone())),
        }
    }
}

pub(crate) fn timestamp(time: Option<&Time>) -> Timestamp {
    time.map_or(Timestamp::UNIX_EPOCH, |t| t.0)
}

/// Resource versions of one cluster are ordered numbers (comparable by contract since Kubernetes 1.35, in
/// practice on every supported version).
pub(crate) fn version(meta: &ObjectMeta) -> u64 {
    meta.resource_version.as_deref().and_then(|v| v.parse().ok()).unwrap_or(0)
}
