//! `ClusterNetworkPolicy`: tiers, order, and what is not known.

use crate::support::{engine, naive};
use serde_json::{Value, json};
use snc_core::flow::Protocol::{self, Tcp, Udp};
use snc_network::reach::{Cluster, Connectivity, End, Explanation, Why};

fn cluster(cluster_policies: &[Value], policies: Value) -> Value {
    let pod = |namespace: &str, number: u8| {
        json!({
            "namespace": namespace, "name": "web", "labels": {"app": "web"}, "node": format!("node{number}"),
            "ips": [format!("10.0.0.{number}")], "nodeIps": [format!("192.168.0.{number}")],
            "ports": [{"name": "dns", "protocol": "UDP", "containerPort": 53}],
        })
    };
    let named = |(index, spec): (usize, &Value)| json!({"name": format!("c{index}"), "spec": spec});
    json!({
        "namespaces": [{"name": "a", "labels": {"team": "a"}}, {"name": "b", "labels": {"team": "b"}}],
        "pods": [pod("a", 1), pod("b", 2)],
        "policies": policies,
        "clusterPolicies": cluster_policies.iter().enumerate().map(named).collect::<Value>(),
    })
}

/// Ingress rules for the pods of `a`.
fn spec(tier: &str, priority: i32, ingress: Value) -> Value {
    let subject = json!({"namespaces": {"matchLabels": {"team": "a"}}});
    json!({"tier": tier, "priority": priority, "subject": subject, "ingress": ingress})
}

fn rule(action: &str) -> Value {
    json!({"action": action, "from": [{"namespaces": {}}]})
}

fn on(action: &str, protocol: Value) -> Value {
    json!({"action": action, "from": [{"namespaces": {}}], "protocols": [protocol]})
}

