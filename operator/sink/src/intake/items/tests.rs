use super::*;
use proptest::prelude::*;

fn raw(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_str(&Item::read(bytes).unwrap().raw).unwrap()
}

#[test]
fn what_is_too_much_is_kept_in_part_and_says_so() {
    let text = "é".repeat(MOST);
    let kept = raw(format!("x{text}").as_bytes());
    assert_eq!(kept[ALL], serde_json::json!(2 * MOST + 1));
    assert_eq!(kept[TEXT].as_str().unwrap().len(), MOST - 1);
    let kept = raw(&vec![0xff; MOST + 1]);
    assert_eq!(kept[BYTES].as_str().unwrap().len(), 2 * MOST);
    let large = format!(r#"{{"auditID":"a","stage":"Panic","requestURI":"{text}"}}"#);
    assert_eq!(Item::read(large.as_bytes()).unwrap().raw, large, "an event is kept whole");
}

proptest! {
    #[test]
    fn whatever_comes_is_kept_on_one_line_and_can_be_had_again(
        bytes in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..60),
            "[\\PC\n\r\t\"{}\\\\:0-9]{0,60}".prop_map(String::into_bytes),
            Just(b"{\"auditID\":\"a\",\n \"stage\" : \"b c\"}".to_vec()),
        ],
    ) {
        let item = Item::read(&bytes).unwrap();
        prop_assert!(!item.raw.contains(['\n', '\r']));
        prop_assert_eq!(item.hash, canonical::hash(&item.raw).unwrap());
        let kept = raw(&bytes);
        if let Some(text) = kept[TEXT].as_str() {
            prop_assert_eq!(text.as_bytes(), &bytes);
        } else if let Some(digits) = kept[BYTES].as_str() {
            let again: Vec<u8> = digits.as_bytes().chunks(2)
                .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect();
            prop_assert_eq!(again, bytes);
        } else {
            let text = String::from_utf8_lossy(&bytes);
            prop_assert_eq!(kept, serde_json::from_str::<serde_json::Value>(&text).unwrap());
        }
    }
}
