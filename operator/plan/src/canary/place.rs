//! The namespace of the canary tenant, and what lies there for it to try its hand at.

use crate::settings::Settings;
use serde_json::{Value, json};
use snc_core::names::{
    CANARY, DEFAULT_DENY, LABEL_CANARY, LABEL_COMPONENT, LABEL_ENVIRONMENT, LABEL_FLOOR_IMAGES,
    LABEL_FLOOR_ISOLATION, LABEL_FLOOR_LEVEL, LABEL_FLOOR_POD_SECURITY, LABEL_FLOOR_QUOTA,
    LABEL_FLOOR_WORKLOADS, LABEL_IMAGES, LABEL_ISOLATION, LABEL_LEVEL, LABEL_MANAGED_BY, LABEL_POD_SECURITY,
    LABEL_SENSITIVITY, LABEL_TENANT, LABEL_WORKLOADS, MANAGED_BY,
};
use snc_core::tier::{Environment, Level, Mode, Sensitivity};
use std::collections::BTreeMap;

/// As if the strictest tenant owned it; of no `SncTenant`.
pub fn labels(settings: &Settings) -> BTreeMap<String, String> {
    let (level, mode) = (Level::Avance.as_str(), Mode::Enforce.as_str());
    let fixed = [
        (LABEL_LEVEL, level),
        (LABEL_ISOLATION, mode),
        (LABEL_POD_SECURITY, mode),
        (LABEL_WORKLOADS, mode),
        (LABEL_IMAGES, mode),
        (LABEL_FLOOR_LEVEL, level),
        (LABEL_FLOOR_ISOLATION, mode),
        (LABEL_FLOOR_POD_SECURITY, mode),
        (LABEL_FLOOR_QUOTA, mode),
        (LABEL_FLOOR_WORKLOADS, mode),
        (LABEL_FLOOR_IMAGES, mode),
    ];
    let mut labels: BTreeMap<String, String> =
        fixed.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    labels.insert(LABEL_CANARY.to_owned(), "true".to_owned());
    labels.insert(LABEL_TENANT.to_owned(), settings.tenant_canary());
    labels
}

/// Of the namespace where nothing is ever isolated, as of any that has a tenant. The chart sets them where it makes the
/// namespace; on one that is there nobody but the operator may.
pub fn classified() -> BTreeMap<String, String> {
    [
        (LABEL_ENVIRONMENT, Environment::Production.as_str()),
        (LABEL_SENSITIVITY, Sensitivity::Standard.as_str()),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// What stays there: what isolates, an object of ours, and a workload without a pod.
pub fn left_behind() -> [Value; 3] {
    let ours = |kind: &str, version: &str, name: &str, component: &str| {
        let labels = json!({LABEL_MANAGED_BY: MANAGED_BY, LABEL_COMPONENT: component});
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": labels}})
    };
    let mut deny = ours("NetworkPolicy", "networking.k8s.io/v1", DEFAULT_DENY, "isolation");
    deny["spec"] = json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]});
    let mut object = ours("ConfigMap", "v1", CANARY, "canary");
    object["data"] = json!({});
    [deny, object, deployment(CANARY, template(container("canary")))]
}

/// Nobody takes it away, so the pod is never scheduled.
pub(super) const GATE: &str = "secnumcloud.dev/never";

/// Is there while the canary tenant tries, and never starts.
pub fn pod() -> Value {
    let mut pod = alone(CANARY, container("canary"));
    pod["spec"]["schedulingGates"] = json!([{"name": GATE}]);
    pod
}

pub(super) fn container(name: &str) -> Value {
    json!({
        "name": name,
        "image": "canary.invalid/never-pulled@sha256:0000000000000000000000000000000000000000000000000000000000000000",
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "privileged": false,
            "runAsNonRoot": true, "capabilities": {"drop": ["ALL"]},
        },
        "resources": {
            "requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "1m", "memory": "1Mi"},
        },
    })
}

pub(super) fn privileged(name: &str) -> Value {
    let mut container = container(name);
    container["securityContext"] = json!({"privileged": true, "allowPrivilegeEscalation": true});
    container
}

fn spec(containers: Value) -> Value {
    json!({
        "automountServiceAccountToken": false,
        "serviceAccountName": CANARY,
        "securityContext": {
            "runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": containers,
    })
}

pub(super) fn template(container: Value) -> Value {
    json!({"metadata": {"labels": {"app": CANARY}}, "spec": spec(json!([container]))})
}

pub(super) fn alone(name: &str, container: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": CANARY}}, "spec": spec(json!([container])),
    })
}

pub(super) fn deployment(name: &str, template: Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": CANARY}}, "template": template},
    })
}
