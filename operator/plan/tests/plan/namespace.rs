//! One namespace through every state that it can be in.

use crate::support::{self, Action, Cluster, actions, deny, record_key};
use rstest::rstest;
use serde_json::{Value, json};
use snc_core::names::{LABEL_ISOLATED, LABEL_MANAGED_BY, LABEL_PREFIX, LABEL_TENANT, RECORD_KEY};
use snc_core::tier::Level;
use snc_index::{ManagedKind, ObjectKey};
use snc_network::effective::Effective as Network;
use snc_plan::governance::Governance;
use snc_plan::namespace::plan_governed;

fn enforcing() -> Value {
    json!({
        "modes": {"isolation": "Enforce", "podSecurity": "Enforce", "quota": "Enforce", "workloads": "Warn"},
        "quota": {"pods": 10, "requests.cpu": 4},
    })
}

fn flow(name: &str, port: u16) -> Value {
    json!({"name": name, "justification": "needed", "direction": "Egress", "peers": [{"pods": {}}], "ports": [{"port": port}]})
}

fn shop_spec() -> Value {
    json!({
        "level": "Standard", "namespaces": ["shop", "shop-data"], "sensitivity": "Sensitive",
        "owners": [{"kind": "Group", "name": "shop-admins"}, {"kind": "User", "name": "alice"}, {"kind": "User", "name": "system:admin"}],
    })
}

/// A tenant, a baseline that enforces, one policy with two flows; the namespace `shop` is fresh.
fn shop() -> Cluster {
    let mut cluster = Cluster::default();
    cluster.tenant("shop", &shop_spec());
    cluster.baseline("floor", &enforcing());
    cluster.namespace("shop");
    cluster.policy(
        "shop",
        "p",
        &json!({"environment": "Production", "network": {"flows": [flow("one", 1), flow("two", 2)]}}),
    );
    cluster
}

fn governed(tenant: &str) -> Governance {
    Governance::Governed { tenant: tenant.into() }
}

/// The steps as short text, in order.
fn steps(cluster: &Cluster, namespace: &str) -> Vec<String> {
    actions(&cluster.plan(namespace))
        .iter()
        .map(|action| match action {
            Action::DropIsolated => "drop isolated".into(),
            Action::Labels(labels) => format!("labels {labels:?}"),
            Action::PodSecurity(labels) => format!("pod security {labels:?}"),
            Action::Object(o) => format!("apply {}", o.key()),
            Action::Isolate(value, read_back) => {
                let keys: Vec<_> = read_back.iter().map(|(key, _)| key.to_string()).collect();
                format!("isolated={value} after reading {}", keys.join(", "))
            }
            Action::Rights(o) => format!("rights {}", o.key()),
            Action::Orphan(o) => format!("delete {}", o.key),
            Action::Release => "release".into(),
        })
        .collect()
}

#[test]
fn nobodys_namespace_is_left_alone() {
    let mut cluster = shop();
    cluster.namespace("elsewhere");
    cluster.policy("elsewhere", "p", &json!({"modes": {"isolation": "Enforce"}}));
    let plan = cluster.plan("elsewhere");
    assert_eq!(plan.governance, Governance::None);
    assert!(plan.steps.is_empty() && plan.report.is_none());
    assert_eq!(cluster.plan("not-there").governance, Governance::None);
}

#[rstest]
#[case("kube-system")]
#[case("default")]
#[case("openshift-dns")]
#[case("snc-system")]
#[case("snc-canary")]
fn the_clusters_own_namespaces_are_never_governed(#[case] name: &str) {
    let mut claimed = Cluster::default();
    claimed.tenant(
        "greedy",
        &json!({"level": "Avance", "namespaces": [name], "adoption": "Enforce", "release": [name]}),
    );
    claimed.baseline("floor", &enforcing());
    claimed.namespace(name);
    let mut labelled = Cluster::default();
    labelled.baseline("floor", &enforcing());
    labelled.labelled_namespace(name, &[(LABEL_TENANT, "greedy"), (LABEL_ISOLATED, "true")]);
    for cluster in [&mut claimed, &mut labelled] {
        cluster.policy(name, "p", &json!({"modes": {"isolation": "Enforce"}}));
        let plan = cluster.plan(name);
        assert_eq!(plan.governance, Governance::Protected);
        assert!(plan.steps.is_empty() && plan.report.is_none());
        cluster.start_deletion(name);
        assert!(cluster.plan(name).steps.is_empty());
    }
    let mut neither = Cluster::default();
    neither.namespace(name);
    assert_eq!(neither.plan(name).governance, Governance::None);
}

