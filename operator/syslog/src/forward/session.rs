//! One connection: what is written on it, and what of that may be counted as delivered.

use crate::cursor::Cursor;
use crate::message::{Kind, Message, Names, Origin, Severity, Written};
use crate::progress::Progress;
use crate::settings::Settings;
use crate::source::{Batch, Source};
use jiff::Timestamp;
use serde_json::json;
use snc_core::lang::Lang;
use snc_core::text::Refusal;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

/// Receivers have nothing to say; one that talks is heard so far.
const HEARD: usize = 64 << 10;
/// The cursor is written so often at most.
const OFTEN: Duration = Duration::from_secs(1);

/// Why a connection is no more.
#[derive(Debug)]
pub struct Lost {
    doing: &'static str,
    why: String,
}

impl Lost {
    fn new(doing: &'static str, why: impl Into<String>) -> Self {
        Self { doing, why: why.into() }
    }

    pub(crate) fn settings(refusal: Refusal) -> Self {
        Self::new("settings", refusal.message(Lang::En))
    }

    pub(crate) fn connect(error: io::Error) -> Self {
        Self::new("connect", error.to_string())
    }

    pub(crate) fn write(error: io::Error) -> Self {
        Self::new("write", error.to_string())
    }

    pub(crate) fn late(doing: &'static str) -> Self {
        Self::new(doing, "not in time")
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, self.why)
    }
}

impl std::error::Error for Lost {}

/// Listens until there is nothing more to listen to: that is how the end of a connection shows, its refusal of our
/// certificate included.
pub(crate) async fn silence(mut read: impl AsyncRead + Unpin) -> Lost {
    let (mut piece, mut heard) = ([0; 1024], 0);
    loop {
        match read.read(&mut piece).await {
            Ok(0) => return Lost::new("connection", "closed by the receiver"),
            Ok(length) => heard += length,
            Err(error) => return Lost::new("connection", error.to_string()),
        }
        if heard > HEARD {
            return Lost::new("connection", "the receiver talks, which syslog receivers do not");
        }
    }
}

/// Written and flushed, and not delivered yet.
struct Sent {
    through: u64,
    at: Instant,
}

pub(crate) struct Session<'a, S> {
    pub(crate) source: &'a S,
    pub(crate) settings: &'a Settings,
    pub(crate) origin: &'a Origin,
    pub(crate) progress: &'a watch::Sender<Progress>,
    pub(crate) reached: &'a mut u64,
}

impl<S: Source> Session<'_, S> {
    /// `None`, where it was stopped, and what was written then has settled.
    pub(crate) async fn run(
        self,
        stream: TlsStream<TcpStream>,
        cursor: &mut Cursor,
        stop: &CancellationToken,
    ) -> Option<Lost> {
        let (read, mut write) = split(stream);
        let (settle, progress, patience) = (self.settings.settle, self.progress, self.settings.write);
        let (tell, mut told) = mpsc::unbounded_channel();
        let mut lost = pin!(silence(read));
        let mut tick = interval((settle / 8).min(OFTEN));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pending: VecDeque<Sent> = VecDeque::new();
        let mut writing = true;
        let ended = {
            let mut writer = pin!(self.write(&mut write, cursor.through() + 1, tell, stop));
            loop {
                tokio::select! {
                    biased;
                    lost = &mut lost => break Some(lost),
                    Some(sent) = told.recv() => pending.push_back(sent),
                    _ = tick.tick() => settled(&mut pending, settle, cursor, progress).await,
                    result = &mut writer, if writing => match result {
                        Ok(()) => writing = false,
                        Err(lost) => break Some(lost),
                    },
                }
                if !writing && pending.is_empty() && told.is_empty() {
                    break None;
                }
            }
        };
        if ended.is_none() {
            let _ = timeout(patience, write.shutdown()).await;
        }
        ended
    }

    /// Batch after batch, until it is stopped.
    async fn write(
        self,
        write: &mut WriteHalf<TlsStream<TcpStream>>,
        mut position: u64,
        tell: mpsc::UnboundedSender<Sent>,
        stop: &CancellationToken,
    ) -> Result<(), Lost> {
        let mut text = Vec::new();
        while !stop.is_cancelled() {
            let batch = self.source.read_from(position, self.settings.batch).await;
            let batch = batch.map_err(|error| Lost::new("journal", error.to_string()))?;
            if batch.next <= position {
                tokio::select! {
                    () = tokio::time::sleep(self.settings.idle) => continue,
                    () = stop.cancelled() => break,
                }
            }
            text.clear();
            self.hole(position, &batch, &mut text);
            let (repeated, truncated) = self.frames(&batch, &mut text);
            let send = async {
                write.write_all(&text).await?;
                write.flush().await
            };
            timeout(self.settings.write, send)
                .await
                .map_err(|_| Lost::late("write"))?
                .map_err(Lost::write)?;
            position = batch.next;
            *self.reached = (*self.reached).max(position - 1);
            // Whoever listens is gone only when this is.
            let _ = tell.send(Sent { through: position - 1, at: Instant::now() });
            let count = batch.items.len() as u64;
            self.progress.send_modify(|progress| {
                progress.written += count;
                progress.repeated += repeated;
                progress.truncated += truncated;
                progress.error = None;
            });
            // A large one leaves no large buffer behind.
            text.shrink_to(2 * self.settings.batch);
        }
        Ok(())
    }

    fn frames(&self, batch: &Batch, text: &mut Vec<u8>) -> (u64, u64) {
        let (mut repeated, mut truncated) = (0, 0);
        for item in &batch.items {
            let written = self.origin.frame(&item.message, text);
            truncated += u64::from(written == Written::Truncated);
            repeated += u64::from(item.position <= *self.reached);
        }
        (repeated, truncated)
    }

    /// What the source dropped before it was sent is said to the receiver too.
    fn hole(&self, position: u64, batch: &Batch, text: &mut Vec<u8>) {
        if batch.from <= position || position <= 1 {
            // Before forwarding began there was nothing to forward.
            return;
        }
        let (from, to) = (position, batch.from - 1);
        tracing::error!(from, to, "records were gone before they were forwarded");
        let body = json!({"kind": "hole", "from": from, "to": to}).to_string();
        let names = Names { position: Some(from), ..Names::default() };
        let at = Timestamp::now();
        self.origin.frame(&Message { severity: Severity::Error, kind: Kind::Hole, at, names, body }, text);
        self.progress.send_modify(|progress| progress.lost += batch.from - position);
    }
}

/// Moves the cursor over what has settled.
async fn settled(
    pending: &mut VecDeque<Sent>,
    settle: Duration,
    cursor: &mut Cursor,
    progress: &watch::Sender<Progress>,
) {
    let mut last = None;
    while pending.front().is_some_and(|sent| sent.at.elapsed() >= settle) {
        last = pending.pop_front();
    }
    let Some(sent) = last else { return };
    let through = sent.through;
    match cursor.set(through).await {
        Ok(()) => progress.send_modify(|progress| {
            progress.through = through;
            progress.delivered = Some(Timestamp::now());
        }),
        Err(error) => {
            // It is tried again with the next that settles; until then nothing is forgotten, and more is sent twice.
            tracing::error!(%error, "cursor not written");
            progress.send_modify(|progress| progress.error = Some(format!("cursor: {error}")));
            pending.push_front(sent);
        }
    }
}
