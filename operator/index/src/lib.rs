//! Watch events in, a snapshot out. The index holds facts, not objects: what a decision needs of a pod or a
//! policy is a few bytes.

mod facts;
pub mod fingerprint;
mod index;
mod record;

pub use facts::{
    Declared, ManagedKind, NamespaceFacts, ObjectKey, Observed, PodFacts, PodLite, PodSummary, Unreadable,
};
pub use index::{Index, Key};
pub use record::{Gap, Record, RecordError};
