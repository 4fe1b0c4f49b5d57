use super::*;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use serde_json::json;
use snc_core::names::{DEFAULT_DENY, LABEL_TENANT};

fn namespace(name: &str, uid: &str, tenant: Option<&str>) -> Namespace {
    let labels = tenant.map(|t| json!({LABEL_TENANT: t})).unwrap_or(json!({}));
    serde_json::from_value(json!({"metadata": {"name": name, "uid": uid, "labels": labels}})).unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "the shape that the index takes")]
fn tenant(name: &str, namespaces: &[&str]) -> Declared<SncTenant> {
    Ok(Arc::new(
        serde_json::from_value(json!({
            "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncTenant",
            "metadata": {"name": name, "generation": 1},
            "spec": {"level": "Standard", "namespaces": namespaces},
        }))
        .unwrap(),
    ))
}

fn pod(namespace: &str, name: &str, version: &str) -> PodLite {
    serde_json::from_value(json!({
        "metadata": {"namespace": namespace, "name": name, "resourceVersion": version, "creationTimestamp": "2026-01-01T00:00:00Z"},
    }))
    .unwrap()
}

fn ns(name: &str) -> Key {
    Key::Namespace(name.to_owned())
}

#[test]
fn a_tenant_change_reaches_the_namespaces_it_claims_and_claimed() {
    let mut index = Index::default();
    for name in ["a", "b", "c"] {
        index.apply_namespace(&namespace(name, name, None));
    }
    index.apply_tenant("t", tenant("t", &["a"]));
    let dirty = index.apply_tenant("t", {
        let mut changed = tenant("t", &["b"]);
        if let Ok(t) = &mut changed {
            Arc::get_mut(t).unwrap().metadata.generation = Some(2);
        }
        changed
    });
    assert!(dirty.contains(&ns("a")) && dirty.contains(&ns("b")) && !dirty.contains(&ns("c")), "{dirty:?}");
}

#[test]
fn a_status_write_of_ours_does_not_start_a_storm() {
    let mut index = Index::default();
    index.apply_namespace(&namespace("a", "1", None));
    index.apply_tenant("t", tenant("t", &["a"]));
    assert_eq!(index.apply_tenant("t", tenant("t", &["a"])), Dirty::from([Key::Tenant("t".into())]));
}

#[test]
fn pods_count_once() {
    let mut index = Index::default();
    assert_eq!(index.apply_pod(&pod("a", "p", "5")), Dirty::from([ns("a")]));
    assert!(index.apply_pod(&pod("a", "p", "9")).is_empty(), "a status update of a pod");
    assert_eq!(index.pods("a").unwrap().oldest.unwrap().1, 5, "the first version seen is kept");
    assert_eq!(index.delete_pod(&pod("a", "p", "9")), Dirty::from([ns("a")]));
    assert!(index.pods("a").is_none());
}

#[test]
fn a_namespace_of_the_same_name_is_another_one() {
    let mut index = Index::default();
    index.apply_namespace(&namespace("a", "1", Some("t")));
    let record: ConfigMap = serde_json::from_value(json!({
        "metadata": {"name": RECORD, "namespace": "a"},
        "data": {"effective.json": "{\"uid\":\"1\",\"tenant\":\"t\",\"tenantSpec\":null}"},
    }))
    .unwrap();
    index.apply_record(&record);
    assert!(index.record("a").unwrap().is_ok());
    index.apply_namespace(&namespace("a", "2", Some("t")));
    assert!(index.record("a").is_none());
    // A late DELETED event of the first one must not remove the second.
    index.delete_namespace(&namespace("a", "1", Some("t")));
    assert_eq!(index.namespace("a").unwrap().uid, "2");
}

#[test]
fn two_claimants_are_both_seen_and_prefixes_count() {
    let mut index = Index::default();
    index.apply_tenant("t", tenant("t", &["shop-front"]));
    let prefix = Ok(Arc::new(
        serde_json::from_value::<SncTenant>(json!({
            "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncTenant", "metadata": {"name": "u"},
            "spec": {"level": "Avance", "namespacePrefixes": ["shop-"]},
        }))
        .unwrap(),
    ));
    index.apply_tenant("u", prefix);
    assert_eq!(index.claimants("shop-front"), BTreeSet::from(["t", "u"]));
    assert_eq!(index.claimants("shop-back"), BTreeSet::from(["u"]));
    assert!(index.claimants("shop").is_empty());
}

