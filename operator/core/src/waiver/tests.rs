use super::*;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

const KUBE_SYSTEM: &str = "system:serviceaccount:kube-system:";

fn made(kind: (&str, &str), name: &str, owner: (&str, &str, &str), labels: &Value) -> Value {
    json!({
        "apiVersion": kind.0, "kind": kind.1,
        "metadata": {
            "namespace": "shop", "name": name, "labels": labels,
            "ownerReferences": [
                {"apiVersion": "v1", "kind": "Other", "name": "beside"},
                {"apiVersion": owner.0, "kind": owner.1, "name": owner.2, "controller": true},
            ],
        },
    })
}

#[rstest]
#[case("deployment", ("apps/v1", "ReplicaSet"), "web-5d4", ("apps/v1", "Deployment", "web"), "",
    &["apps/ReplicaSet:shop/web-5d4", "apps/Deployment:shop/web"])]
#[case("replicaset", ("v1", "Pod"), "web-5d4-x", ("apps/v1", "ReplicaSet", "web-5d4"), "5d4",
    &["core/Pod:shop/web-5d4-x", "apps/ReplicaSet:shop/web-5d4", "apps/Deployment:shop/web"])]
#[case("replicaset", ("v1", "Pod"), "web-5d4-x", ("apps/v1", "ReplicaSet", "web-5d4"), "other",
    &["core/Pod:shop/web-5d4-x", "apps/ReplicaSet:shop/web-5d4"])]
#[case("replicaset", ("v1", "Pod"), "5d4-x", ("apps/v1", "ReplicaSet", "-5d4"), "5d4",
    &["core/Pod:shop/5d4-x", "apps/ReplicaSet:shop/-5d4"])]
#[case("replicaset", ("v1", "Pod"), "web-x", ("apps/v1", "ReplicaSet", "web-"), "",
    &["core/Pod:shop/web-x", "apps/ReplicaSet:shop/web-"])]
#[case("job", ("v1", "Pod"), "dump-29-x", ("batch/v1", "Job", "dump-29"), "",
    &["core/Pod:shop/dump-29-x", "batch/Job:shop/dump-29", "batch/CronJob:shop/dump"])]
#[case("job", ("v1", "Pod"), "dump-x", ("batch/v1", "Job", "dump-"), "",
    &["core/Pod:shop/dump-x", "batch/Job:shop/dump-"])]
#[case("job", ("v1", "Pod"), "v2-x", ("batch/v1", "Job", "v2"), "",
    &["core/Pod:shop/v2-x", "batch/Job:shop/v2"])]
#[case("cronjob", ("batch/v1", "Job"), "dump-29", ("batch/v1", "CronJob", "dump"), "",
    &["batch/Job:shop/dump-29", "batch/CronJob:shop/dump"])]
#[case("statefulset", ("v1", "Pod"), "db-0", ("apps/v1", "StatefulSet", "db"), "",
    &["core/Pod:shop/db-0", "apps/StatefulSet:shop/db"])]
#[case("daemon-set", ("v1", "Pod"), "log-x", ("apps/v1", "DaemonSet", "log"), "",
    &["core/Pod:shop/log-x", "apps/DaemonSet:shop/log"])]
#[case("replication", ("v1", "Pod"), "old-x", ("v1", "ReplicationController", "old"), "",
    &["core/Pod:shop/old-x", "core/ReplicationController:shop/old"])]
// One controller does not speak of what another makes.
#[case("job", ("v1", "Pod"), "web-5d4-x", ("apps/v1", "ReplicaSet", "web-5d4"), "5d4",
    &["core/Pod:shop/web-5d4-x"])]
#[case("deployment", ("v1", "Pod"), "x", ("apps/v1", "Deployment", "web"), "", &["core/Pod:shop/x"])]
#[case("deployment", ("apps/v1", "ReplicaSet"), "x", ("evil.example/v1", "Deployment", "web"), "",
    &["apps/ReplicaSet:shop/x"])]
fn what_a_controller_makes_is_known_by_its_root(
    #[case] controller: &str,
    #[case] kind: (&str, &str),
    #[case] name: &str,
    #[case] owner: (&str, &str, &str),
    #[case] hash: &str,
    #[case] expected: &[&str],
) {
    let object = made(kind, name, owner, &json!({TEMPLATE_HASH: hash}));
    assert_eq!(roots(&format!("{KUBE_SYSTEM}{controller}-controller"), &object), expected);
}

#[test]
fn an_owner_that_does_not_control_is_no_root() {
    let mut object = made(("v1", "Pod"), "db-0", ("apps/v1", "StatefulSet", "db"), &json!({}));
    object["metadata"]["ownerReferences"][1]["controller"] = json!(false);
    assert_eq!(roots(&format!("{KUBE_SYSTEM}statefulset-controller"), &object), ["core/Pod:shop/db-0"]);
}

