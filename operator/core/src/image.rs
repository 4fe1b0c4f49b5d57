//! Container images: how they are named, and what scans found in them.

mod digest;
mod finding;
mod reference;
mod running;
mod scan;
mod severity;
mod signature;

pub use digest::Digest;
pub use finding::{Analysis, State, Vulnerability};
pub use reference::{Reference, is_place};
pub use running::digest_of_running;
pub use scan::{Finding, Name, Scan, Trust};
pub use severity::{Score, Severity};
pub use signature::{Signature, Signatures};
