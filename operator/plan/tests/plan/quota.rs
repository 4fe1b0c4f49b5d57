//! Shares of the tenant's total, and limits of containers.

use crate::support::Cluster;
use rstest::rstest;
use serde_json::{Value, json};
use snc_core::lang::Lang;
use snc_index::ManagedKind;
use snc_plan::status::{policy_status, tenant_view};

fn floor(quota: &Value) -> Value {
    json!({"modes": {"quota": "Enforce"}, "quota": quota})
}

fn shop(total: &Value, ceiling: &Value, asked: &[(&str, Value)]) -> Cluster {
    let mut cluster = Cluster::default();
    let names: Vec<_> = asked.iter().map(|(name, _)| *name).collect();
    cluster.tenant("shop", &json!({"level": "Standard", "namespaces": names, "quota": total}));
    cluster.baseline("floor", &floor(ceiling));
    for (name, quota) in asked {
        cluster.namespace(name);
        cluster.tick(10);
        cluster.policy(name, "p", &json!({"quota": quota}));
    }
    for (name, _) in asked {
        cluster.settle(name);
    }
    cluster
}

fn hard(cluster: &Cluster, namespace: &str) -> Value {
    cluster
        .object(namespace, ManagedKind::ResourceQuota, "snc-quota")
        .map_or(Value::Null, |q| q["spec"]["hard"].clone())
}

fn ready(cluster: &Cluster, namespace: &str) -> (String, String, String) {
    let status = policy_status(
        &cluster.sncp(namespace, "p"),
        &cluster.plan(namespace),
        &[],
        None,
        Lang::En,
        cluster.now,
    );
    let ready = status.conditions[0].clone();
    (ready.status, ready.reason, ready.message)
}

#[test]
fn shares_of_one_total_never_exceed_it() {
    let total = json!({"requests.cpu": "10", "pods": 30, "requests.memory": "9Gi"});
    let cluster = shop(
        &total,
        &json!({}),
        &[
            ("a", json!({"requests.cpu": 6})),
            ("b", json!({"requests.cpu": "6", "pods": 5})),
            ("c", json!({})),
        ],
    );
    assert_eq!(hard(&cluster, "a"), json!({"requests.cpu": "6", "pods": "12", "requests.memory": "3Gi"}));
    assert_eq!(hard(&cluster, "b"), json!({"requests.cpu": "4", "pods": "5", "requests.memory": "3Gi"}));
    assert_eq!(hard(&cluster, "c"), json!({"requests.cpu": "0", "pods": "12", "requests.memory": "3Gi"}));
    let (status, reason, message) = ready(&cluster, "b");
    assert_eq!((status.as_str(), reason.as_str()), ("False", "QuotaExceeded"));
    assert_eq!(message, "spec.quota[requests.cpu]: asked 6, granted 4 within the tenant's total");
    assert_eq!(ready(&cluster, "a").1, "Applied");
    let view =
        tenant_view(&cluster.index, &cluster.settings, &cluster.facts, &cluster.snct("shop"), cluster.now);
    let fits = &view.status.conditions[2];
    assert_eq!(
        (fits.type_.as_str(), fits.status.as_str(), fits.reason.as_str()),
        ("QuotaFits", "False", "QuotaExceeded")
    );
    assert!(fits.message.contains("b requests.cpu: 6 > 4"), "{}", fits.message);
}

#[test]
fn a_namespace_more_takes_nothing_from_who_asked_first() {
    let mut cluster =
        shop(&json!({"pods": 10}), &json!({}), &[("a", json!({"pods": 8})), ("b", json!({"pods": 8}))]);
    assert_eq!((hard(&cluster, "a"), hard(&cluster, "b")), (json!({"pods": "8"}), json!({"pods": "2"})));
    // The first one leaves: its share is free.
    cluster.start_deletion("a");
    cluster.settle("b");
    assert_eq!(hard(&cluster, "b"), json!({"pods": "8"}));
}

#[test]
fn what_the_total_does_not_name_is_bounded_by_the_ceiling_alone() {
    let cluster = shop(
        &json!({"pods": 10}),
        &json!({"secrets": 5}),
        &[("a", json!({"configmaps": 7, "secrets": 3})), ("b", json!({}))],
    );
    assert_eq!(hard(&cluster, "a"), json!({"pods": "5", "secrets": "3", "configmaps": "7"}));
    assert_eq!(hard(&cluster, "b"), json!({"pods": "5", "secrets": "5"}));
}

#[test]
fn a_policy_above_the_ceiling_gets_the_ceiling_and_is_told() {
    let cluster = shop(&json!({}), &json!({"requests.cpu": 4}), &[("a", json!({"requests.cpu": 10}))]);
    assert_eq!(hard(&cluster, "a"), json!({"requests.cpu": "4"}));
    let (status, reason, message) = ready(&cluster, "a");
    assert_eq!((status.as_str(), reason.as_str()), ("False", "FieldsRefused"));
    assert_eq!(message, "spec.quota[requests.cpu]: got \"10\"; accepted: at most 4");
}

#[test]
fn the_smaller_of_two_policies_holds() {
    let mut cluster = shop(&json!({}), &json!({}), &[("a", json!({"pods": 10}))]);
    cluster.policy("a", "q", &json!({"quota": {"pods": 3}}));
    cluster.settle("a");
    assert_eq!(hard(&cluster, "a"), json!({"pods": "3"}));
}

