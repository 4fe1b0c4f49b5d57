use super::*;
use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use serde_json::{Value, json};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn tenant(name: &str) -> TenantName {
    name.parse().unwrap()
}

/// `shop` was acme's, then bolt's under another UID; `tools` is the platform's.
fn directory() -> Directory {
    let mut directory = Directory::default();
    directory.governed("shop", "u1", &tenant("acme"), at(100));
    directory.released("shop", "u1", at(200));
    directory.governed("shop", "u2", &tenant("bolt"), at(300));
    directory.ungoverned("tools", "u3", at(0));
    directory.governed("api", "u4", &tenant("acme"), at(100));
    directory.owners(&tenant("acme"), ["alice", "both"], ["acme-devs"]);
    directory.owners(&tenant("bolt"), ["bob", "both"], ["bolt-devs"]);
    directory
}

/// An event at that second: what it is about, and what else is said.
fn event(seconds: i64, object: Value, more: Value) -> String {
    let mut event = json!({
        "auditID": "x", "stage": "ResponseComplete", "verb": "get",
        "user": {"username": "root", "groups": ["system:masters", "system:authenticated"]},
        "objectRef": object,
        "requestReceivedTimestamp": at(seconds).to_string(),
    });
    for (key, value) in more.as_object().unwrap() {
        event[key] = value.clone();
    }
    event.to_string()
}

fn whose(directory: &Directory, text: &str) -> (String, Reason) {
    let (partition, reason) = directory.attribute(&Event::parse(text).unwrap());
    (partition.to_string(), reason)
}

fn pod(namespace: &str) -> Value {
    json!({"resource": "pods", "namespace": namespace, "name": "web"})
}

fn by(user: &str) -> Value {
    json!({"user": {"username": user, "groups": ["system:authenticated"]}})
}

#[rstest]
#[case(99, "platform", Reason::NamespaceUnknown)]
#[case(100, "tenant.acme", Reason::ObjectNamespace)]
#[case(199, "tenant.acme", Reason::ObjectNamespace)]
#[case(200, "platform", Reason::NamespaceUnknown)]
#[case(299, "platform", Reason::NamespaceUnknown)]
#[case(300, "tenant.bolt", Reason::ObjectNamespace)]
#[case(9_999, "tenant.bolt", Reason::ObjectNamespace)]
fn a_name_is_whose_it_was_at_that_time(#[case] second: i64, #[case] whose_: &str, #[case] reason: Reason) {
    let said = whose(&directory(), &event(second, pod("shop"), json!({})));
    assert_eq!(said, (whose_.to_owned(), reason));
}

#[rstest]
#[case("tools", Reason::Platform)]
#[case("kube-system", Reason::Platform)]
#[case("default", Reason::Platform)]
#[case("snc-system", Reason::Platform)]
#[case("never-heard-of", Reason::NamespaceUnknown)]
fn what_is_no_tenants_is_the_platforms(#[case] namespace: &str, #[case] reason: Reason) {
    let said = whose(&directory(), &event(500, pod(namespace), json!({})));
    assert_eq!(said, ("platform".to_owned(), reason));
}

#[test]
fn an_object_is_of_its_namespace_whoever_acts() {
    for user in
        ["bob", "system:serviceaccount:api:default", "system:serviceaccount:kube-system:job-controller"]
    {
        let said = whose(&directory(), &event(150, pod("shop"), by(user)));
        assert_eq!(said, ("tenant.acme".to_owned(), Reason::ObjectNamespace), "{user}");
    }
}

#[test]
fn a_namespace_and_a_tenant_are_their_own() {
    let directory = directory();
    let namespace = json!({"resource": "namespaces", "namespace": "shop", "name": "shop"});
    assert_eq!(
        whose(&directory, &event(400, namespace, json!({}))),
        ("tenant.bolt".to_owned(), Reason::Namespace)
    );
    let finalize = json!({"resource": "namespaces", "subresource": "finalize", "name": "shop"});
    assert_eq!(
        whose(&directory, &event(150, finalize, json!({}))),
        ("tenant.acme".to_owned(), Reason::Namespace)
    );
    let of = |name: &str| json!({"resource": "snctenants", "apiGroup": "secnumcloud.dev", "name": name});
    assert_eq!(
        whose(&directory, &event(0, of("acme"), json!({}))),
        ("tenant.acme".to_owned(), Reason::Tenant)
    );
    // Whoever asks for a name that is nobody's makes no partition of it.
    assert_eq!(
        whose(&directory, &event(0, of("../etc"), json!({}))),
        ("platform".to_owned(), Reason::Platform)
    );
    assert_eq!(
        whose(&directory, &event(0, of("nobody"), json!({}))),
        ("platform".to_owned(), Reason::Platform)
    );
    let elsewhere = json!({"resource": "snctenants", "apiGroup": "example.org", "name": "acme"});
    assert_eq!(whose(&directory, &event(0, elsewhere, json!({}))).0, "platform");
}

