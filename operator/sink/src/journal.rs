//! What is acknowledged, in the order in which it came, until it is sealed.
//!
//! An append that says yes has reached the disk. One that fails leaves nothing behind that counts: the file is cut back,
//! or left for a new one where not even that can be relied on.

mod disk;
mod entry;
mod frame;
mod past;
mod pieces;
mod read;
mod recover;
mod reserve;
mod slots;
mod writer;

#[cfg(test)]
pub(crate) mod faulty;

pub use disk::{Disk, Handle, Os};
pub use entry::{Batch, Borrowed, Entry, Misnamed, ServerName, Source, Stages};
pub use frame::LONGEST;
pub use recover::{Damage, Recovery};
pub use reserve::Reserve;
pub use slots::Slots;

use jiff::Timestamp;
use pieces::Pieces;
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{oneshot, watch};

/// Holds what outlives the files: through where they were let go, and the latest event among those.
const RELEASED: &str = "released.state";
const RELEASED_BYTES: u64 = 4096;
/// Two that write would each think that their positions are theirs.
const LOCK: &str = "lock";

#[derive(Debug, Clone)]
pub struct Options {
    /// A file that has grown to this is followed by another one.
    pub roll_bytes: u64,
    /// All files together; beyond it an append is refused as if the disk were full. What is sealed has to fit beside it.
    pub most_bytes: u64,
    /// The lowest position there may be: one after what any reader has already.
    pub first: u64,
    /// Who has to let go before a file is deleted.
    pub readers: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { roll_bytes: 32 << 20, most_bytes: u64::MAX, first: 1, readers: Vec::new() }
    }
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("journal: {most} bytes are taken, and no more are allowed until something is sealed")]
    Most { most: u64 },
    #[error("journal: {doing} {}: {text}", path.display())]
    Io { doing: &'static str, path: PathBuf, kind: io::ErrorKind, text: String },
    #[error("journal: an entry of {0} bytes; accepted: up to {LONGEST}")]
    TooLong(usize),
    #[error("journal: reader {0:?} is none of those it was opened for")]
    Reader(String),
    #[error("journal: {} is another process's", .0.display())]
    InUse(PathBuf),
    #[error("journal: closed")]
    Closed,
}

impl Error {
    fn io(doing: &'static str, path: &Path, error: &io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), kind: error.kind(), text: error.to_string() }
    }

    /// There is no room, as opposed to something being broken.
    pub fn is_full(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull, WriteZero};
        matches!(self, Self::Most { .. } | Self::Io { kind: StorageFull | QuotaExceeded | WriteZero, .. })
    }
}

