//! The two pods: of the operator's own image, without any right and any token.

use super::PORTS;
use serde_json::{Value, json};
use snc_core::names::{LABEL_COMPONENT, LABEL_MANAGED_BY, PROBE_COMPONENT, PROBED_BY};
use std::net::IpAddr;

pub const SERVER: &str = "snc-probe-server";
pub const CLIENT: &str = "snc-probe-client";
/// Whatever happens to the one who looks, the pods end by themselves.
const LIVES: u32 = 600;

/// What the chart was told of images.
#[derive(Debug, Clone)]
pub struct Image {
    pub name: String,
    pub pull_policy: String,
    pub pull_secrets: Vec<String>,
}

pub fn server(image: &Image) -> Value {
    let mut pod = pod(SERVER, image, &["probe", "serve"]);
    let ports = PORTS
        .iter()
        .flat_map(|port| ["TCP", "UDP"].map(|protocol| json!({"containerPort": port, "protocol": protocol})));
    pod["spec"]["containers"][0]["ports"] = ports.collect();
    pod
}

/// Elsewhere, where there is another node.
pub fn client(image: &Image, addresses: &[IpAddr]) -> Value {
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let mut pod = pod(CLIENT, image, &["probe", "ask", &addresses.join(",")]);
    pod["spec"]["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"] = json!([{
        "weight": 100,
        "podAffinityTerm": {
            "topologyKey": "kubernetes.io/hostname",
            "namespaceSelector": {},
            "labelSelector": {"matchLabels": {LABEL_COMPONENT: PROBE_COMPONENT}},
        },
    }]);
    pod
}

fn pod(name: &str, image: &Image, args: &[&str]) -> Value {
    let secrets: Vec<Value> = image.pull_secrets.iter().map(|name| json!({"name": name})).collect();
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {LABEL_MANAGED_BY: PROBED_BY, LABEL_COMPONENT: PROBE_COMPONENT, "app.kubernetes.io/name": name},
        },
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": LIVES,
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "imagePullSecrets": secrets,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [{
                "name": "probe",
                "image": image.name,
                "imagePullPolicy": image.pull_policy,
                "args": args,
                "resources": {
                    "requests": {"cpu": "10m", "memory": "16Mi", "ephemeral-storage": "16Mi"},
                    "limits": {"cpu": "200m", "memory": "32Mi", "ephemeral-storage": "16Mi"},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                    "capabilities": {"drop": ["ALL"]},
                },
            }],
        },
    })
}