#[test]
fn a_fresh_namespace_gets_everything_in_order() {
    let cluster = shop();
    insta::assert_json_snapshot!(steps(&cluster, "shop"));
}

#[test]
fn what_is_applied_to_a_fresh_namespace() {
    let mut cluster = shop();
    assert_eq!(cluster.settle("shop"), 1);
    let mut objects: Vec<_> = cluster.objects.values().cloned().collect();
    for object in &mut objects {
        let meta = object["metadata"].as_object_mut().unwrap();
        meta.retain(|key, _| !["uid", "resourceVersion", "creationTimestamp"].contains(&key.as_str()));
        if let Some(text) = object["data"][RECORD_KEY].as_str() {
            object["data"][RECORD_KEY] = serde_json::from_str(text).unwrap();
        }
    }
    insta::assert_json_snapshot!(objects);
}

#[test]
fn a_settled_namespace_stays_as_it_is() {
    let mut cluster = shop();
    cluster.settle("shop");
    cluster.tick(86_400);
    assert_eq!(steps(&cluster, "shop"), Vec::<String>::new());
    cluster.restart();
    assert_eq!(steps(&cluster, "shop"), Vec::<String>::new());
}

#[test]
fn pods_at_the_claim_mean_observe_until_the_platform_says_enforce() {
    let mut cluster = shop();
    cluster.pod("shop", "old", false);
    let plan = cluster.plan("shop");
    assert_eq!(plan.governance, Governance::Observed { tenant: "shop".into() });
    assert!(plan.steps.is_empty() && plan.report.is_none());
    // What would be done, for `plan`.
    let facts = cluster.index.namespace("shop").unwrap();
    let (would, report) =
        plan_governed(&cluster.index, &cluster.settings, &cluster.facts, facts, "shop", cluster.now);
    assert!(!would.is_empty() && report.enforced);
    assert!(report.share.hard.contains_key("pods"), "the quota that it would get");

    let from = cluster.now;
    cluster.tick(600);
    let mut adopted = shop_spec();
    adopted["adoption"] = "Enforce".into();
    cluster.tenant("shop", &adopted);
    assert_eq!(cluster.plan("shop").governance, governed("shop"));
    cluster.settle("shop");
    let gap = cluster.record("shop").unwrap().gap.unwrap();
    assert_eq!((gap.from, gap.to), (from, from.checked_add(jiff::SignedDuration::from_secs(600)).unwrap()));
    assert_eq!(cluster.plan("shop").report.unwrap().gap, Some(gap));
}

#[test]
fn with_a_tenants_total_an_observed_namespace_shows_its_share_too() {
    let mut cluster = shop();
    let mut spec = shop_spec();
    spec["quota"] = json!({"pods": 8});
    cluster.tenant("shop", &spec);
    cluster.pod("shop", "old", false);
    let facts = cluster.index.namespace("shop").unwrap();
    let (_, report) =
        plan_governed(&cluster.index, &cluster.settings, &cluster.facts, facts, "shop", cluster.now);
    assert_eq!(report.share.hard["pods"].to_string(), "8");
}

#[test]
fn a_label_makes_a_namespace_with_pods_governed() {
    let mut cluster = shop();
    cluster.pod("shop", "old", false);
    cluster.set_label("shop", LABEL_TENANT, Some("shop"));
    assert_eq!(cluster.plan("shop").governance, governed("shop"));
}

