//! How far forwarding is.

use jiff::Timestamp;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Everything up to here is delivered, and that is written on disk: a source may forget it.
    pub through: u64,
    /// The last position of the source.
    pub last: u64,
    /// When the first record after `through` was taken in.
    pub oldest: Option<Timestamp>,
    /// When a record was delivered last.
    pub delivered: Option<Timestamp>,
    pub connected: bool,
    /// Why it is not, or what is wrong besides.
    pub error: Option<String>,
    /// Messages written, those written again after a lost connection, and those too long to be sent whole.
    pub written: u64,
    pub repeated: u64,
    pub truncated: u64,
    pub connections: u64,
    pub failures: u64,
    /// Records that the source had dropped before they were sent.
    pub lost: u64,
}

impl Progress {
    pub fn lag_records(&self) -> u64 {
        self.last.saturating_sub(self.through)
    }

    pub fn lag_seconds(&self, now: Timestamp) -> u64 {
        let oldest = self.oldest.filter(|_| self.lag_records() > 0);
        oldest.map_or(0, |oldest| now.duration_since(oldest).as_secs().try_into().unwrap_or(0))
    }
}
