//! Waiting on conditions, with an end, and with what was seen last when it comes to that.

use anyhow::{Result, bail};
use std::thread;
use std::time::{Duration, Instant};
use xtask::harness::interrupt;

const EVERY: Duration = Duration::from_millis(50);

/// Enough for anything that the operator does without being told to wait, on a machine that is busy.
pub const SOON: Duration = Duration::from_secs(30);

/// Looks until `look` succeeds. Its errors mean "not yet", and the last one is told when time is up.
pub fn eventually<T>(what: &str, look: impl FnMut() -> Result<T>) -> Result<T> {
    within(SOON, what, look)
}

pub fn within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Result<T>) -> Result<T> {
    let started = Instant::now();
    loop {
        interrupt::check()?;
        match look() {
            Ok(value) => return Ok(value),
            Err(seen) if started.elapsed() >= limit => {
                bail!("waited {} s for {what}; last seen: {seen:#}", limit.as_secs())
            }
            Err(_) => thread::sleep(EVERY),
        }
    }
}

/// Looks again and again for the whole time; the first error fails.
pub fn throughout(time: Duration, mut look: impl FnMut() -> Result<()>) -> Result<()> {
    let started = Instant::now();
    loop {
        interrupt::check()?;
        look()?;
        if started.elapsed() >= time {
            return Ok(());
        }
        thread::sleep(EVERY);
    }
}
