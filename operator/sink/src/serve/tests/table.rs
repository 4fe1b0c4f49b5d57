//! Every route, asked by everybody: what is answered, and whose marks are in it.

use super::{Scene, error, marks_in};
use std::collections::BTreeSet;

/// Those who ask, in the order of the columns.
const WHO: [&str; 8] = ["-", "wrong", "alice", "bob", "one", "ghost", "auditor", "officer"];

/// 200 with the marks that have to be in it, or another code.
enum Cell {
    Marks(&'static [&'static str]),
    Code(u16),
}

use Cell::{Code, Marks};

const NO: Cell = Code(403);
const WHO_IS_IT: Cell = Code(401);
const A: &[&str] = &["MARK-A-ONE", "MARK-A-TWO", "MARK-A-OLD"];
const NOTHING: Cell = Marks(&[]);

fn table() -> Vec<(&'static str, [Cell; 8])> {
    let all = |reader: fn() -> [Cell; 6]| {
        let [alice, bob, one, ghost, auditor, officer] = reader();
        [WHO_IS_IT, WHO_IS_IT, alice, bob, one, ghost, auditor, officer]
    };
    vec![
        ("/v1/events?tenant=a", all(|| [Marks(A), NO, NO, NO, Marks(A), NO])),
        ("/v1/events?tenant=%61", all(|| [Marks(A), NO, NO, NO, Marks(A), NO])),
        (
            "/v1/events?tenant=a&namespace=a-one",
            all(|| [Marks(&["MARK-A-ONE"]), NO, Marks(&["MARK-A-ONE"]), NO, Marks(&["MARK-A-ONE"]), NO]),
        ),
        (
            "/v1/events?tenant=a&namespace=a-two",
            all(|| [Marks(&["MARK-A-TWO"]), NO, NO, NO, Marks(&["MARK-A-TWO"]), NO]),
        ),
        // It was a's; a right in a namespace that is no longer anybody's is none.
        (
            "/v1/events?tenant=a&namespace=a-old",
            all(|| [Marks(&["MARK-A-OLD"]), NO, NO, NO, Marks(&["MARK-A-OLD"]), NO]),
        ),
        // A filter on one's own records, where it finds nothing.
        ("/v1/events?tenant=a&namespace=b-one", all(|| [NOTHING, NO, NO, NO, NOTHING, NO])),
        ("/v1/events?tenant=a&user=MARK-B-ONE-user", all(|| [NOTHING, NO, NO, NO, NOTHING, NO])),
        ("/v1/events?tenant=b", all(|| [NO, Marks(&["MARK-B-ONE"]), NO, NO, Marks(&["MARK-B-ONE"]), NO])),
        ("/v1/events?tenant=b&namespace=a-one", all(|| [NO, NOTHING, NO, NO, NOTHING, NO])),
        (
            "/v1/events?tenant=b&namespace=b-one",
            all(|| [NO, Marks(&["MARK-B-ONE"]), NO, NO, Marks(&["MARK-B-ONE"]), NO]),
        ),
        ("/v1/events?tenant=nobody", all(|| [NO, NO, NO, NO, NOTHING, NO])),
        ("/v1/events?tenant=empty", all(|| [NO, NO, NO, NO, NOTHING, NO])),
        ("/v1/events?platform=true", all(|| [NO, NO, NO, NO, Marks(&["MARK-P"]), NO])),
        ("/v1/events?platform=true&namespace=a-one", all(|| [NO, NO, NO, NO, NOTHING, NO])),
        ("/v1/export?tenant=a", all(|| [Marks(A), NO, NO, NO, Marks(A), NO])),
        ("/v1/export?tenant=a&format=csv", all(|| [Marks(A), NO, NO, NO, Marks(A), NO])),
        ("/v1/export?tenant=b", all(|| [NO, Marks(&["MARK-B-ONE"]), NO, NO, Marks(&["MARK-B-ONE"]), NO])),
        ("/v1/export?tenant=nobody&since=2026-01-01T00:00:00Z", all(|| [NO, NO, NO, NO, NOTHING, NO])),
        ("/v1/export?platform=true", all(|| [NO, NO, NO, NO, Marks(&["MARK-P"]), NO])),
        ("/v1/gaps", all(|| [NO, NO, NO, NO, Marks(&["MARK-SERVER"]), NO])),
        ("/v1/gaps?tenant=a", all(|| [NOTHING, NO, NO, NO, NOTHING, NO])),
        ("/v1/gaps?platform=true", all(|| [NO, NO, NO, NO, Marks(&["MARK-SERVER"]), NO])),
        ("/v1/status", all(|| [NO, NO, NO, NO, Code(503), NO])),
        ("/v1/alarms?tenant=b", all(|| [NO, NOTHING, NO, NO, NOTHING, NO])),
        ("/v1/alarms?platform=true", all(|| [NO, NO, NO, NO, Marks(&["MARK-P"]), Marks(&["MARK-P"])])),
        ("/v1/alarms?state=acknowledged", all(|| [NO, NO, NO, NO, NOTHING, NOTHING])),
        // What nobody can have is nothing to anybody, once it is known who asks.
        ("/v1/nothing", all(|| [Code(404), Code(404), Code(404), Code(404), Code(404), Code(404)])),
        ("/v1/events", all(|| [Code(400), Code(400), Code(400), Code(400), Code(400), Code(400)])),
    ]
}

