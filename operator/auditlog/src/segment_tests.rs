use super::*;
use crate::kit::{at, in_days, platform, raw, record};
use proptest::prelude::*;

fn keys() -> (tempfile::TempDir, Keys) {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::open(dir.path(), crate::Algorithm::Ed25519, at(0)).unwrap();
    (dir, keys)
}

fn built(records: &[crate::NewRecord], keys: &Keys) -> Sealed {
    let mut builder = SegmentBuilder::new(platform(), Place::first(&platform())).unwrap();
    for record in records {
        assert!(builder.push(record).unwrap());
    }
    builder.finish(in_days(300), at(100), keys).unwrap().unwrap()
}

#[test]
fn the_same_records_give_the_same_bytes() {
    let (_dir, keys) = keys();
    let records: Vec<_> = (1..=700).map(record).collect();
    let (one, other) = (built(&records, &keys), built(&records, &keys));
    assert_eq!(one, other);
    assert_eq!((one.manifest.count, one.through), (700, 700));
    assert_eq!((one.manifest.first_at, one.manifest.last_at), (at(1), at(700)));
}

#[test]
fn times_are_those_of_the_events_in_any_order() {
    let (_dir, keys) = keys();
    let timed = |position, second: i64| raw(position, format!(r#"{{"stageTimestamp":"{}"}}"#, at(second)));
    let sealed = built(&[timed(1, 50), timed(2, 10), raw(30, "{}".to_owned())], &keys);
    assert_eq!((sealed.manifest.first_at, sealed.manifest.last_at), (at(10), at(50)));
    let sealed = built(&[raw(70, "{}".to_owned())], &keys);
    assert_eq!((sealed.manifest.first_at, sealed.manifest.last_at), (at(70), at(70)));
}

#[test]
fn what_is_sealed_already_is_passed_over() {
    let place = Place { through: 5, ..Place::first(&platform()) };
    let mut builder = SegmentBuilder::new(platform(), place).unwrap();
    let taken: Vec<bool> = (4..8).map(|n| builder.push(&record(n)).unwrap()).collect();
    assert_eq!(taken, [false, false, true, true]);
    assert_eq!(builder.records(), 2);
}

#[test]
fn what_is_held_is_one_block_and_what_the_others_became() {
    let mut builder = SegmentBuilder::new(platform(), Place::first(&platform())).unwrap();
    for n in 1..=20_000 {
        builder.push(&record(n)).unwrap();
    }
    assert!(builder.raw_bytes() > 8 << 20 && builder.blocks() > 30);
    assert!(builder.block.capacity() < 2 * BLOCK, "{}", builder.block.capacity());
    assert!(builder.out.len() < 2 << 20, "{}", builder.out.len());
}

proptest! {
    #[test]
    fn blocks_are_found_again_in_any_bytes(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..5),
                                           rest in proptest::collection::vec(any::<u8>(), 0..40)) {
        let packed: Vec<Vec<u8>> = parts.iter().map(|part| zstd::bulk::compress(part, LEVEL).unwrap()).collect();
        let mut bytes = packed.concat();
        let whole: Vec<_> = frames(&bytes).collect();
        prop_assert_eq!(whole.len(), packed.len());
        prop_assert!(whole.iter().zip(&packed).all(|(range, part)| range.as_ref().is_ok_and(|range| range.len() == part.len())));
        // Whatever follows: no byte is passed over, none is there twice.
        bytes.extend_from_slice(&rest);
        let mut at = 0;
        for range in frames(&bytes) {
            let range = range.unwrap_or_else(|rest| rest);
            prop_assert_eq!(range.start, at);
            at = range.end;
        }
        prop_assert_eq!(at, bytes.len());
    }
}

#[test]
fn a_block_is_not_longer_than_it_may_be() {
    let bomb = zstd::bulk::compress(&vec![b'x'; 64 << 20], 19).unwrap();
    assert!(bomb.len() < 20_000);
    let mut unpacker = Unpacker::new().unwrap();
    assert_eq!(unpacker.unpack(&bomb, 1 << 20), None);
    assert_eq!(unpacker.unpack(&zstd::bulk::compress(&[0xff], 3).unwrap(), 10), None);
    assert_eq!(unpacker.unpack(&zstd::bulk::compress(b"ok", 3).unwrap(), 2).as_deref(), Some("ok"));
}
