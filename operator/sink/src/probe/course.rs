//! What follows from one marked call after the other.

use super::Sighting;
use crate::cluster::Marked;
use crate::journal::Source;
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;

/// Missed in a row, before it is a gap: one may have been on a connection that broke.
const MISSES: u32 = 2;
const REMEMBERED: usize = 16;

/// How a marked call came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub source: Source,
    /// From its answer to its acknowledged event.
    pub delay: SignedDuration,
    /// How far the API server's clock is ahead; behind, where negative. At least: it cannot be told where within the
    /// call the server looked at it.
    pub skew: SignedDuration,
    /// Whether the event says when it was.
    pub is_dated: bool,
}

impl Found {
    pub fn of(marked: &Marked, sighting: &Sighting) -> Self {
        let skew = sighting.requested.map_or(SignedDuration::ZERO, |requested| {
            if requested < marked.sent {
                requested.duration_since(marked.sent)
            } else if requested > marked.answered {
                requested.duration_since(marked.answered)
            } else {
                SignedDuration::ZERO
            }
        });
        // An event may well be here before the answer.
        let delay = sighting.received.duration_since(marked.answered).max(SignedDuration::ZERO);
        Self { source: sighting.source, delay, skew, is_dated: sighting.requested.is_some() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    Nothing,
    /// Something may be missing from then on.
    Begins {
        from: Timestamp,
    },
    /// It comes back again.
    Ends,
}

#[derive(Debug, Default)]
pub struct Course {
    in_row: u32,
    /// When the last one that came back was made.
    last: Option<Timestamp>,
    first_missed: Option<Timestamp>,
    missed: VecDeque<String>,
}

impl Course {
    pub fn marked(&mut self, nonce: &str, marked: &Marked, found: Option<Found>) -> Turn {
        if found.is_some() {
            // A gap may be open from before a restart: it ends here as well.
            (self.in_row, self.first_missed, self.last) = (0, None, Some(marked.sent));
            return Turn::Ends;
        }
        self.in_row += 1;
        let first = *self.first_missed.get_or_insert(marked.sent);
        self.missed.push_back(nonce.to_owned());
        if self.missed.len() > REMEMBERED {
            self.missed.pop_front();
        }
        if self.in_row == MISSES { Turn::Begins { from: self.last.unwrap_or(first) } } else { Turn::Nothing }
    }

    /// One that was given up came after all. It was late, and is said to have been.
    pub fn late(&mut self, sighting: &Sighting) {
        let before = self.missed.len();
        self.missed.retain(|nonce| *nonce != sighting.nonce);
        if self.missed.len() < before {
            tracing::info!(received = %sighting.received, "a marked call that had been given up came back late");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap()
    }

    fn marked(sent: i64) -> Marked {
        Marked { sent: at(sent), answered: at(sent + 20) }
    }

    fn found(sent: i64, received: i64, requested: i64) -> Found {
        let sighting = Sighting {
            nonce: "a".into(),
            received: at(received),
            source: Source::File,
            requested: Some(at(requested)),
        };
        Found::of(&marked(sent), &sighting)
    }

    #[test]
    fn delay_and_skew_are_what_is_certain() {
        let of = |received, requested| {
            let found = found(0, received, requested);
            (found.delay.as_millis(), found.skew.as_millis())
        };
        assert_eq!(of(120, 10), (100, 0));
        assert_eq!(of(5, 20), (0, 0), "before the answer");
        assert_eq!(of(120, -300), (100, -300));
        assert_eq!(of(120, 520), (100, 500));
    }

    #[test]
    fn two_in_a_row_are_a_gap_from_the_last_that_came() {
        let mut course = Course::default();
        assert_eq!(course.marked("a", &marked(0), Some(found(0, 50, 0))), Turn::Ends);
        assert_eq!(course.marked("b", &marked(1000), None), Turn::Nothing);
        assert_eq!(course.marked("c", &marked(2000), Some(found(2000, 2050, 2000))), Turn::Ends);
        assert_eq!(course.marked("d", &marked(3000), None), Turn::Nothing);
        assert_eq!(course.marked("e", &marked(4000), None), Turn::Begins { from: at(2000) });
        assert_eq!(course.marked("f", &marked(5000), None), Turn::Nothing, "it goes on");
        assert_eq!(course.marked("g", &marked(6000), Some(found(6000, 6001, 6000))), Turn::Ends);
        assert_eq!(course.marked("h", &marked(7000), None), Turn::Nothing);
    }

    #[test]
    fn without_one_that_came_it_is_from_the_first_that_did_not() {
        let mut course = Course::default();
        course.marked("a", &marked(0), None);
        assert_eq!(course.marked("b", &marked(1000), None), Turn::Begins { from: at(0) });
    }
}
