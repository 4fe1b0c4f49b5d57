//! Exact request sequences and injected faults, against a mock. What Kubernetes does with the requests is tested end
//! to end, on the real API server.

use super::*;
use crate::events::Events;
use crate::lease::Lease;
use crate::metrics::Metrics;
use http::{Method, Request, Response, StatusCode};
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use snc_core::lang::Lang;
use snc_index::Index;
use snc_plan::Settings;
use snc_plan::guards::Identity;
use std::sync::{Arc, Mutex};
use tower_test::mock;

type Answer = (StatusCode, Value);

/// What the mock answers to a request that carries this body.
type Script = Box<dyn Fn(&str, &Value) -> Option<Answer> + Send>;

/// Runs one reconcile against a server that takes every write and gives back what was written, except where the
/// script says otherwise. Returns `METHOD path` of each request, in order.
async fn requests(script: Script) -> (Outcome, Vec<String>, Vec<Value>) {
    let (service, mut handle) = mock::pair::<Request<Body>, Response<Body>>();
    let seen: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
    let log = seen.clone();
    let server = tokio::spawn(async move {
        let mut policies: Vec<Value> = Vec::new();
        while let Some((request, send)) = handle.next_request().await {
            let line = format!("{} {}", request.method(), request.uri().path());
            let method = request.method().clone();
            let bytes = request.into_body().collect_bytes().await.unwrap();
            let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
            log.lock().unwrap().push((line.clone(), body.clone()));
            let (status, answer) = script(&line, &body).unwrap_or_else(|| {
                if method == Method::GET && line.ends_with("/networkpolicies") {
                    return (StatusCode::OK, json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicyList", "metadata": {}, "items": policies}));
                }
                if line.contains("/networkpolicies/") {
                    policies.push(body.clone());
                }
                (StatusCode::OK, body.clone())
            });
            let response =
                Response::builder().status(status).body(Body::from(answer.to_string().into_bytes()));
            send.send_response(response.unwrap());
        }
    });
    let client = Client::new(service, "default");
    let context = context(client);
    let outcome = tokio::time::timeout(Duration::from_secs(10), reconcile(&context, "shop")).await.unwrap();
    drop(context);
    server.abort();
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    let (lines, bodies) = seen.into_iter().unzip();
    (outcome, lines, bodies)
}

fn context(client: Client) -> Context {
    let settings = Settings {
        lang: Lang::En,
        identity: Identity::new("snc-system", "snc-controller"),
        canary_namespace: "snc-canary".into(),
    };
    let events = Events::new(client.clone(), "test");
    let metrics = Arc::new(Metrics::new().unwrap());
    let context = Context::new(client.clone(), settings, events, Lease::held_for_test(client), metrics);
    context.update_cluster(|facts| facts.gate_proven = true);
    context.inputs.listed("namespaces");
    fill(&mut context.index_mut());
    context
}

fn fill(index: &mut Index) {
    let namespace: Namespace = serde_json::from_value(
        json!({"metadata": {"name": "shop", "uid": "u1", "creationTimestamp": "2026-01-01T00:00:00Z"}}),
    )
    .unwrap();
    index.apply_namespace(&namespace);
    let resource = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "secnumcloud.dev/v1alpha1", "kind": kind, "metadata": {"name": name, "generation": 1}, "spec": spec});
    let baseline = resource("SncBaseline", "floor", json!({"modes": {"isolation": "Enforce"}}));
    index.apply_baseline("floor", Ok(Arc::new(serde_json::from_value(baseline).unwrap())));
    let owners = json!([{"kind": "User", "name": "alice"}]);
    let tenant =
        resource("SncTenant", "t", json!({"level": "Standard", "namespaces": ["shop"], "owners": owners}));
    index.apply_tenant("t", Ok(Arc::new(serde_json::from_value(tenant).unwrap())));
}

fn position(lines: &[String], what: &str) -> Option<usize> {
    lines.iter().position(|line| line.contains(what))
}

fn opens_the_gate(bodies: &[Value]) -> Option<usize> {
    bodies.iter().position(|b| b["metadata"]["labels"]["secnumcloud.dev/isolated"] == "true")
}

#[tokio::test]
async fn labels_then_default_deny_then_read_back_then_the_gate_then_rights() {
    let (outcome, lines, bodies) = requests(Box::new(|_, _| None)).await;
    assert!(matches!(outcome, Outcome::Later(_)), "{outcome:?} {lines:#?}");
    let order = [
        position(&lines, "PATCH /api/v1/namespaces/shop").unwrap(),
        position(&lines, "/networkpolicies/snc-default-deny").unwrap(),
        position(&lines, "/networkpolicies/snc-dns").unwrap(),
        position(&lines, "/configmaps/snc-effective").unwrap(),
        lines
            .iter()
            .position(|l| l == "GET /apis/networking.k8s.io/v1/namespaces/shop/networkpolicies")
            .unwrap(),
        opens_the_gate(&bodies).unwrap(),
        position(&lines, "/rolebindings/snc-owners").unwrap(),
    ];
    assert!(order.is_sorted(), "{order:?} {lines:#?}");
    assert!(!lines.iter().any(|l| l.starts_with("DELETE")), "{lines:#?}");
    let to_the_namespace =
        lines.iter().zip(&bodies).filter(|(l, _)| l.as_str() == "PATCH /api/v1/namespaces/shop");
    for (_, body) in to_the_namespace {
        assert_eq!(body["metadata"]["uid"], "u1", "every write to a Namespace carries its UID: {body}");
    }
}

#[tokio::test]
async fn the_gate_stays_shut_when_the_policies_read_back_are_not_those_applied() {
    let open = json!({
        "metadata": {"name": "snc-default-deny", "namespace": "shop", "labels": {"app.kubernetes.io/managed-by": "snc-operator", "app.kubernetes.io/component": "isolation"}},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{}]},
    });
    let (outcome, lines, bodies) = requests(Box::new(move |line, _| {
        let list = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicyList", "metadata": {}, "items": [open.clone()]});
        (line == "GET /apis/networking.k8s.io/v1/namespaces/shop/networkpolicies").then_some((StatusCode::OK, list))
    }))
    .await;
    assert_eq!(outcome, Outcome::Failed);
    assert_eq!(opens_the_gate(&bodies), None, "{lines:#?}");
    assert_eq!(position(&lines, "/rolebindings/"), None, "rights come after isolation: {lines:#?}");
}

#[tokio::test]
async fn without_the_default_deny_nothing_follows() {
    let (outcome, lines, bodies) = requests(Box::new(|line, _| {
        let failure = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 500, "reason": "InternalError", "message": "etcd is slow"});
        line.contains("/networkpolicies/snc-default-deny").then_some((StatusCode::INTERNAL_SERVER_ERROR, failure))
    }))
    .await;
    assert_eq!(outcome, Outcome::Failed);
    assert_eq!(opens_the_gate(&bodies), None, "{lines:#?}");
    assert_eq!(position(&lines, "/networkpolicies/snc-dns"), None, "{lines:#?}");
}

#[tokio::test]
async fn a_list_that_apply_leaves_behind_is_replaced_in_place() {
    let (_, lines, _) = requests(Box::new(|line, body| {
        let mut left = body.clone();
        left["spec"]["ingress"] = json!([{}]);
        left["metadata"]["resourceVersion"] = json!("7");
        (line == "PATCH /apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/snc-default-deny")
            .then_some((StatusCode::OK, left))
    }))
    .await;
    let put =
        position(&lines, "PUT /apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/snc-default-deny");
    assert!(put.is_some() && !lines.iter().any(|l| l.starts_with("DELETE")), "{lines:#?}");
}
