//! The requests themselves.

use super::place::{GATE, alone, container, deployment, left_behind, privileged, template};
use super::{Attempt, Expected, Verb};
use crate::settings::Settings;
use serde_json::{Value, json};
use snc_core::names::{
    ASSESSMENT, CANARY, GROUP, GUARD_BINDING, GUARD_CANARY, GUARD_GATE, GUARD_MANAGED, GUARD_NAMESPACE,
    GUARD_RATCHET, GUARD_STATUS, LABEL_ISOLATED, LABEL_MANAGED_BY, LABEL_TENANT, LABEL_WORKLOADS, MANAGER,
};

const POD_SECURITY_OF_PODS: &str = "pods-pod-security-enforce.secnumcloud.dev";
const WORKLOADS_OF_PODS: &str = "pods-workloads-enforce.secnumcloud.dev";

fn refused(by: &[&str]) -> Expected {
    Expected::RefusedBy(by.iter().map(|name| (*name).to_owned()).collect())
}

struct Corpus {
    namespace: String,
    all: Vec<Attempt>,
}

impl Corpus {
    fn add(&mut self, id: impl Into<String>, verb: Verb, path: String, body: Value, expected: Expected) {
        self.all.push(Attempt { id: id.into(), verb, path, body, expected, beyond: None });
    }

    /// One that comes to nothing once admission let it pass, and what is said then.
    fn add_vain(&mut self, id: &str, verb: Verb, path: String, body: Value, by: &str, beyond: &'static str) {
        let expected = refused(&[by]);
        self.all.push(Attempt { id: id.to_owned(), verb, path, body, expected, beyond: Some(beyond) });
    }

    fn core(&self, rest: &str) -> String {
        format!("/api/v1/namespaces/{}/{rest}", self.namespace)
    }

    fn group(&self, group: &str, rest: &str) -> String {
        format!("/apis/{group}/namespaces/{}/{rest}", self.namespace)
    }
}

/// Whole objects of the kinds that hold a pod, with where they are created.
fn workloads(corpus: &Corpus, container: Value) -> Vec<(&'static str, String, Value)> {
    let template = template(container);
    let kind = |version: &str, kind: &str, spec: Value| json!({"apiVersion": version, "kind": kind, "metadata": {"name": "snc-canary-new"}, "spec": spec});
    let labels = json!({"matchLabels": {"app": CANARY}});
    let mut once = template.clone();
    once["spec"]["restartPolicy"] = json!("Never");
    let set = |version: &str, name: &str| {
        kind(version, name, json!({"selector": labels, "serviceName": "canary", "template": template}))
    };
    let without_service =
        |name: &str| kind("apps/v1", name, json!({"selector": labels, "template": template}));
    let controller = kind(
        "v1",
        "ReplicationController",
        json!({"replicas": 0, "selector": {"app": CANARY}, "template": template}),
    );
    let mut pod_template = kind("v1", "PodTemplate", Value::Null);
    pod_template["template"] = template.clone();
    if let Some(object) = pod_template.as_object_mut() {
        object.remove("spec");
    }
    let cron = json!({"schedule": "0 0 1 1 *", "suspend": true, "jobTemplate": {"spec": {"template": once}}});
    vec![
        (
            "deployment",
            corpus.group("apps/v1", "deployments"),
            deployment("snc-canary-new", template.clone()),
        ),
        ("statefulset", corpus.group("apps/v1", "statefulsets"), set("apps/v1", "StatefulSet")),
        ("daemonset", corpus.group("apps/v1", "daemonsets"), without_service("DaemonSet")),
        ("replicaset", corpus.group("apps/v1", "replicasets"), without_service("ReplicaSet")),
        (
            "job",
            corpus.group("batch/v1", "jobs"),
            kind("batch/v1", "Job", json!({"suspend": true, "template": once})),
        ),
        ("cronjob", corpus.group("batch/v1", "cronjobs"), kind("batch/v1", "CronJob", cron)),
        ("replicationcontroller", corpus.core("replicationcontrollers"), controller),
        ("podtemplate", corpus.core("podtemplates"), pod_template),
    ]
}

