//! Room that is given up when there is no other, so that what frees room can still be written.

use super::disk::{Disk, write_all};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const PIECE: usize = 1 << 20;

/// A file that holds nothing but its place.
pub struct Reserve {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    bytes: u64,
}

impl Reserve {
    pub fn new(disk: Arc<dyn Disk>, path: &Path, bytes: u64) -> Self {
        Self { disk, path: path.to_owned(), bytes }
    }

    /// Gives the room up. Whether there was any.
    pub fn spend(&self) -> io::Result<bool> {
        match self.disk.remove(&self.path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes it back, as soon as there is room again; does nothing where it is held already.
    pub fn fill(&self) -> io::Result<()> {
        let mut file = match self.disk.open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.disk.create(&self.path)?,
            opened => opened?,
        };
        let mut length = file.length()?;
        // Not zeros: some file systems keep those without taking any room.
        let piece: Vec<u8> = (0..PIECE).map(|at| u8::try_from(at % 251).unwrap_or_default()).collect();
        while length < self.bytes {
            let left = usize::try_from(self.bytes - length).unwrap_or(PIECE);
            let piece = piece.get(..left.min(PIECE)).unwrap_or(&piece);
            if let Err(error) = write_all(&mut *file, piece, length) {
                // Half a reserve would be the last room that anybody else could use.
                drop(file);
                self.spend()?;
                return Err(error);
            }
            length += piece.len() as u64;
        }
        file.sync()
    }
}