#[test]
fn nothing_happens_before_the_gate_is_proven() {
    let mut cluster = shop();
    cluster.facts.gate_proven = false;
    let plan = cluster.plan("shop");
    assert!(plan.steps.is_empty());
    assert!(plan.report.unwrap().gate_pending);
    // A namespace that was taken over before stays in our care.
    cluster.facts.gate_proven = true;
    cluster.settle("shop");
    cluster.facts.gate_proven = false;
    cluster.foreign_delete("shop", &deny());
    assert_eq!(steps(&cluster, "shop"), ["apply NetworkPolicy/snc-default-deny"]);
}

#[test]
fn an_isolated_namespace_without_its_tenant_label_is_repaired_though_the_gate_is_not_proven() {
    let mut cluster = shop();
    cluster.settle("shop");
    cluster.facts.gate_proven = false;
    cluster.set_label("shop", LABEL_TENANT, None);
    cluster.foreign_delete("shop", &deny());
    cluster.settle("shop");
    assert!(cluster.has("shop", &deny()));
    assert_eq!(cluster.namespaces["shop"].label(LABEL_TENANT), Some("shop"));
}

#[test]
fn a_removed_flow_loses_its_policy_and_nothing_else() {
    let mut cluster = shop();
    cluster.settle("shop");
    cluster.policy(
        "shop",
        "p",
        &json!({"environment": "Production", "network": {"flows": [flow("two", 2)]}}),
    );
    let mut expected = steps(&cluster, "shop");
    assert!(expected.pop().unwrap().starts_with("delete NetworkPolicy/snc-flow-one-"));
    assert_eq!(expected, ["apply ConfigMap/snc-effective"]);
    cluster.settle("shop");
}

#[rstest]
#[case(ManagedKind::NetworkPolicy, "snc-default-deny", "/spec/ingress", json!([{}]))]
#[case(ManagedKind::NetworkPolicy, "snc-dns", "/spec/egress", json!([{}]))]
#[case(ManagedKind::ResourceQuota, "snc-quota", "/spec/hard/pods", json!("100"))]
#[case(ManagedKind::LimitRange, "snc-limits", "/spec/limits", json!([]))]
#[case(ManagedKind::RoleBinding, "snc-owners", "/subjects", json!([]))]
#[case(ManagedKind::ConfigMap, "snc-effective", "/data/effective.json", json!("{}"))]
#[case(ManagedKind::ConfigMap, "snc-effective", "/data", json!({}))]
#[case(ManagedKind::ServiceAccount, "default", "/automountServiceAccountToken", json!(true))]
fn drift_is_repaired(
    #[case] kind: ManagedKind,
    #[case] name: &str,
    #[case] path: &str,
    #[case] value: Value,
) {
    let mut cluster = shop();
    cluster.settle("shop");
    let key = ObjectKey::new(kind, name);
    let content = |cluster: &Cluster| {
        let mut object = cluster.objects[&("shop".to_owned(), key.clone())].clone();
        let meta = object["metadata"].as_object_mut().unwrap();
        meta.retain(|key, _| ["name", "namespace", "labels", "annotations"].contains(&key.as_str()));
        object
    };
    let before = content(&cluster);
    let expect_repair = |cluster: &mut Cluster, what: &str| {
        let plan = cluster.plan("shop");
        let applied: Vec<_> =
            plan.steps.objects.iter().chain(&plan.steps.rights).map(|d| d.key().to_string()).collect();
        assert_eq!(applied, [key.to_string()], "{what}");
        cluster.settle("shop");
    };

    cluster.foreign_edit("shop", &key, |object| *object.pointer_mut(path).unwrap() = value);
    expect_repair(&mut cluster, "changed");
    if kind != ManagedKind::ConfigMap {
        assert_eq!(content(&cluster), before);
    }
    if kind != ManagedKind::ServiceAccount {
        cluster.foreign_edit("shop", &key, |object| {
            object["metadata"]["labels"].as_object_mut().unwrap().remove(LABEL_MANAGED_BY);
        });
        expect_repair(&mut cluster, "its label was taken");
    }
    cluster.foreign_delete("shop", &key);
    expect_repair(&mut cluster, "deleted");
    assert!(cluster.has("shop", &key));
}