#[test]
fn a_relist_forgets_what_is_gone() {
    let mut index = Index::default();
    index.apply_namespace(&namespace("a", "1", None));
    index.apply_namespace(&namespace("b", "2", None));
    let dirty = index.reset_namespaces(&[namespace("b", "2", None)]);
    assert!(dirty.contains(&ns("a")) && index.namespace("a").is_none() && index.namespace("b").is_some());
    index.apply_pod(&pod("b", "p", "1"));
    assert_eq!(index.reset_pods(&[]), Dirty::from([ns("b")]));
}

#[test]
fn a_claim_concerns_whoever_claims_the_same() {
    let mut index = Index::default();
    index.apply_namespace(&namespace("a", "1", None));
    index.apply_namespace(&namespace("b", "2", None));
    index.apply_tenant("t", tenant("t", &["a", "b"]));
    let dirty = index.apply_tenant("rival", tenant("rival", &["b"]));
    // The flows of `a` may name `b` as long as it is the tenant's own.
    assert!(dirty.is_superset(&Dirty::from([ns("a"), ns("b"), Key::Tenant("t".into())])), "{dirty:?}");
    assert!(index.delete_tenant("rival").contains(&ns("a")));
}

#[test]
fn what_a_tenants_list_shows_wakes_the_tenant() {
    let mut index = Index::default();
    index.apply_tenant("t", tenant("t", &["a"]));
    index.apply_namespace(&namespace("a", "1", Some("t")));
    let policy: k8s_openapi::api::networking::v1::NetworkPolicy =
        serde_json::from_value(json!({"metadata": {"name": DEFAULT_DENY, "namespace": "a"}})).unwrap();
    let key = ObjectKey::new(ManagedKind::NetworkPolicy, DEFAULT_DENY);
    let woken = Key::Tenant("t".into());
    assert!(index.apply_object("a", key.clone(), Observed::from(&policy)).contains(&woken));
    assert!(index.delete_object("a", &key, None).contains(&woken));
    assert!(index.apply_pod(&pod("a", "p", "5")).contains(&woken), "the first pod");
    assert_eq!(
        index.apply_pod(&pod("a", "q", "6")),
        Dirty::from([ns("a")]),
        "a second one may talk to the first"
    );
    assert_eq!(index.apply_pod(&pod("a", "r", "7")), Dirty::new(), "a third one is like the others");
}

#[test]
fn a_lost_label_is_remembered_for_its_uid_alone() {
    let mut index = Index::default();
    let mut isolated = namespace("a", "1", Some("t"));
    isolated.metadata.labels.as_mut().unwrap().insert("secnumcloud.dev/isolated".into(), "true".into());
    index.apply_namespace(&isolated);
    index.apply_namespace(&namespace("a", "1", Some("t")));
    assert!(index.namespace("a").unwrap().seen_isolated);
    index.apply_namespace(&namespace("a", "2", Some("t")));
    assert!(!index.namespace("a").unwrap().seen_isolated);
}

fn deny(uid: &str, version: &str) -> (ObjectKey, Observed) {
    let policy: NetworkPolicy = serde_json::from_value(json!({
        "metadata": {"name": DEFAULT_DENY, "namespace": "a", "uid": uid, "resourceVersion": version},
    }))
    .unwrap();
    (ObjectKey::new(ManagedKind::NetworkPolicy, DEFAULT_DENY), Observed::from(&policy))
}

#[test]
fn an_answer_that_the_watch_has_gone_past_is_not_believed() {
    let mut index = Index::default();
    let (key, created) = deny("1", "5");
    let (_, gone) = deny("1", "6");
    index.apply_object("a", key.clone(), created.clone());
    index.delete_object("a", &key, Some(&gone));
    // The answer to the write of version 5 comes last.
    index.learn_object("a", key.clone(), created);
    assert!(index.object("a", &key).is_none(), "deleted since");
    let (_, news) = deny("2", "9");
    index.learn_object("a", key.clone(), news);
    assert_eq!(index.object("a", &key).unwrap().uid, "2");
    // Late news of the first one.
    index.delete_object("a", &key, Some(&gone));
    assert_eq!(index.object("a", &key).unwrap().uid, "2");
    // The watch catches up, through an older version.
    let (_, older) = deny("2", "8");
    index.apply_object("a", key.clone(), older);
    assert_eq!(index.object("a", &key).unwrap().version, 9);
}

