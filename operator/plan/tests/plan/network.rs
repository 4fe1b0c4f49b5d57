//! What is said of a namespace's traffic when policies of others, pods and the cluster come into it.

use crate::support::Cluster;
use ipnet::IpNet;
use rstest::rstest;
use serde_json::{Value, json};
use snc_core::lang::Lang;
use snc_network::audit::{Addresses, What};
use snc_network::effective::Effective as State;
use snc_network::reach::{ClusterPolicy, IpSet};

/// `shop` is isolated; `shop-data` is the same tenant's, `rival-app` another's, `platform-db` nobody's.
fn shop(flows: &Value) -> Cluster {
    let mut cluster = Cluster::new(Lang::En);
    cluster.baseline(
        "floor",
        &json!({"modes": {"isolation": "Enforce"}, "network": {
            "deniedCIDRs": ["10.96.0.0/12"],
            "kubernetesAPI": {"cidrs": ["192.0.2.10/32"], "ports": [{"port": 6443}]},
            "sharedServices": [{"name": "postgres", "direction": "Egress", "namespace": "platform-db",
                "podSelector": {"matchLabels": {"app": "pg"}}, "ports": [{"port": 5432}], "justification": "data"}],
        }}),
    );
    cluster.tenant("shop", &json!({"level": "Standard", "namespaces": ["shop", "shop-data"]}));
    cluster.tenant("rival", &json!({"level": "Standard", "namespaces": ["rival-app"]}));
    for namespace in ["shop", "shop-data", "rival-app", "platform-db"] {
        cluster.namespace(namespace);
        cluster.settle(namespace);
    }
    cluster.policy("shop", "p", &json!({"network": {"flows": flows}}));
    cluster.settle("shop");
    cluster
}

fn addresses(block: &str) -> IpSet {
    [block.parse::<IpNet>().unwrap()].into_iter().collect()
}

fn state(cluster: &Cluster) -> State {
    cluster.plan("shop").report.unwrap().network.state
}

fn findings(cluster: &Cluster) -> Vec<String> {
    cluster.plan("shop").report.unwrap().network.findings.into_iter().map(|text| text.en).collect()
}

fn breaches(cluster: &Cluster) -> Vec<(What, String)> {
    match state(cluster) {
        State::Opened(breaches) => breaches.into_iter().map(|b| (b.what, b.to)).collect(),
        other => panic!("{other:?}"),
    }
}

fn flow(name: &str, rest: &Value) -> Value {
    let mut flow =
        json!({"name": name, "justification": "orders", "direction": "Egress", "ports": [{"port": 443}]});
    flow.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    flow
}

fn ingress(from: &Value) -> Value {
    json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": from, "ports": [{"port": 443}]}]})
}

fn egress(to: &Value) -> Value {
    json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": to, "ports": [{"port": 443}]}]})
}

#[test]
fn an_opening_to_everyone_is_disproof_and_stays_untouched() {
    let mut cluster = shop(&json!([]));
    cluster.foreign_network_policy("shop", "opening");
    let before = cluster.objects.clone();
    assert_eq!(breaches(&cluster), [(What::Everyone, "*".to_owned())]);
    assert!(cluster.plan("shop").steps.is_empty());
    assert_eq!(cluster.objects, before);
}

#[rstest]
#[case::another_tenant(ingress(&json!([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "rival-app"}}}])), What::OtherTenant, "rival-app")]
#[case::platform(egress(&json!([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "platform-db"}}}])), What::Platform, "platform-db")]
#[case::network(egress(&json!([{"ipBlock": {"cidr": "198.51.100.0/24"}}])), What::Network, "198.51.100.0/24")]
#[case::metadata(egress(&json!([{"ipBlock": {"cidr": "169.254.169.254/32"}}])), What::Metadata, "169.254.169.254/32")]
#[case::api(egress(&json!([{"ipBlock": {"cidr": "192.0.2.10/32"}}])), What::ControlPlane, "192.0.2.10/32")]
#[case::nodes(ingress(&json!([{"ipBlock": {"cidr": "192.0.2.128/25"}}])), What::Nodes, "192.0.2.200/32")]
#[case::ipv6(egress(&json!([{"ipBlock": {"cidr": "2001:db8::/32"}}])), What::Network, "2001:db8::/32")]
fn an_opening_is_named_for_what_it_reaches(#[case] spec: Value, #[case] what: What, #[case] to: &str) {
    let mut cluster = shop(&json!([]));
    cluster.facts.addresses = Addresses {
        control_plane: addresses("192.0.2.10/32"),
        nodes: addresses("192.0.2.200/32"),
        inside: Addresses::default().inside,
    };
    cluster.foreign_spec("shop", "extra", &spec);
    let found = breaches(&cluster);
    assert!(found.contains(&(what, to.to_owned())), "{found:?}");
}

#[test]
fn every_namespace_selected_is_another_tenants_too() {
    let mut cluster = shop(&json!([]));
    cluster.foreign_spec("shop", "all", &ingress(&json!([{"namespaceSelector": {}}])));
    let found = breaches(&cluster);
    assert_eq!(found[0], (What::OtherTenant, "rival-app".to_owned()), "{found:?}");
}