#[test]
fn the_request_that_makes_a_namespace_comes_before_it() {
    let made = |second, code: u16| {
        let object = json!({"resource": "namespaces", "name": "shop"});
        event(second, object, json!({"verb": "create", "responseStatus": {"code": code}}))
    };
    assert_eq!(whose(&directory(), &made(99, 201)), ("tenant.acme".to_owned(), Reason::Namespace));
    assert_eq!(whose(&directory(), &made(299, 201)), ("tenant.bolt".to_owned(), Reason::Namespace));
    assert_eq!(whose(&directory(), &made(30, 201)), ("platform".to_owned(), Reason::NamespaceUnknown));
    // Refused: it made nothing, and what was there is whose it was.
    assert_eq!(whose(&directory(), &made(299, 403)), ("platform".to_owned(), Reason::NamespaceUnknown));
    assert_eq!(whose(&directory(), &made(199, 409)), ("tenant.acme".to_owned(), Reason::Namespace));
}

#[rstest]
#[case("alice", "tenant.acme", Reason::Owner)]
#[case("bob", "tenant.bolt", Reason::Owner)]
#[case("both", "platform", Reason::Platform)]
#[case("root", "platform", Reason::Platform)]
#[case("", "platform", Reason::Platform)]
#[case("system:serviceaccount:api:default", "tenant.acme", Reason::ServiceAccount)]
#[case("system:serviceaccount:shop:default", "tenant.bolt", Reason::ServiceAccount)]
#[case("system:serviceaccount:tools:default", "platform", Reason::Platform)]
#[case("system:serviceaccount:kube-system:clusterrole-aggregation-controller", "platform", Reason::Platform)]
fn what_is_of_no_namespace_is_of_who_acts(#[case] user: &str, #[case] whose_: &str, #[case] reason: Reason) {
    let object = json!({"resource": "clusterroles", "apiGroup": "rbac.authorization.k8s.io", "name": "x"});
    assert_eq!(whose(&directory(), &event(400, object, by(user))), (whose_.to_owned(), reason));
    // The same without an object: a path.
    assert_eq!(whose(&directory(), &event(400, Value::Null, by(user))), (whose_.to_owned(), reason));
}

#[test]
fn groups_count_as_users_do_and_two_tenants_are_none() {
    let cluster_wide = |groups: &[&str], user: &str| {
        event(400, Value::Null, json!({"user": {"username": user, "groups": groups}}))
    };
    let directory = directory();
    assert_eq!(whose(&directory, &cluster_wide(&["acme-devs"], "carol")).0, "tenant.acme");
    assert_eq!(whose(&directory, &cluster_wide(&["acme-devs"], "alice")).0, "tenant.acme");
    assert_eq!(
        whose(&directory, &cluster_wide(&["acme-devs"], "bob")),
        ("platform".to_owned(), Reason::Platform)
    );
    assert_eq!(whose(&directory, &cluster_wide(&["acme-devs", "bolt-devs"], "carol")).0, "platform");
}

#[test]
fn who_is_impersonated_counts_and_not_who_does_it() {
    let as_user = |user: &str, other: &str| {
        event(400, Value::Null, json!({"user": {"username": user}, "impersonatedUser": {"username": other}}))
    };
    assert_eq!(whose(&directory(), &as_user("root", "alice")), ("tenant.acme".to_owned(), Reason::Owner));
    assert_eq!(whose(&directory(), &as_user("alice", "root")), ("platform".to_owned(), Reason::Platform));
    let account = as_user("root", "system:serviceaccount:api:x");
    assert_eq!(whose(&directory(), &account), ("tenant.acme".to_owned(), Reason::ServiceAccount));
}

#[test]
fn an_owner_in_a_namespace_that_is_unknown_is_still_an_owner() {
    let said = whose(&directory(), &event(400, pod("new"), by("alice")));
    assert_eq!(said, ("tenant.acme".to_owned(), Reason::Owner));
    let said = whose(&directory(), &event(400, pod("kube-system"), by("alice")));
    assert_eq!(said, ("tenant.acme".to_owned(), Reason::Owner));
}

#[test]
fn a_group_of_everybody_owns_nothing() {
    let mut directory = directory();
    directory.owners(&tenant("greedy"), ["system:serviceaccount:tools:x"], ["system:authenticated"]);
    assert_eq!(whose(&directory, &event(400, Value::Null, by("carol"))).0, "platform");
    assert_eq!(
        whose(&directory, &event(400, Value::Null, by("system:serviceaccount:tools:x"))).0,
        "platform"
    );
    assert_eq!(directory.tenant("greedy"), Some(&tenant("greedy")), "it is known all the same");
}

#[test]
fn without_a_time_a_namespace_is_nobodys() {
    let mut text: Value = serde_json::from_str(&event(400, pod("shop"), json!({}))).unwrap();
    text["requestReceivedTimestamp"] = Value::Null;
    assert_eq!(whose(&directory(), &text.to_string()), ("platform".to_owned(), Reason::NamespaceUnknown));
}

