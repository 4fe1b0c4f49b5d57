//! Waiting with an end.

use crate::harness::interrupt;
use anyhow::{Result, bail};
use std::{
    thread,
    time::{Duration, Instant},
};

#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    started: Instant,
    limit: Duration,
}

impl Deadline {
    pub fn after(limit: Duration) -> Self {
        Self { started: Instant::now(), limit }
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub fn passed(&self) -> bool {
        self.elapsed() >= self.limit
    }
}

/// Polls until `ready` gives a value. `what` completes the sentence "timed out after 5 s waiting for".
pub fn wait_until<T>(
    what: &str,
    limit: Duration,
    every: Duration,
    mut ready: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Deadline::after(limit);
    loop {
        interrupt::check()?;
        if let Some(value) = ready()? {
            return Ok(value);
        }
        if deadline.passed() {
            bail!("timed out after {} s waiting for {what}", limit.as_secs());
        }
        thread::sleep(every);
    }
}
