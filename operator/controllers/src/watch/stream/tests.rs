//! Exact request sequences and injected faults, against a mock.

use super::*;
use futures::StreamExt;
use http::{Request as Ask, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::client::Body;
use kube::core::DeserializeGuard;
use serde_json::{Value, json};
use snc_api::v1alpha1::SncTenant;
use std::sync::{Arc, Mutex};
use tower_test::mock;

/// How a body ends after its lines.
enum End {
    Orderly,
    Cut,
    Open,
}

enum Answer {
    Json(StatusCode, Value),
    Lines(Vec<String>, End),
}

type Given = UnsyncBoxBody<Bytes, std::io::Error>;

fn respond(answer: Answer) -> Response<Given> {
    let (status, body) = match answer {
        Answer::Json(status, value) => {
            let whole = Full::new(Bytes::from(value.to_string()));
            (status, whole.map_err(|never| match never {}).boxed_unsync())
        }
        Answer::Lines(lines, end) => {
            let lines =
                futures::stream::iter(lines.into_iter().map(|line| Ok(Frame::data(Bytes::from(line)))));
            let end = match end {
                End::Orderly => futures::stream::empty().boxed(),
                End::Cut => futures::stream::iter([Err(std::io::Error::other("reset by peer"))]).boxed(),
                End::Open => futures::stream::pending().boxed(),
            };
            (StatusCode::OK, StreamBody::new(lines.chain(end)).boxed_unsync())
        }
    };
    Response::builder().status(status).body(body).unwrap()
}

/// Follows against these answers, one per request, and returns the requests and what was told, until the script ends.
async fn told<K>(script: Vec<Answer>) -> (Vec<String>, Vec<String>)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let (service, mut handle) = mock::pair::<Ask<Body>, Response<Given>>();
    let signals: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = signals.clone();
    let api: Api<K> = Api::all(Client::new(service, "default"));
    let follower = tokio::spawn(follow(
        api,
        Selector::default(),
        |object| object,
        move |signal| {
            let name = |object: &K| object.meta().name.clone().unwrap_or_default();
            let told = match signal {
                Signal::Open => return,
                Signal::Change(Change::Apply(object)) => format!("apply {}", name(&object)),
                Signal::Change(Change::Delete(object)) => format!("delete {}", name(&object)),
                Signal::Change(Change::Reset(all)) => {
                    format!("reset {}", all.iter().map(name).collect::<Vec<_>>().join(" "))
                }
                Signal::Alive => "alive".to_owned(),
                Signal::Again(why, _) => format!("again {}", why.as_str()),
            };
            log.lock().unwrap().push(told);
        },
    ));
    let mut asked = Vec::new();
    for answer in script {
        let next = tokio::time::timeout(Duration::from_secs(600), handle.next_request());
        let (request, send) = next.await.expect("it asks no more").unwrap();
        asked.push(short(request.uri().query().unwrap_or_default()));
        send.send_response(respond(answer));
    }
    // The request after the last answer shows that the last one was dealt with.
    let next = tokio::time::timeout(Duration::from_secs(600), handle.next_request());
    let (request, _send) = next.await.expect("it asks no more").unwrap();
    asked.push(short(request.uri().query().unwrap_or_default()));
    follower.abort();
    let signals = std::mem::take(&mut *signals.lock().unwrap());
    (asked, signals)
}

/// What differs between requests.
fn short(query: &str) -> String {
    let field = |name: &str| {
        let found = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
        found.unwrap_or_default().to_owned()
    };
    if field("watch") == "true" {
        assert_eq!(field("allowWatchBookmarks"), "true", "{query}");
        let seconds: u64 = field("timeoutSeconds").parse().unwrap();
        assert!((240..295).contains(&seconds), "{query}");
        if field("sendInitialEvents") == "true" {
            assert_eq!(
                (field("resourceVersionMatch").as_str(), field("resourceVersion").as_str()),
                ("NotOlderThan", "")
            );
            return "stream".to_owned();
        }
        return format!("watch {}", field("resourceVersion"));
    }
    assert_eq!(field("limit"), PAGE.to_string(), "{query}");
    format!("list {}", field("continue")).trim_end().to_owned()
}

fn object(name: &str, version: u32) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n", "resourceVersion": version.to_string()}})
}

fn line(kind: &str, object: Value) -> String {
    format!("{}\n", json!({"type": kind, "object": object}))
}

fn bookmark(version: u32) -> String {
    line(
        "BOOKMARK",
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"resourceVersion": version.to_string()}}),
    )
}

fn initial_end(version: u32) -> String {
    line(
        "BOOKMARK",
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"resourceVersion": version.to_string(), "annotations": {INITIAL_END: "true"}}}),
    )
}

