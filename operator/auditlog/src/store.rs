//! Where a log is kept: a directory, or a bucket of a server that speaks S3.

mod credentials;
mod lock;
mod s3;
mod versions;

pub use credentials::Credentials;
pub use lock::{Lock, LockMode};

use crate::access::{self, AT_ONCE, Store};
use crate::error::Error;
use crate::head;
use crate::layout::{self, Object};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::local::LocalFileSystem;
use snc_core::text::Refusal;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How to get at it. A directory needs none of this.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `https://host[:port]`; http only for this machine.
    pub endpoint: Option<String>,
    pub region: Option<String>,
    pub credentials: Credentials,
    /// PEM. If it is given, the server's certificate has to come from there.
    pub ca: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A directory of this machine, or mounted there.
    Volume,
    S3,
}

#[derive(Debug, Clone)]
pub struct Opened {
    pub store: Store,
    pub kind: Kind,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    Directory(PathBuf),
    Bucket(Arc<s3::Bucket>),
}

/// `/directory`, `file:///directory`, `s3://bucket[/prefix]`. Nothing is asked of a server yet.
pub fn open(location: &str, options: &Options) -> Result<Opened, Error> {
    if let Some(rest) = location.strip_prefix("s3://") {
        let bucket = Arc::new(s3::Bucket::open(rest, options)?);
        return Ok(Opened { store: bucket.store(), kind: Kind::S3, place: Place::Bucket(bucket) });
    }
    let path = location.strip_prefix("file://").unwrap_or(location);
    if !path.starts_with('/') || path.contains("://") {
        let (fr, en) = (
            "un répertoire absolu (/chemin, file:///chemin) ou s3://seau[/préfixe]",
            "an absolute directory (/path, file:///path) or s3://bucket[/prefix]",
        );
        return Err(Refusal::new("store", location, fr, en).into());
    }
    let dir = PathBuf::from(path);
    create(&dir)?;
    let store = LocalFileSystem::new_with_prefix(&dir).map_err(Error::store(path))?.with_fsync(true);
    Ok(Opened { store: Arc::new(store), kind: Kind::Volume, place: Place::Directory(dir) })
}

/// For its owner only: it holds what everybody did.
fn create(dir: &Path) -> Result<(), Error> {
    if dir.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(dir).map_err(Error::io(dir))?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(Error::io(dir))?;
    let Some(parent) = dir.parent() else { return Ok(()) };
    File::open(parent).and_then(|parent| parent.sync_all()).map_err(Error::io(parent))
}

impl Opened {
    /// Whether an object of it can be neither changed nor deleted, and until when.
    pub async fn lock(&self, path: &str) -> Lock {
        match &self.place {
            Place::Directory(_) => Lock::NotLocked,
            Place::Bucket(bucket) => bucket.lock(path).await,
        }
    }

    /// The heads that were put there first, by their numbers: of a bucket also those that were deleted since, or
    /// written over.
    pub(crate) async fn heads(&self) -> Result<Vec<(u64, Bytes)>, Error> {
        self.heads_that_begin(&format!("{}/", layout::HEADS)).await
    }

    /// Only that one.
    pub(crate) async fn head(&self, number: u64) -> Result<Bytes, Error> {
        let Place::Bucket(_) = &self.place else { return head::read(&self.store, number).await };
        let heads = self.heads_that_begin(layout::head(number).as_ref()).await?;
        let head = heads.into_iter().find(|(other, _)| *other == number);
        Ok(head.map(|(_, bytes)| bytes).unwrap_or_default())
    }

    async fn heads_that_begin(&self, begin: &str) -> Result<Vec<(u64, Bytes)>, Error> {
        let Place::Bucket(bucket) = &self.place else {
            let store = &self.store;
            let read = |number| async move { Ok((number, head::read(store, number).await?)) };
            let numbers = head::numbers(store).await?;
            return stream::iter(numbers.into_iter().map(read)).buffered(AT_ONCE).try_collect().await;
        };
        let versions = bucket.first_versions(begin).await?;
        let heads = versions.into_iter().filter_map(|(path, id)| match layout::read(&path) {
            Object::Head(number) => Some((number, path, id)),
            _ => None,
        });
        let read = |(number, path, id): (u64, object_store::path::Path, String)| async move {
            Ok((number, bucket.version(&path, &id, access::HEAD).await?.unwrap_or_default()))
        };
        stream::iter(heads.map(read)).buffered(AT_ONCE).try_collect().await
    }

    /// Deletes what is left over from writes that were cut short, and says how much that was. Only for the one who
    /// writes, before anything is written.
    pub fn sweep(&self) -> Result<u64, Error> {
        match &self.place {
            Place::Directory(dir) => sweep(dir).map_err(Error::io(dir)),
            // A server keeps nothing of a put that it did not get whole.
            Place::Bucket(_) => Ok(0),
        }
    }
}

/// `name#1`: under such a name a file is written before it gets its own.
fn sweep(dir: &Path) -> io::Result<u64> {
    let mut swept = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            swept += sweep(&entry.path())?;
        } else if kind.is_file() && is_unfinished(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
            swept += 1;
        }
    }
    Ok(swept)
}

fn is_unfinished(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(name, number)| {
        !name.is_empty() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests;
