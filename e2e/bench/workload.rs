//! Pods as a cluster gives them: many of few templates, each with what is its own.

use rand::distr::{Alphanumeric, SampleString};
use serde_json::{Value, json};

pub const TEAMS: usize = 100;

pub fn namespace(template: usize) -> String {
    format!("team-{}", template % TEAMS)
}

fn container(template: usize, index: usize) -> Value {
    let probe = |path: &str| {
        json!({
            "failureThreshold": 3, "httpGet": {"path": path, "port": "http", "scheme": "HTTP"},
            "periodSeconds": 10, "successThreshold": 1, "timeoutSeconds": 1,
        })
    };
    let env: Value = (0..8)
        .map(|n| json!({"name": format!("VARIABLE_{n}"), "value": format!("{n} of {template}")}))
        .collect();
    json!({
        "name": format!("app-{index}"),
        "image": format!("registry.example/team-{}/app-{template}:1.0.{index}@sha256:{template:064x}", template % TEAMS),
        "imagePullPolicy": "IfNotPresent",
        "command": ["/usr/local/bin/app", "--config", "/etc/app/config.yaml", "--listen=:8080"],
        "env": env,
        "ports": [{"name": "http", "containerPort": 8080 + index, "protocol": "TCP"}],
        "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
        "livenessProbe": probe("/healthz"), "readinessProbe": probe("/ready"),
        "securityContext": {
            "allowPrivilegeEscalation": template.is_multiple_of(7), "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": template.is_multiple_of(3), "runAsNonRoot": true,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
        "volumeMounts": [{"mountPath": "/etc/app", "name": "config", "readOnly": true}],
    })
}

fn labels(template: usize) -> Value {
    json!({
        "app.kubernetes.io/name": format!("app-{template}"), "app.kubernetes.io/version": "1.0",
        "app.kubernetes.io/part-of": namespace(template),
    })
}

fn with_hash(template: usize) -> Value {
    let mut labels = labels(template);
    labels["pod-template-hash"] = json!(hash(template));
    labels
}

fn hash(template: usize) -> String {
    format!("{template:08x}ff")
}

fn spec(template: usize) -> Value {
    json!({
        "containers": [container(template, 0), container(template, 1)],
        "dnsPolicy": "ClusterFirst", "enableServiceLinks": true, "restartPolicy": "Always",
        "schedulerName": "default-scheduler", "securityContext": {"runAsUser": 1000, "fsGroup": 1000},
        "terminationGracePeriodSeconds": 30,
        "volumes": [{"name": "config", "configMap": {"name": format!("config-{template}"), "defaultMode": 420}}],
    })
}

fn owned_by(version: &str, kind: &str, name: &str) -> Value {
    json!([{"apiVersion": version, "kind": kind, "name": name, "uid": name, "controller": true, "blockOwnerDeletion": true}])
}

/// The deployment and its replica set.
pub fn workload(template: usize) -> [Value; 2] {
    let (name, hash, namespace) = (format!("app-{template}"), hash(template), namespace(template));
    let made = |kind: &str, name: &str, labels: Value| {
        json!({
            "apiVersion": "apps/v1", "kind": kind,
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "spec": {
                "replicas": 50, "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": spec(template)},
            },
        })
    };
    let mut set = made("ReplicaSet", &format!("{name}-{hash}"), with_hash(template));
    set["metadata"]["ownerReferences"] = owned_by("apps/v1", "Deployment", &name);
    [made("Deployment", &name, labels(template)), set]
}

/// One of its pods, as admission, the scheduler and the kubelet leave it.
pub fn pod(template: usize, number: usize) -> Value {
    let random = Alphanumeric.sample_string(&mut rand::rng(), 5).to_lowercase();
    let (token, at) = (format!("kube-api-access-{random}"), "2026-01-01T00:00:00Z");
    let tolerated = |key: &str| json!({"effect": "NoExecute", "key": key, "operator": "Exists", "tolerationSeconds": 300});
    let mut spec = spec(template);
    spec["nodeName"] = json!(format!("node-{}", number % 300));
    spec["serviceAccountName"] = json!("default");
    spec["tolerations"] =
        json!([tolerated("node.kubernetes.io/not-ready"), tolerated("node.kubernetes.io/unreachable")]);
    for container in spec["containers"].as_array_mut().into_iter().flatten() {
        if let Some(mounts) = container["volumeMounts"].as_array_mut() {
            let at = "/var/run/secrets/kubernetes.io/serviceaccount";
            mounts.push(json!({"mountPath": at, "name": token, "readOnly": true}));
        }
    }
    if let Some(volumes) = spec["volumes"].as_array_mut() {
        let field = json!({"apiVersion": "v1", "fieldPath": "metadata.namespace"});
        volumes.push(json!({"name": token, "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt"}},
            {"downwardAPI": {"items": [{"fieldRef": field, "path": "namespace"}]}},
        ]}}));
    }
    let conditions: Value = ["Initialized", "Ready", "ContainersReady", "PodScheduled"]
        .iter()
        .map(|kind| json!({"type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": at}))
        .collect();
    let statuses: Value = (0..2)
        .map(|index| {
            json!({
                "name": format!("app-{index}"), "containerID": format!("containerd://{number:064x}"), "ready": true,
                "started": true, "restartCount": 0, "lastState": {}, "state": {"running": {"startedAt": at}},
            })
        })
        .collect();
    let set = format!("app-{template}-{}", hash(template));
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": format!("{set}-{number}"), "generateName": format!("{set}-"), "namespace": namespace(template),
            "uid": format!("{number:032x}"), "resourceVersion": number.to_string(), "creationTimestamp": at,
            "labels": with_hash(template), "ownerReferences": owned_by("apps/v1", "ReplicaSet", &set),
        },
        "spec": spec,
        "status": {
            "phase": "Running", "qosClass": "Burstable", "hostIP": "192.0.2.1", "startTime": at,
            "podIP": format!("10.{}.{}.{}", number >> 16, number >> 8 & 255, number & 255),
            "conditions": conditions, "containerStatuses": statuses,
        },
    })
}
