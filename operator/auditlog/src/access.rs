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

/// None, if it is not there.
pub(crate) async fn read(store: &Store, path: &Path) -> Result<Option<Bytes>, Error> {
    let got = match store.get(path).await {
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
        Err(Refusal::AlreadyExists { .. } | Refusal::Precondition { .. }) => same(store, path, &bytes).await,
        // Not every server that speaks S3 knows the condition.
        Err(Refusal::NotImplemented { .. } | Refusal::NotSupported { .. }) => {
            match read(store, path).await? {
                Some(there) if there == bytes => Ok(()),
                Some(_) => Err(Error::Contended { path: path.to_string() }),
                None => put(store, path, bytes).await,
            }
        }
        Err(error) => Err(Error::store(path.as_ref())(error)),
    }
}

async fn same(store: &Store, path: &Path, bytes: &Bytes) -> Result<(), Error> {
    let same = read(store, path).await?.is_some_and(|there| there == *bytes);
    if same { Ok(()) } else { Err(Error::Contended { path: path.to_string() }) }
}

/// It is fine if it was gone already.
pub(crate) async fn delete(store: &Store, path: &Path) -> Result<(), Error> {
    match store.delete(path).await {
        Ok(()) | Err(Refusal::NotFound { .. }) => Ok(()),
        Err(error) => Err(Error::store(path.as_ref())(error)),
    }
}
