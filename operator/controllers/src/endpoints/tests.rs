use crate::context::Context;
use crate::events::Events;
use crate::lease::Lease;
use crate::metrics::Metrics;
use crate::watch::KINDS;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use kube::Client;
use snc_core::lang::Lang;
use snc_health::{answer, serve};
use snc_plan::Settings;
use snc_plan::guards::Identity;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tower_test::mock;

fn context() -> Context {
    let (service, _handle) = mock::pair::<Request<kube::client::Body>, Response<kube::client::Body>>();
    let client = Client::new(service, "default");
    let settings = Settings {
        lang: Lang::En,
        identity: Identity::new("snc-system", "snc-controller"),
        canary_namespace: "snc-canary".into(),
    };
    let lease = Lease::new(client.clone(), "snc-system", "l", "i", Duration::from_secs(15));
    let events = Events::new(client.clone(), "test");
    let context = Context::new(client, settings, events, lease, Arc::new(Metrics::new().unwrap()));
    for kind in KINDS {
        context.inputs.expect(kind);
    }
    context
}

async fn get(context: &Context, path: &str) -> (u16, String) {
    let answer = answer(context, &Method::GET, path);
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_standby_is_ready_once_everything_is_listed_and_alive_before() {
    let context = context();
    assert_eq!(get(&context, "/livez").await.0, 200);
    for kind in KINDS {
        let (status, detail) = get(&context, "/readyz").await;
        assert_eq!(status, 503, "{detail}");
        context.inputs.listed(kind);
    }
    let (status, detail) = get(&context, "/readyz").await;
    assert_eq!(status, 200, "{detail}");
    assert!(detail.contains("[+]pods 0 s") && detail.ends_with("standby ready\n"), "{detail}");
}

#[tokio::test(start_paused = true)]
async fn an_index_that_got_old_and_a_kind_that_may_not_be_read_are_told_by_name() {
    let context = context();
    for kind in KINDS {
        context.inputs.listed(kind);
    }
    tokio::time::advance(Duration::from_secs(200)).await;
    context.inputs.heard("namespaces");
    context.inputs.denied("pods");
    tokio::time::advance(Duration::from_secs(10)).await;
    let (status, detail) = get(&context, "/readyz").await;
    assert_eq!(status, 200, "it can still take over: {detail}");
    assert!(detail.contains("[+]namespaces 10 s"), "{detail}");
    assert!(detail.contains("[!]networkpolicies 210 s"), "{detail}");
    assert!(detail.contains("[-]pods 210 s, denied"), "{detail}");
}

#[tokio::test]
async fn nothing_but_questions_is_answered() {
    let context = context();
    assert_eq!(get(&context, "/debug").await.0, 404);
    assert_eq!(answer(&context, &Method::POST, "/livez").status(), 405);
    let (status, text) = get(&context, "/metrics").await;
    assert_eq!(status, 200);
    assert!(text.contains("# TYPE snc_writes_total counter"), "{text}");
}

#[tokio::test]
async fn it_answers_on_a_real_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(serve(listener, Arc::new(context())));
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("ok\n"), "{answer}");
    server.abort();
}