#[test]
fn a_list_does_not_tell_how_an_object_came() {
    let mut index = Index::default();
    let (key, created) = deny("1", "5");
    let (_, later) = deny("1", "9");
    let (_, other) = deny("2", "8");
    index.reset_objects(ManagedKind::NetworkPolicy, vec![("b".into(), key.clone(), other)]);
    assert_eq!(index.object("b", &key).unwrap().first_version, 0);
    index.apply_object("a", key.clone(), created);
    index.reset_objects(ManagedKind::NetworkPolicy, vec![("a".into(), key.clone(), later)]);
    assert_eq!(index.object("a", &key).unwrap().first_version, 5, "what was seen is kept");
    assert!(index.object("b", &key).is_none());
}

#[test]
fn answers_do_not_hide_other_answers() {
    let mut index = Index::default();
    let (key, later) = deny("1", "9");
    let (_, earlier) = deny("2", "8");
    index.learn_object("a", key.clone(), later);
    index.learn_object("b", key.clone(), earlier);
    assert!(index.object("b", &key).is_some());
    for (name, version) in [("x", "9"), ("y", "8")] {
        let mut answered = namespace(name, name, None);
        answered.metadata.resource_version = Some(version.into());
        index.learn_namespace(&answered);
        assert!(index.namespace(name).is_some());
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the shape that the index takes")]
fn policy(spec: serde_json::Value) -> Declared<SncPolicy> {
    Ok(Arc::new(
        serde_json::from_value(json!({
            "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncPolicy",
            "metadata": {"name": "main", "namespace": "a"}, "spec": spec,
        }))
        .unwrap(),
    ))
}

#[test]
fn a_policy_wakes_its_namespace_and_those_that_name_it() {
    let mut index = Index::default();
    let mut owner = tenant("t", &["a", "b", "c"]);
    if let Ok(owner) = &mut owner {
        Arc::get_mut(owner).unwrap().spec.quota =
            serde_json::from_value(json!({"requests.cpu": "4"})).unwrap();
    }
    index.apply_tenant("t", owner);
    for name in ["a", "b", "c"] {
        index.apply_namespace(&namespace(name, name, Some("t")));
    }
    let flow = json!({"network": {"flows": [{
        "name": "to-a", "justification": "orders", "direction": "Egress",
        "peers": [{"namespaces": {"names": ["a"]}}], "ports": [{"port": 80}],
    }]}});
    index.apply_policy("b", "main", policy(flow));
    let woken = index.apply_policy("a", "main", policy(json!({"level": "Avance"})));
    assert_eq!(woken, Dirty::from([ns("a"), ns("b"), Key::Tenant("t".into())]));
    // A share of the tenant's total concerns all that share it.
    let woken = index.apply_policy("a", "main", policy(json!({"quota": {"requests.cpu": "1"}})));
    assert!(woken.contains(&ns("c")), "{woken:?}");
    assert!(index.delete_policy("a", "main").contains(&ns("c")));
}

#[test]
fn policies_of_others_are_held_and_ours_are_not() {
    let mut index = Index::default();
    let foreign: NetworkPolicy = serde_json::from_value(json!({
        "metadata": {"name": "open", "namespace": "a", "uid": "1", "resourceVersion": "1"},
        "spec": {"podSelector": {}, "ingress": [{}]},
    }))
    .unwrap();
    assert!(index.apply_network_policy(&foreign).contains(&ns("a")));
    assert_eq!(index.foreign("a").count(), 1);
    // A namespace that comes, or changes its labels, may be one that it lets in.
    assert!(index.apply_namespace(&namespace("z", "9", None)).contains(&ns("a")));
    let mut ours = foreign.clone();
    ours.metadata.labels =
        Some([("app.kubernetes.io/managed-by".to_owned(), "snc-operator".to_owned())].into());
    ours.metadata.resource_version = Some("2".into());
    index.apply_network_policy(&ours);
    assert_eq!(index.foreign("a").count(), 0);
    index.apply_network_policy(&foreign);
    assert!(index.delete_network_policy(&foreign).contains(&ns("a")));
    assert_eq!(index.foreign("a").count(), 0);
    assert!(!index.apply_namespace(&namespace("y", "8", None)).contains(&ns("a")));
}