#[tokio::test]
async fn every_route_for_everybody() {
    let scene = Scene::new().await;
    for (target, cells) in table() {
        for (who, cell) in WHO.into_iter().zip(cells) {
            let reply = match who {
                "-" => scene.client.ask("GET", target, "", b"").await,
                who => scene.get(who, target).await,
            };
            let text = reply.text();
            let marks: BTreeSet<&str> = marks_in(&text).into_iter().collect();
            match cell {
                Marks(wanted) => {
                    assert!(reply.code == 200 && reply.whole, "{who} {target}: {reply:?}");
                    assert_eq!(marks, wanted.iter().copied().collect(), "{who} {target}: {text}");
                }
                Code(code) => {
                    assert_eq!(reply.code, code, "{who} {target}: {text}");
                    assert!(marks.is_empty(), "{who} {target}: {text}");
                    error(&reply);
                }
            }
            // Whatever it was: the token is nowhere in it.
            assert!(!text.contains("-token") && !reply.head.contains("-token"));
        }
    }
}

#[tokio::test]
async fn without_an_answer_of_kubernetes_nobody_reads_anything() {
    let scene = Scene::new().await;
    scene.cluster.set_silent(true);
    for (target, _) in table() {
        for who in WHO {
            let reply = match who {
                "-" => scene.client.ask("GET", target, "", b"").await,
                who => scene.get(who, target).await,
            };
            let code = if who == "-" { 401 } else { 503 };
            assert_eq!((reply.code, marks_in(&reply.text())), (code, vec![]), "{who} {target}");
            error(&reply);
        }
    }
}

#[tokio::test]
async fn a_known_token_without_an_answer_about_rights_reads_nothing_either() {
    let scene = Scene::new().await;
    for who in &WHO[2..] {
        assert_eq!(scene.get(who, "/v1/nothing").await.code, 404);
    }
    scene.cluster.set_silent(true);
    for (target, cells) in table() {
        for (who, cell) in WHO.into_iter().zip(cells).skip(2) {
            let reply = scene.get(who, target).await;
            let code = if let Code(code @ (400 | 404)) = cell { code } else { 503 };
            assert_eq!((reply.code, marks_in(&reply.text())), (code, vec![]), "{who} {target}");
        }
    }
}

/// Letter for letter, so that nobody learns which tenants there are.
#[tokio::test]
async fn a_foreign_tenant_is_answered_as_one_that_does_not_exist() {
    let scene = Scene::new().await;
    let without_date = |head: &str| {
        let lines = head.lines().filter(|line| !line.starts_with("date: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    for rest in ["", "&limit=5", "&namespace=b-one", "&since=2026-01-01T00:00:00Z", "&cursor=abc"] {
        let foreign = scene.get("alice", &format!("/v1/events?tenant=b{rest}")).await;
        for other in ["nobody", "empty", "x.y"] {
            let reply = scene.get("alice", &format!("/v1/events?tenant={other}{rest}")).await;
            assert_eq!((reply.code, &reply.body), (403, &foreign.body));
            assert_eq!(without_date(&reply.head), without_date(&foreign.head));
        }
    }
    let foreign = scene.get("alice", "/v1/export?tenant=b").await;
    assert_eq!(foreign.body, scene.get("alice", "/v1/export?tenant=nobody").await.body);
    assert_eq!(scene.get("alice", "/v1/gaps?tenant=b").await.body, foreign.body);
}
