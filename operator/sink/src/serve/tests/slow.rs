//! Clients that take their time.

use super::client::reply;
use super::{Scene, until};
use crate::serve::Limits;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

fn impatient() -> Limits {
    Limits {
        handshake: Duration::from_millis(500),
        headers: Duration::from_millis(500),
        body: Duration::from_millis(500),
        stall: Duration::from_millis(500),
        question: Duration::from_millis(500),
        each: 2,
        ..Limits::default()
    }
}

const EVENTS: &str =
    "GET /v1/events?tenant=a&limit=10000 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer alice-token\r\n\r\n";

#[tokio::test]
async fn whoever_sends_nothing_or_never_ends_is_left() {
    let scene = Scene::with(impatient(), 2).await;
    let started = Instant::now();
    // No handshake.
    let mut stream = TcpStream::connect(scene.client.address).await.unwrap();
    assert_eq!(stream.read(&mut [0; 16]).await.unwrap_or(0), 0);
    // Nothing after it.
    let mut stream = scene.client.connect().await;
    assert_eq!(stream.read(&mut [0; 16]).await.unwrap_or(0), 0);
    // A head, letter by letter.
    let mut stream = scene.client.connect().await;
    let mut left = false;
    for byte in EVENTS.bytes() {
        if stream.write_all(&[byte]).await.is_err() || stream.flush().await.is_err() {
            left = true;
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(left || reply(&answer, false).code != 200);
    // A body that never ends.
    let mut stream = scene.client.connect().await;
    let head = "POST /v1/alarms/a-1/acknowledge HTTP/1.1\r\nhost: x\r\nauthorization: Bearer officer-token\r\n\
                content-length: 100\r\n\r\n{\"decision\":";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert_eq!(reply(&answer, false).code, 408);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[tokio::test]
async fn whoever_does_not_read_is_left_and_their_places_are_free_again() {
    // More than the kernels on both sides hold.
    let scene = Scene::with(impatient(), 9000).await;
    let mut stalled = Vec::new();
    for _ in 0..2 {
        let mut stream = scene.client.connect_narrow().await;
        for _ in 0..4 {
            stream.write_all(EVENTS.as_bytes()).await.unwrap();
        }
        stalled.push(stream);
    }
    // Both places of hers are taken; others have theirs.
    until("busy", async || scene.get("alice", "/v1/events?tenant=a&limit=1").await.code == 429).await;
    assert_eq!(scene.get("bob", "/v1/events?tenant=b&limit=1").await.code, 200);
    until("free", async || scene.get("alice", "/v1/events?tenant=a&limit=1").await.code == 200).await;
    tokio::time::sleep(impatient().stall * 2).await;
    // And what they got is not taken for whole.
    for mut stream in stalled {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let text = String::from_utf8_lossy(&answer);
        let (begun, ended) = (text.matches("HTTP/1.1 200").count(), text.matches("\"truncated\":").count());
        assert!(begun > ended, "{begun} {ended}");
    }
}

#[tokio::test]
async fn whoever_reads_slowly_gets_everything() {
    let scene = Scene::with(impatient(), 1500).await;
    let mut stream = scene.client.connect().await;
    let close = EVENTS.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    stream.write_all(close.as_bytes()).await.unwrap();
    let (mut answer, mut piece) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        let length = stream.read(&mut piece).await.unwrap();
        if length == 0 {
            break;
        }
        answer.extend_from_slice(&piece[..length]);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(reply(&answer, false).lines().0.len(), 4500);
}

#[tokio::test]
async fn an_answer_that_takes_too_long_goes_on_in_the_next() {
    let scene = Scene::with(Limits { events: Duration::from_millis(1), ..Limits::default() }, 600).await;
    let reply = scene.get("alice", "/v1/events?tenant=a&limit=10000").await;
    if reply.code == 200 {
        let (records, last) = reply.lines();
        assert!(records.len() < 1800 && last["truncated"].as_bool().unwrap() && last["next"].is_string());
    } else {
        assert_eq!(reply.code, 503);
    }
}

#[tokio::test]
async fn an_export_ends_with_the_right_to_it() {
    let limits = Limits { again: Duration::from_millis(100), ..Limits::default() };
    let scene = Scene::with(limits, 9000).await;
    let ask = EVENTS.replace("events?tenant=a&limit=10000", "export?tenant=a");
    let ask = ask.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    for revoked in [false, true] {
        let mut stream = scene.client.connect_narrow().await;
        stream.write_all(ask.as_bytes()).await.unwrap();
        if revoked {
            scene.cluster.revoke("alice");
            // A yes is remembered for five seconds.
            tokio::time::sleep(Duration::from_secs(6)).await;
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = reply(&answer, false);
        assert_eq!((answer.code, answer.whole), (200, !revoked));
    }
}

#[tokio::test]
async fn of_exports_there_is_one_at_a_time_for_each() {
    let scene = Scene::with(impatient(), 9000).await;
    let mut stream = scene.client.connect_narrow().await;
    let export = EVENTS.replace("events?tenant=a&limit=10000", "export?tenant=a");
    stream.write_all(export.as_bytes()).await.unwrap();
    until("busy", async || scene.get("alice", "/v1/export?tenant=a").await.code == 429).await;
    drop(stream);
    until("free", async || scene.get("alice", "/v1/export?tenant=a").await.code == 200).await;
}
