use super::*;
use crate::attribution::Partition;
use crate::canonical::hash;
use crate::quick::each;
use rstest::rstest;
use serde_json::{Map, Value, json};
use snc_core::lang::Lang;
use std::collections::BTreeSet;

fn settings() -> Settings {
    Settings { bypass_group: Some("rescue".to_owned()), ..Settings::default() }
}

fn event(more: &Map<String, Value>) -> String {
    let mut event = json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "4f6e", "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/shop/pods/web", "verb": "get",
        "user": {"username": "alice", "groups": ["devs", "system:authenticated"]},
        "sourceIPs": ["10.0.0.7"], "userAgent": "kubectl/v1.36.3",
        "objectRef": {"resource": "pods", "namespace": "shop", "name": "web", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": "2026-11-23T10:00:00.123456Z",
        "stageTimestamp": "2026-11-23T10:00:00.125000Z",
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
    });
    for (key, value) in more {
        event[key] = value.clone();
    }
    event.to_string()
}

fn of(value: Value) -> String {
    event(value.as_object().unwrap())
}

fn raised(settings: Settings, text: &str) -> Vec<Raised> {
    Detector::new(settings).unwrap().look(&Event::parse(text).unwrap(), &Partition::Platform)
}

/// What an example raises of its rule, and nothing of others that are not about it.
fn tried(rule: &Rule, example: &Example) -> Option<Raised> {
    if rule.matches.is_empty() {
        let (first, second) = (event(&example.event), event(example.second.as_ref().unwrap()));
        let (a, b) = (Event::parse(&first).unwrap(), Event::parse(&second).unwrap());
        let pair = ((&a, hash(&first).unwrap()), (&b, hash(&second).unwrap()));
        return audit_id_reused(pair.0, pair.1, &Partition::Platform).unwrap();
    }
    raised(settings(), &event(&example.event)).into_iter().find(|raised| raised.rule == rule.id)
}

#[test]
fn every_example_of_every_rule() {
    for rule in Rules::all().unwrap().iter() {
        assert!(rule.examples.raises.len() >= 2 && rule.examples.silent.len() >= 2, "{}", rule.id);
        for example in &rule.examples.raises {
            let raised = tried(rule, example);
            let raised = raised.unwrap_or_else(|| panic!("{}: {} raises nothing", rule.id, example.name));
            if let Some(severity) = example.severity {
                assert_eq!(raised.severity, severity, "{}: {}", rule.id, example.name);
            }
        }
        for example in &rule.examples.silent {
            assert_eq!(tried(rule, example), None, "{}: {}", rule.id, example.name);
        }
    }
}

#[test]
fn every_clause_and_every_word_has_an_example_that_needs_it() {
    for rule in Rules::all().unwrap().iter() {
        for (at, clause) in rule.matches.iter().enumerate() {
            let needed = rule.examples.raises.iter().any(|example| {
                let text = event(&example.event);
                let event = Event::parse(&text).unwrap();
                clause.fits(&Seen { event: &event, settings: &settings() })
            });
            assert!(needed, "{}: no example for clause {at}", rule.id);
        }
    }
}

#[test]
fn every_file_is_a_rule_and_says_all_in_both_languages() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/rules");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap().replace(".yaml", ""))
        .collect();
    let rules = Rules::all().unwrap();
    assert_eq!(rules.iter().map(|rule| rule.id.clone()).collect::<BTreeSet<_>>(), files);
    for rule in rules.iter() {
        for text in [&rule.title, &rule.message, &rule.remedy] {
            assert!(
                !text.fr.is_empty() && !text.en.is_empty() && (text.fr != text.en || text == &rule.message)
            );
        }
        assert!(!rule.requirements.is_empty(), "{}", rule.id);
        for lang in [Lang::Fr, Lang::En] {
            for (namespace, acting_as) in [(None, None), (Some("shop"), Some("bob"))] {
                let outcome = Outcome::Refused;
                let filling = rule::Filling {
                    user: "alice",
                    acting_as,
                    verb: "get",
                    object: "x/y",
                    namespace,
                    outcome,
                };
                let message = rule.message(&filling, lang);
                assert!(!message.contains(['{', '}']), "{message}");
                assert!(message.contains("alice") && message.contains("x/y"), "{message}");
            }
        }
    }
}

