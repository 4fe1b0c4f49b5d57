//! What was last in force stays until the platform lets go.

use crate::support::{self, Cluster, unreadable};
use serde_json::{Value, json};
use snc_core::lang::Lang;
use snc_index::{ManagedKind, ObjectKey};
use snc_plan::effective::Retained;
use snc_plan::governance::Governance;
use snc_plan::status::{policy_status, tenant_view};

fn flow(name: &str) -> Value {
    json!({"name": name, "justification": "needed", "direction": "Egress", "peers": [{"pods": {}}], "ports": [{"port": 443}]})
}

fn policy(flows: &[&str]) -> Value {
    json!({"network": {"flows": flows.iter().map(|f| flow(f)).collect::<Vec<_>>()}})
}

fn enforcing() -> Value {
    json!({"modes": {"isolation": "Enforce", "quota": "Enforce"}, "quota": {"pods": 10}, "network": {"deniedCIDRs": ["10.0.0.0/8"]}})
}

fn tenant() -> Value {
    json!({"level": "Standard", "namespaces": ["shop"], "owners": [{"kind": "User", "name": "alice"}]})
}

fn shop() -> Cluster {
    let mut cluster = Cluster::default();
    cluster.tenant("shop", &tenant());
    cluster.baseline("floor", &enforcing());
    cluster.namespace("shop");
    cluster.policy("shop", "p", &policy(&["one"]));
    cluster.policy("shop", "q", &policy(&["two"]));
    cluster.settle("shop");
    cluster
}

fn flows(cluster: &Cluster) -> Vec<String> {
    let ours = cluster.ours("shop");
    ours.iter()
        .filter_map(|k| k.strip_prefix("NetworkPolicy/snc-flow-")?.split('-').next().map(ToOwned::to_owned))
        .collect()
}

fn retained(cluster: &Cluster) -> Vec<Retained> {
    cluster.plan("shop").report.unwrap().effective.retained
}

fn gone(object: &str) -> Retained {
    Retained { object: object.into(), error: None }
}

fn row(cluster: &Cluster) -> snc_api::v1alpha1::TenantNamespace {
    let view =
        tenant_view(&cluster.index, &cluster.settings, &cluster.facts, &cluster.snct("shop"), cluster.now);
    view.status.namespaces.items[0].clone()
}

#[test]
fn one_of_two_policies_deleted_takes_its_flows_along() {
    let mut cluster = shop();
    assert_eq!(flows(&cluster), ["one", "two"]);
    cluster.delete_policy("shop", "p");
    cluster.settle("shop");
    assert_eq!(flows(&cluster), ["two"]);
    assert_eq!(retained(&cluster), []);
}

#[test]
fn the_last_policy_deleted_leaves_its_flows_and_the_tenant_is_told() {
    let mut cluster = shop();
    cluster.delete_policy("shop", "p");
    cluster.settle("shop");
    cluster.delete_policy("shop", "q");
    assert!(cluster.plan("shop").steps.is_empty(), "nothing changes");
    cluster.restart();
    assert!(cluster.plan("shop").steps.is_empty());
    assert_eq!(flows(&cluster), ["two"]);
    assert_eq!(retained(&cluster), [gone("SncPolicy/q")]);
    // No policy is left whose status could say it.
    let row = row(&cluster);
    assert_eq!(row.reason.as_deref(), Some("Retained"));
    assert!(row.message.unwrap().contains("SncPolicy/q"));
    // A new policy takes its place.
    cluster.policy("shop", "new", &policy(&["three"]));
    cluster.settle("shop");
    assert_eq!(flows(&cluster), ["three"]);
    assert_eq!(retained(&cluster), []);
}

#[test]
fn both_policies_deleted_between_two_looks_both_stay() {
    let mut cluster = shop();
    cluster.delete_policy("shop", "p");
    cluster.delete_policy("shop", "q");
    assert!(cluster.plan("shop").steps.is_empty());
    assert_eq!(retained(&cluster), [gone("SncPolicy/p"), gone("SncPolicy/q")]);
}

#[test]
fn the_last_baseline_deleted_stays_in_force() {
    let mut cluster = shop();
    cluster.set_baseline("floor", None);
    assert!(cluster.plan("shop").steps.is_empty());
    assert_eq!(retained(&cluster), [gone("SncBaseline/floor")]);
    let plan = cluster.plan("shop");
    let status = policy_status(&cluster.sncp("shop", "p"), &plan, &[], None, Lang::En, cluster.now);
    assert_eq!(
        status.findings.unwrap().items,
        [
            "Retained: SncBaseline/floor is gone or no longer meant for this tenant, its last version stays in force"
        ]
    );
    // Its ceilings too.
    let open = json!({"network": {"flows": [{
        "name": "lan", "justification": "needed", "direction": "Egress", "peers": [{"cidr": {"block": "10.1.0.0/16"}}], "ports": [{"port": 1}],
    }]}});
    cluster.policy("shop", "p", &open);
    cluster.settle("shop");
    assert_eq!(flows(&cluster), ["two"]);
}