#[test]
fn what_others_add_to_the_record_is_their_business() {
    let mut cluster = shop();
    cluster.settle("shop");
    cluster.foreign_edit("shop", &record_key(), |object| object["data"]["theirs"] = json!("x"));
    assert_eq!(
        steps(&cluster, "shop"),
        Vec::<String>::new(),
        "server-side apply cannot remove it: no endless repair"
    );
}

#[test]
fn lost_and_changed_labels_are_put_back() {
    let mut cluster = shop();
    cluster.settle("shop");
    let before = cluster.namespaces["shop"].clone();
    for key in before.labels.keys().filter(|k| *k != "kubernetes.io/metadata.name") {
        cluster.set_label("shop", key, None);
        cluster.settle("shop");
        assert_eq!(cluster.namespaces["shop"], before, "{key} was removed");
        if key.starts_with(LABEL_PREFIX) && key != LABEL_TENANT && key != LABEL_ISOLATED {
            cluster.set_label("shop", key, Some("nonsense"));
            cluster.settle("shop");
            assert_eq!(cluster.namespaces["shop"], before, "{key} was changed");
        }
    }
}

#[test]
fn the_label_isolated_is_put_back_only_with_the_policies_read() {
    let mut cluster = shop();
    cluster.settle("shop");
    cluster.set_label("shop", LABEL_ISOLATED, None);
    cluster.foreign_delete("shop", &deny());
    let steps = steps(&cluster, "shop");
    assert_eq!(steps[0], "apply NetworkPolicy/snc-default-deny");
    assert!(
        steps[1]
            .starts_with("isolated=true after reading NetworkPolicy/snc-default-deny, NetworkPolicy/snc-dns"),
        "{steps:?}"
    );
}

/// The field manager is the client's word: who borrows ours must not make us write for ever.
#[test]
fn a_label_written_under_our_managers_name_is_not_ours_to_give_up() {
    let mut cluster = shop();
    cluster.settle("shop");
    let mut object = support::namespace_object("shop", &cluster.namespaces["shop"]);
    object.metadata.labels.as_mut().unwrap().insert("team".into(), "x".into());
    object.metadata.managed_fields.as_mut().unwrap().push(support::read(json!({
        "manager": "snc-operator", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:metadata": {"f:labels": {"f:team": {}}}},
    })));
    cluster.index.apply_namespace(&object);
    assert_eq!(steps(&cluster, "shop"), Vec::<String>::new());
}

#[test]
fn a_pod_security_label_of_somebody_else_is_asked_for_without_force() {
    let mut cluster = shop();
    cluster.settle("shop");
    cluster.set_label("shop", "pod-security.kubernetes.io/enforce", Some("privileged"));
    let plan = cluster.plan("shop");
    assert!(plan.steps.labels.is_none(), "the labels that we force stay out of it");
    assert_eq!(plan.steps.pod_security.unwrap()["pod-security.kubernetes.io/enforce"], "restricted");
}

#[test]
fn two_claimants_without_a_label_get_default_deny_and_no_more() {
    let mut cluster = shop();
    cluster.tenant("rival", &json!({"level": "Standard", "namespacePrefixes": ["sho"]}));
    let claimants = vec!["rival".to_owned(), "shop".to_owned()];
    assert_eq!(cluster.plan("shop").governance, Governance::Conflict { claimants, observed: false });
    assert_eq!(steps(&cluster, "shop"), ["apply NetworkPolicy/snc-default-deny"]);
    cluster.settle("shop");
    // The conflict ends: the one that is left takes over.
    cluster.set_tenant("rival", None);
    assert_eq!(cluster.plan("shop").governance, governed("shop"));
    cluster.settle("shop");
}

#[test]
fn two_claimants_of_a_running_namespace_that_one_observes_change_nothing() {
    let mut cluster = shop();
    cluster.pod("shop", "old", false);
    cluster
        .tenant("rival", &json!({"level": "Standard", "namespacePrefixes": ["sho"], "adoption": "Enforce"}));
    assert!(matches!(cluster.plan("shop").governance, Governance::Conflict { observed: true, .. }));
    assert!(cluster.plan("shop").steps.is_empty());
}

