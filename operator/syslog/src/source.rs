//! Where records come from: the journal is the buffer, nothing is kept here.

use crate::message::Message;
use jiff::Timestamp;
use std::error::Error;

pub type Unreadable = Box<dyn Error + Send + Sync>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub position: u64,
    /// When it was taken in: lag is counted from there.
    pub received: Timestamp,
    pub message: Message,
}

/// What was read. Items are in the order of their positions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// The first position that is still there. Beyond the one asked for: what lies between is lost to forwarding.
    pub from: u64,
    pub items: Vec<Item>,
    /// Where to read on: everything before it is in `items`, or is not to be forwarded. The position asked for, where
    /// there is nothing yet.
    pub next: u64,
}

/// Positions begin at 1 and are never reused.
pub trait Source: Send + Sync + 'static {
    /// Of about so many bytes, and of one item at least where there is one.
    fn read_from(
        &self,
        position: u64,
        max_bytes: usize,
    ) -> impl Future<Output = Result<Batch, Unreadable>> + Send;

    /// The last position that is there, 0 before there is any.
    fn last(&self) -> u64;
}
