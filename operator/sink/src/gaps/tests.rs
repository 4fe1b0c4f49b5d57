use super::*;
use crate::journal::faulty::Faulty;
use proptest::prelude::*;
use tempfile::TempDir;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

fn server() -> ServerName {
    ServerName::new("cp-1").unwrap()
}

struct Scene {
    place: TempDir,
    disk: Faulty,
    gaps: Gaps,
}

impl Scene {
    /// A webhook that was heard at second 0.
    fn new() -> Self {
        let (place, disk) = (TempDir::new().unwrap(), Faulty::new());
        let gaps = open(&place, &disk, 0);
        gaps.committed(&server(), 1, at(0));
        Self { place, disk, gaps }
    }

    fn restart(&mut self, now: i64) {
        self.gaps = open(&self.place, &self.disk, now);
    }

    fn read(&self, from: i64, to: i64, notes: Vec<Note>, now: i64) {
        let progress = Progress { between: Some((at(from), at(to))), notes };
        assert!(self.gaps.file(&server(), &progress, at(now)));
    }

    /// Cause, from, to, whether it is closed.
    fn list(&self) -> Vec<(Cause, i64, Option<i64>, bool)> {
        let second = |time: Timestamp| time.as_second() - 1_000_000;
        let of = |gap: &AuditGap| (gap.cause, second(gap.from), gap.to.map(second), gap.closed.is_some());
        self.gaps.list().iter().map(of).collect()
    }
}

fn open(place: &TempDir, disk: &Faulty, now: i64) -> Gaps {
    let path = place.path().join("gaps");
    let (disk, none) = (Arc::new(disk.clone()), BTreeMap::new());
    Gaps::open(disk, &path, Options::default(), &[server()], &none, at(now)).unwrap()
}

#[test]
fn a_short_absence_is_none() {
    let mut scene = Scene::new();
    scene.gaps.tick(at(5));
    scene.restart(50);
    scene.gaps.tick(at(100));
    scene.gaps.committed(&server(), 1, at(200));
    assert_eq!(scene.list(), []);
}

#[test]
fn a_long_absence_is_a_gap_at_once_and_ends_with_the_first_that_comes() {
    let mut scene = Scene::new();
    scene.gaps.tick(at(10));
    scene.restart(71);
    assert_eq!(scene.list(), [(Cause::Down, 0, None, false)]);
    scene.restart(90);
    assert_eq!(scene.list(), [(Cause::Down, 0, None, false)], "it is one, over a restart");
    scene.gaps.committed(&server(), 1, at(95));
    assert_eq!(scene.list(), [(Cause::Down, 0, Some(95), false)]);
    scene.restart(100);
    assert_eq!(scene.list(), [(Cause::Down, 0, Some(95), false)]);
}

#[test]
fn the_journal_may_know_of_later_events() {
    let scene = Scene::new();
    let (path, known) = (scene.place.path().join("gaps"), BTreeMap::from([(server(), at(95))]));
    let gaps =
        Gaps::open(Arc::new(scene.disk.clone()), &path, Options::default(), &[], &known, at(100)).unwrap();
    assert_eq!(gaps.list(), []);
}

#[test]
fn absences_add_up_for_one_request_may_have_met_each() {
    let mut scene = Scene::new();
    for start in [0, 40, 80] {
        scene.gaps.committed(&server(), 1, at(start));
        scene.restart(start + 25);
        scene.gaps.committed(&server(), 1, at(start + 26));
    }
    assert_eq!(scene.list().len(), 1);
    assert_eq!(scene.list()[0].1, 0);
    let mut far = Scene::new();
    for start in [0, 200, 400] {
        far.gaps.committed(&server(), 1, at(start));
        far.gaps.tick(at(start + 150));
        far.restart(start + 180);
        far.gaps.committed(&server(), 1, at(start + 181));
    }
    assert_eq!(far.list(), []);
}

