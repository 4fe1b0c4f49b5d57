use super::*;
use k8s_openapi::api::core::v1::Namespace;
use rstest::rstest;
use serde_json::json;
use snc_core::reserved::Kind;
use snc_core::tier::Level;
use snc_core::verdict::Verdict;
use snc_network::reach::IpSet;
use std::sync::Arc;

/// `shop` and `bank` are tenants; `shop` holds two namespaces, and `system` is the platform's.
fn index() -> Index {
    let mut index = Index::default();
    for (name, tenant) in
        [("shop", Some("shop")), ("shop-test", Some("shop")), ("bank", Some("bank")), ("system", None)]
    {
        let mut labels = json!({"kubernetes.io/metadata.name": name});
        if let Some(tenant) = tenant {
            labels[LABEL_TENANT] = json!(tenant);
        }
        let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": name, "uid": name,
            "resourceVersion": "1", "labels": labels}}))
        .unwrap();
        index.apply_namespace(&namespace);
    }
    for (name, owner) in [("shop", "alice"), ("bank", "bruno")] {
        let spec = json!({"level": "Standard", "namespacePrefixes": [format!("{name}-")],
            "owners": [{"kind": "User", "name": owner}, {"kind": "Group", "name": format!("{name}-team")}]});
        let tenant = json!({"apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncTenant",
            "metadata": {"name": name}, "spec": spec});
        index.apply_tenant(name, Ok(Arc::new(serde_json::from_value(tenant).unwrap())));
    }
    index
}

fn hosts() -> Hosts {
    let mut hosts = Hosts::default();
    for (namespace, name) in [
        ("bank", "online.bank.example"),
        ("bank", "*.pay.example"),
        ("system", "api.example"),
        ("shop", "shop.example"),
    ] {
        hosts.apply(("Ingress", namespace.to_owned(), name.to_owned()), [name.to_owned()]);
    }
    hosts
}

fn said(object: Value, before: Value) -> Outcome {
    let (index, hosts) = (index(), hosts());
    let inside = IpSet::block("10.244.0.0/16".parse().unwrap(), &[]);
    let addresses = Addresses { inside, ..Addresses::default() };
    let images = Images::default();
    let mut reserved = Reserved::default();
    reserved.apply(Kind::PriorityClass, "urgent".to_owned(), Some("bank".to_owned()));
    let others = Ok(Others {
        index: &index,
        hosts: &hosts,
        addresses: &addresses,
        reserved: &reserved,
        images: Some(&images),
        signatures: None,
        home: "snc-system",
        now: "2026-11-22T12:00:00Z".parse().unwrap(),
    });
    let kind = kind(&object);
    let written = Written { tenant: "shop", namespace: "shop", object: &object, before: &before };
    let profile = Profile::new(Level::Essentiel);
    judge(&kind, &profile, &written, &others).remove(0).outcome
}

fn kind(object: &Value) -> String {
    let group = object["apiVersion"].as_str().unwrap().split_once('/').map_or("core", |(group, _)| group);
    format!("{group}/{}", object["kind"].as_str().unwrap())
}

fn binding(subjects: Value) -> Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "b", "namespace": "shop"}, "subjects": subjects})
}

#[rstest]
#[case(json!({"kind": "ServiceAccount", "name": "web"}), Verdict::Pass)]
#[case(json!({"kind": "ServiceAccount", "name": "web", "namespace": "shop-test"}), Verdict::Pass)]
#[case(json!({"kind": "ServiceAccount", "name": "web", "namespace": "shop-later"}), Verdict::Pass)]
#[case(json!({"kind": "ServiceAccount", "name": "backup", "namespace": "system"}), Verdict::Pass)]
#[case(json!({"kind": "ServiceAccount", "name": "web", "namespace": "bank"}), Verdict::Fail)]
#[case(json!({"kind": "ServiceAccount", "name": "web", "namespace": "bank-later"}), Verdict::Fail)]
#[case(json!({"kind": "ServiceAccount", "name": "web", "namespace": "nowhere"}), Verdict::Unknown)]
#[case(json!({"kind": "User", "name": "system:serviceaccount:bank:web"}), Verdict::Fail)]
#[case(json!({"kind": "User", "name": "system:serviceaccount:shop:web"}), Verdict::Pass)]
#[case(json!({"kind": "Group", "name": "system:serviceaccounts:bank"}), Verdict::Fail)]
#[case(json!({"kind": "Group", "name": "system:serviceaccounts"}), Verdict::Fail)]
#[case(json!({"kind": "Group", "name": "system:authenticated"}), Verdict::Fail)]
#[case(json!({"kind": "Group", "name": "system:unauthenticated"}), Verdict::Fail)]
#[case(json!({"kind": "User", "name": "system:anonymous"}), Verdict::Fail)]
#[case(json!({"kind": "User", "name": "alice"}), Verdict::Pass)]
#[case(json!({"kind": "User", "name": "carol"}), Verdict::Pass)]
#[case(json!({"kind": "User", "name": "bruno"}), Verdict::Fail)]
#[case(json!({"kind": "Group", "name": "bank-team"}), Verdict::Fail)]
fn rights_stay_with_the_tenant(#[case] subject: Value, #[case] verdict: Verdict) {
    let fine = json!({"kind": "ServiceAccount", "name": "own"});
    let outcome = said(binding(json!([fine, subject])), Value::Null);
    assert_eq!(outcome.verdict, verdict, "{subject}: {}", outcome.message.en);
    if verdict != Verdict::Pass {
        assert_eq!(outcome.paths, ["subjects[1]"]);
        let before = binding(json!([subject]));
        let kept = said(binding(json!([fine, subject])), before);
        assert_eq!(kept.verdict, Verdict::Pass, "it was there before");
    }
}

