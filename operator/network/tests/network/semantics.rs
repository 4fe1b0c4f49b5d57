//! `NetworkPolicy`, line by line: each expectation is asked of the engine and of the naive evaluator.

use crate::support::{engine, naive};
use serde_json::{Value, json};
use snc_core::flow::Protocol::{Sctp, Tcp, Udp};
use snc_core::flow::{Direction, Protocol};
use snc_network::reach::{Cluster, Connectivity, End, Explanation, Fact, Why};

/// Pods `a/web`, `a/db`, `b/web` on three nodes, with both families of addresses.
fn cluster(policies: Value) -> Value {
    let pod = |namespace: &str, name: &str, number: u8| {
        json!({
            "namespace": namespace, "name": name, "labels": {"app": name}, "node": format!("node{number}"),
            "ips": [format!("10.0.0.{number}"), format!("fd00::{number}")], "nodeIps": [format!("192.168.0.{number}")],
            "ports": [{"name": "http", "containerPort": 8000 + u16::from(number)}],
        })
    };
    json!({
        "namespaces": [{"name": "a", "labels": {"team": "a"}}, {"name": "b", "labels": {"team": "b"}}],
        "pods": [pod("a", "web", 1), pod("a", "db", 2), pod("b", "web", 3)],
        "policies": policies,
    })
}

fn policy(namespace: &str, spec: Value) -> Value {
    json!({"namespace": namespace, "name": "p", "spec": spec})
}

