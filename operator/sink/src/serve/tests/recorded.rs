//! Who read what is in the log, before it was read.

use super::{Scene, marks_in};
use crate::serve::Route;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn every_access_is_written_down_with_what_was_answered() {
    let scene = Scene::new().await;
    for (who, target, route, partition, code) in [
        ("alice", "/v1/events?tenant=a&user=x", Route::Events, Some("tenant.a"), 200),
        ("bob", "/v1/events?tenant=a", Route::Events, Some("tenant.a"), 403),
        ("bob", "/v1/events?tenant=nobody", Route::Events, Some("tenant.nobody"), 403),
        ("auditor", "/v1/events?platform=true", Route::Events, Some("platform"), 200),
        ("alice", "/v1/export?tenant=a", Route::Export, Some("tenant.a"), 200),
        ("alice", "/v1/gaps", Route::Gaps, None, 403),
        ("auditor", "/v1/gaps", Route::Gaps, None, 200),
        ("officer", "/v1/alarms", Route::Alarms, None, 200),
        ("alice", "/v1/events?tenant=A", Route::Events, None, 400),
        ("alice", "/nothing", Route::Unknown, None, 404),
    ] {
        assert_eq!(scene.get(who, target).await.code, code);
        let access = scene.notes.accesses.lock().unwrap().pop().unwrap();
        assert_eq!(access.user.as_ref().unwrap().name, who, "{target}");
        assert_eq!((access.route, access.code), (route, code), "{target}");
        assert_eq!(access.partition.as_ref().map(ToString::to_string).as_deref(), partition, "{target}");
        assert!(access.from.is_loopback());
        // Once, and never with what lets one in.
        assert_eq!(scene.notes.accesses.lock().unwrap().len(), 0);
        assert!(!access.event().contains("-token"), "{}", access.event());
    }
}

#[tokio::test]
async fn strangers_are_written_down_but_do_not_fill_the_log() {
    let scene = Scene::new().await;
    for _ in 0..40 {
        assert_eq!(scene.get("wrong", "/v1/events?tenant=a").await.code, 401);
    }
    let accesses = scene.notes.accesses.lock().unwrap();
    assert_eq!(accesses.len(), 10);
    assert!(accesses.iter().all(|access| access.user.is_none() && access.code == 401));
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_shown() {
    let scene = Scene::new().await;
    scene.notes.full.store(true, Ordering::SeqCst);
    for (who, target) in [
        ("alice", "/v1/events?tenant=a"),
        ("alice", "/v1/export?tenant=a"),
        ("auditor", "/v1/events?platform=true"),
        ("officer", "/v1/alarms"),
    ] {
        let reply = scene.get(who, target).await;
        assert_eq!((reply.code, marks_in(&reply.text())), (503, vec![]), "{target}");
    }
    let authorization = "authorization: Bearer officer-token\r\n";
    let reply =
        scene.client.ask("POST", "/v1/alarms/a-1/acknowledge", authorization, b"{\"decision\":\"vu\"}").await;
    assert_eq!((reply.code, scene.notes.acknowledged.lock().unwrap().len()), (503, 0));
    // Why it is full has to be found out.
    assert_eq!(scene.get("auditor", "/v1/gaps").await.code, 200);
    assert_eq!(scene.get("bob", "/v1/events?tenant=a").await.code, 403);
}
