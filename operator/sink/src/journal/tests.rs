use super::faulty::Faulty;
use super::*;
use crate::seen::{Older, Past as _};
use snc_audit::canonical;
use std::fs;
use std::sync::atomic::Ordering;
use tempfile::TempDir;

const READER: &str = "sealer";

fn raw(nth: u64) -> String {
    format!(r#"{{"auditID":"{nth}","stage":"Panic","pad":"{}"}}"#, "x".repeat(100))
}

fn stage(nth: u64) -> Timestamp {
    Timestamp::from_second(1_000 + i64::try_from(nth).unwrap()).unwrap()
}

fn batch(events: impl IntoIterator<Item = u64>) -> Batch {
    let now = Timestamp::from_second(5).unwrap();
    let mut batch = Batch::new(now, Source::Webhook, &ServerName::new("one").unwrap());
    for nth in events {
        let raw = raw(nth);
        batch.push(&canonical::hash(&raw).unwrap(), Some(stage(nth)), false, &raw);
    }
    batch
}

fn options() -> Options {
    Options { roll_bytes: 2_000, readers: vec![READER.to_owned()], ..Options::default() }
}

fn open(place: &TempDir) -> (Journal, Recovery) {
    Journal::open(place.path(), options()).unwrap()
}

fn on(disk: &Faulty, place: &TempDir) -> Journal {
    Journal::open_on(Arc::new(disk.clone()), place.path(), options(), |_| {}).unwrap().0
}

async fn all(journal: &Journal) -> Vec<Entry> {
    let (mut entries, mut next): (Vec<Entry>, u64) = (Vec::new(), 1);
    loop {
        let read = journal.read_from(next, 500).await.unwrap();
        let Some(last) = read.last() else { return entries };
        next = last.position + 1;
        entries.extend(read);
    }
}

fn files(place: &TempDir) -> Vec<PathBuf> {
    let mut files: Vec<_> = Os.list(place.path()).unwrap();
    files.retain(|path| pieces::first(path).is_some());
    files.sort();
    files
}

#[tokio::test]
async fn entries_come_back_in_order_and_positions_go_on_after_a_restart() {
    let place = TempDir::new().unwrap();
    for round in 0..4 {
        let (journal, recovery) = open(&place);
        assert_eq!((recovery.entries, recovery.torn_bytes), (round * 10, 0));
        assert_eq!(recovery.last_position, round * 10);
        for nth in 0..10 {
            let position = round * 10 + nth + 1;
            assert_eq!(journal.append(batch([position])).await.unwrap(), position);
        }
        let entries = all(&journal).await;
        let expected = (1..=round * 10 + 10).map(raw);
        assert!(entries.iter().map(|entry| entry.raw.clone()).eq(expected));
        assert!((1..).zip(&entries).all(|(position, entry)| entry.position == position));
        assert_eq!(entries[0].stage, Some(stage(1)));
        assert_eq!(journal.read_from(7, 1).await.unwrap()[0].position, 7);
    }
    assert!(files(&place).len() > 4);
}

#[tokio::test]
async fn those_who_wait_at_once_share_a_sync_and_are_told_their_own_position() {
    let (place, disk) = (TempDir::new().unwrap(), Faulty::new());
    let journal =
        Journal::open_on(Arc::new(disk.clone()), place.path(), Options::default(), |_| {}).unwrap().0;
    let before = disk.0.synced.load(Ordering::SeqCst);
    let appends = (0..200).map(|nth| journal.append(batch([nth, nth])));
    let mut lasts: Vec<u64> = futures::future::try_join_all(appends).await.unwrap();
    lasts.sort_unstable();
    assert!(lasts.into_iter().eq((1..=200).map(|nth| nth * 2)));
    let syncs = disk.0.synced.load(Ordering::SeqCst) - before;
    assert!(syncs < 50, "{syncs} syncs");
    assert_eq!(all(&journal).await.len(), 400);
}

#[tokio::test]
async fn a_full_disk_acknowledges_nothing_and_leaves_nothing_behind() {
    let (place, disk) = (TempDir::new().unwrap(), Faulty::new());
    let journal = on(&disk, &place);
    journal.append(batch([1, 2])).await.unwrap();
    for room in [0, 1, 10, 300, 700] {
        disk.room(room);
        let error = journal.append(batch(3..=10)).await.unwrap_err();
        assert!(error.is_full(), "{error}");
        assert!(journal.numbers().failing.is_some());
        assert_eq!((journal.last_position(), all(&journal).await.len()), (2, 2));
        assert_eq!(disk.0.room.load(Ordering::SeqCst), room, "what was written is given back");
    }
    disk.room(-1);
    assert_eq!(journal.append(batch([3])).await.unwrap(), 3);
    assert_eq!(journal.numbers().failing, None);
    drop(journal);
    let (journal, recovery) = open(&place);
    assert_eq!((recovery.entries, recovery.torn_bytes, recovery.damage), (3, 0, vec![]));
    assert_eq!(all(&journal).await.last().unwrap().raw, raw(3));
}

#[tokio::test]
async fn what_cannot_be_cut_back_is_left_and_does_not_count() {
    let (place, disk) = (TempDir::new().unwrap(), Faulty::new());
    let journal = on(&disk, &place);
    journal.append(batch([1, 2])).await.unwrap();
    disk.0.cuts.store(true, Ordering::SeqCst);
    disk.room(900);
    assert!(journal.append(batch(100..=120)).await.is_err());
    disk.room(-1);
    assert_eq!(journal.append(batch([3])).await.unwrap(), 3);
    assert_eq!(journal.append(batch([4])).await.unwrap(), 4);
    assert!(all(&journal).await.iter().map(|entry| entry.raw.clone()).eq((1..=4).map(raw)));
    drop(journal);
    let (journal, recovery) = open(&place);
    assert!(recovery.torn_bytes > 0);
    assert_eq!((recovery.entries, recovery.last_position, recovery.damage), (4, 4, vec![]));
    assert!(all(&journal).await.iter().map(|entry| entry.raw.clone()).eq((1..=4).map(raw)));
}

#[tokio::test]
async fn after_a_failed_sync_the_file_is_not_trusted_any_more() {
    for cuts in [false, true] {
        let (place, disk) = (TempDir::new().unwrap(), Faulty::new());
        let journal = on(&disk, &place);
        // The first sync of a file, and a later one.
        disk.0.cuts.store(cuts, Ordering::SeqCst);
        for (nth, before) in [(1, 0), (2, 1), (3, 2)] {
            disk.0.syncs.store(2, Ordering::SeqCst);
            for _ in 0..2 {
                let error = journal.append(batch([90 + nth])).await.unwrap_err();
                assert!(!error.is_full(), "{error}");
                assert_eq!(journal.last_position(), before);
            }
            assert_eq!(journal.append(batch([nth])).await.unwrap(), nth);
        }
        assert_eq!(*disk.0.trusted_again.lock().unwrap(), Vec::<PathBuf>::new());
        assert!(all(&journal).await.iter().map(|entry| entry.raw.clone()).eq((1..=3).map(raw)));
        drop(journal);
        let (journal, recovery) = open(&place);
        assert_eq!((recovery.entries, recovery.damage), (3, vec![]));
        assert!(all(&journal).await.iter().map(|entry| entry.raw.clone()).eq((1..=3).map(raw)));
    }
}

#[tokio::test]
async fn short_writes_are_gone_on_with() {
    let (place, disk) = (TempDir::new().unwrap(), Faulty::new());
    disk.0.short.store(true, Ordering::SeqCst);
    let journal = on(&disk, &place);
    journal.append(batch(1..=5)).await.unwrap();
    assert_eq!(all(&journal).await.len(), 5);
}

#[tokio::test]
async fn a_torn_tail_is_cut_and_told_and_the_position_is_used_again_for_nothing_that_was_acknowledged() {
    let place = TempDir::new().unwrap();
    let (journal, _) = open(&place);
    journal.append(batch(1..=3)).await.unwrap();
    drop(journal);
    let last = files(&place).pop().unwrap();
    let bytes = fs::read(&last).unwrap();
    let third = bytes.len() / 3 * 2 + 10;
    fs::write(&last, &bytes[..third]).unwrap();
    let (journal, recovery) = open(&place);
    assert_eq!((recovery.entries, recovery.last_position), (2, 2));
    assert_eq!(recovery.torn_bytes, (third - bytes.len() / 3 * 2) as u64);
    assert_eq!(journal.append(batch([4])).await.unwrap(), 3);
    drop(journal);
    assert_eq!(open(&place).1.torn_bytes, 0, "it is cut once");
}

#[tokio::test]
async fn damage_in_the_middle_is_told_and_the_rest_is_read() {
    let place = TempDir::new().unwrap();
    let (journal, _) = open(&place);
    for nth in 1..=4 {
        journal.append(batch([nth])).await.unwrap();
    }
    drop(journal);
    let file = files(&place).remove(0);
    let mut bytes = fs::read(&file).unwrap();
    let length = bytes.len() / 4;
    bytes[length + 60] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let (journal, recovery) = open(&place);
    assert_eq!((recovery.entries, recovery.torn_bytes, recovery.last_position), (3, 0, 4));
    let expected = Damage {
        file: file.clone(),
        offset: length as u64,
        bytes: length as u64,
        from: 2,
        through: 2,
        acknowledged: true,
    };
    assert_eq!(recovery.damage, [expected]);
    let positions: Vec<u64> = all(&journal).await.iter().map(|entry| entry.position).collect();
    assert_eq!(positions, [1, 3, 4]);
    journal.append(batch([5])).await.unwrap();
    drop(journal);
    let (_, recovery) = open(&place);
    assert_eq!((recovery.entries, recovery.damage.len()), (4, 1), "it is told as long as it is there");
}

#[tokio::test]
async fn a_file_that_lost_its_end_is_told_by_the_next_one() {
    let place = TempDir::new().unwrap();
    let (journal, _) = open(&place);
    journal.append(batch(1..=3)).await.unwrap();
    drop(journal);
    open(&place).0.append(batch([4])).await.unwrap();
    let first = files(&place).remove(0);
    let bytes = fs::read(&first).unwrap();
    fs::write(&first, &bytes[..bytes.len() / 3]).unwrap();
    let (journal, recovery) = open(&place);
    assert_eq!((recovery.damage[0].from, recovery.damage[0].through), (2, 3));
    assert!(recovery.damage[0].acknowledged);
    let positions: Vec<u64> = all(&journal).await.iter().map(|entry| entry.position).collect();
    assert_eq!(positions, [1, 4]);
    drop(journal);
    fs::write(&first, &bytes[1..bytes.len() / 3]).unwrap();
    let (_, recovery) = open(&place);
    assert_eq!((recovery.damage[0].from, recovery.damage[0].through, recovery.entries), (1, 3, 1));
    assert!(first.with_extension("broken").exists());
}

#[tokio::test]
async fn files_go_once_every_reader_lets_go_and_not_before() {
    let place = TempDir::new().unwrap();
    let options = Options { readers: vec!["sealer".to_owned(), "syslog".to_owned()], ..options() };
    let (journal, _) = Journal::open(place.path(), options.clone()).unwrap();
    for nth in 1..=40 {
        journal.append(batch([nth])).await.unwrap();
    }
    let before = files(&place).len();
    assert!(before > 3);
    assert_eq!(journal.release("sealer", 40).unwrap(), Released::default());
    assert!(matches!(journal.release("nobody", 40), Err(Error::Reader(_))));
    assert_eq!(journal.horizon(), None);
    let released = journal.release("syslog", 20).unwrap();
    assert!(released.files >= 1 && files(&place).len() == before - usize::try_from(released.files).unwrap());
    let first = journal.read_from(1, 1).await.unwrap()[0].position;
    assert!(first > 1 && first <= 21);
    assert_eq!(journal.horizon(), Some(stage(first - 1)), "of all that is gone");
    journal.release("syslog", 40).unwrap();
    assert_eq!(files(&place).len(), 1, "the one that is written stays");
    drop(journal);
    let (journal, _) = Journal::open(place.path(), options).unwrap();
    assert_eq!(journal.last_position(), 40);
    assert!(journal.horizon().is_some());
}

#[tokio::test]
async fn positions_do_not_begin_again_when_all_files_are_gone() {
    let place = TempDir::new().unwrap();
    let (journal, _) = open(&place);
    for nth in 1..=20 {
        journal.append(batch([nth])).await.unwrap();
    }
    drop(journal);
    let (journal, _) = open(&place);
    journal.release(READER, 20).unwrap();
    assert_eq!(files(&place).len(), 0);
    drop(journal);
    let (journal, _) = open(&place);
    assert_eq!(journal.append(batch([21])).await.unwrap(), 21);
    let first = Options { first: 100, ..options() };
    drop(journal);
    let (journal, _) = Journal::open(place.path(), first).unwrap();
    assert_eq!(journal.append(batch([22])).await.unwrap(), 100);
}

#[tokio::test]
async fn there_is_a_most_of_it() {
    let place = TempDir::new().unwrap();
    let most = Options { most_bytes: 3_000, ..options() };
    let (journal, _) = Journal::open(place.path(), most).unwrap();
    let mut nth = 0;
    let error = loop {
        nth += 1;
        if let Err(error) = journal.append(batch([nth])).await {
            break error;
        }
    };
    assert!(error.is_full() && nth > 5, "{nth}: {error}");
    journal.release(READER, nth - 1).unwrap();
    journal.append(batch([nth])).await.unwrap();
}

#[tokio::test]
async fn what_is_only_in_the_journal_is_found_there() {
    let place = TempDir::new().unwrap();
    let (journal, _) = open(&place);
    for nth in 1..=40 {
        journal.append(batch([nth])).await.unwrap();
    }
    let asked: Vec<Older> =
        (30..50).map(|nth| Older { hash: canonical::hash(&raw(nth)).unwrap(), stage: stage(nth) }).collect();
    for _ in 0..2 {
        let held = journal.holds(&asked).await.unwrap();
        assert!((30..50).zip(held).all(|(nth, held)| held == (nth <= 40)));
    }
    drop(journal);
    let (journal, _) = open(&place);
    assert_eq!(journal.holds(&asked).await.unwrap().iter().filter(|held| **held).count(), 11);
}

#[tokio::test]
async fn two_do_not_write_to_one() {
    let place = TempDir::new().unwrap();
    let (journal, _) = open(&place);
    assert!(matches!(Journal::open(place.path(), options()), Err(Error::InUse(_))));
    drop(journal);
    open(&place);
}

#[test]
fn a_reserve_is_spent_once_and_filled_again_as_a_whole() {
    let (place, disk) = (TempDir::new().unwrap(), Faulty::new());
    let path = place.path().join("reserve");
    let reserve = Reserve::new(Arc::new(disk.clone()), &path, 3 << 20);
    reserve.fill().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), 3 << 20);
    assert!(reserve.spend().unwrap() && !reserve.spend().unwrap());
    disk.room(2 << 20);
    assert!(reserve.fill().is_err());
    assert!(!path.exists());
    disk.room(-1);
    reserve.fill().unwrap();
    reserve.fill().unwrap();
}

#[test]
fn names_of_servers_are_names() {
    for name in ["a", "cp-1.example", "0"] {
        assert_eq!(ServerName::new(name).unwrap().as_str(), name);
    }
    for name in ["", "-a", "a-", "A", "a/b", "a b", &"a".repeat(64), "é"] {
        assert!(ServerName::new(name).is_err(), "{name}");
    }
}