fn pods(corpus: &mut Corpus) {
    let by = || refused(&[POD_SECURITY_OF_PODS, WORKLOADS_OF_PODS]);
    let path = corpus.core("pods");
    corpus.add("pod", Verb::Create, path.clone(), alone("snc-canary-new", privileged("main")), by());
    let mut unnamed = alone("", privileged("main"));
    unnamed["metadata"] = json!({"generateName": "snc-canary-"});
    corpus.add("pod-generate-name", Verb::Create, path.clone(), unnamed, by());
    let mut init = alone("snc-canary-new", container("main"));
    init["spec"]["initContainers"] = json!([privileged("init")]);
    corpus.add("pod-init-container", Verb::Create, path.clone(), init, by());
    let mut sidecar = alone("snc-canary-new", container("main"));
    let mut restarted = privileged("sidecar");
    restarted["restartPolicy"] = json!("Always");
    sidecar["spec"]["initContainers"] = json!([restarted]);
    corpus.add("pod-sidecar", Verb::Create, path.clone(), sidecar, by());
    let mut host = alone("snc-canary-new", container("main"));
    host["spec"]["hostPID"] = json!(true);
    corpus.add("pod-host-pid", Verb::Create, path.clone(), host, by());
    // A tenant that claims to be made by a controller is still a tenant.
    let mut owned = alone("snc-canary-new", privileged("main"));
    owned["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": CANARY, "controller": true,
        "uid": "00000000-0000-4000-8000-000000000000",
    }]);
    corpus.add("pod-forged-owner", Verb::Create, path.clone(), owned, by());
    let one = corpus.core(&format!("pods/{CANARY}/ephemeralcontainers"));
    let mut debug = privileged("debug");
    if let Some(object) = debug.as_object_mut() {
        object.remove("resources");
    }
    let added = json!({"spec": {"ephemeralContainers": [debug]}});
    corpus.add("pod-ephemeral-container", Verb::StrategicPatch, one.clone(), added, by());
    let appended = json!([{"op": "add", "path": "/spec/ephemeralContainers", "value": [debug]}]);
    corpus.add("pod-ephemeral-container-json-patch", Verb::JsonPatch, one, appended, by());
    corpus.add(
        "pod-harmless",
        Verb::Create,
        path,
        alone("snc-canary-new", container("main")),
        Expected::Accepted,
    );
    for (kind, path, body) in workloads(corpus, privileged("main")) {
        corpus.add(kind, Verb::Create, path, body, by());
    }
    for (kind, path, body) in workloads(corpus, container("main")) {
        corpus.add(format!("{kind}-harmless"), Verb::Create, path, body, Expected::Accepted);
    }
}

/// One workload that is there, made worse in every way that it can be written.
fn updates(corpus: &mut Corpus) {
    let by = || refused(&[POD_SECURITY_OF_PODS, WORKLOADS_OF_PODS]);
    let path = corpus.group("apps/v1", &format!("deployments/{CANARY}"));
    let worse = json!({"spec": {"template": {"spec": {"containers": [privileged("canary")]}}}});
    corpus.add("update-merge-patch", Verb::MergePatch, path.clone(), worse.clone(), by());
    corpus.add("update-strategic-patch", Verb::StrategicPatch, path.clone(), worse, by());
    let one = "/spec/template/spec/containers/0/securityContext";
    let operation = json!([{"op": "replace", "path": one, "value": {"privileged": true}}]);
    corpus.add("update-json-patch", Verb::JsonPatch, path.clone(), operation, by());
    let mut part = deployment(CANARY, template(privileged("canary")));
    if let Some(spec) = part["spec"].as_object_mut() {
        spec.remove("replicas");
    }
    corpus.add("update-apply", Verb::Apply, path.clone(), part, by());
    let whole = deployment(CANARY, template(privileged("canary")));
    corpus.add("update-replace", Verb::Replace, path.clone(), whole, by());
    let scale = json!({"spec": {"replicas": 0}, "metadata": {"annotations": {"canary": "1"}}});
    corpus.add("update-harmless", Verb::MergePatch, path.clone(), scale, Expected::Accepted);
    let scaled = json!({"spec": {"replicas": 0}});
    corpus.add("scale-harmless", Verb::MergePatch, format!("{path}/scale"), scaled, Expected::Accepted);
}

