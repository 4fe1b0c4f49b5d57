use super::rig::{Rig, answer, authority, event, issue, line, list};
use crate::gaps::Cause;
use crate::intake::tls::Reload;
use crate::intake::{Items, Limits};
use crate::journal::Source;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::fs;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test]
async fn what_is_said_yes_to_is_in_the_journal_as_it_came_and_once() {
    let rig = Rig::new().await;
    let odd = event(7).replacen(',', " ,  ", 1).replace("\"get\"", "\"g\\u0065t\"");
    let body = list([event(1), odd.clone(), event(2), event(1)]);
    let said = rig.post("cp-1", "/v1/webhook", &body).await;
    assert_eq!((said.code, said.body), (200, json!({"stored": 3, "duplicates": 1})));
    let said = rig.post("cp-1", "/v1/webhook", &body).await;
    assert_eq!(said.body, json!({"stored": 0, "duplicates": 4}));
    // The same, as the file has it, and from another server.
    let said = rig.post("cp-2", "/v1/file", &list([line(1), line(2), line(3)])).await;
    assert_eq!(said.body, json!({"stored": 1, "duplicates": 2}));
    let entries = rig.entries().await;
    let raws: Vec<&str> = entries.iter().map(|entry| entry.raw.as_str()).collect();
    assert_eq!(raws, [&event(1), &odd, &event(2), &line(3)]);
    let ways: Vec<(Source, &str)> =
        entries.iter().map(|entry| (entry.source, entry.server.as_str())).collect();
    assert_eq!(&ways[2..], [(Source::Webhook, "cp-1"), (Source::File, "cp-2")]);
    assert_eq!((rig.count("webhook", "stored"), rig.count("file", "duplicate")), (3, 2));
    assert!(rig.list().is_empty());
}

#[tokio::test]
async fn http_2_is_spoken() {
    let rig = Rig::new().await;
    let mut config = (*Reload::client(&rig.place.path().join("cp-1")).current().unwrap()).clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = rig.connect_with(config).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut ask = |body: Vec<u8>| {
        let request = http::Request::post("https://sink.test/v1/webhook").body(Full::new(Bytes::from(body)));
        sender.send_request(request.unwrap())
    };
    let many: Vec<_> = (0..20).map(|nth| ask(list((nth * 100..nth * 100 + 300).map(event)))).collect();
    for answer in futures::future::try_join_all(many).await.unwrap() {
        assert_eq!(answer.status(), 200);
        answer.into_body().collect().await.unwrap();
    }
    assert_eq!(rig.entries().await.len(), 2200);
}

#[tokio::test]
async fn without_a_certificate_of_the_authority_there_is_no_word() {
    let rig = Rig::new().await;
    let other = authority();
    issue(&rig.place.path().join("other"), &other, "apiserver-1", "cp-1.test", &rig.ca);
    let mut nobody = (*Reload::client(&rig.place.path().join("cp-1")).current().unwrap()).clone();
    nobody.client_auth_cert_resolver = std::sync::Arc::new(NoCertificate);
    let foreign = (*Reload::client(&rig.place.path().join("other")).current().unwrap()).clone();
    for config in [nobody, foreign] {
        // With TLS 1.3 the client hears of it after its own part is done.
        let Ok(mut stream) = rig.connect_with(config).await else { continue };
        let _ = stream.write_all(b"POST /v1/webhook HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").await;
        let mut said = Vec::new();
        assert!(stream.read_to_end(&mut said).await.is_err());
        assert!(said.is_empty());
    }
    assert_eq!(rig.refused("stranger"), 2);
}

#[derive(Debug)]
struct NoCertificate;