#[test]
fn a_message_is_filled_once() {
    let rules = Rules::all().unwrap();
    let filling = rule::Filling {
        user: "",
        acting_as: Some("{verb}"),
        verb: "get",
        object: "{user}",
        namespace: None,
        outcome: Outcome::Failed,
    };
    assert_eq!(
        rules.get("secret-read").unwrap().message(&filling, Lang::En),
        "somebody whose credentials were refused (as {verb}): get {user} outside of any namespace (allowed, without effect)"
    );
}

#[test]
fn what_is_told_of_a_request() {
    let text = of(json!({
        "auditID": "i".repeat(500), "verb": "create", "stage": "ResponseStarted",
        "impersonatedUser": {"username": "bob"}, "responseStatus": {"code": 403},
        "objectRef": {"resource": "pods", "subresource": "exec", "namespace": "shop", "name": "n".repeat(400)},
    }));
    let raised = raised(settings(), &text);
    assert_eq!(
        raised.iter().map(|raised| raised.rule.as_str()).collect::<Vec<_>>(),
        ["pod-access", "impersonation"]
    );
    let Raised { user, acting_as, namespace, verb, object, outcome, record, .. } = &raised[0];
    assert_eq!((user.as_str(), acting_as.as_deref()), ("alice", Some("bob")));
    assert_eq!((namespace.as_deref(), verb.as_str(), *outcome), (Some("shop"), "create", Outcome::Refused));
    assert!(object.starts_with("pods/exec/nnn") && object.chars().count() == LONGEST);
    assert_eq!((record.audit_id.chars().count(), record.stage.as_str()), (128, "ResponseStarted"));
}

#[test]
fn the_stages_of_one_request_are_one_and_a_forged_id_makes_no_two_the_same() {
    let exec = |more: Value| {
        let mut all = json!({"verb": "create", "objectRef": {"resource": "pods", "subresource": "exec", "namespace": "shop", "name": "web"}});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        raised(settings(), &of(all)).remove(0).request
    };
    let started = exec(json!({"stage": "ResponseStarted", "responseStatus": {"code": 101}}));
    assert_eq!(
        started,
        exec(json!({"stage": "ResponseComplete", "stageTimestamp": "2026-11-23T11:00:00.125000Z"}))
    );
    assert_ne!(started, exec(json!({"requestReceivedTimestamp": "2026-11-23T10:00:00.123457Z"})));
    assert_ne!(started, exec(json!({"user": {"username": "bob"}})));
    assert_ne!(started, exec(json!({"requestURI": "/other"})));
}

#[test]
fn a_patch_is_understood_however_it_is_written() {
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "resource": "roles", "namespace": "shop", "name": "x"});
    let text =
        of(json!({"verb": "patch", "level": "Request", "objectRef": role, "requestObject": "the body"}));
    for body in [
        r#"{"rules":[{"verbs":["\u0065scalate"]}]}"#,
        r#"{ "rules" : [ { "verbs" : [ "get" , "*" ] } ] }"#,
        r#"[{"op":"add","path":"/rules/0/verbs/-","value":"b\u0069nd"}]"#,
    ] {
        let raised = raised(settings(), &text.replace("\"the body\"", body));
        let told: Vec<_> = raised.iter().map(|raised| (raised.rule.as_str(), raised.severity)).collect();
        assert_eq!(told, [("cluster-rights", Severity::Critical)], "{body}");
    }
}

