//! Small state on disk: written as a whole or not at all.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// Never taken for an empty state: what was promised would be forgotten.
    #[error("{}: not what this version writes: {source}", path.display())]
    Unreadable { path: PathBuf, source: serde_json::Error },
}

impl Error {
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull)
    }
}

/// None where it was never written.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::Io { path: path.to_owned(), source }),
    };
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|source| Error::Unreadable { path: path.to_owned(), source })
}

/// After a crash it is what it was, or this.
pub fn write<T: Serialize>(path: &Path, state: &T) -> Result<(), Error> {
    let failed = |source| Error::Io { path: path.to_owned(), source };
    let text = serde_json::to_vec(state).map_err(|error| failed(io::Error::other(error)))?;
    let directory = path.parent().unwrap_or(Path::new("."));
    let beside = path.with_extension("new");
    let written = (|| {
        fs::create_dir_all(directory)?;
        let mut file = File::create(&beside)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(directory)?.sync_all()
    })();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.map_err(failed)
}

pub fn remove(path: &Path) -> Result<(), Error> {
    let failed = |source| Error::Io { path: path.to_owned(), source };
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => path.parent().map_or(Ok(()), |directory| {
            File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_what_is_spoilt_is_not_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/state.json");
        assert_eq!(read::<Vec<u8>>(&path).unwrap(), None);
        remove(&directory.path().join("state.json")).unwrap();
        write(&path, &[1, 2]).unwrap();
        write(&path, &[1, 2, 3]).unwrap();
        assert_eq!(read::<Vec<u8>>(&path).unwrap(), Some(vec![1, 2, 3]));
        fs::write(&path, "[1,").unwrap();
        assert!(matches!(read::<Vec<u8>>(&path), Err(Error::Unreadable { .. })));
        remove(&path).unwrap();
        assert_eq!(read::<Vec<u8>>(&path).unwrap(), None);
    }
}
