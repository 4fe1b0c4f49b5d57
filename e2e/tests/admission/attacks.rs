//! Requests by which a tenant with too many rights would get rid of its isolation, as data.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use snc_core::names::{
    GUARD_GATE, GUARD_MANAGED, GUARD_NAMESPACE, GUARD_RATCHET, GUARD_RESERVED, GUARD_STATUS, GUARD_WEBHOOK,
    LABEL_FLOOR_LEVEL, LABEL_ISOLATED, LABEL_MANAGED_BY, LABEL_TENANT, MANAGED_BY, MANAGER, PSA_ENFORCE,
    WEBHOOK,
};
use snc_e2e::api::Ask;
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{Kind, NAMESPACES, flow, flows, namespace, new_namespace, opening, pod, policy};
use snc_e2e::wait::eventually;

pub struct Attack {
    pub what: String,
    pub guard: &'static str,
    pub ask: Ask,
}

fn attack(guard: &'static str, what: impl Into<String>, ask: Ask) -> Attack {
    Attack { what: what.into(), guard, ask }
}

const KINDS: [(Kind, &str); 6] = [
    (Kind::NetworkPolicy, "snc-default-deny"),
    (Kind::NetworkPolicy, "snc-dns"),
    (Kind::ResourceQuota, "snc-quota"),
    (Kind::LimitRange, "snc-limits"),
    (Kind::RoleBinding, "snc-owners"),
    (Kind::ConfigMap, "snc-effective"),
];

/// A governed namespace with one of everything that the operator makes.
pub fn target(cluster: &Cluster, name: &str) -> Result<()> {
    let owners = json!([{"kind": "User", "name": "quelqu-un"}]);
    cluster.governed(name, &[name], json!({"owners": owners, "quota": {"pods": "20", "limits.cpu": "8"}}))?;
    cluster.platform.create(Kind::SncPolicy.all(name), policy("p", flows(vec![flow("api", json!({}))])))?;
    cluster.condition(&Kind::SncPolicy.one(name, "p"), "Ready", "True", "Applied")?;
    for (kind, object) in KINDS {
        eventually(object, || Ok(cluster.admin.get(kind.one(name, object))?))?;
    }
    Ok(())
}

/// The live object without what a client does not send.
fn live(cluster: &Cluster, path: &str) -> Result<Value> {
    let mut object = cluster.admin.get(path)?;
    for field in ["managedFields", "resourceVersion"] {
        object["metadata"].as_object_mut().context("metadata")?.remove(field);
    }
    Ok(object)
}

/// Every way to write one label of a namespace; `None` removes it.
pub fn label_writes(
    cluster: &Cluster,
    name: &str,
    key: &str,
    value: Option<&str>,
) -> Result<Vec<(String, Ask)>> {
    let main = namespace(name);
    let patch = json!({"metadata": {"labels": {key: value}}});
    let pointer = format!("/metadata/labels/{}", key.replace('/', "~1"));
    let operation = match value {
        Some(value) => json!([{"op": "add", "path": pointer, "value": value}]),
        None => json!([{"op": "remove", "path": pointer}]),
    };
    let mut whole = live(cluster, &main)?;
    let labels = whole["metadata"]["labels"].as_object_mut().context("labels")?;
    match value {
        Some(value) => labels.insert(key.to_owned(), json!(value)),
        None => labels.remove(key),
    };
    let what = value.map_or_else(|| format!("remove {key}"), |value| format!("{key}={value}"));
    let mut writes = Vec::new();
    for path in [main.clone(), format!("{main}/status")] {
        writes.push(Ask::merge(&path, patch.clone()));
        writes.push(Ask::strategic(&path, patch.clone()));
        writes.push(Ask::json_patch(&path, operation.clone()));
        writes.push(Ask::replace(&path, whole.clone()));
    }
    writes.push(Ask::replace(format!("{main}/finalize"), whole));
    if let Some(value) = value {
        let applied = new_namespace(name, json!({key: value}));
        writes.push(Ask::apply(&main, "kubectl", applied.clone()));
        writes.push(Ask::apply(&format!("{main}/status"), "kubectl", applied));
    }
    Ok(writes.into_iter().map(|ask| (format!("{what}: {ask}"), ask)).collect())
}

/// Asked of the namespace guard.
pub fn on_labels(cluster: &Cluster, name: &str) -> Result<Vec<Attack>> {
    let writes = [
        (LABEL_TENANT, None),
        (LABEL_TENANT, Some("autre")),
        (LABEL_TENANT, Some("")),
        (LABEL_ISOLATED, None),
        (LABEL_ISOLATED, Some("audit")),
        (LABEL_FLOOR_LEVEL, Some("Essentiel")),
        (LABEL_FLOOR_LEVEL, None),
        ("secnumcloud.dev/encore-inconnu", Some("x")),
        (PSA_ENFORCE, Some("privileged")),
        (PSA_ENFORCE, None),
    ];
    let mut attacks = Vec::new();
    for (key, value) in writes {
        let writes = label_writes(cluster, name, key, value)?;
        attacks.extend(writes.into_iter().map(|(what, ask)| attack(GUARD_NAMESPACE, what, ask)));
    }
    // An owner by server-side apply who stops applying removes: here, with the operator's own manager name.
    let empty = new_namespace(name, json!({}));
    for manager in [MANAGER, "snc-operator-isolation", "snc-operator-pod-security"] {
        let ask = Ask::apply(&namespace(name), manager, empty.clone());
        attacks.push(attack(GUARD_NAMESPACE, format!("{ask} without labels"), ask));
    }
    let mut bare = live(cluster, &namespace(name))?;
    bare["metadata"]["labels"] = json!({});
    attacks.push(attack(GUARD_NAMESPACE, "replace without labels", Ask::replace(namespace(name), bare)));
    let finalized = live(cluster, &namespace(name))?;
    let ask = Ask::replace(namespace(name) + "/finalize", finalized);
    attacks.push(attack(GUARD_NAMESPACE, "finalize, and nothing else", ask));
    Ok(attacks)
}

