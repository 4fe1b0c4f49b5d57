use super::*;
use crate::facts::Facts;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::json;

fn build(events: &[(String, i64)]) -> Vec<u8> {
    let mut builder = IndexBuilder::new();
    for (raw, time) in events {
        builder.push(&Facts::of(raw).unwrap(), *time);
    }
    let block = Block { offset: 3, bytes: 4, raw_bytes: 5, first: 6, sha256: Digest::of(b"x") };
    builder.finish(&"platform".parse().unwrap(), 9, 100, 7, &[block]).unwrap()
}

fn event(user: &str, name: usize) -> String {
    json!({"user": {"username": user}, "objectRef": {"name": format!("n{name}")}}).to_string()
}

#[test]
fn what_was_written_is_read() {
    let index = Index::read(build(&[(event("é", 0), 5), (event("", 1), -7)]).into()).unwrap();
    let About { number, first_seq, count, through, .. } = index.about;
    assert_eq!((number, first_seq, count, through), (9, 100, 2, 7));
    assert_eq!(index.times().unwrap(), [5, -7]);
    let blocks = index.blocks().unwrap();
    assert_eq!(blocks, [Block { offset: 3, bytes: 4, raw_bytes: 5, first: 6, sha256: Digest::of(b"x") }]);
    assert_eq!(index.entries(Field::User, |user| user == "é").unwrap(), [1]);
    // The first entry is for whoever says nothing.
    assert_eq!(index.entries(Field::User, str::is_empty).unwrap(), [0]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Dictionaries of one, two and four bytes.
    #[test]
    fn every_record_is_found_and_no_other(
        size in prop_oneof![1_usize..40, 200..300_usize, 65_000..66_000_usize],
        wanted in 0_usize..70_000,
        times in proptest::collection::vec(any::<i64>(), 7),
    ) {
        let wanted = wanted % size;
        let events: Vec<_> =
            (0..size).map(|place| (event("u", place - place % 3), times[place % times.len()])).collect();
        let index = Index::read(build(&events).into()).unwrap();
        let name = format!("n{}", wanted - wanted % 3);
        let entries = Wanted::new(&index.entries(Field::Name, |text| text == name).unwrap());
        let found = index.column(Field::Name).unwrap().find(&entries);
        let first = u32::try_from(wanted - wanted % 3).unwrap();
        let expected: Vec<u32> = (first..first + 3).filter(|place| (*place as usize) < size).collect();
        prop_assert_eq!(&found, &expected);
        let mut kept = vec![0, first];
        kept.dedup();
        let mut more = kept.clone();
        index.column(Field::Name).unwrap().keep(&entries, &mut more);
        kept.retain(|place| expected.contains(place));
        prop_assert_eq!(more, kept);
        let read = index.times().unwrap();
        prop_assert!(read.iter().zip(&events).all(|(time, (_, expected))| time == expected));
    }

    #[test]
    fn anything_can_be_read_without_harm(mut bytes in Just(build(&[(event("a", 1), 1), (event("b", 2), 2)])),
                                         at in any::<prop::sample::Index>(), byte: u8, cut in any::<bool>()) {
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if cut {
            bytes.truncate(at);
        }
        if let Ok(index) = Index::read(Bytes::from(bytes)) {
            let _ = (index.times(), index.blocks(), index.sections());
            let _ = index.entries(Field::User, |_| true);
            let _ = index.column(Field::User).map(|column| column.find(&Wanted::new(&[0, 1])));
        }
    }
}

#[test]
fn differences_are_turned_back() {
    for value in [0, 1, -1, 2, -2, i64::MAX, i64::MIN] {
        assert_eq!(unzigzag(zigzag(value)), value);
    }
    assert_eq!([0, -1, 1, -2].map(zigzag), [0, 1, 2, 3]);
}
