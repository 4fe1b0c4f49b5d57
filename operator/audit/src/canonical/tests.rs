use super::*;
use crate::quick::each;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Sorted by serde's own map, written by serde's own writer.
fn oracle(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let mut keys: Vec<&String> = map.keys().collect();
                keys.sort();
                Value::Object(keys.into_iter().map(|key| (key.clone(), sorted(&map[key]))).collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
            other => other.clone(),
        }
    }
    let mut value = sorted(value);
    let map = value.as_object_mut().unwrap();
    map.remove("kind");
    map.remove("apiVersion");
    value.to_string()
}

#[test]
fn kind_and_version_go_at_the_top_and_nowhere_else() {
    let text =
        r#"{"kind":"Event","b":{"kind":"x","apiVersion":1,"a":[]},"apiVersion":"audit.k8s.io/v1","a":1}"#;
    assert_eq!(form(text).unwrap(), r#"{"a":1,"b":{"a":[],"apiVersion":1,"kind":"x"}}"#);
    assert_eq!(form(r#"{"\u006bind":"Event","a":1}"#).unwrap(), r#"{"a":1}"#);
    assert_eq!(form(r#"{"kind":"Event"}"#).unwrap(), "{}");
}

#[test]
fn the_hash_is_that_of_the_form() {
    let expected = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
    let hash = hash("{\"kind\":\"Event\", \"a\" : 1}").unwrap();
    assert_eq!(hash.to_string(), expected);
    assert_eq!(expected.parse::<Hash>().unwrap(), hash);
    assert_eq!(serde_json::from_value::<Hash>(serde_json::to_value(hash).unwrap()).unwrap(), hash);
    for wrong in ["", "015A", &expected.to_uppercase(), &format!("{expected}0"), &expected.replace('0', "g")]
    {
        assert!(wrong.parse::<Hash>().is_err(), "{wrong}");
    }
}

#[rstest]
#[case(r#"{"a":"\u003cb\u003e"}"#, r#"{"a":"<b>"}"#)]
#[case(r#"{"a":"\/"}"#, r#"{"a":"/"}"#)]
#[case(r#"{"a":"\u0041\u00e9\ud83d\ude00"}"#, r#"{"a":"Aé😀"}"#)]
#[case(r#"{"a":"\u0008\u000A\u001F\u0022"}"#, r#"{"a":"\b\n\u001f\""}"#)]
#[case(r#"{"a":"\n\t\"\\"}"#, r#"{"a":"\n\t\"\\"}"#)]
// Half a pair: no character, and no reason to lose the event.
#[case(r#"{"a":"\uD800"}"#, r#"{"a":"\ud800"}"#)]
#[case(r#"{"a":"\ud800\udc00\udc00"}"#, r#"{"a":"𐀀\udc00"}"#)]
#[case(r#"{"a":"\ud800\ndc00"}"#, r#"{"a":"\ud800\ndc00"}"#)]
#[case(r#"{"a":"\ud800A"}"#, r#"{"a":"\ud800A"}"#)]
// Order is that of what keys stand for, and members of the same name keep theirs.
#[case(r#"{"\u0062":1,"a":2}"#, r#"{"a":2,"b":1}"#)]
#[case(r#"{"b":1,"a":2,"b":0,"a":3}"#, r#"{"a":2,"a":3,"b":1,"b":0}"#)]
#[case(r#"{"ab":1,"a!":2,"a":3}"#, r#"{"a":3,"a!":2,"ab":1}"#)]
// Numbers are as they were written: none hides another.
#[case(
    r#"{"a":[1,-0,1.50,1E+2,18446744073709551617,1e999]}"#,
    r#"{"a":[1,-0,1.50,1E+2,18446744073709551617,1e999]}"#
)]
#[case(" { \"a\" : [ 1 , { } , [ ] , null ] } \n", r#"{"a":[1,{},[],null]}"#)]
fn one_form(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(form(text).unwrap(), expected);
    assert_eq!(form(expected).unwrap(), expected, "it is its own form");
}

#[rstest]
#[case("")]
#[case("{")]
#[case("{}{}")]
#[case("{} x")]
#[case("{,}")]
#[case(r#"{"a"}"#)]
#[case(r#"{"a":}"#)]
#[case(r#"{"a":1,}"#)]
#[case(r#"{"a":[1,]}"#)]
#[case(r#"{"a":[1}"#)]
#[case(r#"{"a":{]}"#)]
#[case(r#"{"a":01}"#)]
#[case(r#"{"a":1.}"#)]
#[case(r#"{"a":.5}"#)]
#[case(r#"{"a":1e}"#)]
#[case(r#"{"a":+1}"#)]
#[case(r#"{"a":nul}"#)]
#[case(r#"{"a":"\x"}"#)]
#[case(r#"{"a":"\u00g0"}"#)]
#[case(r#"{"a":"\u+041"}"#)]
#[case(r#"{"a":"\u00é"}"#)]
#[case("{\"a\":\"\n\"}")]
#[case(r#"{"a":"b"#)]
#[case(r#"{"a":"b\"#)]
#[case("{a:1}")]
fn what_is_not_json_has_no_hash(#[case] text: &str) {
    assert!(matches!(hash(text), Err(Unreadable::Json { .. })), "{text}");
    assert!(serde_json::from_str::<Value>(text).is_err(), "serde agrees: {text}");
}

#[rstest]
#[case("[]")]
#[case("1")]
#[case("\"x\"")]
#[case("null")]
fn what_is_no_object_has_no_hash(#[case] text: &str) {
    assert_eq!(hash(text), Err(Unreadable::NotAnObject));
}

#[test]
fn depth_is_no_limit() {
    let depth = 200_000;
    let text = format!(
        "{{\"a\": {}{}}}",
        "[{\"b\":".repeat(depth),
        "1}]".repeat(depth).replacen("1}", "0}", 1).replace("1}", "}")
    );
    assert_eq!(form(&text).unwrap(), line(&text));
}

#[test]
fn a_line_keeps_order_escapes_and_what_is_in_texts() {
    let text = "{\n \"b c\" : \"x \\\" \\\\\",\r\n\t\"a\":[ 1, \"\\u003c\" ]\n}\n";
    assert_eq!(line(text), r#"{"b c":"x \" \\","a":[1,"\u003c"]}"#);
    // Whatever it is given it ends.
    for odd in ["", "\"", "\"\\", "\"é \\", " é "] {
        assert!(!line(odd).ends_with('\n'));
    }
}

#[test]
fn a_patch_that_is_no_text_hides_no_event() {
    let mut line = br#"{"auditID":"x","stage":"ResponseComplete","requestObject":{"a":"#.to_vec();
    line.extend_from_slice(b"\"\xff\xc3\",\"b\":\"\xed\xa0\x80\"}}");
    let text = text(&line);
    let event = crate::Event::parse(&text).unwrap();
    assert!(event.request_object.unwrap().get().starts_with("{\"a\":\"\u{fffd}"));
    assert!(hash(&text).is_ok());
    // Of what is text nothing is copied or changed.
    assert!(matches!(super::text("{\"é\":1}".as_bytes()), Cow::Borrowed("{\"é\":1}")));
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-c\"\\\\\n/<é😀 ]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-d\"é\\\\]{0,3}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn event() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-e]{1,3}|kind|apiVersion", value(), 0..8)
        .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>()))
}

/// The same thing otherwise: members turned round, white space anywhere, characters escaped.
fn otherwise(value: &Value, turns: &mut impl Iterator<Item = u8>, out: &mut String) {
    let blank = |turn: u8| [" ", "\n", "", "\t \r\n"][usize::from(turn % 4)];
    let mut turn = || turns.next().unwrap_or(0);
    match value {
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            let by = usize::from(turn());
            if !members.is_empty() {
                let by = by % members.len();
                members.rotate_left(by);
                if by % 2 == 1 {
                    members.reverse();
                }
            }
            write!(out, "{{{}", blank(turn())).unwrap();
            for (at, (key, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    write!(out, ",{}", blank(turns.next().unwrap_or(0))).unwrap();
                }
                escape_all(key, turns.next().unwrap_or(0), out);
                let (before, after) = (turns.next().unwrap_or(0), turns.next().unwrap_or(0));
                write!(out, "{}:{}", blank(before), blank(after)).unwrap();
                otherwise(value, turns, out);
            }
            write!(out, "{}}}", blank(turns.next().unwrap_or(0))).unwrap();
        }
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                otherwise(item, turns, out);
                out.push_str(blank(turns.next().unwrap_or(0)));
            }
            out.push(']');
        }
        Value::String(text) => escape_all(text, turn(), out),
        other => write!(out, "{other}").unwrap(),
    }
}

