//! What people are told, from the same process that keeps it.

use super::flow::Running;
use super::room::{Room, events};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;

fn exec(nth: u64) -> String {
    let mut event: Value = serde_json::from_str(&events(nth, 1)[0]).unwrap();
    event["verb"] = json!("create");
    event["user"] = json!({"username": "mallory", "groups": ["system:authenticated"]});
    event["objectRef"] =
        json!({"resource": "pods", "subresource": "exec", "namespace": "shop", "name": "web"});
    event.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alarms_are_answered_for_and_each_reads_their_own() {
    let place = TempDir::new().unwrap();
    let room = Room::new(place.path());
    let running = Running::start(room.settings()).await;
    let (http, to) = (room.client(), running.sink.serve);
    let mut sent = events(0, 40);
    sent.push(exec(41));
    assert_eq!(http.post(running.sink.intake, &sent).await, Some(StatusCode::OK));

    let mut alarms = Value::Null;
    for _ in 0..100 {
        let (status, body) = http.get(to, "/v1/alarms?state=open", "admin").await;
        assert_eq!(status, StatusCode::OK, "{body}");
        alarms = serde_json::from_str(&body).unwrap();
        if alarms["items"].as_array().is_some_and(|items| !items.is_empty()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let alarm = &alarms["items"][0];
    assert_eq!((&alarm["rule"], &alarm["partition"]), (&json!("pod-access"), &json!("tenant.bleu")));
    let request = Request::post(format!("https://{to}/v1/alarms/{}/acknowledge", alarm["id"]))
        .header("authorization", "Bearer admin")
        .body(r#"{"decision": "vu avec l'équipe"}"#.into())
        .unwrap();
    let (status, body) = http.ask(request).await.unwrap();
    assert_eq!(status, StatusCode::OK, "{body:?}");
    assert_eq!(http.get(to, "/v1/alarms?state=open", "owner-bleu").await.0, StatusCode::FORBIDDEN);

    tokio::time::sleep(Duration::from_secs(2)).await;
    let (status, body) = http.get(to, "/v1/events?tenant=bleu&limit=1000", "owner-bleu").await;
    assert_eq!(status, StatusCode::OK);
    let lines: Vec<Value> = body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |line: &Value| line["event"]["objectRef"]["namespace"].as_str().map(ToOwned::to_owned);
    let namespaces: Vec<String> = lines.iter().filter_map(of).collect();
    assert_eq!(namespaces.len(), 11);
    assert!(namespaces.iter().all(|namespace| namespace == "shop"));
    for (token, status) in [("owner-vert", StatusCode::FORBIDDEN), ("nobody", StatusCode::UNAUTHORIZED)] {
        assert_eq!(http.get(to, "/v1/events?tenant=bleu", token).await.0, status);
        assert_eq!(http.get(to, "/v1/events?platform=true", token).await.0, status);
    }
    running.stop().await;
    room.assert_whole(&sent).await;

    // Who answered for it, and who read what, is in the log itself.
    let records = room.records().await;
    let said: Vec<(String, String, String)> = records
        .iter()
        .filter(|(_, source, _)| *source == snc_auditlog::Source::Sink)
        .map(|(partition, _, event)| {
            let event: Value = serde_json::from_str(event).unwrap();
            let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (partition.clone(), word(&event["verb"]), word(&event["user"]["username"]))
        })
        .collect();
    let has = |partition: &str, verb: &str, user: &str| {
        said.contains(&(partition.to_owned(), verb.to_owned(), user.to_owned()))
    };
    assert!(has("platform", "raise", "snc-audit-sink"), "{said:?}");
    assert!(has("platform", "acknowledge", "admin"), "{said:?}");
    assert!(has("tenant.bleu", "get", "owner-bleu"), "{said:?}");
    assert!(has("tenant.bleu", "get", "owner-vert"), "{said:?}");
}