#[test]
fn the_label_of_the_first_wins_against_a_later_claim() {
    let mut cluster = shop();
    cluster.settle("shop");
    cluster.tenant("rival", &json!({"level": "Standard", "namespaces": ["shop"]}));
    assert_eq!(cluster.plan("shop").governance, governed("shop"));
    assert!(cluster.plan("shop").steps.is_empty());
    // Even if somebody takes the label away: the record knows.
    cluster.set_label("shop", LABEL_TENANT, None);
    assert_eq!(cluster.plan("shop").governance, governed("shop"));
}

/// Label and record gone, a pod running: what is labelled isolated is no namespace to observe.
#[test]
fn an_isolated_namespace_never_falls_back_to_observed() {
    let mut cluster = shop();
    cluster.settle("shop");
    cluster.pod("shop", "running", false);
    cluster.foreign_delete("shop", &record_key());
    cluster.set_label("shop", LABEL_TENANT, None);
    cluster.foreign_delete("shop", &deny());
    assert_eq!(cluster.plan("shop").governance, governed("shop"));
    cluster.settle("shop");
    assert!(cluster.has("shop", &deny()));
}

#[test]
fn a_released_namespace_keeps_nothing_of_ours() {
    let mut cluster = shop();
    cluster.settle("shop");
    cluster.foreign_network_policy("shop", "theirs");
    let mut spec = shop_spec();
    spec["release"] = json!(["shop"]);
    cluster.tenant("shop", &spec);
    let steps = steps(&cluster, "shop");
    assert_eq!(steps[..2], ["delete RoleBinding/snc-owners", "release"], "rights go first, then the labels");
    assert_eq!(steps.last().unwrap(), "delete NetworkPolicy/snc-default-deny", "isolation goes last");
    cluster.settle("shop");
    assert_eq!(cluster.ours("shop"), Vec::<String>::new());
    assert!(cluster.object("shop", ManagedKind::NetworkPolicy, "theirs").is_some());
    assert!(cluster.object("shop", ManagedKind::ServiceAccount, "default").is_some());
    assert!(!cluster.namespaces["shop"].labels.keys().any(|k| k.starts_with(LABEL_PREFIX)));
    assert_eq!(
        cluster.namespaces["shop"].label("pod-security.kubernetes.io/enforce"),
        Some("restricted"),
        "handed over, not dropped"
    );
    // And it stays released.
    assert!(matches!(cluster.plan("shop").governance, Governance::Released { .. }));
    cluster.restart();
    assert!(cluster.plan("shop").steps.is_empty());
}

#[test]
fn an_interrupted_release_goes_on() {
    let mut cluster = shop();
    cluster.settle("shop");
    let mut spec = shop_spec();
    spec["release"] = json!(["shop"]);
    cluster.tenant("shop", &spec);
    for _ in 0..20 {
        let plan = cluster.plan("shop");
        // Two writes, the second of which may change nothing, then a crash.
        for action in actions(&plan).iter().take(2) {
            cluster.execute("shop", plan.uid.as_deref().unwrap(), action).unwrap();
        }
        cluster.restart();
    }
    assert!(cluster.plan("shop").steps.is_empty());
    assert_eq!(cluster.ours("shop"), Vec::<String>::new());
    assert!(!cluster.namespaces["shop"].labels.keys().any(|k| k.starts_with(LABEL_PREFIX)));
}

#[test]
fn who_releases_a_namespace_claims_it_no_more() {
    let mut cluster = shop();
    cluster.settle("shop");
    let mut spec = shop_spec();
    spec["release"] = json!(["shop"]);
    cluster.tenant("shop", &spec);
    cluster.settle("shop");
    cluster.tenant("heir", &json!({"level": "Avance", "namespaces": ["shop"]}));
    assert_eq!(cluster.plan("shop").governance, governed("heir"));
}

#[test]
fn a_release_by_somebody_else_lets_nothing_go() {
    let mut cluster = shop();
    cluster.settle("shop");
    cluster.tenant("rival", &json!({"level": "Standard", "namespaces": ["x"], "release": ["shop"]}));
    assert_eq!(cluster.plan("shop").governance, governed("shop"));
    assert!(cluster.plan("shop").steps.is_empty());
}

