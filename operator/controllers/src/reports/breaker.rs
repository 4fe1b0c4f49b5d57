//! When not to write: reports are worth less than an API server that answers. A pure state machine, the clock is a
//! parameter.

use std::time::Duration;
use tokio::time::Instant;

/// So many in a row, and nothing is written for a while.
const FAILURES: u32 = 5;
pub const FIRST_PAUSE: Duration = Duration::from_secs(60);
pub const LAST_PAUSE: Duration = Duration::from_secs(15 * 60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed {
        failures: u32,
    },
    /// After `until` one try is let through, and the next not before another pause: a try that never ends holds up
    /// nothing for ever.
    Open {
        until: Instant,
        pause: Duration,
        trying: bool,
    },
}

#[derive(Debug)]
pub struct Breaker {
    state: State,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: State::Closed { failures: 0 } }
    }
}

impl Breaker {
    /// Whether something may be written now. Asked once for each write.
    pub fn permit(&mut self, now: Instant) -> bool {
        match &mut self.state {
            State::Closed { .. } => true,
            State::Open { until, pause, trying } => {
                let due = now >= *until;
                if due {
                    (*until, *trying) = (now + *pause, true);
                }
                due
            }
        }
    }

    /// What was begun before it opened and ends well after says nothing of now.
    pub fn succeeded(&mut self) {
        if !matches!(self.state, State::Open { trying: false, .. }) {
            *self = Self::default();
        }
    }

    pub fn failed(&mut self, now: Instant) {
        self.state = match self.state {
            State::Closed { failures } if failures + 1 < FAILURES => State::Closed { failures: failures + 1 },
            State::Closed { .. } => {
                State::Open { until: now + FIRST_PAUSE, pause: FIRST_PAUSE, trying: false }
            }
            State::Open { pause, trying: true, .. } => {
                let pause = (pause * 2).min(LAST_PAUSE);
                State::Open { until: now + pause, pause, trying: false }
            }
            open @ State::Open { .. } => open,
        };
    }

    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// How long nothing is written.
    pub fn wait(&self, now: Instant) -> Duration {
        match self.state {
            State::Closed { .. } => Duration::ZERO,
            State::Open { until, .. } => until.saturating_duration_since(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that is moved by hand.
    struct Bench {
        breaker: Breaker,
        now: Instant,
    }

    impl Bench {
        fn new() -> Self {
            Self { breaker: Breaker::default(), now: Instant::now() }
        }

        fn fail(&mut self, times: u32) {
            for _ in 0..times {
                self.breaker.failed(self.now);
            }
        }

        fn after(&mut self, seconds: u64) -> bool {
            self.now += Duration::from_secs(seconds);
            self.breaker.permit(self.now)
        }
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_a_success_between_them_does_not() {
        let mut bench = Bench::new();
        bench.fail(4);
        bench.breaker.succeeded();
        bench.fail(4);
        assert!(!bench.breaker.is_open() && bench.after(0));
        bench.fail(1);
        assert!(bench.breaker.is_open());
        assert!(!bench.after(0) && !bench.after(59));
        assert_eq!(bench.breaker.wait(bench.now), Duration::from_secs(1));
        assert!(bench.after(1));
    }

    #[test]
    fn one_try_then_twice_the_pause_up_to_a_quarter_of_an_hour() {
        let mut bench = Bench::new();
        bench.fail(FAILURES);
        for pause in [60, 120, 240, 480, 900, 900] {
            assert_eq!(bench.breaker.wait(bench.now), Duration::from_secs(pause));
            assert!(!bench.after(pause - 1), "{pause}");
            assert!(bench.after(1), "{pause}");
            assert!(!bench.after(0), "one try only");
            bench.fail(1);
        }
        assert!(bench.after(900));
        bench.breaker.succeeded();
        assert!(!bench.breaker.is_open() && bench.after(0));
        bench.fail(FAILURES);
        assert_eq!(bench.breaker.wait(bench.now), FIRST_PAUSE, "it begins anew");
    }

    #[test]
    fn what_was_under_way_when_it_opened_changes_nothing() {
        let mut bench = Bench::new();
        bench.fail(FAILURES + 3);
        assert_eq!(bench.breaker.wait(bench.now), FIRST_PAUSE);
        bench.breaker.succeeded();
        assert!(bench.breaker.is_open());
    }

    #[test]
    fn a_try_that_never_ends_is_made_again() {
        let mut bench = Bench::new();
        bench.fail(FAILURES);
        assert!(bench.after(60));
        assert!(!bench.after(59));
        assert!(bench.after(1));
    }
}
