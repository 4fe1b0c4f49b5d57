use super::*;
use crate::watch::KINDS;
use http::{Request, Response};
use kube::client::Body;
use serde_json::{Value, json};
use snc_core::lang::Lang;
use snc_plan::guards::Identity;
use std::time::Duration;
use tower_test::mock;

/// Of a process that asks nobody anything.
fn context(held: bool) -> Context {
    let (service, _handle) = mock::pair::<Request<Body>, Response<Body>>();
    let client = Client::new(service, "default");
    let settings = Settings {
        lang: Lang::En,
        identity: Identity::new("snc-system", "snc-controller"),
        canary_namespace: "snc-canary".into(),
    };
    let lease = if held {
        Lease::held_for_test(client.clone())
    } else {
        Lease::new(client.clone(), "snc-system", "l", "i", Duration::from_secs(15))
    };
    let events = Events::new(client.clone(), "test");
    Context::new(client, settings, events, lease, Arc::new(Metrics::new().unwrap()))
}

fn parsed<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn deny(context: &Context, namespace: &str, present: bool) {
    let policy: k8s_openapi::api::networking::v1::NetworkPolicy = parsed(json!({
        "metadata": {"name": DEFAULT_DENY, "namespace": namespace, "uid": "u"}, "spec": {"podSelector": {}},
    }));
    let key = ObjectKey::new(ManagedKind::NetworkPolicy, DEFAULT_DENY);
    let dirty = if present {
        context.index_mut().apply_object(namespace, key, snc_index::Observed::from(&policy))
    } else {
        context.memory().deny_missing.entry(namespace.to_owned()).or_insert_with(Timestamp::now);
        context.index_mut().delete_object(namespace, &key, None)
    };
    context.look_again(dirty);
}

#[tokio::test]
async fn a_standby_queues_nothing_and_looks_at_everything_once_it_leads() {
    let context = context(false);
    let namespace = parsed(json!({"metadata": {"name": "shop", "uid": "u"}}));
    let dirty = context.index_mut().apply_namespace(&namespace);
    assert!(!dirty.is_empty());
    context.look_again(dirty);
    context.update_cluster(|facts| facts.gate_proven = true);
    assert_eq!(context.queue.depth(), (0, 0));
    context.lead();
    assert_eq!(context.queue.next().await, Some(Key::Namespace("shop".into())));
}

#[tokio::test]
async fn what_the_leader_before_put_back_is_not_reported_as_missing_by_the_next() {
    let context = context(false);
    for namespace in ["shop", "bank"] {
        deny(&context, namespace, true);
        deny(&context, namespace, false);
    }
    // The leader restores one of them; somebody takes it away again later.
    deny(&context, "shop", true);
    assert_eq!(context.memory().deny_missing.keys().collect::<Vec<_>>(), ["bank"]);
    let before = Timestamp::now();
    deny(&context, "shop", false);
    context.lead();
    let missing = context.memory().deny_missing.clone();
    assert_eq!(missing.keys().collect::<Vec<_>>(), ["bank", "shop"], "both are missing now");
    assert!(missing["shop"] >= before, "since the second time, not the first");
    // As a leader it is the repair itself that ends the absence, so that it can say how long it was.
    deny(&context, "shop", true);
    assert!(context.memory().deny_missing.contains_key("shop"));
}

#[tokio::test(start_paused = true)]
async fn deletes_wait_for_every_list_for_a_renewal_after_it_and_for_news_of_every_kind() {
    let context = context(true);
    for kind in KINDS {
        context.inputs.expect(kind);
    }
    for kind in KINDS {
        assert!(!context.may_delete(), "{kind} is not listed");
        context.inputs.listed(kind);
    }
    assert!(!context.may_delete(), "the lease was renewed before, not since");
    tokio::time::advance(Duration::from_millis(1)).await;
    context.lease.renewed_for_test();
    assert!(context.may_delete());
    context.inputs.denied("pods");
    assert!(!context.may_delete(), "pods may not be read any more");
    context.inputs.heard("pods");
    assert!(context.may_delete());
    tokio::time::advance(crate::watch::STALE + Duration::from_secs(1)).await;
    context.lease.renewed_for_test();
    assert!(!context.may_delete(), "nothing was heard for long");
}
