//! What is applied against what is asked for.

use super::*;
use crate::event::{Event, Level};
use rstest::rstest;
use serde_json::{Value, json};

#[test]
fn the_same_policy_has_no_differences_in_whatever_order_its_lists_are() {
    let a = policy(
        "omitStages: [RequestReceived, Panic]\nrules: [{level: None, users: [a, b], resources: [{group: apps, resources: [r, s]}, {group: ''}]}, {level: Metadata}]",
    );
    let b = policy(
        "omitStages: [Panic, RequestReceived]\nrules: [{level: None, users: [b, a, a], resources: [{group: ''}, {group: apps, resources: [s, r]}]}, {level: Metadata}]",
    );
    assert_eq!(diff(&a, &b), []);
    let generated = generate(&Wishes::default()).policy;
    assert_eq!(diff(&generated, &generated), []);
}

#[test]
fn what_differs_is_told_by_what_it_does_and_by_its_rule() {
    let expected = policy(
        "rules: [{level: Metadata, resources: [{group: '', resources: [secrets]}]}, {level: Metadata}]",
    );
    let applied = policy(
        "rules: [{level: Metadata, resources: [{group: '', resources: [secrets]}]}, {level: None, verbs: [watch]}, {level: Metadata}]",
    );
    let found = diff(&expected, &applied);
    let Difference::Level { expected: Level::Metadata, applied: Level::None, rule: Some(1), ref example } =
        found[0]
    else {
        panic!("{found:?}");
    };
    assert_eq!(example.verb, "watch");
    assert!(
        found[0].is_weaker() && found[0].message().en.contains("expected Metadata, applied None (rules[1])")
    );
    assert_eq!(found.last(), Some(&Difference::Added { applied: 1 }));
    // The other way round it is more, and an absent rule.
    let back = diff(&applied, &expected);
    assert!(!back.iter().any(Difference::is_weaker), "{back:?}");
    assert_eq!(back.last(), Some(&Difference::Absent { expected: 1 }));
}

#[test]
fn order_decides_and_so_it_is_told() {
    let expected =
        policy("rules: [{level: Metadata, users: [alice]}, {level: None, verbs: [get]}, {level: Metadata}]");
    let applied =
        policy("rules: [{level: None, verbs: [get]}, {level: Metadata, users: [alice]}, {level: Metadata}]");
    let found = diff(&expected, &applied);
    assert!(found.iter().any(|difference| matches!(difference, Difference::Level { example, applied: Level::None, .. } if example.user.as_deref() == Some("alice"))), "{found:?}");
    assert!(found.iter().any(|difference| matches!(difference, Difference::Moved { .. })), "{found:?}");
    let stages = diff(
        &policy("rules: [{level: Metadata}]"),
        &policy("omitStages: [Panic]\nomitManagedFields: true\nrules: [{level: Metadata}]"),
    );
    let fields: Vec<&str> = stages
        .iter()
        .map(|difference| if let Difference::Setting { field, .. } = difference { *field } else { "" })
        .collect();
    assert_eq!(fields, ["omitStages", "omitManagedFields"]);
}

#[test]
fn a_wish_that_is_not_applied_yet_is_weaker() {
    let wish = Wish {
        tenant: "acme".parse().unwrap(),
        namespaces: ["shop".to_owned()].into(),
        resources: [Wanted { group: "apps".to_owned(), resource: "deployments".to_owned() }].into(),
    };
    let expected = generate(&Wishes { tenants: vec![wish], ..Wishes::default() }).policy;
    let found = diff(&expected, &generate(&Wishes::default()).policy);
    let example = found.iter().find_map(|difference| match difference {
        Difference::Level { example, expected: Level::Request, applied: Level::Metadata, .. } => {
            Some(example)
        }
        _ => None,
    });
    assert_eq!(
        example.map(|example| (example.object.as_str(), example.namespace.as_str())),
        Some(("deployments", "shop"))
    );
    assert!(!found.contains(&Difference::Unfinished));
}

fn event(more: Value) -> String {
    let mut event = json!({
        "auditID": "x", "stage": "ResponseComplete", "level": "Metadata", "verb": "get", "requestURI": "/api/v1/namespaces/shop/pods/web",
        "user": {"username": "alice", "groups": ["system:authenticated"]},
        "objectRef": {"resource": "pods", "namespace": "shop", "name": "web", "apiVersion": "v1"},
        "responseStatus": {"code": 200}, "requestReceivedTimestamp": "2026-11-23T10:00:00.000000Z",
    });
    for (key, value) in more.as_object().unwrap() {
        event[key] = value.clone();
    }
    event.to_string()
}

fn see(observed: &mut Observed, more: Value) {
    observed.see(&generate(&Wishes::default()).policy, &Event::parse(&event(more)).unwrap());
}