#[test]
fn a_service_account_is_never_deleted() {
    let mut cluster = shop();
    cluster.settle("shop");
    let account = ObjectKey::new(ManagedKind::ServiceAccount, "default");
    let other = ObjectKey::new(ManagedKind::ServiceAccount, "robot");
    let ours = json!({LABEL_MANAGED_BY: "snc-operator"});
    cluster.foreign_edit("shop", &account, |object| object["metadata"]["labels"] = ours.clone());
    cluster.foreign_create(
        "shop",
        other,
        json!({"metadata": {"name": "robot", "namespace": "shop", "labels": ours}}),
    );
    let mut spec = shop_spec();
    assert_eq!(cluster.plan("shop").steps.orphans, []);
    spec["release"] = json!(["shop"]);
    cluster.tenant("shop", &spec);
    cluster.settle("shop");
    assert!(cluster.has("shop", &account));
}

#[test]
fn on_the_way_out_only_the_label_isolated_goes() {
    let mut cluster = shop();
    cluster.settle("shop");
    cluster.start_deletion("shop");
    assert_eq!(cluster.plan("shop").governance, Governance::Terminating { tenant: "shop".into() });
    assert_eq!(steps(&cluster, "shop"), ["drop isolated"]);
    cluster.settle("shop");
    assert_eq!(cluster.namespaces["shop"].label(LABEL_ISOLATED), None);
    assert_eq!(cluster.namespaces["shop"].label(LABEL_TENANT), Some("shop"));
    assert!(cluster.has("shop", &deny()), "pods are still on their way out");
}

#[test]
fn a_policy_cannot_go_below_the_tenant_or_the_baseline() {
    let mut cluster = shop();
    cluster.policy(
        "shop",
        "p",
        &json!({
            "level": "Essentiel",
            "modes": {"isolation": "Audit", "podSecurity": "Warn", "quota": "Audit", "workloads": "Audit"},
        }),
    );
    let report = cluster.plan("shop").report.unwrap();
    assert_eq!(report.effective.constraints.level(), Level::Standard);
    assert!(report.enforced);
    let paths: Vec<_> = report.effective.refusals["p"]
        .iter()
        .map(|r| (r.path.as_str(), r.given.as_str(), r.accepted.en.as_str()))
        .collect();
    assert_eq!(
        paths,
        [
            ("spec.level", "Essentiel", "at least Standard"),
            ("spec.modes.isolation", "Audit", "at least Enforce"),
            ("spec.modes.podSecurity", "Warn", "at least Enforce"),
            ("spec.modes.quota", "Audit", "at least Enforce"),
            ("spec.modes.workloads", "Audit", "at least Warn"),
        ]
    );
    let labels = cluster.plan("shop").steps.labels.unwrap();
    assert_eq!(labels["secnumcloud.dev/workloads"], "Warn");
    assert_eq!(labels["secnumcloud.dev/level"], "Standard");
    let labels = cluster.plan("shop").steps.pod_security.unwrap();
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "restricted");
}

#[test]
fn once_isolated_stays_isolated() {
    let mut cluster = shop();
    cluster.settle("shop");
    cluster.baseline("floor", &json!({"modes": {"isolation": "Audit"}}));
    cluster.settle("shop");
    assert!(cluster.has("shop", &deny()));
    assert_eq!(cluster.namespaces["shop"].label(LABEL_ISOLATED), Some("true"));
    assert!(cluster.plan("shop").report.unwrap().enforced);
    // The label alone, or the record alone, is enough to know.
    cluster.set_label("shop", LABEL_ISOLATED, None);
    assert!(cluster.plan("shop").report.unwrap().enforced);
    cluster.settle("shop");
    cluster.foreign_delete("shop", &record_key());
    assert!(cluster.plan("shop").report.unwrap().enforced);
    cluster.settle("shop");
    assert!(cluster.has("shop", &deny()));
}