/// What there is to say about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Numbers {
    pub files: u64,
    pub bytes: u64,
    /// Acknowledged, and in no file that was let go.
    pub entries: u64,
    pub last_position: u64,
    /// The file that is written holds something, and does not go as long as it is written.
    pub writing: bool,
    /// Why the last append failed, if it did.
    pub failing: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Released {
    pub files: u64,
    pub bytes: u64,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Gone {
    through: u64,
    /// The latest time of an event that is in no file any more.
    horizon: Option<Timestamp>,
}

struct Request {
    batch: Batch,
    reply: oneshot::Sender<Result<u64, Error>>,
}

#[derive(Default)]
struct Queue {
    requests: Vec<Request>,
    closed: bool,
}

struct Shared {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    options: Options,
    pieces: Mutex<Pieces>,
    gone: Mutex<(Slots, Gone)>,
    queue: Mutex<Queue>,
    wake: Condvar,
    committed: watch::Sender<u64>,
    /// Held as long as this is there.
    _lock: File,
    /// Hashes of files that were asked about lately.
    known: Mutex<past::Known>,
}

fn lock(path: &Path) -> Result<File, Error> {
    let failed = |error: io::Error| Error::io("lock", path, &error);
    let file = File::options().create(true).append(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

impl Shared {
    fn pieces(&self) -> MutexGuard<'_, Pieces> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Inner {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.queue().closed = true;
        self.shared.wake.notify_all();
        if let Some(writer) = self.writer.take() {
            // It ends with what is queued; that it failed was told to whoever waited.
            let _ = writer.join();
        }
    }
}

/// Clones are the same journal.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

impl Journal {
    pub fn open(directory: &Path, options: Options) -> Result<(Self, Recovery), Error> {
        Self::open_on(Arc::new(Os), directory, options, |_| {})
    }

    /// `visit` sees every entry that is there, in order.
    pub fn open_on(
        disk: Arc<dyn Disk>,
        directory: &Path,
        options: Options,
        visit: impl FnMut(&Borrowed<'_>),
    ) -> Result<(Self, Recovery), Error> {
        let failed = |doing, error: io::Error| Error::io(doing, directory, &error);
        disk.make_directory(directory).map_err(|error| failed("make", error))?;
        let lock = lock(&directory.join(LOCK))?;
        let path = directory.join(RELEASED);
        let (slots, gone) = Slots::open(disk.clone(), &path, RELEASED_BYTES)
            .map_err(|error| Error::io("open", &path, &error))?;
        let gone: Gone = match gone {
            Some(text) => serde_json::from_slice(&text)
                .map_err(|error| Error::io("read", &path, &io::Error::other(error)))?,
            None => Gone::default(),
        };
        let first = options.first.max(gone.through + 1).max(1);
        let (pieces, recovery) = recover::recover(&*disk, directory, first, &options.readers, visit)?;
        let shared = Arc::new(Shared {
            committed: watch::Sender::new(pieces.next() - 1),
            pieces: Mutex::new(pieces),
            gone: Mutex::new((slots, gone)),
            directory: directory.to_owned(),
            queue: Mutex::default(),
            wake: Condvar::new(),
            known: Mutex::default(),
            _lock: lock,
            disk,
            options,
        });
        let writer = writer::start(shared.clone()).map_err(|error| failed("start a thread for", error))?;
        Ok((Self { inner: Arc::new(Inner { shared, writer: Some(writer) }) }, recovery))
    }

    /// The position of the last of them, once all are on disk. Whoever stops to wait does not stop the append.
    pub async fn append(&self, batch: Batch) -> Result<u64, Error> {
        if batch.is_empty() {
            return Ok(self.last_position());
        }
        if batch.longest() > LONGEST {
            return Err(Error::TooLong(batch.longest()));
        }
        let (reply, answer) = oneshot::channel();
        {
            let mut queue = self.inner.shared.queue();
            if queue.closed {
                return Err(Error::Closed);
            }
            queue.requests.push(Request { batch, reply });
        }
        self.inner.shared.wake.notify_one();
        answer.await.unwrap_or(Err(Error::Closed))
    }

    /// Everything up to there is on disk.
    pub fn last_position(&self) -> u64 {
        *self.inner.shared.committed.borrow()
    }

    /// Tells whenever something was acknowledged.
    pub fn committed(&self) -> watch::Receiver<u64> {
        self.inner.shared.committed.subscribe()
    }

    /// Entries from there on: as many as fit into so many bytes, and one at least where there is one. Positions that are
    /// missing are those that opening the journal said are damaged.
    pub async fn read_from(&self, position: u64, most_bytes: usize) -> Result<Vec<Entry>, Error> {
        let shared = self.inner.shared.clone();
        tokio::task::spawn_blocking(move || read::read_from(&shared, position, most_bytes))
            .await
            .unwrap_or(Err(Error::Closed))
    }

    /// The same, for threads that may block.
    pub fn read_blocking(&self, position: u64, most_bytes: usize) -> Result<Vec<Entry>, Error> {
        read::read_from(&self.inner.shared, position, most_bytes)
    }

    /// This reader needs nothing any more up to and with that position. Files that no reader needs are deleted.
    pub fn release(&self, reader: &str, through: u64) -> Result<Released, Error> {
        let shared = &self.inner.shared;
        // One at a time; whoever appends or reads does not wait for it.
        let mut gone = shared.gone.lock().unwrap_or_else(PoisonError::into_inner);
        let (through, (files, stages)) = {
            let mut pieces = shared.pieces();
            let through = pieces.released(reader, through).ok_or_else(|| Error::Reader(reader.to_owned()))?;
            (through, pieces.behind(through))
        };
        let mut released = Released::default();
        if files.is_empty() {
            return Ok(released);
        }
        let through = gone.1.through.max(through.min(self.last_position()));
        let state = Gone { through, horizon: gone.1.horizon.max(stages.last()) };
        let text = serde_json::to_vec(&state).unwrap_or_default();
        let path = shared.directory.join(RELEASED);
        // Before it is true: what is only in the store now must never be taken for what never came.
        gone.0.save(&text).map_err(|error| Error::io("write", &path, &error))?;
        gone.1 = state;
        for (path, bytes) in files {
            match shared.disk.remove(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("delete", &path, &error));
                }
                _ => shared.pieces().forget(&path),
            }
            released.files += 1;
            released.bytes += bytes;
        }
        Ok(released)
    }

    /// No event that was let go is later than this.
    pub fn horizon(&self) -> Option<Timestamp> {
        self.inner.shared.gone.lock().unwrap_or_else(PoisonError::into_inner).1.horizon
    }

    pub fn numbers(&self) -> Numbers {
        self.inner.shared.pieces().numbers()
    }
}

#[cfg(test)]
mod tests;
