//! What the sink asks of Kubernetes, and what it tells it. Implemented where there is a client for it; everything here
//! goes on without an answer.

use crate::status::Status;
use crate::wishes::Wishes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::watch;

/// Group of the virtual resources that readers of the log need rights on.
pub const GROUP: &str = snc_core::names::GROUP;
/// `get`: events of a namespace, or all of them where no namespace is asked about.
pub const AUDIT_LOGS: &str = "auditlogs";
/// `get`, `update`: alarms, for the whole cluster.
pub const AUDIT_ALARMS: &str = "auditalarms";
/// What a token has to be made for.
pub const AUDIENCE: &str = "snc-audit-log";
/// In the user agent of a marked call, before the nonce.
pub const MARK: &str = "snc-audit-probe/";

/// Nobody answered, or not with an answer. It is never taken for a yes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Silent(pub String);

pub type Answer<'a, T> = BoxFuture<'a, Result<T, Silent>>;

/// Whom a token belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct User {
    pub name: String,
    pub uid: String,
    pub groups: Vec<String>,
    /// What else its issuer says, as rights may depend on it.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asked<'a> {
    pub group: &'a str,
    pub resource: &'a str,
    pub verb: &'a str,
    /// None: in the whole cluster.
    pub namespace: Option<&'a str>,
}

impl<'a> Asked<'a> {
    pub const fn logs(namespace: Option<&'a str>) -> Self {
        Self { group: GROUP, resource: AUDIT_LOGS, verb: "get", namespace }
    }

    pub const fn alarms(verb: &'a str) -> Self {
        Self { group: GROUP, resource: AUDIT_ALARMS, verb, namespace: None }
    }
}

/// One namespace, under one UID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Namespace {
    pub name: String,
    pub uid: String,
    pub tenant: Option<String>,
    /// Since when it has been that tenant's: its creation, or when the label was seen to be another.
    pub since: Timestamp,
    /// When it was gone. Whoever makes snapshots keeps what is gone for ten minutes at least, so that a namespace that
    /// came and went between two of them is known as well.
    pub gone: Option<Timestamp>,
}

/// Who owns a tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owners {
    pub tenant: String,
    /// When the tenant of this name was made. There may have been another before.
    pub since: Timestamp,
    pub users: BTreeSet<String>,
    pub groups: BTreeSet<String>,
}

/// Whose what is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct People {
    /// Whether this is everything there is, as of no more than some seconds ago. While it is not, nothing is taken away
    /// from what was known.
    pub synced: bool,
    pub namespaces: Vec<Namespace>,
    pub owners: Vec<Owners>,
}

impl People {
    /// Namespaces that are a tenant's now.
    pub fn namespaces_of<'a>(&'a self, tenant: &'a str) -> impl Iterator<Item = &'a Namespace> {
        self.namespaces
            .iter()
            .filter(move |namespace| namespace.gone.is_none() && namespace.tenant.as_deref() == Some(tenant))
    }

    /// Since when there is the tenant that has this name now.
    pub fn since(&self, tenant: &str) -> Option<Timestamp> {
        self.owners.iter().find(|owners| owners.tenant == tenant).map(|owners| owners.since)
    }
}

/// When a marked call left and when its answer was there, by the sink's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marked {
    pub sent: Timestamp,
    pub answered: Timestamp,
}

pub trait Cluster: Send + Sync + 'static {
    /// Whom the token is of; None where it is nobody's, or was made for something else than [`AUDIENCE`].
    fn authenticate<'a>(&'a self, token: &'a str) -> Answer<'a, Option<User>>;

    fn may<'a>(&'a self, user: &'a User, asked: Asked<'a>) -> Answer<'a, bool>;

    fn people(&self) -> watch::Receiver<People>;

    /// None until they were read for the first time.
    fn wishes(&self) -> watch::Receiver<Option<Wishes>>;

    fn report<'a>(&'a self, status: &'a Status) -> Answer<'a, ()>;

    /// Makes one harmless call that is logged at level Metadata at least, with [`MARK`] and the nonce in its user agent.
    fn mark<'a>(&'a self, nonce: &'a str) -> Answer<'a, Marked>;
}
