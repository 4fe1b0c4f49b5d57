use crate::message::{LEAST, Origin};
use snc_core::text::Refusal;
use std::path::PathBuf;
use std::time::Duration;

/// Far more than any event is.
const MOST: usize = 16 << 20;
/// The peer's kernel has half of it to acknowledge.
const SHORTEST_SETTLE: Duration = Duration::from_millis(200);
const LONGEST_SETTLE: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Of whoever sends, as the receiver is to see it.
    pub hostname: String,
    pub cursor: PathBuf,
    /// Of a message, in bytes. Receivers take 8,192 as RFC 5425 recommends; many cut longer ones without a word.
    pub message: usize,
    /// How long a connection has to stand after a record was written before the record counts as delivered.
    pub settle: Duration,
    /// Read from the source and written at a time.
    pub batch: usize,
    /// TCP and TLS together.
    pub connect: Duration,
    /// For one batch.
    pub write: Duration,
    pub backoff: Duration,
    pub longest_backoff: Duration,
    /// How often the source is asked while it has nothing new.
    pub idle: Duration,
}

impl Settings {
    pub fn new(hostname: impl Into<String>, cursor: PathBuf) -> Self {
        Self {
            hostname: hostname.into(),
            cursor,
            message: 8192,
            settle: Duration::from_secs(10),
            batch: 256 << 10,
            connect: Duration::from_secs(10),
            write: Duration::from_secs(60),
            backoff: Duration::from_millis(500),
            longest_backoff: Duration::from_secs(60),
            idle: Duration::from_millis(500),
        }
    }

    pub(crate) fn origin(&self) -> Result<Origin, Refusal> {
        if !(LEAST..=MOST).contains(&self.message) {
            let (fr, en) = (format!("de {LEAST} à {MOST} octets"), format!("{LEAST} to {MOST} bytes"));
            return Err(Refusal::new("message", self.message.to_string(), fr, en));
        }
        if !(SHORTEST_SETTLE..=LONGEST_SETTLE).contains(&self.settle) {
            let (fr, en) = ("de 0,2 à 600 secondes", "0.2 to 600 seconds");
            return Err(Refusal::new("settle", format!("{:?}", self.settle), fr, en));
        }
        Ok(Origin::new(&self.hostname, self.message))
    }
}