#[rstest]
#[case("Audit")]
#[case("Warn")]
fn below_enforce_no_quota_is_applied(#[case] mode: &str) {
    let mut cluster = shop(&json!({"pods": 10}), &json!({"pods": 5}), &[("a", json!({}))]);
    assert_ne!(hard(&cluster, "a"), Value::Null);
    cluster.baseline(
        "floor",
        &json!({"modes": {"quota": mode}, "quota": {"pods": 5}, "containerLimits": {"max": {"cpu": 1}}}),
    );
    cluster.settle("a");
    assert_eq!(hard(&cluster, "a"), Value::Null);
    assert!(cluster.object("a", ManagedKind::LimitRange, "snc-limits").is_none());
}

#[rstest]
// Nothing asks for limits.
#[case(json!({"pods": 5}), json!({}), Value::Null)]
// A quota on CPU refuses containers that say nothing: they get defaults.
#[case(json!({"requests.cpu": 5}), json!({}), json!({"type": "Container", "default": {"cpu": "500m"}, "defaultRequest": {"cpu": "100m"}}))]
#[case(json!({"limits.memory": "5Gi"}), json!({}), json!({"type": "Container", "default": {"memory": "512Mi"}, "defaultRequest": {"memory": "128Mi"}}))]
#[case(json!({"cpu": 5, "memory": "1Gi"}), json!({}), json!({"type": "Container", "default": {"cpu": "500m", "memory": "512Mi"}, "defaultRequest": {"cpu": "100m", "memory": "128Mi"}}))]
// The platform's own values, made to fit each other.
#[case(json!({}), json!({"max": {"cpu": 2, "memory": "1Gi"}, "default": {"cpu": 4}, "defaultRequest": {"cpu": "250m", "memory": "2Gi"}}),
    json!({"type": "Container", "max": {"cpu": "2", "memory": "1Gi"}, "default": {"cpu": "2", "memory": "1Gi"}, "defaultRequest": {"cpu": "250m", "memory": "1Gi"}}))]
fn limits_of_containers(#[case] quota: Value, #[case] limits: Value, #[case] expected: Value) {
    let mut cluster = Cluster::default();
    cluster.tenant("shop", &json!({"level": "Standard", "namespaces": ["a"]}));
    cluster.baseline(
        "floor",
        &json!({"modes": {"quota": "Enforce"}, "quota": quota, "containerLimits": limits}),
    );
    cluster.namespace("a");
    cluster.settle("a");
    let found = cluster
        .object("a", ManagedKind::LimitRange, "snc-limits")
        .map_or(Value::Null, |l| l["spec"]["limits"][0].clone());
    assert_eq!(found, expected);
}

/// One name that the API server does not count would cost the namespace its whole quota.
#[rstest]
#[case(json!({"cpus": 1}), "spec.quota[cpus]")]
#[case(json!({"requests.gpu": 1}), "spec.quota[requests.gpu]")]
#[case(json!({"pods ": 1}), "spec.quota[pods ]")]
#[case(json!({"": 1}), "spec.quota[]")]
#[case(json!({"é": 1}), "spec.quota[é]")]
#[case(json!({"pods": "1500m"}), "spec.quota[pods]")]
#[case(json!({"pods": -1}), "spec.quota[pods]")]
#[case(json!({"requests.memory": "1gi"}), "spec.quota[requests.memory]")]
#[case(json!({"requests.memory": "99999999999999999999999999999999"}), "spec.quota[requests.memory]")]
fn an_impossible_quota_is_refused_and_the_rest_applied(#[case] bad: Value, #[case] path: &str) {
    let mut asked = bad;
    asked["configmaps"] = json!(4);
    let cluster = shop(&json!({}), &json!({}), &[("a", asked)]);
    assert_eq!(hard(&cluster, "a"), json!({"configmaps": "4"}));
    let (status, reason, message) = ready(&cluster, "a");
    assert_eq!((status.as_str(), reason.as_str()), ("False", "FieldsRefused"));
    assert!(message.starts_with(&format!("{path}: ")), "{message}");
}

#[rstest]
#[case("requests.cpu", "1500m")]
#[case("count/jobs.batch", "3")]
#[case("requests.nvidia.com/gpu", "2")]
#[case("requests.hugepages-2Mi", "1Gi")]
#[case("gold.storageclass.storage.k8s.io/requests.storage", "10Gi")]
#[case("services.loadbalancers", "0")]
fn what_kubernetes_counts_is_accepted(#[case] resource: &str, #[case] amount: &str) {
    let cluster = shop(&json!({}), &json!({}), &[("a", json!({resource: amount}))]);
    assert_eq!(hard(&cluster, "a"), json!({resource: amount}));
}

#[test]
fn a_total_that_cannot_be_read_is_reported() {
    let cluster = shop(&json!({"cpus": 3, "pods": 10}), &json!({}), &[("a", json!({}))]);
    assert_eq!(hard(&cluster, "a"), json!({"pods": "10"}));
    let view =
        tenant_view(&cluster.index, &cluster.settings, &cluster.facts, &cluster.snct("shop"), cluster.now);
    let fits = &view.status.conditions[2];
    assert_eq!((fits.status.as_str(), fits.reason.as_str()), ("False", "FieldsRefused"));
    assert!(fits.message.contains("spec.quota[cpus]"), "{}", fits.message);
}
