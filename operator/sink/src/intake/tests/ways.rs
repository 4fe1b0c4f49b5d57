//! From a log file, over the net, into the journal.

use super::rig::{Rig, cp, event, issue, line, list};
use crate::gaps::{Cause, Note};
use crate::intake::tls::Reload;
use crate::journal::{Os, Source};
use crate::tail::{self, Deliver as _, Follower, Remote, Settings};
use serde_json::json;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

fn follower(rig: &Rig) -> Follower {
    let log = rig.place.path().join("log/audit.log");
    let settings =
        Settings { batch_lines: 50, ..Settings::new(log, cp(1), rig.place.path().join("position")) };
    Follower::open(Arc::new(Os), settings).unwrap()
}

fn write(rig: &Rig, lines: impl Iterator<Item = String>) {
    let log = rig.place.path().join("log/audit.log");
    fs::create_dir_all(log.parent().unwrap()).unwrap();
    let mut log = OpenOptions::new().append(true).create(true).open(log).unwrap();
    lines.for_each(|line| writeln!(log, "{line}").unwrap());
}

fn remote(rig: &Rig, directory: &str) -> Remote {
    let tls = Arc::new(Reload::client(&rig.place.path().join(directory)));
    // By the name that is in the certificate.
    Remote::new(&format!("https://localhost:{}", rig.address.port()), tls).unwrap()
}

async fn until(what: impl AsyncFn() -> bool) {
    for _ in 0..500 {
        if what().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it did not come about");
}

#[tokio::test]
async fn a_position_is_given_back_and_notes_are_heard() {
    let rig = Rig::new().await;
    let notes = vec![Note::Fresh];
    let headers = format!("snc-position: 1:2:3\r\nsnc-notes: {}\r\n", serde_json::to_string(&notes).unwrap());
    let said = rig.post_with("cp-1", "/v1/file", &headers, &list([line(1)])).await;
    assert_eq!((said.code, said.body), (200, json!({"stored": 1, "duplicates": 0})));
    assert!(said.head.contains("snc-position: 1:2:3"));
    let at = |nth: u64| {
        let event: serde_json::Value = serde_json::from_str(&event(nth)).unwrap();
        event["stageTimestamp"].as_str().unwrap().parse().unwrap()
    };
    let notes = vec![Note::Gap { from: Some(at(1)), to: at(9), cause: Cause::Rotated }];
    let headers = format!("snc-notes: {}\r\n", serde_json::to_string(&notes).unwrap());
    rig.post_with("cp-1", "/v1/file", &headers, &list([line(9)])).await;
    let gaps = rig.list();
    assert_eq!(
        (gaps[0].source, gaps[0].cause, gaps[0].from, gaps[0].to),
        (Source::File, Cause::Rotated, at(1), Some(at(9)))
    );
}

#[tokio::test]
async fn a_log_file_goes_to_a_sink_elsewhere() {
    let rig = Rig::new().await;
    issue(&rig.place.path().join("tls"), &rig.ca, "sink", "localhost", &rig.ca);
    rig.tls.look();
    let numbers: Arc<tail::Numbers> = Arc::default();
    let leaving = CancellationToken::new();
    write(&rig, (0..200).map(line));
    let deliver = Arc::new(remote(&rig, "cp-1"));
    let running = tokio::spawn(tail::run(follower(&rig), deliver, numbers.clone(), leaving.clone()));
    until(async || rig.journal.last_position() == 200).await;
    // Nothing is taken for a while.
    rig.disk.room(0);
    write(&rig, (200..300).map(line));
    until(async || numbers.undelivered.load(Ordering::Relaxed) > 1).await;
    assert!(numbers.failing.load(Ordering::Relaxed));
    rig.disk.room(-1);
    until(async || rig.journal.last_position() == 300).await;
    leaving.cancel();
    assert_eq!(running.await.unwrap(), "tail");
    // Another one, with the same position, brings nothing again.
    let mut again = follower(&rig);
    while let Some(batch) = again.batch().unwrap() {
        remote(&rig, "cp-1").deliver(&cp(1), &batch).await.unwrap();
        again.acknowledged().unwrap();
    }
    let entries = rig.entries().await;
    assert_eq!(entries.len(), 300);
    assert!(entries.iter().zip(0..).all(|(entry, nth)| entry.raw == line(nth)));
    issue(&rig.place.path().join("tls"), &rig.ca, "sink", "sink.test", &rig.ca);
    rig.tls.look();
    assert_eq!(rig.post("cp-1", "/v1/webhook", &list((0..300).map(event))).await.body["stored"], json!(0));
}

#[tokio::test]
async fn within_one_process_it_is_the_same() {
    let rig = Rig::new().await;
    write(&rig, (0..120).map(line));
    let (numbers, leaving) = (Arc::default(), CancellationToken::new());
    let deliver = Arc::new(rig.intake.clone());
    let running = tokio::spawn(tail::run(follower(&rig), deliver, numbers, leaving.clone()));
    until(async || rig.journal.last_position() == 120).await;
    leaving.cancel();
    running.await.unwrap();
    assert_eq!(rig.gaps.heard()[1].source, Source::File);
    assert!(rig.gaps.heard()[1].last.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn why_it_is_refused_is_said_however_much_is_sent() {
    let rig = Rig::new().await;
    issue(&rig.place.path().join("tls"), &rig.ca, "sink", "localhost", &rig.ca);
    rig.tls.look();
    issue(&rig.place.path().join("who"), &rig.ca, "nobody", "nobody.test", &rig.ca);
    write(&rig, [line(1).replacen("é", &"é".repeat(4 << 20), 1)].into_iter());
    let batch = follower(&rig).batch().unwrap().unwrap();
    for _ in 0..10 {
        for (directory, server) in [("who", 1), ("cp-1", 2)] {
            let said = remote(&rig, directory).deliver(&cp(server), &batch).await.unwrap_err().why;
            assert!(said.starts_with("403"), "{said}");
        }
    }
    remote(&rig, "cp-1").deliver(&cp(1), &batch).await.unwrap();
}

#[tokio::test]
async fn why_it_is_not_delivered_is_said() {
    let rig = Rig::new().await;
    write(&rig, (0..2).map(line));
    let batch = follower(&rig).batch().unwrap().unwrap();
    let why = |directory: &'static str| {
        let remote = remote(&rig, directory);
        let batch = batch.clone();
        async move { remote.deliver(&cp(1), &batch).await.unwrap_err().why }
    };
    assert!(why("cp-1").await.contains("certificate"), "of another name");
    issue(&rig.place.path().join("tls"), &rig.ca, "sink", "localhost", &rig.ca);
    rig.tls.look();
    issue(&rig.place.path().join("who"), &rig.ca, "nobody", "nobody.test", &rig.ca);
    assert!(why("who").await.starts_with("403"), "{}", why("who").await);
    // Another server's log file.
    let said = remote(&rig, "cp-1").deliver(&cp(2), &batch).await.unwrap_err().why;
    assert!(said.starts_with("403") && said.contains(r#""accepted":"cp-1""#), "{said}");
    assert!(why("nowhere").await.contains("tls.crt"));
    for wrong in ["http://a:1", "https://", "https://a/b", "a:1", "https://a:1/?b"] {
        let tls = Arc::new(Reload::client(rig.place.path()));
        assert!(Remote::new(wrong, tls).is_err(), "{wrong}");
    }
}
