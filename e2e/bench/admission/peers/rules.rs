//! Ten rules on pods, in the CEL that each engine takes, and how each is broken.

use serde_json::{Value, json};

pub struct Rule {
    pub name: &'static str,
    /// Over `object`; `CONTAINERS` stands for all of them.
    cel: &'static str,
    pub breaks: fn(&mut Value),
}

impl Rule {
    pub fn cel(&self) -> String {
        self.cel.replace("CONTAINERS", CONTAINERS)
    }
}

const CONTAINERS: &str = "(object.spec.containers + object.spec.?initContainers.orValue([]) + object.spec.?ephemeralContainers.orValue([]))";

pub const TEN: &[Rule] = &[
    Rule {
        name: "privileged",
        cel: "CONTAINERS.all(c, !c.?securityContext.privileged.orValue(false))",
        breaks: |pod| {
            let context = &mut pod["spec"]["containers"][0]["securityContext"];
            context["privileged"] = json!(true);
            // The API server takes no privileged container that may not escalate.
            context["allowPrivilegeEscalation"] = json!(true);
        },
    },
    Rule {
        name: "hostpath",
        cel: "object.spec.?volumes.orValue([]).all(v, !has(v.hostPath))",
        breaks: |pod| pod["spec"]["volumes"] = json!([{"name": "host", "hostPath": {"path": "/var/log"}}]),
    },
    Rule {
        name: "hostns",
        cel: "!object.spec.?hostNetwork.orValue(false) && !object.spec.?hostPID.orValue(false) && !object.spec.?hostIPC.orValue(false)",
        breaks: |pod| {
            pod["spec"]["hostPID"] = json!(true);
            pod["spec"]["hostUsers"] = json!(true);
        },
    },
    Rule {
        name: "nonroot",
        cel: "object.spec.?securityContext.runAsNonRoot.orValue(false) ? CONTAINERS.all(c, c.?securityContext.runAsNonRoot.orValue(true)) : CONTAINERS.all(c, c.?securityContext.runAsNonRoot.orValue(false))",
        breaks: |pod| pod["spec"]["securityContext"]["runAsNonRoot"] = json!(false),
    },
    Rule {
        name: "dropall",
        cel: "CONTAINERS.all(c, 'ALL' in c.?securityContext.capabilities.drop.orValue([]))",
        breaks: |pod| pod["spec"]["containers"][0]["securityContext"]["capabilities"] = json!({}),
    },
    Rule {
        name: "digest",
        cel: "CONTAINERS.all(c, c.image.contains('@sha256:'))",
        breaks: |pod| pod["spec"]["containers"][0]["image"] = json!("registry.invalid/bench:1.2"),
    },
    Rule {
        name: "registry",
        cel: "CONTAINERS.all(c, c.image.startsWith('registry.invalid/') || c.image.startsWith('mirror.invalid/bench/'))",
        breaks: |pod| {
            pod["spec"]["containers"][0]["image"] =
                json!(format!("elsewhere.invalid/bench@sha256:{}", "0".repeat(64)));
        },
    },
    Rule {
        name: "limits",
        cel: "CONTAINERS.all(c, has(c.resources) && has(c.resources.limits) && 'cpu' in c.resources.limits && 'memory' in c.resources.limits)",
        breaks: |pod| pod["spec"]["containers"][0]["resources"] = json!({}),
    },
    Rule {
        name: "latest",
        cel: "CONTAINERS.all(c, !c.image.endsWith(':latest') && !c.image.contains(':latest@'))",
        breaks: |pod| {
            pod["spec"]["containers"][0]["image"] =
                json!(format!("registry.invalid/bench:latest@sha256:{}", "0".repeat(64)));
        },
    },
    Rule {
        name: "automount",
        cel: "object.spec.?automountServiceAccountToken.orValue(true) == false",
        breaks: |pod| pod["spec"]["automountServiceAccountToken"] = json!(true),
    },
];

/// What breaks them all.
pub fn worst(pod: &Value) -> Value {
    let mut pod = pod.clone();
    for rule in TEN {
        (rule.breaks)(&mut pod);
    }
    pod["spec"]["containers"][0]["image"] = json!("elsewhere.invalid/bench:latest");
    pod
}
