//! Who read what: an event of the log like any other, so that whoever it is about finds it where their events are.

use crate::cluster::{AUDIT_ALARMS, AUDIT_LOGS, GROUP, User};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use snc_audit::Partition;
use snc_core::text::clip;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Characters of what clients say of themselves.
const SAID: usize = 256;
const PREFIX: &str = "secnumcloud.dev/";
/// Refused tokens that are written down, of so much time. Those beyond are counted.
const STRANGERS: u32 = 10;
const STRANGERS_PER: Duration = Duration::from_secs(60);

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    Events,
    Export,
    Gaps,
    Status,
    Alarms,
    Acknowledge,
    /// Nothing that there is.
    Unknown,
}

impl Route {
    pub const ALL: [Self; 7] = [
        Self::Events,
        Self::Export,
        Self::Gaps,
        Self::Status,
        Self::Alarms,
        Self::Acknowledge,
        Self::Unknown,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Export => "export",
            Self::Gaps => "gaps",
            Self::Status => "status",
            Self::Alarms => "alarms",
            Self::Acknowledge => "acknowledge",
            Self::Unknown => "unknown",
        }
    }
}

/// One request, and what it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    pub at: Timestamp,
    /// None, where it was nobody's.
    pub user: Option<Arc<User>>,
    pub from: IpAddr,
    pub agent: String,
    pub route: Route,
    /// Whose records.
    pub partition: Option<Partition>,
    /// Of an alarm.
    pub name: Option<String>,
    /// Names and values, as far as they could be read.
    pub parameters: Vec<(&'static str, String)>,
    pub code: u16,
    /// Refused tokens before this one that were not written down.
    pub unwritten: u64,
    number: u64,
}

static NUMBER: AtomicU64 = AtomicU64::new(0);

impl Access {
    pub(super) fn new(from: IpAddr, agent: &str) -> Self {
        Self {
            at: Timestamp::now(),
            user: None,
            from,
            agent: clip(agent, SAID),
            route: Route::Unknown,
            partition: None,
            name: None,
            parameters: Vec::new(),
            code: 0,
            unwritten: 0,
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// As an event of `audit.k8s.io/v1`, on one line. What it is about says whose it is: a tenant's, or the platform's.
    pub fn event(&self) -> String {
        let Self { at, route, code, .. } = self;
        let at = format!("{at:.6}");
        let verb = if *route == Route::Acknowledge { "update" } else { "get" };
        let user = match &self.user {
            Some(user) => json!({"username": user.name, "uid": user.uid, "groups": user.groups}),
            None => json!({"username": "system:anonymous", "groups": ["system:unauthenticated"]}),
        };
        let mut notes = Map::new();
        let mut note = |name: &str, value: Value| notes.insert(format!("{PREFIX}{name}"), value);
        note("route", route.as_str().into());
        if let Some(partition) = &self.partition {
            note("partition", partition.to_string().into());
        }
        for (name, value) in &self.parameters {
            note(&format!("query-{name}"), clip(value, SAID).into());
        }
        if self.unwritten > 0 {
            note("refused-before", self.unwritten.to_string().into());
        }
        json!({
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "Metadata",
            "auditID": format!("sink-{}-{}-{}", std::process::id(), self.at.as_microsecond(), self.number),
            "stage": "ResponseComplete",
            "requestURI": format!("/v1/{}", route.as_str()),
            "verb": verb,
            "user": user,
            "sourceIPs": [self.from.to_string()],
            "userAgent": self.agent,
            "objectRef": self.object(),
            "responseStatus": {"code": code},
            "requestReceivedTimestamp": at,
            "stageTimestamp": at,
            "annotations": notes,
        })
        .to_string()
    }

    fn object(&self) -> Value {
        let resource = match self.route {
            Route::Alarms | Route::Acknowledge => AUDIT_ALARMS,
            _ => AUDIT_LOGS,
        };
        // Not of the namespace that was named: it may be another tenant's by now, who is not to hear of it.
        if let Some(Partition::Tenant(tenant)) = &self.partition {
            let name = tenant.to_string();
            return json!({"apiGroup": GROUP, "resource": "snctenants", "name": name, "subresource": resource});
        }
        let mut object = json!({"apiGroup": GROUP, "resource": resource});
        if let (Some(name), Some(object)) = (&self.name, object.as_object_mut()) {
            object.insert("name".to_owned(), name.clone().into());
        }
        object
    }
}

/// Whoever has no token can ask as often as they like; the log is not theirs to fill.
#[derive(Debug, Default)]
pub(super) struct Strangers(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    since: Option<Instant>,
    written: u32,
    unwritten: u64,
}

impl Strangers {
    /// Whether this one is written down, and how many were not before it.
    pub(super) fn admit(&self, now: Instant) -> Option<u64> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.since.is_none_or(|since| now.duration_since(since) >= STRANGERS_PER) {
            (counted.since, counted.written) = (Some(now), 0);
        }
        if counted.written >= STRANGERS {
            counted.unwritten += 1;
            return None;
        }
        counted.written += 1;
        Some(std::mem::take(&mut counted.unwritten))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_written_down_so_often_and_counted_beyond() {
        let (strangers, now) = (Strangers::default(), Instant::now());
        let written = (0..25).filter(|_| strangers.admit(now).is_some()).count();
        assert_eq!(written, 10);
        assert_eq!(strangers.admit(now + STRANGERS_PER), Some(15));
        assert_eq!(strangers.admit(now + STRANGERS_PER), Some(0));
    }

    #[test]
    fn an_access_reads_as_an_event_of_those_whose_records_were_read() {
        let mut access = Access::new("192.0.2.7".parse().unwrap(), &"x".repeat(1000));
        access.user = Some(Arc::new(User { name: "alice".to_owned(), ..User::default() }));
        access.route = Route::Events;
        access.partition = Some("tenant.shop".parse().unwrap());
        access.parameters = vec![("tenant", "shop".to_owned()), ("user", "a\nb".to_owned())];
        access.code = 200;
        let raw = access.event();
        assert!(!raw.contains('\n') && raw.len() < 2000);
        let event = snc_audit::Event::parse(&raw).unwrap();
        assert_eq!((&*event.verb, &*event.user.username), ("get", "alice"));
        assert_eq!(event.time().map(Timestamp::as_microsecond), Some(access.at.as_microsecond()));
        let value: Value = serde_json::from_str(&raw).unwrap();
        assert_eq!(
            (&value["objectRef"]["resource"], &value["objectRef"]["name"]),
            (&"snctenants".into(), &"shop".into())
        );
        let other = Access { number: access.number + 1, ..access.clone() };
        assert_ne!(access.event(), other.event());
    }
}
