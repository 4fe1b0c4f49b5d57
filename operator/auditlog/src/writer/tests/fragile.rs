use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A store that breaks down at a given write. The one at which it does is done, or not.
#[derive(Debug)]
pub(super) struct Fragile {
    inner: Arc<InMemory>,
    writes: AtomicI64,
    done_all_the_same: bool,
    /// As servers are that do not know conditions.
    simple: bool,
}

impl Fragile {
    pub(super) fn breaking_after(inner: &Arc<InMemory>, writes: i64, done_all_the_same: bool) -> Arc<Self> {
        Arc::new(Self {
            inner: inner.clone(),
            writes: AtomicI64::new(writes),
            done_all_the_same,
            simple: false,
        })
    }

    pub(super) fn simple(inner: &Arc<InMemory>) -> Arc<Self> {
        let writes = AtomicI64::new(i64::MAX);
        Arc::new(Self { inner: inner.clone(), writes, done_all_the_same: false, simple: true })
    }

    pub(super) fn mend(&self) {
        self.writes.store(i64::MAX, Ordering::SeqCst);
    }

    fn broken() -> object_store::Error {
        object_store::Error::Generic { store: "fragile", source: "no connection".into() }
    }
}

impl std::fmt::Display for Fragile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("fragile")
    }
}

type Later<'a, T> = futures::future::BoxFuture<'a, object_store::Result<T>>;

impl ObjectStore for Fragile {
    fn put_opts<'a, 'b, 'c>(
        &'a self,
        path: &'b Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Later<'c, PutResult>
    where
        'a: 'c,
        'b: 'c,
    {
        Box::pin(async move {
            if self.simple && options.mode == PutMode::Create {
                let source = "status 501: <Error><Code>NotImplemented</Code></Error>".into();
                return Err(object_store::Error::Generic { store: "simple", source });
            }
            let left = self.writes.fetch_sub(1, Ordering::SeqCst);
            if left < 0 || (left == 0 && !self.done_all_the_same) {
                return Err(Self::broken());
            }
            let result = self.inner.put_opts(path, payload, options).await;
            if left == 0 { Err(Self::broken()) } else { result }
        })
    }

    fn put_multipart_opts<'a, 'b, 'c>(
        &'a self,
        _: &'b Path,
        _: PutMultipartOptions,
    ) -> Later<'c, Box<dyn MultipartUpload>>
    where
        'a: 'c,
        'b: 'c,
    {
        Box::pin(async { Err(Self::broken()) })
    }

    fn get_opts<'a, 'b, 'c>(&'a self, path: &'b Path, options: GetOptions) -> Later<'c, GetResult>
    where
        'a: 'c,
        'b: 'c,
    {
        self.inner.get_opts(path, options)
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_delimiter<'a, 'b, 'c>(&'a self, prefix: Option<&'b Path>) -> Later<'c, ListResult>
    where
        'a: 'c,
        'b: 'c,
    {
        self.inner.list_with_delimiter(prefix)
    }

    fn copy_opts<'a, 'b, 'b2, 'c>(
        &'a self,
        from: &'b Path,
        to: &'b2 Path,
        options: CopyOptions,
    ) -> Later<'c, ()>
    where
        'a: 'c,
        'b: 'c,
        'b2: 'c,
    {
        self.inner.copy_opts(from, to, options)
    }
}
