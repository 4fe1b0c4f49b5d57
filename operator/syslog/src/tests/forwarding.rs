use super::receiver::Receiver;
use super::{Journal, SETTLE, eventually, settings, target};
use crate::{Cursor, Forwarder, Found, Kind, Message, Names, Progress, Severity, deliver};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(super) struct Running {
    pub(super) progress: watch::Receiver<Progress>,
    stop: CancellationToken,
    task: JoinHandle<&'static str>,
}

impl Running {
    pub(super) fn start(receiver: &Receiver, journal: &Arc<Journal>, place: &TempDir) -> Self {
        Self::of(Forwarder::new(target(receiver), settings(place), journal.clone()).unwrap())
    }

    pub(super) fn of(forwarder: Forwarder<Journal>) -> Self {
        let (stop, progress) = (CancellationToken::new(), forwarder.progress());
        let task = tokio::spawn(forwarder.run(stop.clone()));
        Self { progress, stop, task }
    }

    pub(super) fn now(&self) -> Progress {
        self.progress.borrow().clone()
    }

    pub(super) async fn stop(self) {
        self.stop.cancel();
        assert_eq!(self.task.await.unwrap(), "syslog");
    }

    /// As a killed process ends.
    pub(super) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

#[tokio::test]
async fn everything_arrives_as_it_was_and_the_cursor_waits_for_it_to_settle() {
    let (receiver, place) = (Receiver::start().await, TempDir::new().unwrap());
    let bodies = [
        "{\"a\":1}".to_owned(),
        "{\"text\":\"été — 日本語 🦀 \\u0000\"}".to_owned(),
        "{\n\"pretty\":\r\n\"printed\"}\n".to_owned(),
        String::new(),
        "9 <13>1 - - - - - - forged".to_owned(),
        format!("{{\"huge\":\"{}\"}}", "é\"\\".repeat(700_000)),
    ];
    let journal = Arc::new(Journal::with(bodies.clone()));
    let running = Running::start(&receiver, &journal, &place);
    eventually("all read", || receiver.seen.highest() == 6).await;
    let arrived = Instant::now();
    receiver.seen.assert_in_order(6);
    let seen = receiver.seen.all();
    for (message, body) in seen.iter().zip(&bodies[..5]) {
        assert_eq!((&message.body, message.params.get("truncated")), (body, None));
        assert_eq!(
            (message.hostname.as_str(), message.kind.as_str(), message.priority),
            ("sink.test", "event", 109)
        );
    }
    assert_eq!(seen[5].params["truncated"], bodies[5].len().to_string());
    assert_eq!(seen[5].params["auditID"], "audit-6");
    assert!(
        serde_json::from_str::<serde_json::Value>(&seen[5].body).unwrap()["truncated"].as_bool().unwrap()
    );

    eventually("settled", || running.now().through == 6).await;
    assert!(arrived.elapsed() + Duration::from_millis(50) >= SETTLE, "{:?}", arrived.elapsed());
    let progress = running.now();
    assert_eq!((progress.written, progress.repeated, progress.truncated, progress.lost), (6, 0, 1, 0));
    assert_eq!(Cursor::open(settings(&place).cursor).1, Found::Through(6));
    assert_eq!((progress.lag_records(), progress.lag_seconds(Timestamp::now())), (0, 0));

    journal.append("{\"later\":true}".to_owned());
    eventually("the later one", || receiver.seen.highest() == 7).await;
    running.stop().await;
    // It had its time to settle before the end.
    assert_eq!(Cursor::open(settings(&place).cursor).1, Found::Through(7));
    assert_eq!((receiver.seen.connections(), receiver.seen.positions().len()), (1, 7));
}

#[tokio::test]
async fn a_receiver_that_is_down_for_long_costs_nothing_but_lag() {
    let (mut receiver, place) = (Receiver::start().await, TempDir::new().unwrap());
    receiver.stop().await;
    let journal = Arc::new(Journal::with((1..=300).map(|n| format!("{{\"n\":{n}}}"))));
    let running = Running::start(&receiver, &journal, &place);
    eventually("failures", || running.now().failures >= 8).await;
    eventually("the lag is known", || running.now().oldest.is_some()).await;
    let progress = running.now();
    assert!(!progress.connected && progress.error.as_deref().is_some_and(|why| why.starts_with("connect: ")));
    assert_eq!((progress.lag_records(), progress.through), (300, 0));
    let later = Timestamp::now() + jiff::SignedDuration::from_secs(60);
    assert!((60..90).contains(&progress.lag_seconds(later)), "{}", progress.lag_seconds(later));
    // Whoever writes to the journal is not held up.
    journal.append("{}".to_owned());
    receiver.again().await;
    eventually("settled", || running.now().through == 301).await;
    receiver.seen.assert_in_order(301);
    assert_eq!(running.now().error, None);
    running.stop().await;
}

#[tokio::test]
async fn a_restarted_forwarder_goes_on_where_it_had_settled() {
    let (receiver, place) = (Receiver::start().await, TempDir::new().unwrap());
    let journal = Arc::new(Journal::with((1..=20).map(|n| format!("{{\"n\":{n}}}"))));
    let running = Running::start(&receiver, &journal, &place);
    eventually("settled", || running.now().through == 20).await;
    for n in 21..=40 {
        journal.append(format!("{{\"n\":{n}}}"));
    }
    eventually("written", || receiver.seen.highest() == 40).await;
    running.kill().await;
    assert_eq!(Cursor::open(settings(&place).cursor).1, Found::Through(20));
    let running = Running::start(&receiver, &journal, &place);
    eventually("settled again", || running.now().through == 40).await;
    receiver.seen.assert_in_order(40);
    let positions = receiver.seen.positions();
    assert!((1..=20).all(|position| positions.iter().filter(|other| **other == position).count() == 1));
    assert!((21..=40).all(|position| positions.iter().filter(|other| **other == position).count() == 2));
    running.stop().await;
}

#[tokio::test]
async fn a_cursor_of_another_journal_and_a_broken_one_send_everything_again() {
    let (receiver, place) = (Receiver::start().await, TempDir::new().unwrap());
    let journal = Arc::new(Journal::with(["{}".to_owned(), "{}".to_owned()]));
    for text in ["{\"through\":900}", "nonsense"] {
        let before = receiver.seen.positions().len();
        std::fs::write(settings(&place).cursor, text).unwrap();
        let running = Running::start(&receiver, &journal, &place);
        assert!(running.now().error.is_some());
        eventually("both again", || receiver.seen.positions().len() == before + 2).await;
        eventually("settled", || running.now().through == 2).await;
        running.stop().await;
    }
}

#[tokio::test]
async fn what_was_gone_before_it_was_sent_is_told_and_an_unreadable_journal_is_waited_for() {
    let (mut receiver, place) = (Receiver::start().await, TempDir::new().unwrap());
    let journal = Arc::new(Journal::with((1..=10).map(|n| format!("{{\"n\":{n}}}"))));
    let running = Running::start(&receiver, &journal, &place);
    eventually("settled", || running.now().through == 10).await;
    receiver.stop().await;
    for n in 11..=20 {
        journal.append(format!("{{\"n\":{n}}}"));
    }
    journal.release(15);
    journal.set_broken(true);
    receiver.again().await;
    eventually("told", || running.now().error.as_deref() == Some("journal: disk")).await;
    journal.set_broken(false);
    eventually("settled", || running.now().through == 20).await;
    assert_eq!(running.now().lost, 5);
    let seen = receiver.seen.all();
    let hole: Vec<_> = seen.iter().filter(|message| message.kind == "hole").collect();
    assert_eq!((hole.len(), hole[0].body.as_str()), (1, "{\"from\":11,\"kind\":\"hole\",\"to\":15}"));
    assert_eq!(receiver.seen.highest(), 20);
    running.stop().await;
}

#[tokio::test]
async fn a_few_messages_are_delivered_on_their_own_or_not_at_all() {
    let (mut receiver, place) = (Receiver::start().await, TempDir::new().unwrap());
    let names = Names { position: Some(1), ..Names::default() };
    let body = "snc-anchor number=7 hash=ab".to_owned();
    let anchor =
        Message { severity: Severity::Notice, kind: Kind::Anchor, at: Timestamp::now(), names, body };
    let (target, settings) = (target(&receiver), settings(&place));
    let started = Instant::now();
    deliver(&target, &settings, std::slice::from_ref(&anchor)).await.unwrap();
    assert!(started.elapsed() >= SETTLE);
    let seen = receiver.seen.all();
    assert_eq!((seen.len(), seen[0].kind.as_str(), &seen[0].body), (1, "anchor", &anchor.body));
    receiver.stop().await;
    let error = deliver(&target, &settings, &[anchor]).await.unwrap_err();
    assert!(error.to_string().starts_with("connect: "), "{error}");
}

#[tokio::test]
async fn settings_out_of_bounds_are_refused() {
    let (receiver, place) = (Receiver::start().await, TempDir::new().unwrap());
    let journal = Arc::new(Journal::default());
    let mut small = settings(&place);
    small.message = 2047;
    let refusal = Forwarder::new(target(&receiver), small, journal.clone()).err().unwrap();
    assert_eq!((refusal.path.as_str(), refusal.given.as_str()), ("message", "2047"));
    let mut hasty = settings(&place);
    hasty.settle = Duration::from_millis(1);
    assert_eq!(Forwarder::new(target(&receiver), hasty, journal).err().unwrap().path, "settle");
}
