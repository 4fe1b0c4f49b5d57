//! Against an API server in a few lines.

use super::*;
use http::{Method, Response, StatusCode};
use kube::client::Body;
use serde_json::Value;
use snc_sink::status::{
    AlarmsStatus, Condition, ForwardingStatus, GapItem, GapsStatus, PolicyStatus, ProbeStatus, RecordsStatus,
    RetentionStatus, SealStatus, SourceKind, SourceState, SourceStatus, StoreKind, StoreStatus, TenantDays,
};
use tower_test::mock;

struct Came {
    method: Method,
    uri: String,
    agent: String,
    body: Value,
}

/// Asks once, answers with `answer`, and tells what came.
async fn against<T>(
    answer: (u16, Value),
    ask: impl AsyncFnOnce(Kubernetes) -> Result<T, Silent>,
) -> (Result<T, Silent>, Came) {
    let (asked, mut came) = against_all(false, vec![answer], ask).await;
    (asked, came.remove(0))
}

async fn against_all<T>(
    accept_people: bool,
    answers: Vec<(u16, Value)>,
    ask: impl AsyncFnOnce(Kubernetes) -> Result<T, Silent>,
) -> (Result<T, Silent>, Vec<Came>) {
    let (service, mut handle) = mock::pair::<http::Request<Body>, Response<Body>>();
    let state = Arc::new(State::new("snc-canary"));
    let cluster = Kubernetes { client: Client::new(service, "default"), accept_people, state };
    let server = async {
        let mut all = Vec::new();
        for (code, answer) in answers {
            let (request, send) = handle.next_request().await.unwrap();
            let (parts, body) = request.into_parts();
            let body = body.collect_bytes().await.unwrap();
            let response = Response::builder().status(StatusCode::from_u16(code).unwrap());
            send.send_response(response.body(Body::from(answer.to_string().into_bytes())).unwrap());
            let agent = parts.headers.get(USER_AGENT).map_or("", |agent| agent.to_str().unwrap()).to_owned();
            let body = serde_json::from_slice(&body).unwrap();
            all.push(Came { method: parts.method, uri: parts.uri.to_string(), agent, body });
        }
        all
    };
    tokio::join!(ask(cluster), server)
}

fn review(status: &Value) -> (u16, Value) {
    let mut answer = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "metadata": {}});
    answer["spec"] = json!({});
    answer["status"] = status.clone();
    (201, answer)
}

fn refused() -> (u16, Value) {
    let message = "tokenreviews.authentication.k8s.io is forbidden";
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Forbidden",
        "message": message, "code": 403,
    });
    (403, status)
}

#[tokio::test]
async fn a_token_is_somebodys_if_it_was_made_for_the_log() {
    let alice = json!({"username": "alice", "uid": "7", "groups": ["shop", "system:authenticated"], "extra": {"scopes": ["a"]}});
    let known = User {
        name: "alice".into(),
        uid: "7".into(),
        groups: vec!["shop".into(), "system:authenticated".into()],
        extra: [("scopes".into(), vec!["a".into()])].into(),
    };
    for (status, wanted) in [
        (json!({"authenticated": true, "user": alice, "audiences": ["snc-audit-log"]}), Some(known)),
        (
            json!({"authenticated": true, "user": alice, "audiences": ["https://kubernetes.default.svc"]}),
            None,
        ),
        (json!({"authenticated": true, "user": alice}), None),
        (json!({"authenticated": false, "error": "expired", "audiences": ["snc-audit-log"]}), None),
        (json!({"user": alice, "audiences": ["snc-audit-log"]}), None),
        (json!({"authenticated": true, "user": {"username": ""}, "audiences": ["snc-audit-log"]}), None),
        (json!({}), None),
    ] {
        let (user, came) = against(review(&status), async |c| c.authenticate("s3cret").await).await;
        assert_eq!(user.unwrap(), wanted, "{status}");
        assert_eq!(
            (came.method, came.uri.as_str()),
            (Method::POST, "/apis/authentication.k8s.io/v1/tokenreviews?")
        );
        assert_eq!(came.body["spec"], json!({"token": "s3cret", "audiences": ["snc-audit-log"]}));
    }
}

