use super::*;
use crate::bench::{Bench, bench, server};
use crate::gaps::Cause;
use crate::journal::Source;
use snc_audit::Event;
use tempfile::TempDir;

struct Room {
    place: TempDir,
    bench: Bench,
    wishes: Arc<Kept>,
}

fn room() -> Room {
    let place = TempDir::new().unwrap();
    let bench = bench(place.path(), &[]);
    let wishes = Arc::new(Kept::open(place.path().join("wishes.json")).unwrap());
    Room { place, bench, wishes }
}

impl Room {
    fn notices(&self) -> Notices {
        Notices {
            gaps: self.bench.gaps.clone(),
            wishes: self.wishes.clone(),
            intake: self.bench.intake.clone(),
            metrics: self.bench.metrics.clone(),
            told: Written::open(self.place.path().join("told.json")).unwrap(),
        }
    }

    async fn said(&self) -> Vec<String> {
        let entries = self.bench.journal.read_from(1, 16 << 20).await.unwrap();
        let of = |raw: &str| {
            let event = Event::parse(raw).unwrap();
            let object = event.object_ref.as_ref().unwrap();
            format!("{} {}/{}", &*event.verb, &*object.resource, &*object.name)
        };
        entries.iter().filter(|entry| entry.source == Source::Sink).map(|entry| of(&entry.raw)).collect()
    }
}

#[tokio::test]
async fn gaps_are_told_when_they_open_and_when_they_close() {
    let room = room();
    let (gaps, now) = (&room.bench.gaps, Timestamp::now());
    let second = |second: i64| now + jiff::SignedDuration::from_secs(second);
    let mut notices = room.notices();
    gaps.add(&server(), Source::Webhook, Cause::Down, (second(-500), Some(second(-400))), now);
    gaps.add(&server(), Source::File, Cause::Rotated, (second(-500), Some(second(-400))), now);
    notices.tell().await;
    notices.tell().await;
    assert_eq!(room.said().await, ["open auditgaps/1", "open auditgaps/2"]);
    // The file has everything of the first.
    let progress = crate::gaps::Progress {
        between: Some((second(-1000), second(-10))),
        notes: vec![crate::gaps::Note::Fresh],
    };
    gaps.file(&server(), &progress, now);
    let mut again = room.notices();
    again.tell().await;
    assert_eq!(room.said().await, ["open auditgaps/1", "open auditgaps/2", "close auditgaps/1"]);
    room.notices().tell().await;
    assert_eq!(room.said().await.len(), 3);
    again.measure();
    let metrics = &room.bench.metrics;
    let labels = |source: &str, cause: &str| {
        let labels = [source.to_owned(), cause.to_owned()];
        (metrics.gaps_open.with_label_values(&labels).get(), metrics.gaps.with_label_values(&labels).get())
    };
    assert_eq!((labels("webhook", "Down"), labels("file", "Rotated")), ((0, 1), (1, 1)));
}

#[tokio::test]
async fn what_is_asked_for_holds_and_what_is_refused_is_told() {
    let room = room();
    let asked = watch::Sender::new(None);
    let stop = CancellationToken::new();
    let task = tokio::spawn(room.notices().run(asked.subscribe(), stop.clone()));
    asked.send_replace(Some(Wishes { generation: 1, days: 400, ..Wishes::default() }));
    let mut holds = room.wishes.watch();
    holds.wait_for(|wishes| wishes.days == 400).await.unwrap();
    asked.send_replace(Some(Wishes { generation: 2, days: 200, ..Wishes::default() }));
    holds.wait_for(|wishes| wishes.generation == 2).await.unwrap();
    stop.cancel();
    task.await.unwrap();
    assert_eq!(room.wishes.now().days, 400);
    assert_eq!(room.bench.metrics.wishes_refused.get(), 1);
    assert_eq!(room.said().await, ["take auditlogs/1", "refuse auditlogs/spec.retention.days"]);
}
