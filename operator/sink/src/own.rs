//! What the sink itself has to say, as events beside all others: sealed, forwarded and found like them.

use crate::cluster::GROUP;
use crate::intake::{Failure, Intake, Items};
use crate::journal::ServerName;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;

/// Who it is that says it.
pub const WHO: &str = "snc-audit-sink";
/// In the place of an API server.
pub const SERVER: &str = "sink";

/// What happened, as a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    AlarmRaised,
    AlarmAcknowledged,
    AlarmOverdue,
    GapOpened,
    GapClosed,
    WishRefused,
    WishTaken,
    /// After a crash, or after something was lost from disk.
    Recovered,
    Expired,
}

impl Act {
    pub const ALL: &'static [Self] = &[
        Self::AlarmRaised,
        Self::AlarmAcknowledged,
        Self::AlarmOverdue,
        Self::GapOpened,
        Self::GapClosed,
        Self::WishRefused,
        Self::WishTaken,
        Self::Recovered,
        Self::Expired,
    ];

    pub const fn verb(self) -> &'static str {
        match self {
            Self::AlarmRaised => "raise",
            Self::AlarmAcknowledged => "acknowledge",
            Self::AlarmOverdue => "overdue",
            Self::GapOpened => "open",
            Self::GapClosed => "close",
            Self::WishRefused => "refuse",
            Self::WishTaken => "take",
            Self::Recovered => "recover",
            Self::Expired => "expire",
        }
    }

    const fn resource(self) -> &'static str {
        match self {
            Self::AlarmRaised | Self::AlarmAcknowledged | Self::AlarmOverdue => "auditalarms",
            Self::GapOpened | Self::GapClosed => "auditgaps",
            Self::WishRefused | Self::WishTaken | Self::Recovered | Self::Expired => "auditlogs",
        }
    }

    /// Whether people have to act on it.
    pub const fn is_grave(self) -> bool {
        matches!(self, Self::AlarmRaised | Self::AlarmOverdue | Self::GapOpened | Self::WishRefused)
    }

    /// Of a record of this kind, by its verb and resource.
    pub fn of(verb: &str, resource: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|act| act.verb() == verb && act.resource() == resource)
    }
}

/// One thing that is said. The same thing at the same time has the same text, and so the same hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saying(String);

impl Saying {
    /// `name` is what it is about; `by` who did it, where that is not the sink.
    pub fn new(act: Act, name: &str, by: Option<&str>, at: Timestamp, what: &impl Serialize) -> Self {
        let what = serde_json::to_value(what).unwrap_or_default();
        let (verb, resource) = (act.verb(), act.resource());
        let raw = json!({
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "RequestResponse",
            "auditID": format!("{verb}-{resource}-{name}-{}", at.as_microsecond()),
            "stage": "ResponseComplete",
            "requestURI": format!("/apis/{GROUP}/{resource}/{name}"),
            "verb": verb,
            "user": {"username": by.unwrap_or(WHO)},
            "userAgent": WHO,
            "objectRef": {"apiGroup": GROUP, "resource": resource, "name": name},
            "responseObject": what,
            "requestReceivedTimestamp": format!("{at:.6}"),
            "stageTimestamp": format!("{at:.6}"),
        });
        Self(raw.to_string())
    }
}

impl Saying {
    /// What is an event already.
    pub const fn of(raw: String) -> Self {
        Self(raw)
    }
}

/// Writes them down; on an error not all of them are. What was said before is not said again.
pub async fn say(intake: &Arc<Intake>, sayings: &[Saying]) -> Result<(), Failure> {
    let Ok(server) = ServerName::new(SERVER) else { return Ok(()) };
    for part in sayings.chunks(1000) {
        let (mut text, mut at) = (String::new(), Vec::with_capacity(part.len()));
        for Saying(raw) in part {
            let start = text.len();
            text.push_str(raw);
            at.push(start..text.len());
        }
        intake.own(server.clone(), Items::new(text.into(), at)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench;
    use crate::journal::{Journal, Options, Source};
    use snc_audit::Event;
    use tempfile::TempDir;

    #[test]
    fn it_reads_as_an_event() {
        let at: Timestamp = "2026-01-02T03:04:05.678901Z".parse().unwrap();
        let what = json!({"rule": "exec", "decision": "vu, « rien » à faire\n"});
        let saying = Saying::new(Act::AlarmAcknowledged, "a-1", Some("alice"), at, &what);
        assert!(!saying.0.contains('\n'));
        let event = Event::parse(&saying.0).unwrap();
        assert_eq!((&*event.verb, &*event.user.username), ("acknowledge", "alice"));
        assert_eq!(event.time(), Some(at));
        let object = event.object_ref.unwrap();
        assert_eq!(Act::of(&event.verb, &object.resource), Some(Act::AlarmAcknowledged));
        assert_eq!(saying, Saying::new(Act::AlarmAcknowledged, "a-1", Some("alice"), at, &what));
    }

    #[test]
    fn every_act_is_known_by_its_words() {
        for act in Act::ALL {
            assert_eq!(Act::of(act.verb(), act.resource()), Some(*act));
        }
        assert_eq!(Act::of("raise", "auditgaps"), None);
    }

    #[tokio::test]
    async fn it_is_in_the_journal_once_it_is_said_and_once_only() {
        let place = TempDir::new().unwrap();
        let intake = bench::bench(place.path(), &[]).intake;
        let sayings: Vec<Saying> = (0..1500)
            .map(|nth| Saying::new(Act::GapOpened, &format!("g-{nth}"), None, Timestamp::now(), &json!({})))
            .collect();
        say(&intake, &sayings[..700]).await.unwrap();
        say(&intake, &sayings).await.unwrap();
        drop(intake);
        let (journal, recovery) = Journal::open(&place.path().join("journal"), Options::default()).unwrap();
        assert_eq!(recovery.entries, 1500);
        let entries = journal.read_from(1500, 1 << 20).await.unwrap();
        assert_eq!((entries[0].source, entries[0].raw.as_str()), (Source::Sink, sayings[1499].0.as_str()));
    }
}
