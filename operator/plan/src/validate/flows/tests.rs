use super::*;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use snc_api::v1alpha1::SncBaselineSpec;

/// The tenant holds `shop` and `shop-data`, and claims every name that begins with `shop-`.
fn is_own(name: &str) -> bool {
    name == "shop" || name.starts_with("shop-")
}

fn constraints(baseline: Value) -> Constraints {
    let spec: SncBaselineSpec = serde_json::from_value(baseline).unwrap();
    let mut refusals = Vec::new();
    let constraints = crate::validate::baseline("floor", &spec, &mut refusals);
    assert_eq!(refusals, [], "the baseline itself is fine");
    constraints
}

fn platform() -> Value {
    json!({"network": {
        "allowedCIDRs": ["10.0.0.0/8", "169.254.0.0/16", "203.0.113.0/24", "2001:db8::/32", "fd00:ec2::/32", "0.0.0.0/1"],
        "deniedCIDRs": ["10.96.0.0/12"],
        "kubernetesAPI": {"cidrs": ["192.0.2.10/32"], "ports": [{"port": 6443}]},
        "sharedServices": [
            {"name": "postgres", "direction": "Egress", "namespace": "platform-db", "ports": [{"port": 5432}, {"port": 8000, "endPort": 8010}], "justification": "data"},
            {"name": "metrics", "direction": "Ingress", "namespace": "platform-monitoring", "ports": [{"port": 9090}], "justification": "scrape"},
        ],
    }})
}

fn resolve_in(flows: Value, baseline: Value) -> ResolvedFlows {
    let spec: SncPolicySpec = serde_json::from_value(json!({"network": {"flows": flows}})).unwrap();
    let constraints = constraints(baseline);
    super::flows(
        "p",
        &spec,
        &FlowContext { tenant: "shop", constraints: &constraints, is_own_namespace: &is_own },
    )
}

fn resolve_all(flows: Value) -> ResolvedFlows {
    resolve_in(flows, platform())
}

/// A sound flow with some fields replaced.
fn flow(changes: Value) -> Value {
    let mut flow = json!({
        "name": "f", "justification": "orders need it", "direction": "Egress",
        "peers": [{"pods": {}}], "ports": [{"port": 443}],
    });
    for (key, value) in changes.as_object().unwrap() {
        flow[key] = value.clone();
    }
    flow
}

fn paths(resolved: &ResolvedFlows) -> Vec<&str> {
    resolved.refusals.iter().map(|r| r.path.as_str()).collect()
}

#[test]
fn a_sound_flow_passes() {
    let resolved = resolve_all(json!([flow(json!({}))]));
    assert_eq!((resolved.flows.len(), resolved.refused(), paths(&resolved)), (1, 0, vec![]));
}