#[test]
fn what_agrees_agrees_and_what_was_not_seen_is_not_known() {
    let mut observed = Observed::default();
    assert_eq!(observed.applied(), Applied::Unknown);
    see(&mut observed, json!({}));
    see(&mut observed, json!({"verb": "list", "objectRef": {"resource": "secrets", "namespace": "shop"}}));
    // Made: its name was in its body, which the policy does not see.
    see(
        &mut observed,
        json!({"verb": "create", "level": "Request", "objectRef": {"resource": "roles", "apiGroup": "rbac.authorization.k8s.io", "namespace": "shop", "name": "r"}, "requestObject": {}}),
    );
    see(
        &mut observed,
        json!({"verb": "create", "objectRef": {"resource": "namespaces", "namespace": "n", "name": "n"}}),
    );
    see(&mut observed, json!({"stage": "ResponseStarted", "user": {}, "responseStatus": {"code": 401}}));
    see(&mut observed, json!({"objectRef": null, "requestURI": "/metrics?x=/healthz"}));
    let Applied::Agrees { events: 6, unseen } = observed.applied() else { panic!("{observed:?}") };
    assert_eq!(
        unseen,
        [
            "token-reviews",
            "certificates",
            "tokens",
            "accounts",
            "access",
            "controls",
            "declarations",
            "secret-writes",
            "configuration-reads"
        ]
    );
    let (_, secrets) = observed.seen().find(|(id, _)| *id == "secret-reads").unwrap();
    assert_eq!((secrets.count, secrets.lowest, secrets.highest), (1, Level::Metadata, Level::Metadata));
    let back: Observed = serde_json::from_str(&serde_json::to_string(&observed).unwrap()).unwrap();
    assert_eq!(back, observed);
}

#[rstest]
#[case(json!({"level": "Request", "verb": "create", "objectRef": {"resource": "secrets", "namespace": "shop", "name": "db"}, "requestObject": {"data": {}}}), Kind::Body)]
#[case(json!({"level": "RequestResponse", "objectRef": {"resource": "configmaps", "namespace": "shop", "name": "c"}, "responseObject": {"data": {}}}), Kind::Body)]
#[case(json!({"level": "Request", "verb": "create", "objectRef": {"resource": "tokenreviews", "apiGroup": "authentication.k8s.io"}, "requestObject": {}}), Kind::Body)]
// A refusal has a text of its own, at a level that was not asked for.
#[case(json!({"level": "RequestResponse", "objectRef": {"resource": "secrets", "namespace": "shop", "name": "db"}, "responseObject": {"kind": "Status"}, "responseStatus": {"code": 403}}), Kind::Above)]
#[case(json!({"level": "Metadata", "verb": "create", "objectRef": {"resource": "clusterroles", "apiGroup": "rbac.authorization.k8s.io", "name": "x"}}), Kind::Below)]
#[case(json!({"objectRef": null, "requestURI": "/healthz"}), Kind::Above)]
#[case(json!({"verb": "update", "user": {"username": "system:node:n1", "groups": ["system:nodes", "system:authenticated"]}, "objectRef": {"resource": "leases", "apiGroup": "coordination.k8s.io", "namespace": "kube-node-lease", "name": "n1"}}), Kind::Above)]
#[case(json!({"stage": "RequestReceived"}), Kind::Above)]
#[case(json!({"verb": "watch", "stage": "ResponseStarted"}), Kind::Above)]
fn one_event_that_could_not_be_proves_another_policy(#[case] more: Value, #[case] kind: Kind) {
    let mut observed = Observed::default();
    see(&mut observed, more);
    assert_eq!(observed.applied(), Applied::Contradicted { events: 1, contradictions: 1 });
    assert_eq!(observed.contradictions()[0].kind, kind);
    assert_eq!(observed.bodies(), u64::from(kind == Kind::Body));
    let message = observed.contradictions()[0].message();
    assert!(!message.fr.is_empty() && message.en.contains("ResponseComplete") | message.en.contains("Re"));
}

#[test]
fn secrets_in_the_log_are_told_however_many_others_there_are() {
    let mut observed = Observed::default();
    for _ in 0..30 {
        see(&mut observed, json!({"stage": "RequestReceived"}));
    }
    for _ in 0..3 {
        see(
            &mut observed,
            json!({"level": "Request", "verb": "create", "objectRef": {"resource": "secrets", "namespace": "shop"}, "requestObject": {}}),
        );
    }
    assert_eq!(observed.contradictions().len(), 20);
    assert_eq!(observed.contradictions().iter().filter(|one| one.kind == Kind::Body).count(), 3);
    assert_eq!(observed.applied(), Applied::Contradicted { events: 33, contradictions: 33 });
    observed.forget();
    assert_eq!(observed.applied(), Applied::Unknown);
}

/// Each event goes through this too.
#[test]
fn seeing_is_quick() {
    let (policy, text) = (generate(&Wishes::default()).policy, event(json!({})));
    let event = Event::parse(&text).unwrap();
    let observed = std::cell::RefCell::new(Observed::default());
    let each = crate::quick::each(20_000, |_| observed.borrow_mut().see(&policy, &event));
    println!("{each} ns to see an event");
    assert!(each < 100_000, "{each} ns");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// A difference in what two policies do is found wherever one request meets it.
    #[test]
    fn no_difference_that_a_request_meets_is_missed(
        rule in 0_usize..30, change in 0_u8..3, asked in prop::collection::vec(asked(), 40),
    ) {
        let expected = generate(&Wishes::default()).policy;
        let mut applied = expected.clone();
        let at = rule % applied.rules.len();
        match change {
            0 => drop(applied.rules.remove(at)),
            1 => applied.rules[at].level = if applied.rules[at].level == Level::None { Level::Metadata } else { Level::None },
            _ => applied.rules.rotate_left(1),
        }
        let found = diff(&expected, &applied);
        prop_assert!(!found.is_empty());
        for asked in asked {
            asked.with(|attributes| {
                let (ours, theirs) = (level(&expected, attributes), level(&applied, attributes));
                if ours != theirs {
                    let told = found.iter().any(|one| matches!(one, Difference::Level { expected, applied, .. } if (*expected, *applied) == (ours, theirs)));
                    prop_assert!(told, "{attributes:?} {ours} {theirs} {found:?}");
                }
                Ok(())
            })?;
        }
    }
}
