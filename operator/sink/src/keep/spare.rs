//! Room that only sealing may use. Where the disk is full it is given up; and until it is there again the journal takes
//! nothing, or those who send again and again would have it before anything is sealed.

use crate::journal::{Disk, Handle, Reserve};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Between attempts to have it back.
const AGAIN: Duration = Duration::from_secs(5);
/// What of the journal grows.
const GROWS: &str = "wal";

/// The disk of the journal: full, while the room is given up.
pub struct Gated {
    disk: Arc<dyn Disk>,
    shut: Arc<AtomicBool>,
}

impl Gated {
    /// With what shuts it.
    pub fn new(disk: Arc<dyn Disk>) -> (Self, Arc<AtomicBool>) {
        let shut = Arc::new(AtomicBool::new(false));
        (Self { disk, shut: shut.clone() }, shut)
    }

    fn handle(&self, path: &Path, handle: Box<dyn Handle>) -> Box<dyn Handle> {
        if path.extension().is_some_and(|extension| extension == GROWS) {
            return Box::new(Growing { handle, shut: self.shut.clone() });
        }
        handle
    }
}

fn full() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, "what room is left is kept for sealing")
}

struct Growing {
    handle: Box<dyn Handle>,
    shut: Arc<AtomicBool>,
}

impl Handle for Growing {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        if self.shut.load(Ordering::Relaxed) {
            return Err(full());
        }
        self.handle.write_at(bytes, offset)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.handle.read_at(into, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.handle.sync()
    }

    /// A file that is not cut back is left for another one: sealed to its end, it then goes, and makes room.
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.handle.cut(length)?;
        if self.shut.load(Ordering::Relaxed) { Err(full()) } else { Ok(()) }
    }

    fn length(&self) -> io::Result<u64> {
        self.handle.length()
    }
}

impl Disk for Gated {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        Ok(self.handle(path, self.disk.create(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        Ok(self.handle(path, self.disk.open(path)?))
    }

    fn make_directory(&self, path: &Path) -> io::Result<()> {
        self.disk.make_directory(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_directory(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        self.disk.list(directory)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }
}

/// The room, and the gate before the journal.
pub struct Spare {
    reserve: Reserve,
    shut: Arc<AtomicBool>,
    tried: Option<Instant>,
}

impl Spare {
    /// Where it cannot be had at the start either, the disk is full as well.
    pub fn new(reserve: Reserve, shut: Arc<AtomicBool>) -> Self {
        let spare = Self { reserve, shut, tried: None };
        if let Err(error) = spare.reserve.fill() {
            spare.shut.store(true, Ordering::Relaxed);
            tracing::error!(%error, "no room to keep some for sealing: nothing is taken in before there is");
        }
        spare
    }

    pub fn is_given_up(&self) -> bool {
        self.shut.load(Ordering::Relaxed)
    }

    pub fn give_up(&self) {
        // The gate first: nobody else is to have it.
        self.shut.store(true, Ordering::Relaxed);
        match self.reserve.spend() {
            Ok(true) => tracing::warn!("the disk is full: the room that is kept for sealing is used now"),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "room that is kept for sealing"),
        }
    }

    /// Nothing is taken in for a moment, so that the journal leaves the file that it writes.
    pub fn pause(&mut self) {
        if !self.is_given_up() {
            self.shut.store(true, Ordering::Relaxed);
            self.tried = Some(Instant::now());
        }
    }

    /// As soon as there is as much room again: at once after something was sealed, and otherwise now and then.
    pub fn take_back(&mut self, sealed: bool) {
        let lately = self.tried.is_some_and(|tried| tried.elapsed() < AGAIN);
        if !self.is_given_up() || (lately && !sealed) {
            return;
        }
        self.tried = Some(Instant::now());
        match self.reserve.fill() {
            Ok(()) => {
                self.shut.store(false, Ordering::Relaxed);
                tracing::info!("there is room again");
            }
            Err(error) => tracing::debug!(%error, "no room yet"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{event, server};
    use crate::journal::{Batch, Journal, Options, Os, Source};
    use jiff::Timestamp;
    use snc_audit::canonical;
    use tempfile::TempDir;

    async fn append(journal: &Journal, nth: u64) -> Result<u64, crate::journal::Error> {
        let raw = event(nth, "get", "shop", "alice");
        let mut batch = Batch::new(Timestamp::now(), Source::Webhook, &server());
        batch.push(&canonical::hash(&raw).unwrap(), None, false, &raw);
        journal.append(batch).await
    }

    #[tokio::test]
    async fn the_journal_takes_nothing_while_the_room_is_given_up_and_lets_go_all_the_same() {
        let place = TempDir::new().unwrap();
        let (gated, shut) = Gated::new(Arc::new(Os));
        let options = Options { readers: vec!["seal".into()], ..Options::default() };
        let (journal, _) =
            Journal::open_on(Arc::new(gated), &place.path().join("journal"), options, |_| {}).unwrap();
        let reserve = place.path().join("reserve");
        let mut spare = Spare::new(Reserve::new(Arc::new(Os), &reserve, 1 << 20), shut);
        assert!(reserve.exists() && !spare.is_given_up());
        append(&journal, 1).await.unwrap();
        append(&journal, 2).await.unwrap();

        spare.give_up();
        assert!(!reserve.exists());
        assert_eq!(journal.release("seal", 2).unwrap().files, 0, "it is still written");
        assert!(append(&journal, 3).await.is_err_and(|error| error.is_full()));
        assert_eq!(journal.read_from(2, 1).await.unwrap().len(), 1);
        assert_eq!(journal.release("seal", 2).unwrap().files, 1, "and now it is left");
        assert!(append(&journal, 3).await.is_err_and(|error| error.is_full()));

        spare.take_back(true);
        assert!(reserve.exists() && !spare.is_given_up());
        assert_eq!(append(&journal, 3).await.unwrap(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_ends_by_itself() {
        let place = TempDir::new().unwrap();
        let (_, shut) = Gated::new(Arc::new(Os));
        let mut spare = Spare::new(Reserve::new(Arc::new(Os), &place.path().join("reserve"), 10), shut);
        spare.pause();
        spare.take_back(false);
        assert!(spare.is_given_up());
        tokio::time::advance(AGAIN).await;
        spare.take_back(false);
        assert!(!spare.is_given_up());
    }

    #[tokio::test(start_paused = true)]
    async fn without_room_at_the_start_nothing_is_taken_before_there_is() {
        let place = TempDir::new().unwrap();
        let (_, shut) = Gated::new(Arc::new(Os));
        let reserve = place.path().join("later/reserve");
        let mut spare = Spare::new(Reserve::new(Arc::new(Os), &reserve, 10), shut);
        assert!(spare.is_given_up());
        spare.take_back(false);
        std::fs::create_dir(place.path().join("later")).unwrap();
        spare.take_back(false);
        assert!(spare.is_given_up(), "not all the time");
        tokio::time::advance(AGAIN).await;
        spare.take_back(false);
        assert!(!spare.is_given_up());
    }
}
