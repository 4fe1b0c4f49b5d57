//! What is done with a store, and no more than that: read whole objects, write them, never change one that counts.

use crate::error::Error;
use bytes::Bytes;
use object_store::path::Path;
use object_store::{Error as Refusal, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};
use std::sync::Arc;

/// A directory, a bucket, or a part of one.
pub type Store = Arc<dyn ObjectStore>;

/// Requests that are on their way at a time.
pub(crate) const AT_ONCE: usize = 8;

/// No manifest is longer, nor a pack of them, a key, a note.
const USUAL: u64 = 1 << 20;
/// Nor a head of some ten thousands of partitions.
pub(crate) const HEAD: u64 = 16 << 20;

/// None, if it is not there; nothing of what is longer than it should be, which is nothing that was ever written.
pub(crate) async fn read(store: &Store, path: &Path) -> Result<Option<Bytes>, Error> {
    read_at_most(store, path, USUAL).await
}

pub(crate) async fn read_at_most(store: &Store, path: &Path, most: u64) -> Result<Option<Bytes>, Error> {
    let got = match store.get(path).await {
        Ok(got) if got.meta.size > most => Ok(Bytes::new()),
        Ok(got) => got.bytes().await,
        Err(error) => Err(error),
    };
    match got {
        Ok(bytes) => Ok(Some(bytes)),
        Err(Refusal::NotFound { .. }) => Ok(None),
        Err(error) => Err(Error::store(path.as_ref())(error)),
    }
}

/// In the place of whatever was there: for objects that nothing refers to yet.
pub(crate) async fn put(store: &Store, path: &Path, bytes: Bytes) -> Result<(), Error> {
    store.put(path, PutPayload::from_bytes(bytes)).await.map(drop).map_err(Error::store(path.as_ref()))
}

/// Never in the place of another. The same once more is fine: an answer may have been lost.
pub(crate) async fn create(store: &Store, path: &Path, bytes: Bytes) -> Result<(), Error> {
    let options = PutOptions::from(PutMode::Create);
    match store.put_opts(path, PutPayload::from_bytes(bytes.clone()), options).await {
        Ok(_) => Ok(()),
        Err(Refusal::AlreadyExists { .. } | Refusal::Precondition { .. }) => {
            same(store, path, &bytes).await?.ok_or_else(|| Error::Contended { path: path.to_string() })
        }
        // Not every server that speaks S3 knows the condition.
        Err(error) if is_unknown(&error) => match same(store, path, &bytes).await {
            Ok(Some(())) => Ok(()),
            Ok(None) => put(store, path, bytes).await,
            Err(error) => Err(error),
        },
        Err(error) => Err(Error::store(path.as_ref())(error)),
    }
}

/// None, if it is not there.
async fn same(store: &Store, path: &Path, bytes: &Bytes) -> Result<Option<()>, Error> {
    match read_at_most(store, path, bytes.len() as u64).await? {
        Some(there) if there == *bytes => Ok(Some(())),
        Some(_) => Err(Error::Contended { path: path.to_string() }),
        None => Ok(None),
    }
}

fn is_unknown(error: &Refusal) -> bool {
    match error {
        Refusal::NotImplemented { .. } | Refusal::NotSupported { .. } => true,
        // What the server answers comes back in no other form.
        Refusal::Generic { source, .. } => source.to_string().contains("<Code>NotImplemented</Code>"),
        _ => false,
    }
}

/// It is fine if it was gone already.
pub(crate) async fn delete(store: &Store, path: &Path) -> Result<(), Error> {
    match store.delete(path).await {
        Ok(()) | Err(Refusal::NotFound { .. }) => Ok(()),
        Err(error) => Err(Error::store(path.as_ref())(error)),
    }
}