#[test]
fn one_request_may_have_met_as_many_short_absences_as_it_is_tried() {
    let mut scene = Scene::new();
    for start in [0, 10, 20, 30] {
        scene.gaps.committed(&server(), 1, at(start));
        scene.restart(start + 1);
        scene.gaps.committed(&server(), 1, at(start + 2));
    }
    assert_eq!(scene.list(), []);
    scene.restart(40);
    assert_eq!(scene.list(), [(Cause::Down, 0, None, false)]);
    scene.gaps.committed(&server(), 1, at(41));
    assert_eq!(scene.list(), [(Cause::Down, 0, Some(41), false)]);
    scene.restart(42);
    scene.gaps.committed(&server(), 1, at(43));
    assert_eq!(scene.list().len(), 1, "they were counted once");
}

#[test]
fn refusing_for_too_long_is_a_gap_while_it_goes_on() {
    let scene = Scene::new();
    for second in (10..=70).step_by(10) {
        scene.gaps.refused(&server(), Cause::Refused, 500, at(second));
    }
    assert_eq!(scene.list(), []);
    scene.gaps.tick(at(71));
    assert_eq!(scene.list(), [(Cause::Refused, 0, None, false)]);
    assert!(scene.gaps.heard()[0].refusing);
    scene.gaps.refused(&server(), Cause::DiskFull, 500, at(75));
    scene.gaps.committed(&server(), 500, at(80));
    assert_eq!(scene.list(), [(Cause::Refused, 0, Some(80), false)]);
}

#[test]
fn a_full_disk_is_told_as_that_and_written_down_though_it_is_full() {
    let mut scene = Scene::new();
    scene.disk.room(0);
    scene.gaps.refused(&server(), Cause::Refused, 7, at(10));
    scene.gaps.refused(&server(), Cause::DiskFull, 7, at(20));
    scene.gaps.tick(at(71));
    assert_eq!(scene.list(), [(Cause::DiskFull, 0, None, false)]);
    scene.restart(72);
    assert_eq!(scene.list(), [(Cause::DiskFull, 0, None, false)]);
}

#[test]
fn one_request_that_is_never_taken_is_a_gap_though_others_are() {
    let scene = Scene::new();
    scene.gaps.refused(&server(), Cause::Refused, 777, at(5));
    scene.gaps.refused(&server(), Cause::Refused, 888, at(6));
    for second in 7..=80 {
        scene.gaps.committed(&server(), 100, at(second));
        scene.gaps.tick(at(second));
        if second == 20 {
            scene.gaps.committed(&server(), 888, at(second));
        }
    }
    assert_eq!(scene.list(), [(Cause::Refused, 0, Some(66), false)]);
}

#[test]
fn what_is_outstanding_when_the_process_ends_is_not_forgotten() {
    let mut scene = Scene::new();
    scene.gaps.refused(&server(), Cause::Refused, 777, at(5));
    scene.gaps.committed(&server(), 1, at(6));
    scene.gaps.tick(at(60));
    scene.restart(70);
    assert_eq!(scene.list(), [(Cause::Down, 0, None, false)]);
}

#[test]
fn what_will_never_be_taken_is_a_gap_at_once() {
    let scene = Scene::new();
    scene.gaps.lost(&server(), Cause::Unreadable, at(3));
    assert_eq!(scene.list(), [(Cause::Unreadable, 0, Some(3), false)]);
}

#[test]
fn the_file_closes_what_it_was_read_through() {
    let mut scene = Scene::new();
    scene.read(-500, 10, vec![Note::Fresh], 12);
    scene.gaps.tick(at(100));
    scene.restart(200);
    scene.gaps.committed(&server(), 1, at(210));
    assert_eq!(scene.list(), [(Cause::Down, 0, Some(210), false)]);
    scene.read(11, 209, vec![], 211);
    scene.read(210, 260, vec![], 261);
    assert!(!scene.list()[0].3, "lines may be out of order by the margin");
    scene.restart(262);
    scene.read(260, 271, vec![], 272);
    assert!(scene.list()[0].3);
    assert_eq!(scene.gaps.numbers().open, BTreeMap::new());
    assert_eq!(scene.gaps.numbers().opened, BTreeMap::from([((Source::Webhook, Cause::Down), 1)]));
}