/// OIDC tokens know of no audience but the API server's.
#[tokio::test]
async fn a_persons_own_token_is_taken_where_the_sink_is_told_so_and_a_pods_never() {
    let of = |name: &str| {
        let user = json!({"username": name, "uid": "7", "groups": ["shop"]});
        review(&json!({"authenticated": true, "user": user, "audiences": ["https://kubernetes.default.svc"]}))
    };
    let nobody = || review(&json!({"authenticated": false, "error": "invalid for the target audiences"}));
    for (name, wanted) in [
        ("alice@example.org", true),
        ("system:serviceaccount:shop:default", false),
        ("system:node:n1", false),
        ("system:bootstrap:07401b", false),
        ("", false),
    ] {
        let answers = vec![nobody(), of(name)];
        let (user, came) = against_all(true, answers, async |c| c.authenticate("t").await).await;
        assert_eq!(user.unwrap().map(|user| user.name), wanted.then(|| name.to_owned()), "{name}");
        assert_eq!(came[0].body["spec"], json!({"token": "t", "audiences": ["snc-audit-log"]}));
        assert_eq!(came[1].body["spec"], json!({"token": "t"}));
    }
    let (user, _) = against_all(false, vec![nobody()], async |c| c.authenticate("t").await).await;
    assert_eq!(user.unwrap(), None, "not asked a second time");
    let (user, _) = against_all(true, vec![nobody(), refused()], async |c| c.authenticate("t").await).await;
    assert!(user.is_err(), "no answer is no yes");
}

#[tokio::test]
async fn no_answer_is_never_a_yes_and_quotes_no_token() {
    let (answer, _) = against(refused(), async |c| c.authenticate("s3cret").await).await;
    let Silent(why) = answer.unwrap_err();
    assert!(why.contains("forbidden") && !why.contains("s3cret"), "{why}");
    let user = User { name: "alice".into(), ..User::default() };
    let (answer, _) = against(refused(), async |c| c.may(&user, Asked::alarms("get")).await).await;
    assert!(answer.is_err());
    let authenticated = review(&json!({"authenticated": true, "audiences": ["snc-audit-log"]}));
    let (answer, _) = against(authenticated, async |c| c.authenticate("s3cret").await).await;
    assert!(answer.is_err(), "authenticated, and nobody");
}

#[tokio::test]
async fn what_somebody_may_is_asked_with_everything_that_is_known_of_them() {
    let user = User {
        name: "alice".into(),
        uid: "7".into(),
        groups: vec!["shop".into()],
        extra: [("scopes".into(), vec!["a".into()])].into(),
    };
    let cluster = json!({"group": "secnumcloud.dev", "resource": "auditlogs", "verb": "get"});
    let mut namespace = cluster.clone();
    namespace["namespace"] = json!("web");
    for (status, asked, attributes, wanted) in [
        (json!({"allowed": true}), Asked::logs(None), &cluster, true),
        (json!({"allowed": true}), Asked::logs(Some("web")), &namespace, true),
        (json!({"allowed": false}), Asked::logs(None), &cluster, false),
        (json!({"allowed": true, "denied": true}), Asked::logs(None), &cluster, false),
    ] {
        let answer = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {}, "spec": {}, "status": status,
        });
        let (answer, came) = against((201, answer), async |c| c.may(&user, asked).await).await;
        assert_eq!(answer.unwrap(), wanted);
        assert_eq!(came.uri, "/apis/authorization.k8s.io/v1/subjectaccessreviews?");
        let spec = json!({"user": "alice", "uid": "7", "groups": ["shop"], "extra": {"scopes": ["a"]}, "resourceAttributes": attributes});
        assert_eq!(came.body["spec"], spec);
    }
    let none = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {}, "spec": {}});
    let (answer, _) = against((201, none), async |c| c.may(&user, Asked::logs(None)).await).await;
    assert!(answer.is_err(), "no status is no answer");
}

#[tokio::test]
async fn the_marked_call_has_its_mark_and_changes_nothing() {
    let answer =
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {}});
    let before = Timestamp::now();
    let (marked, came) = against((201, answer), async |c| c.mark("0a1b").await).await;
    let Marked { sent, answered } = marked.unwrap();
    assert!(before <= sent && sent <= answered);
    assert_eq!((came.method, came.uri.as_str()), (Method::POST, &*format!("{SELF_SUBJECT_REVIEWS}?")));
    assert_eq!(came.agent, "snc-audit-probe/0a1b");
    assert_eq!(came.body["kind"], "SelfSubjectReview");
    assert!(marked_request("\n").is_err(), "a nonce that is no header");
}

