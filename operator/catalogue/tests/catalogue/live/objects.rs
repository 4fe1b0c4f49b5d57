//! Objects to judge: those of every fixture, and such as others made.

use crate::support;
use serde_json::{Value, json};
use snc_catalogue::Object;
use snc_core::verdict::Subject;
use std::sync::LazyLock;

pub static OBJECTS: LazyLock<Vec<(Subject, Value)>> = LazyLock::new(|| {
    let fixtures =
        support::every().flat_map(|(_, fixture)| fixture.cases.into_iter().flat_map(|c| c.objects()));
    let all = fixtures.chain(made());
    all.map(|body| (Object::new(body.clone()).unwrap().subject, body)).collect()
});

/// Objects with owners that are there, are not, or go round; two templates, idle and not.
pub fn made() -> Vec<Value> {
    let mut all = Vec::new();
    for namespace in ["shop", "acme-1"] {
        for bad in [false, true] {
            all.push(deployment(namespace, "web", bad));
            all.push(cron(namespace, "night", bad));
            for name in ["web-1", "web-2"] {
                for replicas in [0, 2] {
                    all.push(set(namespace, name, bad, replicas, Some(("apps/v1", "Deployment", "web"))));
                }
            }
            all.push(set(namespace, "a", bad, 1, Some(("apps/v1", "ReplicaSet", "b"))));
            all.push(set(namespace, "b", bad, 0, Some(("apps/v1", "ReplicaSet", "a"))));
            all.push(set(namespace, "self", bad, 0, Some(("apps/v1", "ReplicaSet", "self"))));
            all.push(set(namespace, "rollout", bad, 0, Some(("argoproj.io/v1alpha1", "Rollout", "r"))));
            for done in [false, true] {
                all.push(job(namespace, "night-1", bad, done, Some(("batch/v1", "CronJob", "night"))));
            }
            for (pod, owner) in [
                ("web-1-x", Some(("apps/v1", "ReplicaSet", "web-1"))),
                ("web-1-y", Some(("apps/v1", "ReplicaSet", "web-1"))),
                ("a-x", Some(("apps/v1", "ReplicaSet", "a"))),
                ("night-1-x", Some(("batch/v1", "Job", "night-1"))),
                ("step-1", Some(("argoproj.io/v1alpha1", "Workflow", "w"))),
                ("step-2", Some(("argoproj.io/v1alpha1", "Workflow", "w"))),
                ("static", Some(("v1", "Node", "n"))),
                ("bare", None),
            ] {
                all.push(self::pod(namespace, pod, bad, owner));
            }
        }
    }
    all
}

pub type Owner<'a> = Option<(&'a str, &'a str, &'a str)>;

fn meta(namespace: &str, name: &str, owner: Owner<'_>) -> Value {
    let owners: Vec<Value> = owner
        .map(|(api, kind, name)| json!({"apiVersion": api, "kind": kind, "name": name, "controller": true}))
        .into_iter()
        .collect();
    json!({"name": name, "namespace": namespace, "ownerReferences": owners})
}

fn template(bad: bool) -> Value {
    json!({"metadata": {"labels": {"app": "web"}}, "spec": {"hostNetwork": bad, "containers": [
        {"name": "c", "image": "registry.test/c:1", "securityContext": {"privileged": bad}}]}})
}

pub fn pod(namespace: &str, name: &str, bad: bool, owner: Owner<'_>) -> Value {
    let mut pod = template(bad);
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"] = meta(namespace, name, owner);
    pod
}

pub fn deployment(namespace: &str, name: &str, bad: bool) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(namespace, name, None),
        "spec": {"replicas": 2, "template": template(bad)}})
}

pub fn set(namespace: &str, name: &str, bad: bool, replicas: i64, owner: Owner<'_>) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta(namespace, name, owner),
        "spec": {"replicas": replicas, "template": template(bad)}})
}

pub fn cron(namespace: &str, name: &str, bad: bool) -> Value {
    json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta(namespace, name, None),
        "spec": {"jobTemplate": {"spec": {"template": template(bad)}}}})
}

pub fn job(namespace: &str, name: &str, bad: bool, done: bool, owner: Owner<'_>) -> Value {
    let conditions = if done { json!([{"type": "Complete", "status": "True"}]) } else { json!([]) };
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta(namespace, name, owner),
        "spec": {"template": template(bad)}, "status": {"conditions": conditions}})
}