#[rstest]
// Names, words and selectors.
#[case(json!({"name": ""}), "name")]
#[case(json!({"name": "Front"}), "name")]
#[case(json!({"name": "frönt"}), "name")]
#[case(json!({"name": "front_api"}), "name")]
#[case(json!({"name": "-front"}), "name")]
#[case(json!({"name": "a".repeat(64)}), "name")]
#[case(json!({"name": "../../x"}), "name")]
#[case(json!({"justification": ""}), "justification")]
#[case(json!({"justification": " \t\n "}), "justification")]
#[case(json!({"justification": "\u{a0}\u{a0}\u{a0}"}), "justification")]
#[case(json!({"justification": "x     y"}), "justification")]
#[case(json!({"podSelector": {"matchLabels": {"app": "not ok"}}}), "podSelector.matchLabels[app]")]
#[case(json!({"podSelector": {"matchExpressions": [{"key": "app", "operator": "Gt", "values": ["1"]}]}}), "podSelector.matchExpressions[0].operator")]
#[case(json!({"podSelector": {"matchExpressions": [{"key": "", "operator": "Exists"}]}}), "podSelector.matchExpressions[0].key")]
#[case(json!({"peers": [{"pods": {"podSelector": {"matchLabels": {"é": "x"}}}}]}), "peers[0].pods.podSelector.matchLabels[é]")]
// Ports.
#[case(json!({"ports": [{"port": 0}]}), "ports[0]")]
#[case(json!({"ports": [{"port": 443}, {"port": -1}]}), "ports[1]")]
#[case(json!({"ports": [{"port": 65536}]}), "ports[0]")]
#[case(json!({"ports": [{"port": 90, "endPort": 80}]}), "ports[0]")]
#[case(json!({"ports": [{"port": 90, "endPort": 70000}]}), "ports[0]")]
#[case(json!({"ports": []}), "ports")]
#[case(json!({"ports": [], "peers": [{"cidr": {"block": "203.0.113.0/24"}}]}), "ports")]
// Peers.
#[case(json!({"peers": []}), "peers")]
#[case(json!({"peers": [{}]}), "peers[0]")]
#[case(json!({"peers": [{"pods": {}, "kubernetesAPI": {}}]}), "peers[0]")]
#[case(json!({"peers": [{"pods": {}, "cidr": {"block": "203.0.113.0/24"}}]}), "peers[0]")]
#[case(json!({"peers": [{"namespaces": {"names": []}}]}), "peers[0].namespaces.names")]
#[case(json!({"peers": [{"namespaces": {"names": ["shop-data", "rival"]}}]}), "peers[0].namespaces.names[1]")]
#[case(json!({"peers": [{"namespaces": {"names": ["nobody"]}}]}), "peers[0].namespaces.names[0]")]
#[case(json!({"peers": [{"namespaces": {"names": ["kube-system"]}}]}), "peers[0].namespaces.names[0]")]
#[case(json!({"peers": [{"namespaces": {"names": ["shop-Données"]}}]}), "peers[0].namespaces.names[0]")]
#[case(json!({"peers": [{"namespaces": {"names": ["shop-data", "shop-UP"]}}]}), "peers[0].namespaces.names[1]")]
#[case(json!({"peers": [{"namespaces": {"names": ["shop-data-"]}}]}), "peers[0].namespaces.names[0]")]
#[case(json!({"peers": [{"namespaces": {"names": [format!("shop-{}", "x".repeat(59))]}}]}), "peers[0].namespaces.names[0]")]
#[case(json!({"peers": [{"namespaces": {"names": ["shop-data"], "podSelector": {"matchLabels": {"-": "x"}}}}]}), "peers[0].namespaces.podSelector.matchLabels[-]")]
#[case(json!({"peers": [{"sharedService": {"name": "mysql"}}]}), "peers[0].sharedService.name")]
#[case(json!({"peers": [{"sharedService": {"name": "metrics"}}]}), "peers[0].sharedService.name")]
#[case(json!({"peers": [{"sharedService": {"name": "postgres"}}], "direction": "Ingress"}), "peers[0].sharedService.name")]
#[case(json!({"peers": [{"sharedService": {"name": "postgres"}}]}), "peers[0] (ports)")]
#[case(json!({"peers": [{"sharedService": {"name": "postgres"}}], "ports": [{"port": 8005, "endPort": 8011}]}), "peers[0] (ports)")]
#[case(json!({"peers": [{"sharedService": {"name": "postgres"}}], "ports": [{"port": 5432, "protocol": "UDP"}]}), "peers[0] (ports)")]
#[case(json!({"peers": [{"kubernetesAPI": {}}], "ports": [], "direction": "Ingress"}), "peers[0].kubernetesAPI")]
#[case(json!({"peers": [{"kubernetesAPI": {}}]}), "peers[0] (ports)")]
// Blocks.
#[case(json!({"peers": [{"cidr": {"block": ""}}]}), "peers[0].cidr.block")]
#[case(json!({"peers": [{"cidr": {"block": "203.0.113.0/33"}}]}), "peers[0].cidr.block")]
#[case(json!({"peers": [{"cidr": {"block": "203.0.113.0"}}]}), "peers[0].cidr.block")]
#[case(json!({"peers": [{"cidr": {"block": " 203.0.113.0/24"}}]}), "peers[0].cidr.block")]
#[case(json!({"peers": [{"cidr": {"block": "203.000.113.0/24"}}]}), "peers[0].cidr.block")]
#[case(json!({"peers": [{"cidr": {"block": "203.0.113.7/24"}}]}), "peers[0].cidr.block")]
#[case(json!({"peers": [{"cidr": {"block": "198.51.100.0/24"}}]}), "peers[0].cidr.block")]
#[case(json!({"peers": [{"cidr": {"block": "10.96.4.0/24"}}]}), "peers[0].cidr.block")]
#[case(json!({"peers": [{"cidr": {"block": "10.96.0.0/12"}}]}), "peers[0].cidr.block")]
#[case(json!({"peers": [{"cidr": {"block": "169.254.169.254/32"}}]}), "peers[0].cidr.block")]
#[case(json!({"peers": [{"cidr": {"block": "203.0.113.0/24", "except": ["203.0.114.0/28"]}}]}), "peers[0].cidr.except[0]")]
#[case(json!({"peers": [{"cidr": {"block": "203.0.113.0/24", "except": ["203.0.113.0/28", "203.0.113.0/24"]}}]}), "peers[0].cidr.except[1]")]
#[case(json!({"peers": [{"cidr": {"block": "203.0.113.0/24", "except": ["203.0.113.5/28"]}}]}), "peers[0].cidr.except[0]")]
#[case(json!({"peers": [{"cidr": {"block": "203.0.113.0/24", "except": ["203.0.113.0/25", "203.0.113.128/25"]}}]}), "peers[0].cidr.block")]
#[case(json!({"peers": [{"cidr": {"block": "203.0.113.0/24", "except": ["2001:db8::/64"]}}]}), "peers[0].cidr.except[0]")]
// IPv6.
#[case(json!({"peers": [{"cidr": {"block": "2001:db8::1/32"}}]}), "peers[0].cidr.block")]
#[case(json!({"peers": [{"cidr": {"block": "2001:db8::/129"}}]}), "peers[0].cidr.block")]
#[case(json!({"peers": [{"cidr": {"block": "fd00:ec2::254/128"}}]}), "peers[0].cidr.block")]
#[case(json!({"peers": [{"cidr": {"block": "2001:db9::/48"}}]}), "peers[0].cidr.block")]
#[case(json!({"peers": [{"cidr": {"block": "2001:db8::/32", "except": ["10.0.0.0/16"]}}]}), "peers[0].cidr.except[0]")]
fn a_refused_flow_opens_nothing_and_says_where(#[case] changes: Value, #[case] path: &str) {
    let resolved = resolve_all(json!([flow(changes)]));
    assert_eq!(paths(&resolved), [format!("spec.network.flows[0].{path}")]);
    assert_eq!(resolved.flows, [], "refused and yet open");
    assert_eq!((resolved.declared, resolved.refused()), (1, 1));
    let refusal = &resolved.refusals[0];
    assert!(!refusal.accepted.fr.is_empty() && !refusal.accepted.en.is_empty());
}

