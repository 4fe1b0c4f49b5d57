//! Where objects are, and the objects that tests create.

use serde_json::{Value, json};
use snc_core::names::AUDIT_LOG;

/// A kind that lives in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    ConfigMap,
    Event,
    Lease,
    LimitRange,
    NetworkPolicy,
    Pod,
    ResourceQuota,
    RoleBinding,
    ServiceAccount,
    SncAssessment,
    SncImageLedger,
    SncImageScan,
    SncPolicy,
    SncWaiverSet,
}

impl Kind {
    /// Kinds of which the operator makes objects.
    pub const MANAGED: [Self; 5] =
        [Self::ConfigMap, Self::LimitRange, Self::NetworkPolicy, Self::ResourceQuota, Self::RoleBinding];

    fn group(self) -> (&'static str, &'static str) {
        match self {
            Self::ConfigMap => ("/api/v1", "configmaps"),
            Self::Event => ("/apis/events.k8s.io/v1", "events"),
            Self::Lease => ("/apis/coordination.k8s.io/v1", "leases"),
            Self::LimitRange => ("/api/v1", "limitranges"),
            Self::NetworkPolicy => ("/apis/networking.k8s.io/v1", "networkpolicies"),
            Self::Pod => ("/api/v1", "pods"),
            Self::ResourceQuota => ("/api/v1", "resourcequotas"),
            Self::RoleBinding => ("/apis/rbac.authorization.k8s.io/v1", "rolebindings"),
            Self::ServiceAccount => ("/api/v1", "serviceaccounts"),
            Self::SncAssessment => ("/apis/secnumcloud.dev/v1alpha1", "sncassessments"),
            Self::SncImageLedger => ("/apis/secnumcloud.dev/v1alpha1", "sncimageledgers"),
            Self::SncImageScan => ("/apis/secnumcloud.dev/v1alpha1", "sncimagescans"),
            Self::SncPolicy => ("/apis/secnumcloud.dev/v1alpha1", "sncpolicies"),
            Self::SncWaiverSet => ("/apis/secnumcloud.dev/v1alpha1", "sncwaiversets"),
        }
    }

    pub fn all(self, namespace: &str) -> String {
        let (group, plural) = self.group();
        format!("{group}/namespaces/{namespace}/{plural}")
    }

    pub fn one(self, namespace: &str, name: &str) -> String {
        format!("{}/{name}", self.all(namespace))
    }
}

pub const NAMESPACES: &str = "/api/v1/namespaces";
pub const AUDIT_LOGS: &str = "/apis/secnumcloud.dev/v1alpha1/sncauditlogs";
pub const BASELINES: &str = "/apis/secnumcloud.dev/v1alpha1/sncbaselines";
pub const TENANTS: &str = "/apis/secnumcloud.dev/v1alpha1/snctenants";
pub const CLUSTER_ROLES: &str = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
pub const CLUSTER_ROLE_BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
pub const GUARDS: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
pub const GUARD_BINDINGS: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";
pub const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

pub fn at(collection: &str, name: &str) -> String {
    format!("{collection}/{name}")
}

/// As it was read, for writing it once more.
pub fn again(mut object: Value) -> Value {
    for field in ["resourceVersion", "uid", "managedFields", "creationTimestamp"] {
        object["metadata"][field] = Value::Null;
    }
    object
}

pub fn namespace(name: &str) -> String {
    at(NAMESPACES, name)
}

pub fn new_namespace(name: &str, labels: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
}

/// A pod that even the strictest Pod Security Standard lets in.
pub fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {
            "securityContext": {"runAsNonRoot": true, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "main", "image": "registry.invalid/never-pulled:0",
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
                "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "1m", "memory": "1Mi"}},
            }],
        },
    })
}

/// The label that puts a tenant under the floor of every test, a baseline with modes at `Enforce`, but for what
/// controls say of workloads: tests write pods that are good enough for what they show.
pub const FLOOR: &str = "floor";

pub fn floor() -> Value {
    baseline(
        FLOOR,
        json!({
            "tenantSelector": {"matchLabels": {FLOOR: "enforce"}},
            "modes": {"isolation": "Enforce", "podSecurity": "Enforce", "quota": "Enforce", "workloads": "Warn"},
        }),
    )
}

pub fn baseline(name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncBaseline",
        "metadata": {"name": name}, "spec": spec,
    })
}

/// Under the floor, at level `Standard` unless the spec says otherwise.
pub fn tenant(name: &str, spec: Value) -> Value {
    let mut tenant = json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncTenant",
        "metadata": {"name": name, "labels": {FLOOR: "enforce"}}, "spec": {"level": "Standard"},
    });
    merge(&mut tenant["spec"], spec);
    tenant
}

/// There is one, and this is its name.
pub fn audit_log(spec: Value) -> Value {
    json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncAuditLog",
        "metadata": {"name": AUDIT_LOG}, "spec": spec,
    })
}

pub fn policy(name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncPolicy",
        "metadata": {"name": name}, "spec": spec,
    })
}

/// A flow that nothing is wrong with: between pods of the namespace.
pub fn flow(name: &str, changes: Value) -> Value {
    let mut flow = json!({
        "name": name, "justification": "appel de l'API par le front", "direction": "Ingress",
        "peers": [{"pods": {}}], "ports": [{"port": 8443}],
    });
    merge(&mut flow, changes);
    flow
}

pub fn flows(flows: Vec<Value>) -> Value {
    json!({"network": {"flows": flows}})
}

/// A NetworkPolicy that opens its namespace to everything.
pub fn opening(name: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{}], "egress": [{}]},
    })
}

fn merge(into: &mut Value, changes: Value) {
    if let (Value::Object(into), Value::Object(changes)) = (into, changes) {
        into.extend(changes);
    }
}

pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

/// Resource versions of one API server are ordered numbers.
pub fn version(object: &Value) -> u64 {
    text(object, "/metadata/resourceVersion").parse().unwrap_or_default()
}

/// Says which object this is, and which version of it: equal means untouched.
pub fn stamp(object: &Value) -> String {
    format!("{} {}", uid(object), version(object))
}

pub fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object["metadata"]["labels"][key].as_str()
}

pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}