fn closed() -> Value {
    json!([{"namespace": "a", "name": "deny", "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}])
}

fn open() -> Value {
    json!([{"namespace": "a", "name": "open", "spec": {"podSelector": {}, "ingress": [{}]}}])
}

fn read(cluster: &Value) -> Cluster {
    serde_json::from_value(cluster.clone()).unwrap()
}

#[track_caller]
fn expect_port(cluster: &Value, (protocol, port): (Protocol, u16), expected: bool) {
    let cluster = read(cluster);
    assert_eq!(engine::can(&cluster, "b/web", "a/web", protocol, port), expected, "engine");
    assert_eq!(naive::can(&cluster, "b/web", "a/web", protocol, port), expected, "naive");
}

#[track_caller]
fn expect(cluster: &Value, expected: bool) {
    expect_port(cluster, (Tcp, 80), expected);
}

fn explain(cluster: &Value, from: &str, to: &str) -> Explanation {
    let cluster = read(cluster);
    let end = |namespace| End::Pod { namespace, name: "web" };
    Connectivity::new(&cluster).explain(end(from), end(to)).unwrap()
}

#[test]
fn the_admin_tier_decides_before_network_policies() {
    expect(&cluster(&[spec("Admin", 5, json!([rule("Accept")]))], closed()), true);
    expect(&cluster(&[spec("Admin", 5, json!([rule("Deny")]))], open()), false);
    expect(&cluster(&[spec("Admin", 5, json!([rule("Deny")]))], json!([])), false);
}

#[test]
fn the_lowest_priority_number_and_the_first_rule_win() {
    let (accept, deny) = (spec("Admin", 1, json!([rule("Accept")])), spec("Admin", 2, json!([rule("Deny")])));
    expect(&cluster(&[deny.clone(), accept.clone()], closed()), true);
    expect(&cluster(&[spec("Admin", 0, json!([rule("Deny")])), accept], open()), false);
    expect(&cluster(&[spec("Admin", 0, json!([rule("Accept"), rule("Deny")]))], closed()), true);
}

#[test]
fn pass_goes_on_to_network_policies() {
    let (pass, deny) = (spec("Admin", 1, json!([rule("Pass")])), spec("Admin", 2, json!([rule("Deny")])));
    expect(&cluster(&[pass.clone(), deny.clone()], open()), true);
    expect(&cluster(&[pass.clone(), deny], closed()), false);
    let baseline = spec("Baseline", 0, json!([rule("Deny")]));
    expect(&cluster(&[pass, baseline], json!([])), false);
}

#[test]
fn the_baseline_tier_counts_only_where_no_network_policy_selects_the_pod() {
    let baseline = [spec("Baseline", 0, json!([rule("Deny")]))];
    expect(&cluster(&baseline, json!([])), false);
    expect(&cluster(&baseline, open()), true);
    expect(&cluster(&[spec("Baseline", 0, json!([rule("Accept")]))], closed()), false);
    let egress_only =
        json!([{"namespace": "a", "name": "e", "spec": {"podSelector": {}, "policyTypes": ["Egress"]}}]);
    expect(&cluster(&baseline, egress_only), false);
}

#[test]
fn rules_hold_for_their_ports_only() {
    let number = json!({"tcp": {"destinationPort": {"number": 80}}});
    let one = cluster(&[spec("Admin", 0, json!([on("Deny", number)]))], json!([]));
    expect_port(&one, (Tcp, 80), false);
    expect_port(&one, (Tcp, 81), true);
    expect_port(&one, (Udp, 80), true);
    let range = json!({"tcp": {"destinationPort": {"range": {"start": 80, "end": 90}}}});
    let range = cluster(&[spec("Admin", 0, json!([on("Accept", range)]))], closed());
    for (port, expected) in [(79, false), (80, true), (90, true), (91, false)] {
        expect_port(&range, (Tcp, port), expected);
    }
    let named = json!({"destinationNamedPort": "dns"});
    let named = cluster(&[spec("Admin", 0, json!([on("Accept", named)]))], closed());
    expect_port(&named, (Udp, 53), true);
    expect_port(&named, (Tcp, 53), false);
}

#[test]
fn two_policies_of_equal_priority_that_contradict_each_other_are_unknown() {
    let both = [spec("Admin", 1, json!([rule("Accept")])), spec("Admin", 1, json!([rule("Deny")]))];
    let answer = explain(&cluster(&both, json!([])), "b", "a");
    assert!(answer.reach.ports.is_empty() && answer.reach.possible.is_all());
    let names: Vec<_> = answer.unknown.iter().map(|unknown| unknown.text().en).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[0].starts_with("ClusterNetworkPolicy c0 spec.priority: two policies"), "{names:?}");
    let agree = [spec("Admin", 1, json!([rule("Deny")])), spec("Admin", 1, json!([rule("Deny")]))];
    expect(&cluster(&agree, open()), false);
    let apart = [
        spec("Admin", 1, json!([on("Accept", json!({"tcp": {"destinationPort": {"number": 80}}}))])),
        spec("Admin", 1, json!([on("Deny", json!({"tcp": {"destinationPort": {"number": 81}}}))])),
    ];
    expect_port(&cluster(&apart, closed()), (Tcp, 80), true);
    expect_port(&cluster(&apart, open()), (Tcp, 81), false);
}

#[test]
fn pods_on_the_hosts_network_are_neither_subjects_nor_peers_by_labels() {
    let mut host = cluster(&[spec("Admin", 0, json!([rule("Deny")]))], json!([]));
    host["pods"][1]["hostNetwork"] = json!(true);
    expect(&host, true);
    let mut subject = cluster(&[spec("Admin", 0, json!([rule("Deny")]))], json!([]));
    subject["pods"][0]["hostNetwork"] = json!(true);
    expect(&subject, true);
}

#[test]
fn networks_hold_pods_and_nodes_hold_those_on_the_hosts_network() {
    let out = |to: Value| {
        let subject = json!({"namespaces": {"matchLabels": {"team": "b"}}});
        json!({"tier": "Admin", "priority": 0, "subject": subject, "egress": [{"action": "Deny", "to": [to]}]})
    };
    expect(&cluster(&[out(json!({"networks": ["10.0.0.0/24"]}))], json!([])), false);
    expect(&cluster(&[out(json!({"networks": ["172.16.0.0/12"]}))], json!([])), true);
    expect(&cluster(&[out(json!({"nodes": {}}))], json!([])), true);
    let mut host = cluster(&[out(json!({"nodes": {}}))], json!([]));
    host["pods"][0]["hostNetwork"] = json!(true);
    expect(&host, false);
    let mut labels = cluster(&[out(json!({"nodes": {"matchLabels": {"zone": "a"}}}))], json!([]));
    labels["pods"][0]["hostNetwork"] = json!(true);
    let answer = explain(&labels, "b", "a");
    assert!(!answer.reach.is_certain());
    assert_eq!(answer.unknown[0].doubt.why, Why::NodeLabels);
}

#[test]
fn what_is_not_modelled_makes_the_answer_unknown_by_name() {
    let mut with_field =
        spec("Admin", 0, json!([{"action": "Accept", "from": [{"namespaces": {}}], "future": 1}]));
    let egress = json!([{"action": "Accept", "to": [{"domainNames": ["example.org"]}]}]);
    let domain = json!({"tier": "Admin", "priority": 0, "subject": {"namespaces": {}}, "egress": egress});
    let everybody = json!({"namespaces": {}});
    let cases = [
        (with_field.clone(), "spec.ingress[0].future", closed()),
        (
            {
                with_field["mode"] = json!("Log");
                with_field
            },
            "spec.mode",
            json!([]),
        ),
        (
            domain,
            "spec.egress[0].to[0].domainNames",
            json!([{
                "namespace": "b", "name": "out", "spec": {"podSelector": {}, "policyTypes": ["Egress"]},
            }]),
        ),
        (
            spec("Admin", 0, json!([{"action": "Deny", "from": [{"future": {}}]}])),
            "spec.ingress[0].from[0].future",
            open(),
        ),
        (spec("Admin", 0, json!([on("Deny", json!({"icmp": {}}))])), "spec.ingress[0].protocols[0]", open()),
        (json!({"tier": "Tenant", "priority": 0, "subject": everybody}), "spec", json!([])),
    ];
    for (spec, field, policies) in cases {
        let answer = explain(&cluster(&[spec], policies), "b", "a");
        assert!(!answer.reach.is_certain(), "{field}");
        let fields: Vec<_> = answer.unknown.iter().map(|unknown| unknown.doubt.field.as_str()).collect();
        assert!(fields.contains(&field), "{field}: {fields:?}");
    }
}

#[test]
fn a_rule_that_cannot_be_read_fails_closed_or_counts_for_nothing() {
    let port = json!([{"tcp": {"destinationPort": {"number": 80}}}]);
    let rule = |action: &str| {
        let peers = json!([{"namespaces": {}}, {"future": {}}]);
        spec("Admin", 0, json!([{"action": action, "from": peers, "protocols": port}]))
    };
    let pass = explain(&cluster(&[rule("Pass")], json!([])), "b", "a");
    assert!(pass.reach.ports.is_empty() && pass.reach.possible.is_all(), "it may deny every port");
    assert!(!pass.unknown.is_empty());
    let deny = explain(&cluster(&[rule("Deny")], json!([])), "b", "a");
    assert!(deny.reach.ports.is_empty() && deny.reach.possible.is_all(), "it may deny no port, or each");
    let accept = explain(&cluster(&[rule("Accept")], closed()), "b", "a");
    assert!(accept.reach.ports.is_empty());
    assert_eq!(accept.reach.possible.to_string(), "TCP/80");
}