/// Asked of the managed-object guard.
pub fn on_objects(cluster: &Cluster, namespace: &str) -> Result<Vec<Attack>> {
    let mut attacks = Vec::new();
    for (kind, name) in KINDS {
        let path = kind.one(namespace, name);
        let whole = live(cluster, &path)?;
        let unlabelled = json!({"metadata": {"labels": {LABEL_MANAGED_BY: null}}});
        let mut without_label = whole.clone();
        without_label["metadata"]["labels"] = json!({});
        let owner = json!({"metadata": {"ownerReferences": [
            {"apiVersion": "v1", "kind": "ConfigMap", "name": "personne", "uid": "0a7e0d5e-0000-4000-8000-000000000000"},
        ]}});
        let mut stripped =
            json!({"apiVersion": whole["apiVersion"], "kind": whole["kind"], "metadata": {"name": name}});
        for field in ["spec", "roleRef", "data"] {
            if !whole[field].is_null() {
                stripped[field] = whole[field].clone();
            }
        }
        let mut forged = whole.clone();
        forged["metadata"] = json!({"name": format!("{name}-bis"), "labels": {LABEL_MANAGED_BY: MANAGED_BY}});
        let asks = [
            Ask::merge(&path, unlabelled.clone()),
            Ask::strategic(&path, unlabelled),
            Ask::json_patch(&path, json!([{"op": "remove", "path": "/metadata/labels"}])),
            Ask::replace(&path, without_label),
            Ask::merge(&path, json!({"metadata": {"annotations": {"a": "b"}}})),
            Ask::merge(&path, owner),
            Ask::apply(&path, MANAGER, stripped),
            Ask::delete(&path),
            Ask::delete(format!("{path}?gracePeriodSeconds=0&propagationPolicy=Orphan")),
            Ask::delete(kind.all(namespace)),
            Ask::create(kind.all(namespace), forged),
        ];
        attacks.extend(asks.into_iter().map(|ask| attack(GUARD_MANAGED, ask.to_string(), ask)));
    }
    let deny = Kind::NetworkPolicy.one(namespace, "snc-default-deny");
    let open = json!({"spec": opening("x")["spec"].clone()});
    attacks.push(attack(GUARD_MANAGED, "open the default-deny", Ask::merge(deny, open)));
    let quota = Kind::ResourceQuota.one(namespace, "snc-quota") + "/status";
    for patch in [
        json!({"metadata": {"labels": {LABEL_MANAGED_BY: null}}}),
        json!({"metadata": {"finalizers": ["example.org/hold"]}}),
    ] {
        attacks.push(attack(GUARD_MANAGED, "quota by its status", Ask::merge(&quota, patch)));
    }
    Ok(attacks)
}

/// Asked of the other guards. The reserved name is one of tenant `reserve`, by prefix.
pub fn others(namespace: &str) -> Vec<Attack> {
    let weak = policy("faible", json!({"modes": {"isolation": "Audit"}}));
    let forged = json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncAssessment", "metadata": {"name": "forgee"},
        "spec": {"scope": "Cluster"},
    });
    let assessments = Kind::SncAssessment.all(namespace);
    let webhook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": WEBHOOK},
    });
    let webhooks = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    vec![
        attack(GUARD_STATUS, "an assessment of one's own", Ask::create(assessments, forged)),
        attack(GUARD_WEBHOOK, "our webhook", Ask::create(webhooks, webhook)),
        attack(GUARD_RATCHET, "a mode below the floor", Ask::create(Kind::SncPolicy.all(namespace), weak)),
        attack(
            GUARD_RATCHET,
            "a level below the floor",
            Ask::merge(Kind::SncPolicy.one(namespace, "p"), json!({"spec": {"level": "Essentiel"}})),
        ),
        attack(
            GUARD_RESERVED,
            "a reserved name",
            Ask::create(NAMESPACES, new_namespace("reserve-a", json!({}))),
        ),
        attack(
            GUARD_NAMESPACE,
            "a tenant label at creation",
            Ask::create(NAMESPACES, new_namespace("reserve-b", json!({LABEL_TENANT: "reserve"}))),
        ),
        attack(
            GUARD_NAMESPACE,
            "isolated from birth",
            Ask::create(NAMESPACES, new_namespace("libre-a", json!({LABEL_ISOLATED: "true"}))),
        ),
        attack(
            GUARD_GATE,
            "a pod where nothing is isolated",
            Ask::create(Kind::Pod.all(snc_e2e::cluster::CANARY_NAMESPACE), pod("p")),
        ),
    ]
}
