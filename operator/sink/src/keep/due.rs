//! When something is due.

use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tokio::time::Instant;

/// When is sealed, and how much at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealing {
    /// So many are sealed at once, at most; and as soon as there are so many.
    pub records: u64,
    /// Of a round, in memory while it lasts.
    pub bytes: usize,
    /// However few there are, none waits longer.
    pub age: Duration,
    /// So old an entry is before it is decided whose it is: what is known of namespaces comes later than their events.
    pub settle: Duration,
    /// So old it is before that is decided although it is not known whether what is known is all there is.
    pub patience: Duration,
    /// A head is signed at least so often.
    pub head: Duration,
    /// And after a round, if the last one is so old.
    pub head_least: Duration,
    pub expire: Duration,
}

impl Default for Sealing {
    fn default() -> Self {
        Self {
            records: 50_000,
            bytes: 32 << 20,
            age: Duration::from_secs(300),
            settle: Duration::from_secs(5),
            patience: Duration::from_secs(600),
            head: Duration::from_secs(300),
            head_least: Duration::from_secs(60),
            expire: Duration::from_secs(3600),
        }
    }
}

pub(super) fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

impl Sealing {
    pub(super) fn age(&self) -> SignedDuration {
        signed(self.age)
    }

    /// Whether it can be decided whose an entry is that came then.
    pub fn is_ready(&self, received: Timestamp, now: Timestamp, synced: bool) -> bool {
        let least = if synced { self.settle } else { self.patience.max(self.settle) };
        let age = now.duration_since(received);
        // A clock that was set back makes everything young; nothing waits for it to come back.
        age >= signed(least) || age <= -signed(self.patience)
    }
}

pub(super) struct Clock {
    /// Position and time of the oldest entry that is not sealed.
    pub oldest: Option<(u64, Timestamp)>,
    head: Option<Timestamp>,
    expired: Option<Instant>,
}

impl Clock {
    pub fn new(head: Option<Timestamp>) -> Self {
        Self { oldest: None, head, expired: None }
    }

    pub fn head_is_due(&self, sealing: &Sealing, after_round: bool, now: Timestamp) -> bool {
        let least = if after_round { sealing.head_least } else { sealing.head };
        self.head.is_none_or(|head| {
            let age = now.duration_since(head);
            age >= signed(least) || age.is_negative()
        })
    }

    pub fn signed(&mut self, at: Timestamp) {
        self.head = Some(at);
    }

    /// It is from now on not due for as long as it takes.
    pub fn expire_is_due(&mut self, sealing: &Sealing) -> bool {
        let due = self.expired.is_none_or(|last| last.elapsed() >= sealing.expire);
        if due {
            self.expired = Some(Instant::now());
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_whose_is_decided_once_it_can_be_known() {
        let sealing = Sealing::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        for (age, synced, ready) in
            [(0, true, false), (5, true, true), (5, false, false), (599, false, false), (600, false, true)]
        {
            assert_eq!(sealing.is_ready(at(10_000), at(10_000 + age), synced), ready, "{age} {synced}");
        }
        assert!(sealing.is_ready(at(10_000), at(9_000), true), "the clock was set back");
    }

    #[test]
    fn heads_follow_rounds_and_time() {
        let (sealing, at) = (Sealing::default(), |second| Timestamp::from_second(second).unwrap());
        let mut clock = Clock::new(None);
        assert!(clock.head_is_due(&sealing, false, at(0)));
        clock.signed(at(1000));
        for (now, after_round, due) in [
            (1059, true, false),
            (1060, true, true),
            (1299, false, false),
            (1300, false, true),
            (900, false, true),
        ] {
            assert_eq!(clock.head_is_due(&sealing, after_round, at(now)), due, "{now} {after_round}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn retention_runs_at_the_start_and_every_hour() {
        let (sealing, mut clock) = (Sealing::default(), Clock::new(None));
        assert!(clock.expire_is_due(&sealing) && !clock.expire_is_due(&sealing));
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert!(clock.expire_is_due(&sealing));
    }
}