#[test]
fn a_pair_is_covered_by_its_exact_name_and_nothing_near_it() {
    let mut waivers = Waivers::default();
    waivers.grant("pod-host-network", "apps/DaemonSet:shop/log", "b");
    waivers.grant("pod-host-network", "apps/DaemonSet:shop/log", "a");
    waivers.grant("pod-host-network", "core/Namespace:/shop", "c");
    assert_eq!(waivers.covers("pod-host-network", "apps/DaemonSet:shop/log"), Some("a"));
    for key in [
        "apps/DaemonSet:shop/log2",
        "apps/DaemonSet:shop/lo",
        "apps/Deployment:shop/log",
        "apps/DaemonSet:shop2/log",
    ] {
        assert_eq!(waivers.covers("pod-host-network", key), None, "{key}");
    }
    assert_eq!(waivers.covers("pod-host-pid", "apps/DaemonSet:shop/log"), None);
    let both = ["core/Pod:shop/log-x".to_owned(), "apps/DaemonSet:shop/log".to_owned()];
    assert_eq!(waivers.covers_any("pod-host-network", &both), Some("a"));
    let published = waivers.published();
    assert_eq!(published["pod-host-network"], ["apps/DaemonSet:shop/log", "core/Namespace:/shop"]);
}

/// Anything, and often what a controller would have written.
fn object() -> impl Strategy<Value = Value> {
    let api = prop::sample::select(vec![
        ("v1", "Pod"),
        ("apps/v1", "ReplicaSet"),
        ("batch/v1", "Job"),
        ("apps/v1", "Deployment"),
    ]);
    let owner = prop::sample::select(MAKERS.iter().map(|maker| maker.owner).collect::<Vec<_>>());
    (api, owner, "[a-c]{0,2}(-[0-9a]{0,2})?", "[a-c]-[0-9]{1,2}", "[0-9a]{0,2}", any::<bool>()).prop_map(
        |((api_version, kind), owner, name, owned_by, hash, controls)| {
            json!({
                "apiVersion": api_version, "kind": kind,
                "metadata": {
                    "namespace": "shop", "name": name, "labels": {TEMPLATE_HASH: hash},
                    "annotations": {"secnumcloud.dev/exempt": "true"},
                    "ownerReferences": [
                        {"apiVersion": owner.0, "kind": owner.1, "name": owned_by, "controller": controls},
                    ],
                },
            })
        },
    )
}

fn username() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}",
        Just("system:serviceaccount:shop:deployment-controller".to_owned()),
        Just("system:serviceaccount:kube-system:default".to_owned()),
        Just("deployment-controller".to_owned()),
        Just(String::new()),
        prop::sample::select(MAKERS).prop_map(|maker| format!("{} ", maker.username)),
        prop::sample::select(MAKERS).prop_map(|maker| maker.username.to_uppercase()),
    ]
}

proptest! {
    #[test]
    fn whoever_is_no_built_in_controller_speaks_for_the_object_alone(name in username(), object in object()) {
        let subject = Subject::new(
            object["apiVersion"].as_str().unwrap(),
            object["kind"].as_str().unwrap(),
            "shop",
            object["metadata"]["name"].as_str().unwrap(),
        );
        prop_assert_eq!(roots(&name, &object), [subject.key()]);
    }

    /// What it made stays in its own namespace, and is for one owner.
    #[test]
    fn a_controller_speaks_for_its_own_kind_in_one_namespace(
        maker in prop::sample::select(MAKERS),
        object in object(),
    ) {
        let roots = roots(maker.username, &object);
        prop_assert!(roots.len() <= 3);
        for root in &roots {
            prop_assert!(root.contains(":shop/"), "{}", root);
        }
        if (object["apiVersion"].as_str(), object["kind"].as_str()) != (Some(maker.makes.api().0), Some(maker.makes.api().1)) {
            prop_assert_eq!(roots.len(), 1);
        }
    }

    #[test]
    fn what_is_published_does_not_hang_on_the_order(
        pairs in prop::collection::vec(("[a-c]{1,2}", "[a-b]/K:[a-b]{0,1}/[a-c]", "[x-z]"), 0..12),
    ) {
        let mut waivers = Waivers::default();
        for (control, key, exception) in &pairs {
            waivers.grant(control, key, exception);
        }
        let published = waivers.published();
        prop_assert_eq!(published.values().map(Vec::len).sum::<usize>(), waivers.len());
        for (control, key, _) in waivers.iter() {
            prop_assert!(published[control].iter().any(|one| one == key));
        }
        prop_assert!(published.values().all(|own| own.is_sorted()));
        let mut backwards = Waivers::default();
        for (control, key, exception) in pairs.iter().rev() {
            backwards.grant(control, key, exception);
        }
        prop_assert_eq!(backwards, waivers);
    }
}
