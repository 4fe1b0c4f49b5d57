use crate::model::live::Live;
use crate::model::plan;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use snc_api::v1alpha1::{SncBaseline, SncPolicy, SncTenant};
use snc_core::lang::Lang;
use snc_index::{Declared, Index, PodLite, Unreadable};
use snc_plan::Settings;
use snc_plan::guards::Identity;
use std::sync::Arc;

pub const LANGS: [(Lang, &str); 2] = [(Lang::Fr, "fr"), (Lang::En, "en")];

pub fn now() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

pub fn settings(lang: Lang) -> Settings {
    Settings {
        lang,
        identity: Identity::new("snc-system", "snc-controller"),
        canary_namespace: "snc-canary".into(),
    }
}

fn object<K: DeserializeOwned>(kind: &str, metadata: &Value, spec: &Value, status: &Value) -> Declared<K> {
    let object = json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec, "status": status,
    });
    serde_json::from_value(object)
        .map(Arc::new)
        .map_err(|error| Unreadable::new(&ObjectMeta::default(), &error.to_string()))
}

pub fn tenant(name: &str, spec: &Value, status: &Value) -> Declared<SncTenant> {
    object("SncTenant", &json!({"name": name, "generation": 2}), spec, status)
}

pub fn baseline(name: &str, spec: &Value, status: &Value) -> Declared<SncBaseline> {
    object("SncBaseline", &json!({"name": name, "generation": 1}), spec, status)
}

pub fn policy(namespace: &str, name: &str, spec: &Value, status: &Value) -> Declared<SncPolicy> {
    object("SncPolicy", &json!({"name": name, "namespace": namespace, "generation": 3}), spec, status)
}

pub fn namespace(name: &str, labels: &Value) -> Namespace {
    let meta = json!({"name": name, "uid": format!("uid-{name}"), "labels": labels, "creationTimestamp": "2026-01-01T00:00:00Z"});
    serde_json::from_value(json!({"metadata": meta})).unwrap()
}

pub fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": "2026-05-01T00:00:00Z",
    })
}

/// Two tenants: one governed with a flow refused and a quota exceeded, one observed, which runs a pod.
pub fn index() -> Index {
    let mut index = Index::default();
    index.apply_baseline(
        "socle",
        baseline("socle", &json!({"modes": {"isolation": "Enforce", "quota": "Enforce"}, "network": {
            "sharedServices": [{"name": "registre", "direction": "Egress", "namespace": "registry", "ports": [{"port": 5000}], "justification": "images"}],
        }}), &Value::Null),
    );
    index.apply_tenant(
        "boutique",
        tenant("boutique", &json!({
            "level": "Standard", "adoption": "Enforce", "namespaces": ["boutique-web", "boutique-new"],
            "createNamespaces": true, "owners": [{"kind": "User", "name": "alice"}], "quota": {"pods": "20"},
        }), &Value::Null),
    );
    index.apply_tenant(
        "atelier",
        tenant("atelier", &json!({"level": "Avance", "namespacePrefixes": ["atelier-"]}), &Value::Null),
    );
    for name in ["atelier-old", "boutique-web", "default", "registry"] {
        index.apply_namespace(&namespace(name, &json!({})));
    }
    let pod = json!({"metadata": {"namespace": "atelier-old", "name": "p", "resourceVersion": "5", "creationTimestamp": "2026-05-31T00:00:00Z"}});
    index.apply_pod(&serde_json::from_value::<PodLite>(pod).unwrap());
    index.apply_policy("boutique-web", "web", policy("boutique-web", "web", &web(), &Value::Null));
    index.apply_policy("atelier-old", "old", policy("atelier-old", "old", &json!({"network": {"flows": [{
        "name": "base", "direction": "Egress", "justification": "la base", "peers": [{"pods": {}}], "ports": [{"port": 5432}],
    }]}}), &Value::Null));
    index
}

/// What a tenant may write, at its worst.
pub fn web() -> Value {
    json!({"quota": {"pods": "50"}, "network": {"flows": [
        {
            "name": "images", "direction": "Egress", "nature": "Application", "owner": "équipe | web\u{1b}[31m",
            "justification": "tirer | les images\n| à jour\u{1b}]0;titre\u{7}", "reviewedOn": "2024-01-02",
            "peers": [{"sharedService": {"name": "registre"}}],
        },
        {
            "name": "volé", "direction": "Egress", "justification": "日本 <img src=x>",
            "peers": [{"namespaces": {"names": ["atelier-old"]}}], "ports": [{"port": 80}],
        },
        {
            "name": "front", "direction": "Ingress", "justification": "le public", "nature": "Other",
            "podSelector": {"matchLabels": {"app": "front"}}, "compensatingMeasure": "TLS devant",
            "peers": [{"cidr": {"block": "203.0.113.0/24"}}], "ports": [{"port": 8443, "endPort": 8444}],
        },
    ]}})
}

pub fn plan_facts(settings: &Settings) -> plan::Facts<'_> {
    plan::Facts { context: "essai".into(), now: now(), settings, index: index(), live: Live::default() }
}

/// Nothing that was shown can act on a terminal.
pub fn assert_tame(text: &str) {
    let acting: Vec<char> = text.chars().filter(|c| *c != '\n' && crate::render::clean::acts(*c)).collect();
    assert!(acting.is_empty(), "{acting:?} in {text}");
}