fn ingress(rules: Value) -> Value {
    json!([policy("a", json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": rules}))])
}

fn egress(rules: Value) -> Value {
    json!([policy("a", json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": rules}))])
}

fn read(cluster: &Value) -> Cluster {
    serde_json::from_value(cluster.clone()).unwrap()
}

#[track_caller]
fn expect_port(cluster: &Value, from: &str, to: &str, (protocol, port): (Protocol, u16), expected: bool) {
    let cluster = read(cluster);
    assert_eq!(engine::can(&cluster, from, to, protocol, port), expected, "engine: {from} to {to}");
    assert_eq!(naive::can(&cluster, from, to, protocol, port), expected, "naive: {from} to {to}");
}

#[track_caller]
fn expect(cluster: &Value, from: &str, to: &str, expected: bool) {
    expect_port(cluster, from, to, (Tcp, 80), expected);
}

fn explain(cluster: &Value, from: &str, to: &str) -> Explanation {
    let cluster = read(cluster);
    let end = |id: &'static str| {
        let (namespace, name) = id.split_once('/').unwrap();
        End::Pod { namespace, name }
    };
    let leak = |id: &str| -> &'static str { Box::leak(id.to_owned().into_boxed_str()) };
    Connectivity::new(&cluster).explain(end(leak(from)), end(leak(to))).unwrap()
}

#[test]
fn without_policies_everyone_reaches_everyone() {
    expect(&cluster(json!([])), "b/web", "a/db", true);
    assert!(explain(&cluster(json!([])), "b/web", "a/db").reach.ports.is_all());
}

#[test]
fn a_rule_without_peers_or_with_an_empty_list_lets_everyone_in() {
    for rule in [json!({}), json!({"from": []}), json!({"from": [], "ports": []})] {
        expect(&cluster(ingress(json!([rule]))), "b/web", "a/db", true);
    }
}

#[test]
fn a_direction_without_rules_lets_nobody_through() {
    expect(&cluster(ingress(json!([]))), "b/web", "a/db", false);
    expect(&cluster(ingress(Value::Null)), "a/web", "a/db", false);
    expect(&cluster(egress(json!([]))), "a/web", "b/web", false);
    expect(&cluster(egress(json!([]))), "b/web", "a/web", true);
}

#[test]
fn an_empty_pod_selector_selects_all_pods_of_the_namespace_and_no_other() {
    expect(&cluster(ingress(json!([]))), "b/web", "a/web", false);
    expect(&cluster(ingress(json!([]))), "a/web", "b/web", true);
    let missing = json!([policy("a", json!({"policyTypes": ["Ingress"]}))]);
    expect(&cluster(missing), "b/web", "a/web", false);
}

#[test]
fn a_pod_selector_alone_means_the_namespace_of_the_policy() {
    let from_web = cluster(ingress(json!([{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}])));
    expect(&from_web, "a/web", "a/db", true);
    expect(&from_web, "b/web", "a/db", false);
}

#[test]
fn a_namespace_selector_alone_means_all_of_its_pods_and_an_empty_one_all_namespaces() {
    let from = |peer: Value| cluster(ingress(json!([{"from": [peer]}])));
    let team_b = from(json!({"namespaceSelector": {"matchLabels": {"team": "b"}}}));
    expect(&team_b, "b/web", "a/db", true);
    expect(&team_b, "a/web", "a/db", false);
    expect(&from(json!({"namespaceSelector": {}})), "b/web", "a/db", true);
    let both = json!({"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "db"}}});
    expect(&from(both), "b/web", "a/db", false);
}

#[test]
fn address_blocks_hold_pods_by_their_addresses_of_either_family() {
    let from = |cidr: &str, except: Value| {
        cluster(ingress(json!([{"from": [{"ipBlock": {"cidr": cidr, "except": except}}]}])))
    };
    expect(&from("10.0.0.0/24", json!([])), "b/web", "a/db", true);
    expect(&from("10.0.0.0/24", json!(["10.0.0.3/32"])), "b/web", "a/db", false);
    expect(&from("fd00::/64", json!([])), "b/web", "a/db", true);
    expect(&from("fd00::/64", json!(["fd00::3/128"])), "b/web", "a/db", false);
    expect(&from("172.16.0.0/12", json!([])), "b/web", "a/db", false);
}

#[test]
fn a_connection_has_one_family_from_end_to_end() {
    let mut policies = ingress(json!([{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]));
    let out = json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "::/0"}}]}]});
    policies.as_array_mut().unwrap().push(policy("b", out));
    expect(&cluster(policies), "b/web", "a/db", false);
    let mut apart = cluster(json!([]));
    apart["pods"][0]["ips"] = json!(["10.0.0.1"]);
    apart["pods"][1]["ips"] = json!(["fd00::2"]);
    expect(&apart, "a/web", "a/db", false);
    assert_eq!(explain(&apart, "a/web", "a/db").fact, Some(Fact::NoCommonFamily));
}

#[test]
fn ports_are_tcp_unless_said_otherwise_and_ranges_have_both_ends() {
    let ports = |ports: Value| cluster(ingress(json!([{"ports": ports}])));
    let plain = ports(json!([{"port": 80}]));
    expect_port(&plain, "b/web", "a/db", (Tcp, 80), true);
    expect_port(&plain, "b/web", "a/db", (Udp, 80), false);
    let range = ports(json!([{"protocol": "SCTP", "port": 80, "endPort": 90}]));
    for (port, expected) in [(79, false), (80, true), (90, true), (91, false)] {
        expect_port(&range, "b/web", "a/db", (Sctp, port), expected);
    }
    expect_port(&range, "b/web", "a/db", (Tcp, 80), false);
    let protocol = ports(json!([{"protocol": "UDP"}]));
    expect_port(&protocol, "b/web", "a/db", (Udp, 65_535), true);
    expect_port(&protocol, "b/web", "a/db", (Tcp, 65_535), false);
    assert!(!explain(&protocol, "b/web", "a/db").reach.ports.has_other_protocols());
    assert!(explain(&ports(json!([])), "b/web", "a/db").reach.ports.is_all());
}

#[test]
fn a_port_by_name_is_the_destinations_own() {
    let into = cluster(ingress(json!([{"ports": [{"port": "http"}]}])));
    expect_port(&into, "b/web", "a/db", (Tcp, 8002), true);
    expect_port(&into, "b/web", "a/web", (Tcp, 8001), true);
    expect_port(&into, "b/web", "a/web", (Tcp, 8002), false);
    let out = cluster(egress(json!([{"ports": [{"port": "http"}]}])));
    expect_port(&out, "a/web", "b/web", (Tcp, 8003), true);
    expect_port(&out, "a/web", "b/web", (Tcp, 8001), false);
    let udp = cluster(ingress(json!([{"ports": [{"port": "http", "protocol": "UDP"}]}])));
    expect_port(&udp, "b/web", "a/db", (Udp, 8002), false);
    let absent = cluster(ingress(json!([{"ports": [{"port": "nobody"}]}])));
    expect_port(&absent, "b/web", "a/db", (Tcp, 8002), false);
}

#[test]
fn policy_types_default_to_ingress_and_to_egress_only_with_rules() {
    let bare = |spec: Value| cluster(json!([policy("a", spec)]));
    expect(&bare(json!({"podSelector": {}})), "b/web", "a/db", false);
    expect(&bare(json!({"podSelector": {}})), "a/db", "b/web", true);
    expect(&bare(json!({"podSelector": {}, "egress": []})), "a/db", "b/web", true);
    let with_rule = bare(json!({"podSelector": {}, "egress": [{"ports": [{"port": 443}]}]}));
    expect(&with_rule, "a/db", "b/web", false);
    expect(&with_rule, "b/web", "a/db", false);
    let ignored = bare(json!({"podSelector": {}, "policyTypes": ["Egress"], "ingress": []}));
    expect(&ignored, "b/web", "a/db", true);
    expect(&ignored, "a/db", "b/web", false);
}

#[test]
fn both_ends_must_agree_and_policies_add_up() {
    let mut policies = ingress(json!([{"from": [{"namespaceSelector": {}}]}]));
    let closed = json!({"podSelector": {}, "policyTypes": ["Egress"]});
    policies.as_array_mut().unwrap().push(policy("b", closed));
    expect(&cluster(policies.clone()), "b/web", "a/db", false);
    let open = json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"ports": [{"port": 80}]}]});
    policies.as_array_mut().unwrap().push(policy("b", open));
    expect(&cluster(policies.clone()), "b/web", "a/db", true);
    expect_port(&cluster(policies), "b/web", "a/db", (Tcp, 81), false);
}