#[test]
fn one_of_two_baselines_deleted_is_over() {
    let mut cluster = shop();
    cluster.baseline("more", &json!({"level": "Avance"}));
    cluster.settle("shop");
    cluster.set_baseline("more", None);
    cluster.settle("shop");
    let report = cluster.plan("shop").report.unwrap();
    assert_eq!(report.effective.constraints.level().as_str(), "Standard");
    assert_eq!(report.effective.retained, []);
}

#[test]
fn a_baseline_that_no_longer_matches_is_like_a_deleted_one() {
    let mut cluster = shop();
    let mut spec = enforcing();
    spec["tenantSelector"] = json!({"matchLabels": {"tier": "gold"}});
    cluster.baseline("floor", &spec);
    assert!(cluster.plan("shop").steps.is_empty());
    assert_eq!(retained(&cluster), [gone("SncBaseline/floor")]);
}

#[test]
fn an_unreadable_baseline_says_what_it_said_before() {
    let mut cluster = shop();
    cluster.set_baseline("floor", Some(unreadable("floor")));
    assert!(cluster.plan("shop").steps.is_empty());
    let retained = retained(&cluster);
    assert_eq!(retained[0].object, "SncBaseline/floor");
    assert!(retained[0].error.as_ref().unwrap().contains("Maximal"));
    // Unknown is never True.
    let plan = cluster.plan("shop");
    let status = policy_status(&cluster.sncp("shop", "p"), &plan, &[], None, Lang::En, cluster.now);
    let ready = &status.conditions[0];
    assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("Unknown", "Unreadable"));
    assert!(ready.message.contains("SncBaseline/floor"), "{}", ready.message);
    assert_eq!(row(&cluster).reason.as_deref(), Some("Unreadable"));
}

#[test]
fn a_selector_that_cannot_be_read_is_an_unreadable_baseline() {
    let mut cluster = shop();
    let mut spec = enforcing();
    spec["tenantSelector"] =
        json!({"matchExpressions": [{"key": "tier", "operator": "Like", "values": ["gold"]}]});
    cluster.baseline("floor", &spec);
    assert!(cluster.plan("shop").steps.is_empty());
    assert!(retained(&cluster)[0].error.as_ref().unwrap().starts_with("spec.tenantSelector"));
}

#[test]
fn an_unreadable_policy_keeps_its_flows_and_nothing_is_deleted() {
    let mut cluster = shop();
    cluster.set_policy("shop", "p", unreadable("p"));
    assert!(cluster.plan("shop").steps.is_empty());
    assert_eq!(flows(&cluster), ["one", "two"]);
    let old = support::read::<snc_api::v1alpha1::SncPolicy>(json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncPolicy", "metadata": {"name": "p", "namespace": "shop"}, "spec": {},
    }));
    let status = policy_status(&old, &cluster.plan("shop"), &[], None, Lang::En, cluster.now);
    assert_eq!(
        (status.conditions[0].status.as_str(), status.conditions[0].reason.as_str()),
        ("False", "Unreadable")
    );
    // While it cannot be read nothing is taken away, not even what its neighbour drops.
    cluster.policy("shop", "q", &policy(&["three"]));
    cluster.settle("shop");
    assert_eq!(flows(&cluster), ["one", "three", "two"]);
    cluster.policy("shop", "p", &policy(&["one"]));
    cluster.settle("shop");
    assert_eq!(flows(&cluster), ["one", "three"]);
}

#[test]
fn an_unreadable_policy_that_is_then_deleted_is_the_last_one_deleted() {
    let mut cluster = shop();
    cluster.delete_policy("shop", "q");
    cluster.settle("shop");
    cluster.set_policy("shop", "p", unreadable("p"));
    cluster.delete_policy("shop", "p");
    assert!(cluster.plan("shop").steps.is_empty());
    assert_eq!(flows(&cluster), ["one"]);
}

#[test]
fn a_deleted_tenant_leaves_its_namespace_governed_with_its_owners() {
    let mut cluster = shop();
    cluster.set_tenant("shop", None);
    let plan = cluster.plan("shop");
    assert_eq!(plan.governance, Governance::Governed { tenant: "shop".into() });
    assert!(plan.steps.is_empty());
    assert_eq!(retained(&cluster), [gone("SncTenant/shop")]);
    let owners = ObjectKey::new(ManagedKind::RoleBinding, "snc-owners");
    cluster.foreign_delete("shop", &owners);
    cluster.settle("shop");
    assert!(cluster.has("shop", &owners), "the owners' rights are known from the record");
    // Its baseline no longer matches anybody, and yet holds.
    cluster.set_baseline("floor", None);
    assert!(cluster.plan("shop").steps.is_empty());
}

#[test]
fn an_unreadable_tenant_says_what_it_said_before() {
    let mut cluster = shop();
    cluster.set_tenant("shop", Some(unreadable("shop")));
    assert!(cluster.plan("shop").steps.is_empty());
    let report = cluster.plan("shop").report.unwrap();
    assert_eq!(report.effective.constraints.level().as_str(), "Standard");
}

