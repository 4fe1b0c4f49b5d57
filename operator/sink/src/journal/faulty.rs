//! A disk that fails when it is told to.

use super::disk::{Disk, Handle, Os};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Default)]
pub(crate) struct Faults {
    /// So many bytes fit; negative: any number.
    pub(crate) room: AtomicI64,
    pub(crate) short: AtomicBool,
    /// So many syncs fail from now on.
    pub(crate) syncs: AtomicU64,
    pub(crate) cuts: AtomicBool,
    pub(crate) removes: AtomicBool,
    pub(crate) synced: AtomicU64,
    /// Files that were synced after a sync of theirs had failed.
    pub(crate) trusted_again: Mutex<Vec<PathBuf>>,
    failed: Mutex<Vec<PathBuf>>,
}

#[derive(Clone)]
pub(crate) struct Faulty(pub(crate) Arc<Faults>);

impl Faulty {
    pub(crate) fn new() -> Self {
        let faults = Faults { room: AtomicI64::new(-1), ..Faults::default() };
        Self(Arc::new(faults))
    }

    pub(crate) fn room(&self, bytes: i64) {
        self.0.room.store(bytes, Ordering::SeqCst);
    }
}

struct File {
    inner: Box<dyn Handle>,
    faults: Arc<Faults>,
    path: PathBuf,
}

impl Handle for File {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let length = self.inner.length()?;
        // What is there already needs no room.
        let grows = (offset + bytes.len() as u64).saturating_sub(length);
        let room = self.faults.room.load(Ordering::SeqCst);
        let mut most = bytes.len();
        if room >= 0 && grows > 0 {
            let fits = u64::try_from(room).unwrap().min(grows);
            if fits == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            most = usize::try_from(bytes.len() as u64 - (grows - fits)).unwrap();
            self.faults.room.fetch_sub(i64::try_from(fits).unwrap(), Ordering::SeqCst);
        }
        if self.faults.short.load(Ordering::SeqCst) {
            most = most.min(7);
        }
        self.inner.write_at(&bytes[..most], offset)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(into, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        let left = |left: u64| left.checked_sub(1);
        if self.faults.syncs.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok() {
            self.faults.failed.lock().unwrap().push(self.path.clone());
            return Err(io::Error::other("the disk does not answer"));
        }
        if self.faults.failed.lock().unwrap().contains(&self.path) {
            self.faults.trusted_again.lock().unwrap().push(self.path.clone());
        }
        self.faults.synced.fetch_add(1, Ordering::SeqCst);
        // No test loses power.
        Ok(())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        if self.faults.cuts.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk does not answer"));
        }
        let before = self.inner.length()?;
        self.inner.cut(length)?;
        if self.faults.room.load(Ordering::SeqCst) >= 0 {
            let freed = i64::try_from(before.saturating_sub(length)).unwrap();
            self.faults.room.fetch_add(freed, Ordering::SeqCst);
        }
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        self.inner.length()
    }
}

impl Disk for Faulty {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.0.failed.lock().unwrap().retain(|failed| failed != path);
        let (inner, faults) = (Os.create(path)?, self.0.clone());
        Ok(Box::new(File { inner, faults, path: path.to_owned() }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let (inner, faults) = (Os.open(path)?, self.0.clone());
        Ok(Box::new(File { inner, faults, path: path.to_owned() }))
    }

    fn make_directory(&self, path: &Path) -> io::Result<()> {
        Os.make_directory(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        Os.sync_directory(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        Os.list(directory)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if self.0.removes.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk does not answer"));
        }
        Os.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Os.rename(from, to)
    }
}
