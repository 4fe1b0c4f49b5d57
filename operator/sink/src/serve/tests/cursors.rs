use super::{Scene, error, marks_in};

async fn cursor(scene: &Scene, who: &str, question: &str) -> String {
    let (records, last) = scene.get(who, &format!("/v1/events?{question}&limit=3")).await.lines();
    assert_eq!(records.len(), 3);
    last["next"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_cursor_of_another_question_is_refused_whoever_brings_it() {
    let scene = Scene::new().await;
    let questions = [
        ("alice", "tenant=a"),
        ("alice", "tenant=a&namespace=a-one"),
        ("alice", "tenant=a&verb=get"),
        ("alice", "tenant=a&since=2026-11-01T00:00:00Z"),
        ("bob", "tenant=b"),
        ("auditor", "platform=true"),
    ];
    let mut cursors = Vec::new();
    for (who, question) in questions {
        cursors.push(cursor(&scene, who, question).await);
    }
    for (at, (who, question)) in questions.into_iter().enumerate() {
        for (from, cursor) in cursors.iter().enumerate() {
            let reply = scene.get(who, &format!("/v1/events?{question}&cursor={cursor}")).await;
            if at == from {
                assert!(!reply.lines().0.is_empty(), "{question}");
            } else {
                assert_eq!(
                    (reply.code, error(&reply)["field"].as_str()),
                    (400, Some("cursor")),
                    "{question}"
                );
            }
        }
    }
    // The rest of one's own is not refused: how many are wanted is not part of the question, nor who asks.
    let (rest, _) =
        scene.get("auditor", &format!("/v1/events?limit=10000&tenant=a&cursor={}", cursors[0])).await.lines();
    assert_eq!(rest.len(), 117);
}

#[tokio::test]
async fn a_forged_cursor_shows_nothing_of_others() {
    let scene = Scene::new().await;
    let own = cursor(&scene, "alice", "tenant=a").await;
    let foreign = cursor(&scene, "bob", "tenant=b").await;
    let platform = cursor(&scene, "auditor", "platform=true").await;
    let (mark, inner) = own.split_once('.').unwrap();
    let mut forged = vec![
        mark.to_owned(),
        format!("{mark}."),
        format!("{mark}.{mark}"),
        format!("{mark}.{}", foreign.split_once('.').unwrap().1),
        format!("{mark}.{}", platform.split_once('.').unwrap().1),
        format!("{mark}.tenant.b"),
        format!("{mark}.../tenant.b/000000000001"),
        format!("{mark}.18446744073709551615"),
        format!("{mark}.{}", "9".repeat(600)),
        format!("{mark}.{}", "a".repeat(5000)),
        format!("{mark}.%00"),
        format!("{mark}.%F0%9F%A6%80"),
    ];
    // Every place of the right one, changed.
    for at in 0..inner.len() {
        for other in ["0", "9", "f", "-", "%20"] {
            forged.push(format!("{mark}.{}{other}{}", &inner[..at], &inner[at + 1..]));
        }
    }
    for cursor in forged {
        let reply = scene.get("alice", &format!("/v1/events?tenant=a&cursor={cursor}")).await;
        assert!(matches!(reply.code, 200 | 400), "{cursor}: {reply:?}");
        assert!(reply.whole, "{cursor}");
        let foreign = marks_in(&reply.text()).into_iter().find(|mark| !mark.starts_with("MARK-A"));
        assert_eq!(foreign, None, "{cursor}");
    }
}