#[test]
fn where_the_file_began_is_not_forgotten_by_an_early_end_of_the_process() {
    for note in [vec![Note::Fresh], vec![]] {
        let mut scene = Scene::new();
        scene.read(-500, 1, note, 2);
        scene.restart(100);
        scene.gaps.committed(&server(), 1, at(110));
        assert_eq!(scene.list(), [(Cause::Down, 0, Some(110), false)]);
        scene.read(2, 300, vec![], 301);
        assert!(scene.list()[0].3, "reading went on where it was");
    }
}

#[test]
fn a_file_gap_within_keeps_it_open_for_ever() {
    let note = |from, to, cause| Note::Gap { from: Some(at(from)), to: at(to), cause };
    for (from, to) in [(100, 101), (-30, 5), (205, 215), (100, 900)] {
        let mut scene = Scene::new();
        scene.read(-500, -40, vec![], 12);
        scene.gaps.tick(at(100));
        scene.restart(200);
        scene.gaps.committed(&server(), 1, at(210));
        scene.read(-40, 2000, vec![note(from, to, Cause::Rotated)], 2001);
        scene.read(2000, 5000, vec![], 5001);
        let list = scene.list();
        assert!(!list[0].3, "{from} to {to}");
        assert_eq!(list[1], (Cause::Rotated, from, Some(to), false));
    }
    // One before, and one after.
    for (from, to) in [(-300, -200), (1000, 1100)] {
        let mut scene = Scene::new();
        scene.read(-500, -400, vec![], 12);
        scene.gaps.tick(at(100));
        scene.restart(200);
        scene.gaps.committed(&server(), 1, at(210));
        scene.read(-400, 2000, vec![note(from, to, Cause::Unreadable)], 2001);
        assert!(scene.list().iter().any(|gap| gap.0 == Cause::Down && gap.3), "{from} to {to}");
    }
}

#[test]
fn a_file_that_is_read_afresh_goes_on_where_it_overlaps() {
    let scene = Scene::new();
    scene.read(-500, 100, vec![Note::Fresh], 101);
    scene.read(50, 200, vec![Note::Fresh], 201);
    assert_eq!(scene.list(), []);
    scene.read(300, 400, vec![Note::Fresh], 401);
    assert_eq!(scene.list(), [(Cause::Rotated, 200, Some(300), false)]);
}

#[test]
fn a_clock_that_ran_ahead_closes_nothing() {
    let mut scene = Scene::new();
    scene.read(-500, 90_000, vec![], 10);
    scene.gaps.tick(at(10));
    scene.restart(200);
    scene.gaps.committed(&server(), 1, at(210));
    scene.read(20, 100, vec![], 215);
    assert!(!scene.list()[0].3);
}

#[test]
fn many_gaps_are_drawn_together_and_none_is_dropped() {
    let scene = Scene::new();
    for nth in 0..1200 {
        let note = Note::Gap { from: Some(at(nth * 10)), to: at(nth * 10 + 1), cause: Cause::Unreadable };
        scene.read(nth * 10 - 5, nth * 10 + 5, vec![note], nth * 10 + 6);
    }
    let list = scene.list();
    assert!(list.len() <= 500);
    for nth in 0..1200 {
        assert!(list.iter().any(|gap| gap.1 <= nth * 10 && gap.2.is_none_or(|to| to > nth * 10)), "{nth}");
    }
    assert_eq!(scene.gaps.numbers().total, 1200);
    let text = serde_json::to_string(&scene.gaps.list()).unwrap();
    assert!((text.len() as u64) < BYTES);
}

#[test]
fn what_was_noticed_is_told_again_where_it_could_not_be_written_down() {
    let mut scene = Scene::new();
    let note = Note::Gap { from: Some(at(1)), to: at(5), cause: Cause::Rotated };
    let progress = Progress { between: Some((at(5), at(6))), notes: vec![note] };
    scene.disk.0.syncs.store(1, std::sync::atomic::Ordering::SeqCst);
    assert!(!scene.gaps.file(&server(), &progress, at(7)));
    assert!(scene.gaps.file(&server(), &progress, at(8)));
    assert_eq!(scene.list(), [(Cause::Rotated, 1, Some(5), false)], "once");
    scene.restart(9);
    assert_eq!(scene.list().len(), 1);
}