#[test]
fn baselines_in_conflict_leave_the_last_good_values() {
    let mut cluster = shop();
    let mut spec = enforcing();
    spec["network"] = json!({"dns": {"namespace": "dns-a"}});
    cluster.baseline("floor", &spec);
    cluster.settle("shop");
    let before = cluster.objects.clone();
    cluster.baseline("second", &json!({"network": {"dns": {"namespace": "dns-b"}}}));
    let plan = cluster.plan("shop");
    let report = plan.report.as_ref().unwrap();
    assert_eq!(report.effective.conflicts[0].field, "network.dns");
    assert_eq!(report.effective.conflicts[0].sources.len(), 2);
    cluster.settle("shop");
    cluster.restart();
    cluster.settle("shop");
    assert_eq!(cluster.objects, before);
    let status = policy_status(&cluster.sncp("shop", "p"), &plan, &[], None, Lang::En, cluster.now);
    assert_eq!(status.conditions[0].reason, "BaselineConflict");
    // It ends, and the new values hold.
    cluster.set_baseline("floor", None);
    cluster.settle("shop");
    let dns = cluster.object("shop", ManagedKind::NetworkPolicy, "snc-dns").unwrap();
    let selector = &dns["spec"]["egress"][0]["to"][0]["namespaceSelector"]["matchLabels"];
    assert_eq!(selector["kubernetes.io/metadata.name"], "dns-b");
}

#[test]
fn baselines_in_conflict_from_the_start_open_nothing_of_the_disputed() {
    let mut cluster = Cluster::default();
    cluster.tenant("shop", &tenant());
    for (name, namespace, block) in [("a", "dns-a", "10.0.0.0/8"), ("b", "dns-b", "192.168.0.0/16")] {
        cluster.baseline(name, &json!({"modes": {"isolation": "Enforce"}, "network": {"dns": {"namespace": namespace}, "allowedCIDRs": [block]}}));
    }
    cluster.namespace("shop");
    let open = json!({"network": {"flows": [{
        "name": "lan", "justification": "needed", "direction": "Egress", "peers": [{"cidr": {"block": "10.1.0.0/16"}}], "ports": [{"port": 1}],
    }]}});
    cluster.policy("shop", "p", &open);
    cluster.settle("shop");
    assert_eq!(flows(&cluster), Vec::<String>::new());
    assert_eq!(
        cluster.object("shop", ManagedKind::NetworkPolicy, "snc-dns").unwrap()["spec"]["egress"],
        json!([])
    );
}

#[test]
fn a_record_that_cannot_be_read_is_written_anew() {
    let mut cluster = shop();
    cluster.foreign_edit("shop", &support::record_key(), |object| {
        object["data"]["effective.json"] = json!("{\"uid\": 7}");
    });
    cluster.settle("shop");
    assert_eq!(cluster.record("shop").unwrap().policies.len(), 2);
}

/// Ten thousand policies are a nuisance, not a reason to stand still.
#[test]
fn a_record_of_very_many_policies_is_cut_in_time() {
    use snc_index::Record;
    let spec: snc_api::v1alpha1::SncPolicySpec = support::read(policy(&["f0", "f1", "f2", "f3"]));
    let policies = (0..10_000).map(|i| (format!("policy-{i}"), spec.clone())).collect();
    let start = std::time::Instant::now();
    let desired = snc_plan::objects::record("shop", Record { policies, ..Record::default() });
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    let text = support::body(&desired)["data"]["effective.json"].as_str().unwrap().to_owned();
    let record: Record = serde_json::from_str(&text).unwrap();
    assert!(text.len() <= 768 * 1024 && record.policies.len() > 100);
    assert_eq!(record.left_out.len(), 65);
    assert_eq!(record.left_out[64], format!("… ({})", 10_000 - record.policies.len()));
}

#[test]
fn the_record_of_a_new_namespace_is_kept_when_its_watch_was_faster() {
    let mut cluster = shop();
    cluster.start_deletion("shop");
    cluster.finish_deletion("shop");
    cluster.namespace("shop");
    cluster.policy("shop", "p", &policy(&["one"]));
    cluster.settle("shop");
    cluster.delete_policy("shop", "p");
    // Another process: its record watch is ahead of its namespace watch, which still shows the first namespace.
    let fresh = support::namespace_object("shop", &cluster.namespaces["shop"]);
    let mut stale = cluster.namespaces["shop"].clone();
    stale.uid = "the-first".into();
    cluster.index.apply_namespace(&support::namespace_object("shop", &stale));
    let record = cluster.objects[&("shop".to_owned(), support::record_key())].clone();
    cluster.index.apply_record(&support::read(record));
    cluster.index.apply_namespace(&fresh);
    assert!(cluster.plan("shop").steps.is_empty(), "{:?}", cluster.plan("shop").steps);
    assert_eq!(retained(&cluster), [gone("SncPolicy/p")]);
}