/// Everything that there can be.
fn full() -> Status {
    let at: Timestamp = "2027-01-15T08:00:00.123456789Z".parse().unwrap();
    let gap = |cause: &str| GapItem {
        server: "cp-1".into(),
        source: SourceKind::Webhook,
        cause: cause.into(),
        from: at,
        to: Some(at),
        closed: Some(at),
    };
    let source = |kind, state| SourceStatus { server: "cp-1".into(), kind, last_received: Some(at), state };
    Status {
        observed_generation: 3,
        sources: vec![
            source(SourceKind::Webhook, SourceState::Receiving),
            source(SourceKind::File, SourceState::Refusing),
        ],
        gaps: GapsStatus { open: 1, total: 2, truncated: false, items: CAUSES.map(gap).into() },
        store: StoreStatus {
            kind: StoreKind::S3,
            locked: true,
            bytes: 7,
            forecast_days: Some(90),
            free: Some(8),
        },
        seal: Some(SealStatus {
            key_id: "k1".into(),
            head: 12,
            at,
            anchored_at: Some(at),
            anchor: Some("s3://ancres".into()),
        }),
        probe: Some(ProbeStatus {
            at,
            arrived: true,
            delay_milliseconds: Some(12),
            skew_milliseconds: Some(-3),
            via: Some(SourceKind::File),
        }),
        alarms: AlarmsStatus { open: 2, overdue: 1, oldest_open: Some(at) },
        policy: PolicyStatus { complete: false, missing: vec!["pods/exec".into()] },
        retention: RetentionStatus {
            days: 365,
            maximum_days: Some(1000),
            tenants: vec![TenantDays { name: "shop".into(), days: 400 }],
        },
        records: RecordsStatus { total: 10, platform: 4, tenants: 6, unattributed: 1 },
        forwarding: Some(ForwardingStatus { at: Some(at), lag_seconds: Some(1), lag_records: Some(2) }),
        conditions: vec![Condition {
            r#type: "Complete".into(),
            status: "False".into(),
            reason: "GapOpen".into(),
            message: "cp-1".into(),
            // Of conditions Kubernetes keeps whole seconds.
            last_transition_time: "2027-01-15T08:00:00Z".parse().unwrap(),
            observed_generation: 3,
        }],
    }
}

const CAUSES: [&str; 7] =
    ["Down", "DiskFull", "Refused", "Rotated", "Truncated", "Unreadable", "ProbeMissed"];

/// What the sink says and what the kind has are two types, so that the sink needs no client; here they are held together.
#[test]
fn a_status_fits_its_kind_to_the_last_field() {
    let said = applied(&full());
    let read: SncAuditLog = serde_json::from_value(
        json!({"apiVersion": said["apiVersion"], "kind": said["kind"], "metadata": said["metadata"], "spec": {}, "status": said["status"]}),
    )
    .unwrap();
    assert_eq!(serde_json::to_value(&read.status).unwrap(), said["status"]);
    let known: Vec<&str> = snc_sink::gaps::Cause::ALL.iter().map(|cause| cause.as_str()).collect();
    assert_eq!(known, CAUSES, "every cause there is");
}

#[tokio::test]
async fn a_status_is_applied_to_the_one_object_under_a_manager_of_its_own() {
    let mut answer = applied(&full());
    answer["spec"] = json!({});
    let (done, came) = against((200, answer), async |c| c.report(&full()).await).await;
    done.unwrap();
    assert_eq!(came.method, Method::PATCH);
    let (path, query) = came.uri.split_once('?').unwrap();
    assert_eq!(path, "/apis/secnumcloud.dev/v1alpha1/sncauditlogs/cluster/status");
    assert!(query.contains("fieldManager=snc-audit-sink") && query.contains("force=true"), "{query}");
    assert_eq!(came.body, applied(&full()));
}

#[test]
fn nothing_is_asked_of_the_sink_before_everything_was_read() {
    let state = State::new("snc-canary");
    let log: SncAuditLog = serde_json::from_value(json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncAuditLog",
        "metadata": {"name": "cluster", "generation": 2}, "spec": {},
    }))
    .unwrap();
    let reset = || Signal::Change(Change::<()>::Reset(vec![]));
    state.change(|known| {
        known.heard_log.on(&reset());
        known.declared.log(Some(&log));
        known.heard_policies.on(&reset());
    });
    assert_eq!(*state.wishes.borrow(), None);
    state.change(|known| known.register.heard_namespaces.on(&reset()));
    assert_eq!(state.wishes.borrow().as_ref().map(|wishes| wishes.generation), Some(2));
    let mut seen = state.people.subscribe();
    state.change(|_| ());
    assert!(!seen.has_changed().unwrap(), "told of changes alone");
    state.change(|known| known.register.heard_tenants.on(&reset()));
    assert!(seen.has_changed().unwrap() && seen.borrow_and_update().synced);
}
