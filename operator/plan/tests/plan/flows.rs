//! Declared flows as the NetworkPolicies that the API server gets.

use crate::support::{self, Cluster, body};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use serde_json::{Value, json};
use snc_index::{ManagedKind, ObjectKey};
use snc_plan::governance::Governance;
use std::collections::BTreeSet;

fn shop() -> Cluster {
    let mut cluster = Cluster::default();
    cluster.baseline(
        "floor",
        &json!({"modes": {"isolation": "Enforce"}, "network": {
            "deniedCIDRs": ["10.96.0.0/12", "192.0.2.0/24"],
            "kubernetesAPI": {"cidrs": ["192.0.2.10/32", "192.0.2.11/32"], "ports": [{"port": 6443}]},
            "sharedServices": [
                {"name": "postgres", "direction": "Egress", "namespace": "platform-db", "podSelector": {"matchLabels": {"app": "pg"}}, "ports": [{"port": 5432}, {"port": 6432}], "justification": "data"},
                {"name": "metrics", "direction": "Ingress", "namespace": "platform-monitoring", "ports": [{"port": 9090}], "justification": "scrape"},
            ],
        }}),
    );
    cluster.tenant("shop", &json!({"level": "Standard", "namespaces": ["shop", "shop-data"]}));
    cluster.namespace("shop");
    cluster
}

/// The policies of the flows, as their names, annotations and specs.
fn policies(flows: &Value) -> Value {
    let mut cluster = shop();
    cluster.policy("shop", "p", &json!({"network": {"flows": flows}}));
    let plan = cluster.plan("shop");
    let report = plan.report.as_ref().unwrap();
    assert_eq!(report.flows["p"].refusals, []);
    let built = plan
        .steps
        .objects
        .iter()
        .map(body)
        .filter(|o| o["metadata"]["labels"]["app.kubernetes.io/component"] == "flow");
    let shown = built.map(|o| {
        assert!(serde_json::from_value::<NetworkPolicy>(o.clone()).is_ok());
        json!({"name": o["metadata"]["name"], "annotations": o["metadata"]["annotations"], "spec": o["spec"]})
    });
    shown.collect::<Vec<_>>().into()
}

fn flow(name: &str, direction: &str, peers: &Value, ports: &Value) -> Value {
    json!({"name": name, "justification": "needed", "direction": direction, "peers": peers, "ports": ports})
}

#[test]
fn pods() {
    let mut into = flow(
        "front-to-api",
        "Ingress",
        &json!([{"pods": {"podSelector": {"matchLabels": {"app": "front"}}}}]),
        &json!([{"port": 8080}]),
    );
    into["podSelector"] = json!({"matchLabels": {"app": "api"}, "matchExpressions": [{"key": "tier", "operator": "In", "values": ["back"]}]});
    let all = flow("anyone", "Egress", &json!([{"pods": {}}]), &json!([{"port": 53, "protocol": "UDP"}]));
    insta::assert_json_snapshot!(policies(&json!([into, all])));
}

#[test]
fn namespaces_of_the_same_tenant() {
    let peers = json!([{"namespaces": {"names": ["shop-data", "shop"], "podSelector": {"matchLabels": {"app": "db"}}}}]);
    insta::assert_json_snapshot!(policies(&json!([flow("db", "Egress", &peers, &json!([{"port": 5432}]))])));
}

#[test]
fn shared_services() {
    insta::assert_json_snapshot!(policies(&json!([
        flow("pg", "Egress", &json!([{"sharedService": {"name": "postgres"}}]), &json!([])),
        flow(
            "pg-narrow",
            "Egress",
            &json!([{"sharedService": {"name": "postgres"}}]),
            &json!([{"port": 6432}])
        ),
        flow("scrape", "Ingress", &json!([{"sharedService": {"name": "metrics"}}]), &json!([])),
    ])));
}

#[test]
fn kubernetes_api() {
    // Denied to every cidr peer, and still reached by name.
    insta::assert_json_snapshot!(policies(&json!([flow(
        "api",
        "Egress",
        &json!([{"kubernetesAPI": {}}]),
        &json!([])
    )])));
}