#[test]
fn telling_again_changes_nothing_and_ends_are_learned_late() {
    let mut directory = directory();
    let before = directory.clone();
    directory.governed("shop", "u2", &tenant("bolt"), at(300));
    directory.governed("shop", "u1", &tenant("acme"), at(100));
    directory.released("shop", "u1", at(900));
    directory.owners(&tenant("acme"), ["both", "alice"], ["acme-devs"]);
    assert_eq!(directory, before);
    // A namespace that moves from one tenant to another under the same UID.
    directory.governed("shop", "u2", &tenant("acme"), at(500));
    assert_eq!(directory.namespace("shop", at(499), false), Known::Tenant(&tenant("bolt")));
    assert_eq!(directory.namespace("shop", at(500), false), Known::Tenant(&tenant("acme")));
    // And one that is let go.
    directory.ungoverned("shop", "u2", at(600));
    assert_eq!(directory.namespace("shop", at(600), false), Known::Platform);
    // Its end was seen after the next one began: the next one counts from its beginning.
    directory.governed("late", "a", &tenant("acme"), at(10));
    directory.governed("late", "b", &tenant("bolt"), at(20));
    directory.released("late", "a", at(30));
    assert_eq!(directory.namespace("late", at(25), false), Known::Tenant(&tenant("bolt")));
    assert_eq!(directory.namespaces_of(&tenant("bolt")).collect::<Vec<_>>(), ["late"]);
}

#[test]
fn a_tenant_that_is_gone_owns_nothing_and_is_known() {
    let mut directory = directory();
    directory.dissolved(&tenant("acme"), at(500));
    assert_eq!(whose(&directory, &event(600, Value::Null, by("alice"))).0, "platform");
    let end = json!({"resource": "snctenants", "apiGroup": "secnumcloud.dev", "name": "acme"});
    assert_eq!(whose(&directory, &event(499, end, json!({"verb": "delete"}))).0, "tenant.acme");
    directory.owners(&tenant("acme"), ["alice"], Vec::<String>::new());
    assert_eq!(whose(&directory, &event(600, Value::Null, by("alice"))).0, "tenant.acme");
}

#[test]
fn it_is_written_down_and_read_back() {
    let directory = directory();
    let text = serde_json::to_string(&directory).unwrap();
    let back: Directory = serde_json::from_str(&text).unwrap();
    assert_eq!(back, directory);
    assert_eq!(whose(&back, &event(400, Value::Null, by("alice"))).0, "tenant.acme");
}

#[test]
fn what_ended_long_ago_is_forgotten_and_what_holds_is_not() {
    let mut directory = directory();
    let day = SignedDuration::from_hours(24);
    assert_eq!(directory.prune(at(200) + day * 399), 0);
    assert_eq!(directory.prune(at(200) + day * 400), 1);
    assert_eq!(directory.namespace("shop", at(150), false), Known::No);
    assert_eq!(directory.namespace("shop", at(400), false), Known::Tenant(&tenant("bolt")));
    assert_eq!(directory.prune(at(200) + day * 4_000), 0);
}

#[test]
fn namespaces_that_come_and_go_are_not_remembered_without_end() {
    let mut directory = Directory::default();
    let acme = tenant("acme");
    for second in 0..200_100 {
        let name = format!("n{}", second % 5);
        directory.kept_push(&name, second, &acme);
    }
    assert_eq!(directory.prune(at(200_200)), 100);
    assert_eq!(directory.namespace("n4", at(99), false), Known::No);
    assert_eq!(directory.namespace("n0", at(100), false), Known::Tenant(&acme));
}

#[rstest]
#[case("platform", Some(Partition::Platform))]
#[case("tenant.acme", Some(Partition::Tenant(TenantName::from_str("acme").unwrap())))]
#[case("tenant.a.b-c", Some(Partition::Tenant(TenantName::from_str("a.b-c").unwrap())))]
#[case("tenant.platform", Some(Partition::Tenant(TenantName::from_str("platform").unwrap())))]
#[case("tenant.", None)]
#[case("tenant", None)]
#[case("tenant.A", None)]
#[case("tenant..", None)]
#[case("tenant.a..b", None)]
#[case("tenant.a/b", None)]
#[case("tenant.-a", None)]
#[case("tenant.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", None)]
#[case("", None)]
fn partitions_are_safe_names(#[case] text: &str, #[case] expected: Option<Partition>) {
    assert_eq!(text.parse().ok(), expected);
    if let Some(partition) = expected {
        assert_eq!(serde_json::to_value(&partition).unwrap(), json!(text));
        assert_eq!(serde_json::from_value::<Partition>(json!(text)).unwrap(), partition);
    }
}

/// Each event goes through this too.
#[test]
fn attributing_is_quick() {
    let mut directory = directory();
    for number in 0..2_000 {
        directory.governed(&format!("n{number}"), "u", &tenant("acme"), at(0));
    }
    let texts = [event(400, pod("n77"), json!({})), event(400, Value::Null, by("alice"))];
    let events: Vec<Event<'_>> = texts.iter().map(|text| Event::parse(text).unwrap()).collect();
    let each = crate::quick::each(50_000, |round| {
        drop(std::hint::black_box(directory.attribute(&events[usize::from(round.is_multiple_of(2))])));
    });
    println!("{each} ns to attribute an event");
    assert!(each < 50_000, "{each} ns");
}