#[test]
fn a_pair_is_one_whichever_comes_again() {
    let (one, two) = (of(json!({"verb": "get"})), of(json!({"verb": "delete"})));
    let (a, b) = (Event::parse(&one).unwrap(), Event::parse(&two).unwrap());
    let (ha, hb) = (hash(&one).unwrap(), hash(&two).unwrap());
    let there = audit_id_reused((&a, ha), (&b, hb), &Partition::Platform).unwrap().unwrap();
    let back = audit_id_reused((&b, hb), (&a, ha), &Partition::Platform).unwrap().unwrap();
    assert_eq!((there.verb.as_str(), back.verb.as_str()), ("delete", "get"));
    assert_eq!(there.request, back.request);
}

#[test]
fn without_a_group_nobody_is_a_member() {
    let write = of(json!({"verb": "create", "user": {"username": "alice", "groups": ["rescue", ""]}}));
    assert!(raised(Settings::default(), &write).is_empty());
    assert_eq!(raised(settings(), &write).len(), 1);
}

#[test]
fn what_is_expected_raises_nothing_and_nothing_else_is_let_past() {
    let rules = Rules::all().unwrap();
    let parse = |text: &str| Expected::parse("--expected", text, rules);
    let injector = "system:serviceaccount:cert-manager:cert-manager-cainjector";
    let expected = parse(&format!("tampering={injector}")).unwrap();
    let writes = |user: &str| {
        let webhook = json!({"apiGroup": "admissionregistration.k8s.io", "resource": "validatingwebhookconfigurations", "name": "x"});
        let text = of(json!({"verb": "patch", "user": {"username": user}, "objectRef": webhook}));
        raised(Settings { expected: vec![expected.clone()], ..settings() }, &text).len()
    };
    assert_eq!(
        (writes(injector), writes("system:serviceaccount:cert-manager:other"), writes("alice")),
        (0, 1, 1)
    );
    for wrong in [
        "tampering",
        "tampering=alice",
        "tampering=system:serviceaccount:cert-manager",
        "tampering=system:serviceaccount:cert-manager:*",
        &format!("tamperin={injector}"),
        &format!("audit-id-reused={injector}"),
    ] {
        let refusal = parse(wrong).unwrap_err();
        assert_eq!((refusal.path.as_str(), refusal.given.as_str()), ("--expected", wrong));
        assert!(refusal.accepted.en.contains("secret-read") && refusal.accepted.fr.contains("secret-read"));
    }
}

#[rstest]
#[case(json!({}))]
#[case(json!({"objectRef": null, "requestURI": "/healthz", "user": {"username": "system:anonymous"}}))]
#[case(json!({"verb": "create", "objectRef": {"resource": "subjectaccessreviews", "apiGroup": "authorization.k8s.io"}}))]
#[case(json!({"verb": "update", "user": {"username": "system:node:n1"}, "objectRef": {"resource": "leases", "apiGroup": "coordination.k8s.io", "namespace": "kube-node-lease", "name": "n1"}}))]
#[case(json!({"verb": "patch", "objectRef": {"resource": "deployments", "apiGroup": "apps", "namespace": "shop", "name": "web"}}))]
#[case(json!({"responseStatus": null}))]
fn ordinary_life_raises_nothing(#[case] more: Value) {
    assert_eq!(raised(settings(), &of(more)), []);
}

/// Most events match nothing: that has to cost next to nothing. Generous, for machines that are slow.
#[test]
fn looking_at_what_raises_nothing_is_quick() {
    let detector = Detector::new(settings()).unwrap();
    let other = json!({"resource": "configmaps", "namespace": "shop", "name": "x"});
    let texts = [of(json!({})), of(json!({"verb": "update", "objectRef": other}))];
    let events: Vec<Event<'_>> = texts.iter().map(|text| Event::parse(text).unwrap()).collect();
    let look = |round: u32| {
        let event = &events[usize::from(round.is_multiple_of(2))];
        assert!(detector.look(std::hint::black_box(event), &Partition::Platform).is_empty());
    };
    let each = each(50_000, look);
    println!("{each} ns for an event that raises nothing");
    assert!(each < 20_000, "{each} ns");
}