fn list(items: Vec<Value>, version: u32, next: &str) -> Answer {
    let metadata = json!({"resourceVersion": version.to_string(), "continue": next});
    let list = json!({"apiVersion": "v1", "kind": "ConfigMapList", "metadata": metadata, "items": items});
    Answer::Json(StatusCode::OK, list)
}

fn status(code: u16, reason: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": reason, "reason": reason, "code": code})
}

fn failure(code: u16, reason: &str) -> Answer {
    Answer::Json(StatusCode::from_u16(code).unwrap(), status(code, reason))
}

#[tokio::test(start_paused = true)]
async fn the_initial_objects_come_in_the_watch_itself_which_then_goes_on() {
    let lines = vec![
        line("ADDED", object("a", 1)),
        line("ADDED", object("b", 2)),
        line("MODIFIED", object("a", 3)),
        line("ADDED", object("c", 4)),
        line("DELETED", object("c", 5)),
        initial_end(5),
        line("ADDED", object("d", 6)),
        line("DELETED", object("b", 7)),
        bookmark(9),
    ];
    let (asked, told) = told::<ConfigMap>(vec![Answer::Lines(lines, End::Orderly)]).await;
    assert_eq!(asked, ["stream", "watch 9"], "it goes on from the bookmark");
    assert_eq!(told, ["reset a b", "apply d", "delete b", "alive", "again ended"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_stream_is_listed_in_pages_and_not_asked_to_stream_again() {
    let script = vec![
        failure(422, "Invalid"),
        list(vec![object("a", 1)], 4, "more"),
        list(vec![object("b", 2)], 4, ""),
        Answer::Json(StatusCode::OK, status(410, "unused")),
    ];
    // The last answer is no watch event: a line that is no event, without an end.
    let (asked, told) = told::<ConfigMap>(script).await;
    assert_eq!(asked, ["stream", "list", "list more", "watch 4", "watch 4"]);
    assert_eq!(told, ["reset a b", "again cut"]);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_gone_is_listed_again_whether_the_watch_says_so_or_the_answer() {
    let script = vec![
        Answer::Lines(vec![initial_end(5), line("ERROR", status(410, "Expired"))], End::Open),
        Answer::Lines(vec![initial_end(8)], End::Orderly),
        failure(410, "Gone"),
        Answer::Lines(vec![line("ADDED", object("a", 9)), initial_end(9)], End::Orderly),
    ];
    let (asked, told) = told::<ConfigMap>(script).await;
    assert_eq!(asked[2..], ["watch 8", "stream", "watch 9"]);
    assert_eq!(
        told,
        ["reset ", "again expired", "reset ", "again ended", "again expired", "reset a", "again ended"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_page_token_that_expired_begins_the_list_anew() {
    let script = vec![
        failure(400, "BadRequest"),
        list(vec![object("a", 1)], 4, "more"),
        failure(410, "Expired"),
        list(vec![object("b", 2)], 6, ""),
    ];
    let (asked, told) = told::<ConfigMap>(script).await;
    assert_eq!(asked, ["stream", "list", "list more", "list", "watch 6"]);
    assert_eq!(told, ["again expired", "reset b"], "half a list is never told");
}

#[tokio::test(start_paused = true)]
async fn a_connection_cut_in_the_middle_goes_on_from_the_last_whole_line() {
    let half = &line("ADDED", object("c", 8))[..30];
    for end in [End::Cut, End::Orderly] {
        let lines = vec![initial_end(5), line("ADDED", object("a", 7)), half.to_owned()];
        let (asked, told) = told::<ConfigMap>(vec![Answer::Lines(lines, end)]).await;
        assert_eq!(asked, ["stream", "watch 7"]);
        assert_eq!(told, ["reset ", "apply a", "again cut"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cut_within_the_initial_objects_tells_nothing_and_turns_to_pages() {
    let script = vec![
        Answer::Lines(vec![line("ADDED", object("a", 1))], End::Cut),
        list(vec![object("a", 1), object("b", 2)], 4, ""),
    ];
    let (asked, told) = told::<ConfigMap>(script).await;
    assert_eq!(asked, ["stream", "list", "watch 4"]);
    assert_eq!(told, ["again cut", "reset a b"]);
}

#[tokio::test(start_paused = true)]
async fn a_garbage_line_may_hide_a_change_so_everything_is_listed_again() {
    for garbage in ["{\"type\":\n", "null\n", "\u{0}\n", "{\"type\":\"ADDED\",\"object\":{}}\n"] {
        let lines = vec![initial_end(5), garbage.to_owned(), line("ADDED", object("a", 7))];
        let (asked, told) = told::<ConfigMap>(vec![Answer::Lines(lines, End::Open)]).await;
        assert_eq!(asked, ["stream", "stream"], "{garbage:?}");
        assert_eq!(told, ["reset ", "again unreadable"], "{garbage:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_sends_a_bookmark_is_listed_again_after_a_while() {
    let script = vec![
        // Knows nothing of streamed lists: sends what there is, and no end of it.
        Answer::Lines(vec![line("ADDED", object("a", 1))], End::Open),
        list(vec![object("a", 1)], 4, ""),
        Answer::Lines(vec![line("ADDED", object("b", 5))], End::Open),
    ];
    let started = Instant::now();
    let (asked, told) = told::<ConfigMap>(script).await;
    assert_eq!(asked, ["stream", "list", "watch 4", "stream"]);
    assert_eq!(told, ["again silent", "reset a", "apply b", "again silent"]);
    let took = started.elapsed();
    assert!(took >= INITIAL_SILENCE + SILENCE && took < INITIAL_SILENCE + SILENCE * 2, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn bookmarks_keep_a_quiet_watch_alive() {
    let (service, mut handle) = mock::pair::<Ask<Body>, Response<Given>>();
    let alive: Arc<Mutex<u32>> = Arc::default();
    let count = alive.clone();
    let api: Api<ConfigMap> = Api::all(Client::new(service, "default"));
    let follower = tokio::spawn(follow(
        api,
        Selector::default(),
        |object| object,
        move |signal| match signal {
            Signal::Alive => *count.lock().unwrap() += 1,
            Signal::Again(why, text) => panic!("{why:?} {text}"),
            Signal::Change(_) | Signal::Open => {}
        },
    ));
    let (_, send) = handle.next_request().await.unwrap();
    let minutes = futures::stream::unfold(5u32, |version| async move {
        let text = if version == 5 { initial_end(version) } else { bookmark(version) };
        tokio::time::sleep(Duration::from_secs(if version == 5 { 0 } else { 60 })).await;
        Some((Ok::<_, std::io::Error>(Frame::data(Bytes::from(text))), version + 1))
    });
    send.send_response(Response::new(StreamBody::new(minutes).boxed_unsync()));
    tokio::time::sleep(Duration::from_secs(601)).await;
    assert_eq!(*alive.lock().unwrap(), 10);
    follower.abort();
}

#[tokio::test(start_paused = true)]
async fn an_object_of_ours_that_does_not_deserialize_is_told_and_the_watch_goes_on() {
    let tenant = |name: &str, version: u32, spec: Value| json!({"apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncTenant", "metadata": {"name": name, "resourceVersion": version.to_string()}, "spec": spec});
    let lines = vec![
        line("ADDED", tenant("a", 1, json!({"level": "Platinum"}))),
        initial_end(5),
        line("ADDED", tenant("b", 7, json!({"level": 3}))),
        line("ADDED", tenant("c", 8, json!({"level": "Standard"}))),
    ];
    let (asked, told) = told::<DeserializeGuard<SncTenant>>(vec![Answer::Lines(lines, End::Orderly)]).await;
    assert_eq!(asked, ["stream", "watch 8"]);
    assert_eq!(told, ["reset a", "apply b", "apply c", "again ended"]);
}

#[tokio::test(start_paused = true)]
async fn an_object_of_another_kind_that_does_not_deserialize_is_never_passed_over() {
    let broken = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "resourceVersion": "7"}, "data": 3});
    let script = vec![
        Answer::Lines(vec![initial_end(5), line("ADDED", broken.clone())], End::Open),
        Answer::Lines(vec![line("ADDED", broken.clone()), initial_end(9)], End::Open),
        list(vec![broken], 9, ""),
    ];
    let (asked, told) = told::<ConfigMap>(script).await;
    assert_eq!(asked, ["stream", "stream", "list", "stream"], "no watch from a version that skips it");
    assert_eq!(told, ["reset ", "again unreadable", "again unreadable", "again unreadable"]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_watch_is_tried_again_ever_later_from_where_it_was() {
    let mut script = vec![Answer::Lines(vec![initial_end(5)], End::Orderly)];
    script.extend((0..12).map(|_| failure(403, "Forbidden")));
    let started = Instant::now();
    let (asked, told) = told::<ConfigMap>(script).await;
    assert!(asked[1..].iter().all(|a| a == "watch 5"), "{asked:?}");
    assert_eq!(told.iter().filter(|t| *t == "again denied").count(), 12);
    let took = started.elapsed();
    assert!(took > Duration::from_secs(60) && took < Duration::from_secs(300), "{took:?}");
}