fn policy(spec: Value) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "shop"}, "spec": spec})
}

fn ingress_from(peer: Value) -> Value {
    policy(json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [peer]}]}))
}

#[rstest]
#[case(json!({"podSelector": {}}), Verdict::Pass)]
#[case(json!({"namespaceSelector": {"matchLabels": {"secnumcloud.dev/tenant": "shop"}}}), Verdict::Pass)]
#[case(json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "system"}}}), Verdict::Pass)]
#[case(json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "bank"}}}), Verdict::Fail)]
#[case(json!({"namespaceSelector": {}}), Verdict::Fail)]
#[case(json!({"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "x"}}}), Verdict::Fail)]
#[case(json!({"ipBlock": {"cidr": "192.0.2.0/24"}}), Verdict::Pass)]
#[case(json!({"ipBlock": {"cidr": "10.0.0.0/8"}}), Verdict::Fail)]
fn a_policy_opens_to_nobody_but_the_tenant(#[case] peer: Value, #[case] verdict: Verdict) {
    let outcome = said(ingress_from(peer.clone()), Value::Null);
    assert_eq!(outcome.verdict, verdict, "{peer}: {}", outcome.message.en);
    let egress = policy(json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [peer]}]}));
    assert_eq!(said(egress, Value::Null).verdict, verdict);
}

#[test]
fn of_a_policy_only_what_it_opens_anew_counts() {
    let bank = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "bank"}}});
    let open = ingress_from(bank.clone());
    let mut annotated = open.clone();
    annotated["metadata"]["annotations"] = json!({"a": "b"});
    assert_eq!(said(annotated, open.clone()).verdict, Verdict::Pass);
    let mut other_pods = open.clone();
    other_pods["spec"]["podSelector"] = json!({"matchLabels": {"app": "db"}});
    assert_eq!(said(other_pods, open.clone()).verdict, Verdict::Fail, "other pods are opened");
    let everyone = policy(json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}));
    assert_eq!(said(everyone, open).verdict, Verdict::Fail);
}

fn publishes(kind: &str, names: &[&str]) -> Value {
    match kind {
        "Ingress" => json!({"apiVersion": "networking.k8s.io/v1", "kind": kind, "metadata": {"name": "i"},
            "spec": {"rules": names.iter().map(|name| json!({"host": name})).collect::<Vec<_>>()}}),
        _ => json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": kind, "metadata": {"name": "i"},
            "spec": {"hostnames": names}}),
    }
}

#[rstest]
#[case("www.shop.example", Verdict::Pass)]
#[case("shop.example", Verdict::Pass)]
#[case("Online.Bank.Example", Verdict::Fail)]
#[case("*.bank.example", Verdict::Fail)]
#[case("one.pay.example", Verdict::Fail)]
#[case("api.example", Verdict::Fail)]
fn a_name_belongs_to_whoever_has_it(#[case] name: &str, #[case] verdict: Verdict) {
    for kind in ["Ingress", "HTTPRoute", "GRPCRoute", "TLSRoute"] {
        let outcome = said(publishes(kind, &["own.example", name]), Value::Null);
        assert_eq!(outcome.verdict, verdict, "{kind} {name}: {}", outcome.message.en);
        let kept = said(publishes(kind, &["own.example", name]), publishes(kind, &[name]));
        assert_eq!(kept.verdict, Verdict::Pass, "it was there before");
    }
    let mut secure = publishes("Ingress", &["own.example"]);
    secure["spec"]["tls"] = json!([{"hosts": [name]}]);
    assert_eq!(said(secure, Value::Null).verdict, verdict, "{name} by its certificate");
}

fn urgent(class: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"priorityClassName": class}})
}

#[test]
fn what_is_kept_for_another_is_not_asked_for_anew() {
    assert_eq!(said(urgent("urgent"), Value::Null).verdict, Verdict::Fail);
    assert_eq!(said(urgent("urgent"), urgent("normal")).verdict, Verdict::Fail);
    assert_eq!(said(urgent("urgent"), urgent("urgent")).verdict, Verdict::Pass);
    assert_eq!(said(urgent("normal"), Value::Null).verdict, Verdict::Pass);
    let broken = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": "none"});
    assert_eq!(said(broken, Value::Null).verdict, Verdict::Unknown);
}

#[test]
fn where_nothing_is_known_of_others_only_what_asks_for_something_is_unknown() {
    let judged = |object: Value| {
        let written = Written { tenant: "shop", namespace: "shop", object: &object, before: &Value::Null };
        judge(
            &kind(&object),
            &Profile::new(Level::Essentiel),
            &written,
            &Err(Text::new("trop vieux", "too old")),
        )
        .remove(0)
        .outcome
        .verdict
    };
    assert_eq!(judged(urgent("urgent")), Verdict::Unknown);
    let mut plain = urgent("urgent");
    plain["spec"] = json!({"containers": []});
    assert_eq!(judged(plain), Verdict::Pass);
    assert_eq!(judged(publishes("Ingress", &["a.example"])), Verdict::Unknown);
}
