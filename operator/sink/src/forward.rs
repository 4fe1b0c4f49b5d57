//! The journal as what a syslog receiver is fed from.

use crate::journal::{Entry, Journal, Source};
use crate::own::Act;
use snc_audit::Event;
use snc_syslog::{Batch, Item, Kind, Message, Names, Severity, Unreadable};

/// Reads what is acknowledged, before it is sealed: a receiver hears of it at once.
pub struct Feed(pub Journal);

impl snc_syslog::Source for Feed {
    async fn read_from(&self, position: u64, max_bytes: usize) -> Result<Batch, Unreadable> {
        let entries = self.0.read_from(position, max_bytes).await?;
        let from = entries.first().map_or(position, |entry| entry.position);
        let next = entries.last().map_or(position, |entry| entry.position + 1);
        Ok(Batch { from, items: entries.into_iter().map(item).collect(), next })
    }

    fn last(&self) -> u64 {
        self.0.last_position()
    }
}

fn item(entry: Entry) -> Item {
    let Entry { position, received, source, server, hash, stage, raw, .. } = entry;
    let (kind, severity, audit_id) = match Event::parse(&raw) {
        Ok(event) => {
            let (kind, severity) = said(source, &event);
            (kind, severity, Some(event.audit_id.to_string()))
        }
        Err(_) => (Kind::Event, Severity::Warning, None),
    };
    let names = Names {
        position: Some(position),
        server: Some(server.to_string()),
        audit_id,
        hash: Some(hash.to_string()),
        ..Names::default()
    };
    let message = Message { severity, kind, at: stage.unwrap_or(received), names, body: raw };
    Item { position, received, message }
}

fn said(source: Source, event: &Event<'_>) -> (Kind, Severity) {
    let resource = event.object_ref.as_ref().map_or("", |object| &*object.resource);
    let act = Act::of(&event.verb, resource).filter(|_| source == Source::Sink);
    let Some(act) = act else {
        let code = event.code().and_then(|code| u16::try_from(code).ok());
        return (Kind::Event, Severity::of_event(&event.verb, code));
    };
    let severity = if act.is_grave() { Severity::Alert } else { Severity::Notice };
    match act {
        Act::AlarmRaised | Act::AlarmAcknowledged | Act::AlarmOverdue => (Kind::Alarm, severity),
        Act::GapOpened | Act::GapClosed => (Kind::Gap, severity),
        Act::WishRefused | Act::WishTaken | Act::Recovered | Act::Expired => (Kind::Event, severity),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench;
    use crate::journal::ServerName;
    use crate::own::{Saying, say};
    use jiff::Timestamp;
    use serde_json::json;
    use snc_audit::canonical;
    use snc_syslog::Source as _;
    use tempfile::TempDir;

    async fn put(journal: &Journal, raw: &str) {
        let mut batch =
            crate::journal::Batch::new(Timestamp::now(), Source::Webhook, &ServerName::new("un").unwrap());
        batch.push(&canonical::hash(raw).unwrap(), None, false, raw);
        journal.append(batch).await.unwrap();
    }

    #[tokio::test]
    async fn everything_is_fed_in_order_and_nobody_fakes_an_alarm() {
        let place = TempDir::new().unwrap();
        let bench::Bench { intake, journal, .. } = bench::bench(place.path(), &[]);
        let event = |verb: &str, code: u16| {
            json!({"auditID": "a", "stage": "ResponseComplete", "verb": verb,
                "objectRef": {"resource": "auditalarms"}, "responseStatus": {"code": code}})
            .to_string()
        };
        put(&journal, &event("raise", 200)).await;
        put(&journal, &event("get", 403)).await;
        put(&journal, "{}").await;
        let alarm = Saying::new(Act::AlarmRaised, "a", None, Timestamp::now(), &json!({}));
        let gap = Saying::new(Act::GapClosed, "a", None, Timestamp::now(), &json!({}));
        say(&intake, &[alarm, gap]).await.unwrap();

        let feed = Feed(journal);
        let (mut position, mut said) = (1, Vec::new());
        while position <= feed.last() {
            let batch = feed.read_from(position, 1).await.unwrap();
            assert_eq!((batch.from, batch.items[0].position), (position, position));
            said.extend(batch.items.into_iter().map(|item| (item.message.kind, item.message.severity)));
            position = batch.next;
        }
        assert_eq!(
            said,
            [
                (Kind::Event, Severity::Notice),
                (Kind::Event, Severity::Warning),
                (Kind::Event, Severity::Warning),
                (Kind::Alarm, Severity::Alert),
                (Kind::Gap, Severity::Notice),
            ]
        );
        assert_eq!(feed.read_from(position, 1).await.unwrap(), Batch { from: 6, items: vec![], next: 6 });
    }
}