#[test]
fn what_stays_within_the_tenant_is_told_and_is_no_disproof() {
    let mut cluster = shop(&json!([]));
    let own = json!([{"namespaceSelector": {"matchLabels": {"secnumcloud.dev/tenant": "shop"}}}, {"podSelector": {}}]);
    cluster.foreign_spec("shop", "chart", &ingress(&own));
    assert!(matches!(state(&cluster), State::AsPlanned { others: 1, .. }), "{:?}", state(&cluster));
    assert_eq!(findings(&cluster), ["chart: opens flows within the tenant that nothing declares"]);
}

#[test]
fn a_policy_that_says_no_more_than_what_is_declared_changes_nothing() {
    let flows = json!([
        flow("db", &json!({"peers": [{"sharedService": {"name": "postgres"}}], "ports": []})),
        flow("bank", &json!({"peers": [{"cidr": {"block": "198.51.100.0/24"}}]})),
    ]);
    let mut cluster = shop(&flows);
    cluster.foreign_spec("shop", "bank", &egress(&json!([{"ipBlock": {"cidr": "198.51.100.7/32"}}])));
    cluster.foreign_spec("shop", "db", &json!({"podSelector": {"matchLabels": {"app": "api"}}, "policyTypes": ["Egress"], "egress": [{
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "platform-db"}}, "podSelector": {"matchLabels": {"app": "pg"}}}],
        "ports": [{"port": 5432}],
    }]}));
    assert!(matches!(state(&cluster), State::AsPlanned { others: 2, .. }), "{:?}", state(&cluster));
}

#[rstest]
#[case::another_port(json!([{"port": 444}]))]
#[case::all_ports(json!([]))]
#[case::a_name(json!([{"port": "https"}]))]
#[case::another_protocol(json!([{"port": 443, "protocol": "UDP"}]))]
fn a_declared_network_on_other_ports_is_undeclared(#[case] ports: Value) {
    let mut cluster =
        shop(&json!([flow("bank", &json!({"peers": [{"cidr": {"block": "198.51.100.0/24"}}]}))]));
    let spec = json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}], "ports": ports}]});
    cluster.foreign_spec("shop", "bank", &spec);
    assert_eq!(breaches(&cluster), [(What::Network, "198.51.100.0/24".to_owned())]);
}

#[test]
fn a_flow_for_some_pods_does_not_cover_an_opening_for_all() {
    let flows = json!([flow(
        "bank",
        &json!({
            "podSelector": {"matchLabels": {"app": "api"}}, "peers": [{"cidr": {"block": "198.51.100.0/24"}}],
        })
    )]);
    let mut cluster = shop(&flows);
    cluster.foreign_spec("shop", "bank", &egress(&json!([{"ipBlock": {"cidr": "198.51.100.0/24"}}])));
    assert_eq!(breaches(&cluster).len(), 1);
}

#[test]
fn what_cannot_be_judged_is_unknown_by_name() {
    let mut cluster = shop(&json!([]));
    let odd = json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"namespaceSelector": {
        "matchExpressions": [{"key": "a", "operator": "Resembles", "values": ["b"]}]}}]}]});
    cluster.foreign_spec("shop", "odd", &odd);
    let found = state(&cluster);
    assert!(!matches!(found, State::AsPlanned { .. }), "{found:?}");
    assert!(findings(&cluster).iter().any(|f| f.contains("odd")), "{:?}", findings(&cluster));
}

#[test]
fn a_policy_that_only_denies_adds_nothing() {
    let mut cluster = shop(&json!([]));
    cluster.foreign_spec("shop", "deny", &json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}));
    assert!(matches!(state(&cluster), State::AsPlanned { others: 1, .. }));
    assert_eq!(findings(&cluster), Vec::<String>::new());
}

#[test]
fn pods_on_the_nodes_network_are_a_certain_hole_and_ports_of_nodes_a_doubt() {
    let mut cluster = shop(&json!([]));
    cluster.pod_as(
        "shop",
        "web",
        &json!({}),
        &json!({"containers": [{"ports": [{"containerPort": 80, "hostPort": 8080}]}]}),
    );
    assert!(matches!(state(&cluster), State::HostPort(names) if names.to_string() == "web"));
    cluster.pod("shop", "host", true);
    assert!(matches!(state(&cluster), State::HostNetwork(names) if names.to_string() == "host"));
    cluster.delete_pod("shop", "host");
    cluster.delete_pod("shop", "web");
    assert!(matches!(state(&cluster), State::AsPlanned { .. }));
}

#[test]
fn a_kind_that_we_cannot_read_makes_the_answer_unknown() {
    let mut cluster = shop(&json!([]));
    cluster.facts.unmodelled = vec!["cilium.io".into()];
    assert!(matches!(state(&cluster), State::Unmodelled(_)));
}