#[rstest]
#[case("Audit", "audit")]
#[case("Warn", "warn")]
fn below_enforce_nothing_is_isolated_and_the_label_says_so(#[case] mode: &str, #[case] label: &str) {
    let mut cluster = shop();
    cluster.baseline("floor", &json!({"modes": {"isolation": mode}}));
    cluster.settle("shop");
    assert_eq!(cluster.namespaces["shop"].label(LABEL_ISOLATED), Some(label));
    assert!(!cluster.ours("shop").iter().any(|k| k.starts_with("NetworkPolicy")));
    assert!(matches!(cluster.plan("shop").report.unwrap().network.state, Network::NotEnforced));
    // Raised later: the time in between is a gap if pods ran.
    cluster.pod("shop", "running", false);
    let from = cluster.now;
    cluster.tick(100);
    cluster.baseline("floor", &enforcing());
    cluster.settle("shop");
    assert_eq!(cluster.namespaces["shop"].label(LABEL_ISOLATED), Some("true"));
    assert_eq!(cluster.record("shop").unwrap().gap.unwrap().from, from);
}

#[test]
fn a_namespace_of_the_same_name_starts_afresh() {
    let mut cluster = shop();
    cluster.settle("shop");
    let old = cluster.record("shop").unwrap();
    let left = cluster.objects[&("shop".to_owned(), record_key())].clone();
    cluster.start_deletion("shop");
    cluster.finish_deletion("shop");
    // Nobody claims it any more, and its policy and baseline are gone.
    cluster.set_tenant("shop", None);
    cluster.set_baseline("floor", None);
    cluster.namespace("shop");
    cluster.foreign_create("shop", record_key(), left);
    assert_eq!(cluster.record("shop").unwrap(), old);
    assert_eq!(
        cluster.plan("shop").governance,
        Governance::None,
        "the record of another UID is not believed"
    );
    cluster.set_label("shop", LABEL_TENANT, Some("shop"));
    let report = cluster.plan("shop").report.unwrap();
    assert!(
        !report.enforced && report.effective.policies.is_empty() && report.effective.baselines.is_empty()
    );
    cluster.settle("shop");
    assert_eq!(cluster.record("shop").unwrap().uid, cluster.namespaces["shop"].uid);
}

#[test]
fn a_default_deny_that_was_deleted_and_repaired_is_no_adoption() {
    let mut cluster = shop();
    cluster.settle("shop");
    cluster.tick(3600);
    cluster.pod("shop", "after", false);
    cluster.tick(3600);
    cluster.foreign_delete("shop", &deny());
    cluster.settle("shop");
    let gap = cluster.record("shop").unwrap().gap;
    assert_eq!(gap, None, "the pod came after isolation");
}

#[test]
fn a_pod_of_the_same_second_is_judged_by_resource_version() {
    let mut cluster = shop();
    let mut spec = shop_spec();
    spec["adoption"] = "Enforce".into();
    cluster.tenant("shop", &spec);
    cluster.pod("shop", "before", false);
    cluster.settle("shop");
    let gap = cluster.record("shop").unwrap().gap;
    assert!(gap.is_some_and(|gap| gap.from <= gap.to), "the pod came first");
    let mut later = shop();
    later.settle("shop");
    later.pod("shop", "after", false);
    assert_eq!(later.plan("shop").report.unwrap().gap, None);
}

/// What reads nothing of a first baseline cannot know the mode: the gate stays shut.
#[test]
fn a_baseline_that_was_never_readable_lets_no_pod_in() {
    let mut cluster = Cluster::default();
    cluster.tenant("shop", &shop_spec());
    cluster.set_baseline("floor", Some(support::unreadable("floor")));
    cluster.namespace("shop");
    cluster.settle("shop");
    assert_eq!(cluster.namespaces["shop"].label(LABEL_TENANT), Some("shop"));
    assert_eq!(cluster.namespaces["shop"].label(LABEL_ISOLATED), None);
    assert!(!cluster.pod("shop", "p", false), "the gate refuses it");
    cluster.baseline("floor", &enforcing());
    cluster.settle("shop");
    assert_eq!(cluster.namespaces["shop"].label(LABEL_ISOLATED), Some("true"));
    assert!(cluster.pod("shop", "p", false));
}

