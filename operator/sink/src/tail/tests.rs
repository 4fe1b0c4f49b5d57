mod scene;

use super::{Follower, Settings};
use crate::gaps::{Cause, Note};
use crate::journal::Os;
use proptest::prelude::*;
use scene::{Scene, append, at, line};
use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::sync::Arc;

#[test]
fn lines_come_as_they_are_written_and_the_last_one_when_it_is_whole() {
    let mut scene = Scene::new();
    scene.write(10);
    scene.write_part();
    scene.drain();
    assert_eq!(scene.delivered.len(), 10);
    scene.write(1);
    scene.drain();
    assert!(scene.all());
    assert_eq!((scene.notes.as_slice(), scene.unreadable.len()), (&[Note::Fresh][..], 0));
}

#[test]
fn rotations_are_followed_however_many_there_were_in_between() {
    for compress in [false, true] {
        let mut scene = Scene::new();
        scene.write(5);
        scene.poll(true);
        scene.rotate(compress);
        scene.write(5);
        scene.drain();
        assert!(scene.all(), "one that is open is read to its end, compressed or not");
        for _ in 0..5 {
            scene.write(4);
            scene.rotate(false);
        }
        scene.write(2);
        scene.drain();
        assert!(scene.all());
        assert_eq!(scene.gaps(), []);
    }
}

#[test]
fn what_is_deleted_while_it_is_read_is_read_all_the_same() {
    let mut scene = Scene::new();
    scene.write(9);
    scene.poll(true);
    for _ in 0..3 {
        scene.rotate(false);
        scene.write(9);
    }
    scene.poll(true);
    for _ in 0..3 {
        scene.delete_oldest();
    }
    scene.drain();
    assert!(scene.all());
    assert_eq!(scene.gaps(), []);
}

#[test]
fn a_restart_goes_on_behind_what_was_safe() {
    let mut scene = Scene::new();
    scene.write(20);
    for _ in 0..3 {
        scene.poll(true);
        scene.poll(false);
    }
    scene.rotate(false);
    scene.write(5);
    scene.rotate(false);
    scene.write(5);
    scene.follower = None;
    scene.drain();
    assert!(scene.all());
    assert_eq!(scene.gaps(), []);
    scene.follower = None;
    let before = scene.delivered.len();
    scene.drain();
    assert_eq!(scene.delivered.len(), before);
}

#[test]
fn files_that_went_while_nobody_read_are_a_gap_from_the_last_event_to_the_first() {
    let mut scene = Scene::new();
    scene.write(5);
    scene.drain();
    scene.follower = None;
    scene.write(5);
    scene.rotate(false);
    scene.write(5);
    scene.rotate(false);
    scene.write(5);
    scene.delete_oldest();
    scene.drain();
    assert_eq!(scene.gaps(), [(Some(5), 11, Cause::Rotated)]);
    assert!(scene.lost().is_empty());
}

#[test]
fn what_is_compressed_while_nobody_reads_cannot_be_read() {
    let mut scene = Scene::new();
    scene.write(5);
    scene.drain();
    scene.follower = None;
    scene.rotate(false);
    scene.write(5);
    scene.rotate(true);
    scene.write(5);
    scene.drain();
    assert_eq!(scene.gaps(), [(Some(5), 11, Cause::Unreadable)]);
}

#[test]
fn a_truncated_file_is_a_gap_and_its_copy_is_read() {
    for keep in [true, false] {
        let mut scene = Scene::new();
        scene.write(5);
        scene.poll(true);
        let delivered = u64::try_from(scene.delivered.len()).unwrap();
        scene.copy_and_truncate(keep);
        scene.write(7);
        scene.drain();
        if keep {
            assert!(scene.all());
            assert_eq!(scene.gaps(), [(Some(5), 6, Cause::Truncated)]);
        } else {
            assert_eq!(scene.gaps(), [(Some(delivered), 6, Cause::Truncated)]);
            assert!(scene.lost().is_empty());
        }
    }
}

