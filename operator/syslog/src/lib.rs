//! Records to a syslog receiver: RFC 5424 messages over TLS as RFC 5425 frames them, from where it stopped.
//!
//! ```text
//! <109>1 2026-11-23T10:20:30.123456Z sink.example snc-audit - event [snc@32473 position="7" server="cp-1" auditID="…"
//! hash="…"] BOM{the event as it came}
//! ```
//! on one line, after the count of its octets. MSGID is `event`, `alarm`, `gap`, `anchor` or `hole`. A message that would
//! be larger than the receiver takes has `truncated="<bytes of the whole>"` among its names, and for a text a JSON object
//! with `truncated`, `bytes`, `hash` and, as `start`, the beginning; the whole is in the log, under the same hash.
//!
//! What is promised is *at least once, in order*. Syslog has no acknowledgement: that bytes were written says only that
//! this machine's kernel took them. So a record counts as delivered when it was written and flushed, and the connection
//! then stood for the settle time without an error; the peer's kernel has to acknowledge within half of that
//! (`TCP_USER_TIMEOUT`), or the connection is an error. Whatever comes after the last such record is sent again on the
//! next connection. What this cannot see: bytes that the receiver's kernel acknowledged, and that its process had not
//! read when it died more than the settle time later. A receiver that must lose nothing has to write down what it reads
//! at once; `position` and `hash` in each message let it find what came twice, and what never came.

mod cursor;
mod deliver;
mod forward;
mod message;
mod progress;
mod settings;
mod source;
mod target;

pub use cursor::{Cursor, Found};
pub use deliver::deliver;
pub use forward::Forwarder;
pub use message::{Kind, Message, Names, Origin, Severity, Written};
pub use progress::Progress;
pub use settings::Settings;
pub use source::{Batch, Item, Source, Unreadable};
pub use target::{Files, Target};

#[cfg(test)]
mod tests;