#[rstest]
#[case(json!({"peers": [{"kubernetesAPI": {}}], "ports": []}), "peers[0].kubernetesAPI")]
#[case(json!({"peers": [{"sharedService": {"name": "postgres"}}], "ports": []}), "peers[0].sharedService.name")]
// IPv4 in IPv6 clothes: some network engines would read a metadata address.
#[case(json!({"peers": [{"cidr": {"block": "::ffff:169.254.169.254/128"}}]}), "peers[0].cidr.block")]
#[case(json!({"peers": [{"cidr": {"block": "::ffff:10.0.0.0/104"}}]}), "peers[0].cidr.block")]
#[case(json!({"peers": [{"cidr": {"block": "010.0.0.0/8"}}]}), "peers[0].cidr.block")]
fn refused_without_any_baseline_too(#[case] changes: Value, #[case] path: &str) {
    let resolved = resolve_in(json!([flow(changes)]), json!({}));
    assert_eq!(paths(&resolved), [format!("spec.network.flows[0].{path}")]);
    assert_eq!(resolved.flows, []);
}

#[test]
fn every_wrong_field_of_a_flow_is_named_at_once() {
    let resolved = resolve_all(json!([flow(json!({
        "name": "Front", "justification": "", "podSelector": {"matchLabels": {"app": "é"}}, "ports": [{"port": 0}, {"port": 1}, {"port": 9, "endPort": 8}],
    }))]));
    let expected = ["name", "justification", "podSelector.matchLabels[app]", "ports[0]", "ports[2]"];
    assert_eq!(paths(&resolved), expected.map(|p| format!("spec.network.flows[0].{p}")));
}

#[test]
fn a_partly_refused_flow_keeps_its_good_peers() {
    let resolved = resolve_all(json!([flow(json!({"peers": [
        {"cidr": {"block": "198.51.100.0/24"}}, {"pods": {}}, {}, {"cidr": {"block": "10.1.0.0/16"}}, {"sharedService": {"name": "nope"}},
    ]}))]));
    let expected = ["peers[0].cidr.block", "peers[2]", "peers[4].sharedService.name"];
    assert_eq!(paths(&resolved), expected.map(|p| format!("spec.network.flows[0].{p}")));
    let peers = &resolved.flows[0].rules[0].peers;
    assert!(matches!(peers.as_slice(), [Peer::Pods(_), Peer::Block(_)]), "{peers:?}");
    assert_eq!(resolved.refused(), 0);
}

