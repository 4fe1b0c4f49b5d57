use super::*;
use serde_json::{Value, json};

fn pod(namespace: &str, name: &str, address: &str) -> Value {
    json!({
        "metadata": { "namespace": namespace, "name": name, "labels": { "app": name } },
        "spec": {
            "nodeName": "node1",
            "containers": [{ "name": "c", "ports": [{ "name": "web", "containerPort": 8080 }] }],
        },
        "status": { "phase": "Running", "podIP": address },
    })
}

fn pods() -> Vec<Value> {
    vec![pod("a", "web", "10.0.0.1"), pod("a", "db", "10.0.0.2"), pod("b", "web", "10.0.0.3")]
}

fn policy(namespace: &str, spec: Value) -> Value {
    json!({ "metadata": { "namespace": namespace, "name": "p" }, "spec": spec })
}

fn table(pods: Vec<Value>, policies: Vec<Value>, closed: Option<&str>) -> String {
    let pods: Vec<Pod> = pods.into_iter().map(|pod| serde_json::from_value(pod).unwrap()).collect();
    let policies: Vec<NetworkPolicy> =
        policies.into_iter().map(|policy| serde_json::from_value(policy).unwrap()).collect();
    let namespaces = ["a", "b"].map(|name| {
        (name.to_owned(), Labels::from([("kubernetes.io/metadata.name".to_owned(), name.to_owned())]))
    });
    World::new(&pods, &namespaces.into(), &policies)
        .table("node1", closed.map(|range| range.parse().unwrap()))
}

/// The rules of a chain, `None` if there is no such chain.
fn chain(table: &str, name: &str) -> Option<Vec<String>> {
    let (_, rest) = table.split_once(&format!("  chain {name} {{\n"))?;
    let (body, _) = rest.split_once("  }\n")?;
    Some(body.lines().map(|line| line.trim().to_owned()).collect())
}

fn ingress_of_web(rule: Value) -> Vec<String> {
    let spec = json!({
        "podSelector": { "matchLabels": { "app": "web" } },
        "policyTypes": ["Ingress"],
        "ingress": [rule],
    });
    chain(&table(pods(), vec![policy("a", spec)], None), "ingress_10_0_0_1").unwrap()
}

#[test]
fn without_a_policy_nobody_is_isolated() {
    let table = table(pods(), vec![], None);
    assert!(!table.contains("vmap") && !table.contains("drop"), "{table}");
}

#[test]
fn a_policy_isolates_the_selected_pods_of_its_namespace_in_its_directions() {
    let spec = json!({ "podSelector": { "matchLabels": { "app": "web" } }, "policyTypes": ["Ingress"] });
    let table = table(pods(), vec![policy("a", spec)], None);
    assert_eq!(chain(&table, "ingress_10_0_0_1").unwrap(), ["counter drop"]);
    for other in ["egress_10_0_0_1", "ingress_10_0_0_2", "ingress_10_0_0_3"] {
        assert_eq!(chain(&table, other), None, "{other}");
    }
    assert!(table.contains("ip daddr vmap { 10.0.0.1 : jump ingress_10_0_0_1 }"), "{table}");
}

#[test]
fn what_leaves_a_pod_is_judged_on_its_way_to_the_node_too() {
    let spec = json!({ "podSelector": {}, "policyTypes": ["Egress"] });
    let table = table(pods(), vec![policy("b", spec)], None);
    for hook in ["forward", "input"] {
        let jump = "ip saddr vmap { 10.0.0.3 : jump egress_10_0_0_3 }".to_owned();
        assert!(chain(&table, hook).unwrap().contains(&jump), "{table}");
    }
}

