//! Bodies of answers: whole, or as they come, no faster than they are read.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// Pieces that wait for the client.
const WAITING: usize = 4;

/// The answer ends here, and is not whole: the client sees a broken transfer, never a short answer.
#[derive(Debug, thiserror::Error)]
#[error("the answer is not whole")]
pub struct Broken;

pub struct Body {
    kind: Kind,
    /// What is held for as long as the body is sent.
    places: Vec<tokio::sync::OwnedSemaphorePermit>,
}

enum Kind {
    Whole(Option<Bytes>),
    /// `None` ends it. Where it ends without, it is broken.
    Flow(mpsc::Receiver<Option<Bytes>>),
    Ended,
}

impl Body {
    pub(super) fn holding(mut self, places: Vec<tokio::sync::OwnedSemaphorePermit>) -> Self {
        self.places = places;
        self
    }

    pub(super) fn empty() -> Self {
        Self { kind: Kind::Whole(None), places: Vec::new() }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let Self { kind, places } = self.get_mut();
        let piece = match kind {
            Kind::Whole(bytes) => bytes.take(),
            Kind::Flow(pieces) => match std::task::ready!(pieces.poll_recv(context)) {
                Some(piece) => piece,
                None => return Poll::Ready(Some(Err(Broken))),
            },
            Kind::Ended => None,
        };
        if piece.is_none() {
            *kind = Kind::Ended;
        }
        if matches!(kind, Kind::Whole(_) | Kind::Ended) {
            // Before the client can know that it is the end, and ask the next question.
            places.clear();
        }
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.kind, Kind::Whole(None) | Kind::Ended)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Kind::Flow(_) => SizeHint::default(),
            Kind::Ended => SizeHint::with_exact(0),
        }
    }
}

/// Where pieces go in. Dropped without [`Pour::end`], the answer is broken.
pub(super) struct Pour {
    pieces: mpsc::Sender<Option<Bytes>>,
    /// For one piece, and for all.
    patience: Duration,
    until: Instant,
}

/// The client is gone, or too slow.
#[derive(Debug)]
pub(super) struct Gone;

impl Pour {
    pub(super) async fn piece(&mut self, piece: Bytes) -> Result<(), Gone> {
        self.send(Some(piece)).await
    }

    pub(super) async fn end(mut self) -> Result<(), Gone> {
        self.send(None).await
    }

    async fn send(&mut self, piece: Option<Bytes>) -> Result<(), Gone> {
        let until = self.until.min(Instant::now() + self.patience);
        timeout_at(until, self.pieces.send(piece)).await.map_err(|_| Gone)?.map_err(|_| Gone)
    }
}

/// `patience` for one piece, `longest` for all of them.
pub(super) fn flow(patience: Duration, longest: Duration) -> (Pour, Body) {
    let (pieces, receiver) = mpsc::channel(WAITING);
    let pour = Pour { pieces, patience, until: Instant::now() + longest };
    (pour, Body { kind: Kind::Flow(receiver), places: Vec::new() })
}

pub(super) fn whole(status: StatusCode, kind: &'static str, bytes: impl Into<Bytes>) -> Response<Body> {
    let bytes = bytes.into();
    response(status, kind, Body { kind: Kind::Whole(Some(bytes)), places: Vec::new() })
}

pub(super) fn response(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // What is one reader's is nobody else's, and is text.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