#[test]
fn a_file_that_was_truncated_and_has_grown_again_is_not_taken_for_the_same() {
    let mut scene = Scene::new();
    scene.write(2);
    scene.drain();
    scene.copy_and_truncate(false);
    scene.write(30);
    scene.drain();
    assert!(scene.delivered.contains(&3) && scene.lost().is_empty());
    assert_eq!(scene.gaps(), [(Some(2), 3, Cause::Truncated)]);
}

#[test]
fn a_copy_that_is_read_in_the_place_of_the_file_ends_in_a_gap() {
    let mut scene = Scene::new();
    scene.write(3);
    scene.drain();
    scene.follower = None;
    scene.write(2);
    scene.copy_and_truncate(true);
    scene.rotate(false);
    fs::remove_file(scene.rotated()).unwrap();
    scene.write(2);
    scene.drain();
    assert!(scene.all());
    assert_eq!(scene.gaps(), [(Some(5), 6, Cause::Truncated)], "what was written to it after the copy");
}

#[test]
fn whoever_writes_to_a_deleted_file_is_read_until_there_is_another() {
    let mut scene = Scene::new();
    scene.write(3);
    scene.drain();
    fs::remove_file(scene.log()).unwrap();
    scene.write(3);
    scene.drain();
    assert!(scene.all());
    scene.rotate(false);
    scene.write(3);
    scene.drain();
    assert!(scene.all());
    assert_eq!(scene.gaps().len(), 1, "nobody can say what else went");
}

#[test]
fn a_line_that_cannot_be_read_is_kept_and_is_a_gap() {
    let mut scene = Scene::new();
    scene.write(2);
    scene.writer.write_all(b"{\"kind\":\"Event\",\"half\": \xff\n").unwrap();
    scene.writer.write_all(b"not json\n\n  \n").unwrap();
    scene.drain();
    scene.follower = None;
    scene.write(2);
    scene.drain();
    assert!(scene.all());
    assert_eq!(scene.gaps(), [(Some(2), 3, Cause::Unreadable)], "over a restart");
    assert_eq!(scene.unreadable, ["bytes", "not json"]);
}

#[test]
fn what_a_client_put_into_its_request_is_no_hole() {
    let mut scene = Scene::new();
    scene.write(1);
    scene.written += 1;
    let whole = line(2);
    let head = whole.strip_suffix('}').unwrap().as_bytes();
    scene
        .writer
        .write_all(&[head, b",\"requestObject\":{\"a\":\"\xff\\ud800\",\"a\":1}}\n"].concat())
        .unwrap();
    scene.write(1);
    while let Some(batch) = scene.follower().batch().unwrap() {
        for item in batch.items.iter() {
            let item = crate::intake::Item::read(item).unwrap();
            assert!(item.unreadable.is_none());
            scene.delivered.insert(item.id.unwrap().0.parse().unwrap());
        }
        scene.notes.extend(batch.notes);
        scene.follower().acknowledged().unwrap();
    }
    assert!(scene.all());
    assert_eq!(scene.gaps(), []);
}

#[test]
fn a_writer_that_ended_within_a_line_hides_neither_the_line_nor_the_next() {
    let mut scene = Scene::new();
    scene.write(2);
    scene.write_part();
    scene.rest.clear();
    scene.write(2);
    scene.drain();
    assert_eq!(scene.delivered, BTreeSet::from([1, 2, 4, 5]));
    assert_eq!(scene.unreadable, [&line(3)[..line(3).len().midpoint(1)]]);
    assert_eq!(scene.gaps(), [(Some(2), 4, Cause::Unreadable)]);
    // And at the end of a file.
    scene.write_part();
    scene.rest.clear();
    scene.rotate(false);
    scene.write(1);
    scene.drain();
    assert_eq!(scene.gaps()[1], (Some(5), 7, Cause::Unreadable));
}

