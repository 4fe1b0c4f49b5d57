//! `kubectl snc preflight` and `kubectl snc reach` against the real API server.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use snc_e2e::cluster::{CANARY_NAMESPACE, Cluster};
use snc_e2e::objects::{Kind, NAMESPACES, new_namespace, opening};
use snc_e2e::wait::eventually;
use std::collections::BTreeMap;
use std::fs;
use xtask::harness::User;

pub fn preflight(cluster: &Cluster) -> Result<()> {
    let run = |user, expected: i32| -> Result<BTreeMap<String, String>> {
        let output = cluster.kubectl_snc(user, &["preflight", "-o", "json"])?;
        ensure!(output.code == Some(expected), "{output:?}");
        let report: Value = serde_json::from_str(&output.stdout).with_context(|| format!("{output:?}"))?;
        let checks = report["checks"].as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(checks.map(|check| (text(&check["check"]), text(&check["state"]))).collect())
    };
    // NodeRestriction is off in the harness, which has no nodes: something is missing.
    let states = run(User::Platform, 1)?;
    for (check, state) in [
        ("server-version", "ok"),
        ("crds", "ok"),
        ("guards", "ok"),
        ("isolation-gate", "ok"),
        ("validating-admission-policy", "ok"),
        ("pod-security", "ok"),
        ("operator-rights", "ok"),
        ("your-rights", "ok"),
        ("policy-engines", "ok"),
        ("network-policy-kinds", "ok"),
        ("node-restriction", "missing"),
        ("network-plugin", "unknown"),
    ] {
        ensure!(states.get(check).is_some_and(|seen| seen == state), "{check} is not {state}: {states:?}");
    }
    // Somebody without rights is told so, and nothing is taken for good.
    let states = run(User::Mallory, 1)?;
    ensure!(states.get("your-rights").is_some_and(|state| state == "missing"), "{states:?}");
    for check in
        ["crds", "guards", "isolation-gate", "pod-security", "operator-rights", "network-plugin", "audit-log"]
    {
        ensure!(states.get(check).is_some_and(|state| state == "unknown"), "{check}: {states:?}");
    }
    // Pods were tried and none was made.
    ensure!(cluster.admin.list(Kind::Pod.all(CANARY_NAMESPACE))?.is_empty(), "a trial pod stayed");
    Ok(())
}

const APP: &str = "joindre-app";
const DATA: &str = "joindre-data";

fn deployment(namespace: &str, name: &str, port: &Value) -> Value {
    let labels = json!({"app": name});
    let container = json!({"name": "main", "image": "registry.invalid/never-pulled:0", "ports": [port]});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    })
}

fn network_policy(namespace: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace}, "spec": spec,
    })
}

fn manifests() -> Vec<Value> {
    let port = |name: &str, number: u16| json!({"name": name, "containerPort": number});
    let from = |namespace: &str, app: &str| {
        json!({
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "podSelector": {"matchLabels": {"app": app}},
        })
    };
    let subject = |app: &str| json!({"matchLabels": {"app": app}});
    vec![
        deployment(APP, "front", &port("http", 8080)),
        deployment(APP, "api", &port("http", 8081)),
        deployment(DATA, "base", &port("sql", 5432)),
        network_policy(APP, "deny", json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})),
        network_policy(DATA, "deny", json!({"podSelector": {}, "policyTypes": ["Ingress"]})),
        network_policy(
            APP,
            "front",
            json!({"podSelector": subject("front"), "policyTypes": ["Egress"], "egress": [
                {"to": [{"podSelector": subject("api")}], "ports": [{"port": "http"}]},
                {"to": [{"ipBlock": {"cidr": "203.0.113.0/24", "except": ["203.0.113.128/25"]}}], "ports": [{"port": 443}]},
            ]}),
        ),
        network_policy(
            APP,
            "api",
            json!({"podSelector": subject("api"), "policyTypes": ["Ingress", "Egress"],
                "ingress": [{"from": [{"podSelector": subject("front")}]}],
                "egress": [{"to": [{"namespaceSelector": {"matchLabels": {"role": "data"}}}]}],
            }),
        ),
        network_policy(
            DATA,
            "base",
            json!({"podSelector": subject("base"), "policyTypes": ["Ingress"],
                "ingress": [{"from": [from(APP, "api")], "ports": [{"port": "sql"}]}],
            }),
        ),
    ]
}

