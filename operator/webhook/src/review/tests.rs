use super::*;
use proptest::prelude::*;

fn review() -> Value {
    json!({"apiVersion": API_VERSION, "kind": KIND, "request": {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "name": "web", "namespace": "shop", "operation": "UPDATE",
        "userInfo": {"username": "alice"},
        "object": {"apiVersion": "apps/v9", "kind": "Pod", "metadata": {"name": "web", "namespace": "other"}},
        "oldObject": {"metadata": {"name": "web"}}, "dryRun": false}})
}

#[test]
fn a_review_is_read_and_its_object_is_what_the_server_says_it_is() {
    let request = read(review().to_string().as_bytes()).unwrap();
    assert_eq!((request.operation, request.username.as_str()), (Operation::Update, "alice"));
    assert_eq!((request.api_version.as_str(), request.kind.as_str()), ("apps/v1", "Deployment"));
    for object in [&request.object, &request.old_object] {
        assert_eq!((&object["apiVersion"], &object["kind"]), (&json!("apps/v1"), &json!("Deployment")));
        assert_eq!(object["metadata"]["namespace"], "shop");
    }
}

#[test]
fn what_is_no_review_says_what_was_accepted() {
    let with = |pointer: &str, value: Value| {
        let mut changed = review();
        *changed.pointer_mut(pointer).unwrap() = value;
        read(changed.to_string().as_bytes()).unwrap_err()
    };
    assert!(with("/apiVersion", json!("admission.k8s.io/v1beta1")).why.contains(API_VERSION));
    assert!(with("/request/operation", json!("PATCH")).why.contains("PATCH"));
    assert!(with("/request/object", Value::Null).why.contains("object"));
    assert!(with("/request", Value::Null).why.contains("no request"));
    let uid = with("/request/kind/kind", json!("")).uid;
    assert_eq!(uid.as_deref(), Some("705ab4f5-6393-11e8-b7cc-42010a800002"));
}

#[test]
fn the_uid_is_found_in_what_was_cut_off() {
    let text =
        r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"a-1","kind":{"#;
    assert_eq!(uid_of(text.as_bytes()).as_deref(), Some("a-1"));
    assert_eq!(uid_of(&text.as_bytes()[..70]), None);
    assert_eq!(uid_of(br#""request":{"uid":"a\"b""#), None);
}

proptest! {
    #[test]
    fn garbage_is_malformed_and_nothing_else(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(read(&bytes).is_err());
        let _ = uid_of(&bytes);
    }

    #[test]
    fn a_review_with_bytes_changed_is_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut in any::<prop::sample::Index>(), cuts in any::<bool>(),
    ) {
        let mut bytes = review().to_string().into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Err(Malformed { uid, why }) = read(&bytes) {
            prop_assert!(!why.is_empty());
            let answer = Answer::refused(400, why).review(&uid.unwrap_or_default());
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            prop_assert_eq!(&answer["response"]["allowed"], &json!(false));
            prop_assert_eq!(&answer["response"]["status"]["code"], &json!(400));
        }
    }

    #[test]
    fn every_answer_is_a_review(text in ".{0,200}", code in 400_u16..600, warning in ".{0,200}") {
        let mut answer = Answer::refused(code, text.clone());
        answer.warnings.push(warning);
        let read: Value = serde_json::from_slice(&answer.review("u")).unwrap();
        prop_assert_eq!(&read["response"]["status"]["message"], &json!(text));
        prop_assert_eq!(&read["response"]["uid"], "u");
        prop_assert_eq!(&read["kind"], KIND);
    }
}