#[test]
fn a_line_without_end_is_kept_in_part_and_the_next_one_is_read() {
    let mut scene = Scene::new();
    scene.write(1);
    let long = vec![b'x'; 33 << 20];
    scene.writer.write_all(&long).unwrap();
    scene.writer.write_all(b"y\n").unwrap();
    scene.write(1);
    scene.drain();
    assert!(scene.all());
    assert_eq!(scene.unreadable.len(), 1);
    assert_eq!(scene.unreadable[0].len(), 64 << 10);
    assert_eq!(scene.gaps(), [(Some(1), 2, Cause::Unreadable)]);
}

#[test]
fn there_may_be_no_file_yet() {
    let mut scene = Scene::new();
    fs::remove_file(scene.log()).unwrap();
    assert!(!scene.poll(true));
    scene.writer = append(scene.log());
    scene.write(3);
    scene.drain();
    assert!(scene.all());
}

#[test]
fn a_position_that_is_not_understood_is_begun_anew() {
    let mut scene = Scene::new();
    scene.write(5);
    scene.drain();
    for spoilt in ["", "?", "00000000 00000000000000000001 0000000002 {}"] {
        scene.follower = None;
        fs::write(scene.state(), spoilt).unwrap();
        scene.delivered.clear();
        scene.drain();
        assert!(scene.all());
    }
}

#[test]
fn many_holes_are_few_notes() {
    let mut scene = Scene::new();
    scene.written = 400;
    for second in 1..=400 {
        writeln!(scene.writer, "x\n{}", line(second)).unwrap();
    }
    let settings = Settings { batch_bytes: 1 << 20, batch_lines: 2000, ..scene.settings() };
    let mut follower = Follower::open(Arc::new(Os), settings).unwrap();
    let notes = follower.batch().unwrap().unwrap().notes;
    assert_eq!(notes.len(), 64);
    assert!(matches!(notes.last(), Some(Note::Gap { to, .. }) if *to == at(400)));
}

#[derive(Debug, Clone)]
enum Step {
    Write(u64),
    WritePart,
    /// The writer ends where it is, and begins again.
    Crash,
    Rotate(bool),
    CopyAndTruncate(bool, u64),
    DeleteOldest,
    Poll(u8),
    Undelivered,
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1_u64..12).prop_map(Step::Write),
        2 => Just(Step::WritePart),
        1 => Just(Step::Crash),
        3 => prop_oneof![3 => Just(false), 1 => Just(true)].prop_map(Step::Rotate),
        1 => (any::<bool>(), 1_u64..4).prop_map(|(keep, unread)| Step::CopyAndTruncate(keep, unread)),
        2 => Just(Step::DeleteOldest),
        6 => (1_u8..6).prop_map(Step::Poll),
        1 => Just(Step::Undelivered),
        2 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_not_delivered_is_in_a_gap(steps in steps()) {
        let mut scene = Scene::new();
        for step in steps {
            match step {
                Step::Write(lines) => scene.write(lines),
                Step::WritePart => scene.write_part(),
                Step::Crash => scene.rest.clear(),
                Step::Rotate(compress) => scene.rotate(compress),
                Step::CopyAndTruncate(keep, unread) => {
                    // Of a file that nobody has ever seen a line of, nobody can say that there was one.
                    scene.write(1);
                    scene.drain();
                    scene.write(unread);
                    scene.copy_and_truncate(keep);
                }
                Step::DeleteOldest => scene.delete_oldest(),
                Step::Poll(times) => for _ in 0..times { scene.poll(true); },
                Step::Undelivered => drop(scene.poll(false)),
                Step::Restart => scene.follower = None,
            }
        }
        scene.write(2);
        scene.drain();
        // Where it began, there may have been nothing to speak for yet.
        let first = scene.delivered.first().copied().unwrap();
        let lost: Vec<u64> = scene.lost().into_iter().filter(|second| *second > first).collect();
        prop_assert!(lost.is_empty(), "{:?} of {}: {:?}", lost, scene.written, scene.gaps());
        prop_assert!(scene.delivered.contains(&scene.written));
    }
}