fn namespace(corpus: &mut Corpus) {
    let by = || refused(&[GUARD_NAMESPACE]);
    let path = format!("/api/v1/namespaces/{}", corpus.namespace);
    let labels = [
        ("tenant-removed", LABEL_TENANT, None),
        ("tenant-moved", LABEL_TENANT, Some("another")),
        ("isolated-removed", LABEL_ISOLATED, None),
        ("mode-weakened", LABEL_WORKLOADS, Some("Audit")),
    ];
    for (what, key, value) in labels {
        let written = json!({"metadata": {"labels": {key: value}}});
        let at = format!("/metadata/labels/{}", key.replace('/', "~1"));
        let operation = match value {
            Some(value) => json!([{"op": "replace", "path": at, "value": value}]),
            None => json!([{"op": "remove", "path": at}]),
        };
        for (through, path) in [("", path.clone()), ("-status", format!("{path}/status"))] {
            let id = |how: &str| format!("namespace{through}-{what}-{how}");
            corpus.add(id("merge-patch"), Verb::MergePatch, path.clone(), written.clone(), by());
            corpus.add(id("strategic-patch"), Verb::StrategicPatch, path.clone(), written.clone(), by());
            corpus.add(id("json-patch"), Verb::JsonPatch, path, operation.clone(), by());
        }
    }
    let bare = |labels: Value| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": corpus.namespace, "labels": labels}});
    let (stripped, moved) = (bare(json!({})), bare(json!({LABEL_TENANT: "another"})));
    let mut finalized = bare(json!({}));
    finalized["spec"] = json!({"finalizers": []});
    corpus.add("namespace-replace", Verb::Replace, path.clone(), stripped, by());
    corpus.add("namespace-apply", Verb::Apply, path.clone(), moved, by());
    corpus.add("namespace-finalize", Verb::Replace, format!("{path}/finalize"), finalized, by());
    let note = json!({"metadata": {"annotations": {"canary": "1"}}});
    corpus.add("namespace-harmless", Verb::MergePatch, path, note, Expected::Accepted);
}

fn managed(corpus: &mut Corpus) {
    let by = || refused(&[GUARD_MANAGED]);
    let all = corpus.core("configmaps");
    let path = format!("{all}/{CANARY}");
    let [_, ours, _] = left_behind();
    let unlabelled = json!({"metadata": {"labels": {LABEL_MANAGED_BY: null}}});
    let mut bare = ours.clone();
    bare["metadata"]["labels"] = json!({});
    let mut forged = ours.clone();
    forged["metadata"]["name"] = json!("snc-canary-new");
    corpus.add("managed-delete", Verb::Delete, path.clone(), Value::Null, by());
    corpus.add("managed-delete-all", Verb::Delete, all.clone(), Value::Null, by());
    corpus.add("managed-merge-patch", Verb::MergePatch, path.clone(), unlabelled.clone(), by());
    corpus.add("managed-strategic-patch", Verb::StrategicPatch, path.clone(), unlabelled, by());
    let operation = json!([{"op": "remove", "path": "/metadata/labels"}]);
    corpus.add("managed-json-patch", Verb::JsonPatch, path.clone(), operation, by());
    corpus.add("managed-replace", Verb::Replace, path.clone(), bare.clone(), by());
    let finalizer = json!({"metadata": {"finalizers": ["example.org/hold"]}});
    corpus.add("managed-finalizer", Verb::MergePatch, path.clone(), finalizer, by());
    // A field manager is whatever the client says it is.
    corpus.add("managed-apply", Verb::Apply, format!("{path}?fieldManager={MANAGER}"), bare, by());
    corpus.add("managed-forged", Verb::Create, all.clone(), forged, by());
    let own = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "snc-canary-new"}});
    corpus.add("configmap-harmless", Verb::Create, all, own, Expected::Accepted);
}

fn declared(corpus: &mut Corpus) {
    let version = format!("{GROUP}/v1alpha1");
    let policies = corpus.group(&version, "sncpolicies");
    let policy = |modes: Value| {
        json!({
            "apiVersion": version, "kind": "SncPolicy", "metadata": {"name": "snc-canary-new"},
            "spec": {"modes": modes},
        })
    };
    for (id, modes) in [
        ("policy-weaker-isolation", json!({"isolation": "Audit"})),
        ("policy-weaker-workloads", json!({"workloads": "Warn"})),
        ("policy-weaker-pod-security", json!({"podSecurity": "Audit"})),
    ] {
        corpus.add(id, Verb::Create, policies.clone(), policy(modes), refused(&[GUARD_RATCHET]));
    }
    let strict = policy(json!({"isolation": "Enforce"}));
    corpus.add("policy-harmless", Verb::Create, policies, strict, Expected::Accepted);
    let assessments = corpus.group(&version, "sncassessments");
    let forged = json!({
        "apiVersion": version, "kind": "SncAssessment", "metadata": {"name": ASSESSMENT},
        "spec": {"scope": "Tenant", "tenant": corpus.namespace},
    });
    let by = refused(&[GUARD_STATUS, GUARD_MANAGED]);
    corpus.add("assessment-forged", Verb::Create, assessments, forged, by);
}

