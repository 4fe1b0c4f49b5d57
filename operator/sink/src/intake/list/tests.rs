use super::*;
use proptest::prelude::*;

fn items(body: &str) -> Result<(Vec<String>, bool), Malformed> {
    read(Bytes::copy_from_slice(body.as_bytes())).map(|(items, whole)| {
        (items.iter().map(|item| String::from_utf8(item.to_vec()).unwrap()).collect(), whole)
    })
}

const HEAD: &str = r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":["#;

#[test]
fn items_are_as_they_came() {
    let body = format!(r#"{HEAD} {{"a" : 1.0,  "b":"é\u00e9"}} ,{{"c":[{{}}]}},7]}}"#);
    let expected = [r#"{"a" : 1.0,  "b":"é\u00e9"}"#, r#"{"c":[{}]}"#, "7"];
    assert_eq!(items(&body).unwrap(), (expected.map(str::to_owned).into(), true));
    for empty in ["[]", "null"] {
        let body = format!(r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":{empty}}}"#);
        assert_eq!(items(&body).unwrap(), (vec![], true));
    }
}

#[test]
fn what_is_no_list_says_what_it_is() {
    for (body, field, given) in [
        (r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","items":[]}"#, "kind", "Event"),
        (r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1beta1"}"#, "apiVersion", "audit.k8s.io/v1beta1"),
        (r#"{"items":[]}"#, "kind", ""),
    ] {
        let malformed = items(body).unwrap_err();
        assert_eq!((malformed.field, malformed.given.as_str()), (field, given));
    }
    for body in ["", "[", "EventList audit.k8s.io", "\u{0}", r#"{"kind":"EventList"}"#] {
        assert!(items(body).is_err(), "{body}");
    }
}

#[test]
fn one_broken_item_does_not_lose_the_others() {
    for broken in [r#"{"a":tru}"#, r#"{"a":01}"#, "{'a':1}", r#"{"a":"\q"}"#, "{a}", "x"] {
        let body = format!(r#"{HEAD}{{"n":1}}, {broken} ,{{"n":[2,{{"m":"}}],"}}]}}]}}"#);
        let expected = [r#"{"n":1}"#, broken, r#"{"n":[2,{"m":"}],"}]}"#];
        assert_eq!(items(&body).unwrap(), (expected.map(str::to_owned).into(), false), "{broken}");
    }
    let cut = format!(r#"{HEAD}{{"n":1}},{{"n":2"#);
    assert_eq!(items(&cut).unwrap(), (vec![r#"{"n":1}"#.to_owned(), r#"{"n":2"#.to_owned()], false));
    let bytes = [HEAD.as_bytes(), b"{\"n\":1},{\"n\":\"\xff\"},{\"n\":3}]}"].concat();
    let (items, whole) = read(bytes.into()).unwrap();
    assert_eq!((items.len(), items.get(1).unwrap(), whole), (3, "{\"n\":\"\u{fffd}\"}".as_bytes(), true));
}

proptest! {
    #[test]
    fn telling_items_apart_by_hand_gives_what_reading_gives(
        texts in proptest::collection::vec("[\\[\\]{},:\"\\\\a-c é\n]{0,12}", 0..8),
    ) {
        let texts: Vec<String> = texts.iter().map(|text| serde_json::json!({ "t": [text, {}] }).to_string()).collect();
        let body = format!("{HEAD}{}]}}", texts.join(" ,\n"));
        prop_assert_eq!(items(&body).unwrap(), (texts.clone(), true));
        let by_hand: Vec<&str> =
            salvage(body.as_bytes()).unwrap().into_iter().map(|at| &body[at]).collect();
        prop_assert_eq!(by_hand, texts);
    }

    #[test]
    fn no_body_is_too_much(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(body.clone().into());
        let _ = read([HEAD.as_bytes(), &body].concat().into());
    }
}