/// One label lost after the mode was lowered must not make us take the default-deny away.
#[test]
fn a_lost_label_does_not_undo_isolation() {
    for restart in [false, true] {
        let mut cluster = shop();
        cluster.settle("shop");
        cluster.baseline("floor", &json!({"modes": {"isolation": "Audit"}}));
        cluster.settle("shop");
        cluster.set_label("shop", LABEL_ISOLATED, None);
        if restart {
            cluster.restart();
        }
        cluster.settle("shop");
        assert!(cluster.has("shop", &deny()));
        assert_eq!(cluster.namespaces["shop"].label(LABEL_ISOLATED), Some("true"));
    }
}

#[test]
fn without_labels_record_and_claim_the_default_deny_still_stays() {
    let mut cluster = shop();
    cluster.settle("shop");
    cluster.set_tenant("shop", None);
    cluster.foreign_delete("shop", &record_key());
    let keys: Vec<_> =
        cluster.namespaces["shop"].labels.keys().filter(|k| k.starts_with(LABEL_PREFIX)).cloned().collect();
    for key in keys {
        cluster.set_label("shop", &key, None);
    }
    cluster.restart();
    assert_eq!(cluster.plan("shop").governance, Governance::None);
    assert!(cluster.plan("shop").steps.is_empty());
    // Claimed again, running pods or not, it is isolated and not merely observed.
    cluster.pod("shop", "p", false);
    cluster.tenant("shop", &shop_spec());
    assert_eq!(cluster.plan("shop").governance, governed("shop"));
    cluster.settle("shop");
}

#[test]
fn what_a_conflict_left_behind_goes_with_it() {
    let mut cluster = shop();
    cluster.tenant("rival", &json!({"level": "Standard", "namespaces": ["shop"]}));
    cluster.settle("shop");
    cluster.baseline("floor", &json!({}));
    let both = cluster.objects.clone();
    // Both let go: nothing of ours is left in nobody's namespace.
    cluster.set_tenant("rival", None);
    cluster.set_tenant("shop", None);
    cluster.settle("shop");
    assert_eq!(cluster.ours("shop"), Vec::<String>::new());
    // One lets go, and the other only audits: it is not isolated by the quarrel.
    let mut one = shop();
    one.tenant("rival", &json!({"level": "Standard", "namespaces": ["shop"]}));
    one.settle("shop");
    assert_eq!(one.objects.keys().count(), both.keys().count());
    one.baseline("floor", &json!({}));
    one.set_tenant("rival", None);
    one.settle("shop");
    assert!(!one.has("shop", &deny()));
    assert_eq!(one.namespaces["shop"].label(LABEL_ISOLATED), Some("audit"));
}

/// A stale default-deny of the namespace before says nothing of the new one.
#[test]
fn a_default_deny_older_than_its_namespace_is_no_evidence() {
    let mut cluster = shop();
    cluster.settle("shop");
    let old = cluster.objects[&("shop".to_owned(), deny())].clone();
    cluster.start_deletion("shop");
    cluster.finish_deletion("shop");
    cluster.tick(30);
    cluster.baseline("floor", &json!({}));
    cluster.namespace("shop");
    let observed =
        snc_index::Observed::from(&support::read::<k8s_openapi::api::networking::v1::NetworkPolicy>(old));
    cluster.index.apply_object("shop", deny(), observed);
    assert!(!cluster.plan("shop").report.unwrap().enforced);
}

/// Its pods are still going; whoever lists its name in `release`, its policies go with the namespace.
#[test]
fn nothing_is_released_on_the_way_out() {
    let mut cluster = shop();
    cluster.settle("shop");
    let mut spec = shop_spec();
    spec["release"] = json!(["shop"]);
    cluster.start_deletion("shop");
    cluster.tenant("shop", &spec);
    assert_eq!(steps(&cluster, "shop"), ["drop isolated"]);
    cluster.settle("shop");
    cluster.set_label("shop", LABEL_TENANT, None);
    cluster.set_tenant("shop", None);
    cluster.tenant("stranger", &json!({"level": "Standard", "release": ["shop"]}));
    cluster.restart();
    assert!(cluster.plan("shop").steps.is_empty());
    assert!(cluster.has("shop", &deny()));
}