/// What is done to a pod that is there, and never starts.
fn entered(corpus: &mut Corpus) {
    const NOWHERE: &str = "does not have a host assigned";
    const GATED: &str = "non-empty .spec.schedulingGates";
    let pods = corpus.core("pods");
    let path = format!("{pods}/{CANARY}");
    for (id, rest) in [
        ("pod-exec", "exec?command=true&stdout=true"),
        ("pod-attach", "attach?stdout=true"),
        ("pod-portforward", "portforward?ports=80"),
    ] {
        corpus.add_vain(id, Verb::Connect, format!("{path}/{rest}"), Value::Null, GUARD_CANARY, NOWHERE);
    }
    let proxied = format!("{path}/proxy");
    corpus.add_vain("pod-proxy", Verb::Connect, proxied, Value::Null, GUARD_CANARY, "address not allowed");
    let by = || refused(&[GUARD_CANARY]);
    let evicted = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": CANARY}});
    corpus.add("pod-eviction", Verb::Create, format!("{path}/eviction"), evicted, by());
    corpus.add("pod-delete", Verb::Delete, path.clone(), Value::Null, by());
    corpus.add("pod-delete-all", Verb::Delete, pods.clone(), Value::Null, by());
    let started = json!({"spec": {"schedulingGates": null}});
    corpus.add("pod-start", Verb::MergePatch, path.clone(), started, by());
    corpus.add(
        "pod-start-strategic-patch",
        Verb::StrategicPatch,
        path.clone(),
        json!({"spec": {"schedulingGates": [
            {"name": GATE, "$patch": "delete"},
        ]}}),
        by(),
    );
    let operation = json!([{"op": "remove", "path": "/spec/schedulingGates"}]);
    corpus.add("pod-start-json-patch", Verb::JsonPatch, path.clone(), operation, by());

    // The node of a pod is the scheduler's to choose.
    let node = json!({"apiVersion": "v1", "kind": "Node", "name": "snc-canary-nowhere"});
    let bound = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": CANARY}, "target": node});
    let binding = format!("{path}/binding");
    corpus.add_vain("pod-binding", Verb::Create, binding, bound.clone(), GUARD_BINDING, GATED);
    let bindings = corpus.core("bindings");
    corpus.add_vain("pod-binding-former", Verb::Create, bindings, bound, GUARD_BINDING, GATED);
    let mut placed = alone("snc-canary-new", container("main"));
    placed["spec"]["nodeName"] = json!("snc-canary-nowhere");
    corpus.add("pod-node-name", Verb::Create, pods, placed, refused(&[GUARD_BINDING]));
}

/// What policies of the API server let pass: a control that is not critical, and rights for accounts of other tenants.
fn asked(corpus: &mut Corpus) {
    let by = |control: &str| Expected::RefusedByWebhook(control.to_owned());
    let mut unlimited = alone("snc-canary-new", container("main"));
    if let Some(limits) = unlimited["spec"]["containers"][0]["resources"]["limits"].as_object_mut() {
        limits.remove("memory");
    }
    let pods = corpus.core("pods");
    corpus.add("webhook-pod", Verb::Create, pods, unlimited, by("container-memory-limit"));
    let bindings = corpus.group("rbac.authorization.k8s.io/v1", "rolebindings");
    let binding = |subject: Value| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "snc-canary-new"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": CANARY},
            "subjects": [subject],
        })
    };
    let group = |name: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": name});
    let everybody = binding(group("system:authenticated"));
    corpus.add("webhook-rights-for-all", Verb::Create, bindings.clone(), everybody, by("rbac-cross-tenant"));
    let own = binding(json!({"kind": "ServiceAccount", "name": CANARY, "namespace": corpus.namespace}));
    corpus.add("rolebinding-harmless", Verb::Create, bindings, own, Expected::Accepted);
}

/// All of them. Paths and bodies differ between clusters by the name of the canary's namespace alone.
///
/// `webhook`: whether the API server is meant to ask it. What only the webhook refuses is tried then.
pub fn attempts(settings: &Settings, webhook: bool) -> Vec<Attempt> {
    let mut corpus = Corpus { namespace: settings.tenant_canary(), all: Vec::new() };
    pods(&mut corpus);
    updates(&mut corpus);
    namespace(&mut corpus);
    managed(&mut corpus);
    declared(&mut corpus);
    entered(&mut corpus);
    if webhook {
        asked(&mut corpus);
    }
    // Where nothing was ever isolated.
    let path = format!("/api/v1/namespaces/{}/pods", settings.canary_namespace);
    let mut pod = alone("snc-canary-new", container("main"));
    pod["spec"]["serviceAccountName"] = json!("default");
    corpus.add("pod-not-isolated", Verb::Create, path, pod, refused(&[GUARD_GATE]));
    corpus.all
}