#[test]
fn somebody_elses_gap_is_ended_by_its_number() {
    let scene = Scene::new();
    let id = scene.gaps.add(&server(), Source::Webhook, Cause::ProbeMissed, (at(10), None), at(20));
    scene.gaps.end(id, at(30), at(31));
    assert_eq!(scene.list(), [(Cause::ProbeMissed, 10, Some(30), false)]);
}

#[derive(Debug, Clone)]
enum Step {
    Wait(i64),
    Commit(u64),
    Refuse(u64),
    Restart,
    /// Reads lines up to so long ago.
    Read(i64),
    /// Lines are lost up to so long ago.
    Lose(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1_i64..90).prop_map(Step::Wait),
        2 => (0_u64..3).prop_map(Step::Commit),
        2 => (0_u64..3).prop_map(Step::Refuse),
        1 => Just(Step::Restart),
        3 => (0_i64..200).prop_map(Step::Read),
        1 => (0_i64..200).prop_map(Step::Lose),
    ];
    proptest::collection::vec(step, 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_is_closed_that_the_file_did_not_cover(steps in steps()) {
        let mut scene = Scene::new();
        // Second by second: what the file has given.
        let (mut now, mut read, mut covered) = (0_i64, -200_i64, std::collections::BTreeSet::new());
        scene.read(read, read, vec![Note::Fresh], now);
        covered.insert(read);
        for step in steps {
            match step {
                Step::Wait(seconds) => {
                    for _ in 0..seconds {
                        now += 1;
                        scene.gaps.tick(at(now));
                    }
                }
                Step::Commit(bytes) => scene.gaps.committed(&server(), bytes, at(now)),
                Step::Refuse(bytes) => scene.gaps.refused(&server(), Cause::Refused, bytes, at(now)),
                Step::Restart => scene.restart(now),
                Step::Read(ago) if now - ago > read => {
                    covered.extend(read..=now - ago);
                    scene.read(read + 1, now - ago, vec![], now);
                    read = now - ago;
                }
                Step::Lose(ago) if now - ago > read + 1 => {
                    let note = Note::Gap { from: Some(at(read)), to: at(now - ago), cause: Cause::Rotated };
                    scene.read(now - ago, now - ago, vec![note], now);
                    read = now - ago;
                    covered.insert(read);
                }
                _ => {}
            }
            for gap in scene.gaps.list() {
                let (from, to) = (gap.from.as_second() - 1_000_000, gap.to.map(|to| to.as_second() - 1_000_000));
                prop_assert!(to.is_none_or(|to| from <= to));
                if gap.closed.is_some() {
                    prop_assert_eq!(gap.source, Source::Webhook);
                    let whole = (from..=to.unwrap()).all(|second| covered.contains(&second));
                    prop_assert!(whole, "{:?}", gap);
                }
            }
        }
    }

    /// Whatever was refused or missed for longer than anybody tries again is in a gap.
    #[test]
    fn every_long_silence_is_shown(steps in steps()) {
        let mut scene = Scene::new();
        let (mut now, mut last) = (0_i64, 0_i64);
        let mut refusing: Option<i64> = None;
        for step in steps {
            match step {
                Step::Wait(seconds) => {
                    for _ in 0..seconds {
                        now += 1;
                        scene.gaps.tick(at(now));
                    }
                }
                Step::Commit(bytes) => {
                    scene.gaps.committed(&server(), bytes, at(now));
                    (last, refusing) = (now, None);
                }
                Step::Refuse(bytes) => {
                    scene.gaps.refused(&server(), Cause::Refused, bytes, at(now));
                    refusing.get_or_insert(now);
                }
                Step::Restart => scene.restart(now),
                _ => {}
            }
            if refusing.is_some_and(|since| now - since > 61) {
                let open = |gap: &AuditGap| gap.to.is_none() && gap.from <= at(last);
                prop_assert!(scene.gaps.list().iter().any(open), "{now}: {:?}", scene.gaps.list());
            }
        }
    }
}
