//! What callers read: openings and isolation of a namespace, the matrix of workloads, the world outside.

use serde_json::{Value, json};
use snc_core::flow::Direction::{Egress, Ingress};
use snc_network::reach::{Area, Cluster, Connectivity, Peers, Why};

fn cluster(policies: Value, cluster_policies: Value, ranges: Value) -> Cluster {
    let pod = |namespace: &str, name: &str, number: u8| {
        json!({
            "namespace": namespace, "name": format!("{name}-0"), "labels": {"app": name}, "node": "node1",
            "owner": {"kind": "Deployment", "name": name}, "ips": [format!("10.0.0.{number}")],
            "ports": [{"name": "http", "containerPort": 8000 + u16::from(number)}],
        })
    };
    let value = json!({
        "namespaces": [
            {"name": "a", "labels": {"team": "a"}}, {"name": "b", "labels": {"team": "b"}},
            {"name": "c", "labels": {"team": "b"}},
        ],
        "pods": [pod("a", "web", 1), pod("a", "db", 2), pod("b", "web", 3)],
        "policies": policies, "clusterPolicies": cluster_policies, "ranges": ranges,
    });
    serde_json::from_value(value).unwrap()
}

fn in_a(spec: Value) -> Value {
    json!([{"namespace": "a", "name": "p", "spec": spec}])
}

fn texts(areas: &[Area]) -> Vec<String> {
    areas.iter().map(|area| format!("{} on {}", area.addresses, area.reach.ports)).collect()
}

#[test]
fn openings_are_the_peers_of_rules_with_their_namespaces_and_ports() {
    let spec = json!({
        "podSelector": {"matchLabels": {"app": "db"}},
        "ingress": [
            {"from": [{"namespaceSelector": {"matchLabels": {"team": "b"}}}, {"podSelector": {}}], "ports": [{"port": "http"}]},
            {"from": [{"ipBlock": {"cidr": "10.1.0.0/16", "except": ["10.1.2.0/24"]}}]},
            {"ports": [{"port": 443}]},
        ],
    });
    let cluster = cluster(in_a(spec), json!([]), json!({}));
    let engine = Connectivity::new(&cluster);
    let openings = engine.openings("a", Ingress);
    assert_eq!(openings.len(), 4);
    assert!(
        openings
            .iter()
            .all(|o| o.subject.pods == 1 && o.subject.example == Some("db-0") && o.unknown.is_empty())
    );
    let Peers::Pods { namespace_selector, namespaces, possible_namespaces, .. } = &openings[0].peers else {
        panic!("pods")
    };
    assert!(namespace_selector.is_some() && possible_namespaces.is_empty());
    assert_eq!(*namespaces, ["b", "c"]);
    assert_eq!(
        (openings[0].ports.to_string().as_str(), &openings[0].named_ports[..]),
        ("TCP/8002", &["http"][..])
    );
    let Peers::Pods { namespace_selector: None, namespaces, .. } = &openings[1].peers else { panic!("own") };
    assert_eq!((openings[1].rule, openings[1].peer, &namespaces[..]), (0, Some(1), &["a"][..]));
    let Peers::Blocks { blocks, except, addresses } = &openings[2].peers else { panic!("block") };
    assert_eq!(
        (blocks[0].to_string().as_str(), except[0].to_string().as_str()),
        ("10.1.0.0/16", "10.1.2.0/24")
    );
    assert!(!addresses.contains("10.1.2.3".parse().unwrap()) && openings[2].ports.is_all());
    assert_eq!((&openings[3].peers, openings[3].peer), (&Peers::Everyone, None));
    assert_eq!(openings[3].ports.to_string(), "TCP/443");
    assert!(engine.openings("a", Egress).is_empty() && engine.openings("b", Ingress).is_empty());
    assert!(engine.openings("nowhere", Ingress).is_empty());
}

#[test]
fn a_port_by_name_of_egress_is_what_the_peers_say() {
    let spec = json!({
        "podSelector": {}, "policyTypes": ["Egress"],
        "egress": [{"to": [{"namespaceSelector": {"matchLabels": {"team": "b"}}}], "ports": [{"port": "http"}]}],
    });
    let cluster = cluster(in_a(spec), json!([]), json!({}));
    let engine = Connectivity::new(&cluster);
    assert_eq!(engine.openings("a", Egress)[0].ports.to_string(), "TCP/8003");
}

#[test]
fn a_policy_without_pods_yet_is_an_opening_for_those_to_come() {
    let spec = json!({"podSelector": {"matchLabels": {"app": "later"}}, "ingress": [{}]});
    let cluster = cluster(in_a(spec), json!([]), json!({}));
    let engine = Connectivity::new(&cluster);
    let openings = engine.openings("a", Ingress);
    assert_eq!((openings.len(), openings[0].subject.pods), (1, 0));
}

#[test]
fn accepting_rules_of_cluster_policies_are_openings_too() {
    let accept = json!([{"name": "admin", "spec": {
        "tier": "Admin", "priority": 3, "subject": {"namespaces": {"matchLabels": {"team": "a"}}},
        "ingress": [{"action": "Deny", "from": [{"namespaces": {}}]}, {"action": "Accept", "from": [{"namespaces": {}}]}],
        "egress": [{"action": "Accept", "to": [{"domainNames": ["example.org"]}]}],
    }}]);
    let cluster = cluster(in_a(json!({"podSelector": {}})), accept, json!({}));
    let engine = Connectivity::new(&cluster);
    let openings = engine.openings("a", Ingress);
    assert_eq!(openings.len(), 1);
    assert_eq!(
        (openings[0].policy.to_string().as_str(), openings[0].rule),
        ("ClusterNetworkPolicy admin", 1)
    );
    let egress = engine.openings("a", Egress);
    assert_eq!(egress[0].peers, Peers::Unclear);
    assert_eq!(egress[0].unknown[0].doubt.why, Why::DomainNames);
    assert!(engine.openings("b", Ingress).is_empty());
}

