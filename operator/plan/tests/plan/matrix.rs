//! The flow matrix of a namespace.

use crate::support::Cluster;
use serde_json::json;
use snc_core::lang::Lang;
use snc_plan::matrix::rows;

fn shop(mode: &str) -> Cluster {
    let mut cluster = Cluster::default();
    cluster.tenant("shop", &json!({"level": "Standard", "namespaces": ["shop", "shop-data"]}));
    cluster.baseline(
        "floor",
        &json!({"modes": {"isolation": mode}, "network": {
            "kubernetesAPI": {"cidrs": ["192.0.2.10/32"], "ports": [{"port": 6443}]},
            "sharedServices": [{"name": "postgres", "direction": "Egress", "namespace": "db", "ports": [{"port": 5432}], "justification": "data"}],
        }}),
    );
    cluster.namespace("shop");
    let flow = |name: &str, peers: serde_json::Value| json!({"name": name, "justification": format!("{name} is needed"), "direction": "Egress", "peers": peers, "ports": [{"port": 5432}]});
    let mut full = flow(
        "full",
        json!([{"pods": {"podSelector": {"matchLabels": {"app": "db"}}}}, {"namespaces": {"names": ["shop-data"]}}]),
    );
    full["podSelector"] = json!({"matchLabels": {"app": "api"}, "matchExpressions": [
        {"key": "tier", "operator": "In", "values": ["a", "b"]}, {"key": "zone", "operator": "NotIn", "values": ["c"]},
        {"key": "live", "operator": "Exists"}, {"key": "old", "operator": "DoesNotExist"},
    ]});
    full["nature"] = "Data".into();
    full["owner"] = "team-shop".into();
    full["reviewedOn"] = "2025-01-31".into();
    full["compensatingMeasure"] = "TLS".into();
    full["ports"] = json!([{"port": 5432}, {"port": 8000, "endPort": 8010, "protocol": "UDP"}]);
    let flows = json!([
        full,
        flow("partly", json!([{"pods": {}}, {"cidr": {"block": "203.0.113.0/24", "except": ["203.0.113.0/28"]}}, {"sharedService": {"name": "none"}}])),
        flow("refused", json!([{"cidr": {"block": "169.254.169.254/32"}}])),
        {"name": "services", "justification": "both", "direction": "Egress", "peers": [{"sharedService": {"name": "postgres"}}, {"kubernetesAPI": {}}]},
        flow("partly", json!([{"pods": {}}])),
        {"name": "ports", "justification": "wrong", "direction": "Ingress", "peers": [{}], "ports": [{"port": 0}, {"port": 9, "endPort": 1}]},
    ]);
    cluster.policy("shop", "p", &json!({"network": {"flows": flows}}));
    cluster.policy("shop", "second", &json!({"network": {"flows": [flow("full", json!([{"pods": {}}]))]}}));
    cluster.settle("shop");
    cluster
}

#[test]
fn one_row_per_declared_flow() {
    let cluster = shop("Enforce");
    let report = cluster.plan("shop").report.unwrap();
    insta::assert_json_snapshot!(rows("shop", &report, Lang::En, cluster.now));
}

#[test]
fn nothing_is_applied_where_isolation_is_not_enforced() {
    let cluster = shop("Warn");
    let report = cluster.plan("shop").report.unwrap();
    let states: Vec<_> = rows("shop", &report, Lang::Fr, cluster.now).iter().map(|r| r.state).collect();
    assert_eq!(states, ["declared", "declared", "refused", "declared", "refused", "refused", "declared"]);
}

#[test]
fn the_tenth_flow_does_not_answer_for_the_first() {
    let mut cluster = shop("Enforce");
    let flow = |i: usize| {
        let block = if i == 10 { "10.0.0.0/99" } else { "203.0.113.0/24" };
        json!({"name": format!("f{i}"), "justification": "needed", "direction": "Egress", "peers": [{"cidr": {"block": block}}], "ports": [{"port": 1}]})
    };
    cluster.policy("shop", "p", &json!({"network": {"flows": (0..12).map(flow).collect::<Vec<_>>()}}));
    cluster.settle("shop");
    let report = cluster.plan("shop").report.unwrap();
    for row in rows("shop", &report, Lang::En, cluster.now).iter().filter(|r| r.policy == "p") {
        let refused = row.flow == "f10";
        assert_eq!(
            (row.state, row.refusals.is_empty()),
            (if refused { "refused" } else { "applied" }, !refused),
            "{}",
            row.flow
        );
    }
}
