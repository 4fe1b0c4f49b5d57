//! Up to where everything is delivered, on disk.

use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Far more than it takes.
const LARGEST: u64 = 4096;

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    through: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    Nothing,
    Through(u64),
    /// Everything is sent again: twice is allowed, never is not.
    Unreadable(String),
}

#[derive(Debug, Clone)]
pub struct Cursor {
    path: PathBuf,
    through: u64,
}

impl Cursor {
    pub fn open(path: PathBuf) -> (Self, Found) {
        let found = match read(&path) {
            Ok(Some(kept)) => Found::Through(kept.through),
            Ok(None) => Found::Nothing,
            Err(error) => Found::Unreadable(error.to_string()),
        };
        let through = if let Found::Through(through) = found { through } else { 0 };
        (Self { path, through }, found)
    }

    pub fn through(&self) -> u64 {
        self.through
    }

    /// Back to the beginning; what is on disk stays until the next `set`.
    pub(crate) fn forget(&mut self) {
        self.through = 0;
    }

    /// On disk once this returns; on an error it is where it was.
    pub async fn set(&mut self, through: u64) -> io::Result<()> {
        let path = self.path.clone();
        // A slow disk is nothing that other tasks should wait for.
        tokio::task::spawn_blocking(move || write(&path, through)).await.map_err(io::Error::other)??;
        self.through = through;
        Ok(())
    }
}

fn read(path: &Path) -> io::Result<Option<Kept>> {
    let size = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if size > LARGEST {
        return Err(io::Error::other(format!("{size} bytes; accepted: up to {LARGEST}")));
    }
    serde_json::from_slice(&fs::read(path)?).map(Some).map_err(io::Error::other)
}

/// Whole or not at all, also when the machine stops in between.
fn write(path: &Path, through: u64) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(&serde_json::to_vec(&Kept { through })?)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    #[tokio::test]
    async fn what_was_set_is_there_after_a_restart() {
        let place = TempDir::new().unwrap();
        let path = place.path().join("cursor.json");
        let (mut cursor, found) = Cursor::open(path.clone());
        assert_eq!((cursor.through(), found), (0, Found::Nothing));
        cursor.set(41).await.unwrap();
        cursor.set(u64::MAX).await.unwrap();
        let (cursor, found) = Cursor::open(path);
        assert_eq!((cursor.through(), found), (u64::MAX, Found::Through(u64::MAX)));
    }

    #[tokio::test]
    async fn what_was_left_half_written_beside_is_not_read() {
        let place = TempDir::new().unwrap();
        let path = place.path().join("cursor.json");
        let (mut cursor, _) = Cursor::open(path.clone());
        cursor.set(7).await.unwrap();
        fs::write(path.with_extension("new"), "{\"thro").unwrap();
        let (mut cursor, found) = Cursor::open(path.clone());
        assert_eq!(found, Found::Through(7));
        cursor.set(8).await.unwrap();
        assert_eq!(Cursor::open(path).1, Found::Through(8));
    }

    #[tokio::test]
    async fn an_unreadable_one_means_everything_again_and_is_told() {
        let place = TempDir::new().unwrap();
        let path = place.path().join("cursor.json");
        for text in ["", "{\"through\":-1}", "{\"through\":1,\"more\":2}", "\u{0}", &" ".repeat(5000)] {
            fs::write(&path, text).unwrap();
            let (cursor, found) = Cursor::open(path.clone());
            assert_eq!(cursor.through(), 0, "{text:?}");
            assert!(matches!(found, Found::Unreadable(_)), "{text:?}");
        }
    }

    #[tokio::test]
    async fn one_that_cannot_be_written_stays_where_it_was() {
        let place = TempDir::new().unwrap();
        let (mut cursor, _) = Cursor::open(place.path().join("gone").join("cursor.json"));
        assert!(cursor.set(3).await.is_err());
        assert_eq!(cursor.through(), 0);
    }
}
