//! A store that fails when the test says so: before what is asked for is done, or after.

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

type Fut<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

#[derive(Debug)]
pub(crate) struct Flaky {
    inner: Arc<dyn ObjectStore>,
    /// Writes until it fails; below nothing, it does.
    left: AtomicI64,
    /// The write that fails is done all the same.
    pub(crate) lost_answer: AtomicBool,
    pub(crate) failed: AtomicU64,
}

impl fmt::Display for Flaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("flaky")
    }
}

fn refused<T>() -> Result<T> {
    Err(Error::Generic { store: "flaky", source: "out of reach".into() })
}

impl Flaky {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            left: AtomicI64::new(i64::MAX),
            lost_answer: AtomicBool::new(false),
            failed: AtomicU64::new(0),
        })
    }

    /// Fails from then on.
    pub(crate) fn after(&self, writes: i64) {
        self.left.store(writes, Ordering::SeqCst);
    }

    pub(crate) fn mend(&self) {
        self.after(i64::MAX);
    }

    fn is_down(&self) -> bool {
        self.left.load(Ordering::SeqCst) <= 0
    }
}

impl ObjectStore for Flaky {
    fn put_opts<'a, 'b, 't>(
        &'a self,
        location: &'b Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Fut<'t, PutResult>
    where
        'a: 't,
        'b: 't,
        Self: 't,
    {
        Box::pin(async move {
            let left = self.left.fetch_sub(1, Ordering::SeqCst);
            if left > 0 {
                return self.inner.put_opts(location, payload, opts).await;
            }
            self.failed.fetch_add(1, Ordering::SeqCst);
            if left == 0 && self.lost_answer.load(Ordering::SeqCst) {
                self.inner.put_opts(location, payload, opts).await?;
            }
            refused()
        })
    }

    fn put_multipart_opts<'a, 'b, 't>(
        &'a self,
        location: &'b Path,
        opts: PutMultipartOptions,
    ) -> Fut<'t, Box<dyn MultipartUpload>>
    where
        'a: 't,
        'b: 't,
        Self: 't,
    {
        self.inner.put_multipart_opts(location, opts)
    }

    fn get_opts<'a, 'b, 't>(&'a self, location: &'b Path, options: GetOptions) -> Fut<'t, GetResult>
    where
        'a: 't,
        'b: 't,
        Self: 't,
    {
        if self.is_down() { Box::pin(async { refused() }) } else { self.inner.get_opts(location, options) }
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        if self.is_down() {
            stream::once(async { refused() }).boxed()
        } else {
            self.inner.delete_stream(locations)
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        if self.is_down() { stream::once(async { refused() }).boxed() } else { self.inner.list(prefix) }
    }

    fn list_with_delimiter<'a, 'b, 't>(&'a self, prefix: Option<&'b Path>) -> Fut<'t, ListResult>
    where
        'a: 't,
        'b: 't,
        Self: 't,
    {
        if self.is_down() { Box::pin(async { refused() }) } else { self.inner.list_with_delimiter(prefix) }
    }

    fn copy_opts<'a, 'b, 'c, 't>(&'a self, from: &'b Path, to: &'c Path, options: CopyOptions) -> Fut<'t, ()>
    where
        'a: 't,
        'b: 't,
        'c: 't,
        Self: 't,
    {
        self.inner.copy_opts(from, to, options)
    }
}
