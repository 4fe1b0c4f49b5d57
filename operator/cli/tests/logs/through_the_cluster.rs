//! Without `--server`: a token for the log alone, the sink's authority and a port-forward, all from the API server.

use crate::server::{Asked, Reply, Server, kubeconfig};
use crate::{page, record, snc};
use serde_json::{Value, json};

/// What is served of the operator's namespace, with what `change` makes of it.
fn cluster(
    authority: String,
    change: impl Fn(&str, &mut Value) + Send + Sync + 'static,
) -> impl Fn(&Asked) -> Reply {
    move |asked| {
        if asked.path().ends_with("/portforward") {
            return Reply::Forward;
        }
        let home = "/api/v1/namespaces/snc-system";
        let path = asked.path();
        let mut body = match path.strip_prefix(home).unwrap_or(path) {
            "/api/v1/namespaces/boutique-audit/serviceaccounts/auditor/token" => {
                let asked: Value = serde_json::from_str(&asked.body).unwrap();
                assert_eq!(asked["spec"]["audiences"], json!(["snc-audit-log"]));
                assert_eq!(asked["spec"]["expirationSeconds"], json!(600));
                json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {},
                    "spec": asked["spec"], "status": {"token": "for-the-log", "expirationTimestamp": "2026-11-22T10:10:00Z"}})
            }
            "/configmaps/snc-audit-sink-ca" => json!({"apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": "snc-audit-sink-ca"}, "data": {"ca.crt": authority}}),
            "/services/snc-audit-sink" => {
                json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "snc-audit-sink"},
                "spec": {"selector": {"app": "sink"}, "ports": [{"name": "intake", "port": 8445}, {"name": "https", "port": 443, "targetPort": "serve"}]}})
            }
            "/pods" => json!({"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": [
                {"metadata": {"name": "old"}, "status": {"conditions": [{"type": "Ready", "status": "False"}]}},
                {"metadata": {"name": "snc-audit-sink-0"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]},
                 "spec": {"containers": [{"name": "sink", "ports": [{"name": "serve", "containerPort": 8446}]}]}}]}),
            "/api/v1/namespaces/boutique-web" => {
                json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
                "metadata": {"name": "boutique-web", "labels": {"secnumcloud.dev/tenant": "boutique"}}})
            }
            other => panic!("{other}"),
        };
        change(path, &mut body);
        match body.get("code").and_then(Value::as_u64) {
            Some(code) => Reply::Status(u16::try_from(code).unwrap(), body.to_string()),
            None => Reply::Ok(body.to_string()),
        }
    }
}

fn run(
    sink: &Server,
    change: impl Fn(&str, &mut Value) + Send + Sync + 'static,
    words: &[&str],
) -> (crate::Ran, Vec<Asked>) {
    let authority = std::fs::read_to_string(sink.authority()).unwrap();
    let api = Server::plain(cluster(authority, change), Some(sink.address));
    let folder = tempfile::tempdir().unwrap();
    let config = kubeconfig(folder.path(), &api.url(), "{token: mine}");
    let ran = snc(&[words, &["--kubeconfig", config.to_str().unwrap()]].concat());
    (ran, api.asked())
}

const QUERY: [&str; 8] =
    ["logs", "query", "-n", "boutique-web", "--service-account", "boutique-audit/auditor", "-o", "jsonl"];

fn sink() -> Server {
    Server::tls(|_| Reply::Ok(page(&[record(1, "alice", "s1")], None)))
}

#[test]
fn the_sink_is_found_and_asked_with_a_token_of_its_own() {
    let sink = sink();
    let (ran, api) = run(&sink, |_, _| {}, &QUERY);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(ran.out, record(1, "alice", "s1") + "\n");
    let asked = sink.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].header("authorization"), Some("Bearer for-the-log"));
    assert_eq!(asked[0].header("host"), Some(crate::server::NAME));
    // The tenant is the one that the namespace has.
    assert_eq!(asked[0].target, "/v1/events?tenant=boutique&namespace=boutique-web&limit=100");
    let forward = api.iter().find(|asked| asked.path().ends_with("/portforward")).unwrap();
    assert!(
        forward.target.contains("/pods/snc-audit-sink-0/portforward?&ports=8446")
            || forward.target.contains("ports=8446"),
        "{}",
        forward.target
    );
    let selected = api.iter().find(|asked| asked.path().ends_with("/pods")).unwrap();
    assert!(selected.target.contains("labelSelector=app%3Dsink"), "{}", selected.target);
}

#[test]
fn who_may_not_forward_is_told_what_to_give() {
    for refused in ["configmaps", "services", "pods"] {
        let sink = sink();
        let change = move |path: &str, body: &mut Value| {
            if path.contains(&format!("/{refused}")) {
                *body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 403,
                    "reason": "Forbidden", "message": format!("{refused} is forbidden")});
            }
        };
        let (ran, _) = run(&sink, change, &QUERY);
        assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{}", ran.err);
        assert!(ran.err.contains(refused) && ran.err.contains("--server https://HOST:PORT"), "{}", ran.err);
        assert!(sink.asked().is_empty());
    }
}

#[test]
fn what_is_not_there_is_named() {
    for (path, pointer, missing) in [
        ("/configmaps", "/data", "ca.crt"),
        ("/services", "/spec/ports", "spec.ports"),
        ("/services", "/spec/selector", "spec.selector"),
        ("/pods", "/items/1", "Ready"),
        ("/pods", "/items/1/spec", "containerPort"),
    ] {
        let sink = sink();
        let change = move |asked: &str, body: &mut Value| {
            if asked.contains(path) {
                *body.pointer_mut(pointer).unwrap() =
                    if pointer == "/items/1" { json!({}) } else { Value::Null };
            }
        };
        let (ran, _) = run(&sink, change, &QUERY);
        assert_eq!(ran.code, Some(3), "{missing}: {}", ran.err);
        assert!(ran.err.contains(missing), "{missing}: {}", ran.err);
    }
}

#[test]
fn a_pod_that_is_not_the_sink_gets_no_token() {
    let (sink, other) = (sink(), sink());
    let authority = std::fs::read_to_string(sink.authority()).unwrap();
    let api = Server::plain(cluster(authority, |_, _| {}), Some(other.address));
    let folder = tempfile::tempdir().unwrap();
    let config = kubeconfig(folder.path(), &api.url(), "{token: mine}");
    let ran = snc(&[&QUERY[..], &["--kubeconfig", config.to_str().unwrap()]].concat());
    assert_eq!(ran.code, Some(3));
    assert!(ran.err.contains("no token has left") && other.asked().is_empty(), "{}", ran.err);
}
