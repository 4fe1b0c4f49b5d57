//! What is answered to those who may.

use super::{Scene, certificates, error, marks_in};
use crate::serve::Limits;
use jiff::Timestamp;
use serde_json::{Value, json};
use snc_auditlog::{Check, verify_export};
use std::collections::BTreeSet;
use std::path::Path;

fn names(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["event"]["auditID"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn pages_give_each_record_once_and_in_order() {
    let scene = Scene::with(Limits::default(), 700).await;
    let whole = scene.get("alice", "/v1/events?tenant=a&limit=10000").await;
    assert_eq!(whole.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(whole.header("cache-control"), Some("no-store"));
    let (all, last) = whole.lines();
    assert_eq!((all.len(), &last["next"], &last["truncated"]), (2100, &Value::Null, &Value::Bool(false)));
    let seqs: Vec<u64> = all.iter().map(|record| record["seq"].as_u64().unwrap()).collect();
    let forwards: Vec<u64> = (1..=2100).collect();
    let backwards: Vec<u64> = forwards.iter().rev().copied().collect();
    assert!(seqs == forwards || seqs == backwards);

    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let (records, last) =
            scene.get("alice", &format!("/v1/events?tenant=a&limit=611{cursor}")).await.lines();
        assert!(records.len() <= 611);
        paged.extend(records);
        assert_eq!(last["truncated"], Value::Bool(!last["next"].is_null()));
        let Some(next) = last["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(names(&paged), names(&all));
    // Without a limit a thousand.
    let (records, last) = scene.get("alice", "/v1/events?tenant=a").await.lines();
    assert_eq!((records.len(), last["truncated"].as_bool()), (1000, Some(true)));
}

#[tokio::test]
async fn every_filter_filters() {
    let scene = Scene::new().await;
    for (filter, count) in [
        ("", 120),
        ("&namespace=a-one", 40),
        ("&user=MARK-A-ONE-user", 40),
        ("&verb=get", 60),
        ("&verb=delete", 0),
        ("&resource=pods", 120),
        ("&resource=secrets", 0),
        ("&subresource=exec", 0),
        ("&name=MARK-A-TWO-pod", 40),
        ("&code=200", 120),
        ("&code=403", 0),
        ("&since=2026-11-01T00:01:00Z", 61),
        ("&until=2026-11-01T00:01:00Z", 59),
        ("&since=2026-11-01T00:00:10Z&until=2026-11-01T00:00:12Z", 2),
        ("&namespace=a-one&verb=get&limit=7", 7),
    ] {
        let (records, _) = scene.get("alice", &format!("/v1/events?tenant=a{filter}")).await.lines();
        assert_eq!(records.len(), count, "{filter}");
    }
}

#[tokio::test]
async fn an_answer_says_up_to_when_the_log_is_sealed() {
    let scene = Scene::new().await;
    let (records, last) = scene.get("alice", "/v1/events?tenant=a&verb=delete").await.lines();
    assert_eq!((records.len(), last["sealedThrough"].as_str()), (0, Some(super::START)));
    let export = scene.get("alice", "/v1/export?tenant=a").await;
    assert_eq!(export.header("snc-sealed-through"), Some(super::START));
    assert_eq!(export.header("content-disposition"), Some("attachment; filename=\"snc-audit-tenant.a.tar\""));
}

#[tokio::test]
async fn an_export_has_one_partition_and_the_name_of_no_other() {
    let scene = Scene::new().await;
    let export = scene.get("alice", "/v1/export?tenant=a").await;
    assert!(export.whole);
    let text = export.text();
    for other in ["tenant.b", "MARK-B", "MARK-P", "b-one"] {
        assert!(!text.contains(other), "{other}");
    }
    let files = files(&export.body);
    assert!(files.iter().any(|(name, _)| name.ends_with("head.json")));
    let segments: BTreeSet<&[u8]> =
        files.iter().filter(|(name, _)| is_segment(name)).map(|(_, bytes)| *bytes).collect();
    // What is compressed cannot be searched: it is letter for letter what the partition has in the store.
    let mut stored = BTreeSet::new();
    for entry in std::fs::read_dir(scene.place.path().join("log").join("tenant.a")).unwrap() {
        let path = entry.unwrap().path();
        if is_segment(&path) {
            stored.insert(std::fs::read(path).unwrap());
        }
    }
    assert_eq!(segments.len(), 3);
    assert_eq!(segments, stored.iter().map(Vec::as_slice).collect());
    // What arrived is proven by itself.
    let file = scene.place.path().join("export.tar");
    std::fs::write(&file, &export.body).unwrap();
    let now: Timestamp = super::START.parse().unwrap();
    let report = verify_export(&file, &Check { anchors: vec![], trusted: None, now }).unwrap();
    assert_eq!((report.total, report.findings), (0, vec![]));
    let partitions: Vec<_> = report.partitions.iter().map(|one| one.partition.to_string()).collect();
    assert_eq!(partitions, ["tenant.a"]);
}

#[tokio::test]
async fn a_tenant_reads_nothing_of_whoever_had_its_name_before() {
    let scene = Scene::new().await;
    // Within the second of three segments: it is given to nobody but whoever may read everything.
    scene.cluster.made_again("a", "2026-11-01T00:01:00Z".parse().unwrap());
    let count = async |who, target: &str| scene.get(who, target).await.lines().0.len();
    for (who, target, wanted) in [
        ("alice", "/v1/events?tenant=a", 61),
        ("alice", "/v1/events?tenant=a&since=2026-11-01T00:00:00Z", 61),
        ("alice", "/v1/events?tenant=a&since=2026-11-01T00:01:30Z", 31),
        ("alice", "/v1/events?tenant=a&until=2026-11-01T00:00:59Z", 0),
        ("one", "/v1/events?tenant=a&namespace=a-one", 20),
        ("auditor", "/v1/events?tenant=a", 120),
        ("bob", "/v1/events?tenant=b", 40),
    ] {
        assert_eq!(count(who, target).await, wanted, "{who} {target}");
    }
    for (who, wanted) in [("alice", 40), ("auditor", 120)] {
        let export = scene.get(who, "/v1/export?tenant=a").await;
        let inside = files(&export.body);
        let (_, records) = inside.iter().find(|(name, _)| name == "records.jsonl").unwrap();
        assert_eq!(std::str::from_utf8(records).unwrap().lines().count(), wanted, "{who}");
        let segments = inside.iter().filter(|(name, _)| is_segment(name)).count();
        assert_eq!(segments, wanted / 40, "{who}");
        let file = scene.place.path().join("export.tar");
        std::fs::write(&file, &export.body).unwrap();
        let now: Timestamp = super::START.parse().unwrap();
        let report = verify_export(&file, &Check { anchors: vec![], trusted: None, now }).unwrap();
        assert_eq!((report.total, report.findings), (0, vec![]), "{who}");
    }
    let alarms =
        async |who| scene.get(who, "/v1/alarms?tenant=a").await.json()["items"].as_array().unwrap().len();
    assert_eq!((alarms("alice").await, alarms("auditor").await), (0, 1));
    // Nobody says since when it is a tenant: it is none.
    scene.cluster.made_again("a", Timestamp::MAX);
    assert_eq!(count("alice", "/v1/events?tenant=a").await, 0);
}

fn is_segment(name: impl AsRef<Path>) -> bool {
    name.as_ref().extension().is_some_and(|extension| extension == "seg")
}

/// Of a tar: names and contents.
fn files(mut tar: &[u8]) -> Vec<(String, &[u8])> {
    let mut files = Vec::new();
    while tar.len() >= 512 && tar[0] != 0 {
        let text = |range: std::ops::Range<usize>| {
            String::from_utf8_lossy(&tar[range]).trim_matches(['\0', ' ']).to_owned()
        };
        let (name, size) = (text(0..100), usize::from_str_radix(&text(124..136), 8).unwrap());
        files.push((name, &tar[512..512 + size]));
        tar = &tar[512 + size.next_multiple_of(512)..];
    }
    files
}

#[tokio::test]
async fn head_says_whether_there_would_be_an_answer() {
    let scene = Scene::new().await;
    for (target, who, code) in [
        ("/v1/events?tenant=a", "alice", 200),
        ("/v1/events?tenant=a", "bob", 403),
        ("/v1/export?tenant=a", "alice", 200),
        ("/v1/gaps", "auditor", 200),
        ("/v1/alarms", "officer", 200),
        ("/v1/nothing", "alice", 404),
        ("/v1/events?tenant=A", "alice", 400),
    ] {
        let reply = scene.ask("HEAD", who, target).await;
        assert!((reply.code, reply.whole) == (code, true), "{target}: {reply:?}");
    }
    let reply = scene.client.ask("HEAD", "/v1/events?tenant=a", "", b"").await;
    assert_eq!((reply.code, reply.whole), (401, true));
}

#[tokio::test]
async fn other_methods_are_refused() {
    let scene = Scene::new().await;
    for (target, allow) in [("/v1/events?tenant=a", "GET, HEAD"), ("/v1/alarms/a-1/acknowledge", "POST")] {
        for method in [
            "PUT",
            "PATCH",
            "DELETE",
            "OPTIONS",
            "TRACE",
            "FOO",
            if allow == "POST" { "GET" } else { "POST" },
        ] {
            let reply = scene.ask(method, "auditor", target).await;
            assert_eq!((reply.code, reply.header("allow")), (405, Some(allow)), "{method} {target}");
        }
    }
    let reply =
        scene.client.ask("GET", "/v1/events?tenant=a", "authorization: Bearer alice-token\r\n", b"x").await;
    assert_eq!((reply.code, error(&reply)["field"].as_str()), (400, Some("body")));
}

#[tokio::test]
async fn an_alarm_is_acknowledged_once_by_those_who_may() {
    let scene = Scene::new().await;
    let target = "/v1/alarms/a-1/acknowledge";
    let post = async |who: &str, target: &str, body: &str| {
        let authorization = format!("authorization: Bearer {who}-token\r\n");
        scene.client.ask("POST", target, &authorization, body.as_bytes()).await
    };
    let decision = json!({"decision": "  vu : exercice prévu\n"}).to_string();
    for who in ["alice", "auditor", "nobody"] {
        assert_eq!(post(who, target, &decision).await.code, 403, "{who}");
    }
    assert_eq!(post("wrong", target, &decision).await.code, 401);
    for wrong in [
        "",
        "{}",
        "[]",
        "{\"decision\":1}",
        "{\"decision\":\" \"}",
        "{\"decision\":\"a\",\"by\":\"b\"}",
        "{\"decision\":\"a\"}x",
    ] {
        let reply = post("officer", target, wrong).await;
        assert_eq!((reply.code, error(&reply)["field"].as_str()), (400, Some("decision")), "{wrong}");
    }
    let long = json!({"decision": "é".repeat(2001)}).to_string();
    assert_eq!(post("officer", target, &long).await.code, 400);
    let endless = json!({"decision": "x".repeat(100_000)}).to_string();
    assert_eq!(post("officer", target, &endless).await.code, 413);
    assert!(scene.notes.acknowledged.lock().unwrap().is_empty());

    let reply = post("officer", target, &decision).await;
    assert_eq!((reply.code, reply.json()["decision"].as_str()), (200, Some("officer vu : exercice prévu")));
    let again = json!({"decision": "autre"}).to_string();
    let reply = post("officer", target, &again).await;
    assert_eq!((reply.code, reply.json()["decision"].as_str()), (409, Some("officer vu : exercice prévu")));
    assert_eq!(post("officer", "/v1/alarms/a-2/acknowledge", &decision).await.code, 404);
    for id in ["", "A-1", "a_1", "a%2d1", "../a-1", "a-1/x", &"a".repeat(129)] {
        assert_eq!(
            post("officer", &format!("/v1/alarms/{id}/acknowledge"), &decision).await.code,
            404,
            "{id}"
        );
    }
    assert_eq!(post("officer", &format!("{target}?x=1"), &decision).await.code, 400);
}

#[tokio::test]
async fn alarms_are_chosen_by_state_and_a_tenant_has_its_own() {
    let scene = Scene::new().await;
    let texts = async |who: &str, target: &str| -> Vec<String> {
        let items = scene.get(who, target).await.json()["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["text"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(texts("officer", "/v1/alarms").await, ["MARK-P", "MARK-A", "MARK-B"]);
    assert_eq!(texts("officer", "/v1/alarms?state=overdue").await, ["MARK-B"]);
    assert_eq!(texts("alice", "/v1/alarms?tenant=a").await, ["MARK-A"]);
    assert_eq!(texts("alice", "/v1/alarms?tenant=a&state=overdue").await, Vec::<String>::new());
    assert_eq!(scene.get("alice", "/v1/alarms").await.code, 403);
    assert_eq!(scene.get("one", "/v1/alarms?tenant=a").await.code, 403);
    let reply = scene.get("officer", "/v1/alarms?state=closed").await;
    assert_eq!(
        (reply.code, error(&reply)["accepted"]["en"].as_str()),
        (400, Some("open, overdue, acknowledged"))
    );
}

#[tokio::test]
async fn gaps_are_everybodys_and_servers_the_platforms() {
    let scene = Scene::new().await;
    let gaps = scene.get("alice", "/v1/gaps?tenant=a").await.json();
    assert_eq!((gaps["open"].as_u64(), gaps["items"].as_array().unwrap().len()), (Some(1), 2));
    assert_eq!(gaps["items"][0]["cause"], "Down");
    assert_eq!(gaps["items"][0].get("server"), None);
    let all = scene.get("auditor", "/v1/gaps").await.json();
    assert_eq!(all["items"][0]["server"], "MARK-SERVER-1");
}

#[tokio::test]
async fn a_damaged_store_is_told_and_never_a_shorter_answer() {
    let scene = Scene::new().await;
    let log = scene.place.path().join("log").join("tenant.a");
    for entry in std::fs::read_dir(log).unwrap() {
        let path = entry.unwrap().path();
        if is_segment(&path) {
            let mut bytes = std::fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x55;
            std::fs::write(&path, bytes).unwrap();
        }
    }
    let reply = scene.get("alice", "/v1/events?tenant=a").await;
    // It is said in the last line, or there is no answer.
    if reply.code == 200 && reply.whole {
        let (_, last) = reply.lines();
        assert!(last["findings"]["total"].as_u64().unwrap() > 0, "{last}");
        let items = last["findings"]["items"].as_array().unwrap();
        assert!(items.iter().all(|item| item["fr"].is_string() && item["en"].is_string()));
    }
    assert!(marks_in(&reply.text()).iter().all(|mark| mark.starts_with("MARK-A")));
}

#[tokio::test]
async fn a_certificate_is_replaced_while_it_is_served() {
    let mut scene = Scene::new().await;
    let directory = scene.place.path().join("tls");
    // Half of a pair is no pair: what is there stays.
    let kept = std::fs::read(directory.join("tls.key")).unwrap();
    std::fs::write(directory.join("tls.key"), "-----BEGIN PRIVATE KEY-----").unwrap();
    scene.certificate.look();
    assert!(scene.certificate.doubt().is_some_and(|why| why.starts_with("tls.key")));
    assert_eq!(scene.get("alice", "/v1/events?tenant=a").await.code, 200);
    std::fs::write(directory.join("tls.key"), kept).unwrap();
    scene.certificate.look();
    assert_eq!(scene.certificate.doubt(), None);

    let ca = certificates(&directory);
    scene.certificate.look();
    // A client of its own: one that was here before resumes its session, and is shown no certificate.
    assert!(super::Client::new(scene.client.address, &scene.ca, super::NAME).try_connect().await.is_err());
    scene.client = super::Client::new(scene.client.address, &ca, super::NAME);
    assert_eq!(scene.get("alice", "/v1/events?tenant=a").await.code, 200);
}
