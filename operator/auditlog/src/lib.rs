//! The audit log as it is kept: records that are chained, segments that are signed, heads over all of them, anchors
//! outside; and the proof that none of it was changed, removed or put back.
//!
//! Nothing here knows Kubernetes, and nothing reads the clock: whoever calls says what time it is.

mod access;
mod anchor;
mod canonical;
mod catalogue;
mod csv;
mod digest;
mod error;
mod export;
mod facts;
mod finding;
mod head;
mod index;
mod inventory;
mod keychain;
mod keys;
mod layout;
mod manifest;
mod merkle;
mod query;
mod reader;
mod record;
mod segment;
mod sign;
mod signed;
mod store;
mod verify;
mod writer;

#[cfg(test)]
mod kit;

pub use access::Store;
pub use anchor::{Anchor, AnchorLine, NotAnAnchor, publish};
pub use csv::{HEADS as CSV_HEADS, of as csv_cells};
pub use digest::{Chain, Digest, NotAHash};
pub use error::Error;
pub use export::{Export, Format, export, verify_export};
pub use finding::{Aside, Finding, Note, What};
pub use head::{Head, Proof};
pub use inventory::{Forecast, Inventory};
pub use keychain::{Key, Keychain, Statement};
pub use keys::Keys;
pub use manifest::{Expired, Manifest, Stored};
pub use merkle::{Leaf, Side, Step};
pub use query::{Cursor, Page, Query};
pub use reader::{Reader, query};
pub use record::{NewRecord, NotARecord, Record, Source};
pub use segment::SegmentBuilder;
pub use sign::{Algorithm, KeyId, NotAKeyId, PublicKey, Signature};
pub use signed::Seal;
pub use snc_audit::Partition;
pub use store::{Credentials, Kind, Lock, LockMode, Opened, Options, open};
pub use verify::{Check, KeyReport, PartitionReport, Report, Root, Tail, verify};
pub use writer::{Hold, Writer};
