//! How long things take, without what else a busy machine does meanwhile.

use std::time::Instant;

/// Nanoseconds of the processor that this thread had.
fn mine() -> Option<u128> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// Nanoseconds for one of so many rounds.
pub fn each(rounds: u32, work: impl Fn(u32)) -> u128 {
    let (start, before) = (Instant::now(), mine());
    (0..rounds).for_each(work);
    let taken =
        before.zip(mine()).map_or_else(|| start.elapsed().as_nanos(), |(before, after)| after - before);
    taken / u128::from(rounds)
}
