//! One body: as large as it says, in time, and with room for it in memory.

use super::server::Server;
use super::store::CHUNK;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes, Incoming};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};

/// Where a client does not say how much will come, room is taken in such pieces.
const PIECE: usize = 1 << 20;

pub(super) enum Unread {
    TooLarge,
    NoRoom,
    Late,
    Broken,
}

/// How much a client says that will come.
pub(super) fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The body, and its room, which is to be kept as long as the body is.
pub(super) async fn read(
    server: &Server,
    mut body: Incoming,
) -> Result<(Bytes, OwnedSemaphorePermit), Unread> {
    let limits = &server.limits;
    let deadline = Instant::now() + limits.body_within;
    let announced = body.size_hint().exact().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    if announced.is_some_and(|bytes| bytes > limits.body_bytes) {
        return Err(Unread::TooLarge);
    }
    let mut room = room(server, with_work(announced.unwrap_or(PIECE))).await?;
    let mut whole: Vec<u8> = Vec::new();
    loop {
        let late = deadline.min(Instant::now() + limits.piece_within);
        let frame = timeout_at(late, body.frame()).await.map_err(|_| Unread::Late)?;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
        let length = whole.len() + data.len();
        if length > limits.body_bytes {
            return Err(Unread::TooLarge);
        }
        let needed = with_work(length);
        if needed > room.num_permits() {
            room.merge(self::room(server, (needed - room.num_permits()).max(PIECE)).await?);
        }
        if whole.is_empty() {
            if announced == Some(data.len()) {
                return Ok((data, room));
            }
            whole.reserve_exact(announced.unwrap_or_default());
        }
        whole.extend_from_slice(&data);
    }
    if announced.is_some_and(|bytes| bytes != whole.len()) {
        return Err(Unread::Broken);
    }
    Ok((whole.into(), room))
}

/// Reads what is not wanted to its end, within the limits of what is, and keeps nothing of it.
pub(super) async fn discard(server: &Server, mut body: Incoming) {
    let limits = &server.limits;
    let deadline = Instant::now() + limits.piece_within;
    let mut read = 0;
    while read <= limits.body_bytes
        && let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await
    {
        read += frame.data_ref().map_or(0, Bytes::len);
    }
}

/// Events are understood and written a chunk at a time.
const fn with_work(bytes: usize) -> usize {
    bytes + if bytes < CHUNK { bytes } else { CHUNK }
}

async fn room(server: &Server, bytes: usize) -> Result<OwnedSemaphorePermit, Unread> {
    let permits = u32::try_from(bytes.min(server.limits.memory_bytes)).map_err(|_| Unread::TooLarge)?;
    let memory: Arc<_> = server.memory.clone();
    match timeout(server.limits.room_within, memory.acquire_many_owned(permits)).await {
        Ok(Ok(room)) => Ok(room),
        _ => Err(Unread::NoRoom),
    }
}