#[test]
fn a_wrong_neighbour_costs_a_flow_nothing() {
    let resolved =
        resolve_all(json!([flow(json!({"name": "a", "ports": [{"port": 0}]})), flow(json!({"name": "b"}))]));
    assert_eq!(resolved.flows.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(resolved.refused(), 1);
}

#[test]
fn of_flows_with_one_name_the_first_holds() {
    let resolved = resolve_all(json!([
        flow(json!({"name": "a"})),
        flow(json!({"name": "b"})),
        flow(json!({"name": "a"}))
    ]));
    assert_eq!(paths(&resolved), ["spec.network.flows[2].name"]);
    assert_eq!((resolved.flows.len(), resolved.refused()), (2, 1));
}

#[test]
fn five_hundred_flows_and_no_more() {
    let many =
        |n: usize| Value::from((0..n).map(|i| flow(json!({"name": format!("f{i}")}))).collect::<Vec<_>>());
    let all = resolve_all(many(500));
    assert_eq!((all.flows.len(), all.refusals.len()), (500, 0));
    for n in [501, 503] {
        let more = resolve_all(many(n));
        assert_eq!(paths(&more), ["spec.network.flows[500]"]);
        assert_eq!((more.flows.len(), more.declared, more.refused()), (500, n, n - 500));
    }
}

#[test]
fn a_block_never_reaches_metadata_or_what_the_platform_keeps() {
    let resolved = resolve_all(json!([flow(json!({"peers": [
        {"cidr": {"block": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}, {"cidr": {"block": "0.0.0.0/1"}},
    ]}))]));
    let Peer::Block(ten) = &resolved.flows[0].rules[0].peers[0] else { panic!("kind") };
    assert_eq!(
        ten.except().iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["10.1.0.0/16", "10.96.0.0/12"]
    );
    let Peer::Block(half) = &resolved.flows[0].rules[0].peers[1] else { panic!("kind") };
    assert_eq!(
        half.except().iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["10.96.0.0/12", "100.100.100.200/32"]
    );
}

#[test]
fn an_ipv6_block_gets_the_ipv6_holes() {
    let resolved = resolve_in(json!([flow(json!({"peers": [{"cidr": {"block": "::/0"}}]}))]), json!({}));
    let Peer::Block(all) = &resolved.flows[0].rules[0].peers[0] else { panic!("kind") };
    let except: Vec<_> = all.except().iter().map(ToString::to_string).collect();
    assert_eq!(except, ["fd00:ec2::/32", "fe80::/10"]);
}

#[test]
fn asking_ports_of_a_service_narrows_it() {
    let of = |ports: Value| {
        let flows = resolve_all(json!([flow(
            json!({"peers": [{"sharedService": {"name": "postgres"}}], "ports": ports})
        )]))
        .flows;
        flows[0].rules[0].ports.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(of(json!([])), ["TCP/5432", "TCP/8000-8010"]);
    assert_eq!(of(json!([{"port": 5432}])), ["TCP/5432"]);
    assert_eq!(of(json!([{"port": 8001, "endPort": 8003}])), ["TCP/8001-8003"]);
}

#[test]
fn unsafe_ports_are_found_inside_ranges() {
    let range = |first, last| PortRange::new(snc_core::flow::Protocol::Tcp, first, Some(last)).unwrap();
    assert!(
        is_unsafe_port(range(80, 80)) && is_unsafe_port(range(1, 65535)) && is_unsafe_port(range(22, 23))
    );
    assert!(!is_unsafe_port(range(443, 443)) && !is_unsafe_port(range(24, 68)));
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("10.0.0.0/8".to_owned()),
        Just("shop-data".to_owned()),
        Just("postgres".to_owned()),
        "[0-9a-f:./]{0,20}",
        ".{0,12}"
    ]
}

fn any_peer() -> impl Strategy<Value = Value> {
    (any_text(), prop::collection::vec(any_text(), 0..3), 0u8..8).prop_map(|(text, list, kind)| match kind {
        0 => json!({"pods": {"podSelector": {"matchLabels": {text: "x"}}}}),
        1 => json!({"namespaces": {"names": list}}),
        2 => json!({"sharedService": {"name": text}}),
        3 => json!({"kubernetesAPI": {}}),
        4 => json!({"cidr": {"block": text, "except": list}}),
        5 => json!({}),
        6 => json!({"pods": {}, "cidr": {"block": text}}),
        _ => json!({"pods": {}}),
    })
}

proptest! {
    #[test]
    fn no_input_panics_and_nothing_is_dropped_silently(
        name in any_text(), justification in any_text(), peers in prop::collection::vec(any_peer(), 0..4),
        ports in prop::collection::vec((any::<i32>(), prop::option::of(-5i32..70000)), 0..3), ingress: bool,
    ) {
        let ports: Vec<_> = ports.into_iter().map(|(port, end)| json!({"port": port, "endPort": end})).collect();
        let direction = if ingress { "Ingress" } else { "Egress" };
        let (count, has_ports) = (peers.len(), !ports.is_empty());
        let resolved = resolve_all(json!([{
            "name": name, "justification": justification, "direction": direction, "peers": peers, "ports": ports,
        }]));
        prop_assert!(!resolved.flows.is_empty() || !resolved.refusals.is_empty(), "dropped without a word");
        for flow in &resolved.flows {
            // An empty peer list would mean everyone, an empty port list every port.
            prop_assert!(flow.rules.iter().all(|r| !r.peers.is_empty() && !r.ports.is_empty()));
            let open: usize = flow.rules.iter().map(|r| r.peers.len()).sum();
            prop_assert!(open + resolved.refusals.len() == count || !has_ports);
        }
    }
}