impl rustls::client::ResolvesClientCert for NoCertificate {
    fn resolve(
        &self,
        _: &[&[u8]],
        _: &[rustls::SignatureScheme],
    ) -> Option<std::sync::Arc<rustls::sign::CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn a_subject_that_is_not_named_or_is_two_servers_is_refused() {
    let rig = Rig::new().await;
    for (common, san) in
        [("apiserver-10", "apiserver-1.test"), ("Apiserver-1", "x.test"), ("both", "both.test")]
    {
        issue(&rig.place.path().join("who"), &rig.ca, common, san, &rig.ca);
        let said = rig.post("who", "/v1/webhook", &list([event(1)])).await;
        assert_eq!(said.code, 403, "{common}");
        assert_eq!(said.body["error"]["given"], json!([common, san]));
    }
    assert_eq!(rig.entries().await, []);
    assert_eq!(rig.refused("stranger"), 3);
    issue(&rig.place.path().join("who"), &rig.ca, "anything", "spiffe://test/cp-2", &rig.ca);
    assert_eq!(rig.post("who", "/v1/webhook", &list([event(1)])).await.code, 200);
}

#[tokio::test]
async fn what_is_asked_for_otherwise_says_what_is_accepted() {
    let rig = Rig::new().await;
    let cases: [(&str, &str, &[u8], u16, &str); 6] = [
        ("/v1/elsewhere", "", b"", 404, "/v1/elsewhere"),
        ("/v1/webhook", "content-encoding: gzip\r\n", b"", 415, "gzip"),
        ("/v1/webhook", "", b"{}", 400, ""),
        (
            "/v1/webhook",
            "",
            br#"{"kind":"EventList","apiVersion":"audit.k8s.io/v2"}"#,
            400,
            "audit.k8s.io/v2",
        ),
        ("/v1/webhook", "", b"\xff", 400, "expected value at line 1 column 1"),
        (
            "/v1/file",
            "snc-notes: {}\r\n",
            b"",
            400,
            "invalid type: map, expected a sequence at line 1 column 0",
        ),
    ];
    for (path, headers, body, code, given) in cases {
        let said = rig.post_with("cp-1", path, headers, body).await;
        assert_eq!((said.code, &said.body["error"]["given"]), (code, &json!(given)), "{path} {headers}");
        for language in ["fr", "en"] {
            assert!(said.body["error"][language].is_string());
        }
    }
    assert!(rig.list().iter().all(|gap| gap.cause == Cause::Unreadable && gap.to.is_some()));
    assert_eq!(rig.list().len(), 1, "one after the other");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_a_gap_for_it_will_not_come_smaller() {
    let limits = Limits { body_bytes: 1000, ..Limits::default() };
    let rig = Rig::with(limits, 100).await;
    assert_eq!(rig.post("cp-1", "/v1/webhook", &list([event(1)])).await.code, 200);
    let said = rig.post("cp-1", "/v1/webhook", &list((0..20).map(event))).await;
    assert_eq!((said.code, &said.body["error"]["accepted"]), (413, &json!(1000)));
    let gaps = rig.list();
    assert_eq!((gaps.len(), gaps[0].cause), (1, Cause::Refused));
    // Where it does not say how long it is.
    let mut stream = rig.connect("cp-1").await.unwrap();
    let head = b"POST /v1/webhook HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let _ = stream.write_all(format!("500\r\n{}\r\n", "x".repeat(0x500)).as_bytes()).await;
    assert_eq!(answer(&mut stream).await.code, 413);
    assert_eq!(rig.entries().await.len(), 1);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let limits = Limits { piece_within: Duration::from_millis(200), ..Limits::default() };
    let rig = Rig::with(limits, 100).await;
    let mut stream = rig.connect("cp-1").await.unwrap();
    stream.write_all(b"POST /v1/webhook HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").await.unwrap();
    assert_eq!(answer(&mut stream).await.code, 408);
    assert_eq!(rig.refused("late"), 1);
    let limits = Limits {
        body_within: Duration::from_millis(300),
        piece_within: Duration::from_millis(200),
        ..limits
    };
    let rig = Rig::with(limits, 100).await;
    let mut stream = rig.connect("cp-1").await.unwrap();
    stream.write_all(b"POST /v1/webhook HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n").await.unwrap();
    for _ in 0..6 {
        let _ = stream.write_all(b" ").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(answer(&mut stream).await.code, 408, "a little at a time");
    // Whoever does not come again within a minute has given up.
    rig.gaps.tick(Timestamp::now() + SignedDuration::from_secs(70));
    assert_eq!(rig.list()[0].cause, Cause::Refused);
}

#[tokio::test]
async fn without_room_in_memory_it_is_to_be_tried_again_later() {
    let limits = Limits { memory_bytes: 11_000, room_within: Duration::from_millis(50), ..Limits::default() };
    let rig = Rig::with(limits, 1000).await;
    let mut stream = rig.connect("cp-2").await.unwrap();
    stream.write_all(b"POST /v1/webhook HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n{").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let body = list((0..10).map(event));
    assert!(body.len() > 1000);
    let said = rig.post("cp-1", "/v1/webhook", &body).await;
    assert_eq!((said.code, rig.refused("shed")), (429, 1));
    assert!(said.head.contains("retry-after: 1"), "{}", said.head);
    assert_eq!(rig.entries().await, []);
    drop(stream);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(rig.post("cp-1", "/v1/webhook", &body).await.code, 200);
    rig.gaps.tick(Timestamp::now() + SignedDuration::from_secs(300));
    let of_one = |gap: &crate::gaps::AuditGap| gap.server.as_str() == "cp-1";
    assert!(!rig.list().iter().any(of_one), "it came again");
}

#[tokio::test]
async fn on_a_full_disk_nothing_is_said_yes_to() {
    let rig = Rig::new().await;
    assert_eq!(rig.post("cp-1", "/v1/webhook", &list([event(1)])).await.code, 200);
    let body = list((2..30).map(event));
    for room in [0, 500] {
        rig.disk.room(room);
        let said = rig.post("cp-1", "/v1/webhook", &body).await;
        assert_eq!((said.code, rig.entries().await.len()), (500, 1));
        assert!(said.body["error"]["fr"].as_str().unwrap().contains("plus de place"));
    }
    rig.gaps.tick(Timestamp::now() + SignedDuration::from_secs(70));
    let gaps = rig.list();
    assert_eq!((gaps[0].cause, gaps[0].to), (Cause::DiskFull, None));
    rig.disk.room(-1);
    let said = rig.post("cp-1", "/v1/webhook", &body).await;
    assert_eq!(said.body, json!({"stored": 28, "duplicates": 0}));
    assert!(rig.list()[0].to.is_some());
    assert_eq!(rig.entries().await.len(), 29);
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_and_loses_nothing_else() {
    let rig = Rig::new().await;
    let bad = [r#"{"auditID":7}"#, "[1]", r#"{"auditID":"x","stage":""}"#, r#"{"a":tru}"#, "{\"a\":\n1e999}"];
    let items = bad.iter().flat_map(|bad| [(*bad).to_owned(), event(bad.len() as u64)]);
    let said = rig.post("cp-1", "/v1/webhook", &list(items)).await;
    assert_eq!((said.code, &said.body["stored"]), (200, &json!(10)));
    let entries = rig.entries().await;
    let kept: Vec<&str> =
        entries.iter().filter(|entry| entry.unreadable).map(|entry| entry.raw.as_str()).collect();
    assert_eq!(kept.len(), 5);
    assert_eq!((kept[0], kept[1], kept[2]), (bad[0], r#"{"unreadable":"[1]"}"#, bad[2]));
    assert_eq!(kept[3], r#"{"unreadable":"{\"a\":tru}"}"#);
    assert_eq!(entries.iter().filter(|entry| !entry.unreadable).count(), 5);
    assert!(entries.iter().all(|entry| !entry.raw.contains('\n')));
    assert_eq!(rig.count("webhook", "unreadable"), 5);
    assert_eq!(rig.list()[0].cause, Cause::Unreadable);
}

/// The API server writes down a patch as the client sent it.
#[tokio::test]
async fn no_byte_of_a_client_hides_its_event() {
    let rig = Rig::new().await;
    let bodies: [&[u8]; 5] = [
        b"\"\xff\xfe\"",
        b"\"\\ud800\"",
        b"{\"a\":1,\"a\":2}",
        b"\"\\ud800\\u0041 \xc3\"",
        b"{\"\xf0\x9f\":[\"\\udfff\"]}",
    ];
    let events: Vec<Vec<u8>> = (1..)
        .zip(bodies)
        .map(|(nth, body)| {
            let text = event(nth);
            let before = text.strip_suffix('}').unwrap().as_bytes();
            [before, b",\"requestObject\":" as &[u8], body, b"}"].concat()
        })
        .collect();
    let head = br#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":["#;
    let body = [head as &[u8], &events.join(&b","[..]), b"]}"].concat();
    let said = rig.post("cp-1", "/v1/webhook?timeout=30s", &body).await;
    assert_eq!((said.code, &said.body["stored"]), (200, &json!(5)));
    let entries = rig.entries().await;
    assert!(entries.iter().all(|entry| !entry.unreadable && entry.stage.is_some()));
    assert!(rig.list().is_empty());
    // A log file has the same bytes.
    let lines = events
        .iter()
        .map(|event| [br#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","#, &event[1..]].concat());
    let (mut text, mut at) = (Vec::new(), Vec::new());
    for line in lines {
        at.push(text.len()..text.len() + line.len());
        text.extend_from_slice(&line);
    }
    let taken = rig.intake.file(super::rig::cp(1), Items::new(text.into(), at), vec![]).await.unwrap();
    assert_eq!((taken.stored, taken.duplicates, taken.unreadable), (0, 5, 0));
}

#[tokio::test]
async fn another_event_with_the_same_identity_is_stored_and_told() {
    let rig = Rig::new().await;
    let forged = event(1).replace("\"get\"", "\"delete\"");
    assert_eq!(rig.post("cp-1", "/v1/webhook", &list([event(1)])).await.code, 200);
    let said = rig.post("cp-2", "/v1/webhook", &list([forged, event(2)])).await;
    assert_eq!(said.body["stored"], json!(2));
    let reused = rig.reused.lock().unwrap();
    assert_eq!((reused.len(), reused[0].audit_id.as_str()), (1, "id-1"));
}

#[tokio::test]
async fn when_trust_changes_connections_are_made_again_under_the_new_one() {
    let rig = Rig::new().await;
    let mut stream = rig.connect("cp-1").await.unwrap();
    let head = "POST /v1/webhook HTTP/1.1\r\nhost: x\r\ncontent-length: ";
    let body = list([event(1)]);
    let request = [format!("{head}{}\r\n\r\n", body.len()).as_bytes(), &body].concat();
    stream.write_all(&request).await.unwrap();
    let mut piece = [0; 4096];
    assert!(stream.read(&mut piece).await.unwrap() > 0);
    let ca = authority();
    fs::write(rig.place.path().join("tls/ca.crt"), ca.pem()).unwrap();
    rig.tls.look();
    assert_eq!(stream.read(&mut piece).await.unwrap_or(0), 0, "the old one is closed");
    if let Ok(mut stream) = rig.connect("cp-1").await {
        let _ = stream.write_all(&request).await;
        let mut said = Vec::new();
        assert!(stream.read_to_end(&mut said).await.is_err());
    }
    issue(&rig.place.path().join("cp-1"), &ca, "apiserver-1", "cp-1.test", &rig.ca);
    assert_eq!(rig.post("cp-1", "/v1/webhook", &list([event(2)])).await.code, 200);
}

#[tokio::test]
async fn asked_to_leave_it_ends_what_is_under_way() {
    let rig = Rig::new().await;
    let mut stream = rig.connect("cp-1").await.unwrap();
    let body = list([event(1)]);
    let head = format!("POST /v1/webhook HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    rig.leaving.cancel();
    tokio::time::sleep(Duration::from_millis(50)).await;
    stream.write_all(&body).await.unwrap();
    let said = answer(&mut stream).await;
    assert_eq!(said.code, 200);
    assert!(said.head.contains("connection: close"));
    assert_eq!(rig.running.await.unwrap(), "intake");
    assert_eq!(rig.journal.last_position(), 1);
}