#[test]
fn peers() {
    let from = |peer: Value| {
        let rules = ingress_of_web(json!({ "from": [peer] }));
        rules.iter().filter(|rule| *rule != "counter drop").cloned().collect::<Vec<_>>().join("; ")
    };
    let b = json!({ "matchLabels": { "kubernetes.io/metadata.name": "b" } });
    let db = json!({ "matchLabels": { "app": "db" } });
    assert_eq!(from(json!({ "podSelector": db })), "ip saddr { 10.0.0.2 } return");
    assert_eq!(from(json!({ "podSelector": {} })), "ip saddr { 10.0.0.1, 10.0.0.2 } return");
    assert_eq!(from(json!({ "namespaceSelector": b })), "ip saddr { 10.0.0.3 } return");
    assert_eq!(from(json!({ "namespaceSelector": b, "podSelector": db })), "");
    let all = "ip saddr { 10.0.0.1, 10.0.0.2, 10.0.0.3 } return";
    assert_eq!(from(json!({ "namespaceSelector": {} })), all);
    let block = json!({ "ipBlock": { "cidr": "10.0.0.9/8", "except": ["10.0.0.0/30", "10.0.0.3/32"] } });
    assert_eq!(from(block), "ip saddr 10.0.0.0/8 ip saddr != 10.0.0.0/30 ip saddr != 10.0.0.3/32 return");
    assert_eq!(from(json!({ "ipBlock": { "cidr": "fd00::/8" } })), "");
    assert_eq!(ingress_of_web(json!({})), ["return", "counter drop"], "no peers are all peers");
}

#[test]
fn ports() {
    let on = |port: Value| ingress_of_web(json!({ "ports": [port] })).join("; ");
    assert_eq!(on(json!({})), "meta l4proto tcp return; counter drop");
    assert_eq!(on(json!({ "protocol": "UDP" })), "meta l4proto udp return; counter drop");
    assert_eq!(on(json!({ "port": 53, "protocol": "UDP" })), "udp dport 53 return; counter drop");
    assert_eq!(on(json!({ "port": 80, "endPort": 90 })), "tcp dport 80-90 return; counter drop");
    let named = "ip daddr { 10.0.0.1 } tcp dport 8080 return; counter drop";
    assert_eq!(on(json!({ "port": "web" })), named, "of the pod that is reached, and no other");
    assert_eq!(on(json!({ "port": "web", "protocol": "UDP" })), "counter drop");
    assert_eq!(on(json!({ "port": "unknown" })), "counter drop");
}

#[test]
fn a_named_port_going_out_is_looked_up_where_it_goes() {
    let spec = json!({
        "podSelector": { "matchLabels": { "app": "db" } },
        "policyTypes": ["Egress"],
        "egress": [{ "to": [{ "namespaceSelector": {} }], "ports": [{ "port": "web" }] }],
    });
    let all = "{ 10.0.0.1, 10.0.0.2, 10.0.0.3 }";
    let table = table(pods(), vec![policy("a", spec)], None);
    let expected = format!("ip daddr {all} ip daddr {all} tcp dport 8080 return");
    assert_eq!(chain(&table, "egress_10_0_0_2").unwrap(), [expected, "counter drop".to_owned()]);
}

#[test]
fn ended_pods_and_those_of_the_node_have_no_address() {
    let mut pods = pods();
    pods[0]["status"]["phase"] = json!("Succeeded");
    pods[1]["spec"]["hostNetwork"] = json!(true);
    let spec = json!({ "podSelector": {}, "policyTypes": ["Ingress", "Egress"] });
    let table = table(pods, vec![policy("a", spec.clone()), policy("b", spec)], None);
    assert!(!table.contains("10.0.0.1") && !table.contains("10.0.0.2"), "{table}");
    assert!(table.contains("ingress_10_0_0_3") && table.contains("egress_10_0_0_3"), "{table}");
}

#[test]
fn an_address_of_two_pods_is_that_of_the_one_that_stays() {
    let mut leaving = pod("a", "leaving", "10.0.0.1");
    leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let spec = json!({ "podSelector": { "matchLabels": { "app": "leaving" } }, "policyTypes": ["Ingress"] });
    for pods in
        [vec![leaving.clone(), pod("a", "web", "10.0.0.1")], vec![pod("a", "web", "10.0.0.1"), leaving]]
    {
        assert!(!table(pods, vec![policy("a", spec.clone())], None).contains("vmap"));
    }
}

#[test]
fn closed_means_that_only_known_pods_talk() {
    let with = table(pods(), vec![], Some("10.0.0.0/24"));
    let known = "{ 10.0.0.1, 10.0.0.2, 10.0.0.3 }";
    for side in ["saddr", "daddr"] {
        let rule = format!("ip {side} 10.0.0.0/24 ip {side} != {known} counter drop");
        assert!(chain(&with, "forward").unwrap().contains(&rule), "{with}");
    }
    let without = table(vec![], vec![], Some("10.0.0.0/24"));
    let all = "ip saddr 10.0.0.0/24 counter drop".to_owned();
    assert!(chain(&without, "forward").unwrap().contains(&all), "{without}");
}
