use super::*;
use crate::journal::Os;
use crate::journal::faulty::Faulty;
use proptest::prelude::*;
use std::fs;
use std::sync::atomic::Ordering;
use tempfile::TempDir;

fn open(path: &Path) -> io::Result<(Slots, Option<Vec<u8>>)> {
    Slots::open(Arc::new(Os), path, 64)
}

#[test]
fn the_last_one_is_read_also_when_it_has_outgrown_its_place() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("state");
    assert_eq!(open(&path).unwrap().1, None);
    assert_eq!(open(&path).unwrap().1, None, "made, and never written");
    for length in [3, 10, 1, 500, 20, 5000, 0] {
        let (mut slots, _) = open(&path).unwrap();
        let text = vec![b'x'; length];
        slots.save(b"before").unwrap();
        slots.save(&text).unwrap();
        assert_eq!(open(&path).unwrap().1, Some(text));
    }
}

#[test]
fn it_is_written_while_the_disk_is_full() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("state");
    let disk = Faulty::new();
    let (mut slots, _) = Slots::open(Arc::new(disk.clone()), &path, 64).unwrap();
    disk.room(0);
    for number in 0..10 {
        slots.save(format!("state {number}").as_bytes()).unwrap();
    }
    assert_eq!(slots.save(&[b'x'; 500]).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(open(&path).unwrap().1.unwrap(), b"state 9");
    slots.save(b"after").unwrap();
    assert_eq!(open(&path).unwrap().1.unwrap(), b"after");
}

#[test]
fn one_that_could_not_be_synced_does_not_take_the_place_of_the_good_one() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("state");
    let disk = Faulty::new();
    let (mut slots, _) = Slots::open(Arc::new(disk.clone()), &path, 64).unwrap();
    slots.save(b"good").unwrap();
    disk.0.syncs.store(3, Ordering::SeqCst);
    for _ in 0..3 {
        assert!(slots.save(b"bad").is_err());
    }
    // As if none of those had reached the disk.
    let mut file = fs::read(&path).unwrap();
    file[..64].fill(b'?');
    fs::write(&path, file).unwrap();
    assert_eq!(open(&path).unwrap().1.unwrap(), b"good");
}

#[test]
fn what_is_spoilt_is_not_nothing() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("state");
    let (mut slots, _) = open(&path).unwrap();
    slots.save(b"one").unwrap();
    slots.save(b"two").unwrap();
    fs::write(&path, [b'?'; 128]).unwrap();
    assert_eq!(open(&path).err().unwrap().kind(), io::ErrorKind::InvalidData);
}

proptest! {
    /// The place that is being written may hold anything afterwards.
    #[test]
    fn a_torn_write_leaves_what_was_there(
        saves in 1_usize..6,
        kept in 0_usize..64,
        noise in proptest::collection::vec(any::<u8>(), 64),
    ) {
        let place = TempDir::new().unwrap();
        let path = place.path().join("state");
        let (mut slots, _) = open(&path).unwrap();
        for number in 0..saves {
            slots.save(format!("{number}").as_bytes()).unwrap();
        }
        let mut file = fs::read(&path).unwrap();
        let next = (saves + 1) % 2 * 64;
        let slot = written(saves as u64 + 1, b"new");
        for at in 0..64 {
            file[next + at] = if at < kept { slot.get(at).copied().unwrap_or(BLANK) } else { noise[at] };
        }
        fs::write(&path, &file).unwrap();
        let read = open(&path).unwrap().1.unwrap();
        let old = format!("{}", saves - 1).into_bytes();
        if kept >= slot.len() - 1 { prop_assert_eq!(read, b"new"); } else { prop_assert_eq!(read, old); }
    }
}