fn escape_all(text: &str, turn: u8, out: &mut String) {
    if turn.is_multiple_of(3) {
        write!(out, "{}", Value::from(text)).unwrap();
        return;
    }
    out.push('"');
    for unit in text.encode_utf16() {
        if turn % 3 == 1 { write!(out, "\\u{unit:04x}") } else { write!(out, "\\u{unit:04X}") }.unwrap();
    }
    out.push('"');
}

/// One thing in it changed: the path to it is chosen by the turns.
fn changed(value: &mut Value, turns: &mut impl Iterator<Item = u8>, top: bool) {
    let turn = usize::from(turns.next().unwrap_or(0));
    match value {
        Value::Object(map) => {
            let keys: Vec<String> = map
                .keys()
                .filter(|key| !top || !matches!(key.as_str(), "kind" | "apiVersion"))
                .cloned()
                .collect();
            match (keys.get(turn % keys.len().max(1)), turn % 3) {
                (Some(key), 0) => {
                    map.remove(key);
                }
                (Some(key), 1) => changed(&mut map[key], turns, false),
                _ => {
                    map.insert(format!("new{turn}"), json!(null));
                }
            }
        }
        Value::Array(items) if !items.is_empty() && turn.is_multiple_of(2) => {
            let at = turn % items.len();
            changed(&mut items[at], turns, false);
        }
        Value::Array(items) => items.push(json!(0)),
        Value::String(text) => text.push('x'),
        Value::Null => *value = json!(false),
        Value::Bool(bool) => *bool = !*bool,
        Value::Number(_) => *value = json!(value.to_string()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn it_is_what_serde_writes(event in event()) {
        prop_assert_eq!(form(&event.to_string()).unwrap(), oracle(&event));
    }

    #[test]
    fn order_space_and_escapes_do_not_matter(event in event(), turns in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut text = String::new();
        otherwise(&event, &mut turns.into_iter(), &mut text);
        prop_assert_eq!(form(&text).unwrap(), oracle(&event));
        prop_assert_eq!(hash(&text).unwrap(), hash(&line(&text)).unwrap());
    }

    #[test]
    fn kind_and_version_do_not_matter(event in event(), kind in value(), version in value()) {
        let mut other = event.clone();
        other["kind"] = kind;
        other["apiVersion"] = version;
        prop_assert_eq!(hash(&event.to_string()).unwrap(), hash(&other.to_string()).unwrap());
    }

    #[test]
    fn any_other_change_matters(event in event(), turns in prop::collection::vec(any::<u8>(), 1..20)) {
        let mut other = event.clone();
        changed(&mut other, &mut turns.into_iter(), true);
        prop_assume!(oracle(&event) != oracle(&other));
        prop_assert_ne!(hash(&event.to_string()).unwrap(), hash(&other.to_string()).unwrap());
    }

    #[test]
    fn it_reads_what_serde_reads_and_nothing_else(text in r#"[\[\]{}",:0-9a-bu\\ eE.+n-]{0,14}"#) {
        let text = format!("{{\"a\":{text}}}");
        let (ours, theirs) = (form(&text), serde_json::from_str::<serde::de::IgnoredAny>(&text));
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{} {:?} {:?}", text, ours, theirs);
    }
}

/// An event as a person's `kubectl` makes them, some 1,500 bytes long.
fn ordinary() -> String {
    let event = json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata",
        "auditID": "2d1c6a8e-8f0b-4d54-9a53-0f4c2a3e9b77", "stage": "ResponseComplete",
        "requestURI": "/apis/apps/v1/namespaces/shop-production/deployments/storefront?fieldManager=kubectl-client-side-apply&fieldValidation=Strict",
        "verb": "patch",
        "user": {"username": "alice@example.org", "uid": "0e3c1b7a", "groups": ["shop-developers", "oidc:everybody", "system:authenticated"], "extra": {"authentication.kubernetes.io/credential-id": ["JTI=7a9a1f0e-3c7a-4b57-8a0c-5f0f3d1f5b1d"], "example.org/session": ["f2c1d4b0a9"]}},
        "sourceIPs": ["203.0.113.44", "10.20.30.40"], "userAgent": "kubectl/v1.36.3 (linux/amd64) kubernetes/8b1a2c3",
        "objectRef": {"resource": "deployments", "namespace": "shop-production", "name": "storefront", "uid": "5f1f7c9e-52b1-4a4e-9f9e-0f6f4e1f2a3b", "apiGroup": "apps", "apiVersion": "v1", "resourceVersion": "18446744"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": "2026-11-23T10:00:00.123456Z", "stageTimestamp": "2026-11-23T10:00:00.145678Z",
        "annotations": {
            "authorization.k8s.io/decision": "allow",
            "authorization.k8s.io/reason": "RBAC: allowed by RoleBinding \"snc-owners/shop-production\" of ClusterRole \"snc-tenant-admin\" to Group \"shop-developers\"",
            "enforce-workloads.objects.snc-webhook.secnumcloud.dev/unchanged": "container-read-only-root (Audit); container-limits (Audit)",
            "mutation.webhook.admission.k8s.io/round_0_index_0": "{\"configuration\":\"istio-sidecar-injector\",\"webhook\":\"rev.namespace.sidecar-injector.istio.io\",\"mutated\":false}",
        },
    });
    // As Go writes them: not in the order of names.
    let mut text = String::from(r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","#);
    let order = [
        "auditID",
        "stage",
        "requestURI",
        "verb",
        "user",
        "sourceIPs",
        "userAgent",
        "objectRef",
        "responseStatus",
        "requestReceivedTimestamp",
        "stageTimestamp",
        "annotations",
    ];
    for (at, key) in order.iter().enumerate() {
        write!(text, "{}\"{key}\":{}", if at > 0 { "," } else { "" }, event[key]).unwrap();
    }
    text.push('}');
    text.replace('&', "\\u0026")
}

/// Each event goes through this. Generous, for machines that are slow.
#[test]
fn hashing_is_quick() {
    let text = ordinary();
    let text = std::hint::black_box(&*text);
    let formed = each(5_000, |_| drop(std::hint::black_box(form(text))));
    let hashed = each(5_000, |_| drop(std::hint::black_box(hash(text))));
    let parsed = each(5_000, |_| drop(std::hint::black_box(crate::Event::parse(text))));
    println!("{} bytes: form {formed} ns, hash {hashed} ns, parse {parsed} ns", text.len());
    assert!(hash(text).is_ok() && hashed < 200_000, "{hashed} ns");
}
