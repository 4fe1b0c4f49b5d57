//! Signatures of images by keys that the platform holds: what cosign writes beside an image, read and judged.
//!
//! Nothing here is fetched. Whoever fetches hands in bytes, and bytes count only once their digest was computed here.

mod bundle;
mod json;
mod key;
mod listing;
mod scan;
mod simple;
mod subject;
mod trust;
mod verdict;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod made;

pub use bundle::{bundle, bundle_in};
pub use key::{Key, Keys};
pub use listing::{Detached, Listed, detached_in, referrers_in, referrers_tag, signature_tag};
pub use scan::{ScanKeys, statement};
pub use simple::simple;
pub use subject::{Blob, Subject, computed};
pub use trust::{Trust, Trusted};
pub use verdict::{Judged, Refused, Tally, Unknown, Verdict};

/// What is read at most; more than that is no answer.
pub mod limits {
    /// The size that the OCI distribution specification asks registries to accept.
    pub const MANIFEST: usize = 4 << 20;
    pub const LIST: usize = 4 << 20;
    pub const PAYLOAD: usize = 16 << 10;
    /// With entries of a transparency log and time stamps in it, which are not looked at.
    pub const BUNDLE: usize = 256 << 10;
    /// In base64. One of a key that is accepted has about 140.
    pub const SIGNATURE: usize = 1 << 10;
    /// Signatures of one image that are looked at.
    pub const SIGNATURES: usize = 32;
    pub const KEYS: usize = 16;
    pub const KEY_NAME: usize = 63;
}

/// Of artifacts that hold a signature.
pub const BUNDLE_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
