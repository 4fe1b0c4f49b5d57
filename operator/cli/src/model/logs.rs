//! Records of the audit log, as they are shown.

pub mod flags;
pub mod gaps;
pub mod policy;
pub mod status;
pub mod verify;

use crate::args::logs::Whose;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use snc_audit::Event;
use snc_auditlog::Record;

/// Some records of one partition, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordsReport {
    /// None: whoever has the namespace.
    pub tenant: Option<String>,
    pub platform: bool,
    pub since: Option<String>,
    pub until: Option<String>,
    pub records: Vec<Shown>,
    /// There are others that match.
    pub more: bool,
    /// Up to when everything that was received is in the answer, where that is told.
    pub sealed_through: Option<String>,
}

/// A record by the names that it is kept under.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    pub seq: u64,
    pub at: String,
    pub src: String,
    pub server: String,
    pub why: String,
    pub chain: String,
    pub event: Value,
    #[serde(skip)]
    pub row: Row,
}

/// What people look for in an event. Empty, where it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// When the request came; when the record was received, where the event cannot be read.
    pub at: Option<Timestamp>,
    pub user: String,
    /// Who it was done as, if not as oneself.
    pub acted_as: String,
    pub verb: String,
    pub resource: String,
    pub subresource: String,
    pub namespace: String,
    pub name: String,
    pub code: Option<i64>,
    /// The one that is not the client's word.
    pub address: String,
    pub uri: String,
    pub unreadable: bool,
}

impl Row {
    pub fn of(record: &Record) -> Self {
        let Ok(event) = Event::parse(&record.event) else {
            return Self { at: Some(record.at), unreadable: true, ..Self::default() };
        };
        let object = event.object_ref.clone().unwrap_or_default();
        let as_other = event.impersonated_user.as_ref().map(|user| user.username.to_string());
        Self {
            at: event.time(),
            user: event.user.username.to_string(),
            acted_as: as_other.unwrap_or_default(),
            verb: event.verb.to_string(),
            resource: object.resource.to_string(),
            subresource: object.subresource.to_string(),
            namespace: object.namespace.to_string(),
            name: object.name.to_string(),
            code: event.code(),
            address: event.source_ips.last().map(ToString::to_string).unwrap_or_default(),
            uri: event.request_uri.to_string(),
            unreadable: false,
        }
    }

    /// `pods/exec`; the path of what is no object.
    pub fn target(&self) -> String {
        match (self.resource.as_str(), self.subresource.as_str()) {
            ("", _) => self.uri.split('?').next().unwrap_or_default().to_owned(),
            (resource, "") => resource.to_owned(),
            (resource, subresource) => format!("{resource}/{subresource}"),
        }
    }

    pub fn object(&self) -> String {
        match (self.namespace.as_str(), self.name.as_str()) {
            ("", name) => name.to_owned(),
            (namespace, "") => format!("{namespace}/"),
            (namespace, name) => format!("{namespace}/{name}"),
        }
    }
}

impl From<&Record> for Shown {
    fn from(record: &Record) -> Self {
        Self {
            seq: record.seq,
            at: record.at.to_string(),
            src: record.source.to_string(),
            server: record.server.clone(),
            why: record.why.clone(),
            chain: record.chain.to_string(),
            // What is kept is JSON; were it not, its text says more than nothing.
            event: serde_json::from_str(&record.event).unwrap_or_else(|_| Value::from(record.event.clone())),
            row: Row::of(record),
        }
    }
}

impl RecordsReport {
    pub fn new(
        whose: &Whose,
        (since, until): (Option<Timestamp>, Option<Timestamp>),
        records: &[Record],
        more: bool,
        sealed: Option<Timestamp>,
    ) -> Self {
        Self {
            tenant: match whose {
                Whose::Tenant(name) => Some(name.clone()),
                Whose::NotSaid | Whose::Platform => None,
            },
            platform: *whose == Whose::Platform,
            since: since.map(|at| at.to_string()),
            until: until.map(|at| at.to_string()),
            records: records.iter().map(Shown::from).collect(),
            more,
            sealed_through: sealed.map(|at| at.to_string()),
        }
    }
}