#[test]
fn blocks() {
    let peers = json!([
        {"cidr": {"block": "203.0.113.0/24", "except": ["203.0.113.64/26"]}},
        {"cidr": {"block": "0.0.0.0/0"}},
        {"cidr": {"block": "2001:db8::/32"}},
    ]);
    insta::assert_json_snapshot!(policies(&json!([flow("out", "Egress", &peers, &json!([{"port": 443}]))])));
}

#[test]
fn ports_ranges_and_protocols() {
    let ports = json!([
        {"port": 443}, {"port": 8000, "endPort": 8010}, {"port": 514, "protocol": "UDP"},
        {"port": 3868, "protocol": "SCTP"}, {"port": 9, "endPort": 9}, {"port": 1, "endPort": 65535, "protocol": "SCTP"},
    ]);
    insta::assert_json_snapshot!(policies(&json!([flow("many", "Egress", &json!([{"pods": {}}]), &ports)])));
}

#[test]
fn own_peers_and_services_go_into_separate_rules() {
    let peers =
        json!([{"sharedService": {"name": "postgres"}}, {"pods": {}}, {"cidr": {"block": "203.0.113.0/24"}}]);
    insta::assert_json_snapshot!(policies(&json!([flow(
        "mixed",
        "Egress",
        &peers,
        &json!([{"port": 5432}])
    )])));
}

#[test]
fn a_flow_of_one_name_in_two_policies_is_two_policies() {
    let mut cluster = shop();
    let flows = json!([flow("f", "Egress", &json!([{"pods": {}}]), &json!([{"port": 443}]))]);
    for name in ["p", "q"] {
        cluster.policy("shop", name, &json!({"network": {"flows": flows}}));
    }
    cluster.settle("shop");
    assert_eq!(cluster.ours("shop").iter().filter(|k| k.starts_with("NetworkPolicy/snc-flow-f-")).count(), 2);
}

/// A tenant who finds two names of one hash must not make us write for ever.
#[test]
fn names_that_collide_do_not_fight() {
    let digest = |policy: &str| {
        use sha2::Digest;
        sha2::Sha256::digest(format!("{policy}/f"))[..4].to_vec()
    };
    let mut seen = std::collections::HashMap::new();
    let pair = (0..).find_map(|i| {
        let name = format!("p{i}");
        seen.insert(digest(&name), name.clone()).map(|earlier| (earlier, name))
    });
    let (first, second) = pair.unwrap();
    let mut cluster = shop();
    for (name, port) in [(&first, 443), (&second, 444)] {
        let flows = json!([flow("f", "Egress", &json!([{"pods": {}}]), &json!([{"port": port}]))]);
        cluster.policy("shop", name, &json!({"network": {"flows": flows}}));
    }
    cluster.settle("shop");
    let names: Vec<_> = cluster.ours("shop").into_iter().filter(|k| k.contains("snc-flow-f-")).collect();
    assert_eq!(names.len(), 2, "each flow has its own policy: {names:?}");
}

