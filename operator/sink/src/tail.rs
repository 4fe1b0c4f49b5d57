//! Follows the log file of an API server: through rotations, restarts and what else happens to files, to the last whole
//! line. Where it is, is written down only once what is before that is safe.

mod chain;
mod deliver;
mod files;
mod follow;
mod lines;
mod position;
mod remote;

pub use deliver::{Batch, Deliver, Undelivered};
pub use follow::{Follower, Settings};
pub use remote::Remote;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// While nothing is there to be read.
const POLL: Duration = Duration::from_millis(250);
const FAILED: Duration = Duration::from_secs(1);
/// Between attempts to deliver.
const SOONEST: Duration = Duration::from_millis(250);
const LATEST: Duration = Duration::from_secs(30);

/// Since the start.
#[derive(Debug, Default)]
pub struct Numbers {
    pub lines: AtomicU64,
    pub bytes: AtomicU64,
    pub undelivered: AtomicU64,
    /// Bytes that are there and not delivered.
    pub behind: AtomicU64,
    /// The last attempt to read or to deliver failed.
    pub failing: AtomicBool,
}

/// Reads and delivers until it is asked to leave. What is under way then is delivered again by the next one, and known.
pub async fn run(
    follower: Follower,
    deliver: Arc<dyn Deliver>,
    numbers: Arc<Numbers>,
    leaving: CancellationToken,
) -> &'static str {
    let work = work(follower, deliver, numbers);
    tokio::select! {
        () = leaving.cancelled() => {}
        () = work => {}
    }
    "tail"
}

async fn work(mut follower: Follower, deliver: Arc<dyn Deliver>, numbers: Arc<Numbers>) {
    loop {
        let Ok((back, step)) = spawn_blocking(move || {
            let step = follower.batch();
            (follower, step)
        })
        .await
        else {
            tracing::error!("reading the log file failed in a way that was not foreseen");
            return;
        };
        follower = back;
        numbers.behind.store(follower.behind(), Ordering::Relaxed);
        match step {
            Ok(Some(batch)) => {
                delivered(&*deliver, &follower, &batch, &numbers).await;
                numbers.lines.fetch_add(batch.items.len() as u64, Ordering::Relaxed);
                numbers.bytes.fetch_add(batch.items.text().len() as u64, Ordering::Relaxed);
                let saved = spawn_blocking(move || {
                    let saved = follower.acknowledged();
                    (follower, saved)
                });
                let Ok((back, saved)) = saved.await else { return };
                follower = back;
                if let Err(error) = saved {
                    // The next one says as much, and more.
                    tracing::warn!(%error, server = %follower.server(), "position not written");
                }
            }
            Ok(None) => {
                numbers.failing.store(false, Ordering::Relaxed);
                sleep(POLL).await;
            }
            Err(error) => {
                if !numbers.failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, server = %follower.server(), "log file not read");
                }
                sleep(FAILED).await;
            }
        }
    }
}

/// Tries for as long as it takes.
async fn delivered(deliver: &dyn Deliver, follower: &Follower, batch: &Batch, numbers: &Numbers) {
    let (mut pause, mut told) = (SOONEST, None);
    while let Err(Undelivered { why, after }) = deliver.deliver(follower.server(), batch).await {
        numbers.undelivered.fetch_add(1, Ordering::Relaxed);
        numbers.failing.store(true, Ordering::Relaxed);
        // What is behind the first failure may be said by the next one only.
        if told.as_ref() != Some(&why) {
            tracing::warn!(why, server = %follower.server(), "not delivered; it is tried again");
        }
        told = Some(why);
        // Not all at the same time, where several wait for one sink.
        let about = pause.mul_f64(0.75 + 0.5 * rand::random::<f64>());
        sleep(after.unwrap_or(about).min(LATEST)).await;
        pause = (pause * 2).min(LATEST);
    }
    numbers.failing.store(false, Ordering::Relaxed);
}

#[cfg(test)]
mod tests;