#[test]
fn a_cluster_policy_that_lets_others_in_is_disproof() {
    let mut cluster = shop(&json!([]));
    cluster.pod("shop", "web", false);
    cluster.facts.policies = vec![ClusterPolicy {
        name: "monitoring".into(),
        spec: json!({"tier": "Admin", "priority": 10, "subject": {"namespaces": {}}, "ingress": [
            {"name": "all", "action": "Accept", "from": [{"namespaces": {"matchLabels": {"kubernetes.io/metadata.name": "rival-app"}}}]},
        ]}),
    }];
    let found = state(&cluster);
    assert!(
        matches!(&found, State::Opened(b) if b[0].opened_by == "ClusterNetworkPolicy monitoring"),
        "{found:?}"
    );
}

#[test]
fn a_declared_flow_over_the_clusters_own_addresses_is_disproof() {
    let mut cluster = shop(&json!([flow("internet", &json!({"peers": [{"cidr": {"block": "0.0.0.0/0"}}]}))]));
    assert!(matches!(state(&cluster), State::AsPlanned { .. }), "the baseline names ranges");
    cluster.facts.addresses.nodes = addresses("203.0.113.9/32");
    let State::Opened(found) = state(&cluster) else { panic!("a node is reached") };
    assert_eq!(
        (found[0].what, found[0].opened_by.as_str(), found[0].to.as_str()),
        (What::Nodes, "internet", "203.0.113.9/32")
    );
}

#[test]
fn a_flow_for_no_pod_is_told() {
    let flows = json!([flow(
        "bank",
        &json!({
            "podSelector": {"matchLabels": {"app": "api"}}, "peers": [{"cidr": {"block": "198.51.100.0/24"}}],
        })
    )]);
    let mut cluster = shop(&flows);
    assert_eq!(findings(&cluster), Vec::<String>::new(), "nothing runs yet");
    cluster.pod_as("shop", "web", &json!({"app": "web"}), &json!({}));
    assert_eq!(findings(&cluster), ["flow bank: for no pod of the namespace"]);
    cluster.pod_as("shop", "api", &json!({"app": "api"}), &json!({}));
    assert_eq!(findings(&cluster), Vec::<String>::new());
}

#[test]
fn a_flow_that_the_other_end_does_not_let_in_is_told_until_it_does() {
    let out = flow("to-data", &json!({"peers": [{"namespaces": {"names": ["shop-data"]}}]}));
    let mut cluster = shop(&json!([out]));
    cluster.pod_as("shop", "web", &json!({"app": "web"}), &json!({}));
    assert_eq!(findings(&cluster), Vec::<String>::new(), "nobody is there");
    cluster.pod_as("shop-data", "db", &json!({"app": "db"}), &json!({}));
    assert_eq!(
        findings(&cluster),
        ["flow to-data: declared here, stopped at the other end (for example shop-data/db)"]
    );

    let back =
        flow("from-shop", &json!({"direction": "Ingress", "peers": [{"namespaces": {"names": ["shop"]}}]}));
    cluster.policy("shop-data", "p", &json!({"network": {"flows": [back]}}));
    assert_eq!(findings(&cluster), Vec::<String>::new());
    let elsewhere = flow(
        "from-shop",
        &json!({
            "direction": "Ingress", "ports": [{"port": 80}], "peers": [{"namespaces": {"names": ["shop"]}}],
        }),
    );
    cluster.policy("shop-data", "p", &json!({"network": {"flows": [elsewhere]}}));
    assert_eq!(findings(&cluster).len(), 1, "another port");
}

#[test]
fn a_flow_between_pods_of_the_namespace_needs_both_ends() {
    let out = flow("out", &json!({"peers": [{"pods": {}}]}));
    let mut cluster = shop(&json!([out]));
    cluster.pod_as("shop", "a", &json!({"app": "a"}), &json!({}));
    assert_eq!(
        findings(&cluster),
        Vec::<String>::new(),
        "a pod always reaches itself, and there is no other"
    );
    cluster.pod_as("shop", "b", &json!({"app": "a"}), &json!({}));
    assert_eq!(findings(&cluster).len(), 1);
    let into = flow("in", &json!({"direction": "Ingress", "peers": [{"pods": {}}]}));
    cluster.policy("shop", "p", &json!({"network": {"flows": [out, into]}}));
    assert_eq!(findings(&cluster), Vec::<String>::new());
}

#[test]
fn a_policy_of_others_at_the_other_end_lets_a_flow_in() {
    let out = flow("to-data", &json!({"peers": [{"namespaces": {"names": ["shop-data"]}}]}));
    let mut cluster = shop(&json!([out]));
    cluster.pod_as("shop", "web", &json!({"app": "web"}), &json!({}));
    cluster.pod_as("shop-data", "db", &json!({"app": "db"}), &json!({}));
    assert_eq!(findings(&cluster).len(), 1);
    let own = json!([{"namespaceSelector": {"matchLabels": {"secnumcloud.dev/tenant": "shop"}}}]);
    cluster.foreign_spec("shop-data", "chart", &ingress(&own));
    assert_eq!(findings(&cluster), Vec::<String>::new());
}