/// Connections between the workloads of this test, and with addresses.
fn ours(report: &Value) -> Vec<Value> {
    let here =
        |end: &Value| end["namespace"].as_str().is_none_or(|namespace| [APP, DATA].contains(&namespace));
    let all = report["connections"].as_array().into_iter().flatten();
    all.filter(|connection| here(&connection["from"]) && here(&connection["to"])).cloned().collect()
}

pub fn reach(cluster: &Cluster) -> Result<()> {
    let namespaces = [new_namespace(APP, json!({})), new_namespace(DATA, json!({"role": "data"}))];
    for namespace in &namespaces {
        cluster.platform.create(NAMESPACES, namespace.clone())?;
    }
    for object in manifests() {
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
        let path = match object["kind"].as_str() {
            Some("Deployment") => format!("/apis/apps/v1/namespaces/{namespace}/deployments"),
            _ => Kind::NetworkPolicy.all(namespace),
        };
        cluster.platform.create(path, object)?;
    }
    eventually("two pods of each Deployment", || {
        for (namespace, pods) in [(APP, 4), (DATA, 2)] {
            let found = cluster.admin.list(Kind::Pod.all(namespace))?.len();
            ensure!(found == pods, "{namespace}: {found}");
        }
        Ok(())
    })?;
    // No node runs them here: the address that a kubelet would report is set by hand.
    let name = cluster.admin.list(Kind::Pod.all(DATA))?[0]["metadata"]["name"].clone();
    let status = format!("{}/status", Kind::Pod.one(DATA, name.as_str().unwrap_or_default()));
    cluster
        .admin
        .merge(status, json!({"status": {"podIP": "203.0.113.200", "podIPs": [{"ip": "203.0.113.200"}]}}))?;

    let directory = tempfile::tempdir()?;
    let file = directory.path().join("all.json");
    let items: Vec<Value> = namespaces.into_iter().chain(manifests()).collect();
    fs::write(&file, json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string())?;
    let file = file.display().to_string();
    let offline = cluster.kubectl_snc(User::Mallory, &["reach", &file, "-o", "json"])?;
    ensure!(offline.success(), "{offline:?}");
    let offline: Value = serde_json::from_str(&offline.stdout)?;

    let live = |user, args: &[&str]| -> Result<Value> {
        let output = cluster.kubectl_snc(user, &[&["reach", "-o", "json"], args].concat())?;
        ensure!(output.code == Some(0) || output.code == Some(3), "{output:?}");
        Ok(serde_json::from_str(&output.stdout)?)
    };
    let seen = ours(&live(User::Platform, &[])?);
    let end =
        |namespace: &str, name: &str| json!({"namespace": namespace, "kind": "Deployment", "name": name});
    let only = json!({"protocol": "TCP", "port": 8081, "endPort": 8081});
    let expected = json!({"from": end(APP, "front"), "to": end(APP, "api"), "ports": [only]});
    ensure!(seen.contains(&expected), "{seen:#?}");
    let within = |all: &[Value]| -> Vec<Value> {
        all.iter().filter(|c| c["from"]["kind"].is_string() && c["to"]["kind"].is_string()).cloned().collect()
    };
    ensure!(within(&seen).len() == 2, "front -> api, api -> base, and nothing else: {seen:#?}");
    ensure!(seen == ours(&offline), "live {seen:#?}\noffline {offline:#}");

    // A change is told before it is made.
    let opened = directory.path().join("opened.json");
    let items: Vec<Value> = [new_namespace(APP, json!({})), new_namespace(DATA, json!({"role": "data"}))]
        .into_iter()
        .chain(manifests())
        .chain([{
            let mut policy = opening("ouvert");
            policy["metadata"]["namespace"] = json!(DATA);
            policy
        }])
        .collect();
    fs::write(&opened, json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string())?;
    let opened = opened.display().to_string();
    let diff = cluster.kubectl_snc(User::Mallory, &["reach", "--diff", &file, &opened, "-o", "json"])?;
    ensure!(diff.code == Some(1), "{diff:?}");
    let back = cluster.kubectl_snc(User::Mallory, &["reach", "--diff", &opened, &file])?;
    ensure!(back.code == Some(0), "{back:?}");

    // Who may not read everything gets no half of an answer.
    let refused = cluster.kubectl_snc(User::Mallory, &["reach"])?;
    ensure!(refused.code == Some(3) && refused.stdout.is_empty(), "{refused:?}");
    Ok(())
}