#[test]
fn a_cluster_policy_for_a_namespace_without_pods_opens_it_for_those_to_come() {
    let accept = json!([{"name": "admin", "spec": {
        "tier": "Admin", "priority": 3, "subject": {"namespaces": {"matchLabels": {"team": "b"}}},
        "ingress": [{"action": "Accept", "from": [{"namespaces": {}}]}],
    }}]);
    let cluster = cluster(json!([]), accept, json!({}));
    let engine = Connectivity::new(&cluster);
    assert_eq!(engine.openings("c", Ingress)[0].subject.pods, 0);
    assert_eq!(engine.openings("b", Ingress)[0].subject.pods, 1);
    assert!(engine.openings("a", Ingress).is_empty());
}

#[test]
fn an_opening_that_cannot_be_read_says_so() {
    let spec = json!({"podSelector": {}, "ingress": [
        {"from": [{"ipBlock": {"cidr": "10.0.0.0/33"}}]},
        {"from": [{"namespaceSelector": {"matchExpressions": [{"key": "team", "operator": "Near"}]}}]},
    ]});
    let cluster = cluster(in_a(spec), json!([]), json!({}));
    let engine = Connectivity::new(&cluster);
    let openings = engine.openings("a", Ingress);
    assert_eq!(openings[0].peers, Peers::Unclear);
    let Peers::Pods { namespaces, possible_namespaces, .. } = &openings[1].peers else { panic!("pods") };
    assert!(namespaces.is_empty());
    assert_eq!(*possible_namespaces, ["a", "b", "c"]);
    assert!(openings.iter().all(|opening| opening.unknown.len() == 1));
}

#[test]
fn isolation_holds_when_every_pod_is_selected_and_names_one_that_is_not() {
    let one = cluster(in_a(json!({"podSelector": {"matchLabels": {"app": "db"}}})), json!([]), json!({}));
    let engine = Connectivity::new(&one);
    let isolation = engine.isolation("a", Ingress);
    assert_eq!((isolation.pods, isolation.isolated, isolation.open), (2, 1, Some("web-0")));
    assert!(!isolation.holds() && !engine.isolation("a", Egress).holds());
    let mut all = cluster(in_a(json!({"podSelector": {}})), json!([]), json!({}));
    let isolation = |namespace| Connectivity::new(&all).isolation(namespace, Ingress).by_default;
    assert!(isolation("a") && !isolation("b") && !isolation("c"));
    assert!(!engine.isolation("a", Ingress).by_default);
    assert!(Connectivity::new(&all).isolation("a", Ingress).holds());
    all.pods[0].host_network = true;
    let engine = Connectivity::new(&all);
    assert_eq!(engine.isolation("a", Ingress).host_network, Some("web-0"));
    assert!(!engine.isolation("a", Ingress).holds());
    let doubtful = cluster(in_a(json!({"podSelector": {}, "policyTypes": ["Both"]})), json!([]), json!({}));
    let engine = Connectivity::new(&doubtful);
    assert!(!engine.isolation("a", Egress).holds() && engine.isolation("a", Egress).uncertain.is_some());
}

#[test]
fn pairs_are_the_edges_of_the_matrix() {
    let spec = json!({
        "podSelector": {"matchLabels": {"app": "db"}},
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}], "ports": [{"port": 5432}]}],
    });
    let cluster = cluster(in_a(spec), json!([]), json!({}));
    let engine = Connectivity::new(&cluster);
    let edges: Vec<_> = engine.pairs().map(|p| format!("{} > {}: {}", p.from, p.to, p.reach.ports)).collect();
    assert_eq!(
        edges,
        [
            "a/Deployment/db > a/Deployment/web: *",
            "a/Deployment/db > b/Deployment/web: *",
            "a/Deployment/web > a/Deployment/db: TCP/5432",
            "a/Deployment/web > b/Deployment/web: *",
            "b/Deployment/web > a/Deployment/web: *",
        ]
    );
}

#[test]
fn the_world_outside_is_disjoint_blocks_with_ports() {
    let spec = json!({
        "podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Egress"],
        "egress": [
            {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["128.0.0.0/1"]}}], "ports": [{"port": 443}]},
            {"to": [{"ipBlock": {"cidr": "64.0.0.0/2"}}], "ports": [{"port": 80}]},
            {"to": [{"namespaceSelector": {}}]},
        ],
    });
    let ranges = json!({"pods": ["0.0.0.0/2"]});
    let known = cluster(in_a(spec.clone()), json!([]), ranges);
    let worlds: Vec<_> = Connectivity::new(&known).world().collect();
    assert_eq!(worlds[1].workload.to_string(), "a/Deployment/web");
    assert_eq!(texts(&worlds[1].egress), ["64.0.0.0/2 on TCP/80, TCP/443"]);
    assert_eq!(texts(&worlds[1].ingress), ["64.0.0.0/2, 128.0.0.0/1, ::/0 on *"]);
    let unknown = cluster(in_a(spec), json!([]), json!({}));
    let worlds: Vec<_> = Connectivity::new(&unknown).world().collect();
    assert_eq!(texts(&worlds[1].egress), ["0.0.0.0/2 on TCP/443", "64.0.0.0/2 on TCP/80, TCP/443"]);
    assert_eq!(texts(&worlds[2].egress), ["0.0.0.0/0, ::/0 on *"]);
}