#[test]
fn a_large_flow_is_split_and_closes_what_it_does_not_speak_of() {
    let mut cluster = shop();
    // 32 peers with 16 holes each and 32 ports, beside long selectors, stay far below the limit; labels do not.
    let labels: serde_json::Map<String, Value> =
        (0..16).map(|i| (format!("label-{i}-{}", "k".repeat(50)), Value::from("v".repeat(60)))).collect();
    let values: Vec<_> = (0..32).map(|i| format!("v{i}-{}", "x".repeat(58))).collect();
    let expressions: Vec<_> =
        (0..16).map(|i| json!({"key": format!("e{i}"), "operator": "In", "values": values})).collect();
    let peers: Vec<_> = (0..32)
        .map(|_| json!({"pods": {"podSelector": {"matchLabels": labels, "matchExpressions": expressions}}}))
        .collect();
    cluster.policy(
        "shop",
        "p",
        &json!({"network": {"flows": [flow("wide", "Egress", &peers.into(), &json!([{"port": 443}]))]}}),
    );
    let plan = cluster.plan("shop");
    let parts: Vec<Value> = plan
        .steps
        .objects
        .iter()
        .map(body)
        .filter(|o| o["metadata"]["annotations"]["secnumcloud.dev/flow"] == "wide")
        .collect();
    assert!(parts.len() > 1, "{}", parts.len());
    let names: BTreeSet<_> = parts.iter().map(|p| p["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), parts.len());
    for part in &parts {
        assert!(part["spec"].to_string().len() <= 256 * 1024);
        assert_eq!(
            part["spec"]["ingress"],
            json!([]),
            "what is not stated is not taken back by server-side apply"
        );
        assert!(part["spec"]["egress"][0]["to"].as_array().is_some_and(|to| !to.is_empty()));
    }
    cluster.settle("shop");
}

#[test]
fn what_others_add_to_our_policies_goes_away() {
    let mut cluster = shop();
    cluster.policy("shop", "p", &json!({"network": {"flows": [flow("f", "Egress", &json!([{"pods": {}}]), &json!([{"port": 443}]))]}}));
    cluster.settle("shop");
    for key in cluster.ours("shop") {
        let Some(name) = key.strip_prefix("NetworkPolicy/") else { continue };
        let key = ObjectKey::new(ManagedKind::NetworkPolicy, name);
        let before = cluster.objects[&("shop".to_owned(), key.clone())]["spec"].clone();
        cluster.foreign_edit("shop", &key, |object| {
            object["spec"]["policyTypes"] = json!(["Ingress", "Egress"]);
            object["spec"]["ingress"] = json!([{}]);
            object["spec"]["egress"] = json!([{}]);
            object["spec"]["podSelector"] = json!({"matchLabels": {"app": "none"}});
        });
        cluster.settle("shop");
        assert_eq!(cluster.objects[&("shop".to_owned(), key)]["spec"], before);
    }
    assert!(matches!(cluster.plan("shop").governance, Governance::Governed { .. }));
}

/// What the platform wrote wrongly must not become a policy that the API server refuses: it would hold up every
/// namespace of the tenant.
#[test]
fn a_baseline_with_impossible_names_is_refused_field_by_field() {
    let spec = snc_plan_baseline(&json!({
        "tenantSelector": {"matchLabels": {"tier": "not ok"}},
        "network": {
            "dns": {"namespace": "Kube System", "addresses": ["10.0.0.1/8", "169.254.20.10/32", "169.254.169.254/32"], "ports": [{"port": 0}]},
            "sharedServices": [
                {"name": "a", "direction": "Egress", "namespace": "É", "ports": [{"port": 1}], "justification": "data"},
                {"name": "b", "direction": "Egress", "namespace": "ok", "ports": [{"port": 0}], "justification": "data"},
            ],
            "allowedCIDRs": ["10.0.0.0/33"],
            "deniedCIDRs": ["10.0.0.1/8"],
            "kubernetesAPI": {"cidrs": ["x"], "ports": [{"port": 6443}, {"port": 6443, "endPort": 1}]},
            "enforcement": {"engine": "cilium", "evidence": "report", "statedOn": "2026-02-30"},
        },
        "quota": {"requests.cpu": "lots"},
        "containerLimits": {"max": {"cpu": "-1"}},
    }));
    let (constraints, mut paths) = spec;
    paths.sort();
    insta::assert_json_snapshot!(paths);
    assert!(!constraints.dns.is_constrained(), "left out as a whole: the usual DNS");
    assert_eq!(constraints.shared_services.entries().count(), 0);
    let denied: Vec<_> = constraints.denied_blocks.blocks().iter().map(ToString::to_string).collect();
    assert_eq!(denied, ["10.0.0.0/8"], "what is kept closed stays closed");
    assert_eq!(
        constraints.allowed_blocks.blocks(),
        Some(&[][..]),
        "a list of nothing but mistakes allows nothing"
    );
}

fn snc_plan_baseline(spec: &Value) -> (snc_core::policy::Constraints, Vec<String>) {
    let mut refusals = Vec::new();
    let constraints = snc_plan::validate::baseline("floor", &support::read(spec.clone()), &mut refusals);
    (constraints, refusals.into_iter().map(|r| r.path).collect())
}