#[test]
fn a_pod_reaches_itself_and_a_completed_one_nobody() {
    let closed = json!([policy("a", json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}))]);
    expect(&cluster(closed), "a/web", "a/web", true);
    let mut over = cluster(json!([]));
    over["pods"][0]["completed"] = json!(true);
    for (from, to) in [("a/web", "a/db"), ("a/db", "a/web"), ("a/web", "a/web")] {
        expect(&over, from, to, false);
        assert_eq!(explain(&over, from, to).fact, Some(Fact::Completed));
    }
}

#[test]
fn pods_on_the_hosts_network_are_known_by_their_nodes_address_alone() {
    let host = |policies: Value| {
        let mut cluster = cluster(policies);
        cluster["pods"][2]["hostNetwork"] = json!(true);
        cluster["pods"][2]["ips"] = json!([]);
        cluster["pods"][2]["nodeIps"] = json!(["192.168.0.3", "fd01::3"]);
        cluster
    };
    let by_labels = host(ingress(json!([{"from": [{"namespaceSelector": {}}]}])));
    expect(&by_labels, "b/web", "a/db", false);
    expect(&by_labels, "a/web", "a/db", true);
    expect(&host(ingress(json!([{}]))), "b/web", "a/db", true);
    let block = |cidr: &str| host(ingress(json!([{"from": [{"ipBlock": {"cidr": cidr}}]}])));
    expect(&block("192.168.0.3/32"), "b/web", "a/db", true);
    expect(&block("192.168.0.4/32"), "b/web", "a/db", false);
    let closed = json!([policy("b", json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}))]);
    expect(&host(closed.clone()), "a/web", "b/web", true);
    expect(&host(closed), "b/web", "a/web", true);
}

#[test]
fn a_node_and_its_pods_always_reach_each_other() {
    let closed = json!([policy("a", json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}))]);
    let mut same = cluster(closed);
    same["pods"][2]["hostNetwork"] = json!(true);
    same["pods"][2]["node"] = json!("node2");
    expect(&same, "b/web", "a/db", true);
    expect(&same, "a/db", "b/web", true);
    expect(&same, "b/web", "a/web", false);
    assert_eq!(explain(&same, "b/web", "a/db").fact, Some(Fact::OwnNode));
    same["pods"][2]["node"] = Value::Null;
    let answer = explain(&same, "b/web", "a/web");
    assert!(answer.reach.ports.is_empty() && answer.reach.possible.is_all());
    assert_eq!(answer.unknown[0].doubt.why, Why::NodeNotKnown);
}

#[test]
fn what_cannot_be_read_is_unknown_and_named() {
    let invalid = |spec: Value| cluster(json!([policy("a", spec)]));
    let near = json!({"matchExpressions": [{"key": "app", "operator": "Near", "values": ["x"]}]});
    let cases = [
        (json!({"podSelector": near}), "spec.podSelector", Why::InvalidSelector),
        (
            json!({"podSelector": {}, "ingress": [{"from": [{}, {"podSelector": {"matchLabels": {"app": "db"}}}]}]}),
            "spec.ingress[0].from[0]",
            Why::InvalidPeer,
        ),
        (
            json!({"podSelector": {}, "ingress": [{"from": [{"podSelector": near}]}]}),
            "spec.ingress[0].from[0].podSelector",
            Why::InvalidSelector,
        ),
        (
            json!({"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/33"}}]}]}),
            "spec.ingress[0].from[0].ipBlock",
            Why::InvalidAddress,
        ),
        (
            json!({"podSelector": {}, "ingress": [{"ports": [{"port": 90, "endPort": 80}]}]}),
            "spec.ingress[0].ports[0]",
            Why::InvalidPort,
        ),
        (
            json!({"podSelector": {}, "ingress": [{"ports": [{"port": 80, "protocol": "ICMP"}]}]}),
            "spec.ingress[0].ports[0]",
            Why::InvalidPort,
        ),
        (json!({"podSelector": {}, "policyTypes": ["Both"]}), "spec.policyTypes", Why::InvalidPolicyType),
    ];
    for (spec, field, why) in cases {
        let answer = explain(&invalid(spec), "a/web", "a/db");
        assert!(!answer.reach.is_certain(), "{field}");
        let named = answer.unknown.iter().any(|unknown| {
            unknown.policy.as_ref().unwrap().to_string() == "NetworkPolicy a/p"
                && unknown.doubt.field == field
                && unknown.doubt.why == why
        });
        assert!(named, "{field}: {:?}", answer.unknown);
    }
}

