//! What is asked for.

use serde_json::{Value, json};

/// As every control would have it.
pub fn good() -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bench", "labels": {"app": "bench"}},
        "spec": {
            "automountServiceAccountToken": false, "serviceAccountName": "web", "hostUsers": false,
            "securityContext": {"runAsNonRoot": true, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "main", "imagePullPolicy": "Always",
                "image": format!("registry.invalid/bench@sha256:{}", "0".repeat(64)),
                "resources": {"requests": {"cpu": "1m", "memory": "1Mi", "ephemeral-storage": "1Mi"},
                    "limits": {"cpu": "1m", "memory": "1Mi", "ephemeral-storage": "1Mi"}},
                "readinessProbe": {"tcpSocket": {"port": 80}},
                "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                    "capabilities": {"drop": ["ALL"]}}}]}})
}

/// Wrong in what nothing but a control looks at.
pub fn bad() -> Value {
    let mut pod = good();
    let container = &mut pod["spec"]["containers"][0];
    container["image"] = json!("elsewhere.invalid/bench:latest");
    container["securityContext"]["readOnlyRootFilesystem"] = json!(false);
    pod
}
