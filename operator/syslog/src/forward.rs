//! From the source to the receiver, for ever.

pub(crate) mod session;

use crate::cursor::{Cursor, Found};
use crate::message::Origin;
use crate::progress::Progress;
use crate::settings::Settings;
use crate::source::Source;
use crate::target::Target;
use jiff::Timestamp;
use session::{Lost, Session};
use snc_core::text::Refusal;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How often lag is looked at.
const LOOK: Duration = Duration::from_secs(1);

pub struct Forwarder<S> {
    source: Arc<S>,
    target: Target,
    settings: Settings,
    origin: Origin,
    cursor: Cursor,
    progress: Arc<watch::Sender<Progress>>,
}

impl<S: Source> Forwarder<S> {
    pub fn new(target: Target, settings: Settings, source: Arc<S>) -> Result<Self, Refusal> {
        let origin = settings.origin()?;
        let (mut cursor, found) = Cursor::open(settings.cursor.clone());
        let (last, mut error) = (source.last(), None);
        match found {
            Found::Unreadable(why) => {
                tracing::warn!(path = %settings.cursor.display(), why, "cursor unreadable: everything is forwarded again");
                error = Some(format!("{}: {why}", settings.cursor.display()));
            }
            Found::Through(through) if through > last => {
                // Of another journal: what this one holds was never sent.
                tracing::warn!(through, last, "cursor is beyond the journal: everything is forwarded again");
                error = Some(format!("cursor {through} is beyond the journal, which ends at {last}"));
                cursor.forget();
            }
            Found::Through(_) | Found::Nothing => {}
        }
        let progress = Progress { through: cursor.through(), last, error, ..Progress::default() };
        Ok(Self {
            source,
            target,
            settings,
            origin,
            cursor,
            progress: Arc::new(watch::Sender::new(progress)),
        })
    }

    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Until it is stopped. Then what is under way is given its settle time.
    pub async fn run(mut self, stop: CancellationToken) -> &'static str {
        let (source, progress) = (self.source.clone(), self.progress.clone());
        tokio::select! {
            () = self.forward(&stop) => {}
            () = look(&*source, &progress) => {}
        }
        "syslog"
    }

    async fn forward(&mut self, stop: &CancellationToken) {
        let mut wait = self.settings.backoff;
        // The last position that was written on any connection of this process.
        let mut reached = self.cursor.through();
        while !stop.is_cancelled() {
            let before = self.cursor.through();
            let lost = self.connection(stop, &mut reached).await;
            let Some(lost) = lost else { break };
            if self.cursor.through() > before {
                wait = self.settings.backoff;
            }
            let seconds = wait.as_secs_f32();
            let (address, through) = (self.target.address(), self.cursor.through());
            tracing::warn!(address, %lost, through, again_in = seconds, "syslog receiver lost");
            self.progress.send_modify(|progress| {
                progress.connected = false;
                progress.failures += 1;
                progress.error = Some(lost.to_string());
            });
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => break,
            }
            wait = (wait * 2).min(self.settings.longest_backoff);
        }
        self.progress.send_modify(|progress| progress.connected = false);
    }

    /// `None`, where it was stopped.
    async fn connection(&mut self, stop: &CancellationToken, reached: &mut u64) -> Option<Lost> {
        let connect = timeout(self.settings.connect, self.target.connect(self.settings.settle / 2));
        let stream = tokio::select! {
            stream = connect => stream,
            () = stop.cancelled() => return None,
        };
        let stream = match stream {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Some(Lost::connect(error)),
            Err(_) => return Some(Lost::late("connect")),
        };
        self.progress.send_modify(|progress| {
            progress.connected = true;
            progress.connections += 1;
        });
        let Self { source, settings, origin, progress, cursor, .. } = self;
        Session { source: &**source, settings, origin, progress, reached }.run(stream, cursor, stop).await
    }
}

/// Keeps the lag true, also while there is no connection.
async fn look<S: Source>(source: &S, progress: &watch::Sender<Progress>) {
    let mut seen: Option<(u64, Timestamp)> = None;
    loop {
        let (through, last) = (progress.borrow().through, source.last());
        if last <= through {
            seen = None;
        } else if seen.is_none_or(|(position, _)| position <= through) {
            // Unreadable is the session's to tell.
            let batch = source.read_from(through + 1, 1).await.ok();
            let first = batch.and_then(|batch| batch.items.into_iter().next());
            seen = first.map(|item| (item.position, item.received));
        }
        let oldest = seen.map(|(_, received)| received);
        progress.send_if_modified(|progress| {
            let changed = (progress.last, progress.oldest) != (last, oldest);
            (progress.last, progress.oldest) = (last, oldest);
            changed
        });
        tokio::time::sleep(LOOK).await;
    }
}