#[test]
fn a_pod_without_address_is_in_a_block_for_sure_perhaps_or_not() {
    let answer = |cidr: &str, except: Value, ranges: Value| {
        let mut cluster =
            cluster(ingress(json!([{"from": [{"ipBlock": {"cidr": cidr, "except": except}}]}])));
        cluster["pods"][2]["ips"] = json!([]);
        cluster["ranges"] = ranges;
        let reach = explain(&cluster, "b/web", "a/db").reach;
        (!reach.ports.is_empty(), !reach.possible.is_empty())
    };
    let (yes, no, maybe) = ((true, true), (false, false), (false, true));
    let known = json!({"pods": ["10.0.0.0/16", "fd00::/64"]});
    for ranges in [json!({}), known.clone()] {
        assert_eq!(answer("0.0.0.0/0", json!([]), ranges.clone()), yes);
        assert_eq!(answer("8.0.0.0/8", json!([]), ranges), no);
    }
    assert_eq!(answer("10.0.0.0/8", json!([]), known.clone()), yes);
    assert_eq!(answer("10.0.0.0/8", json!(["10.0.0.0/24"]), known.clone()), maybe);
    assert_eq!(answer("172.16.0.0/12", json!([]), known.clone()), no);
    assert_eq!(answer("2001:db8::/32", json!([]), known), no);
    assert_eq!(answer("10.0.0.0/8", json!([]), json!({})), maybe);
    assert_eq!(answer("0.0.0.0/0", json!(["169.254.0.0/16"]), json!({})), maybe);
    assert_eq!(answer("2001:db8::/32", json!([]), json!({})), maybe, "pods may have global IPv6 addresses");
}

#[test]
fn labels_of_a_namespace_that_is_not_in_the_snapshot_may_be_any() {
    let mut hidden =
        cluster(ingress(json!([{"from": [{"namespaceSelector": {"matchLabels": {"team": "b"}}}]}])));
    hidden["namespaces"].as_array_mut().unwrap().pop();
    let answer = explain(&hidden, "b/web", "a/db");
    assert!(answer.reach.ports.is_empty() && answer.reach.possible.is_all());
    assert_eq!(answer.unknown[0].doubt.why, Why::NamespaceNotKnown);
}

#[test]
fn an_explanation_names_the_policies_that_isolate_and_the_rule_that_allows() {
    let policies = ingress(json!([
        {"from": [{"podSelector": {}}]},
        {"from": [{"podSelector": {}}, {"namespaceSelector": {}}], "ports": [{"port": 80}]},
    ]));
    let answer = explain(&cluster(policies), "b/web", "a/db");
    let ingress = answer.ingress.unwrap();
    assert_eq!(ingress.isolated_by[0].to_string(), "NetworkPolicy a/p");
    assert_eq!(ingress.statements.len(), 1);
    let statement = &ingress.statements[0];
    assert_eq!((statement.rule, statement.peer, statement.certain), (1, Some(1), true));
    assert_eq!(statement.ports.to_string(), "TCP/80");
    assert!(answer.egress.unwrap().isolated_by.is_empty());

    let blocked = explain(&cluster(ingress_none()), "b/web", "a/db");
    assert_eq!(blocked.blocked_at(), [Direction::Ingress]);
    assert!(blocked.reach.is_none());
}

fn ingress_none() -> Value {
    ingress(json!([]))
}

#[test]
fn an_address_outside_is_explained_too() {
    let value =
        cluster(egress(json!([{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]}])));
    let cluster = read(&value);
    let engine = Connectivity::new(&cluster);
    let pod = End::Pod { namespace: "a", name: "web" };
    let to = |text: &str| engine.explain(pod, End::Address(text.parse().unwrap())).unwrap();
    assert!(to("1.1.1.1").reach.ports.is_all());
    assert!(to("10.9.9.9").reach.is_none());
    assert!(to("2001:db8::1").reach.is_none());
    // Addresses of pods and of the pod's own node.
    assert!(to("10.0.0.3").reach.is_none() && to("10.0.0.3").ingress.is_some());
    assert_eq!(to("192.168.0.1").fact, Some(Fact::OwnNode));
}
