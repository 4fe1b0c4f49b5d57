//! How much is held. `cargo test --profile ci -p snc-catalogue --test catalogue size -- --ignored --nocapture`

use super::afresh::{CATALOGUE, now};
use super::same::KINDS;
use serde_json::{Value, json};
use snc_catalogue::{Governed, Live, Object, Profile, Tenancy};
use snc_core::snapshot::Availability;
use snc_core::tier::Level;
use std::sync::Arc;
use std::time::Instant;

/// In bytes, as the kernel counts it; what was freed may still be there.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

const NAMESPACES: usize = 200;
const TEMPLATES: usize = 10;
const PODS: usize = 50;

fn template(at: usize) -> Value {
    json!({"metadata": {"labels": {"app": format!("app-{at}")}}, "spec": {"serviceAccountName": "default",
        "containers": [{"name": format!("c-{at}"), "image": format!("registry.test/app-{at}:1")},
            {"name": "proxy", "image": "registry.test/proxy:1", "resources": {"limits": {"memory": "1Gi"}}}]}})
}

fn objects(namespace: usize) -> Vec<Value> {
    let name = format!("namespace-{namespace}");
    let mut all = vec![json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})];
    for at in 0..TEMPLATES {
        let template = template(namespace * TEMPLATES + at);
        let meta = |own: &str, kind: &str, owner: &str| {
            json!({"name": own, "namespace": name, "labels": {"app": format!("app-{at}")}, "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": kind, "name": owner, "controller": true, "uid": "x"}]})
        };
        let app = format!("application-{at}");
        let set = format!("{app}-6d4cf56db6");
        all.push(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": app,
            "namespace": name}, "spec": {"replicas": PODS, "template": template}}));
        all.push(
            json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta(&set, "Deployment", &app),
            "spec": {"replicas": PODS, "template": template}}),
        );
        for pod in 0..PODS {
            let mut body = template.clone();
            body["apiVersion"] = json!("v1");
            body["kind"] = json!("Pod");
            body["metadata"] = meta(&format!("{set}-{pod:05}"), "ReplicaSet", &set);
            body["spec"]["nodeName"] = json!(format!("node-{}", pod % 40));
            all.push(body);
        }
    }
    all
}

#[test]
#[ignore = "a figure, not a check"]
fn a_hundred_thousand_pods_of_two_thousand_templates() {
    let mut live = Live::new(CATALOGUE.clone());
    let mut tenancy = Tenancy::new(Profile::new(Level::Avance));
    let profile = Arc::new(Profile::new(Level::Avance));
    for namespace in 0..NAMESPACES {
        let governed = Governed { tenant: format!("tenant-{}", namespace % 20), profile: profile.clone() };
        tenancy.governed.insert(format!("namespace-{namespace}"), governed);
    }
    live.govern(tenancy);
    for kind in KINDS.iter() {
        live.set(kind, Availability::Held);
    }
    live.conclude(now());
    let weigher = live.weigher();
    let before = resident();
    let start = Instant::now();
    for namespace in 0..NAMESPACES {
        for body in objects(namespace) {
            live.apply(weigher.weigh(Object::new(body).unwrap()));
        }
    }
    let told = |what: &str, since: Instant| {
        println!("{what}: {} MiB more, {:.2?}", (resident() - before) >> 20, since.elapsed());
    };
    told("weighed and applied", start);
    let start = Instant::now();
    let found = live.conclude(now());
    told("first conclusion", start);
    println!("score {:?}, {} namespaces", found.cluster.score(), found.namespaces.len());
    for (what, at) in [("a pod that is not other than it was", 3), ("a pod that changed", 3)] {
        let mut body = objects(7).swap_remove(at);
        if what.ends_with("changed") {
            body["spec"]["hostNetwork"] = json!(true);
            body["spec"]["nodeName"] = json!("node-other");
        }
        let start = Instant::now();
        live.apply(weigher.weigh(Object::new(body).unwrap()));
        let applied = start.elapsed();
        let start = Instant::now();
        live.conclude(now());
        println!("{what}: applied in {applied:.2?}, concluded in {:.2?}", start.elapsed());
    }
}
