//! Exact connectivity of a large cluster, in this process and without an API server.

use crate::report::Report;
use serde_json::{Value, json};
use snc_core::flow::Direction;
use snc_network::reach::{Cluster, ClusterPolicy, Connectivity};
use std::time::Instant;

const NAMESPACES: usize = 500;
const PODS: usize = 20;
const POLICIES: usize = 10;

fn policy(namespace: usize, index: usize) -> Value {
    let app = json!({"matchLabels": {"app": format!("app{}", index % 6)}});
    let tenant = json!({"matchLabels": {"tenant": format!("t{}", namespace / 5)}});
    let hole = format!("10.{}.{}.0/24", namespace % 250, index);
    match index {
        0 => json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}),
        1 => json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{
            "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ns0"}},
                    "podSelector": {"matchLabels": {"app": "app0"}}}],
            "ports": [{"protocol": "UDP", "port": 53}, {"port": 53}],
        }]}),
        2 => json!({"podSelector": app, "policyTypes": ["Egress"], "egress": [{
            "to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "169.254.0.0/16"]}},
                   {"ipBlock": {"cidr": hole}}],
            "ports": [{"port": 443}],
        }]}),
        3 => {
            json!({"podSelector": app, "ingress": [{"from": [{"namespaceSelector": tenant}], "ports": [{"port": "http"}]}]})
        }
        4 => {
            json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"namespaceSelector": tenant}]}]})
        }
        _ => json!({"podSelector": app, "ingress": [{
            "from": [{"podSelector": {"matchLabels": {"app": format!("app{}", (index + 1) % 6)}}}],
            "ports": [{"port": 8000 + index}, {"port": 9000, "endPort": 9000 + index}],
        }]}),
    }
}

/// Rules of the platform for everybody, and no address of a pod known.
fn with_cluster_policies() -> Cluster {
    let tenant = |n: usize| json!({"matchLabels": {"tenant": format!("t{n}")}});
    let rule = |action: &str, n: usize| json!({"action": action, "from": [{"namespaces": tenant(n)}]});
    let mut cluster = cluster(true);
    for pod in &mut cluster.pods {
        pod.ips.clear();
    }
    for n in 0..20 {
        let rules: Value =
            (0..10).map(|i| rule(["Accept", "Deny", "Pass"][(n + i) % 3], n * 5 + i)).collect();
        let tier = if n % 4 == 0 { "Baseline" } else { "Admin" };
        let subject = json!({"namespaces": if n < 2 { json!({}) } else { tenant(n) }});
        let spec = json!({"tier": tier, "priority": n, "subject": subject, "ingress": rules});
        cluster.cluster_policies.push(ClusterPolicy { name: format!("c{n}"), spec });
    }
    cluster
}

fn cluster(isolated: bool) -> Cluster {
    let labels =
        |n: usize| json!({"tenant": format!("t{}", n / 5), "kubernetes.io/metadata.name": format!("ns{n}")});
    let namespaces: Value =
        (0..NAMESPACES).map(|n| json!({"name": format!("ns{n}"), "labels": labels(n)})).collect();
    let pods: Value = (0..NAMESPACES * PODS)
        .map(|n| {
            let (namespace, index) = (n / PODS, n % PODS);
            json!({
                "namespace": format!("ns{namespace}"), "name": format!("pod{index}"),
                "labels": {"app": format!("app{}", index % 6), "pod-template-hash": format!("h{n}"), "instance": format!("{n}")},
                "owner": {"kind": "Deployment", "name": format!("app{}", index % 6)},
                "ips": [format!("10.{}.{}.{}", 128 + n / 65536, n / 256 % 256, n % 256)], "node": format!("node{}", n % 200),
                "hostNetwork": namespace == 1 && index == 0,
                "ports": [{"name": "http", "containerPort": 8080}, {"name": "metrics", "containerPort": 9090}],
            })
        })
        .collect();
    let policies: Value = (0..if isolated { NAMESPACES * POLICIES } else { 0 })
        .map(|n| {
            let (namespace, index) = (n / POLICIES, n % POLICIES);
            json!({"namespace": format!("ns{namespace}"), "name": format!("p{index}"), "spec": policy(namespace, index)})
        })
        .collect();
    let cluster = json!({"namespaces": namespaces, "pods": pods, "policies": policies});
    serde_json::from_value(cluster).unwrap_or_default()
}

pub fn measure(report: &mut Report) {
    of("5,000 policies", &cluster(true), report);
    of("no policy", &cluster(false), report);
    of("20 cluster policies, addresses unknown", &with_cluster_policies(), report);
}

fn of(name: &str, cluster: &Cluster, report: &mut Report) {
    let scenario = format!("reach: {name}");
    Report::heading(&format!(
        "{scenario} ({} pods, {} policies)",
        cluster.pods.len(),
        cluster.policies.len()
    ));
    let mut line = |name: &str, value: Value, unit: &str| report.line(&scenario, name, value, unit);
    let start = Instant::now();
    let engine = Connectivity::new(cluster);
    line("policies and pods read", json!(start.elapsed().as_secs_f64()), "s");
    let start = Instant::now();
    let pairs = engine.pairs().count();
    line("pairs of workloads judged", json!(start.elapsed().as_secs_f64()), "s");
    line("pairs that can talk, or may", json!(pairs), "");
    let start = Instant::now();
    let areas: usize = engine.world().map(|world| world.egress.len() + world.ingress.len()).sum();
    line("world outside judged", json!(start.elapsed().as_secs_f64()), "s");
    line("areas of the world outside", json!(areas), "");
    let start = Instant::now();
    let both = [Direction::Ingress, Direction::Egress];
    let openings: usize = cluster
        .namespaces
        .iter()
        .flat_map(|ns| both.map(|direction| engine.openings(&ns.name, direction).len()))
        .sum();
    line("openings judged", json!(start.elapsed().as_secs_f64()), "s");
    line("openings", json!(openings), "");
}
