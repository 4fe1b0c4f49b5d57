//! The thread that writes: everything that waits goes to disk together.

use super::disk::{Handle, write_all};
use super::entry::Stages;
use super::{Error, Request, Shared, pieces};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::thread::{Builder, JoinHandle};

pub(super) fn start(shared: Arc<Shared>) -> io::Result<JoinHandle<()>> {
    Builder::new().name("journal".to_owned()).spawn(move || {
        let mut writer = Writer { shared, file: None };
        while let Some(requests) = writer.wait() {
            writer.group(requests);
        }
    })
}

struct Active {
    path: PathBuf,
    handle: Box<dyn Handle>,
    /// Up to where everything is acknowledged.
    good: u64,
}

struct Writer {
    shared: Arc<Shared>,
    file: Option<Active>,
}

impl Writer {
    /// Everything that waits; None once nothing will come any more.
    fn wait(&self) -> Option<Vec<Request>> {
        let queue = self.shared.queue();
        let idle = |queue: &mut super::Queue| queue.requests.is_empty() && !queue.closed;
        let mut queue = self.shared.wake.wait_while(queue, idle).unwrap_or_else(PoisonError::into_inner);
        let requests = std::mem::take(&mut queue.requests);
        (!requests.is_empty()).then_some(requests)
    }

    fn group(&mut self, mut requests: Vec<Request>) {
        let most = self.shared.options.most_bytes;
        let mut room = most.saturating_sub(self.shared.pieces().bytes());
        let too_much = |request: &mut Request| {
            let fits = request.batch.bytes() as u64 <= room;
            room -= if fits { request.batch.bytes() as u64 } else { 0 };
            !fits
        };
        let refused: Vec<Request> = requests.extract_if(.., too_much).collect();
        let written = if requests.is_empty() { Ok(Vec::new()) } else { self.commit(&mut requests) };
        let failing = match &written {
            Err(error) => Some(error.to_string()),
            Ok(_) if !refused.is_empty() => Some(Error::Most { most }.to_string()),
            Ok(_) => None,
        };
        self.shared.pieces().failing(failing);
        // Whoever asked may be gone.
        for request in refused {
            let _ = request.reply.send(Err(Error::Most { most }));
        }
        match written {
            Ok(lasts) => {
                for (request, last) in requests.into_iter().zip(lasts) {
                    let _ = request.reply.send(Ok(last));
                }
            }
            Err(error) => {
                tracing::warn!(%error, requests = requests.len(), "not acknowledged");
                for request in requests {
                    let _ = request.reply.send(Err(error.clone()));
                }
            }
        }
    }

    /// The last position of each request, all of which are on disk.
    fn commit(&mut self, requests: &mut [Request]) -> Result<Vec<u64>, Error> {
        let roll = self.file.as_ref().is_some_and(|file| file.good >= self.shared.options.roll_bytes);
        if roll {
            self.leave();
        }
        let group = self.shared.pieces().next();
        let mut next = group;
        let mut lasts = Vec::with_capacity(requests.len());
        for request in &mut *requests {
            request.batch.number(group, next);
            next += request.batch.len() as u64;
            lasts.push(next - 1);
        }
        if self.file.is_none() {
            self.file = Some(self.begin(group)?);
        }
        let Some(file) = self.file.as_mut() else { return Err(Error::Closed) };
        let mut end = file.good;
        for request in &*requests {
            if let Err(error) = write_all(&mut *file.handle, &request.batch.bytes, end) {
                let error = Error::io("write", &file.path, &error);
                self.cut_back();
                return Err(error);
            }
            end += request.batch.bytes() as u64;
        }
        if let Err(error) = file.handle.sync() {
            // What the system could not write it may have forgotten: a second attempt would succeed and prove nothing.
            let error = Error::io("sync", &file.path, &error);
            self.cut_back();
            self.leave();
            return Err(error);
        }
        let mut begin = std::mem::replace(&mut file.good, end);
        let mut pieces = self.shared.pieces();
        for request in &*requests {
            let starts = request.batch.starts.iter().map(|start| begin + *start as u64);
            let stages: Stages = request.batch.stages;
            pieces.acknowledge(starts, begin + request.batch.bytes() as u64, stages);
            begin += request.batch.bytes() as u64;
        }
        drop(pieces);
        self.shared.committed.send_replace(next - 1);
        Ok(lasts)
    }

    /// A new file, of which the directory knows.
    fn begin(&self, first: u64) -> Result<Active, Error> {
        let Shared { disk, directory, .. } = &*self.shared;
        let path = directory.join(pieces::name(first));
        // One of that name holds nothing that was acknowledged: the next position would be another.
        match disk.remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io("delete", &path, &error));
            }
            _ => {}
        }
        let handle = disk.create(&path).map_err(|error| Error::io("make", &path, &error))?;
        disk.sync_directory(directory).map_err(|error| Error::io("sync", directory, &error))?;
        self.shared.pieces().begin(path.clone());
        Ok(Active { path, handle, good: 0 })
    }

    fn cut_back(&mut self) {
        let Some(file) = self.file.as_mut() else { return };
        if let Err(error) = file.handle.cut(file.good) {
            tracing::warn!(%error, file = %file.path.display(), "not cut back; a new file is begun");
            self.leave();
        }
    }

    fn leave(&mut self) {
        self.file = None;
        self.shared.pieces().end();
    }
}
