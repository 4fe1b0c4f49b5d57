//! Watch events in, a snapshot out. The index holds facts, not objects: what a decision needs of a pod or a
//! policy is a few bytes.

mod claims;
mod facts;
pub mod fingerprint;
mod hosts;
mod images;
mod index;
mod pods;
mod record;

pub use facts::{
    Declared, ManagedKind, NamespaceFacts, NetworkPolicyFacts, ObjectKey, Observed, RecordFacts, Unreadable,
};
pub use hosts::{Hosts, Publisher};
pub use images::{About, Images};
pub use index::{Index, Key};
pub use pods::{Labels, PodFacts, PodLite, PodSummary};
pub use record::{Gap, Record, RecordError};
